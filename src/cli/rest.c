/* SPDX-License-Identifier: Apache-2.0 */
/* cli/rest.c - every command that asks a running Remit: arguments to a body, an answer to text.
 *
 * One table says which arguments a command takes and which members of the answer people read;
 * --json prints the answer as it came.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "cli/client.h"
#include "cli/show.h"
#include "codec/json.h"
#include "codec/uri.h"
#include "core/command.h"

enum kind { KIND_TEXT = 0, KIND_NUMBER, KIND_SECONDS, KIND_LIST, KIND_JSON, KIND_FLAG };

/* name: "--class" or, for a positional, "ID"; key: member of the body. */
struct argument {
	const char *name;
	const char *key;
	enum kind kind;
	bool is_required;
};

enum { MAX_ARGUMENTS = 12, MAX_LIST = 64 };

struct rest_command {
	enum command_verb verb;
	const char *path;  /* instead of the verb's, for the index */
	const char *items; /* member of the answer that is a list to show as a table */
	const char *columns;
	const char *facts; /* members that are said first, when they are true (blank-separated) */
	const char *more;  /* a second list, shown under its name */
	const char *more_columns;
	enum rc (*show)(struct buf *out, const struct json *j, struct err *e); /* instead */
	struct argument arguments[MAX_ARGUMENTS];
};

static int run_rest(const struct cli_command *c, int argc, char **argv);

#define REST_COMMAND(words, usage, text, help, ...) {words, run_rest, usage, text, help},
const struct cli_command cli_rest_commands[] = {
#include "cli/rest.def"
};
#undef REST_COMMAND
const size_t cli_n_rest_commands = ARRAY_LEN(cli_rest_commands);

#define REST_COMMAND(words, usage, text, help, ...) {__VA_ARGS__},
static const struct rest_command rest_commands[] = {
#include "cli/rest.def"
};
#undef REST_COMMAND

struct parsed {
	bool as_json;
	const char *socket;
	const char *values[MAX_ARGUMENTS];
	const char *lists[MAX_ARGUMENTS][MAX_LIST];
	size_t n_list[MAX_ARGUMENTS];
};

static const struct argument *find_option(const struct rest_command *r, const char *name,
					  size_t *ret_at)
{
	for (size_t i = 0; i < MAX_ARGUMENTS && r->arguments[i].name; i++) {
		if (!strcmp(r->arguments[i].name, name)) {
			*ret_at = i;
			return &r->arguments[i];
		}
	}
	return NULL;
}

/* The next positional that has no value yet. */
static bool take_positional(const struct rest_command *r, struct parsed *p, const char *value)
{
	for (size_t i = 0; i < MAX_ARGUMENTS && r->arguments[i].name; i++) {
		if (r->arguments[i].name[0] != '-' && !p->values[i]) {
			p->values[i] = value;
			return true;
		}
	}
	return false;
}

/* 0, or the exit status of a mistake. */
static int parse(const struct cli_command *c, const struct rest_command *r, int argc, char **argv,
		 struct parsed *p)
{
	for (int i = 0; i < argc; i++) {
		const struct argument *a;
		size_t at = 0;

		if (!strcmp(argv[i], "--json")) {
			p->as_json = true;
			continue;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			if (!take_positional(r, p, argv[i])) {
				return cli_misuse(c, "unexpected argument '%s'", argv[i]);
			}
			continue;
		}
		if (!strcmp(argv[i], "--socket")) {
			if (++i == argc) {
				return cli_misuse(c, "--socket needs a path");
			}
			p->socket = argv[i];
			continue;
		}
		a = find_option(r, argv[i], &at);
		if (!a) {
			return cli_misuse(c, "unknown option '%s'", argv[i]);
		}
		if (a->kind == KIND_FLAG) {
			p->values[at] = "true";
			continue;
		}
		if (++i == argc) {
			return cli_misuse(c, "%s needs a value", a->name);
		}
		if (a->kind == KIND_LIST) {
			if (p->n_list[at] == MAX_LIST) {
				return cli_misuse(c, "%s may stand %d times", a->name, MAX_LIST);
			}
			p->lists[at][p->n_list[at]++] = argv[i];
		}
		p->values[at] = argv[i];
	}
	for (size_t i = 0; i < MAX_ARGUMENTS && r->arguments[i].name; i++) {
		if (r->arguments[i].is_required && !p->values[i]) {
			return cli_misuse(c, "%s is missing", r->arguments[i].name);
		}
	}
	return 0;
}

static enum rc write_value(struct json_out *w, const struct argument *a, const struct parsed *p,
			   size_t at, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_ARENA arena = ARENA_INIT(16 << 20);
	struct str text = str_from(p->values[at]);
	const struct json *j;
	uint64_t v;

	json_out_key(w, str_from(a->key));
	switch (a->kind) {
	case KIND_TEXT:
		if (!str_is_utf8(text)) {
			FAIL(e, RC_INPUT, "%s is not UTF-8", a->name);
		}
		json_out_str(w, text);
		return RC_OK;
	case KIND_FLAG:
		json_out_bool(w, true);
		return RC_OK;
	case KIND_NUMBER:
		if (!num_u64(text, (1ull << 53) - 1, &v)) {
			FAIL(e, RC_INPUT, "%s must be a number, not '%s'", a->name, text.p);
		}
		json_out_u64(w, v);
		return RC_OK;
	case KIND_SECONDS:
		if (!num_duration_ms(text, &v) || v < 1000) {
			FAIL(e, RC_INPUT, "%s must be a duration such as 90s, 15m or 4h, not '%s'",
			     a->name, text.p);
		}
		json_out_u64(w, v / 1000);
		return RC_OK;
	case KIND_LIST:
		json_out_array(w);
		for (size_t i = 0; i < p->n_list[at]; i++) {
			json_out_str(w, str_from(p->lists[at][i]));
		}
		json_out_close(w);
		return RC_OK;
	case KIND_JSON:
		if (json_parse(&arena, text, &limits, &j, e) != RC_OK) {
			return err_wrap(e, RC_INPUT, "%s", a->name);
		}
		json_out_raw(w, text);
		return RC_OK;
	}
	return RC_OK;
}

/* The path with its {id} or {name} filled in; ret_used is the key that went into it. */
static enum rc fill_path(const char *pattern, const struct rest_command *r, const struct parsed *p,
			 struct buf *out, const char **ret_used, struct err *e)
{
	const char *open = strchr(pattern, '{');
	const char *close = open ? strchr(open, '}') : NULL;

	*ret_used = "";
	if (!close) {
		return buf_add(out, str_from(pattern));
	}
	TRY(buf_add(out, str_of(pattern, (size_t)(open - pattern))));
	for (size_t i = 0; i < MAX_ARGUMENTS && r->arguments[i].name; i++) {
		struct str key = str_from(r->arguments[i].key);

		if (str_eq(key, str_of(open + 1, (size_t)(close - open - 1)))) {
			*ret_used = r->arguments[i].key;
			if (uri_encode(out, str_from(p->values[i])) != RC_OK) {
				FAIL(e, RC_LIMIT, "%s is too long", r->arguments[i].name);
			}
		}
	}
	return buf_add(out, str_from(close + 1));
}

static enum rc write_body(const struct rest_command *r, const struct parsed *p, const char *used,
			  struct buf *out, struct err *e)
{
	struct json_out w = json_out_to(out);

	json_out_object(&w);
	for (size_t i = 0; i < MAX_ARGUMENTS && r->arguments[i].name; i++) {
		if (p->values[i] && strcmp(r->arguments[i].key, used) != 0) {
			TRY(write_value(&w, &r->arguments[i], p, i, e));
		}
	}
	json_out_close(&w);
	return json_out_end(&w, e);
}

/* Is anything said that did not go into the path? */
static bool has_options(const struct rest_command *r, const struct parsed *p, const char *used)
{
	for (size_t i = 0; i < MAX_ARGUMENTS && r->arguments[i].name; i++) {
		if (p->values[i] && strcmp(r->arguments[i].key, used) != 0) {
			return true;
		}
	}
	return false;
}

/* For the index: the values as a query string. */
static enum rc write_query(const struct rest_command *r, const struct parsed *p, const char *used,
			   struct buf *out, struct err *e)
{
	char sep = '?';

	for (size_t i = 0; i < MAX_ARGUMENTS && r->arguments[i].name; i++) {
		if (p->values[i] && strcmp(r->arguments[i].key, used) != 0) {
			if (buf_addf(out, "%c%s=", sep, r->arguments[i].key) != RC_OK ||
			    uri_encode(out, str_from(p->values[i])) != RC_OK) {
				FAIL(e, RC_LIMIT, "%s is too long", r->arguments[i].name);
			}
			sep = '&';
		}
	}
	return RC_OK;
}

/* {"error": {"code", "message"}} or problem+json on standard error; the exit status. */
static int show_error(const struct cli_command *c, unsigned status, struct str body)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct json *j = NULL;
	struct str code = STR("");
	struct str text = STR("no reason was given");

	if (json_parse(&arena, body, &limits, &j, NULL) == RC_OK) {
		if (!json_str(json_pointer(j, STR("/error/code")), &code)) {
			code = STR("");
		}
		if (!json_str(json_pointer(j, STR("/error/message")), &text) &&
		    !json_str(json_get(j, STR("detail")), &text)) {
			text = STR("no reason was given");
		}
	}
	fprintf(stderr, "remit %s: " STR_FMT "%s" STR_FMT "%s\n", c->words, STR_ARG(text),
		code.n ? " (" : "", STR_ARG(code), code.n ? ")" : "");
	switch (status) {
	case 400:
	case 422:
		return rc_exit_status(RC_INPUT);
	case 401:
	case 403:
	case 405:
		return rc_exit_status(RC_DENIED);
	case 404:
		return rc_exit_status(RC_ABSENT);
	case 413:
	case 429:
		return rc_exit_status(RC_LIMIT);
	case 503:
		return rc_exit_status(RC_AGAIN);
	default:
		return rc_exit_status(RC_BROKEN);
	}
}

/* An answer that is lists: what is true of all, then one table, perhaps another. */
static enum rc show_lists(const struct rest_command *r, const struct json *j, struct buf *out,
			  struct err *e)
{
	struct str facts = str_from(r->facts);

	while (facts.n) {
		struct str name = str_cut(&facts, ' ');

		if (json_type(json_get(j, name)) == JSON_TRUE) {
			TRY(buf_addf(out, STR_FMT "\n", STR_ARG(name)));
		}
	}
	TRY(show_table(out, json_get(j, str_from(r->items)), r->columns, e));
	if (!r->more) {
		return RC_OK;
	}
	TRY(buf_addf(out, "\n%s:\n", r->more));
	return show_table(out, json_get(j, str_from(r->more)), r->more_columns, e);
}

static int show_answer(const struct cli_command *c, const struct rest_command *r,
		       const struct parsed *p, struct str body)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_ARENA arena = ARENA_INIT(64 << 20);
	AUTO_BUF out = BUF_INIT(16 << 20);
	struct err e = ERR_INIT;
	const struct json *j;

	if (p->as_json) {
		if (buf_add(&out, body) != RC_OK || buf_add_char(&out, '\n') != RC_OK) {
			return rc_exit_status(RC_LIMIT);
		}
		return cli_print(buf_view(&out));
	}
	if (json_parse(&arena, body, &limits, &j, &e) != RC_OK ||
	    (r->show	? r->show(&out, j, &e)
	     : r->items ? show_lists(r, j, &out, &e)
			: show_object(&out, j, &e)) != RC_OK) {
		return cli_fail(c, &e);
	}
	return cli_print(buf_view(&out));
}

static enum rc ask(const struct rest_command *r, const struct parsed *p, unsigned *ret_status,
		   struct buf *answer, struct err *e)
{
	const struct command_info *info = command_info((unsigned)r->verb);
	const char *socket = p->socket ? p->socket : getenv("REMIT_SOCKET");
	AUTO_BUF path = BUF_INIT(4096);
	AUTO_BUF body = BUF_INIT(262144);
	AUTO_ARENA arena = ARENA_INIT(1 << 16);
	const char *pattern = r->path ? r->path : arena_cstr(&arena, info->path);
	const char *used;

	TRY(buf_add(&path, STR("/v1")));
	TRY(fill_path(pattern, r, p, &path, &used, e));
	if (r->path) {
		TRY(write_query(r, p, used, &path, e));
	} else if (info->changes || r->verb == COMMAND_TRY || r->verb == COMMAND_REACH ||
		   has_options(r, p, used)) {
		TRY(write_body(r, p, used, &body, e));
	}
	return client_ask(socket ? socket : "/run/remit/people.sock",
			  r->path ? "GET" : arena_cstr(&arena, info->method), buf_view(&path),
			  buf_view(&body), ret_status, answer, e);
}

static int run_rest(const struct cli_command *c, int argc, char **argv)
{
	const struct rest_command *r = &rest_commands[c - cli_rest_commands];
	AUTO_BUF answer = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	struct parsed p = {0};
	struct err e = ERR_INIT;
	unsigned status = 0;
	int bad = parse(c, r, argc, argv, &p);

	if (bad) {
		return bad;
	}
	if (ask(r, &p, &status, &answer, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	if (status < 200 || status > 299) {
		return show_error(c, status, buf_view(&answer));
	}
	return show_answer(c, r, &p, buf_view(&answer));
}
