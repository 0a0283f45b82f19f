/* SPDX-License-Identifier: Apache-2.0 */
/* front/face.c - MCP over Streamable HTTP for agents, both eras.
 *
 * Trust:  the agent is authenticated and otherwise hostile; the governor's replies are taken.
 * Holds:  (1) who asks is the connection's certificate, never anything in the request.
 *         (2) a session or task of another agent is not distinguishable from one that never was.
 *         (3) arguments reach the governor as canonical JSON, within LIMIT_ARGS_BYTES.
 */
#include "front/face.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/secret.h"
#include "codec/uri.h"
#include "front/exchange.h"

#define JSON_TYPE STR("application/json")

enum { PARSE_BYTES = 32 * 1024 * 1024, SMALL_BYTES = 16 * 1024 };

struct face {
	struct face_conf conf;
	struct loop *loop;
	struct exchanges *exchanges;
	struct mcp_ended *ended;
	struct secret *token_key; /* NULL: not there yet */
};

/* One POST while it is read. */
struct asking {
	struct face *face;
	struct http_request *http;
	const struct face_agent *agent;
	struct mcp_headers headers;
	struct str task;	    /* of the URL */
	struct mcp_session session; /* legacy */
	bool has_session;
	bool is_answered;
	struct exchange *exchange;
};

enum rc face_new(struct loop *l, const struct face_conf *conf, struct face **ret, struct err *e)
{
	struct face *f = mem_calloc(1, sizeof(*f));
	enum rc rc;

	if (!f) {
		FAIL(e, RC_NOMEM, "no memory for the face");
	}
	f->conf = *conf;
	f->loop = l;
	rc =
	    exchanges_new(l, FACE_EXCHANGES_MAX, FACE_PROGRESS_MS, conf->generation, &f->exchanges);
	if (rc == RC_OK) {
		rc = mcp_ended_new(FACE_ENDED_MAX, &f->ended);
	}
	if (rc != RC_OK) {
		face_free(f);
		FAIL(e, rc, "no memory for the face");
	}
	*ret = f;
	return RC_OK;
}

void face_free(struct face *f)
{
	if (f) {
		exchanges_free(f->exchanges);
		mcp_ended_free(f->ended);
		secret_free(f->token_key);
		mem_free(f);
	}
}

void face_set_token_key(struct face *f, struct str key)
{
	struct secret *fresh = NULL;

	if (key.n == MCP_TOKEN_KEY_BYTES && secret_of(key, &fresh, NULL) == RC_OK) {
		secret_free(f->token_key);
		f->token_key = fresh;
	}
}

size_t face_waiting(const struct face *f)
{
	return exchanges_count(f->exchanges);
}

/* ---- answers without the governor ---- */

static void answer_refusal(struct http_request *r, const struct mcp_refusal *why)
{
	AUTO_BUF b = BUF_INIT(SMALL_BYTES);

	if (mcp_reply_error(&b, why, NULL) != RC_OK) {
		http_answer_problem(r, why->http_status, STR("refused"));
		return;
	}
	http_answer(r, why->http_status, JSON_TYPE, buf_view(&b));
}

static void refuse(struct http_request *r, unsigned status, enum mcp_code code, const char *text)
{
	struct mcp_refusal why = {0};

	(void)mcp_refuse(&why, status, code, "%s", text); /* false, always */
	answer_refusal(r, &why);
}

/* The message for a request in an exchange, or, when there is none yet, the whole answer. */
static void say_refusal(struct asking *a, struct mcp_refusal *why, const struct mcp_request *r)
{
	AUTO_BUF b = BUF_INIT(SMALL_BYTES);

	why->id = r->id;
	if (!a->exchange) {
		a->is_answered = true;
		answer_refusal(a->http, why);
	} else if (mcp_reply_error(&b, why, NULL) == RC_OK) {
		/* A batch that has no room for it ends without it. */
		(void)exchange_say(a->exchange, buf_view(&b));
	}
}

static void say(struct asking *a, const struct buf *message)
{
	if (a->exchange) {
		(void)exchange_say(a->exchange, buf_view(message)); /* as above */
	} else {
		a->is_answered = true;
		http_answer(a->http, 200, JSON_TYPE, buf_view(message));
	}
}

/* ---- head ---- */

/* Fields of MCP have one value each; a second one is refused. */
static bool one_field(const struct http_head *h, const char *name, struct str *ret)
{
	size_t i = 0;
	struct str second;

	*ret = STR_NULL;
	if (!http_header_next(h, str_from(name), &i, ret)) {
		return true;
	}
	return !http_header_next(h, str_from(name), &i, &second);
}

/* Of a field that is only carried on, a second value makes it as good as absent. */
static struct str carried_field(const struct http_head *h, const char *name)
{
	struct str value;

	return one_field(h, name, &value) ? value : STR_NULL;
}

static bool read_headers(const struct http_head *h, struct mcp_headers *ret)
{
	ret->tracestate = carried_field(h, "tracestate");
	return one_field(h, "Content-Type", &ret->content_type) &&
	       one_field(h, "Accept", &ret->accept) &&
	       one_field(h, "MCP-Protocol-Version", &ret->protocol_version) &&
	       one_field(h, "Mcp-Session-Id", &ret->session_id) &&
	       one_field(h, "Mcp-Method", &ret->method) && one_field(h, "Mcp-Name", &ret->name) &&
	       one_field(h, "traceparent", &ret->traceparent) &&
	       one_field(h, "Origin", &ret->origin) && one_field(h, "Host", &ret->host);
}

/* A page in a browser must not be able to speak to us in its user's name: the Host must be one of
 * ours (against names that were rebound), and an Origin must be that host itself. */
static bool host_is_ours(const struct face *f, const struct mcp_headers *h)
{
	struct str scheme = f->conf.is_plain ? STR("http://") : STR("https://");

	if (f->conf.hosts.n > 0 && !str_list_has(&f->conf.hosts, h->host)) {
		return false;
	}
	return !h->origin.p || (str_has_prefix(h->origin, scheme) &&
				str_eq(str_slice(h->origin, scheme.n, h->origin.n), h->host));
}

static bool is_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_')) {
			return false;
		}
	}
	return s.n > 0 && s.n <= LIMIT_ID_BYTES;
}

static bool task_of_path(struct str path, struct str *ret)
{
	struct str prefix = STR("/mcp/t/");

	*ret = STR("");
	if (str_eq(path, STR("/mcp"))) {
		return true;
	}
	if (!str_has_prefix(path, prefix)) {
		return false;
	}
	*ret = str_slice(path, prefix.n, path.n);
	return is_id(*ret);
}

/* ---- legacy sessions ---- */

static uint64_t now_s(const struct face *f)
{
	return clock_unix_ms(loop_clock(f->loop)) / 1000;
}

static const uint8_t *token_key(const struct face *f)
{
	return f->token_key ? (const uint8_t *)secret_view(f->token_key).p : NULL;
}

static struct mcp_owner owner_of(const struct asking *a)
{
	return (struct mcp_owner){.agent = a->agent->id, .task = a->task};
}

/* Fills a->session, or answers. */
static bool open_session(struct asking *a)
{
	struct face *f = a->face;
	struct mcp_owner owner = owner_of(a);

	if (!a->headers.session_id.p) {
		refuse(a->http, 400, MCP_SERVER_ERROR,
		       "a session is needed: initialize first, then send Mcp-Session-Id");
		return false;
	}
	if (!f->token_key) {
		refuse(a->http, 503, MCP_SERVER_ERROR, "not ready yet: try again");
		return false;
	}
	if (mcp_session_open(token_key(f), &owner, a->headers.session_id, now_s(f), &a->session,
			     NULL) != RC_OK ||
	    mcp_ended_has(f->ended, a->session.id)) {
		refuse(a->http, 404, MCP_SESSION_NOT_FOUND, "session not found");
		return false;
	}
	a->has_session = true;
	return true;
}

static void initialize(struct asking *a, const struct mcp_request *r)
{
	struct face *f = a->face;
	AUTO_BUF token = BUF_INIT(MCP_TOKEN_MAX_BYTES);
	AUTO_BUF b = BUF_INIT(SMALL_BYTES);
	struct mcp_owner owner = owner_of(a);
	struct mcp_session s = {.version = MCP_LATEST_LEGACY,
				.expires_unix_s = now_s(f) + FACE_SESSION_S};
	struct http_field field = {.name = STR("Mcp-Session-Id")};
	enum mcp_version asked;
	struct str name;

	if (!f->token_key) {
		refuse(a->http, 503, MCP_SERVER_ERROR, "not ready yet: try again");
		return;
	}
	/* SPEC mcp lifecycle: the version asked for when we speak it, else our latest of this
	 * era. */
	if (json_str(json_get(r->params, STR("protocolVersion")), &name) &&
	    mcp_version_from_name(name, &asked) && mcp_version_era(asked) == MCP_LEGACY) {
		s.version = asked;
	}
	rand_bytes(s.id, sizeof(s.id));
	if (mcp_session_seal(token_key(f), &owner, &s, &token, NULL) != RC_OK ||
	    mcp_reply_initialize(&b, r->id, s.version, NULL) != RC_OK) {
		refuse(a->http, 503, MCP_INTERNAL_ERROR, "no session can be made now");
		return;
	}
	field.value = buf_view(&token);
	http_answer_with(a->http, 200, JSON_TYPE, &field, 1, buf_view(&b));
}

static void end_session(struct asking *a)
{
	if (open_session(a)) {
		mcp_ended_add(a->face->ended, a->session.id);
		http_answer(a->http, 204, STR(""), STR(""));
	}
}

/* ---- to the governor ---- */

/* The exchange that what is asked will wait in; one for all of a batch. */
static bool have_exchange(struct asking *a, enum mcp_era era)
{
	struct exchange_conf conf = {
	    .http = a->http,
	    .era = era,
	    .agent = a->agent->id,
	    .session = a->has_session ? str_of(a->session.id, sizeof(a->session.id)) : STR(""),
	};

	if (!a->exchange) {
		a->exchange = exchange_begin(a->face->exchanges, &conf);
	}
	return a->exchange != NULL;
}

/* The governor cannot be asked: the agent is told so in a form that a model reads. */
static void say_unavailable(struct asking *a, const struct mcp_request *r)
{
	AUTO_BUF b = BUF_INIT(SMALL_BYTES);

	if (mcp_reply_denial(&b, r->era, r->id, STR("audit_unavailable"),
			     STR("Denied (audit_unavailable): nothing can be recorded now, so "
				 "nothing may be done. Try again later."),
			     NULL) == RC_OK) {
		say(a, &b);
	}
}

/* Sends m with the part's number, or takes the part back. round: what its client waited so far. */
static void ask(struct asking *a, const struct mcp_request *r, struct message *m,
		const struct mcp_round *round, struct str task)
{
	struct part *p = have_exchange(a, r->era) ? exchange_wait(a->exchange, r) : NULL;
	AUTO_BUF b = BUF_INIT(SMALL_BYTES);

	if (!p) {
		say_unavailable(a, r);
		return;
	}
	if (round && part_set_task(p, task)) {
		memcpy(p->call_sha256, round->call_sha256, sizeof(p->call_sha256));
		p->round = round->number;
	}
	if (r->method == MCP_TOOLS_CALL) {
		m->call.req = p->req;
	} else {
		m->tools.req = p->req;
	}
	if (a->face->conf.say(a->face->conf.say_ctx, m) != RC_OK) {
		/* part_answer cannot end the exchange here: it is not sealed. */
		part_answer(p, mcp_reply_denial(&b, r->era, r->id, STR("audit_unavailable"),
						STR("Denied (audit_unavailable): try again later."),
						NULL) == RC_OK
				   ? buf_view(&b)
				   : STR(""));
	}
}

/* The task of a request: of the URL, or of the modern _meta; never two different ones. */
static bool task_of(struct asking *a, const struct mcp_request *r, struct str *ret)
{
	*ret = a->task.n > 0 ? a->task : r->task;
	return r->task.n == 0 || a->task.n == 0 || str_eq(r->task, a->task);
}

static uint32_t hold_ms(const struct face *f, struct str agent)
{
	const struct agent *a = f->conf.bundle ? bundle_agent(f->conf.bundle, agent) : NULL;

	return a ? a->hold_ms : FACE_HOLD_MS;
}

static void ask_tools(struct asking *a, const struct mcp_request *r, struct str task)
{
	struct message m = {.kind = MESSAGE_TOOLS};
	struct mcp_refusal why = {0};

	if (json_get(r->params, STR("cursor"))) {
		(void)mcp_refuse(&why, 200, MCP_INVALID_PARAMS,
				 "the list has one page: no cursor "
				 "was given out");
		say_refusal(a, &why, r);
		return;
	}
	m.tools = (struct msg_tools){
	    .agent = a->agent->id, .key_sha256 = a->agent->key_sha256, .task = task};
	ask(a, r, &m, NULL, task);
}

/* The round a call is in; false when its requestState is none of ours for this very call. */
static bool read_round(const struct asking *a, const struct mcp_request *r, struct str task,
		       struct str args, struct mcp_round *ret)
{
	struct mcp_owner owner = {.agent = a->agent->id, .task = task};
	struct mcp_round got;
	AUTO_BUF call = BUF_INIT(LIMIT_ARGS_BYTES + LIMIT_ID_BYTES + 1);

	*ret = (struct mcp_round){0};
	if (buf_add(&call, r->tool) != RC_OK || buf_add_char(&call, '\0') != RC_OK ||
	    buf_add(&call, args) != RC_OK) {
		return false;
	}
	(void)SHA256((const uint8_t *)call.p, call.n, ret->call_sha256); /* returns its target */
	if (r->request_state.n == 0) {
		return true;
	}
	if (!a->face->token_key ||
	    mcp_round_open(token_key(a->face), &owner, r->request_state, now_s(a->face), &got,
			   NULL) != RC_OK ||
	    memcmp(got.call_sha256, ret->call_sha256, sizeof(got.call_sha256)) != 0) {
		return false;
	}
	ret->number = got.number;
	return true;
}

/* Invariant (3). */
static void ask_call(struct asking *a, const struct mcp_request *r, struct str task)
{
	struct message m = {.kind = MESSAGE_CALL};
	struct mcp_refusal why = {0};
	AUTO_BUF args = BUF_INIT(LIMIT_ARGS_BYTES);
	struct err e = ERR_INIT;
	struct mcp_round round;
	enum rc rc = r->args ? json_canonical(&args, r->args, &e) : buf_add(&args, STR("{}"));

	if (rc != RC_OK) {
		(void)mcp_refuse(&why, 200, MCP_INVALID_PARAMS, "%s",
				 rc == RC_LIMIT ? "the arguments are larger than the limit"
						: e.msg);
		say_refusal(a, &why, r);
		return;
	}
	if (!read_round(a, r, task, buf_view(&args), &round)) {
		(void)mcp_refuse(&why, 400, MCP_INVALID_PARAMS,
				 "requestState does not belong to this call");
		say_refusal(a, &why, r);
		return;
	}
	m.call = (struct msg_call){
	    .agent = a->agent->id,
	    .key_sha256 = a->agent->key_sha256,
	    .task = task,
	    .tool = r->tool,
	    .args = buf_view(&args),
	    .hold_ms = hold_ms(a->face, a->agent->id),
	    .trace = r->trace,
	    .trace_state = r->trace_state,
	    .source = str_from(http_request_peer(a->http)->text),
	    .approval = r->approval,
	};
	ask(a, r, &m, r->era == MCP_MODERN ? &round : NULL, task);
}

/* ---- methods ---- */

static void withdraw(void *ctx, const struct part *p)
{
	struct face *f = ctx;
	struct message m = {.kind = MESSAGE_WITHDRAW};

	if (p->is_call) {
		m.withdraw.req = p->req;
		/* A governor that cannot hear it answers to nobody: harmless. */
		(void)f->conf.say(f->conf.say_ctx, &m);
	}
}

static void cancelled(struct asking *a, const struct mcp_request *r)
{
	const struct json *id = json_get(r->params, STR("requestId"));
	struct part *p;

	if (!id || !a->has_session) {
		return;
	}
	p = exchanges_find_id(a->face->exchanges, a->agent->id,
			      str_of(a->session.id, sizeof(a->session.id)), id->raw);
	if (p) {
		withdraw(a->face, p);
		part_answer(p, STR(""));
	}
}

static bool is_level(const struct json *params)
{
	static const char *const levels[] = {"debug", "info",	  "notice", "warning",
					     "error", "critical", "alert",  "emergency"};
	struct str level;

	if (!json_str(json_get(params, STR("level")), &level)) {
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (str_eq(level, str_from(levels[i]))) {
			return true;
		}
	}
	return false;
}

static void say_empty(struct asking *a, const struct mcp_request *r)
{
	AUTO_BUF b = BUF_INIT(SMALL_BYTES);

	if (mcp_reply_empty(&b, r->era, r->id, NULL) == RC_OK) {
		say(a, &b);
	}
}

/* A request, not a notification: says its answer or begins to wait for it. */
static void serve_request(struct asking *a, const struct mcp_request *r)
{
	AUTO_BUF b = BUF_INIT(SMALL_BYTES);
	struct mcp_refusal why = {0};
	struct str task;

	if (!task_of(a, r, &task)) {
		(void)mcp_refuse(&why, 400, MCP_INVALID_PARAMS,
				 "the task of the URL and of _meta differ");
		say_refusal(a, &why, r);
		return;
	}
	switch (r->method) {
	case MCP_TOOLS_CALL:
		ask_call(a, r, task);
		return;
	case MCP_TOOLS_LIST:
		ask_tools(a, r, task);
		return;
	case MCP_DISCOVER:
		if (mcp_reply_discover(&b, r->id, NULL) == RC_OK) {
			say(a, &b);
		}
		return;
	case MCP_PING:
		say_empty(a, r);
		return;
	case MCP_SET_LEVEL:
		if (is_level(r->params)) {
			say_empty(a, r); /* we send no log messages: any level is kept */
			return;
		}
		(void)mcp_refuse(&why, 200, MCP_INVALID_PARAMS, "unknown log level");
		break;
	case MCP_INITIALIZE: /* served before */
	case MCP_INITIALIZED:
	case MCP_CANCELLED:
	case MCP_RESPONSE: /* no requests */
	case MCP_OTHER:
		(void)mcp_refuse(&why, r->era == MCP_MODERN ? 404 : 200, MCP_METHOD_NOT_FOUND,
				 "method not found");
		break;
	}
	say_refusal(a, &why, r);
}

static void serve_message(struct asking *a, const struct mcp_request *r)
{
	if (r->method == MCP_CANCELLED) {
		cancelled(a, r);
	}
	if (!r->is_notification && r->method != MCP_RESPONSE) {
		serve_request(a, r);
	}
}

/* ---- POST ---- */

static void serve_single(struct asking *a, const struct json *body)
{
	struct mcp_request r;
	struct mcp_refusal why;
	bool wants_answer;

	if (!mcp_read_request(body, &a->headers, false, &r, &why)) {
		answer_refusal(a->http, &why);
		return;
	}
	if (r.era == MCP_LEGACY && r.method == MCP_INITIALIZE) {
		initialize(a, &r);
		return;
	}
	if (r.era == MCP_LEGACY && !open_session(a)) {
		return;
	}
	wants_answer = !r.is_notification && r.method != MCP_RESPONSE;
	serve_message(a, &r);
	if (a->exchange) {
		exchange_sealed(a->exchange);
	} else if (!a->is_answered) {
		/* 503: there was no memory for the answer. */
		http_answer(a->http, wants_answer ? 503 : 202, STR(""), STR(""));
	}
}

/* SPEC mcp-2025-03-26 transports: a batch; only in a session of that version. */
static void serve_batch(struct asking *a, const struct json *body)
{
	struct mcp_request r;
	struct mcp_refusal why;
	struct exchange_conf conf = {.http = a->http, .era = MCP_LEGACY, .is_batch = true};

	if (!open_session(a)) {
		return;
	}
	if (a->session.version != MCP_2025_03_26 || body->count == 0 ||
	    body->count > MCP_BATCH_MAX) {
		refuse(a->http, 400, MCP_INVALID_REQUEST,
		       "a batch is for sessions of 2025-03-26, of 1 to 16 messages");
		return;
	}
	for (const struct json *m = body->child; m; m = m->next) {
		/* All are read before any is served: a batch is taken whole or not at all. */
		if (!mcp_read_request(m, &a->headers, true, &r, &why)) {
			answer_refusal(a->http, &why);
			return;
		}
	}
	conf.agent = a->agent->id;
	conf.session = str_of(a->session.id, sizeof(a->session.id));
	a->exchange = exchange_begin(a->face->exchanges, &conf);
	if (!a->exchange) {
		refuse(a->http, 503, MCP_SERVER_ERROR, "too many requests are waiting");
		return;
	}
	for (const struct json *m = body->child; m; m = m->next) {
		if (mcp_read_request(m, &a->headers, true, &r, &why)) {
			serve_message(a, &r);
		}
	}
	exchange_sealed(a->exchange);
}

static void serve_post(struct asking *a)
{
	AUTO_ARENA arena = ARENA_INIT(PARSE_BYTES);
	struct mcp_refusal why = {0};
	const struct json *body;

	if (!mcp_check_post_head(&a->headers, &why) ||
	    !mcp_parse_body(&arena, http_request_body(a->http), &body, &why)) {
		answer_refusal(a->http, &why);
	} else if (json_type(body) == JSON_ARRAY) {
		serve_batch(a, body);
	} else {
		serve_single(a, body);
	}
}

void face_request(struct face *f, struct http_request *r, const struct face_agent *agent)
{
	static const struct http_field allow = {{"Allow", 5}, {"POST, DELETE", 12}};
	const struct http_head *h = http_request_head(r);
	struct asking a = {.face = f, .http = r, .agent = agent};

	http_request_set_data(r, NULL);
	if (!read_headers(h, &a.headers)) {
		refuse(r, 400, MCP_HEADER_MISMATCH, "a field that has one value was repeated");
	} else if (!host_is_ours(f, &a.headers)) {
		refuse(r, 403, MCP_SERVER_ERROR, "this host or origin is not allowed");
	} else if (!task_of_path(h->path, &a.task)) {
		http_answer_problem(r, 404, STR("agents speak MCP at /mcp and /mcp/t/<task>"));
	} else if (str_eq(h->method, STR("POST"))) {
		serve_post(&a);
	} else if (str_eq(h->method, STR("DELETE"))) {
		end_session(&a);
	} else {
		/* No stream of our own is offered: nothing is ever sent that was not asked for. */
		http_answer_with(r, 405, STR(""), &allow, 1, STR(""));
	}
}

/* ---- the governor's answers, and ends ---- */

static void gone(void *ctx, const struct part *p)
{
	/* SPEC mcp-2025-11-25 transports: "disconnection SHOULD NOT be interpreted as the client
	 * cancelling its request"; mcp-2026-07-28: closing the stream is cancelling it. */
	if (exchange_era(p->of) == MCP_MODERN) {
		withdraw(ctx, p);
	}
}

void face_gone(struct face *f, struct http_request *r)
{
	exchange_gone(f->exchanges, r, gone, f);
}

void face_cut(struct face *f, struct str agent)
{
	exchanges_cut(f->exchanges, agent, withdraw, f);
}

static void answer_error(struct part *p, uint32_t rpc_code, struct str text)
{
	struct mcp_refusal why = {.id = p->id};
	AUTO_BUF b = BUF_INIT(SMALL_BYTES);

	(void)mcp_refuse(&why, 200, (enum mcp_code)(-(int)rpc_code), STR_FMT, STR_ARG(text));
	part_answer(p, mcp_reply_error(&b, &why, NULL) == RC_OK ? buf_view(&b) : STR(""));
}

/* Does this result say that a person has still to decide? */
static bool is_pending(struct arena *arena, struct str result)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j;
	struct str state;

	if (!str_contains(result, STR("io.remit/approval")) ||
	    json_parse(arena, result, &limits, &j, NULL) != RC_OK) {
		return false;
	}
	return json_str(json_pointer(j, STR("/_meta/io.remit~1approval/state")), &state) &&
	       str_eq(state, STR("pending"));
}

/* SPEC mcp-2026-07-28 "input required": a result with nothing but requestState makes the client
 * send the same call again by itself. False: it is to be told that the call is pending. */
static bool answer_wait(struct face *f, struct part *p)
{
	struct mcp_owner owner = {.agent = part_agent(p), .task = p->task};
	struct mcp_round round = {.number = (uint8_t)(p->round + 1),
				  .expires_unix_s = now_s(f) + FACE_ROUND_S};
	AUTO_BUF state = BUF_INIT(MCP_TOKEN_MAX_BYTES);
	AUTO_BUF b = BUF_INIT(SMALL_BYTES);

	memcpy(round.call_sha256, p->call_sha256, sizeof(round.call_sha256));
	if (!f->token_key || !p->task.p || p->round >= FACE_ROUNDS ||
	    mcp_round_seal(token_key(f), &owner, &round, &state, NULL) != RC_OK ||
	    mcp_reply_wait(&b, p->id, buf_view(&state), NULL) != RC_OK) {
		return false;
	}
	part_answer(p, buf_view(&b));
	return true;
}

static void hear_call(struct face *f, struct part *p, const struct msg_call_reply *m)
{
	AUTO_ARENA arena = ARENA_INIT(PARSE_BYTES);
	AUTO_BUF b = BUF_INIT(2 * LIMIT_RESULT_BYTES);
	struct err e = ERR_INIT;

	if (m->rpc_code == 0 && exchange_era(p->of) == MCP_MODERN &&
	    is_pending(&arena, m->result) && answer_wait(f, p)) {
		return;
	}
	if (m->rpc_code != 0) {
		answer_error(p, m->rpc_code, m->result);
	} else if (mcp_reply_call(&b, &arena, exchange_era(p->of), p->id, m->result, &e) != RC_OK) {
		answer_error(p, 32603, STR("the result could not be passed on"));
	} else {
		part_answer(p, buf_view(&b));
	}
}

static void hear_tools(struct part *p, const struct msg_tools_reply *m)
{
	AUTO_BUF b = BUF_INIT(LIMIT_RESULT_BYTES + SMALL_BYTES);

	if (m->rpc_code != 0) {
		answer_error(p, m->rpc_code, m->tools);
	} else if (mcp_reply_tools(&b, exchange_era(p->of), p->id, m->tools, NULL) != RC_OK) {
		answer_error(p, 32603, STR("the list of tools could not be passed on"));
	} else {
		part_answer(p, buf_view(&b));
	}
}

/* A governor that ended may have admitted a call before, and one that is silent may yet. Whether it
 * did is known to the next one, or to it, not here; "denied" could be a lie. */
static void answer_unknown(struct part *p, const char *what)
{
	AUTO_BUF b = BUF_INIT(SMALL_BYTES);
	AUTO_BUF text = BUF_INIT(SMALL_BYTES);

	if (!p->is_call) {
		answer_error(p, 32000, STR("the governor does not answer: ask again"));
		return;
	}
	part_answer(p,
		    buf_addf(&text,
			     "Unknown (outcome_unknown): the governor %s while it had this call. "
			     "Whether it was made is not known here. Look before you call it "
			     "again.",
			     what) == RC_OK &&
			    mcp_reply_denial(&b, exchange_era(p->of), p->id, STR("outcome_unknown"),
					     buf_view(&text), NULL) == RC_OK
			? buf_view(&b)
			: STR(""));
}

void face_governor_lost(struct face *f)
{
	struct part *p;

	while ((p = exchanges_any(f->exchanges))) {
		answer_unknown(p, "ended");
	}
}

void face_governor_silent(struct face *f)
{
	struct part *p;

	while ((p = exchanges_any(f->exchanges))) {
		withdraw(f, p); /* when it answers again, to nobody */
		answer_unknown(p, "fell silent");
	}
}

bool face_hear(struct face *f, const struct message *m)
{
	struct part *p;

	if (m->kind == MESSAGE_CALL_REPLY) {
		p = exchanges_find(f->exchanges, m->call_reply.req);
		if (p && p->is_call) {
			hear_call(f, p, &m->call_reply);
		}
		return true;
	}
	if (m->kind == MESSAGE_TOOLS_REPLY) {
		p = exchanges_find(f->exchanges, m->tools_reply.req);
		if (p && !p->is_call) {
			hear_tools(p, &m->tools_reply);
		}
		return true;
	}
	return false;
}
