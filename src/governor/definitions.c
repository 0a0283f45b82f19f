/* SPDX-License-Identifier: Apache-2.0 */
/* governor/definitions.c - are an upstream's tools still the ones in the catalog?
 *
 * Senders list them at the start and again every refresh; a digest that differs from the catalog's
 * is on the record at once and unpins the tool until it is back, or the catalog was changed by a
 * person. Command tools are defined by the catalog itself.
 */
#include "governor/gov.h"

#include <string.h>

#include "base/log.h"

void definitions_write(const struct tool *t, struct json_out *w)
{
	json_out_object(w);
	json_out_key_str(w, "name", t->public_name);
	for (const struct json *m = t->definition ? t->definition->child : NULL; m; m = m->next) {
		if (!str_eq(m->key, STR("name"))) {
			json_out_key(w, m->key);
			json_out_node(w, m);
		}
	}
	json_out_close(w);
}

static void observe(struct governor *g, const struct tool *t, const uint8_t digest[32])
{
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_TOOL_OBSERVED,
	    .tool_observed =
		{
		    .tool = t->public_name,
		    .pinned = memcmp(digest, t->digest, 32) == 0,
		},
	};

	memcpy(l.tool_observed.digest.bytes, digest, 32);
	if (state_tool_is_pinned(g->state, t->public_name, digest)) {
		return; /* as it was */
	}
	if (!l.tool_observed.pinned) {
		log_warn("the definition of '%.*s' is not the catalog's: it is denied until it is",
			 STR_ARG(t->public_name));
	}
	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, &e) != RC_OK) {
		log_err("a definition could not be recorded: %s", e.msg);
	}
}

void definitions_on_answer(struct governor *g, const struct msg_definitions *m)
{
	static const uint8_t absent[32] = {0xff};
	const struct upstream *u = bundle_upstream(g->bundle, m->upstream);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *list;
	struct err e = ERR_INIT;

	if (!u) {
		return;
	}
	if (!m->ok || json_parse(&g->round, m->tools, &limits, &list, &e) != RC_OK) {
		log_warn("upstream '%.*s' does not list its tools: %.*s", STR_ARG(m->upstream),
			 STR_ARG(m->detail));
		return; /* an upstream that is away changes nothing: a call to it fails by itself */
	}
	for (size_t i = 0; i < g->bundle->n_tools; i++) {
		const struct tool *t = &g->bundle->tools[i];
		uint8_t digest[32];
		bool is_listed = false;

		if (t->upstream != u) {
			continue;
		}
		for (const struct json *j = list->child; j && !is_listed; j = j->next) {
			struct str name;

			is_listed = json_str(json_get(j, STR("name")), &name) &&
				    str_eq(name, t->name) &&
				    tool_definition_digest(j, digest, &e) == RC_OK;
		}
		observe(g, t, is_listed ? digest : absent);
	}
}

uint64_t definitions_interval_ms(const struct governor *g)
{
	uint64_t interval = 30000;

	for (size_t i = 0; i < g->bundle->n_upstreams; i++) {
		uint64_t wanted = g->bundle->upstreams[i].refresh_ms;

		if (wanted && wanted < interval) {
			interval = wanted;
		}
	}
	return interval;
}

void definitions_refresh(struct governor *g)
{
	for (size_t i = 0; i < g->bundle->n_upstreams; i++) {
		const struct upstream *u = &g->bundle->upstreams[i];
		struct message m = {
		    .kind = MESSAGE_LIST_DEFINITIONS,
		    .list_definitions = {.upstream = u->name},
		};
		struct channel *to = definitions_sender_is_runner(u) ? g->runner : g->agents;

		if (u->transport == TRANSPORT_COMMAND || !to) {
			continue;
		}
		if (channel_send(to, &m) != RC_OK) {
			log_warn("a sender cannot be asked for definitions");
		}
	}
}
