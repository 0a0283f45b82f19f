/* SPDX-License-Identifier: Apache-2.0 */
/* governor/witness.c - the signed checkpoint is shown to witnesses, and what they say is recorded.
 *
 * Rounds: one checkpoint is shown to all; the next round begins when a quorum has cosigned, or when
 * nobody is being asked any more. A witness that is slow is asked again when it has answered, about
 * the round that is on then. All of it is off the path of calls: the courier asks, the ticks count.
 *
 * Trust:  witnesses through the courier, either of which may lie: a cosignature counts only when it
 *         verifies over the bytes that the keeper signed; a claim to hold more than we have, or
 * another tree, is believed, because it can only stop changes and the operator chose the witness.
 * Holds:  (1) a round adds no leaf: only going away and coming back are facts. So an idle log is
 * shown once. (2) where something requires witnesses, nobody has seen the log until a quorum of
 * this life says so.
 */
#include "governor/gov.h"

#include <string.h>

#include "base/log.h"
#include "governor/checkpoint.h"

enum {
	ASK_MS = 15000,	       /* longer than the courier takes; then it was restarted */
	AGAIN_MOST_MS = 60000, /* between attempts with one that does not answer well */
	SIZES_MAX = 3,	       /* so often in a row a witness may correct the size it holds */
	MS = 1000000,
};

struct witness {
	uint64_t holds; /* leaves of the tree that it cosigned last, as far as is known */
	uint64_t id;	/* of the question under way, 0 = none */
	uint64_t round; /* that the question is about */
	uint64_t size;	/* the same */
	uint64_t old_size;
	uint64_t give_up_ns;
	uint64_t next_ns;
	uint64_t done_round; /* the last one that it has answered for good */
	uint64_t seen_ns;    /* a cosignature of it was verified then; 0 = in this life none */
	uint32_t failures;   /* in a row */
	uint32_t sizes;	     /* corrections in a row */
	bool is_disputing;
};

struct witnesses {
	struct tlog_policy *policy;
	size_t n;
	struct witness list[TLOG_POLICY_MAX_WITNESSES];
	uint64_t next_id;
	/* the round */
	uint64_t round;
	uint64_t size;
	uint64_t started_ns;
	struct buf note; /* as the keeper signed it */
	struct buf text; /* what it signed */
	size_t n_has;
	bool has[TLOG_POLICY_MAX_WITNESSES];
	struct tlog_cosignature said[TLOG_POLICY_MAX_WITNESSES];
	size_t n_written;

	uint64_t seen;		  /* leaves that a quorum has seen, in this life */
	uint64_t behind_since_ns; /* since then more is published; 0 = it is not */
};

static bool is_met(const struct witnesses *w)
{
	return w->round > 0 && tlog_policy_is_met(w->policy, w->has);
}

static struct str name_of(const struct witnesses *w, size_t i)
{
	return str_slice(tlog_policy_witness(w->policy, i)->name, 0, 256);
}

static bool is_disputed(const struct witnesses *w)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->list[i].is_disputing) {
			return true;
		}
	}
	return false;
}

static void tell(const struct governor *g, size_t i)
{
	const struct message m = {.kind = MESSAGE_WITNESS_SEEN,
				  .witness_seen = {.name = name_of(g->witnesses, i),
						   .boot_ns = g->witnesses->list[i].seen_ns}};

	if (g->people && channel_send(g->people, &m) != RC_OK) {
		log_warn("the people's front cannot be told of a witness");
	}
}

void witness_tell(const struct governor *g)
{
	for (size_t i = 0; g->witnesses && i < g->witnesses->n; i++) {
		tell(g, i);
	}
}

/* ---- Facts ---- */

static void record_away(struct governor *g, const char *why, struct str witness, uint64_t theirs)
{
	struct leaf l = {.kind = LEAF_WITNESS_AWAY,
			 .witness_away = {.why = str_from(why),
					  .witness = witness,
					  .size = g->witnesses->seen,
					  .theirs = theirs}};

	(void)gov_record(g, &l); /* it logs */
	health_tell(g);
}

static void record_back(struct governor *g)
{
	struct leaf l = {
	    .kind = LEAF_WITNESS_BACK,
	    .witness_back = {.away = state_witness_away(g->state), .size = g->witnesses->seen}};

	log_warn("a quorum of witnesses has seen the log again: %llu leaves",
		 (unsigned long long)g->witnesses->seen);
	(void)gov_record(g, &l); /* it logs */
	health_tell(g);
}

static void dispute(struct governor *g, size_t i, uint64_t theirs)
{
	struct witness *x = &g->witnesses->list[i];

	x->is_disputing = true;
	x->failures++;
	x->next_ns = gov_now_ns(g) + (uint64_t)AGAIN_MOST_MS * MS;
	if (theirs) {
		log_err(
		    "witness '%.*s' has seen %llu leaves of this log, which has fewer: it was put "
		    "back; nothing is changed any more",
		    STR_ARG(name_of(g->witnesses, i)), (unsigned long long)theirs);
	} else {
		log_err(
		    "witness '%.*s' holds another log than this one; nothing is changed any more",
		    STR_ARG(name_of(g->witnesses, i)));
	}
	if (!state_log_disputed(g->state)) {
		record_away(g, "disputed", name_of(g->witnesses, i), theirs);
	}
}

/* ---- A round's result ---- */

static void publish(struct governor *g)
{
	struct witnesses *w = g->witnesses;
	AUTO_BUF note = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	struct err e = ERR_INIT;
	enum rc rc = buf_add(&note, buf_view(&w->note));

	for (size_t i = 0; i < w->n && rc == RC_OK; i++) {
		if (w->has[i]) {
			rc = tlog_note_add_cosignature(
			    &note, &tlog_policy_witness(w->policy, i)->key, &w->said[i], &e);
		}
	}
	if (rc == RC_OK) {
		rc = checkpointer_witnessed(g->checkpointer, buf_view(&note));
	}
	if (rc != RC_OK) {
		log_err("a cosigned checkpoint is not published: %s",
			e.msg[0] ? e.msg : rc_text(rc));
		return;
	}
	w->n_written = w->n_has;
}

static void look_at_quorum(struct governor *g)
{
	struct witnesses *w = g->witnesses;

	if (!is_met(w)) {
		return;
	}
	if (w->n_has > w->n_written) {
		publish(g);
	}
	if (w->size > w->seen) {
		w->seen = w->size;
		w->behind_since_ns =
		    checkpointer_published_size(g->checkpointer) > w->seen ? w->started_ns : 0;
	}
	if (state_witness_away(g->state) && !is_disputed(w)) {
		record_back(g);
	}
}

/* ---- Answers ---- */

static void failed(struct governor *g, size_t i, struct str why)
{
	struct witness *x = &g->witnesses->list[i];
	uint64_t wait_ms = g->deployment->witnesses.every_ms;

	if (x->failures == 0) {
		log_warn("witness '%.*s': %.*s", STR_ARG(name_of(g->witnesses, i)), STR_ARG(why));
	}
	for (uint32_t k = 0; k < x->failures && wait_ms < AGAIN_MOST_MS; k++) {
		wait_ms *= 2;
	}
	x->failures++;
	x->next_ns = gov_now_ns(g) + (wait_ms < AGAIN_MOST_MS ? wait_ms : AGAIN_MOST_MS) * MS;
}

static void cosigned(struct governor *g, size_t i, const struct msg_witness_answer *m)
{
	struct witnesses *w = g->witnesses;
	struct witness *x = &w->list[i];
	struct tlog_cosignature c = {.unix_s = m->unix_s};
	struct err e = ERR_INIT;

	if (x->round != w->round) {
		x->holds = x->size; /* if it lies, it will correct us */
		return;
	}
	if (m->signature.n != sizeof(c.signature)) {
		failed(g, i, STR("a signature of the wrong length"));
		return;
	}
	memcpy(c.signature, m->signature.p, sizeof(c.signature));
	if (tlog_cosignature_verify(&c, buf_view(&w->text), &tlog_policy_witness(w->policy, i)->key,
				    &e) != RC_OK) {
		failed(g, i, str_from(e.msg));
		return;
	}
	if (x->failures > 0) {
		log_warn("witness '%.*s' cosigns again", STR_ARG(name_of(w, i)));
	}
	x->holds = x->size;
	x->done_round = w->round;
	x->failures = 0;
	x->sizes = 0;
	x->is_disputing = false;
	x->seen_ns = gov_now_ns(g);
	tell(g, i);
	w->said[i] = c;
	w->n_has += !w->has[i];
	w->has[i] = true;
}

/* It holds another size than it was asked about. */
static void corrected(struct governor *g, size_t i, uint64_t size)
{
	struct witness *x = &g->witnesses->list[i];

	if (size > checkpointer_published_size(g->checkpointer)) {
		dispute(g, i, size);
	} else if (size == x->old_size && size == x->size) {
		dispute(g, i, 0); /* the same size, and not the same root */
	} else if (size == x->old_size || ++x->sizes > SIZES_MAX) {
		failed(g, i, STR("it says no to the size that it said it holds"));
	} else {
		x->holds = size;
		x->done_round = size > x->size ? x->round : x->done_round; /* wait for the next */
	}
}

void witness_on_answer(struct governor *g, const struct msg_witness_answer *m)
{
	struct witnesses *w = g->witnesses;
	size_t i = 0;

	while (w && i < w->n && (m->id == 0 || w->list[i].id != m->id)) {
		i++;
	}
	if (!w || i == w->n) {
		return; /* too late */
	}
	w->list[i].id = 0;
	switch (m->said) {
	case WITNESS_COSIGNED:
		cosigned(g, i, m);
		break;
	case WITNESS_HOLDS:
		corrected(g, i, m->size);
		break;
	case WITNESS_DISPUTES:
		dispute(g, i, 0);
		break;
	default:
		failed(g, i, m->detail);
	}
	look_at_quorum(g);
}

void witness_courier_lost(struct governor *g)
{
	for (size_t i = 0; g->witnesses && i < g->witnesses->n; i++) {
		g->witnesses->list[i].id = 0; /* no fault of the witness */
	}
}

/* ---- Questions ---- */

static void ask(struct governor *g, size_t i)
{
	struct witnesses *w = g->witnesses;
	struct witness *x = &w->list[i];
	struct message m = {.kind = MESSAGE_WITNESS_ASK};
	struct tlog_proof proof;
	struct err e = ERR_INIT;

	x->old_size = x->holds;
	if (checkpointer_prove(g->checkpointer, x->holds, w->size, &proof, &e) != RC_OK) {
		failed(g, i, str_from(e.msg));
		return;
	}
	m.witness_ask = (struct msg_witness_ask){
	    .id = ++w->next_id,
	    .witness = name_of(w, i),
	    .old_size = x->holds,
	    .proof = str_of(proof.hashes, proof.n * sizeof(proof.hashes[0])),
	    .note = buf_view(&w->note),
	};
	if (!g->courier || channel_send(g->courier, &m) != RC_OK) {
		failed(g, i, STR("the courier cannot be reached"));
		return;
	}
	x->id = w->next_id;
	x->round = w->round;
	x->size = w->size;
	x->give_up_ns = gov_now_ns(g) + (uint64_t)ASK_MS * MS;
}

static bool is_round_over(const struct witnesses *w)
{
	for (size_t i = 0; i < w->n && !is_met(w); i++) {
		if (w->list[i].id && w->list[i].round == w->round) {
			return false;
		}
	}
	return true;
}

static void begin_round(struct governor *g, uint64_t size)
{
	struct witnesses *w = g->witnesses;
	struct tlog_note note;
	struct tlog_checkpoint c;
	struct str signed_note = checkpointer_note(g->checkpointer);

	if (tlog_note_parse(signed_note, &note, NULL) != RC_OK ||
	    tlog_checkpoint_parse(note.text, &c, NULL) != RC_OK || c.size != size) {
		return; /* what was signed is not published yet */
	}
	buf_reset(&w->note);
	buf_reset(&w->text);
	if (buf_add(&w->note, signed_note) != RC_OK || buf_add(&w->text, note.text) != RC_OK) {
		log_err("no memory to show the log to witnesses");
		return;
	}
	w->round++;
	w->size = size;
	w->started_ns = gov_now_ns(g);
	w->n_has = 0;
	w->n_written = 0;
	memset(w->has, 0, sizeof(w->has));
	look_at_quorum(g); /* of nobody, perhaps */
}

/* Only between turns: the tiles are the helper's otherwise. */
static void ask_all(struct governor *g)
{
	struct witnesses *w = g->witnesses;
	uint64_t now_ns = gov_now_ns(g);
	uint64_t size = checkpointer_published_size(g->checkpointer);

	if (checkpointer_note(g->checkpointer).n == 0) {
		return;
	}
	if (size > w->size && is_round_over(w) &&
	    (w->round == 0 || now_ns >= w->started_ns + g->deployment->witnesses.every_ms * MS)) {
		begin_round(g, size);
	}
	for (size_t i = 0; i < w->n && w->round > 0; i++) {
		const struct witness *x = &w->list[i];

		if (!x->id && x->done_round != w->round && now_ns >= x->next_ns &&
		    tlog_policy_witness(w->policy, i)->url.n > 0) {
			ask(g, i);
		}
	}
}

void witness_tick(struct governor *g)
{
	struct witnesses *w = g->witnesses;
	uint64_t now_ns = gov_now_ns(g);

	if (!w || !g->checkpointer) {
		return;
	}
	for (size_t i = 0; i < w->n; i++) {
		if (w->list[i].id && now_ns > w->list[i].give_up_ns) {
			w->list[i].id = 0;
			failed(g, i, STR("no answer"));
		}
	}
	if (checkpointer_is_idle(g->checkpointer) && (g->courier || !g->has_courier)) {
		ask_all(g);
	}
	if (checkpointer_published_size(g->checkpointer) <= w->seen) {
		w->behind_since_ns = 0;
	} else if (!w->behind_since_ns) {
		w->behind_since_ns = now_ns;
	} else if (now_ns > w->behind_since_ns + g->deployment->witnesses.away_after_ms * MS &&
		   !state_witness_away(g->state)) {
		log_err("no quorum of witnesses has seen more than %llu leaves",
			(unsigned long long)w->seen);
		record_away(g, "silent", STR(""), 0);
	}
}

/* ---- Birth ---- */

/* Is anything denied without them? */
static bool is_required(const struct bundle *b)
{
	bool is = false;

	for (size_t i = 0; i < EFFECTS; i++) {
		is |= b->witness.effects[i];
	}
	for (size_t i = 0; i < b->n_tools; i++) {
		is |= b->tools[i].requires_witness;
	}
	return is;
}

enum rc witness_start(struct governor *g, struct err *e)
{
	struct str text = g->deployment->witnesses.policy;

	if (text.n == 0 || !g->world.publish_dir) {
		return RC_OK;
	}
	g->witnesses = mem_calloc(1, sizeof(*g->witnesses));
	if (!g->witnesses) {
		FAIL(e, RC_NOMEM, "no memory for witnesses");
	}
	g->witnesses->note = (struct buf)BUF_INIT(TLOG_NOTE_MAX_BYTES);
	g->witnesses->text = (struct buf)BUF_INIT(TLOG_NOTE_MAX_BYTES);
	TRY(tlog_policy_parse(text, &g->witnesses->policy, e));
	g->witnesses->n = tlog_policy_witnesses(g->witnesses->policy);
	g->witnesses->next_id = g->env->generation << 32; /* none of an earlier governor's */
	if (is_required(g->bundle) && !state_witness_away(g->state)) {
		record_away(g, "start", STR(""), 0); /* (2) */
	}
	return RC_OK;
}

void witness_free(struct governor *g)
{
	if (g->witnesses) {
		tlog_policy_free(g->witnesses->policy);
		buf_fini(&g->witnesses->note);
		buf_fini(&g->witnesses->text);
		mem_free(TAKE(g->witnesses));
	}
}

/* ---- For people ---- */

static const char *state_of(const struct witness *x, bool has_url)
{
	if (!has_url) {
		return "not asked";
	}
	if (x->is_disputing) {
		return "disputes";
	}
	return x->failures > 0 ? "away" : x->done_round > 0 ? "cosigns" : "asked";
}

uint64_t witness_seen(const struct governor *g)
{
	return g->witnesses ? g->witnesses->seen : 0;
}

struct str witness_quorum(const struct governor *g)
{
	if (!g->witnesses) {
		return STR("");
	}
	if (state_log_disputed(g->state)) {
		return STR("disputed");
	}
	return state_witness_away(g->state) ? STR("away") : STR("ok");
}

void witness_view(const struct governor *g, struct json_out *w)
{
	const struct witnesses *all = g->witnesses;

	if (!all) {
		return;
	}
	json_out_key(w, STR("witnesses"));
	json_out_object(w);
	json_out_key_str(w, "quorum", witness_quorum(g));
	json_out_key_u64(w, "seen", all->seen);
	json_out_key(w, STR("list"));
	json_out_array(w);
	for (size_t i = 0; i < all->n; i++) {
		bool has_url = tlog_policy_witness(all->policy, i)->url.n > 0;

		json_out_object(w);
		json_out_key_str(w, "name", name_of(all, i));
		json_out_key_str(w, "state", str_from(state_of(&all->list[i], has_url)));
		json_out_key_u64(w, "holds", all->list[i].holds);
		if (all->list[i].seen_ns) {
			json_out_key_u64(w, "cosigned_s_ago",
					 (gov_now_ns(g) - all->list[i].seen_ns) / 1000000000);
		}
		json_out_close(w);
	}
	json_out_close(w);
	json_out_close(w);
}
