/* SPDX-License-Identifier: Apache-2.0 */
/* governor/notes.c - what an agent claims, beside what Remit knows (remit___note).
 *
 * Trust: a claim is an agent's words: sealed, labelled, shown to people as such. It is no fact that
 *        anything is decided by: nothing but the views reads it.
 * Holds: (1) whoever reads a claim reads beside it what the catalog and the log say: of each change
 * of the task whether it stands, was verified, and what undoes it.
 */
#include "governor/gov.h"

#include "base/limits.h"
#include "base/log.h"

static void write_way_back(const struct governor *g, const struct call *c, const struct tool *t,
			   struct json_out *w)
{
	const struct term *m = state_term(g->state, c->term);

	if (t && t->inverse.tool.n) {
		json_out_key_str(w, "registered_inverse", t->inverse.tool);
	} else if (t && t->inverse_not_needed) {
		json_out_key_str(w, "registered_inverse", STR("none needed"));
	} else {
		json_out_key_str(w, "registered_inverse", STR("none"));
	}
	if (m) {
		view_id(w, "term", 'm', m->ix);
		json_out_key_str(w, "term_state", term_state_name(m->state));
	}
}

/* (1) */
static void write_known(const struct governor *g, const struct task *t, struct json_out *w)
{
	const struct call *c;
	uint64_t from = t->ix;

	json_out_key(w, STR("known"));
	json_out_object(w);
	json_out_key(w, STR("changes"));
	json_out_array(w);
	for (; (c = state_next_call(g->state, from)); from = c->ix + 1) {
		if (c->task != t->ix || c->effect == EFFECT_READ ||
		    !str_eq(c->purpose, STR("agent"))) {
			continue;
		}
		json_out_object(w);
		view_id(w, "call", 'c', c->ix);
		json_out_key_str(w, "tool", c->tool);
		json_out_key_str(w, "outcome", c->outcome.n ? c->outcome : STR("under way"));
		json_out_key_bool(w, "verified", c->is_verified && c->verified_holds);
		write_way_back(g, c, bundle_tool(g->bundle, c->tool), w);
		json_out_close(w);
	}
	json_out_close(w);
	json_out_key(w, STR("inverses"));
	json_out_array(w);
	for (size_t i = 0; i < t->tools.n; i++) {
		const struct tool *tool = bundle_tool(g->bundle, t->tools.p[i]);

		if (tool && tool->effect != EFFECT_READ) {
			json_out_object(w);
			json_out_key_str(w, "tool", tool->public_name);
			json_out_key_str(w, "registered_inverse",
					 tool->inverse.tool.n	    ? tool->inverse.tool
					 : tool->inverse_not_needed ? STR("none needed")
								    : STR("none"));
			json_out_close(w);
		}
	}
	json_out_close(w);
	json_out_close(w);
}

static enum rc record_note(struct governor *g, const struct request *r, struct str text,
			   uint64_t about, uint64_t *ret, struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_NOTE_RECORDED,
	    .note_recorded = {.task = r->task, .agent = r->agent, .about = about},
	};
	struct book_value values[] = {{.bytes = text, .commit = &l.note_recorded.text, .slot = 0}};

	return book_record(g->book, &l, gov_key_of(g, r->task), values, 1, ret, e);
}

void notes_take(struct governor *g, struct request *r)
{
	const struct task *t = state_task(g->state, r->task);
	const struct json *about_text = json_get(r->args, STR("about"));
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES / 2);
	struct json_out w = json_out_to(&out);
	struct err e = ERR_INIT;
	struct str text;
	struct str word;
	uint64_t about = 0;
	uint64_t ix;

	if (!t || !str_eq(t->agent, r->agent)) {
		reply_refusal(g, r, REASON_TASK_UNKNOWN, STR_NULL, 0);
		return;
	}
	if (t->state != TASK_RUNNING && t->state != TASK_SUSPENDED) {
		reply_refusal(g, r, REASON_TASK_ENDED, STR_NULL, 0);
		return;
	}
	if (!json_str(json_get(r->args, STR("text")), &text) || text.n == 0 ||
	    text.n > LIMIT_TEXT_BYTES ||
	    (about_text &&
	     (!json_str(about_text, &word) || !id_parse(word, 'c', &about) ||
	      !state_call(g->state, about) || state_call(g->state, about)->task != t->ix)) ||
	    r->args->count != 1 + (about_text != NULL)) {
		reply_refusal(g, r, REASON_ARG_SCHEMA,
			      STR("'text' must be 1 to 4096 bytes, 'about' a call of this task"),
			      0);
		return;
	}
	if (t->n_notes >= TASK_NOTES) {
		reply_refusal(g, r, REASON_LIMIT, STR("the task has said enough"), 0);
		return;
	}
	if (record_note(g, r, text, about, &ix, &e) != RC_OK) {
		log_err("a note could not be recorded: %s", e.msg);
		reply_refusal(g, r, REASON_AUDIT_UNAVAILABLE, STR_NULL, 0);
		return;
	}
	json_out_object(&w);
	json_out_key_u64(&w, "leaf", ix);
	json_out_key_str(&w, "label", reason_code(REASON_UNTRUSTED_CLAIM));
	json_out_key_str(&w, "means", reason_text(REASON_UNTRUSTED_CLAIM));
	write_known(g, state_task(g->state, r->task), &w);
	json_out_close(&w);
	if (json_out_end(&w, NULL) != RC_OK) {
		reply_refusal(g, r, REASON_LIMIT, STR_NULL, 0);
		return;
	}
	reply_own_as(g, r, REASON_UNTRUSTED_CLAIM, buf_view(&out));
}

void view_notes(struct governor *g, const struct task *t, struct json_out *w)
{
	json_out_object(w);
	json_out_key_str(w, "label", reason_code(REASON_UNTRUSTED_CLAIM));
	json_out_key_str(w, "means", reason_text(REASON_UNTRUSTED_CLAIM));
	json_out_key(w, STR("claims"));
	json_out_array(w);
	for (size_t i = 0; i < t->n_notes; i++) {
		struct str text;

		json_out_object(w);
		json_out_key_u64(w, "leaf", t->notes[i].ix);
		view_id(w, "about", 'c', t->notes[i].about);
		view_time(w, "at", t->notes[i].unix_ms);
		if (book_value_of(g->book, t->notes[i].ix, 0, &g->round, &text, NULL) == RC_OK) {
			json_out_key_str(w, "text", text);
		} else {
			json_out_key_bool(w, "erased", true);
		}
		json_out_close(w);
	}
	json_out_close(w);
	write_known(g, t, w);
	json_out_close(w);
}
