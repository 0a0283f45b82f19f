/* SPDX-License-Identifier: Apache-2.0 */
/* config/tree.c - reading the files of a deployment directory.
 *
 * Trust:  the directory is its owner's; a file that everybody may write is nobody's.
 */
#include "config/tree.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "core/list.h"

struct reading {
	struct tree *tree;
	const char *dir;
	struct findings *f;
	struct err *e;
};

void tree_fini(struct tree *t)
{
	vec_fini(&t->files);
	arena_fini(&t->arena);
}

/* Where path is or would be. */
static size_t place_of(const struct tree *t, struct str path, bool *ret_found)
{
	size_t at = 0;

	*ret_found = false;
	while (at < t->files.n) {
		int order = str_cmp(t->files.p[at].path, path);

		if (order >= 0) {
			*ret_found = order == 0;
			break;
		}
		at++;
	}
	return at;
}

enum rc tree_add(struct tree *t, struct str path, struct str bytes, struct err *e)
{
	struct tree_file file = {.path = arena_str(&t->arena, path),
				 .bytes = arena_str(&t->arena, bytes)};
	bool found;
	size_t at = place_of(t, path, &found);

	if (found) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is there twice", STR_ARG(path));
	}
	if (t->files.n >= LIMIT_CONFIG_FILES) {
		FAIL(e, RC_LIMIT, "more than %d files", LIMIT_CONFIG_FILES);
	}
	if (!file.path.p || !file.bytes.p || vec_reserve(&t->files, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for '" STR_FMT "'", STR_ARG(path));
	}
	memmove(t->files.p + at + 1, t->files.p + at, (t->files.n - at) * sizeof(file));
	t->files.p[at] = file;
	t->files.n++;
	return RC_OK;
}

void tree_remove(struct tree *t, struct str path)
{
	bool found;
	size_t at = place_of(t, path, &found);

	if (found) {
		vec_remove(&t->files, at);
	}
}

enum rc tree_put_document(struct tree *t, struct str path, const struct json *document,
			  struct err *e)
{
	AUTO_BUF bytes = BUF_INIT(LIMIT_CONFIG_FILE_BYTES);
	bool found;

	TRY(json_canonical(&bytes, document, e));
	tree_remove(t, path);
	TRY(tree_add(t, path, buf_view(&bytes), e));
	t->files.p[place_of(t, path, &found)].parsed = document;
	return RC_OK;
}

const struct tree_file *tree_find(const struct tree *t, struct str path)
{
	bool found;
	size_t at = place_of(t, path, &found);

	return found ? &t->files.p[at] : NULL;
}

static enum rc join(struct reading *r, char out[PATH_MAX], const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", r->dir, name);

	if (n < 0 || n >= PATH_MAX) {
		FAIL(r->e, RC_LIMIT, "the path of '%s' is too long", name);
	}
	return RC_OK;
}

/* A file that cannot be read or may be written by anybody is a finding, not the end. */
static enum rc read_file(struct reading *r, const char *name)
{
	AUTO_BUF bytes = BUF_INIT(LIMIT_CONFIG_FILE_BYTES);
	struct err e = ERR_INIT;
	char path[PATH_MAX];
	struct stat st;

	TRY(join(r, path, name));
	if (stat(path, &st) != 0) {
		findings_add(r->f, FINDING_ERROR, str_from(name), 0, 0, "cannot be read: %s",
			     strerror(errno));
		return RC_OK;
	}
	if (!S_ISREG(st.st_mode)) {
		findings_add(r->f, FINDING_ERROR, str_from(name), 0, 0, "is not a regular file");
		return RC_OK;
	}
	if (st.st_mode & S_IWOTH) {
		findings_add(r->f, FINDING_ERROR, str_from(name), 0, 0,
			     "everybody may write this file (mode %04o)",
			     (unsigned)(st.st_mode & 07777));
	}
	if (file_read(path, &bytes, &e) != RC_OK) {
		findings_add(r->f, FINDING_ERROR, str_from(name), 0, 0, "%s", e.msg);
		return RC_OK;
	}
	return tree_add(r->tree, str_from(name), buf_view(&bytes), r->e);
}

static bool is_note(const char *name)
{
	return name[0] == '.' || str_has_suffix(str_from(name), STR(".md"));
}

static int order_names(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The entries of a directory in order, notes and hidden files left out; none when it is absent.
 * Names live in the tree's arena. */
static enum rc list_names(struct reading *r, const char *sub, struct str_list *ret)
{
	VEC(struct str) names = {0};
	struct dirent *entry;
	char path[PATH_MAX];
	enum rc rc = RC_OK;
	DIR *d;

	*ret = (struct str_list){0};
	TRY(join(r, path, sub));
	d = opendir(path);
	if (!d && (errno == ENOENT || errno == ENOTDIR)) {
		return RC_OK;
	}
	if (!d) {
		return err_set_sys(r->e, RC_IO, __func__, "cannot list '%s'", path);
	}
	while (rc == RC_OK && (entry = readdir(d))) {
		if (!is_note(entry->d_name)) {
			struct str name = arena_str(&r->tree->arena, str_from(entry->d_name));

			rc = name.p ? vec_push(&names, name) : RC_NOMEM;
		}
	}
	(void)closedir(d); /* nothing was written */
	if (rc == RC_OK && names.n > 0) {
		qsort(names.p, names.n, sizeof(names.p[0]), order_names);
		*ret = str_list_copy(&r->tree->arena, &(struct str_list){names.p, names.n});
		rc = ret->p ? RC_OK : RC_NOMEM;
	}
	vec_fini(&names);
	if (rc != RC_OK) {
		FAIL(r->e, rc, "no memory to list '%s'", path);
	}
	return RC_OK;
}

/* All files of a directory that end in suffix; everything else is said to be ignored. */
static enum rc read_files(struct reading *r, const char *sub, const char *suffix)
{
	struct str_list names;
	char relative[PATH_MAX];

	TRY(list_names(r, sub, &names));
	for (size_t i = 0; i < names.n; i++) {
		(void)snprintf(relative, sizeof(relative), "%s/" STR_FMT, sub,
			       STR_ARG(names.p[i])); /* both are file names: they fit */
		if (str_has_suffix(names.p[i], str_from(suffix))) {
			TRY(read_file(r, relative));
		} else {
			findings_add(r->f, FINDING_WARNING, str_from(relative), 0, 0,
				     "ignored: only *%s is read here", suffix);
		}
	}
	return RC_OK;
}

static enum rc read_envelopes(struct reading *r)
{
	struct str_list agents;
	char sub[PATH_MAX];

	TRY(list_names(r, "policies/agents", &agents));
	for (size_t i = 0; i < agents.n; i++) {
		(void)snprintf(sub, sizeof(sub), "policies/agents/" STR_FMT, STR_ARG(agents.p[i]));
		TRY(read_files(r, sub, ".cedar"));
	}
	return RC_OK;
}

/* A file that a deployment may have. */
static enum rc read_optional(struct reading *r, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	TRY(join(r, path, name));
	return stat(path, &st) != 0 && errno == ENOENT ? RC_OK : read_file(r, name);
}

enum rc tree_read(struct tree *t, const char *dir, struct findings *f, struct err *e)
{
	struct reading r = {.tree = t, .dir = dir, .f = f, .e = e};
	struct stat st;

	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
		FAIL(e, RC_ABSENT, "no deployment directory '%s'", dir);
	}
	TRY(read_file(&r, "remit.yaml"));
	TRY(read_file(&r, "people.yaml"));
	TRY(read_file(&r, "gates.yaml"));
	TRY(read_optional(&r, "witnesses.policy"));
	TRY(read_optional(&r, "freezes.yaml"));
	TRY(read_optional(&r, "routing.yaml"));
	TRY(read_optional(&r, "limits.yaml"));
	TRY(read_optional(&r, "autonomy.yaml"));
	TRY(read_files(&r, "agents", ".yaml"));
	TRY(read_files(&r, "inventory", ".yaml"));
	TRY(read_files(&r, "upstreams", ".yaml"));
	TRY(read_files(&r, "playbooks", ".yaml"));
	TRY(read_files(&r, "policies/base", ".cedar"));
	return read_envelopes(&r);
}
