/* SPDX-License-Identifier: Apache-2.0 */
/* front/exchange.c - wait for answers, then answer.
 *
 * Holds:  (1) every HTTP request is answered, streamed to its end, or aborted, exactly once.
 *         (2) a part is answered at most once; an answer to a number that nobody waits for is
 *             dropped.
 */
#include "front/exchange.h"

#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/sse.h"

enum {
	SESSION_BYTES = 16,
	STRINGS_BYTES = 16 * 1024, /* agent, ids and tokens of a full batch */
	REPLIES_BYTES = 2 * LIMIT_RESULT_BYTES + 64 * 1024,
	FIRST_PROGRESS_MS = 1000, /* most calls are answered before anybody wonders */
};

#define JSON_TYPE   STR("application/json")
#define STREAM_TYPE STR("text/event-stream")

struct exchange {
	struct exchanges *all;
	struct exchange *prev;
	struct exchange *next;
	struct http_request *http;
	enum mcp_era era;
	bool is_batch;
	bool is_stream;
	bool is_sealed;
	struct arena arena;
	struct str agent;
	struct str session;
	uint64_t progress;
	struct loop_timer tick;
	struct part parts[MCP_BATCH_MAX];
	size_t n_parts;
	size_t n_open;
	struct buf replies; /* messages, separated by commas */
};

struct exchanges {
	struct loop *loop;
	size_t max;
	uint32_t progress_ms;
	struct exchange *first;
	size_t n;
	struct map open; /* req, 8 bytes -> part */
	uint64_t last_req;
};

/* The key of the map: the number's own bytes. */
static struct str key_of(const uint64_t *req)
{
	return str_of(req, sizeof(*req));
}

enum rc exchanges_new(struct loop *l, size_t max, uint32_t progress_ms, uint64_t generation,
		      struct exchanges **ret)
{
	struct exchanges *xs = mem_calloc(1, sizeof(*xs));

	if (!xs) {
		return RC_NOMEM;
	}
	xs->loop = l;
	xs->max = max;
	xs->progress_ms = progress_ms;
	xs->last_req = generation << 32;
	*ret = xs;
	return RC_OK;
}

static void close_part(struct part *p)
{
	if (p->is_open) {
		p->is_open = false;
		p->of->n_open--;
		(void)map_remove(&p->of->all->open, key_of(&p->req)); /* it is p */
	}
}

static void exchange_free(struct exchange *x)
{
	struct exchanges *xs = x->all;

	for (size_t i = 0; i < x->n_parts; i++) {
		close_part(&x->parts[i]);
	}
	loop_timer_clear(xs->loop, &x->tick);
	if (x->prev) {
		x->prev->next = x->next;
	} else {
		xs->first = x->next;
	}
	if (x->next) {
		x->next->prev = x->prev;
	}
	xs->n--;
	buf_fini(&x->replies);
	arena_fini(&x->arena);
	mem_free(x);
}

void exchanges_free(struct exchanges *xs)
{
	if (!xs) {
		return;
	}
	while (xs->first) {
		struct exchange *x = xs->first;

		http_request_abort(x->http);
		exchange_free(x);
	}
	map_fini(&xs->open);
	mem_free(xs);
}

size_t exchanges_count(const struct exchanges *xs)
{
	return xs->n;
}

/* ---- progress ---- */

static enum rc send_event(struct exchange *x, struct str message)
{
	AUTO_BUF b = BUF_INIT(REPLIES_BYTES);
	struct sse_event event = {.event = STR("message"), .data = message};

	TRY(sse_write(&b, &event));
	return http_stream_send(x->http, buf_view(&b));
}

static enum rc start_stream(struct exchange *x)
{
	static const struct http_field fields[] = {
	    {{"Cache-Control", 13}, {"no-store", 8}},
	    {{"X-Accel-Buffering", 17}, {"no", 2}},
	};

	if (x->is_stream) {
		return RC_OK;
	}
	TRY(http_stream_start(x->http, 200, STREAM_TYPE, fields, ARRAY_LEN(fields), NULL));
	x->is_stream = true;
	return RC_OK;
}

static enum rc send_progress(struct exchange *x)
{
	TRY(start_stream(x));
	x->progress++;
	for (size_t i = 0; i < x->n_parts; i++) {
		const struct part *p = &x->parts[i];
		AUTO_BUF b = BUF_INIT(2048);

		if (p->is_open && p->progress_token.n > 0) {
			TRY(mcp_notify_progress(&b, p->progress_token, x->progress,
						STR("waiting for a decision or for the tool"),
						NULL));
			TRY(send_event(x, buf_view(&b)));
		}
	}
	return loop_timer_in(x->all->loop, &x->tick, x->all->progress_ms);
}

static void on_tick(struct loop_timer *t)
{
	struct exchange *x = t->ctx;

	if (send_progress(x) != RC_OK) {
		/* A client that reads nothing, or no memory: the answer would fare no better, and
		 * is kept by the governor for the same call again. */
		http_request_abort(x->http);
		exchange_free(x);
	}
}

/* ---- building ---- */

struct exchange *exchange_begin(struct exchanges *xs, const struct exchange_conf *conf)
{
	struct exchange *x = xs->n < xs->max ? mem_calloc(1, sizeof(*x)) : NULL;

	if (!x) {
		return NULL;
	}
	x->all = xs;
	x->http = conf->http;
	x->era = conf->era;
	x->is_batch = conf->is_batch;
	x->arena = (struct arena)ARENA_INIT(STRINGS_BYTES);
	x->agent = arena_str(&x->arena, conf->agent);
	x->session = arena_str(&x->arena, conf->session);
	x->replies = (struct buf)BUF_INIT(REPLIES_BYTES);
	x->tick = (struct loop_timer){.fire = on_tick, .ctx = x};
	if (!x->agent.p || !x->session.p) {
		arena_fini(&x->arena);
		mem_free(x);
		return NULL;
	}
	x->next = xs->first;
	if (xs->first) {
		xs->first->prev = x;
	}
	xs->first = x;
	xs->n++;
	http_request_set_data(conf->http, x);
	return x;
}

struct part *exchange_wait(struct exchange *x, const struct mcp_request *r)
{
	struct exchanges *xs = x->all;
	struct part *p = &x->parts[x->n_parts];

	if (x->n_parts == MCP_BATCH_MAX) {
		return NULL;
	}
	*p = (struct part){
	    .of = x,
	    .req = ++xs->last_req,
	    .id = arena_str(&x->arena, r->id),
	    .progress_token = arena_str(&x->arena, r->progress_token),
	    .is_call = r->method == MCP_TOOLS_CALL,
	};
	if (!p->id.p || !p->progress_token.p || map_put(&xs->open, key_of(&p->req), p) != RC_OK) {
		return NULL;
	}
	p->is_open = true;
	x->n_parts++;
	x->n_open++;
	return p;
}

bool part_set_task(struct part *p, struct str task)
{
	p->task = arena_str(&p->of->arena, task);
	return p->task.p != NULL;
}

struct str part_agent(const struct part *p)
{
	return p->of->agent;
}

enum rc exchange_say(struct exchange *x, struct str message)
{
	if (x->replies.n > 0) {
		TRY(buf_add_char(&x->replies, ','));
	}
	return buf_add(&x->replies, message);
}

void exchange_discard(struct exchange *x)
{
	http_request_set_data(x->http, NULL);
	exchange_free(x);
}

enum mcp_era exchange_era(const struct exchange *x)
{
	return x->era;
}

/* ---- answering ---- */

/* Invariant (1). */
static void finish(struct exchange *x)
{
	AUTO_BUF all = BUF_INIT(REPLIES_BYTES + 2);

	if (x->is_stream) {
		http_stream_end(x->http);
	} else if (x->replies.n == 0) {
		http_answer(x->http, 202, STR(""), STR("")); /* cancelled, or nothing to say */
	} else if (!x->is_batch) {
		http_answer(x->http, 200, JSON_TYPE, buf_view(&x->replies));
	} else if (buf_add_char(&all, '[') != RC_OK ||
		   buf_add(&all, buf_view(&x->replies)) != RC_OK ||
		   buf_add_char(&all, ']') != RC_OK) {
		http_request_abort(x->http);
	} else {
		http_answer(x->http, 200, JSON_TYPE, buf_view(&all));
	}
	exchange_free(x);
}

void exchange_sealed(struct exchange *x)
{
	bool wants_progress = false;

	x->is_sealed = true;
	if (x->n_open == 0) {
		finish(x);
		return;
	}
	for (size_t i = 0; i < x->n_parts; i++) {
		wants_progress = wants_progress || x->parts[i].progress_token.n > 0;
	}
	if (wants_progress && !x->is_batch) {
		/* Without the timer the client hears of no progress, and loses nothing else. */
		(void)loop_timer_in(x->all->loop, &x->tick, FIRST_PROGRESS_MS);
	}
}

struct part *exchanges_find(struct exchanges *xs, uint64_t req)
{
	return map_get(&xs->open, key_of(&req));
}

struct part *exchanges_find_id(struct exchanges *xs, struct str agent, struct str session,
			       struct str id)
{
	for (struct exchange *x = xs->first; x; x = x->next) {
		if (!str_eq(x->agent, agent) || !str_eq(x->session, session)) {
			continue;
		}
		for (size_t i = 0; i < x->n_parts; i++) {
			if (x->parts[i].is_open && str_eq(x->parts[i].id, id)) {
				return &x->parts[i];
			}
		}
	}
	return NULL;
}

struct part *exchanges_any(struct exchanges *xs)
{
	size_t i = 0;
	const struct map_entry *entry = map_next(&xs->open, &i);

	return entry ? entry->value : NULL;
}

void part_answer(struct part *p, struct str message)
{
	struct exchange *x = p->of;
	enum rc rc = RC_OK;

	close_part(p);
	if (message.n > 0) {
		rc = x->is_stream ? send_event(x, message) : exchange_say(x, message);
	}
	if (rc != RC_OK && x->is_sealed) {
		/* What cannot be said whole is not said: the client sees the connection end. */
		log_warn("an answer of %zu bytes could not be queued", message.n);
		http_request_abort(x->http);
		exchange_free(x);
	} else if (x->is_sealed && x->n_open == 0) {
		finish(x);
	}
}

static void leave(struct exchange *x, void (*left)(void *ctx, const struct part *p), void *ctx)
{
	for (size_t i = 0; i < x->n_parts; i++) {
		if (x->parts[i].is_open) {
			left(ctx, &x->parts[i]);
		}
	}
	exchange_free(x);
}

void exchange_gone(struct exchanges *xs, struct http_request *http,
		   void (*left)(void *ctx, const struct part *p), void *ctx)
{
	struct exchange *x = http_request_data(http);

	(void)xs;
	if (x) {
		leave(x, left, ctx);
	}
}

void exchanges_cut(struct exchanges *xs, struct str agent,
		   void (*left)(void *ctx, const struct part *p), void *ctx)
{
	for (struct exchange *x = xs->first; x;) {
		struct exchange *next = x->next;

		if (agent.n == 0 || str_eq(x->agent, agent)) {
			http_request_abort(x->http);
			leave(x, left, ctx);
		}
		x = next;
	}
}
