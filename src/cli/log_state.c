/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_state.c - a published log with what lies beside it.
 *
 * Trust:  whoever runs this may read what the file system lets them read; nothing here gives more.
 */
#include "cli/log_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/files.h"
#include "base/mem.h"
#include "base/secret.h"
#include "cli/log_files.h"
#include "governor/log_io.h"
#include "governor/prune.h"
#include "keeper/keys.h"
#include "keeper/wrap.h"

enum { SEGMENTS = 0, KEYS, BUNDLES, SNAPSHOTS, DIRS, PATH_BYTES = 4096, MISSING_BYTES = 2048 };

struct log_state {
	struct tlog_dir *published;
	struct tlog_checkpoint checkpoint;
	struct buf note;
	struct log_io_system *dirs[DIRS];
	struct log_io io[DIRS];
	struct secret *wrapping;
	struct audit_files *files;
	struct buf missing;
	uint64_t first;
};

int log_state_parse(const struct cli_command *c, int argc, char **argv, const char *wants,
		    struct log_state_options *ret)
{
	*ret = (struct log_state_options){.log = getenv("REMIT_LOG")};
	for (int i = 0; i < argc; i++) {
		const char **into = NULL;

		if (!strcmp(argv[i], "--json")) {
			ret->as_json = true;
			continue;
		}
		if (!strcmp(argv[i], "--log")) {
			into = &ret->log;
		} else if (!strcmp(argv[i], "--key")) {
			into = &ret->key;
		} else if (!strcmp(argv[i], "--state")) {
			into = &ret->state;
		} else if (argv[i][0] == '-') {
			return cli_misuse(c, "unknown option '%s'", argv[i]);
		} else if (!wants || ret->positional) {
			return cli_misuse(c, "unexpected argument '%s'", argv[i]);
		} else {
			ret->positional = argv[i];
			continue;
		}
		if (++i == argc) {
			return cli_misuse(c, "%s needs a value", argv[i - 1]);
		}
		*into = argv[i];
	}
	if (wants && !ret->positional) {
		return cli_misuse(c, "which %s?", wants);
	}
	if (!ret->log) {
		return cli_misuse(c,
				  "which log? --log DIRECTORY (or REMIT_LOG in the environment)");
	}
	return 0;
}

static enum rc unwrap(void *ctx, struct str name, struct str wrapped, uint8_t ret[32],
		      struct err *e)
{
	const struct log_state *s = ctx;
	AUTO_SECRET key = NULL;

	TRY(wrap_open(s->wrapping, name, wrapped, &key, e));
	memcpy(ret, secret_view(key).p, WRAP_KEY_BYTES);
	return RC_OK;
}

static enum rc path_of(const struct log_state_options *o, const char *name, char out[PATH_BYTES],
		       struct err *e)
{
	int n = o->state ? snprintf(out, PATH_BYTES, "%s/%s", o->state, name)
			 : snprintf(out, PATH_BYTES, "%s/../%s", o->log, name);

	if (n < 0 || n >= PATH_BYTES) {
		FAIL(e, RC_INPUT, "the path of the state is too long");
	}
	return RC_OK;
}

static enum rc note_missing(struct log_state *s, const char *what, const struct err *why)
{
	return buf_addf(&s->missing, "%s%s: %s", s->missing.n ? "\n" : "", what, why->msg);
}

static enum rc open_dirs(struct log_state *s, const struct log_state_options *o, struct err *e)
{
	static const char *const names[DIRS] = {"segments", "keys", "bundles", "snapshots"};
	static const char *const whats[DIRS] = {"no sealed values", "no keys", "no bundles",
						"no snapshots"};
	char path[PATH_BYTES];

	for (int i = 0; i < DIRS; i++) {
		struct err why = ERR_INIT;

		TRY(path_of(o, names[i], path, e));
		if (log_io_system_new(path, &s->dirs[i], &why) == RC_OK) {
			s->io[i] = log_io_system_table(s->dirs[i]);
		} else {
			TRY(note_missing(s, whats[i], &why));
		}
	}
	return RC_OK;
}

static enum rc open_keys(struct log_state *s, const struct log_state_options *o, struct err *e)
{
	struct err why = ERR_INIT;
	char path[PATH_BYTES];

	TRY(path_of(o, "keeper", path, e));
	if (keeper_wrap_key_load(path, &s->wrapping, &why) != RC_OK) {
		return note_missing(s, "no keys", &why);
	}
	return RC_OK;
}

static enum rc open_all(struct log_state *s, const struct log_state_options *o, struct err *e)
{
	struct audit_files_options f = {.unwrap = unwrap, .unwrap_ctx = s};

	TRY(log_open(o->log, o->key, &s->published, &s->checkpoint, &s->note, e));
	TRY(open_dirs(s, o, e));
	TRY(open_keys(s, o, e));
	f.origin = s->checkpoint.origin;
	f.size = s->checkpoint.size;
	f.published = s->published;
	f.segments = s->dirs[SEGMENTS] ? &s->io[SEGMENTS] : NULL;
	f.keys = s->dirs[KEYS] && s->wrapping ? &s->io[KEYS] : NULL;
	f.bundles = s->dirs[BUNDLES] ? &s->io[BUNDLES] : NULL;
	f.snapshots = s->dirs[SNAPSHOTS] ? &s->io[SNAPSHOTS] : NULL;
	TRY(prune_read(o->log, s->published, &s->checkpoint, &f.pruned, e));
	s->first = f.pruned.first;
	return audit_files_new(&f, &s->files, e);
}

enum rc log_state_open(const struct log_state_options *o, struct log_state **ret, struct err *e)
{
	struct log_state *s = mem_calloc(1, sizeof(*s));
	enum rc rc;

	if (!s) {
		FAIL(e, RC_NOMEM, "no memory to read a log");
	}
	s->note = (struct buf)BUF_INIT(LOG_NOTE_BYTES);
	s->missing = (struct buf)BUF_INIT(MISSING_BYTES + 4 * PATH_BYTES);
	rc = open_all(s, o, e);
	if (rc != RC_OK) {
		log_state_free(s);
		return rc;
	}
	*ret = s;
	return RC_OK;
}

void log_state_free(struct log_state *s)
{
	if (!s) {
		return;
	}
	audit_files_free(s->files);
	secret_free(s->wrapping);
	for (int i = 0; i < DIRS; i++) {
		log_io_system_free(s->dirs[i]);
	}
	tlog_dir_free(s->published);
	buf_fini(&s->note);
	buf_fini(&s->missing);
	mem_free(s);
}

struct audit_source log_state_source(struct log_state *s)
{
	return audit_files_source(s->files);
}

uint64_t log_state_first(const struct log_state *s)
{
	return s->first;
}

uint64_t log_state_size(const struct log_state *s)
{
	return s->checkpoint.size;
}

struct str log_state_missing(const struct log_state *s)
{
	return buf_view(&s->missing);
}
