/* SPDX-License-Identifier: Apache-2.0 */
/* serve/supervisor_impl.h - what the files of the supervisor share. */
#pragma once

#include "serve/alone.h"
#include "serve/child.h"
#include "serve/supervisor.h"
#include "serve/watch.h"

enum {
	START_MS = 600 * 1000, /* to be ready; a governor may have a long log to replay */
	STOP_MS = 5000,	       /* to end by themselves after STOP */
	BACKOFF_FIRST_MS = 200,
	BACKOFF_MOST_MS = 30 * 1000,
	STEADY_MS = 60 * 1000, /* a run this long forgets the back-off */
	WATCH_TICK_MS = 250,
};

enum state { STATE_STARTING, STATE_RUNNING, STATE_STOPPING, STATE_WAITING };

struct supervisor {
	const struct serve_table *table;
	struct serve_args args; /* generation: the last one given out */
	struct serve_plan plan;
	uint8_t bundle[32]; /* that all were started with */
	struct clock clock;
	struct loop *loop;
	struct loop_io signals;
	struct loop_timer timer; /* what the state waits for */
	struct loop_timer watch; /* while RUNNING */
	enum state state;
	bool ends;    /* no restart after the stop */
	bool has_run; /* all were ready once */
	bool failed;  /* the end is an error */
	bool has_pid_file;
	uint64_t backoff_ms;
	uint64_t started_ns;
	struct children children;
};

/* The end of this run of all roles; a restart follows, if they have ever been ready. */
void supervisor_failed(struct supervisor *s);
/* The handlers of the channels to children; ctx is the supervisor. */
void supervisor_on_message(void *ctx, struct channel *channel, const struct message *m);
void supervisor_on_gone(void *ctx, struct channel *channel, const char *why);
