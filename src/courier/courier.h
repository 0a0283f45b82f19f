/* SPDX-License-Identifier: Apache-2.0 */
/* courier/courier.h - the role that carries messages out: notifiers, by name.
 *
 * A message (JSON) goes to a program (courier/command.h), a URL (courier/webhook.h) or by mail
 * (courier/smtp.h), whatever
 * the deployment says of that notifier. Every order is answered once, within the notifier's time;
 * nothing is repeated here: whether to tell somebody again is the governor's to decide.
 */
#pragma once

#include "config/deployment.h"
#include "net/role.h"

/* The most it may need; without a notifier that is a program it may not start any. */
extern const struct sandbox_policy courier_sandbox;

enum { LIMIT_NOTIFYING = 64 }; /* messages under way */

struct courier;

struct courier_conf {
	const struct notifier *notifiers; /* borrowed */
	size_t n_notifiers;
	uint64_t timeout_ms; /* 0 = the standard ones */
	void (*notified)(void *ctx, uint64_t id, bool ok, struct str detail);
	void *ctx;
};

/* Reads the notifiers' secrets. */
enum rc courier_new(struct loop *l, const struct courier_conf *conf, struct courier **ret,
		    struct err *e);
/* Forgets what is under way, without a word. */
void courier_free(struct courier *c);
/* Answered by conf.notified, now or later. */
void courier_notify(struct courier *c, uint64_t id, struct str notifier, struct str body);

/* Loads the deployment and carries until it is told to stop. */
enum rc role_courier_main(const struct role_env *env, struct err *e);
