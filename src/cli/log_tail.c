/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_tail.c - following the log: from its published files, never by asking the governor.
 *
 * Holds:  (1) what is printed stands under a checkpoint whose signature was checked;
 *         (2) each further checkpoint extends the one before it, or the reading ends: nobody who
 *             follows is led from one history into another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tlog.h>

#include "base/num.h"
#include "cli/log.h"
#include "cli/log_files.h"
#include "cli/log_lines.h"
#include "governor/prune.h"

enum { FOLLOW_MS = 200, DEFAULT_TAIL = 10, MAX_TAIL = 1000000 };

struct options {
	const char *log;
	const char *key;
	uint64_t n;
	bool has_cursor;
	struct log_cursor since;
	bool follow;
	bool checkpoints;
	struct log_filter filters[LOG_FILTERS];
	size_t n_filters;
};

static int parse_filter(const struct cli_command *c, const char *text, struct options *o)
{
	struct err e = ERR_INIT;

	if (o->n_filters == LOG_FILTERS) {
		return cli_misuse(c, "more than %d filters", LOG_FILTERS);
	}
	if (log_filter_parse(str_from(text), &o->filters[o->n_filters], &e) != RC_OK) {
		return cli_misuse(c, "%s", e.msg);
	}
	o->n_filters++;
	return 0;
}

/* One option with its value. */
static int parse_value(const struct cli_command *c, const char *name, const char *value,
		       struct options *o)
{
	if (!strcmp(name, "--log")) {
		o->log = value;
	} else if (!strcmp(name, "--key")) {
		o->key = value;
	} else if (!strcmp(name, "--since")) {
		o->has_cursor = true;
		if (!log_cursor_parse(str_from(value), &o->since)) {
			return cli_misuse(c, "--since needs INDEX or INDEX:HASH");
		}
	} else if (!strcmp(name, "-n")) {
		if (!num_u64(str_from(value), MAX_TAIL, &o->n)) {
			return cli_misuse(c, "-n needs a number");
		}
	} else {
		return cli_misuse(c, "unknown option '%s'", name);
	}
	return 0;
}

static int parse(const struct cli_command *c, bool takes_filters, int argc, char **argv,
		 struct options *o)
{
	*o = (struct options){.log = getenv("REMIT_LOG"), .n = DEFAULT_TAIL};
	for (int i = 0; i < argc; i++) {
		int bad = 0;

		if (!strcmp(argv[i], "--follow")) {
			o->follow = true;
		} else if (!strcmp(argv[i], "--checkpoints")) {
			o->checkpoints = true;
		} else if (argv[i][0] == '-') {
			if (i + 1 == argc) {
				return cli_misuse(c, "%s needs a value", argv[i]);
			}
			bad = parse_value(c, argv[i], argv[i + 1], o);
			i++;
		} else if (takes_filters) {
			bad = parse_filter(c, argv[i], o);
		} else {
			bad = cli_misuse(c, "unexpected argument '%s'", argv[i]);
		}
		if (bad) {
			return bad;
		}
	}
	if (!o->log) {
		return cli_misuse(c,
				  "which log? --log DIRECTORY (or REMIT_LOG in the environment)");
	}
	return 0;
}

/* What was shown last. */
struct seen {
	bool is_any;
	uint64_t size;
	struct tlog_hash root;
};

/* (2) */
static enum rc check_extends(struct tlog_dir *d, struct tlog_hasher *h, const struct seen *seen,
			     const struct tlog_checkpoint *c, struct err *e)
{
	struct tlog_nodes nodes = tlog_dir_nodes(d);
	struct tlog_hash root;

	if (!seen->is_any) {
		return RC_OK;
	}
	if (c->size < seen->size) {
		FAIL(e, RC_BROKEN, "the log had %ju leaves and now has %ju", (uintmax_t)seen->size,
		     (uintmax_t)c->size);
	}
	TRY(tlog_root_at(h, &nodes, seen->size, &root, e));
	if (!tlog_hash_eq(&root, &seen->root)) {
		FAIL(e, RC_BROKEN, "the log's first %ju leaves are not those that were shown",
		     (uintmax_t)seen->size);
	}
	return RC_OK;
}

static enum rc first_leaf(struct tlog_dir *d, struct tlog_hasher *h, const struct options *o,
			  bool from_start, const struct tlog_checkpoint *c, uint64_t *ret,
			  struct err *e)
{
	struct pruned pruned;

	if (o->has_cursor) {
		TRY(log_is_there(o->log, d, c, o->since.ix, e)); /* or there would be a gap */
		TRY(log_cursor_check(d, h, &o->since, c->size, e));
		*ret = o->since.ix;
		return RC_OK;
	}
	TRY(prune_read(o->log, d, c, &pruned, e));
	*ret = from_start || c->size <= o->n ? 0 : c->size - o->n;
	*ret = *ret < pruned.first ? pruned.first : *ret;
	return RC_OK;
}

/* All that is new under the present checkpoint. */
static enum rc show_new(const struct options *o, bool from_start, struct tlog_hasher *h,
			struct seen *seen, uint64_t *next, struct err *e)
{
	AUTO_TLOG_DIR d = NULL;
	AUTO_BUF note = BUF_INIT(LOG_NOTE_BYTES);
	struct tlog_checkpoint c;

	TRY(log_open(o->log, o->key, &d, &c, &note, e));
	if (seen->is_any && c.size == seen->size && tlog_hash_eq(&c.root, &seen->root)) {
		return RC_OK;
	}
	TRY(check_extends(d, h, seen, &c, e));
	if (!seen->is_any) {
		TRY(first_leaf(d, h, o, from_start, &c, next, e));
	}
	*seen = (struct seen){.is_any = true, .size = c.size, .root = c.root};
	if (*next < c.size) {
		struct log_range range = {.from = *next, .to = c.size, .size = c.size};

		TRY(log_lines_print(d, h, &range, o->filters, o->n_filters, e));
		*next = c.size;
	}
	return o->checkpoints ? log_lines_checkpoint(&c, buf_view(&note), e) : RC_OK;
}

static int run(const struct cli_command *c, bool is_grep, int argc, char **argv)
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	struct options o;
	struct seen seen = {0};
	struct err e = ERR_INIT;
	uint64_t next = 0;
	int bad = parse(c, is_grep, argc, argv, &o);

	if (bad) {
		return bad;
	}
	if (is_grep && o.n_filters == 0) {
		return cli_misuse(c, "what for? FIELD=VALUE or FIELD~TEXT");
	}
	if (!h) {
		(void)err_set(&e, RC_NOMEM, __func__, "no memory"); /* cli_fail says it */
		return cli_fail(c, &e);
	}
	for (;;) {
		struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000};

		if (show_new(&o, is_grep, h, &seen, &next, &e) != RC_OK) {
			return cli_fail(c, &e);
		}
		if (!o.follow) {
			return 0;
		}
		(void)nanosleep(&pause, NULL); /* shorter is fine */
	}
}

int cli_log_tail(const struct cli_command *c, int argc, char **argv)
{
	return run(c, false, argc, argv);
}

int cli_log_grep(const struct cli_command *c, int argc, char **argv)
{
	return run(c, true, argc, argv);
}
