/* SPDX-License-Identifier: Apache-2.0 */
/* serve/alone.c - back-off, new channels, and who is told.
 *
 * Trust:  a role may say of a neighbour that it is lost, and can thereby have it ended: no more
 *         than it could bring about by ending itself.
 * Holds:  (1) a process is reaped before the next one of its role is started, and before any
 *             neighbour is given a channel to that one.
 *         (2) all roles run by the same bundle: one that would find another is not started alone.
 *         (3) a role that does not stay up ends as a restart of all, whose back-off grows. Not one
 *             that says it is the disk: that is tried again for ever, while the others say so.
 * States of a child: UP -its channel ends-> LEAVING -grace is over: killed-> LEAVING;
 *         UP, LEAVING, STARTING -reaped-> WAITING -timer-> STARTING -READY-> UP;
 *         STARTING -not ready in time: killed-> STARTING;
 *         any -too many tries, no memory, another bundle-> all are restarted.
 */
#include "serve/alone.h"

#include <signal.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "serve/supervisor_impl.h"

enum {
	ALONE_FIRST_MS = 20,  /* then twice as long each time */
	ALONE_TRIES = 6,      /* 20, 40, ... 640 ms: what has not helped then is something else */
	ALONE_DISK_MS = 3000, /* then, while it is the disk: a start may read a long log */
	LEAVE_MS = 1000,      /* between a channel's end and that of the process */
};

bool alone_can(const struct supervisor *s, const struct child *c)
{
	const struct serve_role *row = child_row(s->table, c->role);

	return s->state == STATE_RUNNING && row && row->restarts_alone;
}

/* ---- who is told ---- */

static void tell_one(struct channel *to, const struct child *c)
{
	const struct message m = {.kind = MESSAGE_ROLE_STATE,
				  .role_state = {.role = (uint32_t)c->role,
						 .name = str_from(c->name),
						 .is_up = c->is_ready,
						 .is_silent = c->is_silent,
						 .restarts = c->restarts}};

	(void)channel_send(to, &m); /* who cannot be told is about to be restarted */
}

void alone_tell(struct supervisor *s, const struct child *c)
{
	for (size_t i = 0; i < s->children.n; i++) {
		const struct child *to = &s->children.list[i];

		if (!(to->role & (R_PEOPLE | R_GOVERNOR | R_AGENTS)) || !to->is_ready) {
			continue;
		}
		for (size_t k = 0; k < s->children.n; k++) {
			if (!c || c == to || c == &s->children.list[k]) {
				tell_one(to->channel, &s->children.list[k]);
			}
		}
	}
}

/* ---- starting ---- */

static void on_timer(struct loop_timer *t);

static bool timer_in(struct supervisor *s, struct child *c, uint64_t ms)
{
	c->timer.fire = on_timer;
	c->timer.ctx = c;
	c->owner = s;
	if (loop_timer_in(s->loop, &c->timer, ms) != RC_OK) {
		log_err("no memory for a timer: all roles are restarted");
		supervisor_failed(s);
		return false;
	}
	return true;
}

/* Each neighbour that runs gets its end; the ends of the others are closed. */
static void hand_out(struct supervisor *s, const struct child *c, int take_ends[LIMIT_CHILDREN])
{
	struct message m = {.kind = MESSAGE_PLUG,
			    .plug = {.role = (uint32_t)c->role,
				     .name = str_from(c->name),
				     .generation = c->generation}};

	for (size_t i = 0; i < s->children.n; i++) {
		const struct child *to = &s->children.list[i];

		if (take_ends[i] < 0) {
			continue;
		}
		if (!c->pid || !to->pid) {
			file_close(take_ends[i]);
		} else if (channel_send_fd(to->channel, &m, take_ends[i]) != RC_OK) {
			log_err("the %s cannot be given a channel", role_name(to->role));
			(void)kill(to->pid, SIGKILL); /* it is our child and not reaped yet */
		}
	}
}

static enum rc try_start(struct supervisor *s, struct child *c, struct err *e)
{
	int ends[LIMIT_CHILDREN];
	int ours = -1;
	enum rc rc;

	rc = child_replug(&s->children, c, ++s->args.generation, &ours, ends, e);
	if (rc != RC_OK) {
		file_close(ours);
	} else {
		rc = channel_new(s->loop, ours, R_SUPERVISOR, c->role, supervisor_on_message,
				 supervisor_on_gone, s, &c->channel, e);
	}
	if (rc == RC_OK) {
		rc = child_start(c, &s->args, e);
	}
	children_close(&s->children);
	hand_out(s, c, ends);
	return rc;
}

/* (2) */
static bool has_changed(const struct supervisor *s)
{
	uint8_t now[32];
	struct err e = ERR_INIT;

	if (!s->table->digest) {
		return false;
	}
	if (s->table->digest(s->args.deployment, now, &e) != RC_OK) {
		log_err("the deployment cannot be read: %s", e.msg);
		return false; /* nor will the role read it: that is the end of this try */
	}
	return memcmp(now, s->bundle, sizeof(now)) != 0;
}

static void start(struct supervisor *s, struct child *c)
{
	struct err e = ERR_INIT;

	if (has_changed(s)) {
		log_warn("the deployment was changed: all roles are restarted");
		supervisor_failed(s);
		return;
	}
	c->started_ns = clock_boot_ns(&s->clock);
	c->restarts++;
	if (!timer_in(s, c, START_MS)) {
		return;
	}
	if (try_start(s, c, &e) != RC_OK) {
		log_err("%s", e.msg);
		alone_ended(s, c, false);
	}
}

void alone_ended(struct supervisor *s, struct child *c, bool by_disk)
{
	char label[LIMIT_ID_BYTES + 32];
	uint64_t in_ms = ALONE_DISK_MS;
	bool was_steady = clock_boot_ns(&s->clock) - c->started_ns > STEADY_MS * 1000000ULL;

	child_label(c->role, c->name, label);
	channel_free(c->channel); /* nothing is said by it any more, and no end of it noticed */
	c->channel = NULL;
	c->is_ready = false;
	c->unanswered = 0;
	c->is_silent = false;
	if (was_steady) {
		c->tries = 0;
	}
	if (c->tries == ALONE_TRIES && !by_disk) {
		log_err("the %s does not stay: all roles are restarted", label);
		supervisor_failed(s);
		return;
	}
	if (c->tries < ALONE_TRIES) {
		in_ms = (uint64_t)ALONE_FIRST_MS << c->tries++;
	}
	log_warn("the %s is started again", label);
	alone_tell(s, c);
	(void)timer_in(s, c, in_ms); /* it says what follows */
}

void alone_is_ready(struct supervisor *s, struct child *c)
{
	char label[LIMIT_ID_BYTES + 32];
	uint64_t took_ns = clock_boot_ns(&s->clock) - c->started_ns;

	child_label(c->role, c->name, label);
	loop_timer_clear(s->loop, &c->timer);
	c->is_ready = true;
	log_info("the %s is back generation=%llu after_ms=%llu", label,
		 (unsigned long long)c->generation, (unsigned long long)(took_ns / 1000000));
	alone_tell(s, c);
}

/* ---- ends ---- */

void alone_leaves(struct supervisor *s, struct child *c)
{
	(void)timer_in(s, c, LEAVE_MS); /* it says what follows */
}

static void on_timer(struct loop_timer *t)
{
	struct child *c = t->ctx;
	struct supervisor *s = c->owner;
	char label[LIMIT_ID_BYTES + 32];

	if (c->pid == 0) {
		start(s, c);
		return;
	}
	child_label(c->role, c->name, label);
	log_err("the %s is neither ready nor gone: killed", label);
	(void)kill(c->pid, SIGKILL); /* it is our child and not reaped yet */
}

void alone_on_lost(struct supervisor *s, const struct child *from, const struct msg_lost *m)
{
	char label[LIMIT_ID_BYTES + 32];

	for (size_t i = 0; i < s->children.n; i++) {
		const struct child *c = &s->children.list[i];
		uint64_t link = c->generation > from->generation ? c->generation : from->generation;

		if ((uint32_t)c->role != m->role || !str_eq(m->name, str_from(c->name)) ||
		    !child_is_linked(c, from)) {
			continue;
		}
		if (c->pid && m->generation == link) {
			child_label(c->role, c->name, label);
			log_err("the %s has lost the %s (" STR_FMT "), which is ended",
				role_name(from->role), label, STR_ARG(m->why));
			(void)kill(c->pid, SIGKILL); /* it is our child and not reaped yet */
		}
		return;
	}
}

void alone_forget(struct supervisor *s)
{
	for (size_t i = 0; i < s->children.n; i++) {
		loop_timer_clear(s->loop, &s->children.list[i].timer);
	}
}
