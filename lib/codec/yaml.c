/* SPDX-License-Identifier: Apache-2.0 */
/* codec/yaml.c - libyaml's events to a tree of JSON nodes.
 *
 * Trust:  the text is an operator's, but may have been written by a machine for one: treated as
 *         hostile. libyaml sees it only after size and encoding were checked.
 * Holds:  (1) every scalar is read as every YAML 1.2 core schema reader reads it, or refused.
 *         (2) no two keys of a mapping are equal; depth and number of nodes are bounded.
 */
#include "codec/yaml.h"

#include <yaml.h>

#include "base/limits.h"
#include "base/map.h"
#include "codec/json_tree.h"

struct yaml_reader {
	yaml_parser_t lib;
	struct json_builder nodes;
	unsigned depth;
	struct err *e;
};

#define AUTO_EVENT CLEANUP(yaml_event_delete) yaml_event_t

static enum rc read_node(struct yaml_reader *r, const yaml_event_t *event, struct json *node);

static enum rc fail_at(struct yaml_reader *r, yaml_mark_t mark, enum rc code, const char *what)
{
	FAIL(r->e, code, "%zu:%zu: %s", mark.line + 1, mark.column + 1, what);
}

/* Control bytes in a subject are shown as '?'; it is cut, being only a hint. */
static enum rc fail_about(struct yaml_reader *r, yaml_mark_t mark, struct str subject,
			  const char *what)
{
	char shown[64];
	size_t n = subject.n < sizeof(shown) ? subject.n : sizeof(shown);

	while (n > 0 && n < subject.n && ((unsigned char)subject.p[n] & 0xC0) == 0x80) {
		n--; /* not in the middle of a character */
	}
	for (size_t i = 0; i < n; i++) {
		shown[i] = (unsigned char)subject.p[i] < 0x20 ? '?' : subject.p[i];
	}
	FAIL(r->e, RC_INPUT, "%zu:%zu: '%.*s' %s", mark.line + 1, mark.column + 1, (int)n, shown,
	     what);
}

static enum rc fail_lib(struct yaml_reader *r)
{
	const yaml_parser_t *p = &r->lib;
	const char *problem = p->problem ? p->problem : "not YAML";

	switch (p->error) {
	case YAML_MEMORY_ERROR:
		FAIL(r->e, RC_NOMEM, "no memory for the document");
	case YAML_READER_ERROR:
		/* No mark: the reader runs ahead of the scanner, which stands before the bytes. */
		return fail_at(r, p->mark, RC_INPUT, problem);
	case YAML_SCANNER_ERROR:
	case YAML_PARSER_ERROR:
	case YAML_NO_ERROR:
	case YAML_COMPOSER_ERROR:
	case YAML_WRITER_ERROR:
	case YAML_EMITTER_ERROR:
		break;
	}
	return fail_at(r, p->problem_mark, RC_INPUT, problem);
}

static enum rc next_event(struct yaml_reader *r, yaml_event_t *event)
{
	return yaml_parser_parse(&r->lib, event) ? RC_OK : fail_lib(r);
}

static enum rc new_node(struct yaml_reader *r, yaml_mark_t mark, struct json **ret)
{
	enum rc rc = json_builder_node(&r->nodes, ret);

	if (rc != RC_OK) {
		return fail_at(r, mark, rc,
			       rc == RC_LIMIT ? "too many values in one document"
					      : "no memory for the document");
	}
	(*ret)->line = (uint32_t)mark.line + 1;
	(*ret)->column = (uint32_t)mark.column + 1;
	return RC_OK;
}

static enum rc check_plainness(struct yaml_reader *r, const yaml_event_t *event,
			       const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor) {
		return fail_at(r, event->start_mark, RC_INPUT, "anchors are not supported");
	}
	if (tag) {
		return fail_at(r, event->start_mark, RC_INPUT, "tags are not supported");
	}
	return RC_OK;
}

static bool is_one_of(struct str s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(s, str_from(words[i]))) {
			return true;
		}
	}
	return false;
}

/* Only digits of a base up to 16, and at least one? */
static bool all_digits(struct str s, const char *digits)
{
	for (size_t i = 0; i < s.n; i++) {
		if (str_find(str_from(digits), s.p[i]) == str_from(digits).n) {
			return false;
		}
	}
	return s.n > 0;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? as YAML 1.2.2 section 10.3.2
 * has integers and floats. */
static bool looks_like_core_number(struct str s)
{
	struct str mantissa;
	struct str whole;
	size_t e = 0;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
		s = str_slice(s, 1, s.n);
	}
	while (e < s.n && (s.p[e] | 0x20) != 'e') {
		e++;
	}
	mantissa = str_slice(s, 0, e);
	if (e < s.n) {
		struct str exponent = str_slice(s, e + 1, s.n);

		if (exponent.n && (exponent.p[0] == '-' || exponent.p[0] == '+')) {
			exponent = str_slice(exponent, 1, exponent.n);
		}
		if (!all_digits(exponent, "0123456789")) {
			return false;
		}
	}
	whole = str_cut(&mantissa, '.');
	if (whole.n == 0) {
		return all_digits(mantissa, "0123456789");
	}
	return all_digits(whole, "0123456789") &&
	       (mantissa.n == 0 || all_digits(mantissa, "0123456789"));
}

static bool readers_disagree(struct str s)
{
	static const char *const words[] = {"Null",  "NULL", "True", "TRUE", "False",
					    "FALSE", ".nan", ".NaN", ".NAN"};
	static const char *const infinities[] = {".inf", ".Inf", ".INF"};
	struct str bare = s.n && (s.p[0] == '-' || s.p[0] == '+') ? str_slice(s, 1, s.n) : s;

	if (is_one_of(s, words, ARRAY_LEN(words)) ||
	    is_one_of(bare, infinities, ARRAY_LEN(infinities))) {
		return true;
	}
	if (str_has_prefix(s, STR("0x"))) {
		return all_digits(str_slice(s, 2, s.n), "0123456789abcdefABCDEF");
	}
	if (str_has_prefix(s, STR("0o"))) {
		return all_digits(str_slice(s, 2, s.n), "01234567");
	}
	return looks_like_core_number(s);
}

/* YAML 1.2.2 section 10.3.2, narrowed as yaml.h says. JSON_NONE: readers disagree. */
static enum json_type plain_type(struct str s)
{
	if (s.n == 0 || str_eq(s, STR("~")) || str_eq(s, STR("null"))) {
		return JSON_NULL;
	}
	if (str_eq(s, STR("true"))) {
		return JSON_TRUE;
	}
	if (str_eq(s, STR("false"))) {
		return JSON_FALSE;
	}
	if (json_is_number(s)) {
		return JSON_NUMBER;
	}
	return readers_disagree(s) ? JSON_NONE : JSON_STRING;
}

static struct str scalar_text(const yaml_event_t *event)
{
	return str_of(event->data.scalar.value, event->data.scalar.length);
}

static enum rc scalar_type(struct yaml_reader *r, const yaml_event_t *event, enum json_type *ret)
{
	*ret = JSON_STRING;
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		*ret = plain_type(scalar_text(event));
	}
	if (*ret == JSON_NONE) {
		return fail_about(r, event->start_mark, scalar_text(event),
				  "means different things to different readers; quote it if it is "
				  "text, or write it as JSON does");
	}
	return RC_OK;
}

static enum rc read_scalar(struct yaml_reader *r, const yaml_event_t *event, struct json *node)
{
	TRY(check_plainness(r, event, event->data.scalar.anchor, event->data.scalar.tag));
	TRY(scalar_type(r, event, &node->type));
	node->raw = arena_str(r->nodes.arena, scalar_text(event));
	if (!node->raw.p) {
		return fail_at(r, event->start_mark, RC_NOMEM, "no memory for the document");
	}
	if (node->type == JSON_STRING || node->type == JSON_NUMBER) {
		node->text = node->raw;
	}
	return RC_OK;
}

static enum rc enter(struct yaml_reader *r, const yaml_event_t *event)
{
	if (r->depth == r->nodes.max_depth) {
		return fail_at(r, event->start_mark, RC_LIMIT, "nested too deeply");
	}
	r->depth++;
	return RC_OK;
}

static enum rc read_sequence(struct yaml_reader *r, const yaml_event_t *start, struct json *node)
{
	struct json_tail tail = {.parent = node};

	TRY(check_plainness(r, start, start->data.sequence_start.anchor,
			    start->data.sequence_start.tag));
	TRY(enter(r, start));
	node->type = JSON_ARRAY;
	for (;;) {
		AUTO_EVENT event = {0};
		struct json *element;

		TRY(next_event(r, &event));
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			r->depth--;
			return RC_OK;
		}
		TRY(new_node(r, event.start_mark, &element));
		TRY(read_node(r, &event, element));
		json_tail_add(&tail, element);
	}
}

static enum rc read_key(struct yaml_reader *r, const yaml_event_t *event, struct map *seen,
			struct str *ret)
{
	enum json_type type;
	enum rc rc;

	if (event->type == YAML_ALIAS_EVENT) {
		return fail_at(r, event->start_mark, RC_INPUT, "aliases are not supported");
	}
	if (event->type != YAML_SCALAR_EVENT) {
		return fail_at(r, event->start_mark, RC_INPUT, "a key must be a string");
	}
	TRY(check_plainness(r, event, event->data.scalar.anchor, event->data.scalar.tag));
	TRY(scalar_type(r, event, &type));
	if (type != JSON_STRING) {
		return fail_about(r, event->start_mark, scalar_text(event),
				  "as a key is not a string; quote it");
	}
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    str_eq(scalar_text(event), STR("<<"))) {
		return fail_at(r, event->start_mark, RC_INPUT, "merge keys are not supported");
	}
	if (map_get(seen, scalar_text(event))) {
		return fail_about(r, event->start_mark, scalar_text(event),
				  "is a key of this mapping already");
	}
	*ret = arena_str(r->nodes.arena, scalar_text(event));
	rc = ret->p ? map_put(seen, *ret, r) : RC_NOMEM;
	if (rc != RC_OK) {
		return fail_at(r, event->start_mark, rc, "no memory for the document");
	}
	return RC_OK;
}

static enum rc read_mapping(struct yaml_reader *r, const yaml_event_t *start, struct json *node)
{
	struct json_tail tail = {.parent = node};
	AUTO_MAP seen = MAP_INIT;

	TRY(check_plainness(r, start, start->data.mapping_start.anchor,
			    start->data.mapping_start.tag));
	TRY(enter(r, start));
	node->type = JSON_OBJECT;
	for (;;) {
		AUTO_EVENT key_event = {0};
		AUTO_EVENT event = {0};
		struct json *member;
		struct str key;

		TRY(next_event(r, &key_event));
		if (key_event.type == YAML_MAPPING_END_EVENT) {
			r->depth--;
			return RC_OK;
		}
		TRY(read_key(r, &key_event, &seen, &key));
		TRY(next_event(r, &event));
		TRY(new_node(r, event.start_mark, &member));
		TRY(read_node(r, &event, member));
		member->key = key;
		json_tail_add(&tail, member);
	}
}

static enum rc read_node(struct yaml_reader *r, const yaml_event_t *event, struct json *node)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, event, node);
	case YAML_SEQUENCE_START_EVENT:
		return read_sequence(r, event, node);
	case YAML_MAPPING_START_EVENT:
		return read_mapping(r, event, node);
	case YAML_ALIAS_EVENT:
		return fail_at(r, event->start_mark, RC_INPUT, "aliases are not supported");
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		break;
	}
	return fail_at(r, event->start_mark, RC_INPUT, "expected a value");
}

static enum rc expect(struct yaml_reader *r, yaml_event_type_t type, const char *otherwise)
{
	AUTO_EVENT event = {0};

	TRY(next_event(r, &event));
	if (event.type != type) {
		return fail_at(r, event.start_mark, RC_INPUT, otherwise);
	}
	return RC_OK;
}

static enum rc read_document(struct yaml_reader *r, struct json *root)
{
	AUTO_EVENT start = {0};
	AUTO_EVENT event = {0};

	TRY(next_event(r, &start));
	if (start.type == YAML_STREAM_END_EVENT) {
		root->type = JSON_NULL;
		return RC_OK;
	}
	if (start.type != YAML_DOCUMENT_START_EVENT) {
		return fail_at(r, start.start_mark, RC_INPUT, "expected a document");
	}
	if (start.data.document_start.version_directive ||
	    start.data.document_start.tag_directives.start !=
		start.data.document_start.tag_directives.end) {
		return fail_at(r, start.start_mark, RC_INPUT, "directives are not supported");
	}
	TRY(next_event(r, &event));
	root->line = (uint32_t)event.start_mark.line + 1;
	root->column = (uint32_t)event.start_mark.column + 1;
	TRY(read_node(r, &event, root));
	TRY(expect(r, YAML_DOCUMENT_END_EVENT, "expected the end of the document"));
	return expect(r, YAML_STREAM_END_EVENT, "more than one document");
}

static enum rc check_bytes(struct str text, const struct json_limits *limits, struct err *e)
{
	if (text.n > limits->max_bytes) {
		FAIL(e, RC_LIMIT, "1:1: document of %zu bytes, at most %zu allowed", text.n,
		     limits->max_bytes);
	}
	if (str_has_prefix(text, STR("\xef\xbb\xbf"))) {
		FAIL(e, RC_INPUT, "1:1: byte-order mark before the document");
	}
	for (size_t line = 1; text.p; line++) {
		struct str head = str_cut(&text, '\n');

		if (!str_is_utf8(head)) {
			FAIL(e, RC_INPUT, "%zu:1: line that is not UTF-8", line);
		}
	}
	return RC_OK;
}

enum rc yaml_parse(struct arena *arena, struct str text, const struct json_limits *limits,
		   const struct json **ret, struct err *e)
{
	struct json_limits l = limits ? *limits : JSON_LIMITS_DEFAULT;
	struct yaml_reader r = {.nodes = json_builder_of(arena, &l), .e = e};
	yaml_mark_t top = {0};
	struct json *root;
	enum rc rc;

	TRY(check_bytes(text, &l, e));
	TRY(new_node(&r, top, &root));
	if (!yaml_parser_initialize(&r.lib)) {
		FAIL(e, RC_NOMEM, "no memory for the document");
	}
	yaml_parser_set_encoding(&r.lib, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.lib, (const unsigned char *)(text.n ? text.p : ""), text.n);
	rc = expect(&r, YAML_STREAM_START_EVENT, "expected a document");
	rc = rc == RC_OK ? read_document(&r, root) : rc;
	yaml_parser_delete(&r.lib);
	if (rc == RC_OK) {
		*ret = root;
	}
	return rc;
}
