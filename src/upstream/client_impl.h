/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/client_impl.h - what the two files of the client share, and nobody else sees.
 *
 * client.c owns the calls, client_link.c the connections (links) that carry them.
 *
 * Holds:  (1) a call's bytes are written to one connection only: client_link_send is the only
 *             writer, and it runs again only when conn_sent_mark proves that nothing left the
 *             first time.
 *         (2) a link has at most one call, and a link that saw anything unexpected is not used
 *             again.
 *         (3) every call ends in exactly one of done and cancel.
 * States: (call) WAITING -link free, connected-> SENT -head-> RECEIVING -end-> done
 *         (link) CONNECTING -> IDLE <-> BUSY -> freed
 */
#pragma once

#include "net/conn.h"
#include "upstream/client.h"

enum { CLIENT_INPUT_BYTES = LIMIT_HTTP_HEAD_BYTES + 256 * 1024 };

enum call_state { WAITING, SENT, RECEIVING };

struct link {
	struct client *client;
	struct conn *conn;
	struct link *prev;
	struct link *next;
	struct client_call *call; /* NULL = idle */
	size_t address;		  /* which one it is connected to */
	unsigned n_calls;	  /* written to it */
	bool is_open;
};

struct client_call {
	struct client *client;
	struct client_call *prev; /* among the waiting */
	struct client_call *next;
	const struct client_handlers *handlers;
	void *ctx;
	struct link *link;
	struct loop_timer timer; /* the nearest of send_by and the end */
	uint64_t send_by_boot_ns;
	uint64_t end_boot_ns;
	enum call_state state;
	uint64_t sent_mark; /* of the link, before the request was queued */
	size_t n_failed;    /* addresses that could not be reached */
	struct buf request; /* may hold a secret: wiped */
	char method[16];
	size_t scanned;
	unsigned n_interim;
	struct buf head_bytes; /* what head points into */
	struct http_head head;
	struct http_body framing;
	struct buf body;
	struct sse_reader events;
	bool is_stream;
	bool is_whole;	/* the answer is complete */
	bool is_listed; /* among the waiting */
	bool is_in_handler;
	bool is_cancelled;
};

struct client {
	struct loop *loop;
	struct client_conf conf;
	struct conn_conf conn_conf;
	char *host;
	struct link *links;	   /* the most recently freed first, so that the pool can shrink */
	struct client_call *first; /* waiting without a link, oldest first */
	struct client_call *last;
	size_t n_links;
	size_t n_calls;
	size_t address;		/* the one that answered last */
	struct loop_timer soon; /* waiting calls to look at */
	bool is_stopping;
};

/* client.c */
/* The end of a call: (3). */
void client_call_finish(struct client_call *call, enum client_fate fate, const char *detail);
void client_call_free(struct client_call *call);       /* without done; it has no link any more */
void client_call_list_first(struct client_call *call); /* among the waiting */
/* Moves the timer to what bounds the call's state. */
void client_call_arm(struct client_call *call);
bool client_call_is_too_late(const struct client_call *call);
void client_call_wipe(struct client_call *call); /* the request */
/* Soon, from the loop: gives waiting calls the links that are free. */
void client_look_at_waiting(struct client *c);

/* client_link.c */
/* An open link that is good as far as anyone can tell, or NULL. */
struct link *client_link_take_idle(struct client *c);
/* A new connection, for a waiting call. */
enum rc client_link_open(struct client_call *call, struct err *e);
/* The one place that writes a request: (1). The call waits and the link is open and idle. */
void client_link_send(struct client_call *call, struct link *link);
/* Separates the call from its link, if any, which lives on only if it is clean: (2). */
void client_link_leave(struct client_call *call, bool is_clean);
void client_link_free(struct link *link);
