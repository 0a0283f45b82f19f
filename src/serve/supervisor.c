/* SPDX-License-Identifier: Apache-2.0 */
/* serve/supervisor.c - all roles run, or are on their way to.
 *
 * Trust:  roles may have been taken over; all they can tell us is READY and PONG, that they
 *         ended, that a neighbour is lost, and, the governor, that a sender must end.
 * Holds:  (1) in a restart of all, no role of the last run is left when the next one begins.
 *         (2) within STOP_MS and the time to reap, no role is left after a stop.
 *         (3) nothing is restarted faster than the back-off allows.
 * States: STARTING -all ready-> RUNNING;  RUNNING -a role ends that can be restarted alone, or is
 *         ended for its silence-> RUNNING (alone.c, watch.c);
 *         STARTING, RUNNING -another ends-> STOPPING (to restart);
 *         any -SIGTERM-> STOPPING (to end);  STOPPING -all reaped-> WAITING or end;
 *         WAITING -timer-> STARTING;  STARTING -fails, never ready yet-> STOPPING (to end, failed).
 */
#include "serve/supervisor_impl.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "serve/sd_notify.h"

static const char *label_of(const struct child *c, char out[LIMIT_ID_BYTES + 32])
{
	child_label(c->role, c->name, out);
	return out;
}

static void timer_in(struct supervisor *s, uint64_t ms)
{
	/* The timer is set and moved all the time; its place was reserved at the start. */
	MUST(loop_timer_in(s->loop, &s->timer, ms) == RC_OK);
}

static size_t running(const struct supervisor *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->children.n; i++) {
		n += s->children.list[i].pid != 0;
	}
	return n;
}

static void start(struct supervisor *s);

/* All are reaped: what next? */
static void stopped(struct supervisor *s)
{
	for (size_t i = 0; i < s->children.n; i++) {
		channel_free(s->children.list[i].channel);
		s->children.list[i].channel = NULL;
	}
	s->children.n = 0;
	if (s->ends) {
		loop_stop(s->loop);
		return;
	}
	log_warn("starting again in %llu ms", (unsigned long long)s->backoff_ms);
	s->state = STATE_WAITING;
	timer_in(s, s->backoff_ms);
	s->backoff_ms = s->backoff_ms * 2 < BACKOFF_MOST_MS ? s->backoff_ms * 2 : BACKOFF_MOST_MS;
}

static void stop(struct supervisor *s)
{
	const struct message m = {.kind = MESSAGE_STOP};

	if (s->state == STATE_RUNNING &&
	    clock_boot_ns(&s->clock) - s->started_ns > STEADY_MS * 1000000ULL) {
		s->backoff_ms = BACKOFF_FIRST_MS;
	}
	if (s->state == STATE_STOPPING) {
		return;
	}
	s->state = STATE_STOPPING;
	alone_forget(s);
	watch_stop(s);
	for (size_t i = 0; i < s->children.n; i++) {
		struct channel *c = s->children.list[i].channel;

		if (c) {
			(void)channel_send(c, &m); /* whoever cannot be told is killed below */
		}
	}
	timer_in(s, STOP_MS);
	if (running(s) == 0) {
		stopped(s);
	}
}

static void kill_all(struct supervisor *s)
{
	char label[LIMIT_ID_BYTES + 32];

	for (size_t i = 0; i < s->children.n; i++) {
		struct child *c = &s->children.list[i];

		if (c->pid) {
			log_warn("%s does not stop: killed", label_of(c, label));
			(void)kill(c->pid, SIGKILL); /* it is our child and not reaped yet */
		}
	}
	timer_in(s, STOP_MS);
}

void supervisor_failed(struct supervisor *s)
{
	if (!s->has_run) {
		s->failed = true;
		s->ends = true;
	}
	stop(s);
}

static void on_timer(struct loop_timer *t)
{
	struct supervisor *s = t->ctx;

	switch (s->state) {
	case STATE_STARTING:
		log_err("not ready after %d s", START_MS / 1000);
		supervisor_failed(s);
		break;
	case STATE_RUNNING:
		break;
	case STATE_STOPPING:
		kill_all(s);
		break;
	case STATE_WAITING:
		start(s);
		break;
	}
}

static struct child *child_of(struct supervisor *s, const struct channel *channel)
{
	for (size_t i = 0; i < s->children.n; i++) {
		if (s->children.list[i].channel == channel) {
			return &s->children.list[i];
		}
	}
	return NULL;
}

/* The governor says that a sender does not answer a stop. */
static void end_silent(struct supervisor *s, uint32_t role)
{
	char label[LIMIT_ID_BYTES + 32];

	for (size_t i = 0; i < s->children.n; i++) {
		struct child *c = &s->children.list[i];

		if ((uint32_t)c->role == role && (c->role == R_AGENTS || c->role == R_RUNNER) &&
		    c->pid) {
			log_err("the %s did not answer a stop: killed", label_of(c, label));
			(void)kill(c->pid, SIGKILL); /* it is our child and not reaped yet */
		}
	}
}

static void all_are_ready(struct supervisor *s)
{
	s->state = STATE_RUNNING;
	s->has_run = true;
	loop_timer_clear(s->loop, &s->timer);
	log_info("ready roles=%zu generation=%llu after_ms=%llu", s->children.n,
		 (unsigned long long)s->args.generation,
		 (unsigned long long)((clock_boot_ns(&s->clock) - s->started_ns) / 1000000));
	alone_tell(s, NULL);
	watch_start(s);
	(void)sd_notify_send("READY=1"); /* nobody may be listening */
}

static void on_ready(struct supervisor *s, struct child *c)
{
	size_t n_ready = 0;

	if (s->state == STATE_RUNNING && !c->is_ready) {
		alone_is_ready(s, c);
	}
	if (s->state != STATE_STARTING) {
		return;
	}
	c->is_ready = true;
	for (size_t i = 0; i < s->children.n; i++) {
		n_ready += s->children.list[i].is_ready;
	}
	if (n_ready == s->children.n) {
		all_are_ready(s);
	}
}

void supervisor_on_message(void *ctx, struct channel *channel, const struct message *m)
{
	struct supervisor *s = ctx;
	struct child *c = child_of(s, channel);

	if (!c) {
		return;
	}
	if (m->kind == MESSAGE_SILENT && c->role == R_GOVERNOR) {
		end_silent(s, m->silent.role);
	} else if (m->kind == MESSAGE_LOST) {
		alone_on_lost(s, c, &m->lost);
	} else if (m->kind == MESSAGE_PONG) {
		watch_answered(s, c);
	} else if (m->kind == MESSAGE_READY) {
		on_ready(s, c);
	}
}

/* The process tells more when it is reaped; until then its silence is enough. */
void supervisor_on_gone(void *ctx, struct channel *channel, const char *why)
{
	struct supervisor *s = ctx;
	struct child *c = child_of(s, channel);
	char label[LIMIT_ID_BYTES + 32];

	if (!c || s->state == STATE_STOPPING || !c->pid) {
		return;
	}
	if (alone_can(s, c)) {
		alone_leaves(s, c);
		return;
	}
	log_warn("lost the %s: %s", label_of(c, label), why);
	supervisor_failed(s);
}

static void reap(struct supervisor *s)
{
	char label[LIMIT_ID_BYTES + 32];
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = NULL;

		for (size_t i = 0; i < s->children.n; i++) {
			if (s->children.list[i].pid == pid) {
				c = &s->children.list[i];
			}
		}
		if (!c) {
			continue;
		}
		c->pid = 0;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
			log_err("%s was killed by its sandbox", label_of(c, label));
		} else if (WIFSIGNALED(status)) {
			log_err("%s was killed by signal %d", label_of(c, label), WTERMSIG(status));
		} else if (WEXITSTATUS(status) != 0 || s->state != STATE_STOPPING) {
			log_err("%s ended with status %d", label_of(c, label), WEXITSTATUS(status));
		}
		if (alone_can(s, c)) {
			alone_ended(s, c,
				    WIFEXITED(status) &&
					WEXITSTATUS(status) == rc_exit_status(RC_IO));
		} else if (s->state != STATE_STOPPING) {
			supervisor_failed(s);
		}
	}
	if (s->state == STATE_STOPPING && running(s) == 0) {
		stopped(s);
	}
}

static void on_signal(struct loop_io *io, uint32_t events)
{
	struct supervisor *s = io->ctx;
	struct signalfd_siginfo info;

	(void)events;
	while (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			continue;
		}
		log_info("signal %u: stopping", info.ssi_signo);
		(void)sd_notify_send("STOPPING=1"); /* nobody may be listening */
		s->ends = true;
		if (s->state == STATE_WAITING) {
			loop_stop(s->loop);
		} else {
			stop(s);
		}
	}
	reap(s);
}

static enum rc try_start(struct supervisor *s, struct err *e)
{
	int ours[LIMIT_CHILDREN];
	enum rc rc;

	rc = children_plug(s->table, &s->plan, s->args.generation, &s->children, ours, e);
	for (size_t i = 0; i < s->children.n; i++) {
		struct child *c = &s->children.list[i];

		if (rc != RC_OK) {
			file_close(ours[i]);
			continue;
		}
		rc = channel_new(s->loop, ours[i], R_SUPERVISOR, c->role, supervisor_on_message,
				 supervisor_on_gone, s, &c->channel, e);
		c->started_ns = s->started_ns;
		if (rc == RC_OK) {
			rc = child_start(c, &s->args, e);
		}
	}
	children_close(&s->children);
	return rc;
}

static void start(struct supervisor *s)
{
	struct err e = ERR_INIT;

	s->state = STATE_STARTING;
	s->started_ns = clock_boot_ns(&s->clock);
	s->args.generation++;
	timer_in(s, START_MS);
	if ((s->table->digest && s->table->digest(s->args.deployment, s->bundle, &e) != RC_OK) ||
	    try_start(s, &e) != RC_OK) {
		log_err("%s", e.msg);
		supervisor_failed(s);
	}
}

static enum rc watch_signals(struct supervisor *s, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set); /* these cannot fail for signals that exist */
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot block signals");
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN); /* activation has a command; a lost terminal is no reason */
	s->signals = (struct loop_io){
	    .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .ready = on_signal, .ctx = s};
	if (s->signals.fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot watch signals");
	}
	return loop_add(s->loop, &s->signals, EPOLLIN, e);
}

static enum rc write_pid_file(struct supervisor *s, struct err *e)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (!s->plan.pid_file[0]) {
		return RC_OK;
	}
	TRY(file_replace(s->plan.pid_file, str_of(text, (size_t)n), 0644, e));
	s->has_pid_file = true;
	return RC_OK;
}

static void supervisor_free(struct supervisor *s)
{
	if (!s) {
		return;
	}
	for (size_t i = 0; i < s->children.n; i++) {
		channel_free(s->children.list[i].channel);
	}
	if (s->has_pid_file) {
		(void)unlink(
		    s->plan.pid_file); /* best effort: a stale one misleads nobody for long */
	}
	file_close(s->signals.fd);
	loop_free(s->loop);
	mem_free(s);
}

static void supervisor_cleanup(struct supervisor **s)
{
	supervisor_free(*s);
}

enum rc supervisor_run(const struct serve_table *table, const struct serve_args *args,
		       struct err *e)
{
	CLEANUP(supervisor_cleanup)
	struct supervisor *s = mem_calloc(1, sizeof(*s));

	if (!s) {
		FAIL(e, RC_NOMEM, "no memory for the supervisor");
	}
	/* Whatever our starter left open is not for the roles. */
	if (close_range(STDERR_FILENO + 1, UINT_MAX, 0) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot close inherited descriptors");
	}
	s->table = table;
	s->args = *args;
	s->clock = clock_system();
	s->signals.fd = -1;
	s->backoff_ms = BACKOFF_FIRST_MS;
	s->timer = (struct loop_timer){.fire = on_timer, .ctx = s};
	s->watch = (struct loop_timer){.fire = watch_tick, .ctx = s};
	TRY(table->plan(args->deployment, &s->plan, e));
	s->args.ids = s->plan.ids;
	TRY(loop_new(&s->clock, &s->loop, e));
	TRY(watch_signals(s, e));
	TRY(write_pid_file(s, e));
	if (s->args.unsafe_no_sandbox) {
		log_warn("running without a sandbox, as asked");
	}
	start(s);
	TRY(loop_run(s->loop, e));
	if (s->failed) {
		FAIL(e, RC_BROKEN, "the roles could not be started");
	}
	log_info("stopped");
	return RC_OK;
}
