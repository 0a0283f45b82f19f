/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_server_impl.h - what the three files of the HTTP server share, and nobody else sees.
 *
 * http_server.c owns connections, http_read.c turns their bytes into requests, http_answer.c turns
 * answers into bytes.
 *
 * Holds:  (1) a handler has at most one request per connection, and it is complete.
 *         (2) while a request is handled its bytes stay at the front of the input: nothing is read
 *             (a deferred one pauses the connection) and nothing consumed, so head and body need no
 *             copy.
 *         (3) a request that was handed over ends in exactly one of: answer, end of stream,
 *             abort, gone.
 * States: IDLE -byte-> HEAD -head-> BODY -body-> HANDLING -answer-> IDLE | CLOSING
 *         HANDLING -stream_start-> STREAMING -stream_end-> IDLE | CLOSING
 *         HEAD, BODY -malformed, too slow-> refused, CLOSING;  any -peer gone, abort-> freed.
 */
#pragma once

#include "net/http_server.h"

enum phase { IDLE, HEAD, BODY, HANDLING, STREAMING, CLOSING };

enum { HTTP_DATE_BYTES = 32 };

struct connection {
	struct http_server *server;
	struct conn *c;
	struct connection *prev;
	struct connection *next;
	struct listen_peer peer;
	struct loop_timer soon; /* a pipelined request waits in the input */
	enum phase phase;
	size_t scanned;		      /* HEAD: how far the parser looked */
	struct http_request *request; /* BODY to STREAMING */
	uint64_t n_requests;
	uint64_t armed_request; /* the phase for which the timer runs */
	enum phase armed_phase;
	bool is_processing;
	bool is_paused;
	bool is_dead; /* aborted while processing: freed after it */
	_Alignas(16) char session[];
};

struct http_request {
	struct connection *connection;
	struct http_head head;
	const char *head_at; /* where the input was when head was parsed */
	struct http_body chunks;
	struct buf decoded; /* the body, when it came in chunks */
	struct str body;
	size_t total_bytes; /* of the request in the input; 0 = not yet known */
	void *data;
	bool closes; /* the connection ends after this answer */
	bool is_event_stream;
	bool is_gone;
};

struct http_server {
	struct loop *loop;
	struct listener *listener;
	struct http_server_conf conf;
	struct conn_conf conn_conf;
	const struct http_server_handlers *handlers;
	void *ctx;
	struct connection *first;
	size_t n_connections;
	struct http_request *spare; /* the next request to fill */
	uint64_t date_unix_s;
	char date[HTTP_DATE_BYTES];
	bool is_stopping;
	bool was_told_stopped;
};

/* http_server.c */
/* A blank request; NULL without memory. */
struct http_request *http_request_take(struct http_server *s);
void http_request_put(struct http_server *s, struct http_request *r);
/* Closes and frees; while http_connection_process runs, after it. */
void http_connection_free(struct connection *hc);
/* Sets the timer that belongs to the phase, once per request and phase. */
void http_connection_arm(struct connection *hc);
void http_connection_pause(struct connection *hc, bool is_paused);

/* http_read.c */
/* Reads and hands over as many requests as are there and get answered at once. */
void http_connection_process(struct connection *hc);
/* The request is answered: flushes, and makes the connection ready for the next, or closes it. */
void http_request_finish(struct http_request *r);

/* http_answer.c */
/* Answers what never reached a handler, and closes. */
void http_connection_refuse(struct connection *hc, unsigned status, const char *detail);
