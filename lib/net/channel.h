/* SPDX-License-Identifier: Apache-2.0 */
/* net/channel.h - typed messages between two roles over a socketpair.
 *
 * Both ends know both roles; a message that the table (net/message.def) does not allow from this
 * sender to this receiver ends the channel, as does one that does not decode to its last byte.
 * Sending never blocks: bytes queue up to LIMIT_CHANNEL_QUEUE_BYTES, beyond which the peer counts
 * as gone. Strings in a received message are borrowed for the time of the handler.
 */
#pragma once

#include "base/limits.h"
#include "base/str.h"
#include "net/loop.h"

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
	R_ANY = (1 << 9) - 1,
};

const char *role_name(enum role r); /* "governor", ... */

/* The table as structures: enum message_kind { MESSAGE_CALL, ... }, struct msg_call, ... */
enum message_kind {
	MESSAGE_NONE = 0,
#define MSG(NAME, name, from, to, ...) MESSAGE_##NAME,
#include "net/message.def"
#undef MSG
	MESSAGE_KINDS
};

#define U8(name)       uint8_t name;
#define U32(name)      uint32_t name;
#define U64(name)      uint64_t name;
#define STR_FIELD(name, max) struct str name;
#pragma push_macro("STR")
#undef STR
#define STR STR_FIELD
#define MSG(NAME, name_, from, to, ...)                                                            \
	struct msg_##name_ {                                                                       \
		__VA_ARGS__                                                                        \
	};
#include "net/message.def"
#undef MSG
#undef STR
#pragma pop_macro("STR")
#undef U8
#undef U32
#undef U64
#undef STR_FIELD

struct message {
	enum message_kind kind;
	union {
#define MSG(NAME, name, from, to, ...) struct msg_##name name;
#include "net/message.def"
#undef MSG
	};
};

const char *message_name(enum message_kind k);
/* One message as bytes (the frame without its length), and back. Decoding fails with RC_INPUT on
 * an unknown kind, a field over its limit, missing or left-over bytes. For channel.c and fuzzing. */
struct buf;
enum rc message_encode(struct buf *b, const struct message *m);
enum rc message_decode(struct str bytes, struct message *ret, struct err *e);

struct channel;
typedef void channel_fn(void *ctx, struct channel *c, const struct message *m);
/* The peer went away or broke the rules; the channel is closed when this returns. */
typedef void channel_gone_fn(void *ctx, struct channel *c, const char *why);

/* Takes fd. me and peer decide which messages are legal. */
enum rc channel_new(struct loop *l, int take_fd, enum role me, enum role peer, channel_fn *on_message,
		    channel_gone_fn *on_gone, void *ctx, struct channel **ret, struct err *e);
void channel_free(struct channel *c);
/* Copies m into the queue. Errors: RC_LIMIT (queue full), RC_NOMEM, RC_BROKEN (closed). */
enum rc channel_send(struct channel *c, const struct message *m);
/* Writes what is queued now instead of at the end of the round. */
void channel_flush(struct channel *c);
/* A connected pair of non-blocking, close-on-exec sockets. */
enum rc channel_pair(int ret_fds[2], struct err *e);
