/* SPDX-License-Identifier: Apache-2.0 */
/* courier/transfer.h - libcurl's transfers, followed to their end on our loop. */
#pragma once

#include <curl/curl.h>

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

struct transfers;

/* What becomes of one: done with its result and the last status (0 = none), or dropped by
 * transfers_free. Exactly one of them is called, once; ctx is the callee's to free, the handle is
 * not. */
struct transfer_end {
	void (*done)(void *ctx, CURLcode result, long status);
	void (*drop)(void *ctx);
	void *ctx;
};

/* What a POST needs. */
struct transfer_post {
	const char *url;
	struct curl_slist *headers; /* borrowed until the end */
	struct str body;	    /* the same */
	uint64_t timeout_ms;
	curl_write_callback take; /* of the answer; less than all ends the transfer */
	void *ctx;		  /* take's */
	char *why;		  /* CURL_ERROR_SIZE bytes */
	const char *ca_file;	  /* NULL or "" = the system's authorities */
	bool may_reuse; /* of connections: libcurl may then send it twice, on a dead one and on a
			   new one */
};

/* No redirects, no proxies, no cookies; TLS from 1.2 on. False: no memory. */
bool transfer_set_post(CURL *c, const struct transfer_post *p);
/* libcurl's global state must be set up (curl_global_init). */
enum rc transfers_new(struct loop *l, struct transfers **ret, struct err *e);
/* Drops what is under way. */
void transfers_free(struct transfers *t);
/* Starts a handle that is set up but for CURLOPT_PRIVATE; it is taken, also on failure (and then
 * neither function is called). done is called from the loop, never from inside. */
enum rc transfers_add(struct transfers *t, CURL *take_easy, const struct transfer_end *end,
		      struct err *e);
