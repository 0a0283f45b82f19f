/* SPDX-License-Identifier: Apache-2.0 */
/* governor/evidence_desk.h - work with the store that is under way; shared by evidence.c (from
 * results to evidence), ending.c (what is swept and destroyed) and custody.c (what people do).
 *
 * All of it may be lost with the process: an object without its leaf is swept at the next start, a
 * destruction goes on then, and a person asks again. When the store ends, what it had of results is
 * given to the next one; an object that the last one had finished is swept then.
 */
#pragma once

#include "core/evidence.h"
#include "governor/gov.h"

enum {
	EVIDENCE_PUTS_MAX = 64,	   /* results on their way to the store: 32 MB at most */
	EVIDENCE_ORDERS_MAX = 256, /* of people, waiting for the store or a key */
	EVIDENCE_PUT_MS = 30000,   /* for a key and the store; then it is not kept */
	EVIDENCE_AGAIN_MS = 1000,  /* between attempts to go on with a destruction */
};

/* A result on its way to be evidence. */
struct evidence_put {
	uint64_t req; /* of the store; 0 = waits for a fresh key, or for the store itself */
	uint64_t call;
	uint64_t task;
	uint64_t serial;
	struct capture_rule rule; /* of the bundle */
	uint8_t plain[32];
	uint64_t size;
	char *bytes;
	uint64_t until_ns;
	bool is_given_up; /* it took too long: what the store still says is undone */
};

/* What a person asked of an item, and waits for. */
struct evidence_order {
	uint64_t req;	 /* of the store; 0 = waits for the key */
	uint64_t people; /* the people's front's number */
	uint64_t evidence;
	bool reads;	    /* else checks */
	uint64_t chunk;	    /* reads */
	struct str by;	    /* person: of the bundle */
	struct str purpose; /* reads, chunk 0; heap */
};

/* Who may go on reading an item after its first piece, until when. */
struct evidence_reading {
	uint64_t evidence;
	struct str by;
	uint64_t until_ns;
};

/* An item whose destruction is under way. */
struct evidence_ending {
	uint64_t evidence;
	uint64_t req; /* of the store, 0 = none */
	uint64_t again_ns;
};

/* Objects that should be there, when the store was first asked what it has; by name. */
struct evidence_known {
	struct digest object;
	uint64_t evidence;
};

struct evidence_desk {
	bool store_is_silent;
	uint64_t next_req;
	VEC(struct evidence_put *) puts;
	VEC(struct evidence_order) orders;
	VEC(struct evidence_reading) readings;
	VEC(struct evidence_ending) endings;
	VEC(struct evidence_known) known;
	size_t known_at; /* compared so far */
};

/* ---- evidence.c ---- */
/* Records a leaf about the item; prior, nth and evidence are filled in here. False: logged. */
bool evidence_record(struct governor *g, uint64_t evidence, struct leaf *l);

/* ---- ending.c ---- */
void ending_recover(struct governor *g);
void ending_on_names(struct governor *g, const struct msg_store_names *m);
void ending_on_removed(struct governor *g, const struct msg_store_removed *m);
/* The store ended: removals that it was asked for are asked for again. */
void ending_store_lost(struct governor *g);
void ending_tick(struct governor *g);
/* The leaf evidence.destroyed is written: what follows is done once it is durable. */
enum rc ending_begin(struct governor *g, uint64_t evidence, struct err *e);
/* Has the store remove an object that no leaf names. */
void ending_drop_object(struct governor *g, struct str object);

/* ---- custody.c ---- */
void custody_on_stored(struct governor *g, const struct msg_stored *m);
void custody_on_got(struct governor *g, const struct msg_store_got *m);
void custody_on_key(struct governor *g, uint64_t serial, bool ok);
void custody_free(struct evidence_desk *desk);
/* Orders that the store had are answered: it ended, and nothing is known. */
void custody_store_lost(struct governor *g);
