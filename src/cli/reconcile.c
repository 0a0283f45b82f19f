/* SPDX-License-Identifier: Apache-2.0 */
/* cli/reconcile.c - a target's own log against the published log: what went round Remit?
 *
 * Trust:  the target's log is a file of lines that strangers had a part in (reconcile/row.c).
 * Holds:  (1) the exit status is 0 only if every row that was asked about was matched.
 */
#include "cli/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/num.h"
#include "cli/log_files.h"
#include "codec/yaml.h"
#include "reconcile/match.h"

enum {
	MAX_PRINCIPALS = 64,
	LISTED = 100,		 /* exceptions in text; --json lists all */
	WHAT_BYTES = 200,	 /* of a statement, for people */
	SKEW_MS = 2000,		 /* two machines with NTP */
	OVERRUN_MS = 15 * 60000, /* the longest timeout of a tool */
};
static const uint64_t FILE_BYTES = UINT64_C(4) << 30;

struct options {
	const char *log;
	const char *key;
	const char *file;
	const char *mapping;
	enum row_form form;
	const char *principals[MAX_PRINCIPALS];
	size_t n_principals;
	const char *upstream;
	uint64_t since_unix_ms;
	uint64_t skew_ms;
	bool as_json;
};

struct found {
	uint64_t n[ROW_OTHER_LEASE + 1];
	size_t n_missed;
	size_t n_listed;
	struct json_out *w; /* --json */
	struct buf *text;
};

/* ---- arguments ---- */

static int take_form(const struct cli_command *c, struct options *o, enum row_form form,
		     const char *file)
{
	if (o->file) {
		return cli_misuse(c, "one file at a time");
	}
	o->form = form;
	o->file = file;
	return 0;
}

/* An option with a value; -1 = no such option. */
static int take(const struct cli_command *c, struct options *o, const char *name, const char *value)
{
	uint64_t days;

	if (!strcmp(name, "--log")) {
		o->log = value;
	} else if (!strcmp(name, "--key")) {
		o->key = value;
	} else if (!strcmp(name, "--postgresql")) {
		return take_form(c, o, ROW_FORM_POSTGRESQL, value);
	} else if (!strcmp(name, "--nginx")) {
		return take_form(c, o, ROW_FORM_NGINX, value);
	} else if (!strcmp(name, "--jsonl")) {
		return take_form(c, o, ROW_FORM_JSON, value);
	} else if (!strcmp(name, "--mapping")) {
		o->mapping = value;
	} else if (!strcmp(name, "--upstream")) {
		o->upstream = value;
	} else if (!strcmp(name, "--principal")) {
		if (o->n_principals == MAX_PRINCIPALS) {
			return cli_misuse(c, "--principal may stand %d times", MAX_PRINCIPALS);
		}
		o->principals[o->n_principals++] = value;
	} else if (!strcmp(name, "--skew")) {
		if (!num_duration_ms(str_from(value), &o->skew_ms)) {
			return cli_misuse(c, "--skew needs a duration such as 2s");
		}
	} else if (!strcmp(name, "--since")) {
		if (num_date_days(str_from(value), &days)) {
			o->since_unix_ms = days * 24 * 3600 * 1000;
		} else if (!num_time_unix_ms(str_from(value), &o->since_unix_ms)) {
			return cli_misuse(c, "--since needs a time such as 2026-11-27T21:00:00Z");
		}
	} else {
		return cli_misuse(c, "unknown option '%s'", name);
	}
	return 0;
}

static int parse(const struct cli_command *c, int argc, char **argv, struct options *o)
{
	*o = (struct options){.log = getenv("REMIT_LOG"), .skew_ms = SKEW_MS};
	for (int i = 0; i < argc; i++) {
		int bad;

		if (!strcmp(argv[i], "--json")) {
			o->as_json = true;
			continue;
		}
		if (i + 1 == argc) {
			return cli_misuse(c, "'%s' is no option, or needs a value", argv[i]);
		}
		bad = take(c, o, argv[i], argv[i + 1]);
		if (bad) {
			return bad;
		}
		i++;
	}
	if (!o->log) {
		return cli_misuse(c,
				  "which log? --log DIRECTORY (or REMIT_LOG in the environment)");
	}
	if (!o->file) {
		return cli_misuse(c,
				  "what did the target see? --postgresql, --nginx or --jsonl FILE");
	}
	if (o->form == ROW_FORM_JSON && !o->mapping) {
		return cli_misuse(c, "--jsonl needs --mapping FILE");
	}
	return 0;
}

/* ---- reading ---- */

static enum rc add_leaf(void *ctx, uint64_t ix, const struct leaf *l, struct str text,
			struct err *e)
{
	(void)text; /* decoded is enough */
	return match_add_leaf(ctx, ix, l, e);
}

static enum rc read_mapping(const char *path, struct arena *arena, struct row_mapping *ret,
			    struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_BUF text = BUF_INIT(LIMIT_CONFIG_FILE_BYTES);
	const struct json *doc;

	limits.want_positions = true;
	TRY(file_read(path, &text, e));
	if (yaml_parse(arena, buf_view(&text), &limits, &doc, e) != RC_OK ||
	    row_mapping_read(doc, ret, e) != RC_OK) {
		return err_wrap(e, e->code, "%s", path);
	}
	return RC_OK;
}

/* ---- what was found ---- */

static void write_call_time(struct json_out *w, const char *name, uint64_t unix_ms)
{
	char stamp[25];

	clock_format_unix_ms(unix_ms, stamp);
	json_out_key_str(w, name, str_from(stamp));
}

static enum rc list_row(struct found *f, const struct row *row, uint64_t line, enum row_verdict v)
{
	char stamp[25];
	char id[24];

	f->n_listed++;
	if (f->w) {
		json_out_object(f->w);
		json_out_key_u64(f->w, "line", line);
		write_call_time(f->w, "time", row->at_unix_ms);
		json_out_key(f->w, STR("principal"));
		json_out_text(f->w, row->principal);
		if (row->call) {
			json_out_key_str(f->w, "call", id_text('c', row->call, id));
		}
		json_out_key_str(f->w, "why", str_from(row_verdict_text(v)));
		json_out_key(f->w, STR("what"));
		json_out_text(f->w, str_slice(row->what, 0, WHAT_BYTES));
		json_out_close(f->w);
		return RC_OK;
	}
	if (f->n_listed > LISTED) {
		return RC_OK;
	}
	clock_format_unix_ms(row->at_unix_ms, stamp);
	return buf_addf(f->text, "line %llu  %s  " STR_FMT "  %s%s%s\n    " STR_FMT "\n",
			(unsigned long long)line, stamp, STR_ARG(row->principal),
			row->call ? id_text('c', row->call, id).p : "", row->call ? ": " : "",
			row_verdict_text(v), STR_ARG(str_slice(row->what, 0, WHAT_BYTES)));
}

static enum rc match_rows(const struct options *o, const struct row_mapping *mapping,
			  struct str all, struct match *m, struct found *f, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(64 << 20);
	struct str rest = all;
	uint64_t next = 1;
	struct str record;

	for (uint64_t line = 1; row_next_record(o->form, &rest, &next, &record); line = next) {
		enum row_verdict v;
		struct row row;

		arena_reset(&arena);
		if (row_read(o->form, mapping, record, &arena, &row, e) != RC_OK) {
			return err_wrap(e, e->code, "%s: line %llu", o->file,
					(unsigned long long)line);
		}
		if (row.at_unix_ms < o->since_unix_ms) {
			continue;
		}
		v = match_row(m, &row);
		f->n[v]++;
		if (v != ROW_IGNORED && v != ROW_MATCHED && list_row(f, &row, line, v) != RC_OK) {
			FAIL(e, RC_LIMIT, "there is too much to list; take a shorter time");
		}
	}
	return RC_OK;
}

static enum rc list_missed(struct match *m, struct found *f, struct err *e)
{
	char stamp[25];
	char id[24];
	uint64_t call;
	uint64_t unix_ms;
	size_t at = 0;

	while (match_next_missed(m, &at, &call, &unix_ms)) {
		f->n_missed++;
		if (f->w) {
			json_out_object(f->w);
			json_out_key_str(f->w, "call", id_text('c', call, id));
			write_call_time(f->w, "time", unix_ms);
			json_out_close(f->w);
			continue;
		}
		clock_format_unix_ms(unix_ms, stamp);
		if (f->n_missed <= LISTED &&
		    buf_addf(f->text, STR_FMT "  %s  the target's log does not show it\n",
			     STR_ARG(id_text('c', call, id)), stamp) != RC_OK) {
			FAIL(e, RC_LIMIT, "there is too much to list; take a shorter time");
		}
	}
	return RC_OK;
}

static uint64_t went_round(const struct found *f)
{
	return f->n[ROW_NO_CALL] + f->n[ROW_UNKNOWN_CALL] + f->n[ROW_OUT_OF_TIME] +
	       f->n[ROW_OTHER_LEASE];
}

static enum rc run(const struct options *o, struct match *m, struct found *f, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF all = BUF_INIT(FILE_BYTES);
	struct row_mapping mapping = {0};
	uint64_t size;

	if (o->mapping) {
		TRY(read_mapping(o->mapping, &arena, &mapping, e));
	}
	TRY(file_read(o->file, &all, e));
	TRY(log_walk(o->log, o->key, add_leaf, m, &size, e));
	if (f->w) {
		json_out_object(f->w);
		json_out_key_u64(f->w, "leaves", size);
		json_out_key(f->w, STR("round_remit"));
		json_out_array(f->w);
	}
	TRY(match_rows(o, &mapping, buf_view(&all), m, f, e));
	if (f->w) {
		json_out_close(f->w);
		json_out_key(f->w, STR("missed"));
		json_out_array(f->w);
	}
	TRY(list_missed(m, f, e));
	if (f->w) {
		json_out_close(f->w);
		json_out_key_u64(f->w, "matched", f->n[ROW_MATCHED]);
		json_out_key_u64(f->w, "ignored", f->n[ROW_IGNORED]);
		json_out_close(f->w);
		TRY(json_out_end(f->w, e));
		return buf_add_char(f->text, '\n');
	}
	return buf_addf(f->text,
			"%llu rows went through Remit, %llu round it; %llu were not asked about\n"
			"%zu calls have no row\n",
			(unsigned long long)f->n[ROW_MATCHED], (unsigned long long)went_round(f),
			(unsigned long long)f->n[ROW_IGNORED], f->n_missed);
}

int cli_reconcile(const struct cli_command *c, int argc, char **argv)
{
	AUTO_BUF out = BUF_INIT(256 << 20);
	struct json_out w = json_out_to(&out);
	struct found f = {.text = &out};
	struct options o;
	struct match_options mo;
	struct match *m = NULL;
	struct err e = ERR_INIT;
	enum rc rc;
	int bad = parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	f.w = o.as_json ? &w : NULL;
	mo = (struct match_options){
	    .skew_ms = o.skew_ms,
	    .overrun_ms = OVERRUN_MS,
	    .asks_about_all = o.form != ROW_FORM_POSTGRESQL && o.n_principals == 0,
	    .principals = o.principals,
	    .n_principals = o.n_principals,
	    .upstream = str_from(o.upstream),
	};
	rc = match_new(&mo, &m, &e);
	rc = rc == RC_OK ? run(&o, m, &f, &e) : rc;
	match_free(m);
	if (rc != RC_OK) {
		return cli_fail(c, &e);
	}
	bad = cli_print(buf_view(&out));
	return bad ? bad : went_round(&f) ? rc_exit_status(RC_DENIED) : 0; /* (1) */
}
