/* SPDX-License-Identifier: Apache-2.0 */
/* sender/desk.h - what every sender does with an admission, whatever carries the call.
 *
 * The agents' front (HTTP upstreams) and the runner (children) are both senders. The desk holds
 * each admission until its secret is there, checks that the arguments are the admitted ones and
 * that send-by has not passed, sees to it that a call is handed out once and answered with exactly
 * one OUTCOME, and answers fences. A carrier (struct desk_carrier) moves the bytes.
 *
 * States of a call:
 *	WAITING -secret is there-> STARTED -desk_commit-> SENT -desk_done-> answered, forgotten
 *	WAITING, STARTED -send-by, fence, secret dropped-> OUTCOME_NOT_SENT, forgotten
 * Until desk_commit has said yes, the carrier may prepare (connect, start a child, initialize a
 * session) but not a byte of the call itself may leave. After it, the call was sent, come what may.
 *
 * start() and drop() may end the call they are about, but no other.
 *
 * When the governor ends, what was not sent is not sent any more; what was goes on, and the next
 * governor is told of it first (IN_FLIGHT), then each outcome, those that came meanwhile included.
 *
 * Ownership: a struct desk_call belongs to the desk; it is void when desk_done returns or when
 * drop() was called for it.
 */
#pragma once

#include "net/loop.h"
#include "net/message.h"

/* FENCE's scope. */
enum fence_scope { FENCE_EVERYTHING = 0, FENCE_AGENT, FENCE_TASK, FENCE_UPSTREAM, FENCE_TOOL };

enum {
	DESK_CALLS_MAX = 4096,	 /* in hand, and as many whose outcome waits for a governor */
	DESK_SECRETS_MAX = 1024, /* leases whose secret is here; more is refused */
	/* Of results that wait for a governor; what is more is told as unknown. */
	DESK_KEPT_BYTES = 16 * 1024 * 1024,
};

struct desk;

struct desk_call {
	uint64_t call; /* people see "c<call>" */
	uint64_t send_by_boot_ns;
	struct str agent;
	struct str task;
	struct str upstream;
	struct str tool;
	struct str args;  /* canonical JSON, digest checked */
	struct str trace; /* W3C traceparent and tracestate of the agent, or "" */
	struct str trace_state;
	void *carried; /* the carrier's own */
};

struct desk_carrier {
	void *ctx;
	/* Begin to carry c. It ends with desk_done, now or later, unless drop comes first. */
	void (*start)(void *ctx, struct desk_call *c);
	/* Forget c, which was started and not sent. The desk has answered. */
	void (*drop)(void *ctx, struct desk_call *c);
	/* A fence is over c, which was committed: true when certainly not a byte of it left and
	 * none ever will. The carrier forgets it then; the desk answers. NULL: never. */
	bool (*recall)(void *ctx, struct desk_call *c);
	/* Close what is in scope: children are killed, idle sessions ended. Calls that were sent
	 * and die of it are done with OUTCOME_UNKNOWN from inside. */
	void (*fence)(void *ctx, enum fence_scope scope, struct str name);
	/* Read the upstream's tool definitions; ends with desk_definitions. */
	void (*list)(void *ctx, struct str upstream);
	/* A message for the governor. */
	void (*say)(void *ctx, const struct message *m);
};

/* generation: of the link with the governor; an admission of another one is not sent. The carrier
 * is copied. */
enum rc desk_new(struct loop *l, uint64_t generation, const struct desk_carrier *carrier,
		 struct desk **ret);
/* Forgets everything without a word; for the end of the role. */
void desk_free(struct desk *d);

/* The governor ended. Nothing is said until another one is found. */
void desk_governor_lost(struct desk *d);
/* generation: of the link with it. */
void desk_governor_found(struct desk *d, uint64_t generation);

/* ADMISSION, SECRET, SECRET_DROP, FENCE, LIST_DEFINITIONS; true when it was one of them. */
bool desk_hear(struct desk *d, const struct message *m);

/* The last question before the first byte. False: too late; end it with OUTCOME_NOT_SENT. */
bool desk_commit(struct desk *d, struct desk_call *c) MUST_USE;
bool desk_is_sent(const struct desk_call *c);
/* The fields (JSON object) of the call's credential, or "" when it runs without one. Borrowed for
 * the moment: to be written where it is used, never kept. */
struct str desk_secret(const struct desk *d, const struct desk_call *c);
/* Answers and forgets c. result: a CallToolResult for OK and TOOL_ERROR, else "". One that is
 * larger than LIMIT_RESULT_BYTES makes the outcome unknown: the effect may stand, what it was is
 * not on record. A NOT_SENT for a call that was committed is turned into UNKNOWN. */
void desk_done(struct desk *d, struct desk_call *c, enum outcome_kind kind, struct str result,
	       struct str detail);
/* Ends a committed call of which certainly not a byte left, as a transport with a queue of its own
 * may find out, with OUTCOME_NOT_SENT. */
void desk_recalled(struct desk *d, struct desk_call *c, struct str detail);
void desk_definitions(struct desk *d, struct str upstream, bool ok, struct str tools,
		      struct str detail);

/* Is this call (or anything known by these names) in the scope of a fence? Empty names match
 * nothing but FENCE_EVERYTHING. A tool is named "<upstream>___<tool>". */
bool fence_covers(enum fence_scope scope, struct str name, struct str agent, struct str task,
		  struct str upstream, struct str tool);
