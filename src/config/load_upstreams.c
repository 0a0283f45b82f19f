/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_upstreams.c - upstreams/: how tools are reached.
 *
 * Holds:  "<upstream>___<tool>" can be taken apart again in one way only.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "config/catalog.h"

enum { TIMEOUT_MAX_MS = 15 * 60 * 1000, TIMEOUT_MS = 30 * 1000, REFRESH_MAX_MS = 24 * 3600 * 1000 };

static bool upstream_name_is_valid(struct str name)
{
	if (!name_is_valid(name) || name.p[0] < 'a' || name.p[name.n - 1] == '_') {
		return false;
	}
	return !str_contains(name, STR("___")) && str_find(name, '.') == name.n;
}

static struct credential load_credential(struct load *l, const struct json *node, const char *keys)
{
	struct credential c = {.backend = STR(""), .scope = STR("")};

	if (!load_keys(l, node, "credential", keys)) {
		return c;
	}
	c.backend = load_text(l, node, "backend", REQUIRED);
	c.scope = load_text(l, node, "scope", REQUIRED);
	if (c.backend.n > 0) {
		(void)load_check_backend(l, json_get(node, STR("backend")),
					 c.backend); /* it reports */
	}
	return c;
}

static void load_protocol(struct load *l, const struct json *doc, struct upstream *u)
{
	struct str protocol = load_text(l, doc, "protocol", OPTIONAL);

	u->is_modern = str_eq(protocol, STR("2026-07-28"));
	if (protocol.n > 0 && !u->is_modern && !str_eq(protocol, STR("2025-11-25"))) {
		load_error(l, json_get(doc, STR("protocol")),
			   "'protocol': expected \"2025-11-25\" or \"2026-07-28\"");
	}
	if (protocol.n > 0 && u->transport == TRANSPORT_COMMAND) {
		load_error(l, json_get(doc, STR("protocol")),
			   "'protocol': command tools speak none");
	}
}

static void load_http(struct load *l, const struct json *doc, struct upstream *u)
{
	u->url = load_text(l, doc, "url", REQUIRED);
	u->ca_file = load_path(l, doc, "ca_file", OPTIONAL, PATH_FILE);
	if (u->url.n == 0) {
		return;
	}
	if (!str_has_prefix(u->url, STR("https://")) && !str_has_prefix(u->url, STR("http://"))) {
		load_error(l, json_get(doc, STR("url")), "'url': expected https://host:port/path");
	}
	if (u->credential.backend.n > 0 && str_has_prefix(u->url, STR("http://")) &&
	    !str_has_prefix(u->url, STR("http://127.")) &&
	    !str_has_prefix(u->url, STR("http://localhost")) &&
	    !str_has_prefix(u->url, STR("http://[::1]"))) {
		load_error(l, json_get(doc, STR("url")),
			   "leased secrets would cross the network in clear: use https");
	}
}

static void check_child_keys(struct load *l, const struct json *doc, const struct upstream *u)
{
	static const char *const child_only[] = {"env", "network", "readable", "writable",
						 "signals"};

	for (size_t i = 0; u->transport == TRANSPORT_HTTP && i < ARRAY_LEN(child_only); i++) {
		const struct json *at = json_get(doc, str_from(child_only[i]));

		if (at) {
			load_error(l, at, "'%s' is for programs that Remit starts, not for http",
				   child_only[i]);
		}
	}
	if (u->transport != TRANSPORT_STDIO && json_get(doc, STR("command"))) {
		load_error(l, json_get(doc, STR("command")),
			   "'command' of an upstream goes with transport stdio");
	}
	if (u->transport != TRANSPORT_HTTP && json_get(doc, STR("url"))) {
		load_error(l, json_get(doc, STR("url")), "'url' goes with transport http");
	}
}

/* A child that reached people's socket could speak for whoever it runs as. */
static void check_people_socket(struct load *l, const struct json *doc, const struct upstream *u)
{
	for (size_t i = 0; i < u->network.n; i++) {
		struct str path = u->network.p[i];

		if (str_has_prefix(path, STR("unix:")) && l->d->people.socket.n &&
		    str_eq(str_slice(path, 5, path.n), l->d->people.socket)) {
			load_error(
			    l, json_get(doc, STR("network")),
			    "no tool reaches the people's socket: who speaks there approves");
		}
	}
}

static void load_child(struct load *l, const struct json *doc, struct upstream *u)
{
	const struct json *credential = json_get(doc, STR("credential"));

	if (u->transport == TRANSPORT_STDIO) {
		u->command = load_command(l, doc, "command", REQUIRED);
	}
	u->environment = load_pairs(l, doc, "env", '=');
	u->network = load_list(l, doc, "network", OPTIONAL);
	check_people_socket(l, doc, u);
	u->readable = load_list(l, doc, "readable", OPTIONAL);
	u->writable = load_list(l, doc, "writable", OPTIONAL);
	u->may_signal = load_flag(l, doc, "signals");
	for (size_t i = 0; i < u->readable.n + u->writable.n; i++) {
		bool is_read = i < u->readable.n;
		struct str path = is_read ? u->readable.p[i] : u->writable.p[i - u->readable.n];

		if (path.p[0] != '/') {
			load_error(l, json_get(doc, is_read ? STR("readable") : STR("writable")),
				   "'" STR_FMT "' is no absolute path", STR_ARG(path));
		}
	}
	if (json_type(credential) == JSON_OBJECT) {
		u->secret_file = load_text(l, credential, "file", OPTIONAL);
	}
}

static void load_transport(struct load *l, const struct json *doc, struct upstream *u)
{
	struct str transport = load_text(l, doc, "transport", REQUIRED);

	if (str_eq(transport, STR("command"))) {
		u->transport = TRANSPORT_COMMAND;
	} else if (str_eq(transport, STR("stdio"))) {
		u->transport = TRANSPORT_STDIO;
	} else if (str_eq(transport, STR("http"))) {
		u->transport = TRANSPORT_HTTP;
	} else if (transport.n > 0) {
		load_error(l, json_get(doc, STR("transport")),
			   "'transport': expected command, stdio or http, found '" STR_FMT "'",
			   STR_ARG(transport));
	}
}

/* A catalog that was written from descriptions: better than none, and said each time. */
static void load_verified(struct load *l, const struct json *doc, struct upstream *u)
{
	const struct json *at = json_get(doc, STR("verified"));
	bool is_verified = true;

	if (at && !json_bool(at, &is_verified)) {
		load_error(l, at, "'verified': expected true or false, found %s",
			   json_type_name(at->type));
	}
	u->is_unverified = !is_verified;
	if (u->is_unverified) {
		load_warn(l, at,
			  "nobody has run this catalog against the real '" STR_FMT
			  "': compare it with remit catalog diff, rehearse its inverses",
			  STR_ARG(u->name));
	}
}

static void load_upstream(struct load *l, const struct json *doc, struct upstream *u)
{
	const struct json *credential = load_map(l, doc, "credential", OPTIONAL);

	(void)load_keys(l, doc, "an upstream",
			"transport url command env network readable writable credential timeout "
			"refresh ca_file protocol signals verified tools"); /* it reports */
	if (!upstream_name_is_valid(u->name) && name_is_valid(u->name)) {
		load_error(l, NULL,
			   "'" STR_FMT "': an upstream's name begins with a letter, has no '.', no "
			   "'___' and no '_' at its end",
			   STR_ARG(u->name));
	}
	if (str_eq(u->name, STR("remit"))) {
		load_error(l, NULL, "'remit' is reserved for Remit's own tools");
	}
	load_transport(l, doc, u);
	if (credential) {
		u->credential = load_credential(l, credential, "backend scope file");
	}
	if (u->transport == TRANSPORT_HTTP) {
		load_http(l, doc, u);
	} else if (u->transport != TRANSPORT_NONE) {
		load_child(l, doc, u);
	}
	check_child_keys(l, doc, u);
	load_protocol(l, doc, u);
	load_verified(l, doc, u);
	u->timeout_ms = (uint32_t)load_duration(l, doc, "timeout", TIMEOUT_MAX_MS, TIMEOUT_MS);
	u->refresh_ms = (uint32_t)load_duration(l, doc, "refresh", REFRESH_MAX_MS, l->refresh_ms);
}

/* Opens every upstream's file and its header; returns how many tools there are in all. */
static size_t open_upstreams(struct load *l, const struct json **docs, struct upstream *list)
{
	const struct tree_file *file;
	size_t tools = 0;
	size_t i = 0;

	while ((file = load_next_file(l, "upstreams", &i))) {
		struct upstream *u = &list[l->b->n_upstreams];
		const struct json *doc = load_document(l, file->path);
		const struct json *map;

		docs[l->b->n_upstreams] = doc;
		l->b->n_upstreams++;
		u->name = load_name_of_file(l, file->path);
		load_upstream(l, doc, u);
		map = load_map(l, doc, "tools", REQUIRED);
		tools += map ? map->count : 0;
	}
	return tools;
}

static void read_tools(struct load *l, const struct json *const *docs, struct draft *drafts,
		       size_t *n)
{
	const struct tree_file *file;
	size_t i = 0;

	for (size_t k = 0; (file = load_next_file(l, "upstreams", &i)); k++) {
		const struct json *map = json_get(docs[k], STR("tools"));

		l->file = file->path;
		if (json_type(map) != JSON_OBJECT) {
			continue;
		}
		for (const struct json *node = map->child; node; node = node->next) {
			catalog_read_tool(l, &l->b->upstreams[k], node, &drafts[*n]);
			drafts[*n].file = file->path;
			(*n)++;
		}
	}
}

static int order_drafts(const void *a, const void *b)
{
	return str_cmp(((const struct draft *)a)->tool.public_name,
		       ((const struct draft *)b)->tool.public_name);
}

void load_upstreams(struct load *l)
{
	const struct json **docs;
	struct upstream *list;
	struct draft *drafts;
	struct tool *tools;
	size_t n_tools;
	size_t n = 0;
	size_t i = 0;

	while (load_next_file(l, "upstreams", &i)) {
		n++;
	}
	list = load_alloc(l, n, sizeof(*list));
	docs = load_alloc(l, n, sizeof(*docs));
	if (!list || !docs) {
		return;
	}
	l->b->upstreams = list;
	n_tools = open_upstreams(l, docs, list);
	drafts = load_alloc(l, n_tools, sizeof(*drafts));
	tools = load_alloc(l, n_tools, sizeof(*tools));
	if (!drafts || !tools) {
		return;
	}
	n = 0;
	read_tools(l, docs, drafts, &n);
	qsort(drafts, n, sizeof(*drafts), order_drafts);
	catalog_check(l, drafts, n);
	for (i = 0; i < n; i++) {
		tools[i] = drafts[i].tool;
	}
	l->b->tools = tools;
	l->b->n_tools = n;
	catalog_check_classes(l);
	catalog_check_flow(l);
	if (n == 0) {
		l->file = STR("upstreams");
		load_warn(l, NULL, "the catalog has no tool");
	}
}
