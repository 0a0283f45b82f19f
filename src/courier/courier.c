/* SPDX-License-Identifier: Apache-2.0 */
/* courier/courier.c - which notifier, and what became of it.
 *
 * Trust:  orders are the governor's; bodies may quote agents and upstreams.
 * Holds:  (1) each order is answered exactly once.
 */
#include "courier/courier.h"

#include "base/mem.h"
#include "base/rand.h"
#include "base/secret.h"
#include "courier/command.h"
#include "courier/smtp.h"
#include "courier/webhook.h"

/* A message under way. */
struct errand {
	struct courier *courier;
	uint64_t id;
	bool is_used;
	struct command *command; /* NULL for a webhook */
};

struct courier {
	struct loop *loop;
	struct courier_conf conf;
	uint64_t mark; /* random: makes the ids of this life's messages unlike any other's */
	struct secret **secrets; /* one per notifier; NULL = none */
	struct transfers *transfers;
	struct errand errands[LIMIT_NOTIFYING];
};

static void answer(struct courier *c, uint64_t id, bool ok, struct str detail)
{
	c->conf.notified(c->conf.ctx, id, ok, str_slice(detail, 0, 256));
}

static void on_done(void *ctx, bool ok, struct str detail)
{
	struct errand *x = ctx;

	x->is_used = false;
	x->command = NULL; /* frees itself */
	answer(x->courier, x->id, ok, detail);
}

static struct errand *new_errand(struct courier *c, uint64_t id)
{
	for (size_t i = 0; i < LIMIT_NOTIFYING; i++) {
		if (!c->errands[i].is_used) {
			c->errands[i] = (struct errand){.courier = c, .id = id, .is_used = true};
			return &c->errands[i];
		}
	}
	return NULL;
}

/* By HTTP or by mail. */
static enum rc send_out(struct courier *c, size_t at, struct errand *x, struct str body,
			struct err *e)
{
	const struct notifier *n = &c->conf.notifiers[at];
	uint64_t unix_s = clock_unix_ms(loop_clock(c->loop)) / 1000;
	AUTO_BUF id = BUF_INIT(1024);

	if (buf_addf(&id, "remit_%016llx_%llu", (unsigned long long)c->mark,
		     (unsigned long long)x->id) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a message");
	}
	return n->type == NOTIFIER_SMTP
		   ? smtp_send(c->transfers, n, c->secrets[at], buf_view(&id), body, unix_s,
			       c->conf.timeout_ms, on_done, x, e)
		   : webhook_send(c->transfers, n->url, c->secrets[at], buf_view(&id), body, unix_s,
				  c->conf.timeout_ms, on_done, x, e);
}

static enum rc send_to(struct courier *c, size_t at, struct errand *x, struct str body,
		       struct err *e)
{
	const struct notifier *n = &c->conf.notifiers[at];

	switch (n->type) {
	case NOTIFIER_COMMAND:
		return command_start(c->loop, n, body, c->conf.timeout_ms, on_done, x, &x->command,
				     e);
	case NOTIFIER_WEBHOOK:
	case NOTIFIER_SMTP:
		return send_out(c, at, x, body, e);
	case NOTIFIER_NONE:
		break;
	}
	FAIL(e, RC_INPUT, "notifier '" STR_FMT "' is of no known type", STR_ARG(n->name));
}

void courier_notify(struct courier *c, uint64_t id, struct str notifier, struct str body)
{
	struct err e = ERR_INIT;
	struct errand *x;
	size_t at = 0;

	while (at < c->conf.n_notifiers && !str_eq(c->conf.notifiers[at].name, notifier)) {
		at++;
	}
	if (at == c->conf.n_notifiers) {
		answer(c, id, false, STR("there is no such notifier"));
		return;
	}
	x = new_errand(c, id);
	if (!x) {
		answer(c, id, false, STR("too many messages are under way"));
		return;
	}
	if (send_to(c, at, x, body, &e) != RC_OK) {
		x->is_used = false;
		answer(c, id, false, str_from(e.msg));
	}
}

static enum rc read_secrets(struct courier *c, struct err *e)
{
	for (size_t i = 0; i < c->conf.n_notifiers; i++) {
		AUTO_ARENA arena = ARENA_INIT(8192);
		const char *path = arena_cstr(&arena, c->conf.notifiers[i].secret_file);

		if (!path) {
			FAIL(e, RC_NOMEM, "no memory for a path");
		}
		if (path[0]) {
			TRY(secret_read(path, &c->secrets[i], e));
		}
	}
	return RC_OK;
}

static void courier_cleanup(struct courier **c)
{
	courier_free(*c);
}

enum rc courier_new(struct loop *l, const struct courier_conf *conf, struct courier **ret,
		    struct err *e)
{
	CLEANUP(courier_cleanup) struct courier *c = mem_calloc(1, sizeof(*c));

	if (!c) {
		FAIL(e, RC_NOMEM, "no memory for the courier");
	}
	c->loop = l;
	c->conf = *conf;
	rand_bytes(&c->mark, sizeof(c->mark));
	c->secrets = mem_calloc(conf->n_notifiers, sizeof(struct secret *));
	if (!c->secrets) {
		FAIL(e, RC_NOMEM, "no memory for the courier");
	}
	TRY(read_secrets(c, e));
	TRY(transfers_new(l, &c->transfers, e));
	*ret = TAKE(c);
	return RC_OK;
}

void courier_free(struct courier *c)
{
	if (!c) {
		return;
	}
	transfers_free(c->transfers);
	for (size_t i = 0; i < LIMIT_NOTIFYING; i++) {
		command_free(c->errands[i].command);
	}
	for (size_t i = 0; c->secrets && i < c->conf.n_notifiers; i++) {
		secret_free(c->secrets[i]);
	}
	mem_free(c->secrets);
	mem_free(c);
}
