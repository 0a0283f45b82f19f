/* SPDX-License-Identifier: Apache-2.0 */
/* front/sender.c - one MCP client per HTTP upstream, behind one desk.
 *
 * Trust:  governor and keeper by their channels; upstreams by their certificates only.
 * Holds:  a call goes to the upstream that its admission names, or nowhere.
 */
#include "front/sender.h"

#include "base/log.h"
#include "base/mem.h"
#include "codec/uri.h"
#include "sender/desk.h"
#include "upstream/mcp_client.h"

struct link {
	const struct upstream *upstream;
	struct mcp_client *client; /* NULL: it could not be found when the front started */
};

struct sender {
	struct sender_conf conf;
	struct desk *desk;
	struct link *links;
	size_t n;
};

static struct mcp_client *find(const struct sender *s, struct str upstream)
{
	for (size_t i = 0; i < s->n; i++) {
		if (str_eq(s->links[i].upstream->name, upstream)) {
			return s->links[i].client;
		}
	}
	return NULL;
}

static void on_start(void *ctx, struct desk_call *c)
{
	struct sender *s = ctx;
	struct mcp_client *m = find(s, c->upstream);

	if (!m) {
		desk_done(s->desk, c, OUTCOME_NOT_SENT, STR(""),
			  STR("the upstream is not configured or could not be found"));
		return;
	}
	mcp_client_start(m, c);
}

static void on_drop(void *ctx, struct desk_call *c)
{
	mcp_client_drop(find(ctx, c->upstream), c);
}

static bool on_recall(void *ctx, struct desk_call *c)
{
	return mcp_client_recall(find(ctx, c->upstream), c);
}

static void on_fence(void *ctx, enum fence_scope scope, struct str name)
{
	struct sender *s = ctx;

	for (size_t i = 0; i < s->n; i++) {
		if (s->links[i].client) {
			mcp_client_fence(s->links[i].client, scope, name);
		}
	}
}

static void on_list(void *ctx, struct str upstream)
{
	struct sender *s = ctx;
	struct mcp_client *m = find(s, upstream);

	if (!m) {
		desk_definitions(s->desk, upstream, false, STR(""),
				 STR("the upstream is not configured or could not be found"));
		return;
	}
	mcp_client_list(m);
}

static void on_say(void *ctx, const struct message *m)
{
	struct sender *s = ctx;

	s->conf.say(s->conf.say_ctx, m);
}

/* ---- finding upstreams ---- */

static void unref(struct tls_context **x)
{
	tls_context_unref(*x);
}

static enum rc make_tls(const struct upstream *u, const struct uri *uri, struct tls_context **ret,
			struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(64 * 1024);
	struct tls_client_conf conf = {.host = arena_cstr(&arena, uri->host)};

	if (uri->scheme != URI_HTTPS) {
		return RC_OK;
	}
	if (u->ca_file.n > 0) {
		conf.ca_path = arena_cstr(&arena, u->ca_file);
	}
	if (!conf.host || (u->ca_file.n > 0 && !conf.ca_path)) {
		FAIL(e, RC_NOMEM, "no memory for an upstream");
	}
	return tls_client(&conf, ret, e);
}

static enum rc make_client(struct sender *s, struct loop *l, const struct upstream *u,
			   struct mcp_client **ret, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(64 * 1024);
	CLEANUP(unref) struct tls_context *tls = NULL;
	struct client_conf conf = client_conf_default();
	struct uri uri;
	struct str where;

	TRY(uri_parse(u->url, &uri, e));
	if (uri.scheme != URI_HTTP && uri.scheme != URI_HTTPS) {
		FAIL(e, RC_INPUT, "an upstream needs an http or https address");
	}
	TRY(make_tls(u, &uri, &tls, e));
	where = uri.is_ipv6 ? arena_strf(&arena, "[" STR_FMT "]:%u", STR_ARG(uri.host), uri.port)
			    : arena_strf(&arena, STR_FMT ":%u", STR_ARG(uri.host), uri.port);
	conf.host = arena_cstr(&arena, uri.authority);
	if (!where.p || !conf.host) {
		FAIL(e, RC_NOMEM, "no memory for an upstream");
	}
	TRY(address_look_up(where, conf.addresses, LIMIT_CLIENT_ADDRESSES, &conf.n_addresses, e));
	conf.tls = tls;
	conf.max_response_bytes = 2 * LIMIT_RESULT_BYTES;
	return mcp_client_new(l, s->desk, u, uri.target, &conf, ret, e);
}

static enum rc make_links(struct sender *s, struct loop *l, struct err *e)
{
	const struct bundle *b = s->conf.bundle;

	s->links = mem_calloc(b->n_upstreams + 1, sizeof(*s->links));
	if (!s->links) {
		FAIL(e, RC_NOMEM, "no memory for upstreams");
	}
	for (size_t i = 0; i < b->n_upstreams; i++) {
		const struct upstream *u = &b->upstreams[i];
		struct link *link = &s->links[s->n];
		struct err why = ERR_INIT;

		if (u->transport != TRANSPORT_HTTP) {
			continue;
		}
		s->n++;
		link->upstream = u;
		if (make_client(s, l, u, &link->client, &why) != RC_OK) {
			log_err("upstream '" STR_FMT "' cannot be called: %s", STR_ARG(u->name),
				why.msg);
		}
	}
	return RC_OK;
}

enum rc sender_new(struct loop *l, const struct sender_conf *conf, struct sender **ret,
		   struct err *e)
{
	struct sender *s = mem_calloc(1, sizeof(*s));
	struct desk_carrier carrier = {.ctx = s,
				       .start = on_start,
				       .drop = on_drop,
				       .recall = on_recall,
				       .fence = on_fence,
				       .list = on_list,
				       .say = on_say};
	enum rc rc;

	if (!s) {
		FAIL(e, RC_NOMEM, "no memory for the sender");
	}
	s->conf = *conf;
	rc = desk_new(l, conf->generation, &carrier, &s->desk);
	if (rc == RC_OK) {
		rc = make_links(s, l, e);
	}
	if (rc != RC_OK) {
		sender_free(s);
		return rc;
	}
	*ret = s;
	return RC_OK;
}

void sender_free(struct sender *s)
{
	if (!s) {
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		mcp_client_free(s->links[i].client);
	}
	mem_free(s->links);
	desk_free(s->desk);
	mem_free(s);
}

void sender_governor_lost(struct sender *s)
{
	desk_governor_lost(s->desk);
}

void sender_governor_found(struct sender *s, uint64_t generation)
{
	desk_governor_found(s->desk, generation);
}

bool sender_hear(struct sender *s, const struct message *m)
{
	return desk_hear(s->desk, m);
}
