/* SPDX-License-Identifier: Apache-2.0 */
/* config/load.c - findings, documents, and values of configuration.
 *
 * Trust:  texts are an operator's; still, nothing here believes them.
 * Holds:  a value that was reported as wrong is given back as a harmless one (empty, 0, false).
 */
#include "config/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/num.h"
#include "codec/yaml.h"

/* ---- Findings ---- */

PRINTF_LIKE(4, 0)
static void add(struct load *l, enum finding_level level, const struct json *at, const char *fmt,
		va_list ap)
{
	char text[600];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	findings_add(l->f, level, l->file, at ? at->line : 0, at ? at->column : 0, "%s", text);
}

void load_error(struct load *l, const struct json *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(l, FINDING_ERROR, at, fmt, ap);
	va_end(ap);
}

void load_warn(struct load *l, const struct json *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(l, FINDING_WARNING, at, fmt, ap);
	va_end(ap);
}

void load_error_of(struct load *l, const struct json *at, const struct err *e)
{
	struct str rest = str_from(e->msg);
	uint64_t line = 0;
	uint64_t column = 0;
	struct str first = str_cut(&rest, ':');
	struct str second = rest.p ? str_cut(&rest, ':') : STR_NULL;

	if (rest.p && num_u64(first, UINT32_MAX, &line) && num_u64(second, UINT32_MAX, &column)) {
		findings_add(l->f, FINDING_ERROR, l->file, (uint32_t)line, (uint32_t)column,
			     STR_FMT, STR_ARG(str_trim(rest)));
		return;
	}
	load_error(l, at, "%s", e->msg);
}

void load_unknown(struct load *l, const struct json *at, const char *what,
		  const struct nearest *near)
{
	struct str best = nearest_best(near);

	if (best.p) {
		load_error(l, at, "no %s '" STR_FMT "'; did you mean '" STR_FMT "'?", what,
			   STR_ARG(near->word), STR_ARG(best));
	} else {
		load_error(l, at, "no %s '" STR_FMT "'", what, STR_ARG(near->word));
	}
}

void *load_alloc(struct load *l, size_t n, size_t size)
{
	void *p = arena_alloc_n(l->arena, n ? n : 1, size);

	l->is_out_of_memory |= !p;
	return p;
}

/* ---- Documents ---- */

const struct json *load_document(struct load *l, struct str path)
{
	const struct json_limits limits = {.max_bytes = LIMIT_CONFIG_FILE_BYTES,
					   .max_depth = LIMIT_JSON_DEPTH,
					   .max_nodes = LIMIT_JSON_NODES,
					   .want_positions = true};
	const struct tree_file *file = tree_find(l->tree, path);
	const struct json *document = NULL;
	struct err e = ERR_INIT;
	enum rc rc;

	l->file = path;
	if (!file) {
		load_error(l, NULL, "the file is missing");
		return NULL;
	}
	document = file->parsed;
	rc = document ? RC_OK : yaml_parse(l->arena, file->bytes, &limits, &document, &e);
	if (rc == RC_NOMEM) {
		l->is_out_of_memory = true;
		return NULL;
	}
	if (rc != RC_OK) {
		load_error_of(l, NULL, &e);
		return NULL;
	}
	if (document->type != JSON_OBJECT) {
		load_error(l, document, "expected keys and values, found %s",
			   json_type_name(document->type));
		return NULL;
	}
	return document;
}

struct str load_name_of_file(struct load *l, struct str path)
{
	struct str name = path;
	size_t dot;

	while (str_find(name, '/') < name.n) {
		(void)str_cut(&name, '/'); /* the part before is not wanted */
	}
	dot = name.n;
	while (dot > 0 && name.p[dot - 1] != '.') {
		dot--;
	}
	name = str_slice(name, 0, dot > 0 ? dot - 1 : name.n);
	if (!name_is_valid(name)) {
		load_error(l, NULL,
			   "the file's name must be lower case letters, digits, '.', '-', '_', "
			   "found '" STR_FMT "'",
			   STR_ARG(name));
	}
	name = arena_str(l->arena, name);
	l->is_out_of_memory |= !name.p;
	return name;
}

const struct tree_file *load_next_file(const struct load *l, const char *dir, size_t *i)
{
	while (*i < l->tree->files.n) {
		const struct tree_file *file = &l->tree->files.p[(*i)++];
		struct str rest = file->path;

		if (str_has_prefix(rest, str_from(dir)) && rest.n > strlen(dir) &&
		    rest.p[strlen(dir)] == '/') {
			return file;
		}
	}
	return NULL;
}

size_t load_count_files(const struct load *l, const char *dir)
{
	size_t i = 0;
	size_t n = 0;

	while (load_next_file(l, dir, &i)) {
		n++;
	}
	return n;
}

/* ---- Values ---- */

bool load_keys(struct load *l, const struct json *obj, const char *what, const char *names)
{
	if (!obj) {
		return false;
	}
	if (obj->type != JSON_OBJECT) {
		load_error(l, obj, "%s: expected keys and values, found %s", what,
			   json_type_name(obj->type));
		return false;
	}
	for (const struct json *member = obj->child; member; member = member->next) {
		struct nearest near = nearest_to(member->key);
		struct str rest = str_from(names);
		bool known = false;

		while (rest.p && !known) {
			struct str name = str_cut(&rest, ' ');

			known = str_eq(name, member->key);
			nearest_try(&near, name);
		}
		if (!known) {
			char label[80];

			(void)snprintf(label, sizeof(label), "key of %s is called", what);
			load_unknown(l, member, label, &near);
		}
	}
	return true;
}

const struct json *load_get(struct load *l, const struct json *obj, const char *key,
			    enum presence p)
{
	const struct json *value = json_get(obj, str_from(key));

	if (json_type(obj) == JSON_OBJECT && !value && p == REQUIRED) {
		load_error(l, obj, "'%s' is missing", key);
	}
	return value;
}

static const struct json *get_of_type(struct load *l, const struct json *obj, const char *key,
				      enum presence p, enum json_type type, const char *expected)
{
	const struct json *value = load_get(l, obj, key, p);

	if (value && value->type != type) {
		load_error(l, value, "'%s': expected %s, found %s", key, expected,
			   json_type_name(value->type));
		return NULL;
	}
	return value;
}

const struct json *load_map(struct load *l, const struct json *obj, const char *key,
			    enum presence p)
{
	return get_of_type(l, obj, key, p, JSON_OBJECT, "keys and values");
}

const struct json *load_array(struct load *l, const struct json *obj, const char *key,
			      enum presence p)
{
	return get_of_type(l, obj, key, p, JSON_ARRAY, "a list");
}

struct str load_text(struct load *l, const struct json *obj, const char *key, enum presence p)
{
	const struct json *value = get_of_type(l, obj, key, p, JSON_STRING, "text");

	if (value && str_trim(value->text).n == 0) {
		load_error(l, value, "'%s' is empty", key);
		return STR("");
	}
	return value ? value->text : STR("");
}

bool load_flag(struct load *l, const struct json *obj, const char *key)
{
	const struct json *value = load_get(l, obj, key, OPTIONAL);
	bool flag = false;

	if (value && !json_bool(value, &flag)) {
		load_error(l, value, "'%s': expected true or false, found %s", key,
			   json_type_name(value->type));
	}
	return flag;
}

uint64_t load_number(struct load *l, const struct json *obj, const char *key, uint64_t from,
		     uint64_t to, uint64_t otherwise)
{
	const struct json *value = load_get(l, obj, key, OPTIONAL);
	uint64_t number = 0;

	if (!value) {
		return otherwise;
	}
	if (!json_u64(value, &number) || number < from || number > to) {
		load_error(l, value, "'%s': expected a whole number from %llu to %llu", key,
			   (unsigned long long)from, (unsigned long long)to);
		return otherwise;
	}
	return number;
}

uint64_t load_duration(struct load *l, const struct json *obj, const char *key, uint64_t max_ms,
		       uint64_t otherwise_ms)
{
	const struct json *value = load_get(l, obj, key, OPTIONAL);
	struct str text = STR_NULL;
	uint64_t ms = 0;

	if (!value) {
		return otherwise_ms;
	}
	if (!json_str(value, &text) || !num_duration_ms(text, &ms)) {
		load_error(l, value, "'%s': expected a duration such as 90s, 15m, 4h or 7d", key);
		return otherwise_ms;
	}
	if (ms == 0 || ms > max_ms) {
		load_error(l, value, "'%s': expected more than nothing and at most %llus", key,
			   (unsigned long long)(max_ms / 1000));
		return otherwise_ms;
	}
	return ms;
}

uint64_t load_date(struct load *l, const struct json *obj, const char *key, enum presence p)
{
	const struct json *value = load_get(l, obj, key, p);
	struct str text = STR_NULL;
	uint64_t days;

	if (!value) {
		return 0;
	}
	if (!json_str(value, &text) || !num_date_days(text, &days)) {
		load_error(l, value, "'%s': expected a date such as 2027-01-31", key);
		return 0;
	}
	return (days + 1) * 86400000u - 1;
}

/* RFC 3339, or a date alone: its begin, or its end. */
static bool parse_moment(struct str text, bool is_end, uint64_t *ret)
{
	uint64_t days;

	if (num_date_days(text, &days)) {
		*ret = (days + (is_end ? 1 : 0)) * 86400000u;
		return true;
	}
	return num_time_unix_ms(text, ret);
}

uint64_t load_moment(struct load *l, const struct json *obj, const char *key, bool is_end)
{
	const struct json *value = load_get(l, obj, key, OPTIONAL);
	struct str text = STR_NULL;
	uint64_t ms = 0;

	if (value && (!json_str(value, &text) || !parse_moment(text, is_end, &ms))) {
		load_error(l, value, "'%s': expected 2027-01-31 or 2027-01-31T18:00:00Z", key);
		return 0;
	}
	return ms;
}

struct str_list load_list(struct load *l, const struct json *obj, const char *key, enum presence p)
{
	const struct json *list = load_array(l, obj, key, p);
	struct str_list ret = {0};
	struct str *items;

	if (!list) {
		return ret;
	}
	if (list->count == 0 && p == REQUIRED) {
		load_error(l, list, "'%s' is empty", key);
	}
	items = load_alloc(l, list->count, sizeof(*items));
	if (!items) {
		return ret;
	}
	ret.p = items;
	for (const struct json *item = list->child; item; item = item->next) {
		struct str text = STR_NULL;

		if (!json_str(item, &text) || str_trim(text).n == 0) {
			load_error(l, item, "'%s': expected text, found %s", key,
				   json_type_name(item->type));
		} else if (str_list_has(&ret, text)) {
			load_error(l, item, "'%s': '" STR_FMT "' is there twice", key,
				   STR_ARG(text));
		} else {
			items[ret.n++] = text;
		}
	}
	return ret;
}

struct str_list load_pairs(struct load *l, const struct json *obj, const char *key, char separator)
{
	const struct json *map = load_map(l, obj, key, OPTIONAL);
	struct str_list ret = {0};
	struct str *items;

	if (!map) {
		return ret;
	}
	items = load_alloc(l, map->count, sizeof(*items));
	if (!items) {
		return ret;
	}
	ret.p = items;
	for (const struct json *member = map->child; member; member = member->next) {
		struct str text = STR_NULL;

		if (!json_str(member, &text)) {
			load_error(l, member, "'" STR_FMT "': expected text, found %s",
				   STR_ARG(member->key), json_type_name(member->type));
			continue;
		}
		items[ret.n] = arena_strf(l->arena, STR_FMT "%c" STR_FMT, STR_ARG(member->key),
					  separator, STR_ARG(text));
		l->is_out_of_memory |= !items[ret.n].p;
		ret.n++;
	}
	return ret;
}

/* A text, or a number or flag by its own text: `1`, `true`. */
struct str load_scalar(struct load *l, const struct json *at)
{
	struct str text = STR("");

	if (json_str(at, &text)) {
		return text;
	}
	switch (json_type(at)) {
	case JSON_NUMBER:
		return at->text;
	case JSON_TRUE:
		return STR("true");
	case JSON_FALSE:
		return STR("false");
	case JSON_NONE:
	case JSON_NULL:
	case JSON_STRING:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	load_error(l, at, "expected a text, a number, true or false, found %s",
		   json_type_name(json_type(at)));
	return STR("");
}

void load_severity_band(struct load *l, const struct json *obj, uint8_t *ret_from, uint8_t *ret_to)
{
	const struct json *severity = load_map(l, obj, "severity", OPTIONAL);

	if (severity) {
		(void)load_keys(l, severity, "severity", "from to"); /* it reports */
	}
	*ret_from = (uint8_t)load_number(l, severity, "from", 1, 5, 1);
	*ret_to = (uint8_t)load_number(l, severity, "to", 1, 5, 5);
	if (*ret_from > *ret_to) {
		load_error(l, severity, "'severity': from 1 (worst) to 5; %u is above %u",
			   *ret_from, *ret_to);
	}
}

struct str_list load_command(struct load *l, const struct json *obj, const char *key,
			     enum presence p)
{
	const struct json *list = load_array(l, obj, key, p);
	struct str_list ret = {0};
	struct str *items;

	if (!list) {
		return ret;
	}
	items = load_alloc(l, list->count, sizeof(*items));
	for (const struct json *item = list->child; item && items; item = item->next) {
		if (!json_str(item, &items[ret.n])) {
			load_error(l, item, "'%s': expected text, found %s (quote it)", key,
				   json_type_name(item->type));
		} else {
			ret.n++;
		}
	}
	ret.p = items;
	if (ret.n == 0) {
		load_error(l, list, "'%s' is empty", key);
	} else if (ret.p[0].n < 2 || ret.p[0].p[0] != '/') {
		load_error(l, list,
			   "'%s': the program must be an absolute path, found '" STR_FMT "'", key,
			   STR_ARG(ret.p[0]));
	}
	return ret;
}

struct listen_address load_address(struct load *l, const struct json *obj, const char *key,
				   enum presence p)
{
	const struct json *value = load_get(l, obj, key, p);
	struct listen_address ret = {0};
	struct str text = STR_NULL;
	struct str port;
	uint64_t number;
	size_t colon;

	if (!value) {
		return ret;
	}
	if (json_str(value, &text)) {
		colon = text.n;
		while (colon > 0 && text.p[colon - 1] != ':') {
			colon--;
		}
		ret.host = str_slice(text, 0, colon > 0 ? colon - 1 : 0);
		port = str_slice(text, colon, text.n);
		if (ret.host.n > 2 && ret.host.p[0] == '[' && str_has_suffix(ret.host, STR("]"))) {
			ret.host = str_slice(ret.host, 1, ret.host.n - 1);
		} else if (str_find(ret.host, ':') < ret.host.n) {
			ret.host.n = 0; /* an IPv6 address wants its brackets */
		}
		if (ret.host.n > 0 && num_u64(port, UINT16_MAX, &number)) {
			ret.port = (uint16_t)number;
			return ret;
		}
	}
	load_error(l, value, "'%s': expected host:port, such as 127.0.0.1:8443 or [::1]:8443", key);
	return (struct listen_address){0};
}

static void look_at_path(struct load *l, const struct json *at, struct str path,
			 enum path_kind kind)
{
	struct stat st;

	/* path ends in a NUL: it is arena_strf()'s */
	if (stat(path.p, &st) != 0) {
		if (errno == EACCES) {
			/* A role that is not meant to see it loads the directory too. */
			load_warn(l, at, "'" STR_FMT "' is out of this user's sight: not checked",
				  STR_ARG(path));
		} else {
			load_error(l, at, "no file '" STR_FMT "'", STR_ARG(path));
		}
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		load_error(l, at, "'" STR_FMT "' is no file", STR_ARG(path));
		return;
	}
	if (kind == PATH_SECRET && (st.st_mode & (S_IRWXG | S_IRWXO))) {
		load_error(l, at,
			   "'" STR_FMT "' is a secret, but its mode is %04o; expected 0600 or 0400",
			   STR_ARG(path), (unsigned)(st.st_mode & 07777));
	}
}

struct str load_path(struct load *l, const struct json *obj, const char *key, enum presence p,
		     enum path_kind kind)
{
	struct str path = load_text(l, obj, key, p);
	bool is_absolute = path.n > 0 && path.p[0] == '/';

	if (path.n == 0) {
		return path;
	}
	if (memchr(path.p, '\0', path.n)) {
		load_error(l, json_get(obj, str_from(key)), "'%s' is no path", key);
		return STR("");
	}
	if (is_absolute || l->d->dir.n == 0) {
		path = arena_strf(l->arena, STR_FMT, STR_ARG(path));
	} else {
		path = arena_strf(l->arena, STR_FMT "/" STR_FMT, STR_ARG(l->d->dir), STR_ARG(path));
	}
	if (!path.p) {
		l->is_out_of_memory = true;
		return STR("");
	}
	if (kind != PATH_ANY && l->looks_at_paths) {
		look_at_path(l, json_get(obj, str_from(key)), path, kind);
	}
	return path;
}
