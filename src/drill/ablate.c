/* SPDX-License-Identifier: Apache-2.0 */
/* drill/ablate.c - removing one defence at a time.
 *
 * Holds: (1) a variant differs from the scenario's deployment in one place.
 *        (2) a variant that does not load is no answer and is left out.
 */
#include "drill/ablate.h"

#include <string.h>

#include "base/limits.h"
#include "codec/yaml.h"
#include "drill/node.h"

void ablation_fini(struct ablation *a)
{
	vec_fini(&a->points);
	arena_fini(&a->arena);
}

struct work {
	const struct scenario *s;
	const struct play_report *base;
	uint64_t seed;
	struct ablation *a;
	struct err *e;
};

/* ---- trying a variant ---- */

static enum rc copy_tree(const struct tree *from, struct tree *to, struct err *e)
{
	for (size_t i = 0; i < from->files.n; i++) {
		const struct tree_file *f = &from->files.p[i];

		if (f->parsed) {
			TRY(tree_put_document(to, f->path, f->parsed, e));
		} else {
			TRY(tree_add(to, f->path, f->bytes, e));
		}
	}
	return RC_OK;
}

static int strength(enum answer a)
{
	return a == ANSWER_DENY ? 2 : a == ANSWER_ASK ? 1 : 0;
}

/* The first step that is answered more weakly; what follows it may be its consequence. */
static enum rc compare(struct work *w, const struct play_report *now, struct str defence)
{
	for (size_t i = 0; i < now->steps.n && i < w->base->steps.n; i++) {
		const struct step_result *was = &w->base->steps.p[i];
		const struct step_result *is = &now->steps.p[i];
		struct single_point point = {
		    .step = i + 1, .defence = defence, .becomes = is->answer};

		if (strength(was->step->answer) == 0 || was->problem.n || !was->is_due) {
			continue;
		}
		if (strength(is->answer) < strength(was->answer)) {
			return vec_push(&w->a->points, point);
		}
	}
	return RC_OK;
}

static enum rc try_variant(struct work *w, const struct tree *variant, struct str defence)
{
	AUTO_PLAY_REPORT now = PLAY_REPORT_INIT;
	enum rc rc;

	if (w->a->n_tried >= ABLATE_DEFENCES_MAX) {
		FAIL(w->e, RC_LIMIT, "more than %d defences to remove", ABLATE_DEFENCES_MAX);
	}
	rc = play_run(w->s, variant, &w->s->steps, w->seed, NULL, &now, NULL, w->e);
	if (rc == RC_NOMEM) {
		return rc;
	}
	if (rc != RC_OK) {
		return RC_OK; /* (2) */
	}
	w->a->n_tried++;
	return compare(w, &now, defence);
}

/* ---- policies ---- */

/* Does the policy that begins at text forbid? Its annotations come first, each with a quoted
 * text. */
static bool is_forbid(struct str text)
{
	bool is_quoted = false;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' && (i == 0 || text.p[i - 1] != '\\')) {
			is_quoted = !is_quoted;
		} else if (!is_quoted &&
			   str_has_prefix(str_slice(text, i, text.n), STR("forbid"))) {
			return true;
		} else if (!is_quoted &&
			   str_has_prefix(str_slice(text, i, text.n), STR("permit"))) {
			return false;
		}
	}
	return false;
}

/* @shadow takes a policy out of force and changes nothing else. */
static enum rc without_policy(struct work *w, const struct tree_file *file, size_t at)
{
	AUTO_TREE variant = TREE_INIT;
	AUTO_BUF text = BUF_INIT(LIMIT_CONFIG_FILE_BYTES);
	struct str id = str_slice(file->bytes, at + 5, file->bytes.n);

	TRY(copy_tree(&w->s->tree, &variant, w->e));
	TRY(buf_add(&text, str_slice(file->bytes, 0, at)));
	TRY(buf_add(&text, STR("@shadow(\"removed by a drill\")\n")));
	TRY(buf_add(&text, str_slice(file->bytes, at, file->bytes.n)));
	tree_remove(&variant, file->path);
	TRY(tree_add(&variant, file->path, buf_view(&text), w->e));
	id = str_slice(id, 0, str_find(id, '"'));
	return try_variant(w, &variant,
			   arena_strf(&w->a->arena, "policy '" STR_FMT "'", STR_ARG(id)));
}

static enum rc without_policies(struct work *w, const struct tree_file *file)
{
	for (size_t i = 0; i + 5 < file->bytes.n; i++) {
		bool is_first = i == 0 || file->bytes.p[i - 1] == '\n';

		if (is_first && memcmp(file->bytes.p + i, "@id(\"", 5) == 0 &&
		    is_forbid(str_slice(file->bytes, i, file->bytes.n))) {
			TRY(without_policy(w, file, i));
		}
	}
	return RC_OK;
}

/* ---- documents ---- */

/* Plays with document in place of file. */
static enum rc with_document(struct work *w, const struct tree_file *file,
			     const struct json *document, struct str defence)
{
	AUTO_TREE variant = TREE_INIT;

	TRY(copy_tree(&w->s->tree, &variant, w->e));
	TRY(tree_put_document(&variant, file->path, document, w->e));
	return try_variant(w, &variant, defence);
}

/* A copy of the document, to be changed in one place. */
static struct json *copy_of(struct work *w, const struct tree_file *file)
{
	const struct json *document = file->parsed;

	if (!document && yaml_parse(&w->a->arena, file->bytes, NULL, &document, NULL) != RC_OK) {
		return NULL;
	}
	return node_copy(&w->a->arena, document);
}

static struct str name_of(struct work *w, const struct tree_file *file, const struct json *parent,
			  const struct json *child)
{
	AUTO_BUF b = BUF_INIT(4096);
	struct str text = child->type == JSON_STRING ? child->text : STR("");

	if (parent->type == JSON_OBJECT) {
		text = child->key;
	} else if (json_get(child, STR("name"))) {
		text = node_word(json_get(child, STR("name")), STR("?"));
	} else if (!text.n && json_canonical(&b, child, NULL) == RC_OK) {
		text = str_slice(buf_view(&b), 0, 80);
	}
	return arena_strf(&w->a->arena, STR_FMT ": " STR_FMT, STR_ARG(file->path), STR_ARG(text));
}

/* Each member or element of what pointer means, removed alone. */
static enum rc without_each(struct work *w, const struct tree_file *file, const char *pointer)
{
	struct json *first = copy_of(w, file);
	const struct json *parent = json_pointer(first, str_from(pointer));
	size_t n = parent ? parent->count : 0;

	for (size_t i = 0; i < n; i++) {
		struct json *document = copy_of(w, file);
		struct json *list = node_mutable(json_pointer(document, str_from(pointer)));
		const struct json *child = list->child;

		for (size_t k = 0; k < i; k++) {
			child = child->next;
		}
		(void)node_remove(list, child); /* it is one */
		TRY(with_document(w, file, document, name_of(w, file, list, child)));
	}
	return RC_OK;
}

/* Keys of every tool that demand something before a call may run. */
static enum rc without_demands(struct work *w, const struct tree_file *file)
{
	static const char *const keys[] = {
	    "evidence",	    "corroboration",	  "requires",
	    "invariant",    "invariants",	  "in_use",
	    "owned",	    "credentials",	  "credential_arguments",
	    "gate_when",    "max_calls_per_task", "fence",
	    "deletes_data", "changes_access",	  "touches_secrets",
	};
	const struct json *tools = json_get(copy_of(w, file), STR("tools"));

	for (const struct json *t = tools ? tools->child : NULL; t; t = t->next) {
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			struct json *document;
			struct json *tool;

			if (!json_get(t, str_from(keys[i]))) {
				continue;
			}
			document = copy_of(w, file);
			tool = node_mutable(json_get(json_get(document, STR("tools")), t->key));
			(void)node_remove(tool, json_get(tool, str_from(keys[i])));
			TRY(with_document(
			    w, file, document,
			    arena_strf(&w->a->arena, STR_FMT ": '%s' of tool '" STR_FMT "'",
				       STR_ARG(file->path), keys[i], STR_ARG(t->key))));
		}
	}
	return RC_OK;
}

static enum rc with_member(struct work *w, const struct tree_file *file, const char *in,
			   const char *key, struct json *value)
{
	struct json *document = copy_of(w, file);
	struct json *object = node_mutable(json_pointer(document, str_from(in)));

	if (json_type(object) != JSON_OBJECT ||
	    json_equal(json_get(object, str_from(key)), value)) {
		return RC_OK;
	}
	node_put(&w->a->arena, object, str_from(key), value);
	return with_document(w, file, document,
			     arena_strf(&w->a->arena, STR_FMT ": %s%s%s", STR_ARG(file->path),
					in[0] ? in + 1 : "", in[0] ? " " : "", key));
}

/* Caps as wide as they can be. */
static enum rc without_caps(struct work *w, const struct tree_file *file)
{
	struct arena *a = &w->a->arena;

	TRY(with_member(w, file, "/limits", "calls", node_number(a, NULL, 1000000)));
	TRY(with_member(w, file, "/limits", "targets", node_number(a, NULL, LIMIT_TARGETS)));
	TRY(with_member(w, file, "/limits", "deviations", node_number(a, NULL, 1000)));
	TRY(without_each(w, file, "/reads"));
	return without_each(w, file, "/caps");
}

static enum rc with_autonomy(struct work *w, const struct tree_file *file)
{
	struct arena *a = &w->a->arena;

	TRY(with_member(w, file, "/autonomy", "read", node_text(a, NULL, STR("act"))));
	TRY(with_member(w, file, "/autonomy", "contain", node_text(a, NULL, STR("act"))));
	return with_member(w, file, "/autonomy", "destroy", node_text(a, NULL, STR("act")));
}

static enum rc without_parts(struct work *w, const struct tree_file *file)
{
	struct str path = file->path;

	if (str_has_suffix(path, STR(".cedar"))) {
		return without_policies(w, file);
	}
	if (str_eq(path, STR("gates.yaml"))) {
		return without_each(w, file, "/never");
	}
	if (str_eq(path, STR("freezes.yaml"))) {
		return without_each(w, file, "/freezes");
	}
	if (str_eq(path, STR("limits.yaml"))) {
		return without_each(w, file, "/caps");
	}
	if (str_has_prefix(path, STR("upstreams/"))) {
		return without_demands(w, file);
	}
	if (str_has_prefix(path, STR("playbooks/"))) {
		return without_caps(w, file);
	}
	if (str_has_prefix(path, STR("agents/"))) {
		return with_autonomy(w, file);
	}
	if (str_has_prefix(path, STR("inventory/"))) {
		TRY(without_each(w, file, "/assets"));
		return without_each(w, file, "/kinds");
	}
	return RC_OK;
}

enum rc ablate(const struct scenario *s, const struct play_report *base, uint64_t seed,
	       struct ablation *ret, struct err *e)
{
	struct work w = {.s = s, .base = base, .seed = seed, .a = ret, .e = e};

	for (size_t i = 0; i < s->tree.files.n; i++) {
		TRY(without_parts(&w, &s->tree.files.p[i]));
	}
	return RC_OK;
}
