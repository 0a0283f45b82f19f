/* SPDX-License-Identifier: Apache-2.0 */
/* drill/fixture.c - people, gates, agents, playbooks, policies and other files of a fixture.
 *
 * Holds: (1) what somebody wrote is never replaced by a default.
 *        (2) a file of the directory that is drilled is never replaced by one of the fixture.
 */
#include "drill/fixture.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "codec/yaml.h"
#include "config/init.h"
#include "drill/fixture_impl.h"

enum { FIRST_UID = 64001 }; /* of people who have none */

void fixture_fini(struct fixture *f)
{
	vec_fini(&f->tools);
}

const struct fixture_tool *fixture_tool_of(const struct fixture *f, struct str upstream,
					   struct str tool)
{
	for (size_t i = 0; i < f->tools.n; i++) {
		if (str_eq(f->tools.p[i].upstream, upstream) && str_eq(f->tools.p[i].tool, tool)) {
			return &f->tools.p[i];
		}
	}
	return NULL;
}

static bool has_file(const struct making *m, const char *path)
{
	return tree_find(m->tree, str_from(path)) != NULL;
}

/* In a drill everybody can speak, also who has no user on that machine. */
static void give_uids(struct making *m, struct json *people)
{
	uint64_t uid = FIRST_UID + 1000;

	for (const struct json *p = people ? people->child : NULL; p; p = p->next) {
		if (json_type(p) == JSON_OBJECT) {
			node_default(m->a, node_mutable(p), STR("uid"),
				     node_number(m->a, p, uid++));
		}
	}
}

/* What the directory's file lacks of these sections is added: people, gates, sources that the story
 * needs. What it has stays as it is, (2). */
static enum rc merge(struct making *m, const struct tree_file *file, const struct json *document,
		     struct err *e)
{
	static const char *const sections[] = {"people",  "groups",    "gates",
					       "sources", "notifiers", "backends"};
	const struct json *there = file->parsed;
	struct json *both;

	if (!there) {
		TRY(yaml_parse(m->a, file->bytes, NULL, &there, e));
	}
	both = node_copy(m->a, there);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		const struct json *more = json_get(document, str_from(sections[i]));
		struct json *into;

		if (!more) {
			continue;
		}
		node_default(m->a, both, str_from(sections[i]), node_object(m->a, more));
		into = node_mutable(json_get(both, str_from(sections[i])));
		for (const struct json *one = more->child; one; one = one->next) {
			node_default(m->a, into, one->key, node_copy(m->a, one));
		}
	}
	if (str_eq(file->path, STR("people.yaml"))) {
		give_uids(m, node_mutable(json_get(both, STR("people"))));
	}
	return tree_put_document(m->tree, file->path, both, e);
}

/* (2) */
static enum rc put(struct making *m, struct str path, const struct json *document, struct err *e)
{
	const struct tree_file *file = tree_find(m->tree, path);
	bool is_merged = str_eq(path, STR("people.yaml")) || str_eq(path, STR("gates.yaml")) ||
			 str_eq(path, STR("remit.yaml"));

	if (!file) {
		return tree_put_document(m->tree, path, document, e);
	}
	return is_merged ? merge(m, file, document, e) : RC_OK;
}

static struct json *word_list(struct making *m, const struct json *at, const char *words)
{
	struct json *list = node_array(m->a, at);
	struct str rest = str_from(words);

	while (rest.p && rest.n) {
		node_push(list, node_text(m->a, at, str_cut(&rest, ' ')));
	}
	return list;
}

/* ---- people ---- */

static void add_group_of(struct making *m, struct json *groups, const struct json *person)
{
	const struct json *list = json_get(person, STR("groups"));

	for (const struct json *g = list ? list->child : NULL; g; g = g->next) {
		struct json *group;
		struct str name = STR("");

		if (!json_str(g, &name)) {
			continue; /* the loader says so */
		}
		group = node_mutable(json_get(groups, name));
		if (!group) {
			group = node_object(m->a, g);
			node_put(m->a, groups, name, group);
			node_default(m->a, group, STR("notifiers"), word_list(m, g, "pager"));
		}
		if (json_type(group) == JSON_OBJECT && !json_get(group, STR("rota_given"))) {
			node_default(m->a, group, STR("rota"), node_array(m->a, g));
			node_push(node_mutable(json_get(group, STR("rota"))),
				  node_text(m->a, g, person->key));
		}
	}
}

/* alice, bob and carol may approve; olga owns agents, dan deputises, dora is on duty. */
static struct json *default_people(struct making *m)
{
	static const struct {
		const char *name;
		const char *groups;
	} people[] = {{"alice", "secops"}, {"bob", "secops"}, {"carol", "secops"},
		      {"olga", ""},	   {"dan", ""},	      {"dora", "duty"}};
	struct json *map = node_object(m->a, NULL);

	for (size_t i = 0; i < ARRAY_LEN(people); i++) {
		node_put(m->a, map, str_from(people[i].name), word_list(m, NULL, people[i].groups));
	}
	return map;
}

/* A person may be written as the list of their groups. */
static struct json *whole_person(struct making *m, const struct json *given, size_t i)
{
	struct json *p;

	if (json_type(given) == JSON_OBJECT) {
		p = node_copy(m->a, given);
	} else {
		p = node_object(m->a, given);
		node_put(m->a, p, STR("groups"), node_copy(m->a, given));
	}
	p->key = given->key;
	node_default(m->a, p, STR("full_name"), node_text(m->a, given, given->key));
	node_default(m->a, p, STR("uid"), node_number(m->a, given, FIRST_UID + i));
	return p;
}

/* Groups whose rota somebody wrote keep it; the others get their members in order. */
static struct json *given_groups(struct making *m)
{
	const struct json *given = load_map(m->l, m->fixture, "groups", OPTIONAL);
	struct json *groups = given ? node_copy(m->a, given) : node_object(m->a, m->fixture);

	for (const struct json *g = groups->child; g; g = g->next) {
		if (json_get(g, STR("rota"))) {
			node_put(m->a, node_mutable(g), STR("rota_given"),
				 node_bool(m->a, g, true));
		}
	}
	return groups;
}

static enum rc make_people(struct making *m, struct err *e)
{
	const struct json *given = load_map(m->l, m->fixture, "people", OPTIONAL);
	struct json *document = node_object(m->a, m->fixture);
	struct json *people = node_object(m->a, m->fixture);
	struct json *groups = given_groups(m);
	struct json *all = default_people(m);
	size_t i = 0;

	for (const struct json *p = given ? given->child : NULL; p; p = p->next) {
		node_put(m->a, all, p->key, node_copy(m->a, p));
	}
	for (const struct json *p = all->child; p; p = p->next) {
		struct json *person = whole_person(m, p, i++);

		node_put(m->a, people, p->key, person);
		add_group_of(m, groups, person);
	}
	for (const struct json *g = groups->child; g; g = g->next) {
		(void)node_remove(node_mutable(g), json_get(g, STR("rota_given")));
	}
	node_put(m->a, document, STR("people"), people);
	node_put(m->a, document, STR("groups"), groups);
	return put(m, STR("people.yaml"), document, e);
}

static struct json *default_gate(struct making *m, uint64_t quorum)
{
	struct json *gate = node_object(m->a, m->fixture);

	node_put(m->a, gate, STR("group"), node_text(m->a, m->fixture, STR("secops")));
	node_put(m->a, gate, STR("quorum"), node_number(m->a, m->fixture, quorum));
	return gate;
}

/* gates.yaml: a given key wins; on-call wants one of secops, quorum two. */
static enum rc make_gates(struct making *m, struct err *e)
{
	static const char *const keys[] = {"gates", "default_gate", "never"};
	struct json *document = node_object(m->a, m->fixture);
	struct json *gates;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct json *given = json_get(m->fixture, str_from(keys[i]));

		if (given) { /* of a directory's gates.yaml only the gates are added to */
			node_put(m->a, document, str_from(keys[i]), node_copy(m->a, given));
		}
	}
	node_default(m->a, document, STR("gates"), node_object(m->a, m->fixture));
	node_default(m->a, document, STR("default_gate"),
		     node_text(m->a, m->fixture, STR("on-call")));
	gates = node_mutable(json_get(document, STR("gates")));
	if (json_type(gates) == JSON_OBJECT) {
		node_default(m->a, gates, STR("on-call"), default_gate(m, 1));
		node_default(m->a, gates, STR("quorum"), default_gate(m, 2));
	}
	return put(m, STR("gates.yaml"), document, e);
}

/* ---- remit.yaml ---- */

static enum rc make_remit(struct making *m, struct err *e)
{
	static const char text[] =
	    "{\"origin\":\"" FIXTURE_ORIGIN "\",\"trust_domain\":\"" FIXTURE_TRUST_DOMAIN
	    "\",\"state\":\"state\",\"listen\":{\"agents\":{\"address\":\"127.0.0.1:8443\",\"tls\":"
	    "{\"certificate\":\"a.crt\",\"key\":\"a.key\",\"clients\":{\"" FIXTURE_TRUST_DOMAIN
	    "\":\"ca.crt\"}}},\"people\":{\"socket\":\"people.sock\",\"mode\":\"0660\"}},"
	    "\"notifiers\":{\"pager\":{\"command\":[\"/bin/true\"]}},\"backends\":{\"vault\":{"
	    "\"type\":\"postgresql\",\"host\":\"127.0.0.1\",\"dbname\":\"app\",\"user\":\"broker\","
	    "\"password_file\":\"password\",\"ttl\":\"30m\"}}}";
	const struct json *given = load_map(m->l, m->fixture, "remit", OPTIONAL);
	const struct json *base;
	struct json *document;
	struct json *source = node_object(m->a, m->fixture);
	struct json *sources;

	TRY(json_parse(m->a, str_of(text, sizeof(text) - 1), NULL, &base, e));
	document = node_copy(m->a, base);
	for (const struct json *k = given ? given->child : NULL; k; k = k->next) {
		node_put(m->a, document, k->key, node_copy(m->a, k));
	}
	/* What the scenario's own incidents come from. */
	node_put(m->a, source, STR("type"), node_text(m->a, m->fixture, STR("generic")));
	node_put(m->a, source, STR("secret_file"), node_text(m->a, m->fixture, STR("secret")));
	node_put(m->a, source, STR("environment"), node_text(m->a, m->fixture, m->environment));
	node_put(m->a, source, STR("classes"), node_copy(m->a, m->classes));
	node_default(m->a, document, STR("sources"), node_object(m->a, m->fixture));
	sources = node_mutable(json_get(document, STR("sources")));
	if (json_type(sources) == JSON_OBJECT) {
		node_default(m->a, sources, STR("drill"), source);
	}
	return put(m, STR("remit.yaml"), document, e);
}

/* ---- agents ---- */

static enum rc put_text(struct making *m, struct str path, struct str text, struct err *e)
{
	return tree_find(m->tree, path) ? RC_OK : tree_add(m->tree, path, text, e);
}

/* permit: all, none, or a list of tools; policies: Cedar text beside it. */
static enum rc make_envelope(struct making *m, const struct json *agent, struct str name,
			     struct err *e)
{
	AUTO_BUF b = BUF_INIT(LIMIT_CONFIG_FILE_BYTES);
	const struct json *permit = json_get(agent, STR("permit"));
	struct str word = STR("all");
	struct str text = load_text(m->l, agent, "policies", OPTIONAL);
	struct str path =
	    arena_strf(m->a, "policies/agents/" STR_FMT "/envelope.cedar", STR_ARG(name));

	if (json_type(permit) == JSON_ARRAY) {
		word = STR("");
		for (const struct json *t = permit->child; t; t = t->next) {
			struct str tool = fixture_tool_name(m, t);

			TRY(buf_addf(&b,
				     "@id(\"" STR_FMT "-may-" STR_FMT "\")\npermit (principal == "
				     "Remit::Agent::\"" STR_FMT
				     "\", action == Remit::Action::\"" STR_FMT "\", resource);\n",
				     STR_ARG(name), STR_ARG(tool), STR_ARG(name), STR_ARG(tool)));
		}
		TRY(buf_addf(&b,
			     "@id(\"" STR_FMT "-may-declare\")\npermit (principal == "
			     "Remit::Agent::\"" STR_FMT "\", action == Remit::Action::"
			     "\"remit___declare_intent\", resource);\n",
			     STR_ARG(name), STR_ARG(name)));
	} else if (permit && !json_str(permit, &word)) {
		load_error(m->l, permit, "'permit': expected all, none or a list of tools");
	}
	if (str_eq(word, STR("all")) && !(text.n && !permit)) {
		TRY(buf_addf(&b,
			     "@id(\"" STR_FMT
			     "-may\")\npermit (principal == Remit::Agent::\"" STR_FMT
			     "\", action, resource);\n",
			     STR_ARG(name), STR_ARG(name)));
	} else if (word.n && !str_eq(word, STR("none")) && !str_eq(word, STR("all"))) {
		load_error(m->l, permit, "'permit': expected all, none or a list of tools");
	}
	TRY(buf_add(&b, text));
	return b.n ? put_text(m, path, buf_view(&b), e) : RC_OK;
}

static enum rc make_agent(struct making *m, const struct json *given, struct err *e)
{
	struct json *agent = node_copy(m->a, given);
	struct json *autonomy = node_object(m->a, given);
	struct str name = given->key;

	if (json_type(given) != JSON_OBJECT && json_type(given) != JSON_NULL) {
		load_error(m->l, given, "an agent: expected keys and values");
		return RC_OK;
	}
	agent->type = JSON_OBJECT;
	TRY(make_envelope(m, agent, name, e));
	(void)node_remove(agent, json_get(agent, STR("permit")));
	(void)node_remove(agent, json_get(agent, STR("policies")));
	node_put(m->a, autonomy, STR("read"), node_text(m->a, given, STR("act")));
	node_put(m->a, autonomy, STR("contain"), node_text(m->a, given, STR("act")));
	node_put(m->a, autonomy, STR("destroy"), node_text(m->a, given, STR("approve")));
	node_default(m->a, agent, STR("id"),
		     node_textf(m->a, given, "spiffe://%.*s/agent/%.*s", STR_ARG(m->trust_domain),
				STR_ARG(name)));
	node_default(m->a, agent, STR("owner"), node_text(m->a, given, STR("olga")));
	node_default(m->a, agent, STR("deputy"), node_text(m->a, given, STR("dan")));
	node_default(m->a, agent, STR("purpose"), node_text(m->a, given, STR("a drill")));
	node_default(m->a, agent, STR("environment"), node_text(m->a, given, m->environment));
	node_default(m->a, agent, STR("review_by"), node_text(m->a, given, STR("2099-12-31")));
	node_default(m->a, agent, STR("autonomy"), autonomy);
	node_default(m->a, agent, STR("classes"), node_copy(m->a, m->classes));
	return put(m, arena_strf(m->a, "agents/" STR_FMT ".yaml", STR_ARG(name)), agent, e);
}

static enum rc make_agents(struct making *m, struct err *e)
{
	const struct json *given = load_map(m->l, m->fixture, "agents", OPTIONAL);
	struct json *alone;

	if (!given) {
		alone = node_object(m->a, m->fixture);
		alone->key = STR("agent");
		m->f->first_agent = alone->key;
		return has_file(m, "agents") ? RC_OK : make_agent(m, alone, e);
	}
	for (const struct json *a = given->child; a; a = a->next) {
		if (!m->f->first_agent.n) {
			m->f->first_agent = a->key;
		}
		TRY(make_agent(m, a, e));
	}
	return RC_OK;
}

/* ---- playbooks ---- */

static struct json *all_tools(struct making *m, const struct json *at)
{
	struct json *list = node_array(m->a, at);

	for (size_t i = 0; i < m->granted.n; i++) {
		node_push(list, node_text(m->a, at, m->granted.p[i]));
	}
	return list;
}

/* tools: the only phase's; limits and data: what is not said is generous. */
static enum rc make_playbook(struct making *m, const struct json *given, struct str name,
			     struct err *e)
{
	struct json *pb = given ? node_copy(m->a, given) : node_object(m->a, m->fixture);
	const struct json *tools = json_get(pb, STR("tools"));
	struct json *phase = node_object(m->a, given);
	struct json *phases = node_array(m->a, given);
	struct json *limits;

	if (json_type(pb) != JSON_OBJECT) {
		load_error(m->l, given, "a playbook: expected keys and values");
		return RC_OK;
	}
	node_put(m->a, phase, STR("name"), node_text(m->a, given, STR("all")));
	node_put(m->a, phase, STR("tools"),
		 tools ? fixture_tool_names(m, tools) : all_tools(m, given));
	node_push(phases, phase);
	(void)node_remove(pb, tools);
	node_default(m->a, pb, STR("classes"), node_copy(m->a, m->classes));
	node_default(m->a, pb, STR("accountable"), node_text(m->a, given, STR("duty")));
	node_default(m->a, pb, STR("phases"), phases);
	node_default(m->a, pb, STR("data"), node_copy(m->a, m->data));
	node_default(m->a, pb, STR("limits"), node_object(m->a, given));
	for (const struct json *p = json_get(pb, STR("phases"))->child; p; p = p->next) {
		const struct json *list = json_get(p, STR("tools"));

		if (list) {
			node_put(m->a, node_mutable(p), STR("tools"), fixture_tool_names(m, list));
		}
	}
	limits = node_mutable(json_get(pb, STR("limits")));
	if (json_type(limits) == JSON_OBJECT) {
		node_default(m->a, limits, STR("calls"), node_number(m->a, given, 500));
		node_default(m->a, limits, STR("targets"), node_number(m->a, given, 100));
		node_default(m->a, limits, STR("duration"), node_text(m->a, given, STR("2h")));
		node_default(m->a, limits, STR("deviations"), node_number(m->a, given, 20));
	}
	return put(m, arena_strf(m->a, "playbooks/" STR_FMT ".yaml", STR_ARG(name)), pb, e);
}

static enum rc make_playbooks(struct making *m, struct err *e)
{
	const struct json *given = load_map(m->l, m->fixture, "playbooks", OPTIONAL);

	if (!given) {
		return make_playbook(m, NULL, STR("drill"), e);
	}
	for (const struct json *p = given->child; p; p = p->next) {
		TRY(make_playbook(m, p, p->key, e));
	}
	return RC_OK;
}

/* ---- policies, and the rest ---- */

/* matrix, flow, ...: the guardrails that come with Remit. */
static enum rc add_packs(struct making *m, struct err *e)
{
	struct str_list packs = load_list(m->l, m->fixture, "packs", OPTIONAL);

	for (size_t i = 0; i < packs.n; i++) {
		struct str path =
		    arena_strf(m->a, "policies/base/" STR_FMT ".cedar", STR_ARG(packs.p[i]));
		struct str bytes;

		if (!config_pack_file(path, &bytes)) {
			load_error(m->l, json_get(m->fixture, STR("packs")),
				   "no guardrails '" STR_FMT "' come with Remit",
				   STR_ARG(packs.p[i]));
			continue;
		}
		TRY(put_text(m, path, bytes, e));
	}
	return RC_OK;
}

static enum rc make_policies(struct making *m, struct err *e)
{
	const struct json *given = load_map(m->l, m->fixture, "policies", OPTIONAL);

	if (m->has_directory) {
		return RC_OK; /* its own guardrails are what is drilled */
	}
	for (const struct json *p = given ? given->child : NULL; p; p = p->next) {
		struct str text = STR("");

		if (!json_str(p, &text)) {
			load_error(m->l, p, "a policy is a text");
			continue;
		}
		TRY(put_text(m,
			     arena_strf(m->a, "policies/base/" STR_FMT ".cedar", STR_ARG(p->key)),
			     text, e));
	}
	return add_packs(m, e);
}

/* path -> text, or keys and values. */
static enum rc make_files(struct making *m, struct err *e)
{
	const struct json *given = load_map(m->l, m->fixture, "files", OPTIONAL);

	for (const struct json *file = given ? given->child : NULL; file; file = file->next) {
		struct str text;

		if (json_str(file, &text)) {
			TRY(put_text(m, file->key, text, e));
		} else {
			TRY(put(m, file->key, file, e));
		}
	}
	return RC_OK;
}

/* Files with one key of the same name, and files that are written whole. */
static enum rc make_others(struct making *m, struct err *e)
{
	static const char *const files[] = {"freezes", "routing"};
	static const struct {
		const char *key;
		const char *path;
	} whole[] = {{"limits", "limits.yaml"}, {"inventory", "inventory/drill.yaml"}};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const struct json *given = json_get(m->fixture, str_from(files[i]));
		struct json *document = node_object(m->a, given);

		if (given && !m->has_directory) {
			node_put(m->a, document, str_from(files[i]), node_copy(m->a, given));
			TRY(put(m, arena_strf(m->a, "%s.yaml", files[i]), document, e));
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		const struct json *given = json_get(m->fixture, str_from(whole[i].key));
		bool is_defence = str_eq(str_from(whole[i].key), STR("limits"));

		if (given && !(is_defence && m->has_directory)) {
			TRY(put(m, str_from(whole[i].path), given, e));
		}
	}
	return make_files(m, e);
}

/* ---- the whole ---- */

/* The classes of all incidents of the scenario: what agents and playbooks are for by default. */
static void note_class(struct making *m, const struct json *incident)
{
	struct str class = node_word(json_get(incident, STR("class")), STR("incident"));

	for (const struct json *c = m->classes->child; c; c = c->next) {
		if (str_eq(c->text, class)) {
			return;
		}
	}
	node_push(m->classes, node_text(m->a, incident, class));
}

static void note_classes(struct making *m, const struct json *scenario)
{
	const struct json *one = json_get(scenario, STR("incident"));
	const struct json *many = json_get(scenario, STR("incidents"));

	m->classes = node_array(m->a, m->fixture);
	if (one || !many || !many->child) {
		note_class(m, one);
	}
	for (const struct json *i = many ? many->child : NULL; i; i = i->next) {
		note_class(m, i);
	}
}

/* Agents are of the directory's trust domain. */
static enum rc read_trust_domain(struct making *m, struct err *e)
{
	const struct tree_file *file = tree_find(m->tree, STR("remit.yaml"));
	const struct json *document = NULL;

	m->trust_domain = STR(FIXTURE_TRUST_DOMAIN);
	if (file) {
		TRY(yaml_parse(m->a, file->bytes, NULL, &document, e));
		m->trust_domain =
		    node_word(json_get(document, STR("trust_domain")), m->trust_domain);
	}
	return RC_OK;
}

static enum rc make_all(struct making *m, struct err *e)
{
	TRY(make_people(m, e));
	TRY(make_gates(m, e));
	TRY(make_remit(m, e));
	TRY(fixture_make_upstreams(m, e));
	TRY(make_playbooks(m, e));
	TRY(make_agents(m, e));
	TRY(make_policies(m, e));
	return make_others(m, e);
}

enum rc fixture_read(struct load *l, const struct json *scenario, struct tree *tree,
		     struct fixture *f, struct err *e)
{
	const struct json *fixture = load_map(l, scenario, "fixture", OPTIONAL);
	struct making m = {.l = l,
			   .a = l->arena,
			   .fixture = fixture ? fixture : node_object(l->arena, scenario),
			   .tree = tree,
			   .f = f,
			   .has_directory = tree->files.n > 0};
	enum rc rc;

	if (!m.fixture) {
		FAIL(e, RC_NOMEM, "no memory for a fixture");
	}
	(void)load_keys(l, m.fixture, "a fixture",
			"environment people groups gates default_gate never remit agents upstreams "
			"playbooks policies packs limits freezes routing inventory files state "
			"deployment"); /* it reports */
	m.environment = load_text(l, m.fixture, "environment", OPTIONAL);
	if (!m.environment.n) {
		m.environment = STR("production");
	}
	TRY(read_trust_domain(&m, e));
	f->arena = l->arena;
	f->environment = m.environment;
	f->state = load_map(l, m.fixture, "state", OPTIONAL);
	note_classes(&m, scenario);
	rc = make_all(&m, e);
	vec_fini(&m.granted);
	return rc;
}
