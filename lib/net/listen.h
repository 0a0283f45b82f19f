/* SPDX-License-Identifier: Apache-2.0 */
/* net/listen.h - a listening socket: TCP or Unix, bounded in number and rate of connections.
 *
 * At either bound it stops accepting, and connections wait in the kernel's backlog.
 */
#pragma once

#include "net/address.h"
#include "net/loop.h"

struct listener;

struct listen_peer {
	char text[ADDRESS_TEXT_BYTES]; /* "192.0.2.1:4711"; "uid 1000" for a Unix socket */
	bool is_unix;
	uint32_t uid; /* SO_PEERCRED, when is_unix */
	uint32_t gid;
	int32_t pid;
};

struct listen_conf {
	unsigned max_connections;
	unsigned accepts_per_s; /* with bursts of the same size; 0 = no bound */
};

/* An accepted, non-blocking socket. Exactly one listen_release() belongs to it. */
typedef void listen_fn(void *ctx, int take_fd, const struct listen_peer *peer);

/* A bound, listening socket. A Unix socket gets unix_mode; a stale one at the path, to which
 * nobody listens any more, is replaced. Errors: RC_INPUT, RC_LIMIT (address), RC_IO. */
enum rc listen_open(struct str address, unsigned unix_mode, int *ret_fd, struct err *e);
/* Takes fd in every case. */
enum rc listen_new(struct loop *l, int take_fd, const struct listen_conf *conf,
		   listen_fn *on_accept, void *ctx, struct listener **ret, struct err *e);
/* One of the accepted connections is over. */
void listen_release(struct listener *l);
/* Closes the socket; connections go on. Again is fine. */
void listen_stop(struct listener *l);
void listen_free(struct listener *l); /* NULL is fine */
/* Where it listens: the port that the system chose for port 0. */
enum rc listen_address(const struct listener *l, struct address *ret, struct err *e);
