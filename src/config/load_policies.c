/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_policies.c - policies/: guardrails for all and an envelope for each agent.
 *
 * Holds:  (1) no guardrail permits; no envelope gives to anybody but its own agent.
 *         (2) a name in a scope or an annotation is the name of something that exists, so that no
 *             rule is silently dead.
 */
#include <cedar.h>

#include "base/map.h"
#include "config/load.h"
#include "core/policy.h"
#include "core/target.h"

#define BASE	  "policies/base/"
#define ENVELOPES "policies/agents/"

/* ---- Findings at a position in a policy text ---- */

static const struct json *at_pos(struct json *node, struct cedar_pos pos)
{
	*node = (struct json){.line = pos.line, .column = pos.column};
	return node;
}

static const struct json *at_policy(struct json *node, const struct cedar_policy *p)
{
	return at_pos(node, cedar_policy_pos(p));
}

/* "policies/agents/responder/x.cedar" -> "responder"; p == NULL for guardrails. */
static struct str agent_of_path(struct str path)
{
	if (!str_has_prefix(path, STR(ENVELOPES))) {
		return STR_NULL;
	}
	path = str_slice(path, sizeof(ENVELOPES) - 1, path.n);
	return str_slice(path, 0, str_find(path, '/'));
}

/* ---- Annotations ---- */

/* ids: of the policies so far, by @id. */
static void check_id(struct load *l, const struct cedar_policy *p, struct policy_fact *fact,
		     struct map *ids)
{
	struct str id = cedar_policy_annotation(p, "id");
	const struct policy_fact *other;
	struct json node;

	if (!id.p || id.n == 0) {
		load_warn(l, at_policy(&node, p),
			  "no @id: decisions will call this policy '" STR_FMT
			  "', which changes with the order of policies",
			  STR_ARG(cedar_policy_id(p)));
		return;
	}
	other = map_get(ids, id);
	if (other) {
		load_error(l, at_policy(&node, p),
			   "@id '" STR_FMT "' is used already, in " STR_FMT ":%u", STR_ARG(id),
			   STR_ARG(cedar_policy_source(other->policy)),
			   cedar_policy_pos(other->policy).line);
	} else {
		l->is_out_of_memory |= map_put(ids, id, fact) != RC_OK;
	}
}

/* "code: text" gives the denial that code; only some are a policy's to give. */
static void check_reason(struct load *l, const struct json *at, struct str text)
{
	struct str rest = text;
	struct str code = str_cut(&rest, ':');
	enum reason reason;
	struct str unused;

	if (rest.p && !policy_reason(text, &reason, &unused) && reason_from_code(code, &reason)) {
		load_error(l, at, "@reason: '" STR_FMT "' is no code that a policy may give",
			   STR_ARG(code));
	} else if (rest.p && str_find(code, '_') < code.n && str_find(code, ' ') == code.n &&
		   !reason_from_code(code, &reason)) {
		load_error(l, at, "@reason: '" STR_FMT "' is no reason code", STR_ARG(code));
	}
}

static void check_annotation(struct load *l, const struct cedar_policy *p,
			     const struct cedar_annotation *a)
{
	static const struct str known[] = {
	    {"id", 2}, {"gate", 4}, {"reason", 6}, {"control", 7}, {"shadow", 6}};
	struct nearest near = nearest_to(a->name);
	bool is_forbid = cedar_policy_effect(p) == CEDAR_FORBID;
	bool is_known = false;
	struct json node;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		is_known |= str_eq(a->name, known[i]);
		nearest_try(&near, known[i]);
	}
	at_pos(&node, a->pos);
	if (!is_known) {
		load_unknown(l, &node, "annotation is called", &near);
		return;
	}
	if (str_eq(a->name, STR("gate"))) {
		if (!is_forbid) {
			load_error(l, &node, "@gate is for forbid: it says who may lift it");
		}
		(void)load_check_gate(l, &node, a->value); /* it reports */
	}
	if (str_eq(a->name, STR("reason")) && !is_forbid) {
		load_error(l, &node, "@reason is for forbid: it says why not");
	}
	if (str_eq(a->name, STR("reason"))) {
		check_reason(l, &node, a->value);
	}
	if (a->value.n == 0 && !str_eq(a->name, STR("shadow"))) {
		load_error(l, &node, "@" STR_FMT " without a text", STR_ARG(a->name));
	}
}

/* ---- Scopes ---- */

static bool is_type(const struct cedar_uid *u, const char *type)
{
	return str_eq(cedar_uid_type(u), str_from(type));
}

static void wrong_type(struct load *l, const struct json *at, const char *variable, struct str type,
		       const char *expected)
{
	load_error(l, at, "%s is %s here, found '" STR_FMT "'", variable, expected, STR_ARG(type));
}

static void check_principal(struct load *l, const struct json *at, const struct cedar_uid *u)
{
	struct nearest near = nearest_to(cedar_uid_id(u));

	if (is_type(u, "Remit::Agent")) {
		for (size_t i = 0; i < l->b->n_agents; i++) {
			if (str_eq(l->b->agents[i].name, near.word)) {
				return;
			}
			nearest_try(&near, l->b->agents[i].name);
		}
		load_unknown(l, at, "agent", &near);
	} else if (is_type(u, "Remit::Team")) {
		for (size_t i = 0; i < l->b->n_agents; i++) {
			if (str_eq(l->b->agents[i].team, near.word)) {
				return;
			}
			nearest_try(&near, l->b->agents[i].team);
		}
		load_unknown(l, at, "agent is in team", &near);
	} else {
		wrong_type(l, at, "principal", cedar_uid_type(u), "Remit::Agent or Remit::Team");
	}
}

static bool is_upstream(const struct bundle *b, struct str id)
{
	return str_eq(id, STR("remit")) || bundle_upstream(b, id);
}

static void check_action(struct load *l, const struct json *at, const struct cedar_uid *u,
			 bool is_equal)
{
	struct str id = cedar_uid_id(u);
	struct nearest near = nearest_to(id);

	if (!is_type(u, "Remit::Action")) {
		wrong_type(l, at, "action", cedar_uid_type(u), "Remit::Action");
		return;
	}
	if (bundle_tool(l->b, id) || str_eq(id, STR("remit___declare_intent"))) {
		return;
	}
	if (is_upstream(l->b, id)) {
		if (is_equal) {
			load_error(l, at,
				   "'" STR_FMT "' is an upstream, so no call equals it: use 'in'",
				   STR_ARG(id));
		}
		return;
	}
	for (size_t i = 0; i < l->b->n_tools; i++) {
		nearest_try(&near, l->b->tools[i].public_name);
	}
	nearest_try(&near, STR("remit___declare_intent"));
	load_unknown(l, at, "tool or upstream", &near);
}

static void check_asset_group(struct load *l, const struct json *at, struct str name)
{
	const struct inventory *i = &l->b->inventory;
	struct nearest near = nearest_to(name);

	if (inventory_group(i, name)) {
		return;
	}
	for (size_t k = 0; k < i->n_groups; k++) {
		nearest_try(&near, i->groups[k].name);
	}
	load_unknown(l, at, "group of assets is called", &near);
}

static void check_service(struct load *l, const struct json *at, struct str name)
{
	const struct inventory *i = &l->b->inventory;
	struct nearest near = nearest_to(name);

	for (size_t k = 0; k < i->n_assets; k++) {
		if (str_eq(i->assets[k].service, name)) {
			return;
		}
		nearest_try(&near, i->assets[k].service);
	}
	load_unknown(l, at, "asset is of service", &near);
}

static void check_resource(struct load *l, const struct json *at, const struct cedar_uid *u)
{
	struct str id = cedar_uid_id(u);
	struct str canonical = STR_NULL;

	if (is_type(u, "Remit::Asset")) {
		if (target_parse(id, l->arena, &canonical) != REASON_NONE) {
			load_error(l, at, "'" STR_FMT "' is no single target kind:value",
				   STR_ARG(id));
		} else if (!str_eq(canonical, id)) {
			load_error(l, at,
				   "no target is ever written '" STR_FMT "'; did you mean '" STR_FMT
				   "'?",
				   STR_ARG(id), STR_ARG(canonical));
		}
	} else if (is_type(u, "Remit::Group")) {
		check_asset_group(l, at, id);
	} else if (is_type(u, "Remit::Service")) {
		check_service(l, at, id);
	} else if (!is_type(u, "Remit::Incident")) {
		wrong_type(l, at, "resource", cedar_uid_type(u),
			   "Remit::Asset, Remit::Group, Remit::Service or Remit::Incident");
	}
}

void load_check_entity(struct load *l, const struct json *at, const struct cedar_uid *uid)
{
	if (is_type(uid, "Remit::Agent") || is_type(uid, "Remit::Team")) {
		check_principal(l, at, uid);
	} else if (is_type(uid, "Remit::Action")) {
		check_action(l, at, uid, false);
	} else if (is_type(uid, "Remit::Asset") || is_type(uid, "Remit::Group") ||
		   is_type(uid, "Remit::Service")) {
		check_resource(l, at, uid);
	}
}

static void check_scope(struct load *l, const struct cedar_policy *p, enum cedar_variable variable)
{
	const struct cedar_scope *s = cedar_policy_scope(p, variable);
	struct json node;

	at_pos(&node, s->pos);
	for (size_t i = 0; i < s->n_uids; i++) {
		switch (variable) {
		case CEDAR_PRINCIPAL:
			check_principal(l, &node, s->uids[i]);
			break;
		case CEDAR_ACTION:
			check_action(l, &node, s->uids[i], s->op == CEDAR_SCOPE_EQ);
			break;
		case CEDAR_RESOURCE:
			check_resource(l, &node, s->uids[i]);
			break;
		case CEDAR_CONTEXT:
			break; /* has no scope */
		}
	}
	if (s->op == CEDAR_SCOPE_IN_LIST && s->n_uids == 0) {
		load_error(l, &node, "an empty list never matches");
	}
}

/* ---- Whose policy is it? ---- */

static void check_place(struct load *l, const struct cedar_policy *p)
{
	struct str agent = agent_of_path(cedar_policy_source(p));
	const struct cedar_scope *principal = cedar_policy_scope(p, CEDAR_PRINCIPAL);
	bool is_own = principal->op == CEDAR_SCOPE_EQ &&
		      is_type(principal->uids[0], "Remit::Agent") &&
		      str_eq(cedar_uid_id(principal->uids[0]), agent);
	struct json node;

	at_policy(&node, p);
	if (cedar_policy_effect(p) == CEDAR_PERMIT && !agent.p) {
		load_error(l, &node,
			   "guardrails forbid; a permit belongs under " ENVELOPES "<agent>/");
	} else if (cedar_policy_effect(p) == CEDAR_PERMIT && !is_own) {
		load_error(l, &node,
			   "every permit here must say principal == Remit::Agent::\"" STR_FMT "\"",
			   STR_ARG(agent));
	} else if (agent.p && !is_own) {
		load_warn(l, &node,
			  "this forbid is for more than agent '" STR_FMT
			  "'; rules for all belong under " BASE,
			  STR_ARG(agent));
	}
}

static void check_policy(struct load *l, const struct cedar_policy *p, struct policy_fact *fact,
			 struct map *ids)
{
	size_t before = l->f->n_errors;
	const struct cedar_annotation *annotations;
	size_t n = 0;

	l->file = cedar_policy_source(p);
	annotations = cedar_policy_annotations(p, &n);
	for (size_t i = 0; i < n; i++) {
		check_annotation(l, p, &annotations[i]);
	}
	check_id(l, p, fact, ids);
	check_place(l, p);
	check_scope(l, p, CEDAR_PRINCIPAL);
	check_scope(l, p, CEDAR_ACTION);
	check_scope(l, p, CEDAR_RESOURCE);
	fact->n_errors = l->f->n_errors - before;
}

/* ---- The whole ---- */

static void check_envelopes(struct load *l, const struct policy_fact *facts)
{
	const struct cedar_policies *set = l->b->policies;

	for (size_t i = 0; i < l->b->n_agents; i++) {
		struct str name = l->b->agents[i].name;
		bool has_permit = false;
		bool has_live = false;

		for (size_t k = 0; k < cedar_policies_count(set); k++) {
			const struct cedar_policy *p = cedar_policies_at(set, k);
			bool is_permit = cedar_policy_effect(p) == CEDAR_PERMIT &&
					 str_eq(agent_of_path(cedar_policy_source(p)), name);

			has_permit |= is_permit;
			has_live |= is_permit && !facts[k].is_dead;
		}
		if (!has_live) {
			l->file = arena_strf(l->arena, "agents/" STR_FMT ".yaml", STR_ARG(name));
			load_warn(l, NULL,
				  "no permit under " ENVELOPES STR_FMT
				  "/%s: this agent can do nothing",
				  STR_ARG(name), has_permit ? " can hold" : "");
		}
	}
}

static void check_directory(struct load *l, struct str path)
{
	struct str agent = agent_of_path(path);
	struct nearest near = nearest_to(agent);

	if (!agent.p || bundle_agent_named(l->b, agent)) {
		return;
	}
	for (size_t i = 0; i < l->b->n_agents; i++) {
		nearest_try(&near, l->b->agents[i].name);
	}
	load_unknown(l, NULL, "agent", &near);
}

static void report_parse(struct load *l, const struct cedar_builder *builder, const struct err *e)
{
	const struct cedar_error *error = cedar_builder_error(builder);
	struct json node;

	if (error->class == CEDAR_ERROR_PARSE && error->subject.n > 0) {
		load_error(l, at_pos(&node, error->pos), STR_FMT, STR_ARG(error->subject));
	} else {
		load_error(l, NULL, "%s", e->msg);
	}
}

static void builder_cleanup(struct cedar_builder **b)
{
	cedar_builder_free(*b);
}

/* Types are checked when what they are made of is sound: else they would repeat what is wrong. */
static enum rc check_policies(struct load *l, bool is_sound, struct err *e)
{
	const struct cedar_policies *set = l->b->policies;
	size_t n = cedar_policies_count(set);
	struct policy_fact *facts = load_alloc(l, n, sizeof(*facts));
	AUTO_MAP ids = MAP_INIT;

	for (size_t k = 0; facts && k < n; k++) {
		facts[k].policy = cedar_policies_at(set, k);
		check_policy(l, facts[k].policy, &facts[k], &ids);
	}
	if (facts && is_sound) {
		TRY(load_check_policies(l, facts, e));
	}
	if (facts) {
		check_envelopes(l, facts);
	}
	return RC_OK;
}

enum rc load_policies(struct load *l, struct err *e)
{
	CLEANUP(builder_cleanup) struct cedar_builder *builder = NULL;
	bool is_sound = l->f->n_errors == 0;
	const struct tree_file *file;
	size_t i = 0;

	TRY(cedar_builder_new(&builder, e));
	while ((file = load_next_file(l, "policies", &i))) {
		struct err one = ERR_INIT;
		enum rc rc;

		l->file = file->path;
		check_directory(l, file->path);
		rc = cedar_builder_add(builder, file->path, file->bytes, &one);
		if (rc == RC_NOMEM) {
			return err_set(e, rc, __func__, "%s", one.msg);
		}
		if (rc != RC_OK) {
			report_parse(l, builder, &one);
		}
	}
	TRY(cedar_builder_finish(builder, &l->b->policies, e));
	return check_policies(l, is_sound, e);
}
