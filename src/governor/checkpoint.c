/* SPDX-License-Identifier: Apache-2.0 */
/* governor/checkpoint.c - the turns that publish the log, with a helper.
 *
 * States: IDLE -leaves, interval-> PREPARING (helper) -> SIGNING (keeper) -> PUBLISHING (helper) ->
 *         IDLE. The helper owns c->tiles in PREPARING and PUBLISHING, the loop's thread in the
 *         others. WITNESSING (helper) comes after PUBLISHING, or from IDLE, when a cosigned note
 *         is to be written.
 * Holds:  (1) what is offered for signing was read back from the disk (tiles.h).
 *         (2) a refused signature stops the governor: somebody signed something else.
 */
#include "governor/checkpoint.h"

#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "governor/book.h"
#include "governor/helper.h"
#include "governor/segment.h"
#include "governor/tiles.h"

enum {
	INTERVAL_MS = 100, /* from the beginning of one turn to that of the next, */
	PAUSE_MS = 20,	   /* but the disk is left to the commits for so long between them */
	RETRY_MS = 1000,   /* after an error of the disk */
	FAILING_AFTER = 5,
	KEEPER_WAIT_MS = 5000, /* a signature takes a few milliseconds of its disk */
	KEEPER_WAIT_TICKS = 20,
	NOTE_BYTES = 4096,
	RECEIPT_BYTES = 16384,			     /* as in net/message.def */
	SPARE_BELOW_BYTES = LIMIT_SEGMENT_BYTES / 2, /* room left when the next segment is made */
};

enum turn {
	TURN_IDLE = 0,
	TURN_PREPARING,
	TURN_SIGNING,
	TURN_PUBLISHING,
	TURN_WITNESSING,
};

/* A lease whose leaf the keeper wants to see in the log. */
struct to_prove {
	uint64_t lease;
	uint64_t leaf_index;
};

struct checkpointer {
	struct loop *loop;
	struct book *book;
	struct channel *const *keeper; /* NULL behind it while it is being restarted */
	const char *dir;
	struct tlog_vkey key;
	struct tiles *tiles; /* NULL while they cannot be opened */
	uint64_t published;  /* what tiles said last, for this thread */
	unsigned n_failed;   /* turns, one after another */
	bool is_doubted;     /* until one has not failed */
	uint64_t asked_ns;   /* SIGNING: when the keeper was asked */
	unsigned n_waited;   /* and ticks since */
	struct helper *helper;
	enum turn turn;
	bool is_broken;
	bool wants_spare; /* the job: make the next segment's file too */
	struct segment_snapshot durable;
	struct tiles_to_sign to_sign;
	struct buf note;
	struct buf cosigned; /* to be written at the next chance; empty = nothing */
	struct buf writing;  /* what the helper writes of it */
	struct err err;
	struct loop_io io; /* of the helper's results */
	struct loop_timer timer;
	uint64_t began_boot_ns; /* the last turn, or the last look whether there is one */
	VEC(struct to_prove) to_prove;
};

/* The slow part of a turn. */
static enum rc do_turn(void *ctx, struct err *e)
{
	struct checkpointer *c = ctx;

	if (c->turn == TURN_PREPARING) {
		return tiles_prepare(c->tiles, &c->durable, &c->to_sign, e);
	}
	if (c->turn == TURN_WITNESSING) {
		return tiles_publish_witnessed(c->tiles, buf_view(&c->writing), e);
	}
	TRY(tiles_publish(c->tiles, buf_view(&c->note), e));
	if (c->wants_spare) {
		/* Without one the log makes it itself, late, and says what failed. */
		(void)segment_prepare_spare(book_io(c->book), 0, NULL);
	}
	return RC_OK;
}

static void start_turn(struct checkpointer *c, enum turn turn)
{
	c->turn = turn;
	helper_give(c->helper);
}

/* In IDLE. False: there is nothing to write. */
static bool write_cosigned(struct checkpointer *c)
{
	struct buf empty = c->writing;

	if (c->cosigned.n == 0) {
		return false;
	}
	c->writing = c->cosigned;
	c->cosigned = empty;
	buf_reset(&c->cosigned);
	start_turn(c, TURN_WITNESSING);
	return true;
}

/* A leaf waits for a turn and then for all of one: on a slow disk a pause behind each would be the
 * longer part of it. */
static uint64_t pause_ms(const struct checkpointer *c)
{
	uint64_t took_ms = (clock_boot_ns(loop_clock(c->loop)) - c->began_boot_ns) / 1000000;

	if (c->n_failed) {
		return RETRY_MS;
	}
	return took_ms + PAUSE_MS < INTERVAL_MS ? INTERVAL_MS - took_ms : PAUSE_MS;
}

static void again_later(struct checkpointer *c)
{
	if (loop_timer_in(c->loop, &c->timer, pause_ms(c)) != RC_OK) {
		log_err("no more checkpoints: no memory for a timer");
	}
}

/* What a disk refused may be half there: everything is read again from what was published. */
static void has_failed(struct checkpointer *c, enum rc rc)
{
	if (rc != RC_IO) {
		log_err("the log cannot be published: %s", c->err.msg);
		c->is_broken = true;
		loop_stop(c->loop);
		return;
	}
	if (c->n_failed++ == 0) {
		log_warn("the log cannot be published now: %s", c->err.msg);
	}
	tiles_free(TAKE(c->tiles));
	c->turn = TURN_IDLE;
	again_later(c);
}

static void open_tiles_again(struct checkpointer *c)
{
	enum rc rc = tiles_open(c->dir, &c->key, book_io(c->book), &c->tiles, &c->err);

	if (rc != RC_OK) {
		has_failed(c, rc);
		return;
	}
	c->published = tiles_published_size(c->tiles);
	again_later(c);
}

bool checkpointer_keeper_is_silent(struct checkpointer *c)
{
	if (c->turn != TURN_SIGNING) {
		return false;
	}
	c->n_waited++;
	return c->n_waited >= KEEPER_WAIT_TICKS &&
	       clock_boot_ns(loop_clock(c->loop)) - c->asked_ns >=
		   (uint64_t)KEEPER_WAIT_MS * 1000000;
}

bool checkpointer_is_failing(const struct checkpointer *c)
{
	return c->is_doubted || c->n_failed >= FAILING_AFTER;
}

void checkpointer_doubt(struct checkpointer *c)
{
	c->is_doubted = true;
}

static void interval_is_over(struct loop_timer *t)
{
	struct checkpointer *c = t->ctx;

	if (c->turn != TURN_IDLE || c->is_broken) {
		return;
	}
	c->began_boot_ns = clock_boot_ns(loop_clock(c->loop));
	if (!c->tiles) {
		open_tiles_again(c);
		return;
	}
	if (segment_is_emergency(book_log(c->book))) {
		again_later(c); /* it is published when it is in its place */
		return;
	}
	if (book_durable_size(c->book) <= tiles_published_size(c->tiles)) {
		if (!write_cosigned(c)) {
			again_later(c);
		}
		return;
	}
	if (segment_check_in_place(book_log(c->book), &c->err) != RC_OK) {
		log_err("the log stops: %s", c->err.msg);
		c->is_broken = true;
		loop_stop(c->loop);
		return;
	}
	if (segment_is_emergency(book_log(c->book))) {
		again_later(c); /* it was not in its place */
		return;
	}
	c->durable = segment_snapshot(book_log(c->book));
	c->wants_spare = segment_room(book_log(c->book)) < SPARE_BELOW_BYTES;
	start_turn(c, TURN_PREPARING);
}

static void ask_for_signature(struct checkpointer *c)
{
	const struct tiles_to_sign *s = &c->to_sign;
	struct message m = {
	    .kind = MESSAGE_SIGN,
	    .sign =
		{
		    .size = s->size,
		    .root = str_of(s->root.bytes, sizeof(s->root.bytes)),
		    .old_size = s->old_size,
		    .proof = str_of(s->consistency.hashes,
				    s->consistency.n * sizeof(s->consistency.hashes[0])),
		},
	};

	c->turn = TURN_SIGNING;
	c->asked_ns = clock_boot_ns(loop_clock(c->loop));
	c->n_waited = 0;
	if (channel_send(*c->keeper, &m) != RC_OK) {
		log_err("the keeper cannot be asked for a signature");
	}
}

static enum rc send_proof(struct checkpointer *c, const struct to_prove *p, struct err *e)
{
	AUTO_BUF receipt = BUF_INIT(RECEIPT_BYTES);
	struct message m = {.kind = MESSAGE_LEASE_PROOF};

	TRY(tiles_receipt(c->tiles, p->leaf_index, &receipt, e));
	m.lease_proof.lease = p->lease;
	m.lease_proof.receipt = buf_view(&receipt);
	if (channel_send(*c->keeper, &m) != RC_OK) {
		FAIL(e, RC_BROKEN, "the keeper cannot be reached");
	}
	return RC_OK;
}

/* In IDLE: the tiles are this thread's. */
static void prove_leases(struct checkpointer *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->to_prove.n; i++) {
		struct err e = ERR_INIT;

		if (c->to_prove.p[i].leaf_index >= tiles_published_size(c->tiles)) {
			c->to_prove.p[kept++] = c->to_prove.p[i];
		} else if (send_proof(c, &c->to_prove.p[i], &e) != RC_OK) {
			log_err("the leaf of l%llu cannot be proven: %s",
				(unsigned long long)c->to_prove.p[i].lease, e.msg);
		}
	}
	c->to_prove.n = kept;
}

enum rc checkpointer_prove_lease(struct checkpointer *c, uint64_t lease, uint64_t leaf_index)
{
	struct to_prove p = {.lease = lease, .leaf_index = leaf_index};

	return vec_push(&c->to_prove, p);
}

static void turn_is_over(struct checkpointer *c, enum rc rc)
{
	if (rc != RC_OK) {
		has_failed(c, rc);
		return;
	}
	if (c->turn == TURN_PREPARING) {
		ask_for_signature(c);
	} else if (c->turn == TURN_PUBLISHING) {
		c->turn = TURN_IDLE;
		c->n_failed = 0;
		c->is_doubted = false;
		c->published = tiles_published_size(c->tiles);
		prove_leases(c);
		if (!write_cosigned(c)) {
			again_later(c);
		}
	} else if (c->turn == TURN_WITNESSING) {
		c->turn = TURN_IDLE;
		again_later(c);
	}
}

static void take_result(struct checkpointer *c)
{
	enum rc rc;

	if (helper_take(c->helper, &rc, &c->err)) {
		turn_is_over(c, rc);
	}
}

static void result_is_there(struct loop_io *io, uint32_t events)
{
	(void)events; /* readable is all it can be */
	take_result(io->ctx);
}

void checkpointer_keeper_found(struct checkpointer *c)
{
	if (c->turn == TURN_SIGNING && !c->is_broken) {
		ask_for_signature(c);
	}
}

void checkpointer_step(struct checkpointer *c)
{
	helper_step(c->helper);
	take_result(c);
}

void checkpointer_on_signature(struct checkpointer *c, const struct msg_signature *m)
{
	if (c->turn != TURN_SIGNING) {
		return;
	}
	if (!m->ok && m->size <= c->to_sign.size && m->size != c->to_sign.old_size) {
		/* The keeper signed more than was published, before a crash, or its anchor was put
		 * back by a person: prove from there. */
		if (tiles_prove(c->tiles, m->size, &c->to_sign.consistency, &c->err) == RC_OK) {
			c->to_sign.old_size = m->size;
			ask_for_signature(c);
			return;
		}
	}
	if (!m->ok && m->is_later) {
		(void)err_set(&c->err, RC_IO, __func__,
			      "the keeper cannot record what it signs: " STR_FMT,
			      STR_ARG(m->detail));
		has_failed(c, RC_IO);
		return;
	}
	buf_reset(&c->note);
	if (!m->ok || buf_add(&c->note, m->note) != RC_OK) {
		log_err("the keeper refuses to sign %llu leaves: %.*s",
			(unsigned long long)c->to_sign.size, STR_ARG(m->detail));
		c->is_broken = true;
		loop_stop(c->loop);
		return;
	}
	start_turn(c, TURN_PUBLISHING);
}

enum rc checkpointer_holds(struct checkpointer *c, uint64_t size, const struct tlog_hash *root,
			   struct err *e)
{
	struct tlog_hash got;

	if (size == 0 || size > tiles_published_size(c->tiles)) {
		return RC_OK;
	}
	TRY(tiles_root_at(c->tiles, size, &got, e));
	if (!tlog_hash_eq(&got, root)) {
		FAIL(e, RC_BROKEN, "fork: this is not the log of which %llu leaves were signed",
		     (unsigned long long)size);
	}
	return RC_OK;
}

bool checkpointer_is_idle(const struct checkpointer *c)
{
	return c->turn == TURN_IDLE && c->tiles && !c->is_broken;
}

struct str checkpointer_note(const struct checkpointer *c)
{
	return buf_view(&c->note);
}

enum rc checkpointer_prove(struct checkpointer *c, uint64_t old_size, uint64_t size,
			   struct tlog_proof *ret, struct err *e)
{
	return tiles_prove_published(c->tiles, old_size, size, ret, e);
}

enum rc checkpointer_witnessed(struct checkpointer *c, struct str note)
{
	buf_reset(&c->cosigned);
	return buf_add(&c->cosigned, note);
}

uint64_t checkpointer_published_size(const struct checkpointer *c)
{
	return c->published;
}

bool checkpointer_is_broken(const struct checkpointer *c)
{
	return c->is_broken;
}

static enum rc set_up(struct checkpointer *c, const char *dir, struct str vkey_text,
		      bool has_thread, struct err *e)
{
	c->dir = dir;
	TRY(tlog_vkey_parse(vkey_text, &c->key, e));
	TRY(tiles_open(dir, &c->key, book_io(c->book), &c->tiles, e));
	c->published = tiles_published_size(c->tiles);
	c->timer = (struct loop_timer){.fire = interval_is_over, .ctx = c};
	TRY(helper_new(do_turn, c, has_thread, &c->helper, e));
	if (has_thread) {
		c->io = (struct loop_io){
		    .fd = helper_fd(c->helper), .ready = result_is_there, .ctx = c};
		TRY(loop_add(c->loop, &c->io, EPOLLIN, e));
	}
	return loop_timer_in(c->loop, &c->timer, INTERVAL_MS);
}

enum rc checkpointer_new(struct loop *l, struct book *b, const char *dir, struct str vkey_text,
			 struct channel *const *keeper, bool has_thread, struct checkpointer **ret,
			 struct err *e)
{
	struct checkpointer *c = mem_calloc(1, sizeof(*c));
	enum rc rc;

	if (!c) {
		FAIL(e, RC_NOMEM, "no memory for checkpoints");
	}
	c->loop = l;
	c->book = b;
	c->keeper = keeper;
	c->note = (struct buf)BUF_INIT(NOTE_BYTES);
	c->cosigned = (struct buf)BUF_INIT(TLOG_NOTE_MAX_BYTES);
	c->writing = (struct buf)BUF_INIT(TLOG_NOTE_MAX_BYTES);
	rc = set_up(c, dir, vkey_text, has_thread, e);
	if (rc != RC_OK) {
		checkpointer_free(c);
		return rc;
	}
	*ret = c;
	return RC_OK;
}

void checkpointer_free(struct checkpointer *c)
{
	if (!c) {
		return;
	}
	loop_timer_clear(c->loop, &c->timer);
	if (c->io.is_added) {
		loop_remove(c->loop, &c->io);
	}
	helper_free(c->helper);
	tiles_free(c->tiles);
	vec_fini(&c->to_prove);
	buf_fini(&c->note);
	buf_fini(&c->cosigned);
	buf_fini(&c->writing);
	mem_free(c);
}
