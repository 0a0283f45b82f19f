/* SPDX-License-Identifier: Apache-2.0 */
/* core/policy.c - Cedar's answer, read with Remit's annotations.
 *
 * Holds:  (1) it permits only if for every resource an enforced permit is satisfied, no enforced
 *             forbid without a gate is, and no enforced forbid failed.
 *         (2) a permit that fails does not permit.
 *         (3) without the annotations the same policies answer the same or more strictly.
 */
#include "core/policy.h"

#include <cedar.h>

/* Names without duplicates, at most max. */
struct names {
	struct str *p;
	size_t n;
	size_t max;
	bool is_over;
};

/* What a policy may say in Remit's own words. Codes that speak of identity, approvals or the log
 * are not among them. */
static const enum reason given[] = {
    REASON_CHAIN_FORBIDDEN,    REASON_EGRESS_DENIED,	 REASON_TAINTED_INPUT,
    REASON_INVARIANT_VIOLATED, REASON_TARGET_NOT_OWNED,	 REASON_DATA_SCOPE,
    REASON_INTENT_MISMATCH,    REASON_ENV_MISMATCH,	 REASON_CONTROL_PLANE,
    REASON_BLAST_RADIUS,       REASON_EVIDENCE_REQUIRED, REASON_TARGET_IN_USE,
};

struct asking {
	const struct cedar_policies *set;
	struct arena *arena;
	struct names permits; /* and gated forbids: what the permission rests on */
	struct names denies;
	struct names shadow;
	struct names gates;
	enum reason gate_reason;
	struct str gate_detail;
	enum reason reason;
	struct str detail;
};

static void names_add(struct names *l, struct str name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (str_eq(l->p[i], name)) {
			return;
		}
	}
	if (l->n == l->max) {
		l->is_over = true;
		return;
	}
	l->p[l->n++] = name;
}

static struct str name_of(const struct cedar_policy *p)
{
	struct str id = cedar_policy_annotation(p, "id");

	return id.n ? id : cedar_policy_id(p);
}

static bool is_shadow(const struct cedar_policy *p)
{
	return cedar_policy_annotation(p, "shadow").p != NULL;
}

bool policy_reason(struct str text, enum reason *ret, struct str *ret_rest)
{
	struct str rest = text;
	struct str code = str_cut(&rest, ':');
	enum reason r;

	if (!rest.p || !reason_from_code(code, &r)) {
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		if (given[i] == r) {
			*ret = r;
			*ret_rest = str_trim(rest);
			return true;
		}
	}
	return false;
}

/* Earlier reasons stand. */
static void refuse(struct asking *a, enum reason reason, struct str detail)
{
	if (a->reason == REASON_NONE) {
		a->reason = reason;
		a->detail = detail;
	}
}

static void read_forbids(struct asking *a, const struct cedar_response *r)
{
	for (size_t i = 0; i < r->n_forbids; i++) {
		const struct cedar_policy *p = cedar_policies_at(a->set, r->forbids[i]);
		struct str gate = cedar_policy_annotation(p, "gate");
		struct str text = cedar_policy_annotation(p, "reason");

		if (is_shadow(p)) {
			names_add(&a->shadow, name_of(p));
		} else if (gate.n) {
			names_add(&a->gates, gate);
			names_add(&a->permits, name_of(p));
			if (a->gate_reason == REASON_NONE) {
				(void)policy_reason(text, &a->gate_reason, &a->gate_detail);
			}
		} else {
			enum reason reason = REASON_FORBIDDEN;

			names_add(&a->denies, name_of(p));
			(void)policy_reason(text, &reason, &text); /* prose is forbidden's text */
			refuse(a, reason, text);
		}
	}
}

static enum rc read_errors(struct asking *a, const struct cedar_response *r, struct err *e)
{
	for (size_t i = 0; i < r->n_errors; i++) {
		const struct cedar_policy *p = cedar_policies_at(a->set, r->errors[i].policy);
		AUTO_BUF text = BUF_INIT(1024);
		struct str detail;

		if (cedar_policy_effect(p) == CEDAR_PERMIT) {
			continue; /* (2) */
		}
		if (is_shadow(p)) {
			names_add(&a->shadow, name_of(p));
			continue;
		}
		/* A sentence that does not fit is left out: the policy's name says enough. */
		if (cedar_error_print(&text, &r->errors[i].error) != RC_OK) {
			buf_reset(&text);
		}
		detail = arena_str(a->arena, buf_view(&text));
		if (!detail.p) {
			FAIL(e, RC_NOMEM, "no memory for a decision");
		}
		names_add(&a->denies, name_of(p));
		refuse(a, REASON_POLICY_ERROR, detail);
	}
	return RC_OK;
}

static void read_permits(struct asking *a, const struct cedar_response *r)
{
	bool is_permitted = false;

	for (size_t i = 0; i < r->n_permits; i++) {
		const struct cedar_policy *p = cedar_policies_at(a->set, r->permits[i]);

		if (!is_shadow(p)) {
			is_permitted = true;
			names_add(&a->permits, name_of(p));
		}
	}
	if (!is_permitted) {
		refuse(a, REASON_NO_RULE, STR_NULL);
	}
}

static enum rc ask_one(struct asking *a, const struct policy_case *c,
		       const struct cedar_uid *resource, struct err *e)
{
	const struct cedar_request request = {
	    .principal = c->principal,
	    .action = c->action,
	    .resource = resource,
	    .context = c->context,
	};
	struct cedar_response response;

	TRY(cedar_authorize(a->set, c->entities, &request, a->arena, &response, e));
	read_forbids(a, &response);
	TRY(read_errors(a, &response, e));
	read_permits(a, &response);
	return RC_OK;
}

static bool names_new(struct names *l, size_t max, struct arena *arena)
{
	*l = (struct names){.p = arena_alloc_n(arena, max, sizeof(struct str)), .max = max};
	return l->p != NULL;
}

static struct str_list list_of(const struct names *l)
{
	return (struct str_list){.p = l->p, .n = l->n};
}

enum rc policy_ask(const struct cedar_policies *set, const struct policy_case *c,
		   struct arena *arena, struct policy_answer *ret, struct err *e)
{
	struct asking a = {.set = set, .arena = arena};

	*ret = (struct policy_answer){.reason = REASON_POLICY_UNVERIFIED};
	if (!set) {
		return RC_OK;
	}
	if (!names_new(&a.permits, POLICY_NAMES, arena) ||
	    !names_new(&a.denies, POLICY_NAMES, arena) ||
	    !names_new(&a.shadow, POLICY_NAMES, arena) ||
	    !names_new(&a.gates, POLICY_GATES, arena)) {
		FAIL(e, RC_NOMEM, "no memory for a decision");
	}
	MUST(c->n_resources > 0);
	for (size_t i = 0; i < c->n_resources && a.reason == REASON_NONE; i++) {
		TRY(ask_one(&a, c, c->resources[i], e));
	}
	if (a.reason == REASON_NONE && (a.permits.is_over || a.gates.is_over)) {
		refuse(&a, REASON_LIMIT,
		       STR("more policies or gates bear on this than a decision records"));
	}
	*ret = (struct policy_answer){
	    .reason = a.reason,
	    .detail = a.detail,
	    .policies = list_of(a.reason == REASON_NONE ? &a.permits : &a.denies),
	    .shadow = list_of(&a.shadow),
	    .gates = list_of(&a.gates),
	    .gate_reason = a.gate_reason,
	    .gate_detail = a.gate_detail,
	};
	return RC_OK;
}
