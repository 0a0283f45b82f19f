/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/mcp_post.c - post one message, find its answer in a body or a stream.
 *
 * Trust:  the upstream is hostile: what is no JSON-RPC is no answer.
 * Holds:  done is called once, and never after a cancel.
 */
#include "upstream/mcp_post.h"

#include "base/limits.h"
#include "base/mem.h"

enum { FIELDS_MAX = 16, ARENA_BYTES = 64 * 1024 * 1024 };

struct mcp_post {
	struct mcp_post_handlers handlers;
	void *ctx;
	struct client_call *call;
	uint64_t id;
	bool is_answered; /* done was called: the rest of the stream is only waited for */
};

static void post_done(struct mcp_post *p, const struct mcp_post_result *r)
{
	if (!p->is_answered) {
		p->handlers.done(p->ctx, p, r);
	}
	mem_free(p);
}

/* Is this message the answer? */
static bool answers(const struct mcp_post *p, const struct mcp_heard_message *m)
{
	return p->id != 0 && m->id == p->id &&
	       (m->kind == MCP_HEARD_RESULT || m->kind == MCP_HEARD_ERROR);
}

static void on_event(void *ctx, struct client_call *call, const struct sse_event *event)
{
	struct mcp_post *p = ctx;
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	struct mcp_heard_message m;

	if (p->is_answered || event->data.n == 0 ||
	    mcp_read_heard(&arena, event->data, &m, NULL) != RC_OK) {
		return; /* a priming event, or noise */
	}
	if (m.kind == MCP_HEARD_REQUEST && p->handlers.asked) {
		p->handlers.asked(p->ctx, p, m.raw_id, m.method);
	} else if (answers(p, &m)) {
		const struct http_head *head = client_call_head(call);
		struct mcp_post_result r = {
		    .fate = CLIENT_ANSWERED, .status = head->status, .answer = &m, .detail = ""};

		r.session_id = http_header_get(head, STR("Mcp-Session-Id"));
		/* What the stream still says is nothing to us, but its end makes the connection
		 * free for the next call. */
		p->is_answered = true;
		p->handlers.done(p->ctx, p, &r);
	}
}

static void on_done(void *ctx, struct client_call *call, const struct client_result *result)
{
	struct mcp_post *p = ctx;
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	struct mcp_heard_message m;
	struct mcp_post_result r = {.fate = result->fate,
				    .session_id = STR(""),
				    .body = result->body,
				    .detail = result->detail ? result->detail : ""};

	(void)call;
	if (result->fate == CLIENT_ANSWERED) {
		struct str session = http_header_get(result->head, STR("Mcp-Session-Id"));

		r.status = result->head->status;
		if (session.p) {
			r.session_id = session;
		}
		if (result->was_stream) {
			r.detail = "the stream ended without an answer";
		} else if (mcp_read_heard(&arena, result->body, &m, NULL) == RC_OK &&
			   answers(p, &m)) {
			r.answer = &m;
		} else {
			r.detail = "no JSON-RPC answer";
		}
	}
	post_done(p, &r);
}

enum rc mcp_post_start(const struct mcp_post_spec *spec, const struct mcp_post_handlers *handlers,
		       void *ctx, struct mcp_post **ret, struct err *e)
{
	static const struct client_handlers on = {.event = on_event, .done = on_done};
	struct http_field fields[FIELDS_MAX + 2] = {
	    {STR("Content-Type"), STR("application/json")},
	    {STR("Accept"), STR("application/json, text/event-stream")},
	};
	struct client_request request = {
	    .target = spec->target,
	    .fields = fields,
	    .n_fields = 2 + spec->n_fields,
	    .body = spec->body,
	    .send_by_boot_ns = spec->send_by_boot_ns,
	    .timeout_ms = spec->timeout_ms,
	};
	struct mcp_post *p;
	enum rc rc;

	MUST(spec->n_fields <= FIELDS_MAX);
	for (size_t i = 0; i < spec->n_fields; i++) {
		fields[2 + i] = spec->fields[i];
	}
	p = mem_calloc(1, sizeof(*p));
	if (!p) {
		FAIL(e, RC_NOMEM, "no memory for a request to an upstream");
	}
	p->handlers = *handlers;
	p->ctx = ctx;
	p->id = spec->id;
	rc = client_call(spec->client, &request, &on, p, &p->call, e);
	if (rc != RC_OK) {
		mem_free(p);
		return rc;
	}
	*ret = p;
	return RC_OK;
}

enum client_fate mcp_post_cancel(struct mcp_post *p)
{
	enum client_fate fate = client_cancel(p->call);

	mem_free(p);
	return fate;
}

bool mcp_post_is_sent(const struct mcp_post *p)
{
	return client_call_is_sent(p->call);
}
