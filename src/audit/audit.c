/* SPDX-License-Identifier: Apache-2.0 */
/* audit/audit.c - the walk over the log.
 *
 * Trust:  the log is what is examined: nothing in it is believed because it is there.
 * Holds:  (1) a decision is made again on the state of exactly the leaves that it says it was made
 *             on, which are a handful before its own; so a window of leaves is read ahead.
 *         (2) a value counts only if it is what the leaf commits to.
 *         (3) memory does not grow with the log but by the state and the window.
 */
#include "audit/audit.h"

#include <inttypes.h>
#include <string.h>

#include "audit/tags.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/reads.h"
#include "core/recompute_people.h"
#include "core/recompute_result.h"
#include "governor/book.h"
#include "governor/sealed.h"

enum {
	AHEAD = RECOMPUTE_REACH + 1,
	WINDOW = AHEAD + 1,	  /* and the leaf before */
	SCRATCH_BYTES = 64 << 20, /* of one decision, as the governor's round */
};

struct entry {
	uint64_t ix;
	struct arena arena;
	struct leaf leaf;
};

struct walk {
	const struct audit_source *source;
	const struct audit_watch *watch;
	uint64_t last;
	struct state *state;
	struct entry window[WINDOW]; /* leaf ix at ix % WINDOW */
	uint64_t first;
	uint64_t n_read;
	bool is_at_end;
	uint64_t loaded; /* when the deployment of this life was read */
	uint64_t pinned; /* time of the last clock.confirmed; 0 = none was seen */
	struct arena arena;
};

const char *audit_outcome_name(enum audit_outcome o)
{
	static const char *const names[AUDIT_OUTCOMES] = {"differs", "equal", "erased", "no_keys",
							  "no_bundle"};

	return names[o];
}

/* ---- values ---- */

/* What stands between a decision and its recomputation. */
static enum audit_outcome outcome_of(enum rc rc)
{
	return rc == RC_DENIED ? AUDIT_NO_KEYS : AUDIT_ERASED;
}

/* (2). RC_ABSENT, RC_DENIED: it cannot be had, and e says why. */
static enum rc open_value(struct walk *w, uint64_t ix, uint8_t slot, const struct digest *commit,
			  struct str *ret, struct err *e)
{
	uint8_t salt[SEALED_SALT_BYTES];
	uint8_t is[SEALED_COMMITMENT_BYTES];

	TRY(w->source->value(w->source->ctx, ix, slot, &w->arena, salt, ret, e));
	if (commit) {
		TRY(sealed_commit(salt, *ret, is, e));
		if (memcmp(is, commit->bytes, sizeof(is)) != 0) {
			FAIL(e, RC_BROKEN, "value %u of leaf %" PRIu64 " is not what it commits to",
			     slot, ix);
		}
	}
	return RC_OK;
}

static enum rc open_json(struct walk *w, uint64_t ix, uint8_t slot, const struct digest *commit,
			 const struct json **ret, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct str text;

	TRY(open_value(w, ix, slot, commit, &text, e));
	if (json_parse(&w->arena, text, &limits, ret, e) != RC_OK) {
		return err_wrap(e, RC_BROKEN, "value %u of leaf %" PRIu64, slot, ix);
	}
	return RC_OK;
}

/* A value that may lie in pieces; the leaf commits to the first, if commit is there. */
static enum rc open_whole(struct walk *w, uint64_t ix, const struct digest *commit, struct str *ret,
			  struct err *e)
{
	AUTO_BUF whole = BUF_INIT(BOOK_PIECES * BOOK_PIECE_BYTES);
	struct str piece;

	TRY(open_value(w, ix, 0, commit, &piece, e));
	TRY(buf_add(&whole, piece));
	for (uint8_t slot = 1; slot < BOOK_PIECES; slot++) {
		enum rc rc = open_value(w, ix, slot, NULL, &piece, NULL);

		if (rc == RC_ABSENT) {
			break;
		}
		TRY(rc);
		TRY(buf_add(&whole, piece));
	}
	*ret = arena_str(&w->arena, buf_view(&whole));
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for a value");
	}
	return RC_OK;
}

static enum rc open_result(struct walk *w, uint64_t ix, const struct json **ret, struct err *e)
{
	struct str whole;

	TRY(open_whole(w, ix, NULL, &whole, e));
	*ret = reads_value_of(whole, &w->arena, &w->arena);
	return RC_OK;
}

/* What a leaf about a result is worked out from again. */
static enum rc open_for_result(struct walk *w, const struct entry *n, struct result_values *ret,
			       struct err *e)
{
	struct result_wanted want = recompute_result_wants(w->state, &n->leaf);
	enum rc rc;

	*ret = (struct result_values){.result = STR(""), .own = STR("")};
	if (want.result) {
		TRY(open_whole(w, want.result, NULL, &ret->result, e));
		ret->value = reads_value_of(ret->result, &w->arena, &w->arena);
	}
	if (want.call) {
		TRY(open_json(w, want.call, 0, NULL, &ret->args, e));
		rc = open_json(w, want.call, 1, NULL, &ret->pre, e);
		if (rc != RC_OK && rc != RC_ABSENT) { /* under one key with the arguments */
			return rc;
		}
	}
	return want.own ? open_whole(w, n->ix, want.own, &ret->own, e) : RC_OK;
}

static const struct digest *commit_of(const struct leaf *l, uint8_t slot)
{
	if (l->kind == LEAF_CALL_DECIDED) {
		return slot == 0 ? &l->call_decided.args : &l->call_decided.pre;
	}
	if (l->kind == LEAF_PROPOSAL_MADE) {
		return slot == 0 ? &l->proposal_made.args : &l->proposal_made.pre;
	}
	return slot == 0 ? &l->approval_opened.args : &l->approval_opened.pre;
}

static enum rc open_values(struct walk *w, const struct entry *n, struct recompute_values *ret,
			   struct err *e)
{
	struct recompute_wanted want = recompute_wants(&n->leaf);
	const struct call *look = want.use ? state_call(w->state, want.use) : NULL;

	*ret = (struct recompute_values){0};
	if (want.wants_args) {
		TRY(open_json(w, n->ix, want.args_slot, commit_of(&n->leaf, want.args_slot),
			      &ret->args, e));
	}
	if (want.wants_pre) {
		TRY(open_json(w, n->ix, want.pre_slot, commit_of(&n->leaf, want.pre_slot),
			      &ret->pre, e));
	}
	if (want.undo) {
		TRY(open_json(w, want.undo, 0, NULL, &ret->undo, e));
	}
	if (look && str_eq(look->outcome, STR("ok"))) {
		TRY(open_result(w, look->completed_ix, &ret->use, e));
	}
	return RC_OK;
}

/* ---- decisions ---- */

static enum rc tell(struct walk *w, struct audit_decision *d, enum audit_outcome outcome,
		    struct str why, struct err *e)
{
	d->outcome = outcome;
	d->why = why;
	return w->watch->decision(w->watch->ctx, d, e);
}

static bool is_fatal(enum rc rc)
{
	return rc == RC_NOMEM || rc == RC_IO || rc == RC_LIMIT;
}

/* The bundle with that digest; *ret_told: it cannot be had, and that was said. */
static enum rc find_bundle(struct walk *w, struct audit_decision *d, const struct digest *digest,
			   bool *ret_told, struct err *e)
{
	struct err why = ERR_INIT;
	enum rc rc = w->source->bundle(w->source->ctx, digest, w->loaded, &d->bundle, &why);

	*ret_told = rc != RC_OK;
	if (rc == RC_OK) {
		return RC_OK;
	}
	d->bundle = NULL;
	return is_fatal(rc) ? err_set(e, rc, __func__, "%s", why.msg)
			    : tell(w, d, AUDIT_NO_BUNDLE, str_from(why.msg), e);
}

/* Values that were not opened. */
static enum rc tell_sealed(struct walk *w, struct audit_decision *d, enum rc rc,
			   const struct err *why, struct err *e)
{
	if (rc == RC_BROKEN) {
		return tell(w, d, AUDIT_DIFFERS, str_from(why->msg), e);
	}
	return is_fatal(rc) ? err_set(e, rc, __func__, "%s", why->msg)
			    : tell(w, d, outcome_of(rc), str_from(why->msg), e);
}

/* Leaf ix, if it is in the window. */
static const struct leaf *leaf_at(const struct walk *w, uint64_t ix)
{
	return ix < w->n_read && w->window[ix % WINDOW].ix == ix ? &w->window[ix % WINDOW].leaf
								 : NULL;
}

/* The task that an intent opened, as soon as the intent was decided again. */
static enum rc compare_grant(struct walk *w, const struct entry *n, const struct recomputed *now,
			     const struct bundle *b, struct err *e)
{
	const struct leaf *task = leaf_at(w, n->ix + 1);
	struct audit_decision d = {
	    .ix = n->ix + 1, .leaf = task, .state = w->state, .bundle = b, .arena = &w->arena};
	struct str difference;

	if (!task || !recompute_is_grant(task, n->ix)) {
		return RC_OK;
	}
	TRY(recompute_grant(now, &n->leaf, task, &w->arena, &difference, e));
	return tell(w, &d, difference.p ? AUDIT_DIFFERS : AUDIT_EQUAL, difference, e);
}

static uint64_t decided_at(const struct leaf *l)
{
	switch ((int)l->kind) {
	case LEAF_CALL_DECIDED:
		return l->call_decided.at;
	case LEAF_APPROVAL_OPENED:
		return l->approval_opened.at;
	case LEAF_PROPOSAL_MADE:
		return l->proposal_made.at;
	default:
		return l->intent_decided.at;
	}
}

/* The time that it was decided by is that of its leaf, but for the slack; while the log's time
 * stands still the clock may be behind it. */
static const char *time_difference(const struct walk *w, const struct entry *n)
{
	const struct leaf *before = n->ix ? leaf_at(w, n->ix - 1) : NULL;
	uint64_t at = decided_at(&n->leaf);
	uint64_t t = n->leaf.t;

	if (state_clock_jump(w->state) || (n->leaf.kind == LEAF_CALL_DECIDED &&
					   !str_eq(n->leaf.call_decided.purpose, STR("agent")))) {
		return NULL; /* Remit's own calls name none */
	}
	if (at > t + RECOMPUTE_SLACK_MS) {
		return "at: decided after it was recorded";
	}
	return at + RECOMPUTE_SLACK_MS < t && t != w->pinned && before && before->t != t
		   ? "at: decided long before it was recorded"
		   : NULL;
}

/* A call that moves its task on is right behind the leaf that says so, and no other call is. */
static const char *phase_difference(const struct walk *w, const struct entry *n,
				    const struct recomputed *now)
{
	const struct leaf_call_decided *c = &n->leaf.call_decided;
	const struct leaf *before = n->ix ? leaf_at(w, n->ix - 1) : NULL;
	const struct leaf_task_phase *p = before && before->kind == LEAF_TASK_PHASE &&
						  str_eq(before->task_phase.how, STR("used")) &&
						  before->task_phase.task == c->task
					      ? &before->task_phase
					      : NULL;

	if (n->leaf.kind != LEAF_CALL_DECIDED || !str_eq(c->verdict, STR("allow")) ||
	    !str_eq(c->purpose, STR("agent"))) {
		return NULL;
	}
	if (!now->d.phase.p) {
		return p ? "phase: moved on by a call that does not" : NULL;
	}
	return !p || !str_eq(p->phase, now->d.phase) ? "phase: not moved on as this call does"
						     : NULL;
}

static enum rc decide_again(struct walk *w, const struct entry *n, struct err *e)
{
	struct audit_decision d = {
	    .ix = n->ix, .leaf = &n->leaf, .state = w->state, .arena = &w->arena};
	const struct digest *digest = recompute_bundle(&n->leaf);
	struct recomputed now;
	struct err why = ERR_INIT;
	const char *other;
	bool was_told;
	enum rc rc;

	arena_reset(&w->arena);
	if (!digest_eq(digest, state_bundle(w->state))) {
		return tell(w, &d, AUDIT_DIFFERS,
			    STR("bundle: another in the log than what was active"), e);
	}
	TRY(find_bundle(w, &d, digest, &was_told, e));
	if (was_told) {
		return RC_OK;
	}
	rc = open_values(w, n, &d.values, &why);
	if (rc != RC_OK) {
		return tell_sealed(w, &d, rc, &why, e);
	}
	TRY(recompute_leaf(w->state, d.bundle, &n->leaf, &d.values, &w->arena, &now, e));
	d.now = &now;
	rc = tags_of_decision(&(struct tagging){w->source, w->state, d.bundle, &w->arena}, &n->leaf,
			      &d.values, &other, &why);
	if (rc != RC_OK) {
		return tell_sealed(w, &d, rc, &why, e);
	}
	other = other ? other : time_difference(w, n);
	other = other ? other : phase_difference(w, n, &now);
	if (now.is_equal && other) {
		return tell(w, &d, AUDIT_DIFFERS, str_from(other), e);
	}
	TRY(tell(w, &d, now.is_equal ? AUDIT_EQUAL : AUDIT_DIFFERS, now.difference, e));
	return n->leaf.kind == LEAF_INTENT_DECIDED ? compare_grant(w, n, &now, d.bundle, e) : RC_OK;
}

/* What follows from a sealed result. RC_ABSENT, RC_DENIED: it cannot be opened. */
static enum rc look_at_result(struct walk *w, const struct entry *n, const struct bundle *b,
			      struct str *ret_difference, struct err *e)
{
	const struct tagging t = {w->source, w->state, b, &w->arena};
	struct result_values values;
	const char *other = NULL;
	struct str result;

	if (recompute_is_of_result(&n->leaf)) {
		TRY(open_for_result(w, n, &values, e));
		return recompute_result(w->state, b, &n->leaf, &values, &w->arena, ret_difference,
					e);
	}
	if (tags_are_of_result(&t, &n->leaf)) {
		TRY(open_whole(w, n->ix, &n->leaf.call_completed.result, &result, e));
		TRY(tags_of_result(&t, &n->leaf, result, &other, e));
		*ret_difference = other ? str_from(other) : STR_NULL;
	}
	return RC_OK;
}

/* What people did, and what results were, by the bundle that was active. */
static enum rc look_again(struct walk *w, const struct entry *n, struct err *e)
{
	struct audit_decision d = {
	    .ix = n->ix, .leaf = &n->leaf, .state = w->state, .arena = &w->arena};
	struct str difference = STR_NULL;
	struct err why = ERR_INIT;
	bool was_told;
	enum rc rc;

	arena_reset(&w->arena);
	TRY(find_bundle(w, &d, state_bundle(w->state), &was_told, e));
	if (was_told) {
		return RC_OK;
	}
	if (recompute_is_of_people(&n->leaf)) {
		TRY(recompute_people(w->state, d.bundle, &n->leaf, w->pinned, &w->arena,
				     &difference, e));
	}
	if (!difference.p) {
		rc = look_at_result(w, n, d.bundle, &difference, &why);
		if (rc != RC_OK) {
			return tell_sealed(w, &d, rc, &why, e);
		}
	}
	return tell(w, &d, difference.p ? AUDIT_DIFFERS : AUDIT_EQUAL, difference, e);
}

/* On a state that is not to be had any more. */
static enum rc tell_pruned(struct walk *w, const struct entry *n, struct err *e)
{
	struct audit_decision d = {.ix = n->ix, .leaf = &n->leaf, .state = w->state};

	return tell(w, &d, AUDIT_ERASED, STR("it was made on leaves that were pruned"), e);
}

/* (1): those that were made on the state as it is now. */
static enum rc decide_here(struct walk *w, uint64_t ix, struct err *e)
{
	struct entry *own = &w->window[ix % WINDOW];

	for (uint64_t j = ix; j < w->n_read; j++) {
		struct entry *n = &w->window[j % WINDOW];

		if (recompute_is_decision(&n->leaf) && recompute_basis(&n->leaf, j) == ix) {
			TRY(decide_again(w, n, e));
		}
	}
	if (recompute_is_decision(&own->leaf) && recompute_basis(&own->leaf, ix) < w->first) {
		return tell_pruned(w, own, e);
	}
	if (recompute_is_decision(&own->leaf) && recompute_basis(&own->leaf, ix) == UINT64_MAX) {
		struct audit_decision d = {.ix = ix, .leaf = &own->leaf, .state = w->state};

		return tell(w, &d, AUDIT_DIFFERS,
			    STR("basis: it says that it was made on leaves that cannot be"), e);
	}
	return RC_OK;
}

/* ---- leaves ---- */

static enum rc read_one(struct walk *w, struct err *e)
{
	struct entry *n = &w->window[w->n_read % WINDOW];
	struct str bytes;
	enum rc rc;

	arena_reset(&n->arena);
	n->ix = w->n_read;
	rc = w->source->leaf(w->source->ctx, w->n_read, &n->arena, &bytes, e);
	if (rc == RC_ABSENT) {
		w->is_at_end = true;
		return RC_OK;
	}
	TRY(rc);
	if (leaf_decode(&n->arena, bytes, &n->leaf, e) != RC_OK) {
		return err_wrap(e, RC_BROKEN, "leaf %" PRIu64, n->ix);
	}
	w->n_read++;
	return RC_OK;
}

static enum rc step(struct walk *w, uint64_t ix, struct err *e)
{
	const struct leaf *l = &w->window[ix % WINDOW].leaf;

	if (w->watch->state) {
		TRY(w->watch->state(w->watch->ctx, w->state, e));
	}
	TRY(decide_here(w, ix, e));
	if (recompute_is_of_people(l) || recompute_is_of_result(l)) {
		TRY(look_again(w, &w->window[ix % WINDOW], e));
	}
	if (w->watch->leaf) {
		TRY(w->watch->leaf(w->watch->ctx, ix, l, e));
	}
	TRY(state_reserve(w->state, l, e)); /* it says which leaf */
	state_apply(w->state, ix, l);
	if (l->kind == LEAF_STARTED) {
		w->loaded = l->started.loaded;
	} else if (l->kind == LEAF_CLOCK_CONFIRMED) {
		w->pinned = l->t;
	}
	return RC_OK;
}

static enum rc begin(struct walk *w, struct err *e)
{
	if (!w->source->start) {
		return state_new(&w->state, e);
	}
	TRY(w->source->start(w->source->ctx, &w->state, e));
	w->first = state_size(w->state);
	w->n_read = w->first;
	w->loaded = state_loaded_unix_ms(w->state);
	return RC_OK;
}

static enum rc go(struct walk *w, uint64_t *ret_n, struct err *e)
{
	for (uint64_t ix = w->first; ix <= w->last; ix++) {
		while (!w->is_at_end && w->n_read < ix + AHEAD) {
			TRY(read_one(w, e));
		}
		if (ix == w->n_read) {
			return w->watch->state ? w->watch->state(w->watch->ctx, w->state, e)
					       : RC_OK;
		}
		TRY(step(w, ix, e));
		*ret_n = ix + 1;
	}
	return RC_OK;
}

enum rc audit_walk(const struct audit_source *source, uint64_t last,
		   const struct audit_watch *watch, uint64_t *ret_n, struct err *e)
{
	struct walk *w = mem_calloc(1, sizeof(*w));
	enum rc rc;

	*ret_n = 0;
	if (!w) {
		FAIL(e, RC_NOMEM, "no memory to walk a log");
	}
	w->source = source;
	w->watch = watch;
	w->last = last;
	w->arena = (struct arena)ARENA_INIT(SCRATCH_BYTES);
	for (size_t i = 0; i < WINDOW; i++) {
		w->window[i].arena = (struct arena)ARENA_INIT(16 * LIMIT_LEAF_BYTES);
	}
	rc = begin(w, e);
	if (rc == RC_OK) {
		rc = go(w, ret_n, e);
	}
	state_free(w->state);
	arena_fini(&w->arena);
	for (size_t i = 0; i < WINDOW; i++) {
		arena_fini(&w->window[i].arena);
	}
	mem_free(w);
	return rc;
}
