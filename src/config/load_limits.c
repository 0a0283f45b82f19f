/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_limits.c - limits.yaml, and the caps of playbooks: how much may happen in a while.
 *
 * Holds:  (1) two caps never share a counter: names are unique, and a `rate` has another window
 * than its cap. (2) a cap that could never bear on a call, or bounds nothing, is an error.
 */
#include "base/limits.h"
#include "base/num.h"
#include "config/load.h"
#include "core/breaker.h"

enum {
	WINDOW_MAX_MS = 24 * 3600 * 1000, /* what the state remembers of calls: STATE_HORIZON_MS */
	TARGET_HOLD_DEFAULT_MS = 15 * 60 * 1000, /* longer than a person needs to look */
	AMOUNT_MAX = 1000000,
};

#define CAP_KEYS                                                                                   \
	"name scope effect tools upstreams classes environments group per calls rate targets "     \
	"distinct_tools hops percent floor across otherwise"

/* A text, or a list of texts. */
static struct str_list load_texts(struct load *l, const struct json *node, const char *key)
{
	const struct json *value = json_get(node, str_from(key));
	struct str *one;

	if (json_type(value) == JSON_ARRAY) {
		return load_list(l, node, key, REQUIRED);
	}
	one = value ? load_alloc(l, 1, sizeof(*one)) : NULL;
	if (!one) {
		return (struct str_list){0};
	}
	*one = load_text(l, node, key, OPTIONAL);
	return (struct str_list){one, one->n ? 1 : 0};
}

static void load_scope(struct load *l, const struct json *node, struct cap *c)
{
	struct str scope = load_text(l, node, "scope", REQUIRED);
	struct str across = load_text(l, node, "across", OPTIONAL);

	if (str_eq(scope, STR("task"))) {
		c->scope = CAP_OF_TASK;
	} else if (str_eq(scope, STR("incident"))) {
		c->scope = CAP_OF_INCIDENT;
	} else if (str_eq(scope, STR("agent"))) {
		c->scope = CAP_OF_AGENT;
	} else if (str_eq(scope, STR("fleet"))) {
		c->scope = CAP_OF_FLEET;
	} else if (scope.n) {
		load_error(l, json_get(node, STR("scope")),
			   "'scope': expected task, incident, agent or fleet, found '" STR_FMT "'",
			   STR_ARG(scope));
	}
	if (across.n && !str_eq(across, STR("agents")) && !str_eq(across, STR("none"))) {
		load_error(l, json_get(node, STR("across")),
			   "'across': expected agents or none, found '" STR_FMT "'",
			   STR_ARG(across));
	} else if (across.n && (c->scope == CAP_OF_TASK || c->scope == CAP_OF_AGENT)) {
		load_error(l, json_get(node, STR("across")),
			   "'across': a task or an agent is one agent's anyway");
	} else if (str_eq(across, STR("none")) && c->scope == CAP_OF_FLEET) {
		load_error(l, json_get(node, STR("across")),
			   "'across': for each agent of its own is scope: agent");
	}
	c->is_per_agent = str_eq(across, STR("none"));
}

static void load_selectors(struct load *l, const struct json *node, struct cap *c)
{
	struct str_list effects = load_texts(l, node, "effect");
	struct nearest near;

	for (size_t i = 0; i < EFFECTS; i++) {
		c->effects[i] = effects.n == 0;
	}
	for (size_t i = 0; i < effects.n; i++) {
		enum effect effect;

		if (effect_from_name(effects.p[i], &effect)) {
			c->effects[effect] = true;
		} else {
			load_error(l, json_get(node, STR("effect")),
				   "'effect': expected read, contain or destroy, found '" STR_FMT
				   "'",
				   STR_ARG(effects.p[i]));
		}
	}
	c->tools = load_list(l, node, "tools", OPTIONAL);
	load_check_tools(l, json_get(node, STR("tools")));
	c->upstreams = load_texts(l, node, "upstreams");
	for (size_t i = 0; i < c->upstreams.n; i++) {
		if (bundle_upstream(l->b, c->upstreams.p[i])) {
			continue;
		}
		near = nearest_to(c->upstreams.p[i]);
		for (size_t k = 0; k < l->b->n_upstreams; k++) {
			nearest_try(&near, l->b->upstreams[k].name);
		}
		load_unknown(l, json_get(node, STR("upstreams")), "upstream is called", &near);
	}
	c->classes = load_texts(l, node, "classes");
	c->environments = load_texts(l, node, "environments");
}

static void load_group_bounds(struct load *l, const struct json *node, struct cap *c)
{
	const struct asset_group *group;
	struct nearest near;

	c->group = load_text(l, node, "group", OPTIONAL);
	c->percent = load_number(l, node, "percent", 1, 100, 0);
	c->floor = load_number(l, node, "floor", 1, LIMIT_CAP_GROUP, 0);
	if (c->group.n == 0) {
		if (c->percent || c->floor) {
			load_error(l, node,
				   "'percent' and 'floor' are of a group: 'group' is missing");
		}
		return;
	}
	group = inventory_group(&l->b->inventory, c->group);
	if (!group) {
		near = nearest_to(c->group);
		for (size_t i = 0; i < l->b->inventory.n_groups; i++) {
			nearest_try(&near, l->b->inventory.groups[i].name);
		}
		load_unknown(l, json_get(node, STR("group")), "group of assets is called", &near);
		return;
	}
	if ((c->percent || c->floor) && group->n_members > LIMIT_CAP_GROUP) {
		load_error(l, json_get(node, STR("group")),
			   "'group': a share of more than %d members is not counted",
			   LIMIT_CAP_GROUP);
	}
	if (c->percent && c->percent * group->n_members < 100) {
		load_warn(l, json_get(node, STR("percent")),
			  "'percent': of %zu members that is none: nothing in the group may be "
			  "changed",
			  group->n_members);
	}
	if (c->floor >= group->n_members) {
		load_warn(l, json_get(node, STR("floor")),
			  "'floor': the group has %zu members: nothing in it may be changed",
			  group->n_members);
	}
}

static void load_bound(struct load *l, const struct json *node, const char *key, struct cap *c,
		       enum cap_measure m)
{
	c->is_bound[m] = json_get(node, str_from(key)) != NULL;
	c->most[m] = load_number(l, node, key, 0, AMOUNT_MAX, 0);
}

static struct cap *add_cap(struct load *l, const struct json *at)
{
	if (!l->caps) {
		l->caps = load_alloc(l, LIMIT_CAPS, sizeof(*l->caps));
		l->b->caps = l->caps;
	}
	if (!l->caps || l->b->n_caps == LIMIT_CAPS) {
		load_error(l, at, "more than %d caps", LIMIT_CAPS);
		return NULL;
	}
	return &l->caps[l->b->n_caps++];
}

/* (1): "10/1m" is a cap of calls with a window of its own. */
static void load_rate(struct load *l, const struct json *node, const struct cap *of)
{
	const struct json *at = json_get(node, STR("rate"));
	struct str window = STR_NULL;
	struct str number;
	struct cap *c;
	uint64_t calls;
	uint64_t ms;

	if (!at) {
		return;
	}
	if (!json_str(at, &window)) {
		window = STR("");
	}
	number = str_cut(&window, '/');
	if (!num_u64(number, AMOUNT_MAX, &calls) || !window.p || !num_duration_ms(window, &ms) ||
	    ms == 0 || ms > WINDOW_MAX_MS) {
		load_error(l, at, "'rate': expected calls/window, such as 10/1m");
		return;
	}
	if (ms == of->window_ms && of->is_bound[CAP_CALLS]) {
		load_error(l, at, "'rate': 'calls' says how many in that window already");
		return;
	}
	c = add_cap(l, at);
	if (c) {
		*c = *of;
		c->window_ms = ms;
		c->percent = 0;
		c->floor = 0;
		for (unsigned m = 0; m < CAP_MEASURES; m++) {
			c->is_bound[m] = m == CAP_CALLS;
		}
		c->most[CAP_CALLS] = calls;
	}
}

/* (1), (2) */
static void check_cap(struct load *l, const struct json *node, const struct cap *c)
{
	bool is_bound = c->percent || c->floor || json_get(node, STR("rate"));
	bool counts = false;

	for (unsigned m = 0; m < CAP_MEASURES; m++) {
		counts |= c->is_bound[m];
	}
	if (!is_bound && !counts) {
		load_error(l, node,
			   "the cap bounds nothing: expected calls, rate, targets, distinct_tools, "
			   "hops, percent or floor");
	}
	if (counts && c->window_ms == 0 && (c->scope == CAP_OF_AGENT || c->scope == CAP_OF_FLEET)) {
		load_error(l, node, "'per' is missing: what an agent or all do has no end");
	}
	for (const struct cap *other = l->caps; other < c; other++) {
		if (str_eq(other->name, c->name)) {
			load_error(l, node, "cap '" STR_FMT "' is there already", STR_ARG(c->name));
			return;
		}
	}
}

static void load_cap(struct load *l, const struct json *node, struct str playbook)
{
	struct str otherwise;
	struct cap *c;

	if (!load_keys(l, node, "a cap", CAP_KEYS)) {
		return;
	}
	c = add_cap(l, node);
	if (!c) {
		return;
	}
	*c = (struct cap){.playbook = playbook};
	c->name = load_text(l, node, "name", REQUIRED);
	if (c->name.n && !name_is_valid(c->name)) {
		load_error(l, json_get(node, STR("name")), "'" STR_FMT "' is no name",
			   STR_ARG(c->name));
	}
	load_scope(l, node, c);
	load_selectors(l, node, c);
	load_group_bounds(l, node, c);
	c->window_ms = load_duration(l, node, "per", WINDOW_MAX_MS, 0);
	load_bound(l, node, "calls", c, CAP_CALLS);
	load_bound(l, node, "targets", c, CAP_TARGETS);
	load_bound(l, node, "distinct_tools", c, CAP_TOOLS);
	load_bound(l, node, "hops", c, CAP_HOPS);
	otherwise = load_text(l, node, "otherwise", OPTIONAL);
	c->asks = str_eq(otherwise, STR("ask"));
	if (otherwise.n && !c->asks && !str_eq(otherwise, STR("deny"))) {
		load_error(l, json_get(node, STR("otherwise")),
			   "'otherwise': expected deny or ask, found '" STR_FMT "'",
			   STR_ARG(otherwise));
	}
	check_cap(l, node, c);
	load_rate(l, node, c);
}

void load_caps(struct load *l, const struct json *doc, struct str playbook)
{
	const struct json *list = load_array(l, doc, "caps", OPTIONAL);

	for (const struct json *one = list ? list->child : NULL; one; one = one->next) {
		load_cap(l, one, playbook);
	}
}

static void load_breaker(struct load *l, const struct json *breakers, enum breaker_kind k,
			 const char *name)
{
	static const struct {
		uint64_t window_ms;
		uint64_t open_ms;
	} defaults[BREAKER_KINDS] = {
	    [BREAKER_LOOP] = {600000, 300000},	 [BREAKER_BURST] = {60000, 300000},
	    [BREAKER_ERRORS] = {300000, 300000}, [BREAKER_OSCILLATION] = {3600000, 900000},
	    [BREAKER_UPSTREAM] = {60000, 30000},
	};
	const struct json *one = load_map(l, breakers, name, OPTIONAL);
	struct breaker_rule *r = &l->b->breakers[k];

	if (!one || !load_keys(l, one, "a breaker", "calls per open")) {
		return;
	}
	(void)load_get(l, one, "calls", REQUIRED); /* it reports */
	r->most = load_number(l, one, "calls", 1, AMOUNT_MAX, 1);
	r->window_ms = load_duration(l, one, "per", WINDOW_MAX_MS, defaults[k].window_ms);
	r->open_ms = load_duration(l, one, "open", WINDOW_MAX_MS, defaults[k].open_ms);
}

static void load_breakers(struct load *l, const struct json *doc)
{
	const struct json *breakers = load_map(l, doc, "breakers", OPTIONAL);

	if (!breakers ||
	    !load_keys(l, breakers, "breakers", "loop burst errors oscillation upstream")) {
		return;
	}
	load_breaker(l, breakers, BREAKER_LOOP, "loop");
	load_breaker(l, breakers, BREAKER_BURST, "burst");
	load_breaker(l, breakers, BREAKER_ERRORS, "errors");
	load_breaker(l, breakers, BREAKER_OSCILLATION, "oscillation");
	load_breaker(l, breakers, BREAKER_UPSTREAM, "upstream");
}

void load_limits(struct load *l)
{
	struct str path = STR("limits.yaml");
	const struct json *doc;

	l->b->target_hold_ms = TARGET_HOLD_DEFAULT_MS;
	if (!tree_find(l->tree, path)) {
		return;
	}
	doc = load_document(l, path);
	if (!load_keys(l, doc, "limits.yaml", "target_hold caps breakers")) {
		return;
	}
	l->b->target_hold_ms =
	    load_duration(l, doc, "target_hold", WINDOW_MAX_MS, TARGET_HOLD_DEFAULT_MS);
	load_caps(l, doc, STR(""));
	load_breakers(l, doc);
}
