/* SPDX-License-Identifier: Apache-2.0 */
/* net/message.h - the messages of net/message.def as structures, and to and from bytes.
 *
 *	struct message m = {.kind = MESSAGE_WITHDRAW, .withdraw = {.req = 7}};
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"

/* Bits, so that the table can name several. */
enum role {
	R_SUPERVISOR = 1 << 0,
	R_AGENTS = 1 << 1, /* front for agents */
	R_PEOPLE = 1 << 2, /* front for people */
	R_GOVERNOR = 1 << 3,
	R_KEEPER = 1 << 4,
	R_BACKEND = 1 << 5, /* the keeper's child, one per credential backend */
	R_RUNNER = 1 << 6,
	R_COURIER = 1 << 7,
	R_INDEX = 1 << 8,
	R_STORE = 1 << 9,
	R_ANY = (1 << 10) - 1,
};

/* How a sender's attempt ended, in OUTCOME. Zero is the careful answer. */
enum outcome_kind {
	OUTCOME_UNKNOWN = 0, /* something was sent and no answer is known */
	OUTCOME_NOT_SENT,    /* certainly not a byte left */
	OUTCOME_OK,
	OUTCOME_TOOL_ERROR, /* the tool answered that it failed */
};

/* What a witness said, in WITNESS_ANSWER. */
enum witness_said {
	WITNESS_SILENT = 0, /* nothing that can be understood, or it was not reached */
	WITNESS_COSIGNED,
	WITNESS_HOLDS,	  /* it holds a tree of another size than it was asked about */
	WITNESS_DISPUTES, /* what it was shown is no extension of what it holds */
	WITNESS_REFUSES,  /* for a reason of its own */
};

const char *role_name(enum role r); /* "governor", ...; "?" for a combination */

/* MESSAGE_CALL, MESSAGE_WITHDRAW, ... in the order of the table. */
enum message_kind {
	MESSAGE_NONE = 0,
#define MSG(NAME, name, from, to, ...) MESSAGE_##NAME,
#include "net/message.def"
#undef MSG
	MESSAGE_KINDS
};

/* struct msg_call, struct msg_withdraw, ... */
#define U8(field)	  uint8_t field;
#define U32(field)	  uint32_t field;
#define U64(field)	  uint64_t field;
#define BYTES(field, max) struct str field;
#define MSG(NAME, name, from, to, ...)                                                             \
	struct msg_##name {                                                                        \
		__VA_ARGS__                                                                        \
	};
#include "net/message.def"
#undef MSG
#undef U8
#undef U32
#undef U64
#undef BYTES

struct message {
	enum message_kind kind;
	union {
#define MSG(NAME, name, from, to, ...) struct msg_##name name;
#include "net/message.def"
#undef MSG
	};
};

const char *message_name(enum message_kind k); /* "call", ...; "?" for none */
/* May a role in `from` send this kind to a role in `to`? */
bool message_is_allowed(enum message_kind k, enum role from, enum role to);
/* Appends kind and fields (the frame without its length). A failure leaves b as it was. RC_LIMIT
 * when a field is over its limit or b is full, RC_NOMEM. */
enum rc message_encode(struct buf *b, const struct message *m);
/* The reverse; the strings of *ret are borrowed from bytes. RC_INPUT on an unknown kind, a field
 * over its limit, missing or left-over bytes. */
enum rc message_decode(struct str bytes, struct message *ret, struct err *e);
