/* SPDX-License-Identifier: Apache-2.0 */
/* config/propose.c - proposing catalog entries.
 *
 * Trust:  definitions are hostile. They become quoted text of ASCII with escapes, and comments are
 *         made of our own words and of names that are letters, digits and '_', '-', '.'.
 * Holds:  (1) no guess makes an entry less than destroy.
 *         (2) the definition that is written has the digest of the one that was listed.
 */
#include "config/propose.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "config/deployment.h"
#include "core/schema.h"
#include "core/target.h"
#include "core/tool.h"

enum { PROPOSED_TOOLS = 1024, WORD_BYTES = 32 };

struct proposing {
	const struct proposal *p;
	struct buf *out;
	struct err *e;
};

/* ---- text ---- */

static enum rc add(struct proposing *w, const char *text)
{
	return buf_add(w->out, str_from(text));
}

static enum rc add_quoted(struct proposing *w, struct str s)
{
	TRY(buf_add_char(w->out, '"'));
	while (s.n > 0) {
		uint32_t c = str_take_code_point(&s);

		if (c == '"' || c == '\\') {
			TRY(buf_addf(w->out, "\\%c", (int)c));
		} else if (c == '\n') {
			TRY(add(w, "\\n"));
		} else if (c >= 0x20 && c < 0x7f) {
			TRY(buf_add_char(w->out, (char)c));
		} else {
			TRY(buf_addf(w->out, c > 0xffff ? "\\U%08X" : "\\u%04X", c));
		}
	}
	return buf_add_char(w->out, '"');
}

static enum rc add_node(struct proposing *w, const struct json *j)
{
	bool is_object = j->type == JSON_OBJECT;

	if (j->type == JSON_STRING) {
		return add_quoted(w, j->text);
	}
	if (j->type != JSON_ARRAY && !is_object) {
		return buf_add(w->out, j->type == JSON_NUMBER  ? j->text
				       : j->type == JSON_TRUE  ? STR("true")
				       : j->type == JSON_FALSE ? STR("false")
							       : STR("null"));
	}
	TRY(add(w, is_object ? "{" : "["));
	for (const struct json *c = j->child; c; c = c->next) {
		if (is_object) {
			TRY(add_quoted(w, c->key));
			TRY(add(w, ": "));
		}
		TRY(add_node(w, c)); /* depth: the parser's */
		TRY(add(w, c->next ? ", " : ""));
	}
	return add(w, is_object ? "}" : "]");
}

static bool is_plain_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '-' && c != '.') {
			return false;
		}
	}
	return name.n > 0 && name.n <= PUBLIC_NAME_BYTES;
}

/* ---- guesses ---- */

static bool is_one_of(struct str word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq_nocase(word, str_from(list[i]))) {
			return true;
		}
	}
	return false;
}

/* The next word of a name: "execute_sql", "executeSql" and "execute-sql" have two. */
static struct str next_word(struct str *name)
{
	struct str word;
	size_t n = 0;

	while (name->n > 0 && strchr("_-.", name->p[0])) {
		*name = str_slice(*name, 1, name->n);
	}
	while (n < name->n && !strchr("_-.", name->p[n]) &&
	       !(n > 0 && name->p[n] >= 'A' && name->p[n] <= 'Z' && name->p[n - 1] >= 'a')) {
		n++;
	}
	word = str_slice(*name, 0, n);
	*name = str_slice(*name, n, name->n);
	return word;
}

static const char *guess_effect(struct str name, const struct json *definition)
{
	static const char *const reading[] = {
	    "get",   "list",   "search", "describe", "read", "show", "find", "query", "fetch",
	    "count", "status", "watch",	 "top",	     "log",  "logs", "view", "check", "preview"};
	static const char *const destroying[] = {"delete", "destroy", "drop",  "purge", "terminate",
						 "wipe",   "remove",  "reset", "kill",	"exec",
						 "run",	   "execute", "call",  "erase"};
	bool only_reads = false;
	bool reads = false;
	struct str word;

	if (!json_bool(json_pointer(definition, STR("/annotations/readOnlyHint")), &only_reads)) {
		only_reads = false;
	}
	while ((word = next_word(&name)).n > 0) {
		if (is_one_of(word, destroying, ARRAY_LEN(destroying))) {
			return "destroy, by its name";
		}
		reads |= is_one_of(word, reading, ARRAY_LEN(reading));
	}
	if (reads || only_reads) {
		return reads && only_reads ? "read, by its name and hint"
		       : reads		   ? "read, by its name"
					   : "read, by its hint alone";
	}
	return "contain, if something undoes it";
}

static const struct {
	const char *argument;
	const char *kind;
} known_targets[] = {
    {"ip", "ip"},
    {"ip_address", "ip"},
    {"address", "ip"},
    {"cidr", "ip"},
    {"source_ip", "ip"},
    {"host", "host"},
    {"hostname", "host"},
    {"server", "host"},
    {"node", "host"},
    {"domain", "host"},
    {"url", "host"},
    {"user", "user"},
    {"username", "user"},
    {"user_name", "user"},
    {"user_id", "user"},
    {"login", "user"},
    {"email", "user"},
    {"path", "file"},
    {"file", "file"},
    {"file_path", "file"},
    {"service", "service"},
    {"instance_id", "instance"},
    {"bucket", "bucket"},
    {"repo", "repository"},
    {"repository", "repository"},
    {"channel_id", "channel"},
    {"channel", "channel"},
    {"database", "database"},
    {"table", "table"},
    {"cluster", "cluster"},
};

static bool names_things(const struct json *property)
{
	struct str type = STR("");
	struct str items = STR("");

	return (json_str(json_get(property, STR("type")), &type) && str_eq(type, STR("string"))) ||
	       (str_eq(type, STR("array")) &&
		json_str(json_pointer(property, STR("/items/type")), &items) &&
		str_eq(items, STR("string")));
}

/* "detection_ids" -> "detection"; n == 0 for no id. */
static struct str kind_of_id(struct str name, char kind[WORD_BYTES])
{
	static const char *const ends[] = {"_ids", "_id", "Ids", "Id"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = name.n - strlen(ends[i]);

		if (!str_has_suffix(name, str_from(ends[i])) || n == 0 || n >= WORD_BYTES) {
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			char c = name.p[k];

			kind[k] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		}
		if (target_kind_is_valid(str_of(kind, n))) {
			return str_of(kind, n);
		}
	}
	return STR("");
}

static enum rc add_target(struct proposing *w, const struct json *property, size_t *n)
{
	char kind[WORD_BYTES];
	struct str found = STR("");

	if (!is_plain_name(property->key) || !names_things(property)) {
		return RC_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(known_targets); i++) {
		if (str_eq_nocase(property->key, str_from(known_targets[i].argument))) {
			found = str_from(known_targets[i].kind);
		}
	}
	if (found.n == 0) {
		found = kind_of_id(property->key, kind);
	}
	if (found.n == 0) {
		return RC_OK;
	}
	return buf_addf(w->out, "%s{kind: " STR_FMT ", pointer: /" STR_FMT "}", (*n)++ ? ", " : "",
			STR_ARG(found), STR_ARG(property->key));
}

static enum rc add_targets(struct proposing *w, const struct json *schema)
{
	const struct json *properties = json_get(schema, STR("properties"));
	size_t n = 0;

	TRY(add(w, "    targets: ["));
	if (json_get(properties, STR("namespace")) && json_get(properties, STR("name"))) {
		TRY(add(w, "{kind: object, template: \"{namespace}/{name}\"}"));
		n++;
	}
	for (const struct json *p = json_type(properties) == JSON_OBJECT ? properties->child : NULL;
	     p; p = p->next) {
		TRY(add_target(w, p, &n));
	}
	if (n > 0) {
		return add(w, "] # proposed: by the names of its arguments\n");
	}
	return buf_addf(w->out,
			"{kind: upstream, constant: " STR_FMT
			"}] # proposed: nothing in its schema looks like a target\n",
			STR_ARG(w->p->name));
}

static enum rc add_credentials(struct proposing *w, const struct json *schema)
{
	static const char *const names[] = {
	    "password",	  "passwd",	 "token",      "secret",      "api_key",    "apikey",
	    "access_key", "private_key", "credential", "credentials", "auth_token", "bearer"};
	const struct json *properties = json_get(schema, STR("properties"));
	size_t n = 0;

	for (const struct json *p = json_type(properties) == JSON_OBJECT ? properties->child : NULL;
	     p; p = p->next) {
		if (is_plain_name(p->key) && is_one_of(p->key, names, ARRAY_LEN(names))) {
			TRY(buf_addf(w->out, "%s/" STR_FMT,
				     n++ ? ", " : "    credential_arguments: [", STR_ARG(p->key)));
		}
	}
	return n ? add(w, "] # proposed: by their names\n") : RC_OK;
}

/* The tool that is called as this one with one word turned round; n == 0 for none. */
static struct str find_opposite(const struct proposing *w, struct str name, char other[128])
{
	static const char *const pairs[][2] = {
	    {"add", "remove"},	       {"create", "delete"},	   {"block", "unblock"},
	    {"isolate", "unisolate"},  {"contain", "lift"},	   {"disable", "enable"},
	    {"quarantine", "restore"}, {"start", "stop"},	   {"archive", "unarchive"},
	    {"cordon", "uncordon"},    {"lock", "unlock"},	   {"pause", "resume"},
	    {"attach", "detach"},      {"deactivate", "activate"}, {"grant", "revoke"},
	    {"suspend", "unsuspend"},  {"freeze", "thaw"},	   {"quarantine", "unquarantine"}};
	struct str rest = name;
	struct str word;

	while ((word = next_word(&rest)).n > 0) {
		for (size_t i = 0; i < 2 * ARRAY_LEN(pairs); i++) {
			struct str from = str_from(pairs[i / 2][i % 2]);
			struct str to = str_from(pairs[i / 2][1 - i % 2]);
			size_t at = (size_t)(word.p - name.p);
			int n;

			if (!str_eq_nocase(word, from)) {
				continue;
			}
			n = snprintf(other, 128, "%.*s" STR_FMT "%.*s", (int)at, name.p,
				     STR_ARG(to), (int)(name.n - at - word.n), word.p + word.n);
			for (const struct json *t = w->p->tools->child; n > 0 && n < 128 && t;
			     t = t->next) {
				struct str theirs = STR("");

				if (json_str(json_get(t, STR("name")), &theirs) &&
				    str_eq(theirs, str_of(other, (size_t)n))) {
					return str_of(other, (size_t)n);
				}
			}
		}
	}
	return STR("");
}

/* ---- entries ---- */

/* (2) What the digest covers, less the name. */
static enum rc add_definition(struct proposing *w, const struct json *definition)
{
	static const char *const members[] = {"title", "description", "inputSchema", "outputSchema",
					      "annotations"};

	TRY(add(w, "    definition:\n"));
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const struct json *m = json_get(definition, str_from(members[i]));

		if (m) {
			TRY(buf_addf(w->out, "      %s: ", members[i]));
			TRY(add_node(w, m));
			TRY(add(w, "\n"));
		}
	}
	return RC_OK;
}

/* NULL when a catalog can hold it. */
static const char *why_left_out(const struct proposing *w, struct str name,
				const struct json *definition)
{
	const struct json *schema = json_get(definition, STR("inputSchema"));
	struct str text = STR("");

	for (const struct json *t = w->p->tools->child; t != definition; t = t->next) {
		if (json_str(json_get(t, STR("name")), &text) && str_eq(text, name)) {
			return "is listed twice";
		}
	}
	if (w->p->name.n + 3 + name.n > PUBLIC_NAME_BYTES) {
		return "has a name that is too long";
	}
	if (!json_str(json_get(definition, STR("description")), &text) || str_trim(text).n == 0 ||
	    text.n > LIMIT_TEXT_BYTES) {
		return "has no description, or one that is too long";
	}
	if (!json_str(json_get(schema, STR("type")), &text) || !str_eq(text, STR("object"))) {
		return "has no schema of an object";
	}
	return schema_check(schema, true, NULL, NULL) == RC_OK
		   ? NULL
		   : "has a schema with words that Remit cannot check: a read at most";
}

static enum rc add_tool(struct proposing *w, struct str name, const struct json *definition)
{
	const struct json *schema = json_get(definition, STR("inputSchema"));
	char other[128];
	struct str opposite = find_opposite(w, name, other);

	TRY(add(w, "\n"));
	TRY(buf_addf(w->out, "  \"" STR_FMT "\":\n", STR_ARG(name)));
	TRY(buf_addf(w->out, "    effect: destroy # proposed: %s\n",
		     guess_effect(name, definition)));
	TRY(add_targets(w, schema));
	TRY(add_credentials(w, schema));
	TRY(add(w, "    data: [unknown] # which classes of data do its results hold?\n"));
	TRY(add(w, "    untrusted: true # unless nobody outside can write what it returns\n"));
	if (opposite.n > 0) {
		TRY(buf_addf(w->out, "    inverse: none # proposed: " STR_FMT "\n",
			     STR_ARG(opposite)));
	} else {
		TRY(add(w, "    inverse: none\n"));
	}
	TRY(add(w, "    verify: none # which read shows that it worked?\n"));
	TRY(add(w, "    evidence: {what: to be said, keep: 90d}\n"));
	return add_definition(w, definition);
}

static enum rc add_header(struct proposing *w)
{
	TRY(add(
	    w,
	    "# Proposed by remit catalog import. Nothing here was reviewed: every tool is destroy\n"
	    "# and asks a person. Go through it tool by tool: say what it does, to which targets,\n"
	    "# what undoes it and what shows that it worked; leave out what no agent needs.\n"
	    "# What stands in comments is a guess from the upstream's own words.\n"));
	if (w->p->url.n > 0) {
		TRY(add(w, "transport: http\nurl: "));
		TRY(add_quoted(w, w->p->url));
	} else {
		TRY(add(w, "transport: stdio\ncommand: ["));
		for (size_t i = 0; i < w->p->command.n; i++) {
			TRY(add(w, i ? ", " : ""));
			TRY(add_quoted(w, w->p->command.p[i]));
		}
		TRY(add(w, "]"));
	}
	return add(w, "\nverified: false\ntools:\n");
}

enum rc propose_catalog(const struct proposal *p, struct buf *out, size_t *ret_n, struct err *e)
{
	struct proposing w = {.p = p, .out = out, .e = e};
	size_t n = 0;

	if (json_type(p->tools) != JSON_ARRAY) {
		FAIL(e, RC_INPUT, "what the upstream lists is no list of tools");
	}
	if (p->tools->count > PROPOSED_TOOLS) {
		FAIL(e, RC_LIMIT, "the upstream lists more than %d tools", PROPOSED_TOOLS);
	}
	if (add_header(&w) != RC_OK) {
		FAIL(e, RC_LIMIT, "the proposal is too large");
	}
	for (const struct json *t = p->tools->child; t; t = t->next) {
		struct str name = STR("");
		bool is_named = json_str(json_get(t, STR("name")), &name) && is_plain_name(name);
		const char *why = is_named ? why_left_out(&w, name, t) : NULL;
		enum rc rc;

		if (!is_named) {
			rc = add(&w, "\n  # Left out: a tool whose name no catalog can hold.\n");
		} else if (why) {
			rc = buf_addf(out, "\n  # Left out: " STR_FMT " %s.\n", STR_ARG(name), why);
		} else {
			rc = add_tool(&w, name, t);
			n++;
		}
		if (rc != RC_OK) {
			FAIL(e, rc, "the proposal is too large");
		}
	}
	if (n == 0 && add(&w, "  {}\n") != RC_OK) {
		FAIL(e, RC_LIMIT, "the proposal is too large");
	}
	*ret_n = n;
	return RC_OK;
}
