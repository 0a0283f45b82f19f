/* SPDX-License-Identifier: Apache-2.0 */
/* front/sender.h - the agents' front as a sender: admissions for HTTP upstreams.
 *
 * Shares nothing with the MCP face beside it: what a face asked for and what this sends meet in the
 * governor only.
 */
#pragma once

#include "core/bundle.h"
#include "net/loop.h"
#include "net/message.h"

struct sender;

struct sender_conf {
	const struct bundle *bundle; /* borrowed */
	uint64_t generation;
	void (*say)(void *ctx, const struct message *m); /* to the governor */
	void *say_ctx;
};

/* Looks up every HTTP upstream's addresses (blocking: before the sandbox). An upstream that cannot
 * be found is an error of its own calls, not of the front. */
enum rc sender_new(struct loop *l, const struct sender_conf *conf, struct sender **ret,
		   struct err *e);
void sender_free(struct sender *s); /* NULL is fine */
/* As struct desk has them. */
void sender_governor_lost(struct sender *s);
void sender_governor_found(struct sender *s, uint64_t generation);
/* True when the message was for a sender. */
bool sender_hear(struct sender *s, const struct message *m);
