/* SPDX-License-Identifier: Apache-2.0 */
/* governor/replies.c - what an agent reads.
 *
 * Every answer that Remit makes itself is a tool result with isError and text, so that a model can
 * read it and an output schema does not apply; what machines need stands in _meta under io.remit/.
 * Holds: (1) a request is answered at most once: answering frees it.
 */
#include "governor/gov.h"

#include "base/limits.h"
#include "base/log.h"

static void send_result(struct governor *g, struct request *r, struct str result)
{
	struct message m = {
	    .kind = MESSAGE_CALL_REPLY,
	    .call_reply = {.req = r->req, .result = result},
	};

	if (r->person.n) {
		people_reply(g, r->req, 200, result);
	} else if (channel_send(g->agents, &m) != RC_OK) {
		log_warn("cannot answer a front: it is gone or too slow");
	}
	request_free(g, r);
}

void reply_rpc_error(struct governor *g, uint64_t req, uint32_t code, const char *text)
{
	struct message m = {
	    .kind = MESSAGE_CALL_REPLY,
	    .call_reply = {.req = req, .rpc_code = code, .result = str_from(text)},
	};

	if (channel_send(g->agents, &m) != RC_OK) {
		log_warn("cannot answer a front: it is gone or too slow");
	}
}

/* {"content":[{"type":"text","text":...}],"isError":...,"_meta":{ -- left open for the caller. */
static void open_result(struct json_out *w, bool is_error, struct str text)
{
	json_out_object(w);
	json_out_key(w, STR("content"));
	json_out_array(w);
	json_out_object(w);
	json_out_key_str(w, "type", STR("text"));
	json_out_key_str(w, "text", text);
	json_out_close(w);
	json_out_close(w);
	json_out_key_bool(w, "isError", is_error);
	json_out_key(w, STR("_meta"));
	json_out_object(w);
}

/* Where the call's decision stands in the log, and the hash by which any receipt of it can be
 * checked that somebody hands out later. */
static void write_call_meta(struct json_out *w, const struct request *r, uint64_t call)
{
	AUTO_BUF hash = BUF_INIT(2 * TLOG_HASH_BYTES);
	char id[24];

	if (!call) {
		return;
	}
	json_out_key(w, STR("io.remit/call"));
	json_out_object(w);
	json_out_key_str(w, "id", id_text('c', call, id));
	json_out_key_u64(w, "leaf", call);
	if (r->leaf == call && buf_add_hex(&hash, r->leaf_hash.bytes, TLOG_HASH_BYTES) == RC_OK) {
		json_out_key_str(w, "hash", buf_view(&hash));
	}
	json_out_close(w);
}

static void finish(struct governor *g, struct request *r, struct json_out *w)
{
	struct err e = ERR_INIT;

	json_out_close(w); /* _meta */
	json_out_close(w);
	if (json_out_end(w, &e) != RC_OK) {
		uint64_t req = r->req;

		bool is_persons = r->person.n > 0;

		log_err("an answer could not be written: %s", e.msg);
		request_free(g, r);
		if (is_persons) {
			people_reply_err(g, req, &e);
			return;
		}
		reply_rpc_error(g, req, 32603, "the answer is too long");
		return;
	}
	send_result(g, r, buf_view(w->b));
}

void reply_refusal(struct governor *g, struct request *r, enum reason reason, struct str detail,
		   uint64_t call)
{
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);
	struct str text;

	if (reason == REASON_TOOL_UNKNOWN && !r->person.n) {
		uint64_t req = r->req;

		request_free(g, r);
		reply_rpc_error(g, req, 32602, "unknown tool");
		return;
	}
	text = arena_strf(
	    &g->round, "Denied (%.*s): " STR_FMT "%s" STR_FMT ".%s", STR_ARG(reason_code(reason)),
	    STR_ARG(reason_text(reason)), detail.n ? ": " : "", STR_ARG(detail),
	    reason == REASON_OUTCOME_UNKNOWN
		? " It was sent; do not send it again. Remit verifies it by reading back."
		: "");
	open_result(&w, true, text);
	write_call_meta(&w, r, call);
	json_out_key(&w, STR("io.remit/decision"));
	json_out_object(&w);
	json_out_key_str(&w, "verdict",
			 reason == REASON_OUTCOME_UNKNOWN ? STR("allow") : STR("deny"));
	json_out_key_str(&w, "reason", reason_code(reason));
	if (detail.n) {
		json_out_key_str(&w, "detail", detail);
	}
	json_out_close(&w);
	finish(g, r, &w);
}

void reply_pending(struct governor *g, struct request *r, const struct approval *a)
{
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);
	char id[24];
	char until[25];

	clock_format_unix_ms(a->decide_by_unix_ms, until);
	open_result(
	    &w, true,
	    arena_strf(&g->round,
		       "Pending: a person must approve this call (approval %.*s, until %s). "
		       "Call the same tool again with the same arguments; not before 2 "
		       "seconds have passed. Do not try another way.",
		       STR_ARG(id_text('a', a->ix, id)), until));
	json_out_key(&w, STR("io.remit/approval"));
	json_out_object(&w);
	json_out_key_str(&w, "id", id_text('a', a->ix, id));
	json_out_key_str(&w, "state", STR("pending"));
	view_time(&w, "decide_by", a->decide_by_unix_ms);
	json_out_key_u64(&w, "retry_after_ms", 2000);
	json_out_close(&w);
	finish(g, r, &w);
}

void reply_own(struct governor *g, struct request *r, bool is_error, struct str json)
{
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);

	open_result(&w, is_error, json);
	finish(g, r, &w);
}

void reply_own_as(struct governor *g, struct request *r, enum reason reason, struct str json)
{
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);

	open_result(&w, false, json);
	json_out_key(&w, STR("io.remit/decision"));
	json_out_object(&w);
	json_out_key_str(&w, "verdict", verdict_name(VERDICT_ALLOW));
	json_out_key_str(&w, "reason", reason_code(reason));
	json_out_close(&w);
	finish(g, r, &w);
}

/* The upstream's object, member by member, with our entry in its _meta. */
void reply_result(struct governor *g, struct request *r, uint64_t call, struct str result)
{
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES + 4096);
	struct json_out w = json_out_to(&out);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct err e = ERR_INIT;
	const struct json *whole;
	const struct json *meta;

	if (json_parse(&g->round, result, &limits, &whole, &e) != RC_OK ||
	    json_type(whole) != JSON_OBJECT) {
		reply_refusal(g, r, REASON_OUTCOME_UNKNOWN,
			      STR("the upstream's answer is no result"), call);
		return;
	}
	meta = json_get(whole, STR("_meta"));
	json_out_object(&w);
	for (const struct json *m = whole->child; m; m = m->next) {
		if (m != meta) {
			json_out_key(&w, m->key);
			json_out_raw(&w, m->raw);
		}
	}
	json_out_key(&w, STR("_meta"));
	json_out_object(&w);
	for (const struct json *m = json_type(meta) == JSON_OBJECT ? meta->child : NULL; m;
	     m = m->next) {
		if (!str_has_prefix(m->key, STR("io.remit/"))) {
			json_out_key(&w, m->key);
			json_out_raw(&w, m->raw);
		}
	}
	write_call_meta(&w, r, call);
	finish(g, r, &w);
}
