/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/mcp_client.c - sessions with one upstream, and the calls in them.
 *
 * Trust:  the upstream is hostile; a session id of its is echoed to it alone.
 * Holds:  (1) a call is committed in the same breath as its request is handed to the client.
 *         (2) it is handed over again only after the upstream refused it for its session, once.
 *         (3) secrets are copied into the client's request only; copies made here are wiped.
 * States: of a session: NEW -initialize answered-> GREETED -initialized taken-> READY;
 *         any failure -> DEAD: never found again, freed when its last call is done.
 *         Modern sessions begin READY: they are a list of calls and nothing on the wire.
 */
#include "upstream/mcp_client.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "upstream/mcp_fields.h"
#include "upstream/mcp_post.h"

enum { SESSION_ID_BYTES = 1024, BODY_BYTES = 2 * LIMIT_ARGS_BYTES + 16 * 1024 };

/* A call on its way. */
struct work {
	struct session *session;
	struct work *prev;
	struct work *next;
	struct desk_call *call;
	struct mcp_post *post; /* NULL: waits for the session */
	bool was_refused;      /* invariant (2) */
};

enum session_state { SESSION_NEW, SESSION_GREETED, SESSION_READY, SESSION_DEAD };

struct session {
	struct mcp_client *client;
	struct session *prev;
	struct session *next;
	char task[LIMIT_ID_BYTES + 1];
	char agent[LIMIT_SPIFFE_ID_BYTES + 1];
	char id[SESSION_ID_BYTES + 1];
	enum session_state state;
	enum mcp_version version;
	struct work *works;   /* oldest first */
	struct mcp_post *own; /* initialize, initialized, a page of tools */
	bool is_listing;
	struct buf tools;
	unsigned pages;
};

struct mcp_client {
	struct loop *loop;
	struct desk *desk;
	const struct upstream *upstream;
	struct str target; /* the bundle's memory */
	struct client *http;
	struct session *sessions; /* used most recently first */
	size_t n_sessions;
	uint64_t last_id;
};

static void send_call(struct work *w);
static enum rc list_page(struct session *s, struct str cursor, struct err *e);

/* ---- works ---- */

static struct work *work_new(struct session *s, struct desk_call *c)
{
	struct work *w = mem_calloc(1, sizeof(*w));
	struct work *last = s->works;

	if (!w) {
		return NULL;
	}
	w->session = s;
	w->call = c;
	while (last && last->next) {
		last = last->next;
	}
	w->prev = last;
	if (last) {
		last->next = w;
	} else {
		s->works = w;
	}
	c->carried = w;
	return w;
}

static void work_unlink(struct work *w)
{
	if (w->prev) {
		w->prev->next = w->next;
	} else {
		w->session->works = w->next;
	}
	if (w->next) {
		w->next->prev = w->prev;
	}
	w->prev = NULL;
	w->next = NULL;
}

/* ---- sessions ---- */

static void link_session(struct session *s)
{
	struct mcp_client *m = s->client;

	s->prev = NULL;
	s->next = m->sessions;
	if (s->next) {
		s->next->prev = s;
	}
	m->sessions = s;
}

static void unlink_session(struct session *s)
{
	if (s->prev) {
		s->prev->next = s->next;
	} else {
		s->client->sessions = s->next;
	}
	if (s->next) {
		s->next->prev = s->prev;
	}
}

static struct session *session_new(struct mcp_client *m, struct str task, struct str agent)
{
	struct session *s = mem_calloc(1, sizeof(*s));
	bool modern = m->upstream->is_modern;

	if (!s) {
		return NULL;
	}
	s->client = m;
	/* The message table bounds both; the fields are zeroed. */
	memcpy(s->task, task.p ? task.p : "", task.n);
	memcpy(s->agent, agent.p ? agent.p : "", agent.n);
	s->tools = (struct buf)BUF_INIT(LIMIT_RESULT_BYTES);
	s->version = modern ? MCP_LATEST : MCP_LATEST_LEGACY;
	s->state = modern ? SESSION_READY : SESSION_NEW;
	link_session(s);
	m->n_sessions++;
	return s;
}

static void session_free(struct session *s)
{
	MUST(!s->works);
	if (s->own) {
		(void)mcp_post_cancel(s->own); /* nothing of a call is in it */
	}
	unlink_session(s);
	s->client->n_sessions--;
	buf_fini(&s->tools);
	mem_free(s);
}

static void farewell_done(void *ctx, struct client_call *call, const struct client_result *result)
{
	(void)ctx;
	(void)call;
	(void)result; /* a server that keeps the session harms itself only */
}

/* Tells the upstream that a session is over, without waiting, and forgets it. */
static void session_end(struct session *s)
{
	static const struct client_handlers on = {.done = farewell_done};
	struct http_field fields[] = {
	    {STR("Mcp-Session-Id"), str_from(s->id)},
	    {STR("MCP-Protocol-Version"), mcp_version_name(s->version)},
	};
	struct client_request request = {.method = STR("DELETE"),
					 .target = s->client->target,
					 .fields = fields,
					 .n_fields = ARRAY_LEN(fields),
					 .timeout_ms = s->client->upstream->timeout_ms};
	struct client_call *call;

	if (s->id[0]) {
		/* It is a courtesy: without memory there is none. */
		(void)client_call(s->client->http, &request, &on, NULL, &call, NULL);
	}
	session_free(s);
}

/* After the last word about a call: a dead session goes with it. */
static void session_settle(struct session *s)
{
	if (s->state == SESSION_DEAD && !s->works) {
		session_free(s);
	}
}

/* What waits for the session is not sent; what is on its way ends by itself. */
static void session_fail(struct session *s, const char *why)
{
	struct desk *desk = s->client->desk;

	s->state = SESSION_DEAD;
	for (struct work *w = s->works; w;) {
		struct work *next = w->next;

		if (!w->post) {
			struct desk_call *c = w->call;

			work_unlink(w);
			if (w->was_refused) {
				desk_recalled(desk, c, str_from(why));
			} else {
				desk_done(desk, c, OUTCOME_NOT_SENT, STR(""), str_from(why));
			}
			mem_free(w);
		}
		w = next;
	}
	if (s->is_listing) {
		s->is_listing = false;
		desk_definitions(desk, s->client->upstream->name, false, STR(""), str_from(why));
	}
	session_settle(s);
}

/* Room for one more; the one idle longest goes. */
static bool make_room(struct mcp_client *m)
{
	struct session *oldest = NULL;

	if (m->n_sessions < MCP_SESSIONS_MAX) {
		return true;
	}
	for (struct session *s = m->sessions; s; s = s->next) {
		if (!s->works && !s->own) {
			oldest = s;
		}
	}
	if (!oldest) {
		return false;
	}
	session_end(oldest);
	return true;
}

static struct session *find_session(struct mcp_client *m, struct str task, struct str agent)
{
	for (struct session *s = m->sessions; s; s = s->next) {
		if (s->state != SESSION_DEAD && !s->is_listing && str_eq(str_from(s->task), task) &&
		    str_eq(str_from(s->agent), agent)) {
			unlink_session(s);
			link_session(s);
			return s;
		}
	}
	return NULL;
}

/* ---- posting ---- */

/* Whose credential the session's own requests carry: that of the call that founds it. */
static struct str session_secret(const struct session *s)
{
	return s->works ? desk_secret(s->client->desk, s->works->call) : STR("");
}

static enum rc post(struct session *s, const char *method, const struct buf *body, uint64_t id,
		    const struct desk_call *c, const struct mcp_post_handlers *on, void *ctx,
		    struct mcp_post **ret, struct err *e)
{
	struct mcp_client *m = s->client;
	AUTO_ARENA_SECRET arena = ARENA_INIT(MCP_FIELDS_ARENA_BYTES);
	struct mcp_fields fields;
	struct mcp_request_line line = {
	    .version = s->state == SESSION_NEW ? MCP_VERSION_NONE : s->version,
	    .session_id = str_from(s->id),
	    .method = str_from(method),
	    .call = c,
	    .secret = c ? desk_secret(m->desk, c) : session_secret(s),
	};
	struct mcp_post_spec spec = {.client = m->http,
				     .target = m->target,
				     .body = buf_view(body),
				     .id = id,
				     .send_by_boot_ns = c ? c->send_by_boot_ns : 0,
				     .timeout_ms = m->upstream->timeout_ms};

	TRY(mcp_fields_of(&line, &arena, &fields, e));
	spec.fields = fields.f;
	spec.n_fields = fields.n;
	return mcp_post_start(&spec, on, ctx, ret, e);
}

static void answer_taken(void *ctx, struct mcp_post *p, const struct mcp_post_result *r)
{
	(void)ctx;
	(void)p;
	(void)r; /* our refusal of a request: whether it is taken changes nothing */
}

/* The upstream asks something of us on a stream: it is told no. */
static void refuse_upstream(struct session *s, struct str raw_id, struct str method)
{
	static const struct mcp_post_handlers on = {.done = answer_taken};
	AUTO_BUF body = BUF_INIT(4096);
	struct mcp_post *p;

	if (mcp_answer_upstream(&body, raw_id, method, NULL) == RC_OK) {
		/* A courtesy, too: it may as well time out. */
		(void)post(s, "", &body, 0, NULL, &on, NULL, &p, NULL);
	}
}

/* ---- making a session ---- */

static void session_ready(struct session *s)
{
	struct err e = ERR_INIT;

	s->state = SESSION_READY;
	if (s->is_listing) {
		if (list_page(s, STR(""), &e) != RC_OK) {
			session_fail(s, e.msg);
		}
		return;
	}
	for (struct work *w = s->works; w;) {
		struct work *next = w->next;

		if (!w->post) {
			send_call(w);
		}
		w = next;
	}
}

static void initialized_done(void *ctx, struct mcp_post *p, const struct mcp_post_result *r)
{
	struct session *s = ctx;

	(void)p;
	s->own = NULL;
	if (r->fate != CLIENT_ANSWERED || r->status >= 300) {
		session_fail(s, "the upstream does not take notifications/initialized");
		return;
	}
	session_ready(s);
}

static enum rc tell_initialized(struct session *s, struct err *e)
{
	static const struct mcp_post_handlers on = {.done = initialized_done};
	AUTO_BUF body = BUF_INIT(1024);

	TRY(mcp_tell_initialized(&body, e));
	return post(s, "notifications/initialized", &body, 0, NULL, &on, s, &s->own, e);
}

/* SPEC mcp-2025-11-25 transports: "visible ASCII characters (ranging from 0x21 to 0x7E)" */
static bool take_session_id(struct session *s, struct str id)
{
	if (id.n > SESSION_ID_BYTES) {
		return false;
	}
	for (size_t i = 0; i < id.n; i++) {
		if (id.p[i] < 0x21 || id.p[i] > 0x7e) {
			return false;
		}
		s->id[i] = id.p[i];
	}
	s->id[id.n] = '\0';
	return true;
}

static enum rc greeted(struct session *s, const struct mcp_post_result *r, struct err *e)
{
	if (r->fate != CLIENT_ANSWERED) {
		FAIL(e, RC_IO, "the upstream cannot be reached: %s", r->detail);
	}
	if (r->status != 200 || !r->answer || r->answer->kind != MCP_HEARD_RESULT) {
		FAIL(e, RC_INPUT, "the upstream refuses to initialize (HTTP %u)", r->status);
	}
	TRY(mcp_read_initialized(r->answer->result, &s->version, e));
	if (!take_session_id(s, r->session_id)) {
		FAIL(e, RC_INPUT, "the upstream's session id cannot be used");
	}
	s->state = SESSION_GREETED;
	return tell_initialized(s, e);
}

static void initialize_done(void *ctx, struct mcp_post *p, const struct mcp_post_result *r)
{
	struct session *s = ctx;
	struct err e = ERR_INIT;

	(void)p;
	s->own = NULL;
	if (greeted(s, r, &e) != RC_OK) {
		session_fail(s, e.msg);
	}
}

static enum rc initialize(struct session *s, struct err *e)
{
	static const struct mcp_post_handlers on = {.done = initialize_done};
	AUTO_BUF body = BUF_INIT(4096);
	uint64_t id = ++s->client->last_id;

	TRY(mcp_ask_initialize(&body, id, MCP_LATEST_LEGACY, e));
	return post(s, "initialize", &body, id, NULL, &on, s, &s->own, e);
}

/* ---- calls ---- */

static void finish(struct work *w, enum outcome_kind kind, struct str result, const char *detail)
{
	struct session *s = w->session;
	struct desk_call *c = w->call;

	work_unlink(w);
	mem_free(w);
	desk_done(s->client->desk, c, kind, result, str_from(detail));
	session_settle(s);
}

static void finish_text(struct work *w, struct str text, const char *detail)
{
	AUTO_BUF result = BUF_INIT(2 * LIMIT_RESULT_BYTES);

	if (mcp_text_result(&result, text, true, NULL) != RC_OK) {
		finish(w, OUTCOME_UNKNOWN, STR(""), "no memory for the answer");
		return;
	}
	finish(w, OUTCOME_TOOL_ERROR, buf_view(&result), detail);
}

static void finish_answer(struct work *w, const struct mcp_heard_message *m)
{
	AUTO_BUF result = BUF_INIT(2 * LIMIT_RESULT_BYTES);
	struct err e = ERR_INIT;
	bool is_error;

	if (m->kind == MCP_HEARD_ERROR) {
		finish_text(w, m->text, "a JSON-RPC error");
	} else if (mcp_clean_result(m->result, &result, &is_error, &e) != RC_OK) {
		finish(w, OUTCOME_UNKNOWN, STR(""), e.msg);
	} else {
		finish(w, is_error ? OUTCOME_TOOL_ERROR : OUTCOME_OK, buf_view(&result), "");
	}
}

/* Did the upstream refuse the request because it does not know the session? Some answer 400. */
static bool is_session_lost(const struct session *s, const struct mcp_post_result *r)
{
	if (s->id[0] == '\0' || r->fate != CLIENT_ANSWERED) {
		return false;
	}
	return r->status == 404 || (r->status == 400 && (str_contains(r->body, STR("session")) ||
							 str_contains(r->body, STR("Session"))));
}

/* Invariant (2): a new session, and the call once more in it. */
static void start_over(struct work *w)
{
	struct session *old = w->session;
	struct mcp_client *m = old->client;
	struct desk_call *c = w->call;
	struct session *s;
	struct err e = ERR_INIT;
	struct work *again;
	bool is_new;

	work_unlink(w);
	mem_free(w);
	old->state = SESSION_DEAD;
	s = find_session(m, c->task, c->agent); /* another call may have been here before */
	is_new = !s;
	if (!s && make_room(m)) {
		s = session_new(m, c->task, c->agent);
	}
	session_settle(old);
	again = s ? work_new(s, c) : NULL;
	if (!again) {
		desk_recalled(m->desk, c, STR("no room for another session"));
		return;
	}
	again->was_refused = true;
	if (s->state == SESSION_READY) {
		send_call(again);
	} else if (is_new && initialize(s, &e) != RC_OK) {
		session_fail(s, e.msg);
	}
}

static void call_done(void *ctx, struct mcp_post *p, const struct mcp_post_result *r)
{
	struct work *w = ctx;
	struct session *s = w->session;
	AUTO_BUF text = BUF_INIT(256);

	(void)p;
	w->post = NULL;
	if (r->fate == CLIENT_NOT_SENT) {
		struct desk_call *c = w->call;

		work_unlink(w);
		mem_free(w);
		desk_recalled(s->client->desk, c, str_from(r->detail));
		session_settle(s);
	} else if (r->fate == CLIENT_UNKNOWN) {
		finish(w, OUTCOME_UNKNOWN, STR(""), r->detail);
	} else if (is_session_lost(s, r) && !w->was_refused) {
		start_over(w);
	} else if (r->answer) {
		finish_answer(w, r->answer);
	} else if (r->status >= 300 && r->status < 500 &&
		   buf_addf(&text, "the upstream refused the call with HTTP status %u",
			    r->status) == RC_OK) {
		finish_text(w, buf_view(&text), "refused by HTTP status");
	} else {
		finish(w, OUTCOME_UNKNOWN, STR(""),
		       r->status >= 500 ? "the upstream answered with an HTTP status of 500 or more"
					: r->detail);
	}
}

static void call_asked(void *ctx, struct mcp_post *p, struct str raw_id, struct str method)
{
	const struct work *w = ctx;

	(void)p;
	refuse_upstream(w->session, raw_id, method);
}

/* Invariant (1). A call that cannot go is done here. */
static void send_call(struct work *w)
{
	static const struct mcp_post_handlers on = {.done = call_done, .asked = call_asked};
	struct session *s = w->session;
	struct mcp_client *m = s->client;
	struct desk_call *c = w->call;
	struct mcp_call_out out = {.tool = c->tool,
				   .args = c->args,
				   .call = c->call,
				   .trace = c->trace,
				   .trace_state = c->trace_state};
	AUTO_BUF body = BUF_INIT(BODY_BYTES);
	struct err why = ERR_INIT;
	uint64_t id = ++m->last_id;

	if (!w->was_refused && !desk_commit(m->desk, c)) {
		work_unlink(w);
		mem_free(w);
		desk_done(m->desk, c, OUTCOME_NOT_SENT, STR(""), STR("send-by passed"));
		return;
	}
	if (mcp_ask_call(&body, id, s->version, &out, &why) != RC_OK ||
	    post(s, "tools/call", &body, id, c, &on, w, &w->post, &why) != RC_OK) {
		work_unlink(w);
		mem_free(w);
		desk_recalled(m->desk, c, str_from(why.msg));
	}
}

void mcp_client_start(struct mcp_client *m, struct desk_call *c)
{
	struct session *s = find_session(m, c->task, c->agent);
	struct err e = ERR_INIT;
	bool is_new = !s;
	struct work *w;

	if (!s && make_room(m)) {
		s = session_new(m, c->task, c->agent);
	}
	w = s ? work_new(s, c) : NULL;
	if (!w) {
		desk_done(m->desk, c, OUTCOME_NOT_SENT, STR(""),
			  STR("no room for another session"));
		return;
	}
	if (s->state == SESSION_READY) {
		send_call(w);
	} else if (is_new && initialize(s, &e) != RC_OK) {
		session_fail(s, e.msg);
	}
}

void mcp_client_drop(struct mcp_client *m, struct desk_call *c)
{
	struct work *w = c->carried;

	(void)m;
	MUST(!w->post);
	work_unlink(w);
	mem_free(w); /* its session goes on: the next call will find it */
}

bool mcp_client_recall(struct mcp_client *m, struct desk_call *c)
{
	struct work *w = c->carried;
	struct session *s = w->session;

	(void)m;
	if (w->post && mcp_post_is_sent(w->post)) {
		return false;
	}
	if (w->post) {
		MUST(mcp_post_cancel(w->post) == CLIENT_NOT_SENT);
	}
	work_unlink(w);
	mem_free(w);
	session_settle(s);
	return true;
}

void mcp_client_fence(struct mcp_client *m, enum fence_scope scope, struct str name)
{
	for (struct session *s = m->sessions; s;) {
		struct session *next = s->next;

		if (!s->works && s->state != SESSION_DEAD && !s->is_listing &&
		    fence_covers(scope, name, str_from(s->agent), str_from(s->task),
				 m->upstream->name, STR(""))) {
			session_end(s);
		}
		s = next;
	}
}

/* ---- definitions ---- */

/* RC_ABSENT: the list is whole. */
static enum rc take_page(struct session *s, const struct mcp_post_result *r, struct err *e)
{
	struct str cursor;

	if (r->fate != CLIENT_ANSWERED || !r->answer || r->answer->kind != MCP_HEARD_RESULT) {
		FAIL(e, RC_IO, "the upstream does not list its tools: %s", r->detail);
	}
	TRY(mcp_read_tools(r->answer->result, &s->tools, &cursor, e));
	if (cursor.n == 0) {
		TRY(buf_add_char(&s->tools, ']'));
		return RC_ABSENT;
	}
	if (++s->pages >= MCP_PAGES_MAX) {
		FAIL(e, RC_LIMIT, "the list of tools has too many pages");
	}
	return list_page(s, cursor, e);
}

static void page_done(void *ctx, struct mcp_post *p, const struct mcp_post_result *r)
{
	struct session *s = ctx;
	struct mcp_client *m = s->client;
	struct err e = ERR_INIT;
	enum rc rc;

	(void)p;
	s->own = NULL;
	rc = take_page(s, r, &e);
	if (rc == RC_ABSENT) {
		desk_definitions(m->desk, m->upstream->name, true, buf_view(&s->tools), STR(""));
		session_end(s);
	} else if (rc != RC_OK) {
		session_fail(s, e.msg[0] ? e.msg : "the list of tools is too large");
	}
}

static enum rc list_page(struct session *s, struct str cursor, struct err *e)
{
	static const struct mcp_post_handlers on = {.done = page_done};
	AUTO_BUF body = BUF_INIT(BODY_BYTES);
	uint64_t id = ++s->client->last_id;

	TRY(mcp_ask_tools(&body, id, s->version, cursor, e));
	return post(s, "tools/list", &body, id, NULL, &on, s, &s->own, e);
}

void mcp_client_list(struct mcp_client *m)
{
	struct session *s = make_room(m) ? session_new(m, STR(""), STR("")) : NULL;
	struct err e = ERR_INIT;

	if (!s) {
		desk_definitions(m->desk, m->upstream->name, false, STR(""),
				 STR("no room for another session"));
		return;
	}
	s->is_listing = true;
	if (buf_add_char(&s->tools, '[') != RC_OK) {
		session_fail(s, "out of memory");
	} else if (s->state == SESSION_READY) {
		session_ready(s);
	} else if (initialize(s, &e) != RC_OK) {
		session_fail(s, e.msg);
	}
}

/* ---- life ---- */

enum rc mcp_client_new(struct loop *l, struct desk *desk, const struct upstream *u,
		       struct str target, const struct client_conf *conf, struct mcp_client **ret,
		       struct err *e)
{
	struct mcp_client *m = mem_calloc(1, sizeof(*m));
	enum rc rc;

	if (!m) {
		FAIL(e, RC_NOMEM, "no memory for an upstream");
	}
	m->loop = l;
	m->desk = desk;
	m->upstream = u;
	m->target = target;
	rc = client_new(l, conf, &m->http, e);
	if (rc != RC_OK) {
		mem_free(m);
		return rc;
	}
	*ret = m;
	return RC_OK;
}

void mcp_client_free(struct mcp_client *m)
{
	if (!m) {
		return;
	}
	while (m->sessions) {
		struct session *s = m->sessions;

		while (s->works) {
			struct work *w = s->works;

			if (w->post) {
				(void)mcp_post_cancel(w->post); /* the role ends */
			}
			work_unlink(w);
			mem_free(w);
		}
		session_free(s);
	}
	client_free(m->http);
	mem_free(m);
}
