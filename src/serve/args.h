/* SPDX-License-Identifier: Apache-2.0 */
/* serve/args.h - the command line of `remit serve`, both for people and for roles. */
#pragma once

#include "base/arena.h"
#include "net/role.h"

struct serve_args {
	char deployment[4096]; /* absolute; /etc/remit when not given */
	bool unsafe_no_sandbox;
	/* What follows is set for a role only. */
	bool is_role;
	enum role role;
	char name[LIMIT_ID_BYTES + 1];
	uint64_t generation;
	struct sandbox_ids ids;
	struct role_peer peers[LIMIT_ROLE_PEERS];
	size_t n_peers;
};

enum { SERVE_ARGV_MAX = 20 };

/* argv[0] is "serve". RC_INPUT names the word that is wrong. */
enum rc serve_args_parse(int argc, char **argv, struct serve_args *ret, struct err *e);
/* The command line for a role: argv[0] is "remit", argv[1] is "serve"; the words live in arena. */
enum rc serve_args_print(const struct serve_args *a, struct arena *arena,
			 char *argv[SERVE_ARGV_MAX], struct err *e);
