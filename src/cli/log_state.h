/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_state.h - a published log with what lies beside it in a state directory, for commands
 * that decide again. Nothing is written, and a running Remit is not disturbed.
 *
 * The directory has `segments` (sealed values), `keys` (data keys, wrapped), `keeper` (the key they
 * are wrapped with) and `bundles`. Whoever may read them all decides again whatever was not erased;
 * whoever has less is told what is missing. The wrapping key stays in locked memory.
 */
#pragma once

#include "audit/audit.h"
#include "cli/cli.h"

struct log_state_options {
	const char *log;
	const char *state; /* NULL: the directory that log is in */
	const char *key;   /* NULL: log.vkey beside log */
	const char *positional;
	bool as_json;
};

/* 0, or an exit status after a complaint. wants: what the positional argument is, NULL = there is
 * none. */
int log_state_parse(const struct cli_command *c, int argc, char **argv, const char *wants,
		    struct log_state_options *ret);

struct log_state;
enum rc log_state_open(const struct log_state_options *o, struct log_state **ret, struct err *e);
void log_state_free(struct log_state *s);
/* For one walk. */
struct audit_source log_state_source(struct log_state *s);
/* The first leaf that is not pruned. */
uint64_t log_state_first(const struct log_state *s);
uint64_t log_state_size(const struct log_state *s); /* leaves under the last checkpoint */
/* What could not be read here, and so what cannot be decided again; "" = all is there. */
struct str log_state_missing(const struct log_state *s);
