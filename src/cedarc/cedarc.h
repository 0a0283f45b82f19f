/* SPDX-License-Identifier: Apache-2.0 */
/* cedarc/cedarc.h - what the files of the cedar-c command share.
 *
 * Exit status: 0 yes (allow, valid, well formed), 1 an error (files, arguments, syntax), 2 deny,
 * 3 not valid, or not laid out. Answers go to standard output, errors to standard error.
 */
#pragma once

#include <cedar.h>

enum { STATUS_YES = 0, STATUS_ERROR = 1, STATUS_DENY = 2, STATUS_INVALID = 3 };
enum { CEDARC_FILE_BYTES = CEDAR_LIMIT_JSON_BYTES };

struct options {
	const char *policies;
	const char *schema;
	const char *entities;
	const char *principal;
	const char *action;
	const char *resource;
	const char *context;
	const char *request;
	const char *direction;
	const char *mode;
	uint64_t level;
	bool has_level;
	uint64_t width;
	uint64_t indent;
	bool deny_warnings;
	bool as_json;
	bool verbose;
	bool check;
	bool write;
	bool is_4_13; /* the two differences of that release */
};

struct command {
	const char *name;
	int (*run)(const struct options *o);
	const char *usage;
	const char *text;
};

int cedarc_authorize(const struct options *o);
int cedarc_validate(const struct options *o);
int cedarc_check_parse(const struct options *o);
int cedarc_format(const struct options *o);
int cedarc_translate_policy(const struct options *o);
int cedarc_translate_schema(const struct options *o);

/* "cedar-c: <message>" on standard error; STATUS_ERROR. */
int cedarc_fail(const struct err *e);
int cedarc_say(const char *message);
/* All of b on standard output; STATUS_YES or STATUS_ERROR. */
int cedarc_print(struct str s);
/* A file, or standard input for "-" and NULL. */
enum rc cedarc_read(const char *path, struct buf *b, struct err *e);
/* Is it JSON: does it begin with a bracket? */
bool cedarc_is_json(struct str text);
/* From files: each in either form. */
enum rc cedarc_load_policies(const char *path, struct cedar_policies **ret, struct err *e);
enum rc cedarc_load_schema(const char *path, struct cedar_schema **ret, struct err *e);
/* schema may be NULL. */
enum rc cedarc_load_entities(const char *path, const struct cedar_schema *schema,
			     struct arena *arena, struct cedar_entities **ret, struct err *e);
