/* SPDX-License-Identifier: Apache-2.0 */
/* cli/policy_explain.c - remit policy explain.
 *
 * The state is folded up to the call, the call decided again (audit/audit.h), and the policies that
 * governed then are asked once more, with an eye on what they look at. Offline, so that arguments
 * are shown to whoever may read the keys they are sealed under, and to nobody else.
 */
#include "cli/policy_explain.h"

#include <cedar.h>
#include <inttypes.h>

#include "base/num.h"
#include "cli/log_state.h"
#include "core/policy.h"

enum { OUT_BYTES = 8 << 20, VALUE_BYTES = 64 * 1024 };

struct explaining {
	uint64_t ix;
	bool as_json;
	bool is_found;
	struct buf *out;
	struct json_out w;
};

static struct str name_of(const struct cedar_policy *p)
{
	struct str id = cedar_policy_annotation(p, "id");

	return id.n ? id : cedar_policy_id(p);
}

static const char *kind_of(const struct cedar_policy *p)
{
	return cedar_policy_effect(p) == CEDAR_PERMIT ? "permit" : "forbid";
}

/* ---- one policy ---- */

static enum rc value_text(const struct cedar_look *l, struct buf *b)
{
	if (!l->is_there) {
		return buf_add(b, STR("not there"));
	}
	return l->value ? cedar_value_print(b, l->value) : buf_add(b, STR("there"));
}

static enum rc policy_json(struct explaining *x, const struct cedar_explanation *p, struct err *e)
{
	AUTO_BUF error = BUF_INIT(4096);

	json_out_object(&x->w);
	json_out_key_str(&x->w, "policy", name_of(p->policy));
	json_out_key_str(&x->w, "kind", str_from(kind_of(p->policy)));
	json_out_key_str(&x->w, "outcome", str_from(cedar_stance_name(p->stance)));
	json_out_key_bool(&x->w, "shadow", cedar_policy_annotation(p->policy, "shadow").p != NULL);
	json_out_key_str(&x->w, "gate", cedar_policy_annotation(p->policy, "gate"));
	json_out_key_str(&x->w, "reason", cedar_policy_annotation(p->policy, "reason"));
	if (p->stance == CEDAR_STANCE_FAILED) {
		TRY(cedar_error_print(&error, &p->error));
		json_out_key_str(&x->w, "error", buf_view(&error));
	}
	json_out_key(&x->w, STR("looked_at"));
	json_out_array(&x->w);
	for (size_t i = 0; i < p->n_looks; i++) {
		AUTO_BUF value = BUF_INIT(VALUE_BYTES);

		if (value_text(&p->looks[i], &value) != RC_OK) {
			buf_reset(&value);
			TRY(buf_add(&value, STR("too long to show")));
		}
		json_out_object(&x->w);
		json_out_key_str(&x->w, "path", p->looks[i].path);
		json_out_key_bool(&x->w, "there", p->looks[i].is_there);
		if (p->looks[i].value) {
			json_out_key_str(&x->w, "value", buf_view(&value));
		}
		json_out_close(&x->w);
	}
	json_out_close(&x->w);
	json_out_close(&x->w);
	(void)e; /* memory shows when it is printed */
	return RC_OK;
}

static enum rc policy_text(struct explaining *x, const struct cedar_explanation *p)
{
	struct str gate = cedar_policy_annotation(p->policy, "gate");
	struct str reason = cedar_policy_annotation(p->policy, "reason");
	bool is_shadow = cedar_policy_annotation(p->policy, "shadow").p != NULL;

	TRY(buf_addf(x->out, "  %s " STR_FMT ": %s", kind_of(p->policy),
		     STR_ARG(name_of(p->policy)), cedar_stance_name(p->stance)));
	if (is_shadow) {
		TRY(buf_add(x->out, STR(", not enforced (@shadow)")));
	}
	if (gate.n && p->stance == CEDAR_STANCE_SATISFIED) {
		TRY(buf_addf(x->out, ", behind gate " STR_FMT, STR_ARG(gate)));
	}
	if (reason.n && p->stance == CEDAR_STANCE_SATISFIED) {
		TRY(buf_addf(x->out, " (" STR_FMT ")", STR_ARG(reason)));
	}
	TRY(buf_add_char(x->out, '\n'));
	if (p->stance == CEDAR_STANCE_FAILED) {
		TRY(buf_add(x->out, STR("      ")));
		TRY(cedar_error_print(x->out, &p->error));
		TRY(buf_add_char(x->out, '\n'));
	}
	for (size_t i = 0; i < p->n_looks; i++) {
		AUTO_BUF value = BUF_INIT(VALUE_BYTES);

		if (value_text(&p->looks[i], &value) != RC_OK) {
			buf_reset(&value);
			TRY(buf_add(&value, STR("too long to show")));
		}
		TRY(buf_addf(x->out, "      " STR_FMT " = " STR_FMT "\n", STR_ARG(p->looks[i].path),
			     STR_ARG(buf_view(&value))));
	}
	return RC_OK;
}

/* ---- the call ---- */

static enum rc explain_target(struct explaining *x, const struct audit_decision *d,
			      const struct policy_case *c, const struct cedar_uid *target,
			      struct err *e)
{
	const struct cedar_request request = {.principal = c->principal,
					      .action = c->action,
					      .resource = target,
					      .context = c->context};
	const struct cedar_explanation *all;
	AUTO_BUF name = BUF_INIT(4096);
	size_t out_of_scope = 0;
	size_t n;

	TRY(cedar_explain(d->bundle->policies, c->entities, &request, d->arena, &all, &n, e));
	TRY(cedar_uid_print(&name, target));
	if (x->as_json) {
		json_out_object(&x->w);
		json_out_key_str(&x->w, "resource", buf_view(&name));
		json_out_key(&x->w, STR("policies"));
		json_out_array(&x->w);
	} else {
		TRY(buf_addf(x->out, STR_FMT "\n", STR_ARG(buf_view(&name))));
	}
	for (size_t i = 0; i < n; i++) {
		if (all[i].stance == CEDAR_STANCE_OUT_OF_SCOPE) {
			out_of_scope++;
		} else {
			TRY(x->as_json ? policy_json(x, &all[i], e) : policy_text(x, &all[i]));
		}
	}
	if (x->as_json) {
		json_out_close(&x->w);
		json_out_key_u64(&x->w, "out_of_scope", out_of_scope);
		json_out_close(&x->w);
		return RC_OK;
	}
	return buf_addf(x->out, "  %zu policies are about something else\n", out_of_scope);
}

static enum rc head(struct explaining *x, const struct audit_decision *d)
{
	struct str verdict = verdict_name(d->now->verdict);
	struct str reason = reason_code(d->now->reason);
	struct str tool = d->leaf->kind == LEAF_CALL_DECIDED ? d->leaf->call_decided.tool
							     : d->leaf->approval_opened.tool;

	if (x->as_json) {
		json_out_key_u64(&x->w, "leaf", d->ix);
		json_out_key_str(&x->w, "tool", tool);
		json_out_key_str(&x->w, "verdict", verdict);
		json_out_key_str(&x->w, "reason", reason);
		json_out_key_str(&x->w, "detail", d->now->detail);
		json_out_key_bool(&x->w, "as_in_the_log", d->outcome == AUDIT_EQUAL);
		json_out_key_str(&x->w, "difference", d->why);
		return RC_OK;
	}
	TRY(buf_addf(x->out, "leaf %" PRIu64 ", " STR_FMT ": " STR_FMT " " STR_FMT, d->ix,
		     STR_ARG(tool), STR_ARG(verdict), STR_ARG(reason)));
	if (d->now->detail.n) {
		TRY(buf_addf(x->out, " (" STR_FMT ")", STR_ARG(d->now->detail)));
	}
	return d->outcome == AUDIT_EQUAL
		   ? buf_add_char(x->out, '\n')
		   : buf_addf(x->out, "\nthe log says otherwise: " STR_FMT "\n", STR_ARG(d->why));
}

static enum rc explain(struct explaining *x, const struct audit_decision *d, struct err *e)
{
	struct policy_case c = {0};
	struct call_request q;
	struct err why = ERR_INIT;
	enum rc rc;

	TRY(head(x, d));
	TRY(recompute_request(d->leaf, &d->values, d->arena, &q, e));
	rc = decide_case(d->state, d->bundle, &q, &d->now->d, d->arena, &c, &why);
	if (x->as_json) {
		json_out_key_bool(&x->w, "policies_were_asked", rc == RC_OK);
		json_out_key(&x->w, STR("targets"));
		json_out_array(&x->w);
	}
	if (rc == RC_ABSENT) {
		TRY(x->as_json
			? RC_OK
			: buf_add(x->out, STR("the policies were not asked: what comes before "
					      "them decided\n")));
	} else if (rc != RC_OK) {
		return err_set(e, rc, __func__, "%s", why.msg);
	}
	for (size_t i = 0; rc == RC_OK && i < c.n_resources; i++) {
		TRY(explain_target(x, d, &c, c.resources[i], e));
	}
	if (x->as_json) {
		json_out_close(&x->w);
	}
	return RC_OK;
}

static bool is_of_an_agent(const struct leaf *l)
{
	return l->kind == LEAF_APPROVAL_OPENED ||
	       (l->kind == LEAF_CALL_DECIDED && str_eq(l->call_decided.purpose, STR("agent")));
}

static enum rc take(void *ctx, const struct audit_decision *d, struct err *e)
{
	struct explaining *x = ctx;

	if (d->ix != x->ix) {
		return RC_OK;
	}
	x->is_found = true;
	if (!is_of_an_agent(d->leaf)) {
		FAIL(e, RC_INPUT, "leaf %" PRIu64 " is no call of an agent: policies are not asked",
		     x->ix);
	}
	if (!d->now) {
		FAIL(e, d->outcome == AUDIT_NO_KEYS ? RC_DENIED : RC_ABSENT,
		     "not recomputable: " STR_FMT, STR_ARG(d->why));
	}
	return explain(x, d, e);
}

static enum rc run(const struct log_state_options *o, struct explaining *x, struct err *e)
{
	const struct audit_watch watch = {.ctx = x, .decision = take};
	struct log_state *s = NULL;
	struct audit_source source;
	uint64_t n;
	enum rc rc;

	TRY(log_state_open(o, &s, e));
	source = log_state_source(s);
	x->w = json_out_to(x->out);
	if (x->as_json) {
		json_out_object(&x->w);
	}
	rc = audit_walk(&source, x->ix, &watch, &n, e);
	log_state_free(s);
	TRY(rc);
	if (!x->is_found) {
		FAIL(e, RC_ABSENT, "leaf %" PRIu64 " is no decision", x->ix);
	}
	if (x->as_json) {
		json_out_close(&x->w);
		TRY(json_out_end(&x->w, e));
		return buf_add_char(x->out, '\n');
	}
	return RC_OK;
}

int cli_policy_explain(const struct cli_command *c, int argc, char **argv)
{
	AUTO_BUF out = BUF_INIT(OUT_BYTES);
	struct explaining x = {.out = &out};
	struct log_state_options o;
	struct err e = ERR_INIT;
	struct str id;
	int bad = log_state_parse(c, argc, argv, "call or question (c17, a18)", &o);

	if (bad) {
		return bad;
	}
	id = str_from(o.positional);
	id = str_slice(id, id.n && (id.p[0] == 'c' || id.p[0] == 'a') ? 1 : 0, id.n);
	if (!num_u64(id, UINT64_MAX - 1, &x.ix)) {
		return cli_misuse(c, "'%s' is no call", o.positional);
	}
	x.as_json = o.as_json;
	return run(&o, &x, &e) == RC_OK ? cli_print(buf_view(&out)) : cli_fail(c, &e);
}
