/* SPDX-License-Identifier: Apache-2.0 */
/* net/channel.c - frames over a socketpair: read, check, hand over; queue, flush.
 *
 * Trust:  the peer is another role of ours, which may have been taken over.
 * Holds:  (1) a handler sees only messages that the table allows from peer to me.
 *         (2) on_gone is called at most once, and no on_message after it.
 *         (3) every failure of the socket is noticed by the reading side: whoever fails elsewhere
 *             shuts the socket down and leaves the rest to the next round.
 *         (4) descriptors are received only by channels that were told to, each close-on-exec, and
 *             none outlives its channel untaken.
 * States: OPEN -send fails, queue full-> SHUT -end of input seen-> GONE -channel_free-> freed;
 *         OPEN -end of input, broken rule-> GONE.
 */
#include "net/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/reader.h"

enum {
	FRAME_HEAD_BYTES = 4,
	READ_BYTES = 64 * 1024, /* asked for at once */
	READS_PER_ROUND = 8,	/* then the others have their turn */
	FIRST_QUEUE_BYTES = 16 * 1024,
	COMPACT_BYTES = 256 * 1024, /* written bytes in front of the queue before it is moved */
	/* Below this, any message fits. */
	QUEUE_NEARLY_FULL_BYTES =
	    LIMIT_CHANNEL_QUEUE_BYTES - LIMIT_MESSAGE_BYTES - FRAME_HEAD_BYTES,
};

struct channel {
	struct loop *loop;
	struct loop_io io;
	struct loop_hook flush;
	enum role me;
	enum role peer;
	channel_fn *on_message;
	channel_gone_fn *on_gone;
	void *ctx;
	struct buf in;
	struct buf out;
	size_t out_at;		    /* bytes of out that are written */
	const char *why;	    /* SHUT: what on_gone will say */
	int fds[LIMIT_CHANNEL_FDS]; /* received, not taken; oldest first */
	size_t n_fds;
	bool takes_fds;
	bool was_ended;	   /* by the peer */
	bool is_finishing; /* reads to the very end */
	size_t round_at; /* where in out the messages of this round begin */
	bool has_secrets;
	bool wants_write; /* EPOLLOUT is on */
	bool is_gone;
	bool is_busy; /* inside a handler: free later */
	bool is_freed;
};

static void wipe(const struct channel *c, char *p, size_t n)
{
	if (c->has_secrets && n) {
		explicit_bzero(p, n);
	}
}

static void free_now(struct channel *c)
{
	loop_remove(c->loop, &c->io);
	loop_hook_remove(c->loop, &c->flush);
	file_close(c->io.fd);
	for (size_t i = 0; i < c->n_fds; i++) {
		file_close(c->fds[i]);
	}
	wipe(c, c->in.p, c->in.n);
	wipe(c, c->out.p, c->out.n);
	buf_fini(&c->in);
	buf_fini(&c->out);
	mem_free(c);
}

void channel_free(struct channel *c)
{
	if (!c) {
		return;
	}
	if (c->is_busy) {
		c->is_freed = true;
		return;
	}
	free_now(c);
}

/* (3) */
static void shut(struct channel *c, const char *why)
{
	if (!c->why) {
		c->why = why;
	}
	(void)shutdown(c->io.fd, SHUT_RDWR); /* fails only when it is shut already */
}

/* From the loop only, with is_busy set. */
static void gone(struct channel *c, const char *why)
{
	if (c->is_gone || c->is_freed) {
		return;
	}
	c->is_gone = true;
	loop_remove(c->loop, &c->io);
	loop_hook_remove(c->loop, &c->flush);
	(void)shutdown(c->io.fd, SHUT_RDWR); /* the peer is to notice now, not at channel_free */
	c->on_gone(c->ctx, c, c->why ? c->why : why);
}

/* Hands over every whole frame in c->in. */
static void handle_frames(struct channel *c)
{
	struct reader r = reader_of(buf_view(&c->in));
	size_t used = 0;
	size_t wanted = 0; /* bytes of the frame that is not whole yet */

	while (!c->is_gone && !c->is_freed && !c->why) {
		struct err e = ERR_INIT;
		struct message m;
		struct str body;
		uint32_t n;

		if (!rd_u32(&r, &n)) {
			break;
		}
		if (n > LIMIT_MESSAGE_BYTES) {
			gone(c, "it sent a message over the limit");
			break;
		}
		if (!rd_take(&r, n, &body)) {
			wanted = FRAME_HEAD_BYTES + n;
			break;
		}
		used += FRAME_HEAD_BYTES + n;
		if (message_decode(body, &m, &e) != RC_OK) {
			gone(c, e.msg);
			break;
		}
		if (!message_is_allowed(m.kind, c->peer, c->me)) {
			gone(c, "it sent a message that it must not send"); /* (1) */
			break;
		}
		c->on_message(c->ctx, c, &m);
		wipe(c, (char *)(uintptr_t)body.p, body.n);
	}
	buf_consume(&c->in, used);
	wipe(c, c->in.p + c->in.n, used); /* what was moved is still behind the end */
	/* So that the rest of a large message is read in one go. */
	if (wanted && buf_reserve(&c->in, wanted - c->in.n) != RC_OK) {
		gone(c, "no memory for its message");
	}
}

/* Those of one recvmsg. False: more than there is room for, or the kernel cut them off. */
static bool keep_fds(struct channel *c, struct msghdr *h)
{
	bool is_good = (h->msg_flags & MSG_CTRUNC) == 0;

	for (struct cmsghdr *x = CMSG_FIRSTHDR(h); x; x = CMSG_NXTHDR(h, x)) {
		size_t n = (x->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (x->cmsg_level != SOL_SOCKET || x->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(x) + i * sizeof(fd), sizeof(fd));
			if (c->n_fds < LIMIT_CHANNEL_FDS) {
				c->fds[c->n_fds++] = fd;
			} else {
				file_close(fd);
				is_good = false;
			}
		}
	}
	return is_good;
}

/* (4). What recv is given with descriptors, the kernel closes. */
static ssize_t receive(struct channel *c, char *p, size_t room)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 4)];
	} control;
	struct iovec part = {.iov_base = p, .iov_len = room};
	struct msghdr h = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes)};
	ssize_t n;

	if (!c->takes_fds) {
		return recv(c->io.fd, p, room, MSG_DONTWAIT);
	}
	n = recvmsg(c->io.fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n >= 0 && !keep_fds(c, &h)) {
		shut(c, "it sent too many descriptors");
	}
	return n;
}

/* False: nothing more is to be read now. */
static bool read_some(struct channel *c)
{
	for (int i = 0; i < READS_PER_ROUND && !c->is_gone && !c->is_freed; i++) {
		size_t room;
		ssize_t n;

		if (c->in.cap - c->in.n < READ_BYTES / 2 &&
		    buf_reserve(&c->in, READ_BYTES) != RC_OK) {
			gone(c, "no memory for its messages");
			return false;
		}
		room = c->in.cap - c->in.n;
		n = receive(c, c->in.p + c->in.n, room);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			return false;
		}
		if (n < 0 && errno == ECONNRESET) {
			n = 0; /* it ended without reading all that we had sent */
		}
		if (n < 0) {
			gone(c, "reading failed");
			return false;
		}
		if (n == 0) {
			c->was_ended = c->why == NULL;
			gone(c, c->in.n ? "it ended inside a message" : "it ended");
			return false;
		}
		c->in.n += (size_t)n;
		handle_frames(c);
		if ((size_t)n < room && !c->takes_fds && !c->is_finishing) {
			return false;
		}
	}
	return true;
}

static void want_write(struct channel *c, bool wanted)
{
	if (c->wants_write == wanted || c->is_gone) {
		return;
	}
	c->wants_write = wanted;
	if (loop_change(c->loop, &c->io, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, NULL) != RC_OK) {
		shut(c, "cannot wait for it");
	}
}

void channel_flush(struct channel *c)
{
	if (!c) {
		return;
	}
	c->round_at = c->out.n; /* a part of it may be written in a moment */
	while (c->out_at < c->out.n && !c->is_gone && !c->why) {
		ssize_t n = send(c->io.fd, c->out.p + c->out_at, c->out.n - c->out_at,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			want_write(c, true);
			return;
		}
		if (n < 0) {
			/* Closed at the other end: what it said before may still be read. */
			if (errno != EPIPE && errno != ECONNRESET) {
				shut(c, "writing failed");
			}
			return;
		}
		wipe(c, c->out.p + c->out_at, (size_t)n);
		c->out_at += (size_t)n;
	}
	if (c->out_at == c->out.n) {
		buf_reset(&c->out);
		c->out_at = 0;
		c->round_at = 0;
		want_write(c, false);
	}
}

static void flush_hook(void *ctx)
{
	struct channel *c = ctx;

	if (c->out_at < c->out.n && !c->wants_write) {
		channel_flush(c);
	}
	c->round_at = c->out.n; /* also when it waits for the peer */
}

static void channel_ready(struct loop_io *io, uint32_t events)
{
	struct channel *c = io->ctx;

	c->is_busy = true;
	if (events & EPOLLOUT) {
		/* Not now: what this round has queued may leave only after its LOOP_COMMIT. */
		want_write(c, false);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		(void)read_some(c); /* what is left wakes us again */
	}
	c->is_busy = false;
	if (c->is_freed) {
		free_now(c);
	}
}

void channel_finish(struct channel *c)
{
	MUST(!c->is_busy);
	c->is_busy = true;
	c->is_finishing = true;
	/* All that a dead process can have said is in the socket; a living one is not listened to
	 * for ever. */
	for (size_t left = LIMIT_CHANNEL_QUEUE_BYTES / READ_BYTES; left > 0; left--) {
		if (!read_some(c)) {
			break;
		}
	}
	gone(c, "another process took its place");
	c->is_busy = false;
	if (c->is_freed) {
		free_now(c);
	}
}

bool channel_was_ended(const struct channel *c)
{
	return c->was_ended;
}

enum rc channel_new(struct loop *l, int take_fd, enum role me, enum role peer,
		    channel_fn *on_message, channel_gone_fn *on_gone, void *ctx,
		    struct channel **ret, struct err *e)
{
	struct channel *c = mem_calloc(1, sizeof(*c));
	enum rc rc;

	if (!c) {
		file_close(take_fd);
		FAIL(e, RC_NOMEM, "no memory for a channel to %s", role_name(peer));
	}
	*c = (struct channel){
	    .loop = l,
	    .io = {.fd = take_fd, .ready = channel_ready, .ctx = c},
	    .flush = {.run = flush_hook, .ctx = c, .phase = LOOP_FLUSH},
	    .me = me,
	    .peer = peer,
	    .on_message = on_message,
	    .on_gone = on_gone,
	    .ctx = ctx,
	    .in = BUF_INIT(FRAME_HEAD_BYTES + LIMIT_MESSAGE_BYTES + 2 * READ_BYTES),
	    .out = BUF_INIT(LIMIT_CHANNEL_QUEUE_BYTES),
	    .has_secrets = ((me | peer) & (R_KEEPER | R_BACKEND | R_STORE)) != 0,
	};
	/* Growing leaves the old bytes behind unwiped; most secrets are small enough for this. */
	rc = buf_reserve(&c->out, FIRST_QUEUE_BYTES);
	if (rc != RC_OK) {
		(void)err_set(e, rc, __func__, "no memory for a channel to %s", role_name(peer));
	} else {
		rc = loop_add(l, &c->io, EPOLLIN, e);
	}
	if (rc != RC_OK) {
		free_now(c);
		return rc;
	}
	loop_hook_add(l, &c->flush);
	*ret = c;
	return RC_OK;
}

/* Moves the queue to the front once enough of it is written, or when the room is needed. */
static void compact(struct channel *c)
{
	if (c->out_at >= COMPACT_BYTES &&
	    (c->out_at >= c->out.n / 2 || c->out.n > QUEUE_NEARLY_FULL_BYTES)) {
		buf_consume(&c->out, c->out_at);
		c->round_at -= c->out_at < c->round_at ? c->out_at : c->round_at;
		c->out_at = 0;
	}
}

enum rc channel_send(struct channel *c, const struct message *m)
{
	size_t head;
	enum rc rc;

	if (!c) {
		return RC_BROKEN;
	}
	MUST(message_is_allowed(m->kind, c->me, c->peer));
	if (c->is_gone || c->why || c->is_freed) {
		return RC_BROKEN;
	}
	compact(c);
	head = c->out.n;
	rc = buf_add_u32(&c->out, 0); /* the length, known only afterwards */
	if (rc == RC_OK) {
		rc = message_encode(&c->out, m);
	}
	if (rc != RC_OK) {
		c->out.n = head;
		if (rc == RC_LIMIT && c->out.n > QUEUE_NEARLY_FULL_BYTES) {
			shut(c, "it does not read what we send");
		}
		return rc;
	}
	for (size_t i = 0, n = c->out.n - head - FRAME_HEAD_BYTES; i < FRAME_HEAD_BYTES; i++) {
		c->out.p[head + i] = (char)(uint8_t)(n >> (8 * (FRAME_HEAD_BYTES - 1 - i)));
	}
	loop_wake(c->loop); /* in case this round's flush is over */
	return RC_OK;
}

/* ---- descriptors ---- */

void channel_allow_fds(struct channel *c)
{
	c->takes_fds = true;
}

int channel_take_fd(struct channel *c)
{
	int fd;

	if (c->n_fds == 0) {
		return -1;
	}
	fd = c->fds[0];
	memmove(c->fds, c->fds + 1, --c->n_fds * sizeof(c->fds[0]));
	return fd;
}

/* The whole queue in one go, with fd at its first byte. */
static bool write_with(struct channel *c, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec part = {.iov_base = c->out.p + c->out_at, .iov_len = c->out.n - c->out_at};
	struct msghdr h = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *x = CMSG_FIRSTHDR(&h);
	size_t n = part.iov_len;

	x->cmsg_level = SOL_SOCKET;
	x->cmsg_type = SCM_RIGHTS;
	x->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(x), &fd, sizeof(fd));
	if (sendmsg(c->io.fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n) {
		return false;
	}
	wipe(c, c->out.p + c->out_at, n);
	buf_reset(&c->out);
	c->out_at = 0;
	c->round_at = 0;
	return true;
}

enum rc channel_send_fd(struct channel *c, const struct message *m, int take_fd)
{
	AUTO_FD fd = take_fd;
	enum rc rc;

	channel_flush(c);
	if (c && channel_queued_bytes(c) > 0) {
		shut(c, "it does not read what we send");
		return RC_BROKEN;
	}
	rc = channel_send(c, m);
	if (rc == RC_OK && !write_with(c, fd)) {
		shut(c, "it does not read what we send");
		rc = RC_BROKEN;
	}
	return rc;
}

void channel_take_back(struct channel *c, enum message_kind kind,
		       void (*fn)(void *ctx, const struct message *m), void *ctx)
{
	size_t from;
	size_t kept;
	struct reader r;
	uint32_t n;
	struct str body;

	if (!c) {
		return;
	}
	from = c->round_at > c->out_at ? c->round_at : c->out_at;
	kept = from;
	r = reader_of(str_slice(buf_view(&c->out), from, SIZE_MAX));
	while (rd_u32(&r, &n) && rd_take(&r, n, &body)) {
		struct message m;

		MUST(message_decode(body, &m, NULL) == RC_OK); /* it was encoded by us */
		if (m.kind == kind) {
			fn(ctx, &m);
			wipe(c, (char *)(uintptr_t)body.p, body.n);
			continue;
		}
		memmove(c->out.p + kept, body.p - FRAME_HEAD_BYTES, n + FRAME_HEAD_BYTES);
		kept += n + FRAME_HEAD_BYTES;
	}
	c->out.n = kept;
}

size_t channel_queued_bytes(const struct channel *c)
{
	return c->out.n - c->out_at;
}

enum role channel_peer(const struct channel *c)
{
	return c->peer;
}

enum rc channel_pair(int ret_fds[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot create a pair of sockets");
	}
	return RC_OK;
}
