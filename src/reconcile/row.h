/* SPDX-License-Identifier: Apache-2.0 */
/* reconcile/row.h - lines of a target's own log, as rows that can be matched with calls.
 *
 * A target sees what reached it, whoever sent it. Three forms are read: PostgreSQL's csvlog
 * (version 15: 26 columns) , nginx's combined format with "$http_remit_call_id" in quotes at its
 * end, and JSON lines by a mapping of pointers.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"

enum row_form { ROW_FORM_JSON = 0, ROW_FORM_POSTGRESQL, ROW_FORM_NGINX };

enum {
	ROW_LINE_BYTES = 1024 * 1024, /* a record; a longer one is an error that names it */
	ROW_CONDITIONS = 16,
};

struct row {
	uint64_t at_unix_ms;
	uint64_t call;	      /* the call id that it carries, 0 = none */
	struct str principal; /* the user whom the target saw */
	struct str what;      /* statement, request or object: for people */
	uint64_t line;	      /* its first line in the file, from 1 */
	bool counts;	      /* not: a record that does nothing, such as a checkpoint or a login */
};

/* For ROW_FORM_JSON, from YAML (docs/formats/reconcile.md). Strings are the node's. */
struct row_mapping {
	struct str time;      /* RFC 3339 text, or Unix seconds or milliseconds */
	struct str call;      /* a text that holds "remit:c17" or is "c17" */
	struct str principal; /* "" = none */
	struct str what;      /* "" = the whole line */
	struct {
		struct str pointer;
		struct str equals; /* a text; a '*' at its end stands for any rest */
	} where[ROW_CONDITIONS];
	size_t n_where;
};

/* RC_INPUT "line:column: ..." for a mapping with unknown or missing keys. */
enum rc row_mapping_read(const struct json *doc, struct row_mapping *ret, struct err *e);

/* Takes the next record off *rest; *line is the number of its first line, and moves on. False at
 * the end. A record of csvlog may have newlines within quotes. */
bool row_next_record(enum row_form form, struct str *rest, uint64_t *line, struct str *ret);

/* One record. Texts live in arena or in the record. RC_INPUT: not of this form; RC_NOMEM. */
enum rc row_read(enum row_form form, const struct row_mapping *mapping, struct str record,
		 struct arena *arena, struct row *ret, struct err *e);
