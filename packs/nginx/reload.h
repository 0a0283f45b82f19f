/* SPDX-License-Identifier: Apache-2.0 */
/* reload.h - make a running nginx read its configuration again, and see that it did. */
#pragma once

#include "base/err.h"

struct reload_conf {
	const char *program;  /* nginx, for testing configurations */
	const char *pid_file; /* of the master */
	const char *config;   /* the whole configuration; NULL = not tested as a whole */
	unsigned wait_ms;     /* for the new workers */
};

/* Does a configuration that is nothing but `include candidate` pass nginx's own test? No socket is
 * opened for it, so it works in a sandbox. beside: a path in a directory where files may be made.
 */
enum rc reload_test_include(const struct reload_conf *c, const char *candidate, const char *beside,
			    struct err *e);
/* Does the whole configuration pass? RC_OK, too, when it cannot be known from here because a
 * sandbox forbids to open the sockets it names. */
enum rc reload_test_all(const struct reload_conf *c, struct err *e);
/* SIGHUP to the master; returns when new workers serve and the old ones have stopped to. RC_AGAIN:
 * they did not in time (nginx keeps the old configuration when the new one is bad). */
enum rc reload_now(const struct reload_conf *c, struct err *e);
