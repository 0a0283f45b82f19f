/* SPDX-License-Identifier: Apache-2.0 */
/* net/channel.h - typed messages between two roles over a socketpair.
 *
 * Both ends know both roles; a message that the table (net/message.def) does not allow from this
 * sender to this receiver ends the channel, as does one that does not decode to its last byte.
 * Sending never blocks: bytes queue up to LIMIT_CHANNEL_QUEUE_BYTES, beyond which the peer counts
 * as gone. What a round queues is written at its end (LOOP_FLUSH) in as few writes as possible.
 * Strings in a received message are borrowed for the time of the handler. Channels of the keeper,
 * its backends and the store wipe what they have sent and handled. Wire form:
 * docs/formats/channel.md.
 */
#pragma once

#include "net/loop.h"
#include "net/message.h"

struct channel;
typedef void channel_fn(void *ctx, struct channel *c, const struct message *m);
/* The peer went away or broke the rules (why says which; a literal or borrowed for the call).
 * Called once, from the loop, never from inside channel_send or channel_flush; the channel is
 * closed then, and still has to be freed, in the handler or later. */
typedef void channel_gone_fn(void *ctx, struct channel *c, const char *why);

/* Takes fd. me and peer decide which messages are legal. */
enum rc channel_new(struct loop *l, int take_fd, enum role me, enum role peer,
		    channel_fn *on_message, channel_gone_fn *on_gone, void *ctx,
		    struct channel **ret, struct err *e);
/* What is queued and not yet written is lost. Allowed inside its own handlers. NULL is fine. */
void channel_free(struct channel *c);
/* Copies m into the queue. A message that the table does not allow me to send to peer is a bug of
 * ours (MUST). Errors: RC_LIMIT (a field over its limit: the channel stays good; or the queue is
 * full: the peer counts as gone), RC_NOMEM, RC_BROKEN (closed, or c is NULL: a peer that is being
 * restarted). */
enum rc channel_send(struct channel *c, const struct message *m);
/* Takes back what this round has queued of that kind, as if it had never been sent: each message is
 * shown to fn (which must not send on c), then forgotten. What earlier rounds queued stays, whether
 * it was written or not. NULL is fine. */
void channel_take_back(struct channel *c, enum message_kind kind,
		       void (*fn)(void *ctx, const struct message *m), void *ctx);
/* Writes what is queued now instead of at the end of the round. NULL is fine. */
void channel_flush(struct channel *c);
/* The peer's process is gone: hands over what it had said, then calls on_gone, all before it
 * returns. Not from within a handler of c. */
void channel_finish(struct channel *c);
/* For on_gone: did the peer end it, rather than break a rule or stop reading? */
bool channel_was_ended(const struct channel *c);

/* ---- descriptors ----
 * The supervisor hands a role the end of a new pair with a message. Nobody else can: a channel
 * that does not take descriptors drops them unseen. */
enum {
	LIMIT_CHANNEL_FDS =
	    64, /* received and not taken yet; more than a role has peers is a flood */
};

/* From here on c takes descriptors: each waits for channel_take_fd, in the order of arrival. */
void channel_allow_fds(struct channel *c);
/* The first one that came with a message up to the one being handled; -1 = none. The caller's. */
int channel_take_fd(struct channel *c);
/* Sends m and take_fd now, behind what is queued. A peer whose socket does not hold them does not
 * read, and counts as gone: RC_BROKEN. */
enum rc channel_send_fd(struct channel *c, const struct message *m, int take_fd);

size_t channel_queued_bytes(const struct channel *c);
enum role channel_peer(const struct channel *c);
/* A connected pair of non-blocking, close-on-exec sockets. */
enum rc channel_pair(int ret_fds[2], struct err *e);
