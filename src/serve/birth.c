/* SPDX-License-Identifier: Apache-2.0 */
/* serve/birth.c - a role's first and last moments.
 *
 * Holds:  (1) a role without its supervisor stops: the channel is watched before anything else.
 *         (2) a failure while all are being stopped is no failure: peers go in any order then.
 */
#include "serve/birth.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/file.h"
#include "base/log.h"
#include "serve/child.h"

enum {
	LAST_WORD_MS = 200, /* how long a failed role listens for a STOP that explains it */
	LINGER_MS = 30,	    /* after STOP, so that all have heard it before the first is gone */
};

struct birth {
	struct role_env env;
	struct role_plug plugs[LIMIT_ROLE_PEERS];
	struct loop_timer linger;
	bool is_over; /* its main has returned, and what its links pointed at is gone */
	char label[LIMIT_ID_BYTES + 32];
};

static void on_linger(struct loop_timer *t)
{
	struct birth *b = t->ctx;

	loop_stop(b->env.loop);
}

static void on_supervisor(void *ctx, struct channel *c, const struct message *m)
{
	static const struct message pong = {.kind = MESSAGE_PONG};
	struct birth *b = ctx;

	if (m->kind == MESSAGE_PLUG && b->is_over) {
		file_close(channel_take_fd(c));
	} else if (m->kind == MESSAGE_PLUG) {
		role_replug(&b->env, &m->plug, channel_take_fd(c));
	} else if (m->kind == MESSAGE_UNPLUG) {
		role_unplug(&b->env, &m->unplug);
	} else if (m->kind == MESSAGE_PING) {
		(void)channel_send(c, &pong); /* unsaid, it ends this role */
	} else if (m->kind == MESSAGE_ROLE_STATE) {
		role_note_state(&b->env, &m->role_state);
	} else if (m->kind == MESSAGE_STOP) {
		b->env.is_stopping = true;
		if (loop_timer_in(b->env.loop, &b->linger, LINGER_MS) != RC_OK) {
			loop_stop(b->env.loop);
		}
	}
}

/* Invariant (1). */
static void on_supervisor_gone(void *ctx, struct channel *c, const char *why)
{
	struct birth *b = ctx;

	(void)c;
	(void)why;
	b->env.is_stopping = true;
	loop_stop(b->env.loop);
}

static const struct serve_role *find_role(const struct serve_table *table, enum role role)
{
	for (size_t i = 0; i < table->n_roles; i++) {
		if (table->roles[i].role == role) {
			return &table->roles[i];
		}
	}
	return NULL;
}

/* Invariant (2). */
static bool is_being_stopped(struct birth *b)
{
	uint64_t until_ns = clock_boot_ns(&b->env.clock) + LAST_WORD_MS * 1000000ULL;

	while (!b->env.is_stopping && clock_boot_ns(&b->env.clock) < until_ns) {
		if (loop_step(b->env.loop, LAST_WORD_MS / 10, NULL) != RC_OK) {
			break;
		}
	}
	return b->env.is_stopping;
}

static enum rc run(const struct serve_table *table, struct serve_args *a, struct birth *b,
		   struct err *e)
{
	const struct serve_role *row = find_role(table, a->role);
	bool was_stopping;
	enum rc rc;

	if (!row) {
		FAIL(e, RC_INPUT, "this binary has no role '%s'", role_name(a->role));
	}
	b->env = (struct role_env){
	    .role = a->role,
	    .name = a->name,
	    .deployment = a->deployment,
	    .generation = a->generation,
	    .unsafe_no_sandbox = a->unsafe_no_sandbox,
	    .ids = a->ids,
	    .clock = clock_system(),
	    .peers = a->peers,
	    .n_peers = a->n_peers,
	    .plugs = b->plugs,
	};
	if (!row->opens_as_root) {
		TRY(sandbox_become(&a->ids, e));
	}
	TRY(loop_new(&b->env.clock, &b->env.loop, e));
	b->linger = (struct loop_timer){.fire = on_linger, .ctx = b};
	TRY(role_channel(&b->env, R_SUPERVISOR, "", on_supervisor, on_supervisor_gone, b,
			 &b->env.supervisor, e));
	channel_allow_fds(b->env.supervisor);
	rc = row->main(&b->env, e);
	was_stopping = b->env.is_stopping;
	b->is_over = true;
	if (rc != RC_OK && is_being_stopped(b)) {
		if (!was_stopping) {
			/* Perhaps it was the first, and all are being stopped because of it. */
			log_warn("%s", e->msg);
		}
		return RC_OK;
	}
	return rc;
}

int birth_run(const struct serve_table *table, struct serve_args *a)
{
	struct birth b = {0};
	struct err e = ERR_INIT;
	char comm[32];
	enum rc rc;

	/* Else top(1) shows every role as "exe"; what is too long for the kernel is cut. */
	(void)snprintf(comm, sizeof(comm), "remit:%s", role_name(a->role));
	(void)prctl(PR_SET_NAME, comm); /* only looks */
	child_label(a->role, a->name, b.label);
	log_set_role(b.label);
	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for a signal that exists */
	rc = run(table, a, &b, &e);
	if (rc != RC_OK) {
		log_err("%s", e.msg[0] ? e.msg : rc_text(rc));
	}
	channel_free(b.env.supervisor);
	loop_free(b.env.loop);
	return rc_exit_status(rc);
}
