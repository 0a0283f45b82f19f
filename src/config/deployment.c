/* SPDX-License-Identifier: Apache-2.0 */
/* config/deployment.c - from a directory to a bundle with a digest.
 *
 * Holds:  (1) a deployment with one error is not built.
 *         (2) equal governing files give equal digests, wherever the directory is and whatever
 *             its listeners are.
 */
#include "config/deployment.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "config/load.h"

enum { BUNDLE_BYTES = 256 << 20, DEPLOYMENT_BYTES = 64 << 20 };

void deployment_free(struct deployment *d)
{
	if (!d) {
		return;
	}
	bundle_free(d->bundle);
	arena_fini(&d->arena);
	mem_free(d);
}

/* ---- The canonical form ---- */

static bool governs(struct str key)
{
	return !str_eq(key, STR("listen")) && !str_eq(key, STR("state")) &&
	       !str_eq(key, STR("keeper")) && !str_eq(key, STR("user")) &&
	       !str_eq(key, STR("pid_file"));
}

/* remit.yaml without what only says where it runs. */
static enum rc canonical_remit(const struct json *doc, struct buf *b, struct err *e)
{
	struct json members[16] = {0}; /* remit.yaml has fewer keys; others were refused */
	struct json object = {.type = JSON_OBJECT, .child = members};

	for (const struct json *m = doc->child; m; m = m->next) {
		if (governs(m->key)) {
			MUST(object.count < ARRAY_LEN(members));
			members[object.count] = *m;
			members[object.count].next = NULL;
			if (object.count > 0) {
				members[object.count - 1].next = &members[object.count];
			}
			object.count++;
		}
	}
	object.child = object.count ? members : NULL;
	return json_canonical(b, &object, e);
}

static enum rc add_canonical(struct buf *b, struct str path, struct str bytes)
{
	TRY(buf_addf(b, STR_FMT "\n%zu\n", STR_ARG(path), bytes.n));
	TRY(buf_add(b, bytes));
	return buf_add_char(b, '\n');
}

static enum rc digest(struct load *l, struct err *e)
{
	AUTO_BUF whole = BUF_INIT(DEPLOYMENT_BYTES / 2);
	AUTO_BUF remit = BUF_INIT(LIMIT_CONFIG_FILE_BYTES);

	TRY(canonical_remit(l->remit, &remit, e));
	for (size_t i = 0; i < l->tree->files.n; i++) {
		const struct tree_file *file = &l->tree->files.p[i];
		bool is_remit = str_eq(file->path, STR("remit.yaml"));
		enum rc rc =
		    add_canonical(&whole, file->path, is_remit ? buf_view(&remit) : file->bytes);

		if (rc != RC_OK) {
			FAIL(e, rc, "the deployment's files are too large together");
		}
	}
	l->d->canonical = arena_str(&l->d->arena, buf_view(&whole));
	if (!l->d->canonical.p) {
		FAIL(e, RC_NOMEM, "no memory for the bundle");
	}
	if (EVP_Digest(whole.p, whole.n, l->b->digest, NULL, EVP_sha256(), NULL) != 1) {
		FAIL(e, RC_BROKEN, "cannot compute a SHA-256 digest");
	}
	return RC_OK;
}

/* ---- Loading ---- */

/* An incident of a class that no playbook is for would wait for nobody. */
static void check_classes(struct load *l)
{
	l->file = STR("remit.yaml");
	for (size_t i = 0; i < l->d->n_sources; i++) {
		const struct source *s = &l->d->sources[i];

		for (size_t k = 0; k < s->classes.n; k++) {
			bool is_handled = false;

			for (size_t p = 0; p < l->b->n_playbooks; p++) {
				is_handled |=
				    str_list_has(&l->b->playbooks[p].classes, s->classes.p[k]);
			}
			if (!is_handled) {
				load_warn(l, json_pointer(l->remit, STR("/sources")),
					  "source '" STR_FMT
					  "' may open incidents of class '" STR_FMT
					  "', which no playbook is for",
					  STR_ARG(s->name), STR_ARG(s->classes.p[k]));
			}
		}
	}
}

static void check_assumed_agent(struct load *l)
{
	const struct agents_listener *a = &l->d->agents;

	l->file = STR("remit.yaml");
	if (a->is_plain && a->assume_agent.n > 0 && !bundle_agent(l->b, a->assume_agent)) {
		struct nearest near = nearest_to(a->assume_agent);

		for (size_t i = 0; i < l->b->n_agents; i++) {
			nearest_try(&near, l->b->agents[i].id);
		}
		load_unknown(l, json_pointer(l->remit, STR("/listen/agents/assume_agent")),
			     "agent has the identity", &near);
	}
}

static enum rc run(struct load *l, struct err *e)
{
	load_remit(l);
	load_people(l);
	load_inventory(l);
	load_gates(l);
	load_witnesses(l);
	load_upstreams(l);
	load_witness_tools(l);
	load_freezes(l);
	load_limits(l);
	load_autonomy_rules(l);
	load_playbooks(l);
	load_agents(l);
	load_routing(l);
	check_classes(l);
	check_assumed_agent(l);
	TRY(load_policies(l, e));
	load_authors(l);
	load_gates_ends(l);
	if (l->is_out_of_memory) {
		FAIL(e, RC_NOMEM, "no memory for the deployment");
	}
	if (l->f->n_errors > 0) {
		const struct finding *first = l->f->items.n > 0 ? &l->f->items.p[0] : NULL;

		for (size_t i = 0; first && i < l->f->items.n; i++) {
			if (l->f->items.p[i].level == FINDING_ERROR) {
				first = &l->f->items.p[i];
				break;
			}
		}
		FAIL(e, RC_INPUT, "%zu error%s, the first: " STR_FMT ":%u:%u: " STR_FMT,
		     l->f->n_errors, l->f->n_errors == 1 ? "" : "s",
		     STR_ARG(first ? first->file : STR("")), first ? first->line : 0,
		     first ? first->column : 0, STR_ARG(first ? first->text : STR("")));
	}
	return digest(l, e);
}

static enum rc build(const struct tree *tree, const char *dir, bool is_stored, uint64_t now_unix_ms,
		     struct deployment **ret, struct findings *f, struct err *e)
{
	AUTO_DEPLOYMENT d = mem_calloc(1, sizeof(*d));
	struct load l = {
	    .tree = tree, .f = f, .now_unix_ms = now_unix_ms, .is_stored = is_stored};

	if (!d) {
		FAIL(e, RC_NOMEM, "no memory for a deployment");
	}
	d->read_unix_ms = now_unix_ms;
	d->arena.max_bytes = DEPLOYMENT_BYTES;
	d->bundle = mem_calloc(1, sizeof(*d->bundle));
	if (!d->bundle) {
		FAIL(e, RC_NOMEM, "no memory for a bundle");
	}
	d->bundle->arena.max_bytes = BUNDLE_BYTES;
	d->dir = arena_str(&d->arena, str_from(dir));
	if (!d->dir.p) {
		FAIL(e, RC_NOMEM, "no memory for a deployment");
	}
	l.d = d;
	l.b = d->bundle;
	l.arena = &d->bundle->arena;
	l.looks_at_paths = dir != NULL;
	TRY(run(&l, e));
	*ret = TAKE(d);
	return RC_OK;
}

enum rc deployment_build(const struct tree *tree, const char *dir, uint64_t now_unix_ms,
			 struct deployment **ret, struct findings *f, struct err *e)
{
	return build(tree, dir, false, now_unix_ms, ret, f, e);
}

enum rc deployment_rebuild(const struct tree *tree, uint64_t now_unix_ms, struct deployment **ret,
			   struct findings *f, struct err *e)
{
	return build(tree, NULL, true, now_unix_ms, ret, f, e);
}

enum rc deployment_load(const char *dir, struct deployment **ret, struct findings *f, struct err *e)
{
	AUTO_TREE tree = TREE_INIT;
	struct clock clock = clock_system();
	char absolute[PATH_MAX];

	if (!realpath(dir, absolute)) {
		return err_set_sys(e, RC_ABSENT, __func__, "no deployment directory '%s'", dir);
	}
	TRY(tree_read(&tree, absolute, f, e));
	return deployment_build(&tree, absolute, clock_unix_ms(&clock), ret, f, e);
}

/* Defines the look-up of one kind of object by its name. */
#define LOOKUP(function, type, array, count)                                                       \
	const struct type *function(const struct deployment *d, struct str name)                   \
	{                                                                                          \
		for (size_t i = 0; i < d->count; i++) {                                            \
			if (str_eq(d->array[i].name, name)) {                                      \
				return &d->array[i];                                               \
			}                                                                          \
		}                                                                                  \
		return NULL;                                                                       \
	}

LOOKUP(deployment_source, source, sources, n_sources)
LOOKUP(deployment_notifier, notifier, notifiers, n_notifiers)
LOOKUP(deployment_backend, backend, backends, n_backends)

bool source_may_be_in(const struct source *s, struct str environment)
{
	const struct source_field *f = &s->mapping.environment;

	for (size_t i = 0; i < f->n_values; i++) {
		if (str_eq(f->values[i].to, environment)) {
			return true;
		}
	}
	return str_eq(s->environment.n ? s->environment : f->constant, environment) ||
	       (f->otherwise.n && str_eq(f->otherwise, environment));
}

bool source_may_signal(const struct source *s, struct str name)
{
	for (size_t i = 0; i < s->n_signals; i++) {
		if (str_eq(s->signals[i].name, name)) {
			return true;
		}
	}
	return false;
}
