/* SPDX-License-Identifier: Apache-2.0 */
/* drill/scenario.c - reading a scenario.
 *
 * Trust: written by people who may never have seen Remit: every key is checked, and the nearest
 * known one is named.
 */
#include "drill/scenario.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "codec/yaml.h"
#include "core/reason.h"
#include "drill/node.h"

enum { ARENA_BYTES = 64 << 20, TIMES_MAX = 100000, WAIT_MAX_MS = 400u * 86400 };

/* 2026-11-02T09:00:00Z, a Monday: when a scenario that does not care begins. */
static const uint64_t DEFAULT_UNIX_MS = 1793610000000;

static const struct {
	const char *word;
	const char *keys;
} kinds[STEP_KINDS] = {
#define STEP(NAME, word_, keys_, is_agents, text) [STEP_##NAME] = {.word = #word_, .keys = keys_},
#include "drill/step.def"
#undef STEP
};

static const char *const answers[] = {"", "allow", "ask", "deny", "ok"};

const char *step_word(enum step_kind k)
{
	return k == STEP_NONE ? "?" : kinds[k].word;
}

const char *answer_name(enum answer a)
{
	return answers[a];
}

void scenario_free(struct scenario *s)
{
	if (!s) {
		return;
	}
	fixture_fini(&s->fixture);
	tree_fini(&s->tree);
	arena_fini(&s->arena);
	mem_free(s);
}

/* ---- commands of people ---- */

static const struct {
	const char *name;
	enum command_verb verb;
} commands[] = {
#define COMMAND(NAME, method, path, changes, text) {#NAME, COMMAND_##NAME},
#include "core/command.def"
#undef COMMAND
};

/* "incident close", "incident_close", "incident-close" */
bool scenario_command(struct str word, enum command_verb *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		struct str name = str_from(commands[i].name);
		bool is_it = name.n == word.n;

		for (size_t k = 0; is_it && k < name.n; k++) {
			char c = word.p[k] == ' ' || word.p[k] == '-' ? '_' : word.p[k];

			is_it = str_eq_nocase(str_of(&c, 1), str_of(name.p + k, 1));
		}
		if (is_it) {
			*ret = commands[i].verb;
			return true;
		}
	}
	return false;
}

static void check_command(struct load *l, const struct json *node)
{
	struct str word = node_word(node, STR(""));
	struct nearest near = nearest_to(word);
	enum command_verb verb;

	if (scenario_command(word, &verb)) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		nearest_try(&near, str_from(commands[i].name));
	}
	load_unknown(l, node, "command", &near);
}

/* ---- steps ---- */

/* "deny freeze_active needs_quorum" */
static void read_expect(struct load *l, const struct json *node, struct step *s)
{
	struct str rest = STR("");
	struct str word;
	struct str *codes;

	if (!node) {
		return;
	}
	if (!json_str(node, &rest)) {
		load_error(l, node, "'expect': expected allow, ask, deny or ok, and reason codes");
		return;
	}
	word = str_cut(&rest, ' ');
	for (int i = 1; i < (int)ARRAY_LEN(answers); i++) {
		if (str_eq(word, str_from(answers[i]))) {
			s->answer = (enum answer)i;
		}
	}
	if (s->answer == ANSWER_ANY) {
		load_error(l, node, "'expect': '" STR_FMT "' is none of allow, ask, deny, ok",
			   STR_ARG(word));
	}
	codes = load_alloc(l, SCENARIO_CODES_MAX, sizeof(*codes));
	if (!codes) {
		return;
	}
	s->codes.p = codes;
	while (rest.p) {
		struct str code = str_trim(str_cut(&rest, ' '));
		enum reason reason;

		if (code.n == 0) {
			continue;
		}
		if (!reason_from_code(code, &reason)) {
			struct nearest near = nearest_to(code);

			for (int r = 0; r < REASONS; r++) {
				nearest_try(&near, reason_code((enum reason)r));
			}
			load_unknown(l, node, "reason code", &near);
		} else if (s->codes.n == SCENARIO_CODES_MAX) {
			load_error(l, node, "more than %d reason codes", SCENARIO_CODES_MAX);
			return;
		} else {
			codes[s->codes.n++] = code;
		}
	}
}

static enum step_kind kind_of(struct load *l, const struct json *node)
{
	enum step_kind found = STEP_NONE;

	for (const struct json *k = node->child; k; k = k->next) {
		for (int i = 1; i < STEP_KINDS; i++) {
			if (!str_eq(k->key, str_from(kinds[i].word))) {
				continue;
			}
			if (found != STEP_NONE) {
				load_error(l, k, "a step does one thing: '%s' or '%s'",
					   kinds[found].word, kinds[i].word);
			}
			found = (enum step_kind)i;
		}
	}
	if (found == STEP_NONE) {
		struct nearest near = nearest_to(node->child ? node->child->key : STR(""));

		for (int i = 1; i < STEP_KINDS; i++) {
			nearest_try(&near, str_from(kinds[i].word));
		}
		load_unknown(l, node, "step", &near);
	}
	return found;
}

static void read_step(struct load *l, const struct json *node, struct step *s)
{
	char known[256];
	char what[32];

	*s = (struct step){.node = node, .times = 1};
	if (json_type(node) != JSON_OBJECT) {
		load_error(l, node, "a step: expected keys and values, found %s",
			   json_type_name(json_type(node)));
		return;
	}
	s->kind = kind_of(l, node);
	if (s->kind == STEP_NONE) {
		return;
	}
	(void)snprintf(known, sizeof(known), "%s %s %s", kinds[s->kind].word, STEP_COMMON,
		       kinds[s->kind].keys); /* literals: they fit */
	(void)snprintf(what, sizeof(what), "a step '%s'", kinds[s->kind].word);
	(void)load_keys(l, node, what, known); /* it reports */
	s->value = json_get(node, str_from(kinds[s->kind].word));
	s->by = load_text(l, node, "by", OPTIONAL);
	s->times = load_number(l, node, "times", 1, TIMES_MAX, 1);
	s->every_ms = load_duration(l, node, "every", 3600000, 0);
	s->not_due = load_text(l, node, "not_due", OPTIONAL);
	(void)load_text(l, node, "why", OPTIONAL); /* for people */
	read_expect(l, json_get(node, STR("expect")), s);
	if (s->kind == STEP_DO) {
		check_command(l, s->value);
	}
	if (s->kind == STEP_WAIT) {
		s->wait_ms = load_duration(l, node, "wait", (uint64_t)WAIT_MAX_MS * 1000, 1000);
	}
}

static void read_steps(struct load *l, const struct json *document, const char *key,
		       enum presence p, struct steps *ret)
{
	const struct json *list = load_array(l, document, key, p);

	if (!list) {
		return;
	}
	if (list->count > SCENARIO_STEPS_MAX) {
		load_error(l, list, "more than %d steps", SCENARIO_STEPS_MAX);
		return;
	}
	ret->p = load_alloc(l, list->count, sizeof(*ret->p));
	for (const struct json *one = list->child; one && ret->p; one = one->next) {
		read_step(l, one, &ret->p[ret->n++]);
	}
}

/* ---- the document ---- */

static void read_incidents(struct load *l, struct scenario *s)
{
	const struct json *one = load_map(l, s->document, "incident", OPTIONAL);
	struct json *alone;

	s->incidents = load_map(l, s->document, "incidents", OPTIONAL);
	if (one && s->incidents) {
		load_error(l, one, "either 'incident' or 'incidents'");
	}
	if (!s->incidents) {
		alone = node_object(l->arena, s->document);
		if (one) {
			node_put(l->arena, alone, STR("main"), node_copy(l->arena, one));
		}
		s->incidents = alone;
	}
	for (const struct json *i = s->incidents ? s->incidents->child : NULL; i; i = i->next) {
		(void)load_keys(l, i, "an incident",
				"class severity assets service environment regulated title labels "
				"from"); /* it reports */
	}
}

static void read_head(struct load *l, struct scenario *s)
{
	const struct json *d = s->document;
	const struct json *clock = json_get(d, STR("clock"));
	struct str text = STR("");

	(void)load_keys(l, d, "a scenario",
			"scenario title kind date source why actors verdict controls clock fixture "
			"incident incidents steps twin expect not_due"); /* it reports */
	s->name = load_text(l, d, "scenario", REQUIRED);
	s->title = load_text(l, d, "title", REQUIRED);
	s->not_due = load_text(l, d, "not_due", OPTIONAL);
	s->controls = load_list(l, d, "controls", OPTIONAL);
	s->end = load_map(l, d, "expect", OPTIONAL);
	(void)load_keys(l, s->end, "'expect'", "targets credentials log effects notified");
	s->unix_ms = DEFAULT_UNIX_MS;
	if (clock && (!json_str(clock, &text) || !num_time_unix_ms(text, &s->unix_ms))) {
		load_error(l, clock, "'clock': expected a time such as 2026-11-02T09:00:00Z");
	}
}

static enum rc parse(struct scenario *s, struct str text, struct load *l)
{
	const struct json_limits limits = {.max_bytes = SCENARIO_BYTES,
					   .max_depth = LIMIT_JSON_DEPTH,
					   .max_nodes = LIMIT_JSON_NODES,
					   .want_positions = true};
	struct err e = ERR_INIT;
	enum rc rc = yaml_parse(&s->arena, text, &limits, &s->document, &e);

	if (rc == RC_OK && json_type(s->document) != JSON_OBJECT) {
		load_error(l, s->document, "expected keys and values, found %s",
			   json_type_name(json_type(s->document)));
		rc = RC_INPUT;
	} else if (rc != RC_OK && rc != RC_NOMEM) {
		load_error_of(l, NULL, &e);
		rc = RC_INPUT;
	}
	return rc;
}

static enum rc read_all(struct scenario *s, struct str text, const char *dir, struct findings *f,
			struct err *e)
{
	struct load l = {.tree = &s->tree, .f = f, .arena = &s->arena, .file = s->file};
	const char *base = dir;
	struct str named;

	if (parse(s, text, &l) != RC_OK) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no scenario", STR_ARG(s->file));
	}
	read_head(&l, s);
	l.now_unix_ms = s->unix_ms;
	read_incidents(&l, s);
	read_steps(&l, s->document, "steps", REQUIRED, &s->steps);
	read_steps(&l, s->document, "twin", OPTIONAL, &s->twin);
	named = node_word(json_pointer(s->document, STR("/fixture/deployment")), STR(""));
	if (!base && named.n) {
		base = arena_cstr(&s->arena, named);
	}
	if (base) {
		TRY(tree_read(&s->tree, base, f, e));
	}
	TRY(fixture_read(&l, s->document, &s->tree, &s->fixture, e));
	if (l.is_out_of_memory) {
		FAIL(e, RC_NOMEM, "no memory for a scenario");
	}
	if (f->n_errors > 0) {
		FAIL(e, RC_INPUT, "%zu error%s in '" STR_FMT "'", f->n_errors,
		     f->n_errors == 1 ? "" : "s", STR_ARG(s->file));
	}
	return RC_OK;
}

enum rc scenario_read(struct str file, struct str text, const char *dir, struct scenario **ret,
		      struct findings *f, struct err *e)
{
	AUTO_SCENARIO s = mem_calloc(1, sizeof(*s));

	if (!s) {
		FAIL(e, RC_NOMEM, "no memory for a scenario");
	}
	s->arena = (struct arena)ARENA_INIT(ARENA_BYTES);
	s->tree = (struct tree)TREE_INIT;
	s->file = arena_str(&s->arena, file);
	if (!s->file.p) {
		FAIL(e, RC_NOMEM, "no memory for a scenario");
	}
	TRY(read_all(s, text, dir, f, e));
	*ret = TAKE(s);
	return RC_OK;
}

/* ---- its deployment ---- */

enum rc scenario_deployment(const struct scenario *s, const struct tree *tree,
			    struct deployment **ret, struct findings *f, struct err *e)
{
	AUTO_FINDINGS found = FINDINGS_INIT;
	enum rc rc = deployment_build(tree, NULL, s->unix_ms, ret, &found, e);

	for (size_t i = 0; rc != RC_OK && f && i < found.items.n; i++) {
		const struct finding *one = &found.items.p[i];
		const struct tree_file *file = tree_find(tree, one->file);

		if (one->level != FINDING_ERROR) {
			continue;
		}
		if (file && file->parsed) {
			findings_add(f, one->level, s->file, one->line, one->column,
				     STR_FMT ": " STR_FMT, STR_ARG(one->file), STR_ARG(one->text));
		} else {
			findings_add(f, one->level, one->file, one->line, one->column, STR_FMT,
				     STR_ARG(one->text));
		}
	}
	return rc;
}
