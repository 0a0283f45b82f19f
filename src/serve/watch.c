/* SPDX-License-Identifier: Apache-2.0 */
/* serve/watch.c - who has not answered for too long.
 *
 * Holds:  (1) who is killed here counts as not ready: it is asked nothing more, and its READY would
 *             mean nothing.
 */
#include "serve/watch.h"

#include <signal.h>

#include "base/log.h"
#include "serve/supervisor_impl.h"

/* An end of each pair with c is in a neighbour's hands. */
static void unplug(struct supervisor *s, const struct child *c)
{
	const struct message m = {.kind = MESSAGE_UNPLUG,
				  .unplug = {.role = (uint32_t)c->role, .name = str_from(c->name)}};

	for (size_t i = 0; i < s->children.n; i++) {
		const struct child *to = &s->children.list[i];

		if (to->pid && child_is_linked(c, to)) {
			(void)channel_send(to->channel, &m); /* or it notices itself */
		}
	}
}

static void end(struct supervisor *s, struct child *c)
{
	char label[LIMIT_ID_BYTES + 32];

	child_label(c->role, c->name, label);
	log_err("the %s has been silent for %u ms: killed", label, c->unanswered * WATCH_TICK_MS);
	c->is_ready = false; /* (1) */
	c->is_silent = false;
	(void)kill(c->pid, SIGKILL); /* it is our child and not reaped yet */
	if (alone_can(s, c)) {
		unplug(s, c);
		alone_tell(s, c);
	}
}

static void tell_silent(struct supervisor *s, struct child *c, bool is_silent)
{
	char label[LIMIT_ID_BYTES + 32];

	child_label(c->role, c->name, label);
	log_warn("the %s %s", label, is_silent ? "does not answer" : "answers again");
	c->is_silent = is_silent;
	alone_tell(s, c);
}

void watch_answered(struct supervisor *s, struct child *c)
{
	c->unanswered = 0;
	if (c->is_silent) {
		tell_silent(s, c, false);
	}
}

void watch_tick(struct loop_timer *t)
{
	static const struct message ping = {.kind = MESSAGE_PING};
	struct supervisor *s = t->ctx;

	for (size_t i = 0; i < s->children.n; i++) {
		struct child *c = &s->children.list[i];
		const struct serve_role *row = child_row(s->table, c->role);
		unsigned silent_ms = c->unanswered * WATCH_TICK_MS;

		if (!c->pid || !c->is_ready || !row->silent_ms) {
			continue;
		}
		if (silent_ms >= row->silent_ms) {
			end(s, c);
			continue;
		}
		if (row->told_ms && silent_ms >= row->told_ms && !c->is_silent) {
			tell_silent(s, c, true);
		}
		if (channel_send(c->channel, &ping) == RC_OK) {
			c->unanswered++;
		}
	}
	watch_start(s);
}

void watch_start(struct supervisor *s)
{
	if (loop_timer_in(s->loop, &s->watch, WATCH_TICK_MS) != RC_OK) {
		log_err("no memory for a timer: all roles are restarted");
		supervisor_failed(s);
	}
}

void watch_stop(struct supervisor *s)
{
	loop_timer_clear(s->loop, &s->watch);
}
