/* SPDX-License-Identifier: Apache-2.0 */
/* reconcile/row.c - records of a target's log.
 *
 * Trust:  a log line is what a stranger made of it; each field is read within its quotes only.
 * Holds:  (1) a record that cannot be read is an error, never left out.
 */
#include "reconcile/row.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"

enum { CSV_COLUMNS = 26, MS_LEAST = 100000000000 }; /* smaller numbers are seconds */

/* PostgreSQL documentation 20.8.4: the columns of csvlog. */
enum csv_column {
	CSV_TIME = 0,
	CSV_USER = 1,
	CSV_SEVERITY = 11,
	CSV_MESSAGE = 13,
	CSV_APPLICATION = 22
};

/* "remit:c17", or "c17" alone, as an id; 0 when there is none. */
static uint64_t call_of(struct str text)
{
	struct str marked = STR("remit:");
	const char *at = text.n ? memmem(text.p, text.n, marked.p, marked.n) : NULL;
	struct str id = text;
	size_t n = 1;
	uint64_t ix;

	if (at) {
		id = str_slice(text, (size_t)(at - text.p) + marked.n, text.n);
	}
	if (id.n == 0 || id.p[0] != 'c') {
		return 0;
	}
	while (n < id.n && id.p[n] >= '0' && id.p[n] <= '9') {
		n++;
	}
	if (!at && n != id.n) {
		return 0;
	}
	return num_u64(str_slice(id, 1, n), UINT64_MAX >> 1, &ix) ? ix : 0;
}

/* ---- records ---- */

bool row_next_record(enum row_form form, struct str *rest, uint64_t *line, struct str *ret)
{
	uint64_t lines = 0;
	bool in_quotes = false;
	size_t n = 0;

	if (rest->n == 0) {
		return false;
	}
	for (; n < rest->n; n++) {
		if (form == ROW_FORM_POSTGRESQL && rest->p[n] == '"') {
			in_quotes = !in_quotes; /* a doubled quote toggles twice */
		}
		if (rest->p[n] == '\n') {
			lines++;
			if (!in_quotes) {
				break;
			}
		}
	}
	*ret = str_slice(*rest, 0, n);
	*rest = str_slice(*rest, n + 1, rest->n);
	*line += lines ? lines : 1;
	return true;
}

/* ---- PostgreSQL ---- */

/* The next column of a record of csvlog, without its quotes. */
static bool take_csv(struct str *rest, struct arena *arena, struct str *ret)
{
	size_t at = 0;
	size_t n = 0;
	char *p;

	if (rest->n == 0 || rest->p[0] != '"') {
		*ret = str_cut(rest, ',');
		return true;
	}
	p = arena_alloc(arena, rest->n);
	if (!p) {
		return false;
	}
	for (at = 1; at < rest->n; at++) {
		if (rest->p[at] != '"') {
			p[n++] = rest->p[at];
		} else if (at + 1 < rest->n && rest->p[at + 1] == '"') {
			p[n++] = rest->p[at++];
		} else {
			break;
		}
	}
	if (at == rest->n || (at + 1 < rest->n && rest->p[at + 1] != ',')) {
		return false;
	}
	*rest = at + 1 < rest->n ? str_slice(*rest, at + 2, rest->n) : STR_NULL;
	*ret = str_of(p, n);
	return true;
}

/* "2026-11-27 21:00:00.123 UTC": only a server that logs in UTC can be read. */
static bool postgresql_time(struct str s, uint64_t *ret)
{
	char text[32];

	if (s.n < 23 || s.n > sizeof(text) || !str_has_suffix(s, STR(" UTC")) || s.p[10] != ' ') {
		return false;
	}
	memcpy(text, s.p, s.n);
	text[10] = 'T';
	text[s.n - 4] = 'Z';
	return num_time_unix_ms(str_of(text, s.n - 3), ret);
}

static enum rc read_postgresql(struct str record, struct arena *arena, struct row *ret,
			       struct err *e)
{
	struct str columns[CSV_COLUMNS];
	struct str rest = record;
	size_t n = 0;

	while (rest.p && n < CSV_COLUMNS) {
		if (!take_csv(&rest, arena, &columns[n++])) {
			FAIL(e, RC_INPUT, "column %zu: a quote is not closed", n);
		}
	}
	if (n <= CSV_APPLICATION || rest.p) {
		FAIL(e, RC_INPUT, "expected the %d columns of csvlog, found %zu", CSV_COLUMNS,
		     rest.p ? n + 1 : n);
	}
	if (!postgresql_time(columns[CSV_TIME], &ret->at_unix_ms)) {
		FAIL(e, RC_INPUT,
		     "'" STR_FMT "' is no time in UTC; set log_timezone = 'UTC' on the server",
		     STR_ARG(columns[CSV_TIME]));
	}
	ret->principal = columns[CSV_USER];
	ret->what = columns[CSV_MESSAGE];
	ret->call = call_of(columns[CSV_APPLICATION]);
	/* What log_statement and log_min_duration_statement write. */
	ret->counts = ret->principal.n && (str_has_prefix(ret->what, STR("statement: ")) ||
					   str_has_prefix(ret->what, STR("execute ")) ||
					   str_has_prefix(ret->what, STR("AUDIT: ")) ||
					   (str_has_prefix(ret->what, STR("duration: ")) &&
					    (str_contains(ret->what, STR("statement: ")) ||
					     str_contains(ret->what, STR("execute ")))));
	return RC_OK;
}

/* ---- nginx ---- */

/* "27/Nov/2026:21:00:00 +0000". */
static bool nginx_time(struct str s, uint64_t *ret)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char text[32];
	const char *at;

	if (s.n != 26 || s.p[2] != '/' || s.p[6] != '/' || s.p[11] != ':' || s.p[20] != ' ') {
		return false;
	}
	at = memmem(months, sizeof(months) - 1, s.p + 3, 3);
	if (!at || (at - months) % 3 != 0) {
		return false;
	}
	(void)snprintf(text, sizeof(text), "%.4s-%02d-%.2sT%.8s%.3s:%.2s", s.p + 7,
		       (int)((at - months) / 3 + 1), s.p, s.p + 12, s.p + 21,
		       s.p + 24); /* 25 bytes */
	return num_time_unix_ms(str_of(text, 25), ret);
}

/* The text between the next two of `quote`; backslashes escape, as nginx writes them. */
static bool take_quoted(struct str *rest, char open, char close, struct str *ret)
{
	size_t from = str_find(*rest, open);
	size_t to = from + 1;

	while (to < rest->n && rest->p[to] != close) {
		to += rest->p[to] == '\\' ? 2 : 1;
	}
	if (from >= rest->n || to >= rest->n) {
		return false;
	}
	*ret = str_slice(*rest, from + 1, to);
	*rest = str_slice(*rest, to + 1, rest->n);
	return true;
}

static enum rc read_nginx(struct str record, struct row *ret, struct err *e)
{
	struct str rest = record;
	struct str address = str_cut(&rest, ' ');
	struct str user;
	struct str time;
	struct str referrer;
	struct str agent;
	struct str call = STR("");

	(void)str_cut(&rest, ' '); /* "-" */
	user = str_cut(&rest, ' ');
	if (!take_quoted(&rest, '[', ']', &time) || !take_quoted(&rest, '"', '"', &ret->what) ||
	    !take_quoted(&rest, '"', '"', &referrer) || !take_quoted(&rest, '"', '"', &agent)) {
		FAIL(e, RC_INPUT, "no line of the combined log format");
	}
	if (!nginx_time(time, &ret->at_unix_ms)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no time of the combined log format",
		     STR_ARG(time));
	}
	(void)take_quoted(&rest, '"', '"', &call); /* absent: no id */
	ret->call = call_of(call);
	ret->principal = user.n && !str_eq(user, STR("-")) ? user : address;
	ret->counts = true;
	return RC_OK;
}

/* ---- JSON lines ---- */

static bool text_at(const struct json *j, struct str pointer, struct str *ret)
{
	const struct json *v = json_pointer(j, pointer);

	if (json_type(v) != JSON_STRING && json_type(v) != JSON_NUMBER &&
	    json_type(v) != JSON_TRUE && json_type(v) != JSON_FALSE) {
		return false;
	}
	*ret = v->type == JSON_STRING ? v->text : v->raw;
	return true;
}

static bool is_meant(const struct row_mapping *m, const struct json *j)
{
	for (size_t i = 0; i < m->n_where; i++) {
		struct str want = m->where[i].equals;
		struct str got;

		if (!text_at(j, m->where[i].pointer, &got)) {
			return false;
		}
		if (str_has_suffix(want, STR("*"))
			? !str_has_prefix(got, str_slice(want, 0, want.n - 1))
			: !str_eq(got, want)) {
			return false;
		}
	}
	return true;
}

static bool json_time(const struct json *j, struct str pointer, uint64_t *ret)
{
	const struct json *v = json_pointer(j, pointer);
	struct str whole;

	if (json_type(v) == JSON_STRING) {
		return num_time_unix_ms(v->text, ret) || postgresql_time(v->text, ret);
	}
	if (json_type(v) != JSON_NUMBER) {
		return false;
	}
	whole = str_slice(v->text, 0, str_find(v->text, '.'));
	if (!num_u64(whole, UINT64_MAX / 1000, ret)) {
		return false;
	}
	*ret = *ret < MS_LEAST ? *ret * 1000 : *ret;
	return true;
}

static enum rc read_json(const struct row_mapping *m, struct str record, struct arena *arena,
			 struct row *ret, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j;
	struct str text;

	TRY(json_parse(arena, record, &limits, &j, e));
	if (!is_meant(m, j)) {
		return RC_OK; /* it does not count */
	}
	if (!json_time(j, m->time, &ret->at_unix_ms)) {
		FAIL(e, RC_INPUT, "no time at '" STR_FMT "'", STR_ARG(m->time));
	}
	ret->call = text_at(j, m->call, &text) ? call_of(text) : 0;
	if (m->principal.n == 0 || !text_at(j, m->principal, &ret->principal)) {
		ret->principal = STR("");
	}
	if (m->what.n == 0 || !text_at(j, m->what, &ret->what)) {
		ret->what = record;
	}
	ret->counts = true;
	return RC_OK;
}

enum rc row_read(enum row_form form, const struct row_mapping *mapping, struct str record,
		 struct arena *arena, struct row *ret, struct err *e)
{
	*ret = (struct row){.principal = STR(""), .what = STR("")};
	if (str_trim(record).n == 0) {
		return RC_OK;
	}
	if (record.n > ROW_LINE_BYTES) {
		FAIL(e, RC_LIMIT, "a record of more than %d bytes", ROW_LINE_BYTES);
	}
	switch (form) {
	case ROW_FORM_POSTGRESQL:
		return read_postgresql(record, arena, ret, e);
	case ROW_FORM_NGINX:
		return read_nginx(record, ret, e);
	case ROW_FORM_JSON:
		break;
	}
	return read_json(mapping, record, arena, ret, e);
}

/* ---- the mapping ---- */

static enum rc refuse(const struct json *at, const char *what, struct err *e)
{
	FAIL(e, RC_INPUT, "%u:%u: %s", at->line, at->column, what);
}

static enum rc read_where(const struct json *list, struct row_mapping *ret, struct err *e)
{
	if (list->type != JSON_ARRAY || list->count > ROW_CONDITIONS) {
		return refuse(list, "'where': expected a list of at most 16 conditions", e);
	}
	for (const struct json *one = list->child; one; one = one->next) {
		struct str pointer;
		struct str equals;

		if (one->type != JSON_OBJECT || one->count != 2 ||
		    !json_str(json_get(one, STR("pointer")), &pointer) ||
		    !text_at(one, STR("/equals"), &equals)) {
			return refuse(one, "expected {pointer, equals}", e);
		}
		ret->where[ret->n_where].pointer = pointer;
		ret->where[ret->n_where++].equals = equals;
	}
	return RC_OK;
}

enum rc row_mapping_read(const struct json *doc, struct row_mapping *ret, struct err *e)
{
	*ret = (struct row_mapping){0};
	if (json_type(doc) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "1:1: expected a mapping: time, call, principal, what, where");
	}
	for (const struct json *m = doc->child; m; m = m->next) {
		struct str *text = str_eq(m->key, STR("time"))	      ? &ret->time
				   : str_eq(m->key, STR("call"))      ? &ret->call
				   : str_eq(m->key, STR("principal")) ? &ret->principal
				   : str_eq(m->key, STR("what"))      ? &ret->what
								      : NULL;

		if (str_eq(m->key, STR("where"))) {
			TRY(read_where(m, ret, e));
		} else if (!text) {
			return refuse(
			    m, "unknown key; known are time, call, principal, what, where", e);
		} else if (!json_str(m, text) || text->n == 0 || text->p[0] != '/') {
			return refuse(m, "expected a JSON pointer such as /user", e);
		}
	}
	if (ret->time.n == 0 || ret->call.n == 0) {
		return refuse(doc, "'time' and 'call' are needed", e);
	}
	return RC_OK;
}
