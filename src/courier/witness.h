/* SPDX-License-Identifier: Apache-2.0 */
/* courier/witness.h - asks witnesses to cosign a checkpoint (C2SP tlog-witness, add-checkpoint).
 *
 * A witness is one of the deployment's policy, by its name there. Each question is one POST to its
 * URL with the size it is believed to hold, the proof from there, and the signed checkpoint; each
 * is answered once, within WITNESS_MS. What comes back is reduced to numbers and one Ed25519
 * signature before it leaves this process, and that is verified here, and by the governor again.
 */
#pragma once

#include <tlog.h>

#include "config/deployment.h"
#include "net/message.h"
#include "courier/transfer.h"

enum {
	WITNESS_MS = 5000,
	WITNESS_ANSWER_BYTES = 16384, /* a longer one is none */
};

/* What a witness said. */
struct witness_answer {
	enum witness_said said;
	uint64_t size;			     /* HOLDS: leaves of the tree that it cosigned last */
	struct tlog_cosignature cosignature; /* COSIGNED */
	char detail[256];		     /* the others, for people */
};

/* Pure: an answer with that status to a question about the checkpoint with this text. */
void witness_answer_read(long status, struct str body, struct str text, const struct tlog_vkey *key,
			 struct witness_answer *ret);
/* The body of a question: the proof is 32 bytes per hash. RC_INPUT for a proof of another form or
 * of more than 63 hashes. */
enum rc witness_question(uint64_t old_size, struct str proof, struct str note, struct buf *b,
			 struct err *e);

struct witness_client;
typedef void witness_fn(void *ctx, uint64_t id, const struct witness_answer *a);

/* conf is borrowed and outlives the client; its policy is valid. done is called from the loop, or
 * from inside witness_client_ask. */
enum rc witness_client_new(struct loop *l, const struct witnesses_conf *conf, witness_fn *done,
			   void *ctx, struct witness_client **ret, struct err *e);
/* Forgets what is under way, without a word. */
void witness_client_free(struct witness_client *c);
void witness_client_ask(struct witness_client *c, const struct msg_witness_ask *m);
