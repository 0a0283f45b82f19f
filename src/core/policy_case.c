/* SPDX-License-Identifier: Apache-2.0 */
/* core/policy_case.c - a call or an intent as Cedar sees it.
 *
 * Trust:  arguments are an agent's. They become values under context.input (core/input.h), and
 *         nowhere else.
 * Holds:  (1) a request and its entities are what config/policy_schema.c says of them: whoever adds
 *             something here adds it there, and a test compares them.
 */
#include <cedar.h>

#include "core/policy.h"

enum { MAX_FIELDS = READ_CLASSES + 16 }; /* task.reads has the most */

/* A record being built. The first failure sticks and is reported by record_end. */
struct record {
	struct arena *arena;
	struct err *e;
	enum rc rc;
	struct cedar_field fields[MAX_FIELDS];
	size_t n;
};

static struct record record_new(struct arena *arena, struct err *e)
{
	return (struct record){.arena = arena, .e = e, .rc = RC_OK};
}

static void put(struct record *r, struct str name, enum rc rc, const struct cedar_value *v)
{
	if (r->rc != RC_OK) {
		return;
	}
	r->rc = rc;
	if (rc == RC_OK) {
		MUST(r->n < MAX_FIELDS);
		r->fields[r->n++] = (struct cedar_field){.name = name, .value = v};
	}
}

static void put_bool(struct record *r, struct str name, bool b)
{
	const struct cedar_value *v = NULL;
	enum rc rc = cedar_value_bool(r->arena, b, &v, r->e);

	put(r, name, rc, v);
}

static void put_u64(struct record *r, struct str name, uint64_t u)
{
	const struct cedar_value *v = NULL;
	int64_t i = u > INT64_MAX ? INT64_MAX : (int64_t)u;
	enum rc rc = cedar_value_long(r->arena, i, &v, r->e);

	put(r, name, rc, v);
}

static void put_str(struct record *r, struct str name, struct str s)
{
	const struct cedar_value *v = NULL;
	enum rc rc = cedar_value_string(r->arena, s, &v, r->e);

	put(r, name, rc, v);
}

static enum rc set_of(struct arena *arena, const struct str_list *l, const struct cedar_value **ret,
		      struct err *e)
{
	const struct cedar_value **items = arena_alloc_n(arena, l->n, sizeof(*items));

	if (!items) {
		FAIL(e, RC_NOMEM, "no memory for a set");
	}
	for (size_t i = 0; i < l->n; i++) {
		TRY(cedar_value_string(arena, l->p[i], &items[i], e));
	}
	return cedar_value_set(arena, items, l->n, ret, e);
}

static void put_list(struct record *r, struct str name, const struct str_list *l)
{
	const struct cedar_value *v = NULL;
	enum rc rc = r->rc == RC_OK ? set_of(r->arena, l, &v, r->e) : r->rc;

	put(r, name, rc, v);
}

static enum rc record_end(struct record *r, const struct cedar_value **ret)
{
	TRY(r->rc);
	return cedar_value_record(r->arena, r->fields, r->n, ret, r->e);
}

static void put_record(struct record *r, struct str name, struct record *inner)
{
	const struct cedar_value *v = NULL;
	enum rc rc = record_end(inner, &v);

	put(r, name, rc, v);
}

/* ---- parts of the context ---- */

static const struct tool_use *use_of(const struct task *t, struct str tool)
{
	for (size_t i = 0; i < t->n_uses; i++) {
		if (str_eq(t->uses[i].tool, tool)) {
			return &t->uses[i];
		}
	}
	return NULL;
}

static void put_incident(struct record *r, const struct incident *i)
{
	struct record in = record_new(r->arena, r->e);
	char id[24];

	put_str(&in, STR("id"), id_text('i', i->ix, id));
	put_str(&in, STR("class"), i->class);
	put_u64(&in, STR("severity"), i->severity);
	put_str(&in, STR("status"), i->status == INCIDENT_OPEN ? STR("open") : STR("closed"));
	put_str(&in, STR("service"), i->service);
	put_str(&in, STR("environment"), i->environment);
	put_bool(&in, STR("regulated"), i->is_regulated);
	put_record(r, STR("incident"), &in);
}

/* How much of each class was read. */
static void put_reads(struct record *r, const struct task *t)
{
	struct record all = record_new(r->arena, r->e);

	for (size_t i = 0; i < t->read_classes.n; i++) {
		struct record one = record_new(r->arena, r->e);

		put_u64(&one, STR("results"), t->read_totals[i].results);
		put_u64(&one, STR("objects"), t->read_totals[i].objects);
		put_u64(&one, STR("bytes"), t->read_totals[i].bytes);
		put_record(&all, t->read_classes.p[i], &one);
	}
	put_record(r, STR("reads"), &all);
}

/* How often each tool of the grant, and each effect, was allowed so far. */
static enum rc count_of(struct arena *arena, const struct task *t, const struct cedar_value **ret,
			struct err *e)
{
	size_t n = t->tools.n;
	struct cedar_field *fields = arena_alloc_n(arena, n + EFFECTS, sizeof(*fields));
	uint64_t effects[EFFECTS] = {0};

	if (!fields) {
		FAIL(e, RC_NOMEM, "no memory for what a task did");
	}
	for (size_t i = 0; i < t->n_uses; i++) {
		for (unsigned k = 0; k < EFFECTS; k++) {
			effects[k] += t->uses[i].allowed_as[k];
		}
	}
	for (size_t i = 0; i < n; i++) {
		const struct tool_use *use = use_of(t, t->tools.p[i]);

		fields[i].name = t->tools.p[i];
		TRY(cedar_value_long(arena, use ? (int64_t)use->allowed : 0, &fields[i].value, e));
	}
	for (unsigned i = 0; i < EFFECTS; i++) {
		fields[n].name = effect_name((enum effect)i);
		TRY(cedar_value_long(arena, (int64_t)effects[i], &fields[n++].value, e));
	}
	return cedar_value_record(arena, fields, n, ret, e);
}

static void put_count(struct record *r, const struct task *t)
{
	const struct cedar_value *v = NULL;
	enum rc rc = r->rc == RC_OK ? count_of(r->arena, t, &v, r->e) : r->rc;

	put(r, STR("count"), rc, v);
}

/* The tools that succeeded at least once. */
static void put_succeeded(struct record *r, const struct task *t)
{
	struct str *names = arena_alloc_n(r->arena, t->n_uses + 1, sizeof(*names));
	struct str_list list = {.p = names};

	if (!names) {
		r->rc = r->rc == RC_OK ? err_set(r->e, RC_NOMEM, __func__, "no memory for tools")
				       : r->rc;
		return;
	}
	for (size_t i = 0; i < t->n_uses; i++) {
		if (t->uses[i].ok > 0) {
			names[list.n++] = t->uses[i].tool;
		}
	}
	put_list(r, STR("tools"), &list);
}

static uint64_t seconds_since(uint64_t then_unix_ms, uint64_t now_unix_ms)
{
	return now_unix_ms > then_unix_ms ? (now_unix_ms - then_unix_ms) / 1000 : 0;
}

/* Only what has happened is there. */
static void put_since(struct record *r, const struct task *t, uint64_t now_unix_ms)
{
	struct record in = record_new(r->arena, r->e);
	uint64_t last[EFFECTS] = {0};

	for (size_t i = 0; i < t->n_uses; i++) {
		for (unsigned k = 0; k < EFFECTS; k++) {
			uint64_t at = t->uses[i].last_ok_unix_ms[k];

			last[k] = at > last[k] ? at : last[k];
		}
	}
	for (unsigned i = 0; i < EFFECTS; i++) {
		if (last[i]) {
			put_u64(&in, effect_name((enum effect)i),
				seconds_since(last[i], now_unix_ms));
		}
	}
	for (size_t i = 0; i < t->n_label_uses; i++) {
		if (str_eq(t->label_uses[i].label, STR("untrusted")) && t->label_uses[i].results) {
			put_u64(&in, STR("untrusted"),
				seconds_since(t->label_uses[i].last_unix_ms, now_unix_ms));
		}
	}
	put_record(r, STR("since_s"), &in);
}

static void put_task(struct record *r, const struct task *t, uint64_t now_unix_ms)
{
	uint64_t age_ms = now_unix_ms > t->opened_unix_ms ? now_unix_ms - t->opened_unix_ms : 0;
	struct record in = record_new(r->arena, r->e);
	char id[24];

	put_str(&in, STR("id"), id_text('t', t->ix, id));
	put_str(&in, STR("phase"), t->phase);
	put_u64(&in, STR("calls"), t->calls);
	put_u64(&in, STR("deviations"), t->deviations);
	put_u64(&in, STR("targets"), t->n_touched);
	put_list(&in, STR("labels"), &t->labels);
	put_reads(&in, t);
	put_succeeded(&in, t);
	put_count(&in, t);
	put_since(&in, t, now_unix_ms);
	put_u64(&in, STR("age_s"), age_ms / 1000);
	put_record(r, STR("task"), &in);
}

static void put_system(struct record *r, uint64_t now_unix_ms)
{
	struct record in = record_new(r->arena, r->e);
	const struct cedar_value *v = NULL;
	enum rc rc = cedar_value_datetime_ms(r->arena, (int64_t)now_unix_ms, &v, r->e);

	put(&in, STR("now"), rc, v);
	put_record(r, STR("system"), &in);
}

/* ---- entities ---- */

static enum rc add_entity(struct cedar_entities *store, const struct cedar_uid *uid,
			  const struct cedar_value *attrs, const struct cedar_uid *parent,
			  struct err *e)
{
	const struct cedar_entity entity = {
	    .uid = uid,
	    .attrs = attrs,
	    .parents = &parent,
	    .n_parents = parent ? 1 : 0,
	};

	return cedar_entities_add(store, &entity, e);
}

static enum rc add_agent(struct cedar_entities *store, const struct agent *a, struct arena *arena,
			 const struct cedar_uid **ret, struct err *e)
{
	struct record r = record_new(arena, e);
	const struct cedar_uid *team = NULL;
	const struct cedar_value *attrs;

	put_str(&r, STR("environment"), a->environment);
	put_str(&r, STR("owner"), a->owner);
	TRY(record_end(&r, &attrs));
	if (a->team.n) {
		TRY(cedar_uid_new(arena, STR("Remit::Team"), a->team, &team, e));
	}
	TRY(cedar_uid_new(arena, STR("Remit::Agent"), a->name, ret, e));
	return add_entity(store, *ret, attrs, team, e);
}

/* The groups and the service that an asset is in. */
static enum rc asset_parents(const struct asset *a, struct arena *arena,
			     const struct cedar_uid ***ret, size_t *ret_n, struct err *e)
{
	const struct cedar_uid **parents =
	    arena_alloc_n(arena, a->groups.n + 1, sizeof(const struct cedar_uid *));
	size_t n = 0;

	if (!parents) {
		FAIL(e, RC_NOMEM, "no memory for an asset's groups");
	}
	for (size_t i = 0; i < a->groups.n; i++) {
		TRY(cedar_uid_new(arena, STR("Remit::Group"), a->groups.p[i], &parents[n++], e));
	}
	if (a->service.n) {
		TRY(cedar_uid_new(arena, STR("Remit::Service"), a->service, &parents[n++], e));
	}
	*ret = parents;
	*ret_n = n;
	return RC_OK;
}

static enum rc add_asset(struct cedar_entities *store, const struct inventory *inventory,
			 struct str target, struct arena *arena, const struct cedar_uid **ret,
			 struct err *e)
{
	const struct asset a = inventory_asset(inventory, target);
	struct record r = record_new(arena, e);
	const struct cedar_uid **parents;
	struct cedar_entity entity = {0};
	size_t colon = str_find(target, ':');

	put_str(&r, STR("kind"), str_slice(target, 0, colon));
	put_str(&r, STR("value"), str_slice(target, colon + 1, target.n));
	put_str(&r, STR("environment"), a.environment);
	put_str(&r, STR("service"), a.service);
	put_str(&r, STR("owner"), a.owner);
	put_str(&r, STR("team"), a.team);
	put_str(&r, STR("criticality"), a.is_crown_jewel ? STR("crown-jewel") : STR("standard"));
	put_bool(&r, STR("control_plane"), a.is_control_plane);
	put_bool(&r, STR("listed"), a.is_listed);
	put_list(&r, STR("labels"), &a.labels);
	TRY(record_end(&r, &entity.attrs));
	TRY(cedar_uid_new(arena, STR("Remit::Asset"), target, ret, e));
	TRY(asset_parents(&a, arena, &parents, &entity.n_parents, e));
	entity.uid = *ret;
	entity.parents = parents;
	return cedar_entities_add(store, &entity, e);
}

static enum rc add_incident(struct cedar_entities *store, const struct incident *i,
			    struct arena *arena, const struct cedar_uid **ret, struct err *e)
{
	struct record r = record_new(arena, e);
	const struct cedar_value *attrs;
	char id[24];

	put_str(&r, STR("class"), i->class);
	put_u64(&r, STR("severity"), i->severity);
	put_str(&r, STR("service"), i->service);
	put_str(&r, STR("environment"), i->environment);
	put_bool(&r, STR("regulated"), i->is_regulated);
	TRY(record_end(&r, &attrs));
	TRY(cedar_uid_new(arena, STR("Remit::Incident"), id_text('i', i->ix, id), ret, e));
	return add_entity(store, *ret, attrs, NULL, e);
}

/* The assets, or the incident when the call acts on none. */
static enum rc add_resources(struct cedar_entities *store, const struct inventory *inventory,
			     const struct str_list *targets, const struct incident *incident,
			     struct arena *arena, struct policy_case *ret, struct err *e)
{
	size_t n = targets->n ? targets->n : 1;
	const struct cedar_uid **resources = arena_alloc_n(arena, n, sizeof(*resources));

	if (!resources) {
		FAIL(e, RC_NOMEM, "no memory for resources");
	}
	if (targets->n == 0) {
		TRY(add_incident(store, incident, arena, &resources[0], e));
	}
	for (size_t i = 0; i < targets->n; i++) {
		TRY(add_asset(store, inventory, targets->p[i], arena, &resources[i], e));
	}
	ret->resources = resources;
	ret->n_resources = n;
	return RC_OK;
}

/* ---- the two requests ---- */

static const struct inventory no_inventory;

static void put_grant(struct record *r, const struct task *t)
{
	struct record in = record_new(r->arena, r->e);

	put_str(&in, STR("playbook"), t->playbook);
	put_str(&in, STR("goal"), t->goal_class);
	put_list(&in, STR("tools"), &t->tools);
	put_list(&in, STR("targets"), &t->targets);
	put_list(&in, STR("data"), &t->data);
	put_record(r, STR("intent"), &in);
}

static void put_signals(struct record *r, const struct policy_call *c)
{
	const struct cedar_value *v = NULL;
	enum rc rc = r->rc;

	if (rc == RC_OK) {
		rc = policy_signals(c->state, c->targets, c->now_unix_ms, r->arena, &v, r->e);
	}
	put(r, STR("signals"), rc, v);
}

/* What the call's arguments are to a policy. */
struct arguments {
	const struct cedar_value *value;
	bool has_undeclared;
};

static enum rc read_arguments(const struct policy_call *c, struct arena *arena,
			      struct cedar_entities *store, struct arguments *ret, struct err *e)
{
	if (!c->tool->arguments || json_type(c->args) != JSON_OBJECT) {
		ret->has_undeclared = json_type(c->args) == JSON_OBJECT && c->args->count > 0;
		return cedar_value_record(arena, NULL, 0, &ret->value, e);
	}
	return input_value(c->tool->arguments, c->args, arena, store, &ret->value,
			   &ret->has_undeclared, e);
}

static enum rc call_context(const struct policy_call *c, const struct arguments *args,
			    struct arena *arena, const struct cedar_value **ret, struct err *e)
{
	struct record r = record_new(arena, e);
	struct record evidence = record_new(arena, e);
	struct record taint = record_new(arena, e);
	const struct tool *t = c->tool;

	put_str(&r, STR("effect"), effect_name(c->what->effect));
	put_bool(&r, STR("changes_access"), c->what->changes_access);
	put_bool(&r, STR("deletes_data"), c->what->deletes_data);
	put_bool(&r, STR("touches_secrets"), c->what->touches_secrets);
	put_str(&r, STR("egress"), t->egress.n ? t->egress : STR("none"));
	put_str(&r, STR("gating"), t->gating);
	put_bool(&r, STR("reversible"),
		 c->what->effect == EFFECT_READ || t->inverse.tool.n > 0 || t->inverse_not_needed);
	put(&r, STR("input"), RC_OK, args->value);
	put_bool(&r, STR("undeclared"), args->has_undeclared);
	put_grant(&r, c->task);
	put_incident(&r, c->incident);
	put_task(&r, c->task, c->now_unix_ms);
	put_list(&r, STR("data"), &t->data);
	put_bool(&evidence, STR("captured"), c->has_evidence);
	put_record(&r, STR("evidence"), &evidence);
	put_bool(&taint, STR("arguments"), c->is_tainted);
	put_bool(&taint, STR("other_agent"), c->is_from_other);
	put_record(&r, STR("taint"), &taint);
	put_signals(&r, c);
	put_system(&r, c->now_unix_ms);
	return record_end(&r, ret);
}

/* Who would do what: the part of a case that depends neither on targets nor on context. */
static enum rc begin_case(const struct policy_call *c, struct arena *arena, struct policy_case *ret,
			  struct cedar_entities **store, struct err *e)
{
	const struct cedar_uid *upstream;

	TRY(cedar_entities_new(arena, NULL, store, e));
	TRY(add_agent(*store, c->agent, arena, &ret->principal, e));
	TRY(cedar_uid_new(arena, STR("Remit::Action"), c->tool->upstream->name, &upstream, e));
	TRY(cedar_uid_new(arena, STR("Remit::Action"), c->tool->public_name, &ret->action, e));
	return add_entity(*store, ret->action, NULL, upstream, e);
}

enum rc policy_case_of_call(const struct policy_call *c, struct arena *arena,
			    struct policy_case *ret, struct err *e)
{
	struct cedar_entities *store;
	struct arguments args = {0};

	TRY(begin_case(c, arena, ret, &store, e));
	TRY(add_resources(store, c->inventory ? c->inventory : &no_inventory, c->targets,
			  c->incident, arena, ret, e));
	TRY(read_arguments(c, arena, store, &args, e));
	TRY(cedar_entities_seal(store, e));
	ret->entities = store;
	return call_context(c, &args, arena, &ret->context, e);
}

enum rc policy_case_of_tool(const struct policy_call *c, struct arena *arena,
			    struct policy_case *ret, struct err *e)
{
	struct record r = record_new(arena, e);
	struct cedar_entities *store;

	*ret = (struct policy_case){0};
	TRY(begin_case(c, arena, ret, &store, e));
	TRY(cedar_entities_seal(store, e));
	ret->entities = store;
	put_grant(&r, c->task);
	put_incident(&r, c->incident);
	put_task(&r, c->task, c->now_unix_ms);
	put_list(&r, STR("data"), &c->tool->data);
	put_str(&r, STR("egress"), c->tool->egress.n ? c->tool->egress : STR("none"));
	return record_end(&r, &ret->context);
}

enum rc policy_case_of_intent(const struct policy_intent *i, struct arena *arena,
			      struct policy_case *ret, struct err *e)
{
	static const struct str_list no_targets;
	struct record r = record_new(arena, e);
	struct record intent = record_new(arena, e);
	const struct cedar_uid *own;
	struct cedar_entities *store;

	TRY(cedar_entities_new(arena, NULL, &store, e));
	TRY(add_agent(store, i->agent, arena, &ret->principal, e));
	TRY(cedar_uid_new(arena, STR("Remit::Action"), STR("remit"), &own, e));
	TRY(cedar_uid_new(arena, STR("Remit::Action"), STR("remit___declare_intent"), &ret->action,
			  e));
	TRY(add_entity(store, ret->action, NULL, own, e));
	TRY(add_resources(store, &no_inventory, &no_targets, i->incident, arena, ret, e));
	TRY(cedar_entities_seal(store, e));
	ret->entities = store;
	put_str(&intent, STR("playbook"), i->playbook);
	put_str(&intent, STR("goal"), i->goal);
	put_list(&intent, STR("tools"), i->tools);
	put_list(&intent, STR("targets"), i->targets);
	put_list(&intent, STR("data"), i->data);
	put_u64(&intent, STR("duration_s"), i->duration_ms / 1000);
	put_record(&r, STR("intent"), &intent);
	put_incident(&r, i->incident);
	put_system(&r, i->now_unix_ms);
	return record_end(&r, &ret->context);
}
