/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_remit.c - remit.yaml: where it runs, what it hears and whom it tells.
 *
 * Holds:  without TLS nobody is believed: a plain listener is on loopback and has one fixed agent.
 */
#include <string.h>

#include "base/limits.h"
#include "config/load.h"

enum {
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	HOLD_MAX_MS = 10 * MINUTE,
	FRONTS_MAX = 1,
};

#define DAY_MS	     (24 * (uint64_t)HOUR)
#define SHARD_MS     (90 * DAY_MS)
#define KEEP_MOST_MS (36'500 * DAY_MS)

static bool is_loopback(struct str host)
{
	return str_eq(host, STR("localhost")) || str_eq(host, STR("::1")) ||
	       str_has_prefix(host, STR("127."));
}

static bool trust_domain_is_valid(struct str s)
{
	if (s.n == 0 || s.n > 255) {
		return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) && c != '.' && c != '-' &&
		    c != '_') {
			return false;
		}
	}
	return true;
}

/* ---- listen ---- */

static void load_client_cas(struct load *l, const struct json *tls)
{
	const struct json *clients = load_map(l, tls, "clients", REQUIRED);
	struct trust_anchor *anchors;
	size_t n = 0;

	if (!clients) {
		return;
	}
	if (clients->count == 0) {
		load_error(l, clients, "'clients': name a trust domain and its CA file");
	}
	anchors = load_alloc(l, clients->count, sizeof(*anchors));
	if (!anchors) {
		return;
	}
	for (const struct json *one = clients->child; one; one = one->next) {
		const char *key = arena_cstr(l->arena, one->key);

		if (!key) {
			l->is_out_of_memory = true;
			return;
		}
		if (!trust_domain_is_valid(one->key)) {
			load_error(l, one, "'" STR_FMT "' is no trust domain", STR_ARG(one->key));
		}
		anchors[n].trust_domain = one->key;
		anchors[n].ca_file = load_path(l, clients, key, REQUIRED, PATH_FILE);
		n++;
	}
	if (l->b->trust_domain.n > 0 && !json_get(clients, l->b->trust_domain)) {
		load_error(l, clients, "no CA file for our own trust domain '" STR_FMT "'",
			   STR_ARG(l->b->trust_domain));
	}
	l->d->agents.clients = anchors;
	l->d->agents.n_clients = n;
}

static void load_plain(struct load *l, const struct json *agents, const struct json *tls)
{
	struct agents_listener *a = &l->d->agents;

	a->is_plain = true;
	a->assume_agent = load_text(l, agents, "assume_agent", REQUIRED);
	if (a->address.host.n > 0 && !is_loopback(a->address.host)) {
		load_error(l, tls,
			   "'tls: off' is for measurements on this machine only: the "
			   "address must be a loopback address, found '" STR_FMT "'",
			   STR_ARG(a->address.host));
	}
	load_warn(l, tls,
		  "TLS IS OFF: whoever reaches this port acts as '" STR_FMT
		  "'. Never run this where an incident is real",
		  STR_ARG(a->assume_agent));
}

static void load_agents_listener(struct load *l, const struct json *agents)
{
	struct agents_listener *a = &l->d->agents;
	const struct json *tls;
	struct str off = STR_NULL;

	if (!load_keys(l, agents, "listen.agents", "address fronts tls assume_agent")) {
		return;
	}
	a->address = load_address(l, agents, "address", REQUIRED);
	a->fronts = (uint32_t)load_number(l, agents, "fronts", 1, FRONTS_MAX, 1);
	tls = load_get(l, agents, "tls", REQUIRED);
	if (json_str(tls, &off) && str_eq(off, STR("off"))) {
		load_plain(l, agents, tls);
		return;
	}
	if (json_get(agents, STR("assume_agent"))) {
		load_error(
		    l, json_get(agents, STR("assume_agent")),
		    "'assume_agent' goes with 'tls: off' only: with TLS the certificate says "
		    "who it is");
	}
	if (!load_keys(l, tls, "listen.agents.tls", "certificate key clients")) {
		return;
	}
	a->certificate_file = load_path(l, tls, "certificate", REQUIRED, PATH_FILE);
	a->key_file = load_path(l, tls, "key", REQUIRED, PATH_SECRET);
	load_client_cas(l, tls);
}

static uint32_t load_mode(struct load *l, const struct json *people)
{
	const struct json *value = load_get(l, people, "mode", OPTIONAL);
	struct str text = STR_NULL;
	uint32_t mode = 0;

	if (!value) {
		return 0600;
	}
	if (json_str(value, &text) && text.n == 4 && text.p[0] == '0') {
		for (size_t i = 0; i < text.n; i++) {
			if (text.p[i] < '0' || text.p[i] > '7') {
				mode = 0;
				break;
			}
			mode = mode * 8 + (uint32_t)(text.p[i] - '0');
		}
	}
	if (mode == 0 || (mode & 0111) != 0) {
		load_error(l, value,
			   "'mode': expected permission bits in quotes, such as \"0660\"");
		return 0600;
	}
	return mode;
}

static void load_people_listener(struct load *l, const struct json *people)
{
	struct people_listener *p = &l->d->people;
	const struct json *tls;

	if (!load_keys(l, people, "listen.people", "socket mode http log tls")) {
		return;
	}
	p->socket = load_path(l, people, "socket", REQUIRED, PATH_ANY);
	if (p->socket.n > 107) {
		load_error(l, json_get(people, STR("socket")),
			   "the socket's path has %zu bytes; the system takes 107", p->socket.n);
	}
	p->socket_mode = load_mode(l, people);
	p->http = load_address(l, people, "http", OPTIONAL);
	p->serves_log = load_flag(l, people, "log");
	if (p->serves_log && p->http.host.n == 0) {
		load_error(l, json_get(people, STR("log")), "'log' is served over 'http'");
	}
	tls = load_map(l, people, "tls", OPTIONAL);
	if (tls && load_keys(l, tls, "listen.people.tls", "certificate key")) {
		p->certificate_file = load_path(l, tls, "certificate", REQUIRED, PATH_FILE);
		p->key_file = load_path(l, tls, "key", REQUIRED, PATH_SECRET);
	} else if (!tls && p->http.host.n > 0 && !is_loopback(p->http.host)) {
		load_warn(l, json_get(people, STR("http")),
			  "without 'tls' the sources' bearer tokens cross the network in clear");
	}
}

/* ---- notifiers and backends ---- */

/* An address that can stand in a header and in an SMTP command as it is. */
static bool is_address(struct str s)
{
	size_t at = str_find(s, '@');

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c >= 0x7f || c == '<' || c == '>' || c == ',' || c == '"') {
			return false;
		}
	}
	return at > 0 && at + 1 < s.n && s.n <= 254 &&
	       str_find(str_slice(s, at + 1, s.n), '@') == s.n - at - 1;
}

/* smtp: {url, from, to, user, secret_file, ca_file} */
static void load_smtp(struct load *l, const struct json *smtp, struct notifier *n)
{
	n->type = NOTIFIER_SMTP;
	if (!smtp || !load_keys(l, smtp, "smtp", "url from to user secret_file ca_file")) {
		return;
	}
	n->url = load_text(l, smtp, "url", REQUIRED);
	if (n->url.n > 0 && !str_has_prefix(n->url, STR("smtps://")) &&
	    !str_has_prefix(n->url, STR("smtp://"))) {
		load_error(l, json_get(smtp, STR("url")),
			   "'url': expected smtps://host or smtp://host");
	}
	n->from = load_text(l, smtp, "from", REQUIRED);
	n->to = load_list(l, smtp, "to", REQUIRED);
	n->user = load_text(l, smtp, "user", OPTIONAL);
	n->secret_file = load_path(l, smtp, "secret_file", OPTIONAL, PATH_SECRET);
	n->ca_file = load_path(l, smtp, "ca_file", OPTIONAL, PATH_FILE);
	if (n->from.n && !is_address(n->from)) {
		load_error(l, json_get(smtp, STR("from")), "'from': expected an address");
	}
	for (size_t i = 0; i < n->to.n; i++) {
		if (!is_address(n->to.p[i])) {
			load_error(l, json_get(smtp, STR("to")), "'to': expected addresses");
		}
	}
	if ((n->user.n > 0) != (n->secret_file.n > 0)) {
		load_error(l, smtp, "'user' and 'secret_file' belong together");
	}
}

static void load_notifier(struct load *l, const struct json *notifier, struct notifier *n)
{
	n->name = notifier->key;
	if (!load_keys(l, notifier, "a notifier", "command url secret_file smtp")) {
		return;
	}
	if (json_get(notifier, STR("smtp"))) {
		if (json_get(notifier, STR("command")) || json_get(notifier, STR("url"))) {
			load_error(l, notifier,
				   "a notifier has one of 'command', 'url' and 'smtp'");
		}
		load_smtp(l, load_map(l, notifier, "smtp", REQUIRED), n);
		return;
	}
	if (json_get(notifier, STR("command"))) {
		n->type = NOTIFIER_COMMAND;
		n->command = load_command(l, notifier, "command", REQUIRED);
		if (json_get(notifier, STR("url"))) {
			load_error(l, notifier, "a notifier has a 'command' or a 'url', not both");
		}
		return;
	}
	n->type = NOTIFIER_WEBHOOK;
	n->url = load_text(l, notifier, "url", REQUIRED);
	if (n->url.n > 0 && !str_has_prefix(n->url, STR("https://")) &&
	    !str_has_prefix(n->url, STR("http://"))) {
		load_error(l, json_get(notifier, STR("url")), "'url': expected https://...");
	}
	n->secret_file = load_path(l, notifier, "secret_file", OPTIONAL, PATH_SECRET);
	if (n->secret_file.n > 0 && str_has_prefix(n->url, STR("http://")) &&
	    !str_has_prefix(n->url, STR("http://127.0.0.1")) &&
	    !str_has_prefix(n->url, STR("http://localhost"))) {
		load_error(l, json_get(notifier, STR("url")),
			   "the secret would cross the network in clear: use https");
	}
}

static void load_backend(struct load *l, const struct json *backend, struct backend *b)
{
	struct str type;

	b->name = backend->key;
	if (!load_keys(l, backend, "a backend",
		       "type host port dbname user password_file ca_file ttl")) {
		return;
	}
	type = load_text(l, backend, "type", REQUIRED);
	if (str_eq(type, STR("postgresql"))) {
		b->type = BACKEND_POSTGRESQL;
	} else if (type.n > 0) {
		load_error(l, json_get(backend, STR("type")),
			   "'type': expected postgresql, found '" STR_FMT "'", STR_ARG(type));
	}
	b->host = load_text(l, backend, "host", REQUIRED);
	b->port = (uint16_t)load_number(l, backend, "port", 1, UINT16_MAX, 5432);
	b->dbname = load_text(l, backend, "dbname", REQUIRED);
	b->user = load_text(l, backend, "user", REQUIRED);
	b->password_file = load_path(l, backend, "password_file", REQUIRED, PATH_SECRET);
	b->ca_file = load_path(l, backend, "ca_file", OPTIONAL, PATH_FILE);
	b->ttl_ms = load_duration(l, backend, "ttl", 24 * (uint64_t)HOUR, HOUR);
	if (b->ca_file.n == 0 && b->host.n > 0 && b->host.p[0] != '/' && !is_loopback(b->host)) {
		load_error(l, backend,
			   "'ca_file' is missing: secrets would cross the network to "
			   "'" STR_FMT "' unchecked",
			   STR_ARG(b->host));
	}
}

/* ---- the whole ---- */

static void load_notifiers(struct load *l, const struct json *doc)
{
	const struct json *map = load_map(l, doc, "notifiers", OPTIONAL);
	struct notifier *list = map ? load_alloc(l, map->count, sizeof(*list)) : NULL;

	for (const struct json *one = list ? map->child : NULL; one; one = one->next) {
		load_check_name(l, one);
		load_notifier(l, one, &list[l->d->n_notifiers++]);
	}
	l->d->notifiers = list;
}

static void load_backends(struct load *l, const struct json *doc)
{
	const struct json *map = load_map(l, doc, "backends", OPTIONAL);
	struct backend *list = map ? load_alloc(l, map->count, sizeof(*list)) : NULL;

	for (const struct json *one = list ? map->child : NULL; one; one = one->next) {
		load_check_name(l, one);
		load_backend(l, one, &list[l->d->n_backends++]);
	}
	l->d->backends = list;
}

static void load_defaults(struct load *l, const struct json *doc)
{
	const struct json *defaults = load_map(l, doc, "defaults", OPTIONAL);

	if (defaults) {
		(void)load_keys(l, defaults, "defaults",
				"hold deviations refresh rehearsal term"); /* reports */
	}
	l->hold_ms = load_duration(l, defaults, "hold", HOLD_MAX_MS, 20 * SECOND);
	l->deviations = load_number(l, defaults, "deviations", 1, 1000, 3);
	l->refresh_ms = load_duration(l, defaults, "refresh", 24 * (uint64_t)HOUR, MINUTE);
	l->b->rehearsal_ms = load_duration(l, defaults, "rehearsal", 366 * 24 * (uint64_t)HOUR,
					   REHEARSAL_MAX_DAYS * 24 * (uint64_t)HOUR);
	l->term_ms = load_duration(l, defaults, "term", 30 * 24 * (uint64_t)HOUR, 4 * HOUR);
}

/* A log's name: a domain with a path, without scheme, blanks and '+' (C2SP tlog-checkpoint). */
static void check_origin(struct load *l, const struct json *doc)
{
	for (size_t i = 0; i < l->b->origin.n; i++) {
		if (l->b->origin.p[i] <= ' ' || l->b->origin.p[i] > '~' ||
		    l->b->origin.p[i] == '+') {
			load_error(l, json_get(doc, STR("origin")),
				   "'origin': expected a name such as audit.example.org/remit");
			return;
		}
	}
}

static void load_log(struct load *l, const struct json *log)
{
	struct deployment *d = l->d;

	d->shard_ms = SHARD_MS;
	if (!log || !load_keys(l, log, "log", "emergency shard keep")) {
		return;
	}
	d->emergency_dir = load_path(l, log, "emergency", OPTIONAL, PATH_ANY);
	d->shard_ms = load_duration(l, log, "shard", KEEP_MOST_MS, SHARD_MS);
	d->keep_ms = load_duration(l, log, "keep", KEEP_MOST_MS, 0);
}

void load_remit(struct load *l)
{
	struct deployment *d = l->d;
	const struct json *doc;
	const struct json *listen;
	const struct json *keeper;
	enum presence where = l->is_stored ? OPTIONAL : REQUIRED;

	l->arena = &d->arena;
	doc = load_document(l, STR("remit.yaml"));
	l->remit = doc;
	(void)load_keys(
	    l, doc, "remit.yaml",
	    "origin trust_domain state keeper log user pid_file listen sources notifiers "
	    "backends witnesses defaults"); /* it reports */
	l->b->origin = arena_str(&l->b->arena, load_text(l, doc, "origin", REQUIRED));
	l->b->trust_domain = arena_str(&l->b->arena, load_text(l, doc, "trust_domain", REQUIRED));
	l->is_out_of_memory |= !l->b->origin.p || !l->b->trust_domain.p;
	check_origin(l, doc);
	if (l->b->trust_domain.n > 0 && !trust_domain_is_valid(l->b->trust_domain)) {
		load_error(l, json_get(doc, STR("trust_domain")),
			   "'trust_domain': expected lower case letters, digits, '.', '-', '_'");
	}
	d->state_dir = load_path(l, doc, "state", where, PATH_ANY);
	d->user = load_text(l, doc, "user", OPTIONAL);
	d->pid_file = load_path(l, doc, "pid_file", OPTIONAL, PATH_ANY);
	keeper = load_map(l, doc, "keeper", OPTIONAL);
	if (keeper && load_keys(l, keeper, "keeper", "anchor")) {
		d->anchor_dir = load_path(l, keeper, "anchor", REQUIRED, PATH_ANY);
	}
	load_log(l, load_map(l, doc, "log", OPTIONAL));
	listen = load_map(l, doc, "listen", where);
	if (listen && load_keys(l, listen, "listen", "agents people")) {
		load_agents_listener(l, load_map(l, listen, "agents", REQUIRED));
		load_people_listener(l, load_map(l, listen, "people", REQUIRED));
	}
	load_defaults(l, doc);
	load_sources(l, doc);
	load_notifiers(l, doc);
	load_backends(l, doc);
	l->arena = &l->b->arena;
}
