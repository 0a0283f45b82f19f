/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_evidence.c - evidence: what people see of it, and what they may do with it.
 *
 * Holds: (1) custodians alone read, export, shorten, destroy, release and waive; everybody may see
 *            that it is there, lengthen nothing, and place a legal hold.
 *        (2) what needs two persons is said twice: the second saying, by another person, does it.
 *        (3) who owns the agent, or answers for the task, is no second person for a waiver.
 */
#include "base/limits.h"
#include "base/num.h"
#include "core/evidence.h"
#include "core/target.h"
#include "governor/custody.h"
#include "governor/evidence_desk.h"
#include "governor/people.h"

enum {
	LIST_MAX = 1000,      /* items in one answer, newest first */
	CHAIN_MAX = 1000,     /* events in one answer, newest first */
	SECOND_S = 24 * 3600, /* how long a second person has for retention */
	WAIVER_S = 900,	      /* how long a waiver lives, proposal included, by default */
};

static const uint64_t KEEP_MAX_S = (uint64_t)100 * 366 * 86400;

/* ---- views ---- */

static void view_digest(struct json_out *w, const char *name, const struct digest *d)
{
	AUTO_BUF hex = BUF_INIT(64);

	if (buf_add_hex(&hex, d->bytes, sizeof(d->bytes)) == RC_OK) {
		json_out_key_str(w, name, buf_view(&hex));
	}
}

static void view_holds_on(const struct governor *g, const struct evidence *ev, struct json_out *w)
{
	json_out_key(w, STR("holds"));
	json_out_array(w);
	for (const struct hold *h = state_next_hold(g->state, 0); h;
	     h = state_next_hold(g->state, h->ix + 1)) {
		if (hold_covers(h, ev)) {
			json_out_str(w, h->name);
		}
	}
	json_out_close(w);
}

/* Leaves the object open. */
static void view_evidence_fields(const struct governor *g, const struct evidence *ev,
				 struct json_out *w)
{
	json_out_object(w);
	view_id(w, "id", 'e', ev->ix);
	json_out_key_str(w, "state", evidence_state_name(ev->state));
	json_out_key_str(w, "kind", ev->kind);
	view_list(w, "targets", &ev->targets);
	view_id(w, "incident", 'i', ev->incident);
	view_id(w, "task", 't', ev->task);
	view_id(w, "call", 'c', ev->call);
	json_out_key_u64(w, "size", ev->size);
	view_digest(w, "object", &ev->object);
	json_out_key_str(w, "mode", ev->is_compliance ? STR("compliance") : STR("governance"));
	view_time(w, "captured", ev->captured_unix_ms);
	view_time(w, "keep_until", ev->keep_until_unix_ms);
	view_time(w, "checked", ev->checked_unix_ms);
	view_holds_on(g, ev, w);
	json_out_key_u64(w, "events", ev->nth);
	json_out_key_u64(w, "last_leaf", ev->last);
	if (ev->proposal.ix) {
		json_out_key(w, STR("proposed"));
		json_out_object(w);
		json_out_key_str(w, "what",
				 ev->proposal.destroys ? STR("destroy") : STR("shorten"));
		json_out_key_str(w, "by", ev->proposal.by);
		if (!ev->proposal.destroys) {
			view_time(w, "keep_until", ev->proposal.keep_until_unix_ms);
		}
		view_time(w, "not_after", ev->proposal.not_after_unix_ms);
		json_out_close(w);
	}
}

/* One event of an item's custody. */
static void view_event(uint64_t ix, const struct leaf *l, struct json_out *w)
{
	const struct leaf_evidence_custody *c = &l->evidence_custody;

	json_out_object(w);
	json_out_key_u64(w, "leaf", ix);
	view_time(w, "time", l->t);
	json_out_key_str(w, "event",
			 l->kind == LEAF_EVIDENCE_CUSTODY
			     ? c->event
			     : str_slice(leaf_kind_name(l->kind), sizeof("evidence"), 64));
	switch ((int)l->kind) {
	case LEAF_EVIDENCE_CUSTODY:
		json_out_key_str(w, "by", c->by);
		if (c->hold) {
			view_id(w, "hold", 'h', c->hold);
		}
		if (c->detail.n) {
			json_out_key_str(w, "detail", c->detail);
		}
		break;
	case LEAF_EVIDENCE_PROPOSED:
		json_out_key_str(w, "by", l->evidence_proposed.by);
		json_out_key_str(w, "detail", l->evidence_proposed.what);
		break;
	case LEAF_EVIDENCE_KEEP:
		json_out_key_str(w, "by", l->evidence_keep.by);
		view_time(w, "keep_until", l->evidence_keep.keep_until);
		break;
	case LEAF_EVIDENCE_DESTROYED:
		json_out_key_str(w, "by", l->evidence_destroyed.by);
		json_out_key_str(w, "detail", l->evidence_destroyed.authority);
		break;
	case LEAF_EVIDENCE_KEY_GONE:
		json_out_key_u64(w, "key", l->evidence_key_gone.key);
		json_out_key_str(w, "detail", l->evidence_key_gone.read_back);
		break;
	default:
		break;
	}
	json_out_close(w);
}

static uint64_t prior_of(const struct leaf *l)
{
	switch ((int)l->kind) {
	case LEAF_EVIDENCE_CUSTODY:
		return l->evidence_custody.prior;
	case LEAF_EVIDENCE_PROPOSED:
		return l->evidence_proposed.prior;
	case LEAF_EVIDENCE_KEEP:
		return l->evidence_keep.prior;
	case LEAF_EVIDENCE_DESTROYED:
		return l->evidence_destroyed.prior;
	case LEAF_EVIDENCE_KEY_GONE:
		return l->evidence_key_gone.prior;
	default:
		return 0;
	}
}

static enum rc item_of(const struct asked *a, const struct evidence **ret, struct err *e)
{
	uint64_t ix;

	TRY(people_id(a, 'e', &ix, e));
	*ret = state_evidence(a->g->state, ix);
	if (!*ret) {
		FAIL(e, RC_ABSENT, "no evidence 'e%llu'", (unsigned long long)ix);
	}
	return RC_OK;
}

/* ---- seeing ---- */

enum rc evidence_list(struct asked *a, struct json_out *w, struct err *e)
{
	const struct state *s = a->g->state;
	struct str incident = people_text(a, "incident");
	VEC(uint64_t) all = {0};
	uint64_t only = 0;
	enum rc rc = RC_OK;

	if (incident.n && !id_parse(incident, 'i', &only)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no id of an incident", STR_ARG(incident));
	}
	for (const struct evidence *ev = state_next_evidence(s, 0); ev && rc == RC_OK;
	     ev = state_next_evidence(s, ev->ix + 1)) {
		rc = !only || ev->incident == only ? vec_push(&all, ev->ix) : RC_OK;
	}
	json_out_object(w);
	json_out_key(w, STR("evidence"));
	json_out_array(w);
	for (size_t i = 0; i < all.n && i < LIST_MAX; i++) {
		view_evidence_fields(a->g, state_evidence(s, all.p[all.n - 1 - i]), w);
		json_out_close(w);
	}
	json_out_close(w);
	json_out_key_u64(w, "not_shown", all.n > LIST_MAX ? all.n - LIST_MAX : 0);
	json_out_close(w);
	vec_fini(&all);
	if (rc != RC_OK) {
		FAIL(e, rc, "no memory for a list");
	}
	return RC_OK;
}

/* An item with its custody, newest event first. */
enum rc evidence_show(struct asked *a, struct json_out *w, struct err *e)
{
	const struct evidence *ev;
	uint64_t ix;
	size_t n = 0;

	TRY(item_of(a, &ev, e));
	ix = ev->last;
	view_evidence_fields(a->g, ev, w);
	json_out_key(w, STR("custody"));
	json_out_array(w);
	if (book_has_pending(a->g->book)) {
		TRY(book_commit(a->g->book, e));
	}
	for (; ix && n < CHAIN_MAX; n++) {
		struct leaf l;

		TRY(book_leaf_of(a->g->book, ix, &a->g->round, &l, e));
		view_event(ix, &l, w);
		ix = prior_of(&l);
	}
	json_out_close(w);
	json_out_key_u64(w, "not_shown", ix ? ev->nth - n : 0);
	json_out_close(w);
	return RC_OK;
}

enum rc evidence_holds(struct asked *a, struct json_out *w, struct err *e)
{
	(void)e; /* a list cannot fail but by its length */
	json_out_object(w);
	json_out_key(w, STR("holds"));
	json_out_array(w);
	for (const struct hold *h = state_next_hold(a->g->state, 0); h;
	     h = state_next_hold(a->g->state, h->ix + 1)) {
		json_out_object(w);
		view_id(w, "id", 'h', h->ix);
		json_out_key_str(w, "name", h->name);
		json_out_key_str(w, "on", h->subject);
		json_out_key_str(w, "by", h->by);
		view_time(w, "placed", h->placed_unix_ms);
		json_out_close(w);
	}
	json_out_close(w);
	json_out_close(w);
	return RC_OK;
}

/* ---- doing ---- */

/* (1). False when the refusal was sent. */
static bool is_custodian(struct asked *a)
{
	if (evidence_is_custodian(a->g->bundle, a->person)) {
		return true;
	}
	people_reply_reason(a->g, a->req, REASON_APPROVER_AUTH,
			    arena_strf(&a->g->round, "this is for members of group '" STR_FMT "'",
				       STR_ARG(a->g->bundle->custodians)));
	return false;
}

static bool is_there(const struct evidence *ev)
{
	return ev->state == EVIDENCE_KEPT || ev->state == EVIDENCE_DAMAGED;
}

static enum rc need_there(const struct asked *a, const struct evidence **ret, struct err *e)
{
	TRY(item_of(a, ret, e));
	if (!is_there(*ret)) {
		FAIL(e, RC_ABSENT, "e%llu is " STR_FMT, (unsigned long long)(*ret)->ix,
		     STR_ARG(evidence_state_name((*ret)->state)));
	}
	return RC_OK;
}

void people_answer_checked(struct governor *g, uint64_t people, uint64_t evidence, bool holds,
			   struct str why)
{
	AUTO_BUF out = BUF_INIT(4096);
	struct json_out w = json_out_to(&out);

	json_out_object(&w);
	view_id(&w, "evidence", 'e', evidence);
	json_out_key_bool(&w, "holds", holds);
	if (why.n) {
		json_out_key_str(&w, "detail", why);
	}
	json_out_close(&w);
	people_reply(g, people, 200,
		     json_out_end(&w, NULL) == RC_OK ? buf_view(&out) : STR("{\"holds\":false}"));
}

enum rc evidence_verify(struct asked *a, struct err *e)
{
	const struct evidence *ev;

	TRY(need_there(a, &ev, e));
	return custody_check(a->g, a->req, ev->ix, a->person->name, e);
}

enum rc evidence_read(struct asked *a, struct err *e)
{
	const struct evidence *ev;
	const struct json *piece = json_get(a->body, STR("piece"));
	struct str purpose = people_text(a, "purpose");
	uint64_t chunk = 0;

	if (!is_custodian(a)) {
		return RC_OK;
	}
	TRY(need_there(a, &ev, e));
	if (piece && (!json_u64(piece, &chunk) || chunk > LIMIT_OBJECT_BYTES)) {
		FAIL(e, RC_INPUT, "'piece' must be a number");
	}
	if (chunk == 0 && (purpose.n == 0 || purpose.n > LIMIT_TEXT_BYTES)) {
		FAIL(e, RC_INPUT, "'purpose' must say what it is read for, in at most %d bytes",
		     LIMIT_TEXT_BYTES);
	}
	return custody_read(a->g, a->req, ev->ix, a->person->name, chunk, purpose, e);
}

/* A bag was made: the digest of its manifest, and for whom. */
enum rc evidence_exported(struct asked *a, struct err *e)
{
	const struct evidence *ev;
	struct str to = people_text(a, "to");
	struct leaf l = {
	    .kind = LEAF_EVIDENCE_CUSTODY,
	    .evidence_custody = {.event = STR("exported"), .by = a->person->name, .detail = to},
	};

	if (!is_custodian(a)) {
		return RC_OK;
	}
	TRY(need_there(a, &ev, e));
	if (to.n > 256 ||
	    !num_hex(people_text(a, "manifest"), l.evidence_custody.manifest.bytes, 32)) {
		FAIL(e, RC_INPUT, "'manifest' must be a SHA-256 and 'to' at most 256 bytes");
	}
	if (!evidence_record(a->g, ev->ix, &l)) {
		FAIL(e, RC_BROKEN, "it cannot be recorded");
	}
	people_answer_id(a, "evidence", 'e', ev->ix, STR("exported"));
	return RC_OK;
}

/* ---- retention ---- */

static enum rc propose(struct asked *a, const struct evidence *ev, bool destroys, uint64_t until,
		       struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_EVIDENCE_PROPOSED,
	    .evidence_proposed = {.what = destroys ? STR("destroy") : STR("shorten"),
				  .keep_until = until,
				  .not_after = gov_now_ms(a->g) + (uint64_t)SECOND_S * 1000,
				  .by = a->person->name},
	};

	if (!evidence_record(a->g, ev->ix, &l)) {
		FAIL(e, RC_BROKEN, "it cannot be recorded");
	}
	people_answer_id(a, "evidence", 'e', ev->ix,
			 STR("proposed: another custodian must say the same"));
	return RC_OK;
}

/* (2): has another person proposed this? */
static bool is_second(const struct asked *a, const struct evidence *ev, bool destroys)
{
	const struct evidence_proposal *p = &ev->proposal;

	return p->ix && p->destroys == destroys && !str_eq(p->by, a->person->name) &&
	       gov_now_ms(a->g) < p->not_after_unix_ms;
}

/* `keep_s`: for so long from its capture. */
enum rc evidence_keep(struct asked *a, struct err *e)
{
	struct leaf l = {.kind = LEAF_EVIDENCE_KEEP, .evidence_keep = {.by = a->person->name}};
	const struct evidence *ev;
	enum reason reason;
	uint64_t keep_s;
	uint64_t until;

	if (!is_custodian(a)) {
		return RC_OK;
	}
	TRY(need_there(a, &ev, e));
	TRY(people_number(a, "keep_s", 0, KEEP_MAX_S, &keep_s, e));
	until = ev->captured_unix_ms + keep_s * 1000;
	if (keep_s == 0) {
		FAIL(e, RC_INPUT, "'keep_s' must say how long after its capture");
	}
	if (until < ev->keep_until_unix_ms) {
		reason = evidence_may_override(a->g->state, ev, false);
		if (reason != REASON_NONE) {
			people_reply_reason(a->g, a->req, reason, STR_NULL);
			return RC_OK;
		}
		if (!is_second(a, ev, false) || ev->proposal.keep_until_unix_ms != until) {
			return propose(a, ev, false, until, e);
		}
		l.evidence_keep.proposal = ev->proposal.ix;
	}
	l.evidence_keep.keep_until = until;
	if (!evidence_record(a->g, ev->ix, &l)) {
		FAIL(e, RC_BROKEN, "it cannot be recorded");
	}
	people_answer_id(a, "evidence", 'e', ev->ix, STR("kept"));
	return RC_OK;
}

enum rc evidence_destroy(struct asked *a, struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_EVIDENCE_DESTROYED,
	    .evidence_destroyed = {.authority = STR("expired"), .by = a->person->name},
	};
	const struct evidence *ev;
	enum reason reason;

	if (!is_custodian(a)) {
		return RC_OK;
	}
	TRY(need_there(a, &ev, e));
	reason = evidence_may_expire(a->g->state, ev, gov_now_ms(a->g));
	if (reason == REASON_RETENTION) {
		reason = evidence_may_override(a->g->state, ev, true);
		if (reason == REASON_NONE && !is_second(a, ev, true)) {
			return propose(a, ev, true, 0, e);
		}
		l.evidence_destroyed.authority = STR("people");
		l.evidence_destroyed.proposal = ev->proposal.ix;
	}
	if (reason != REASON_NONE) {
		people_reply_reason(a->g, a->req, reason, STR_NULL);
		return RC_OK;
	}
	TRY(ending_begin(a->g, ev->ix, e));
	if (!evidence_record(a->g, ev->ix, &l)) {
		FAIL(e, RC_BROKEN, "it cannot be recorded");
	}
	people_answer_id(a, "evidence", 'e', ev->ix, STR("destroyed"));
	return RC_OK;
}

/* ---- legal holds ---- */

static struct str scope_of(const struct asked *a, struct str subject, struct err *e)
{
	uint64_t ix;

	if (id_parse(subject, 'e', &ix) && state_evidence(a->g->state, ix)) {
		return STR("evidence");
	}
	if (id_parse(subject, 'i', &ix) && state_incident(a->g->state, ix)) {
		return STR("incident");
	}
	if (str_find(subject, ':') < subject.n) {
		return STR("target");
	}
	(void)err_set(e, RC_INPUT, __func__,
		      "'" STR_FMT "' is no evidence, incident or kind:value that is there",
		      STR_ARG(subject)); /* the empty text says it */
	return STR_NULL;
}

/* Each item's own custody says that it is held or not any more. */
static void tell_items(struct governor *g, const struct hold *h, const char *event, struct str by)
{
	const struct hold was = *h;

	for (const struct evidence *ev = state_next_evidence(g->state, 0); ev;
	     ev = state_next_evidence(g->state, ev->ix + 1)) {
		struct leaf l = {
		    .kind = LEAF_EVIDENCE_CUSTODY,
		    .evidence_custody = {.event = str_from(event), .by = by, .hold = was.ix},
		};

		if (is_there(ev) && hold_covers(&was, ev)) {
			(void)evidence_record(g, ev->ix, &l); /* the hold governs, not this */
		}
	}
}

enum rc evidence_hold(struct asked *a, struct err *e)
{
	struct governor *g = a->g;
	struct str matter = str_slice(people_text(a, "matter"), 0, LIMIT_TEXT_BYTES);
	struct str subject = people_text(a, "on");
	struct str canonical = STR_NULL;
	struct leaf l = {
	    .kind = LEAF_HOLD_PLACED,
	    .hold_placed = {.name = people_text(a, "name"),
			    .scope = scope_of(a, subject, e),
			    .subject = subject,
			    .by = a->person->name},
	};
	struct book_value values[] = {
	    {.bytes = matter, .commit = &l.hold_placed.matter, .slot = 0}};
	uint64_t ix;

	if (l.hold_placed.scope.n == 0) {
		return RC_INPUT;
	}
	if (str_eq(l.hold_placed.scope, STR("target"))) {
		if (target_parse(subject, &g->round, &canonical) != REASON_NONE) {
			FAIL(e, RC_INPUT, "'" STR_FMT "' is no single target", STR_ARG(subject));
		}
		l.hold_placed.subject = canonical;
	}
	if (l.hold_placed.name.n == 0 || l.hold_placed.name.n > 128) {
		FAIL(e, RC_INPUT, "a legal hold has a name of at most 128 bytes");
	}
	if (state_hold_named(g->state, l.hold_placed.name)) {
		FAIL(e, RC_DENIED, "legal hold '" STR_FMT "' is in force already",
		     STR_ARG(l.hold_placed.name));
	}
	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, values, 1, &ix, e));
	tell_items(g, state_hold(g->state, ix), "held", a->person->name);
	people_answer_id(a, "hold", 'h', ix, STR("in force"));
	return RC_OK;
}

enum rc evidence_release(struct asked *a, struct err *e)
{
	struct governor *g = a->g;
	struct str note = str_slice(people_text(a, "note"), 0, LIMIT_TEXT_BYTES);
	const struct hold *h = state_hold_named(g->state, people_text(a, "name"));
	struct leaf l = {.kind = LEAF_HOLD_RELEASED, .hold_released = {.by = a->person->name}};
	struct book_value values[] = {{.bytes = note, .commit = &l.hold_released.note, .slot = 0}};
	uint64_t ix;

	if (!is_custodian(a)) {
		return RC_OK;
	}
	if (!h) {
		FAIL(e, RC_ABSENT, "no legal hold '" STR_FMT "' is in force",
		     STR_ARG(people_text(a, "name")));
	}
	ix = h->ix;
	l.hold_released.hold = ix;
	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, values, 1, NULL, e));
	tell_items(g, state_hold(g->state, ix), "released", a->person->name);
	people_answer_id(a, "hold", 'h', ix, STR("released"));
	return RC_OK;
}

/* ---- waivers ---- */

static bool same_list(const struct str_list *a, const struct str_list *b)
{
	return str_list_within(a, b) && str_list_within(b, a);
}

static const struct waiver *proposed_by_another(const struct asked *a,
						const struct leaf_waiver_proposed *p)
{
	for (const struct waiver *w = state_next_waiver(a->g->state, 0); w;
	     w = state_next_waiver(a->g->state, w->ix + 1)) {
		if (w->state == WAIVER_PROPOSED && w->task == p->task && str_eq(w->tool, p->tool) &&
		    same_list(&w->targets, &p->targets) && same_list(&w->kinds, &p->kinds) &&
		    !str_eq(w->by, a->person->name) && gov_now_ms(a->g) < w->not_after_unix_ms) {
			return w;
		}
	}
	return NULL;
}

static enum rc read_waiver(struct asked *a, struct leaf_waiver_proposed *ret, struct err *e)
{
	const struct tool *t = bundle_tool(a->g->bundle, people_text(a, "tool"));
	struct str task = people_text(a, "task");
	uint64_t duration_s;

	if (!id_parse(task, 't', &ret->task) || !state_task(a->g->state, ret->task)) {
		FAIL(e, RC_INPUT, "no task '" STR_FMT "'", STR_ARG(task));
	}
	if (!t || t->requires.n == 0) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no tool that requires evidence",
		     STR_ARG(people_text(a, "tool")));
	}
	ret->tool = t->public_name;
	TRY(people_list(a, "targets", &ret->targets, e));
	TRY(people_list(a, "kinds", &ret->kinds, e));
	ret->kinds = ret->kinds.n ? ret->kinds : t->requires;
	if (ret->targets.n == 0 || !str_list_within(&ret->kinds, &t->requires)) {
		FAIL(e, RC_INPUT, "'targets' must name some, and 'kinds' only what it requires");
	}
	TRY(people_number(a, "duration_s", WAIVER_S, WAIVER_MAX_S, &duration_s, e));
	ret->not_after = gov_now_ms(a->g) + duration_s * 1000;
	ret->by = a->person->name;
	return RC_OK;
}

static enum rc grant(struct asked *a, uint64_t waiver, struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_WAIVER_GRANTED,
	    .waiver_granted = {.waiver = waiver, .by = a->person->name},
	};

	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	people_answer_id(a, "waiver", 'w', waiver, STR("granted"));
	return RC_OK;
}

enum rc evidence_waive(struct asked *a, struct err *e)
{
	struct str why = str_slice(people_text(a, "why"), 0, LIMIT_TEXT_BYTES);
	struct leaf l = {.kind = LEAF_WAIVER_PROPOSED};
	struct book_value values[] = {{.bytes = why, .commit = &l.waiver_proposed.why, .slot = 0}};
	const struct waiver *w;
	uint64_t ix;

	if (!is_custodian(a)) {
		return RC_OK;
	}
	TRY(read_waiver(a, &l.waiver_proposed, e));
	w = proposed_by_another(a, &l.waiver_proposed);
	if (w && waiver_has_conflict(a->g->bundle, state_task(a->g->state, w->task),
				     a->person)) { /* (3) */
		people_reply_reason(a->g, a->req, REASON_APPROVER_CONFLICT, STR_NULL);
		return RC_OK;
	}
	if (w) {
		return grant(a, w->ix, e);
	}
	if (why.n == 0) {
		FAIL(e, RC_INPUT, "'why' must say why there can be no evidence");
	}
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, values, 1, &ix, e));
	people_answer_id(a, "waiver", 'w', ix,
			 STR("proposed: another custodian must say the same"));
	return RC_OK;
}
