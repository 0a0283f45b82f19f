/* SPDX-License-Identifier: Apache-2.0 */
/* serve/args.c - words to struct serve_args and back. */
#include "serve/args.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#define DEFAULT_DEPLOYMENT "/etc/remit"

static enum rc take_name(struct str s, char ret[LIMIT_ID_BYTES + 1], struct err *e)
{
	if (s.n > LIMIT_ID_BYTES) {
		FAIL(e, RC_LIMIT, "'" STR_FMT "' is too long a name", STR_ARG(s));
	}
	memset(ret, 0, LIMIT_ID_BYTES + 1);
	if (s.n) {
		memcpy(ret, s.p, s.n);
	}
	return RC_OK;
}

/* "uid:gid" */
static bool take_ids(struct str s, struct sandbox_ids *ret)
{
	struct str gid_text = s;
	struct str uid_text = str_cut(&gid_text, ':');
	uint64_t uid;
	uint64_t gid;

	if (!num_u64(uid_text, UINT32_MAX - 1, &uid) || !num_u64(gid_text, UINT32_MAX - 1, &gid)) {
		return false;
	}
	*ret = (struct sandbox_ids){.is_set = true, .uid = (uid_t)uid, .gid = (gid_t)gid};
	return true;
}

static enum rc take_option(struct str option, struct str value, struct serve_args *a, struct err *e)
{
	bool is_good = true;

	if (str_eq(option, STR("--role"))) {
		a->is_role = true;
		is_good = role_from_name(value, &a->role);
	} else if (str_eq(option, STR("--name"))) {
		TRY(take_name(value, a->name, e));
	} else if (str_eq(option, STR("--generation"))) {
		is_good = num_u64(value, UINT64_MAX, &a->generation);
	} else if (str_eq(option, STR("--ids"))) {
		is_good = take_ids(value, &a->ids);
	} else if (str_eq(option, STR("--peers"))) {
		TRY(role_peers_parse(value, a->peers, &a->n_peers, e));
	} else {
		FAIL(e, RC_INPUT, "unknown option '" STR_FMT "'", STR_ARG(option));
	}
	if (!is_good) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no value for " STR_FMT, STR_ARG(value),
		     STR_ARG(option));
	}
	return RC_OK;
}

enum rc serve_args_parse(int argc, char **argv, struct serve_args *ret, struct err *e)
{
	const char *directory = NULL;

	memset(ret, 0, sizeof(*ret));
	for (int i = 1; i < argc; i++) {
		struct str word = str_from(argv[i]);

		if (str_eq(word, STR("--unsafe-no-sandbox"))) {
			ret->unsafe_no_sandbox = true;
		} else if (str_eq(word, STR("--foreground"))) {
			continue; /* there is no other way to run; said for clarity in unit files */
		} else if (!str_has_prefix(word, STR("-")) && !directory) {
			directory = argv[i];
		} else if (str_has_prefix(word, STR("--")) && i + 1 < argc) {
			TRY(take_option(word, str_from(argv[i + 1]), ret, e));
			i++;
		} else {
			FAIL(e, RC_INPUT, "cannot understand '%s'", argv[i]);
		}
	}
	directory = directory ? directory : DEFAULT_DEPLOYMENT;
	if (!realpath(directory, ret->deployment)) {
		return err_set_sys(e, RC_ABSENT, __func__, "no deployment directory '%s'",
				   directory);
	}
	return RC_OK;
}

static enum rc push(char *argv[SERVE_ARGV_MAX], size_t *n, struct str word, struct arena *arena,
		    struct err *e)
{
	MUST(*n < SERVE_ARGV_MAX - 1);
	argv[*n] = arena_cstr(arena, word);
	if (!argv[*n]) {
		FAIL(e, RC_NOMEM, "no memory for a command line");
	}
	(*n)++;
	argv[*n] = NULL;
	return RC_OK;
}

enum rc serve_args_print(const struct serve_args *a, struct arena *arena,
			 char *argv[SERVE_ARGV_MAX], struct err *e)
{
	AUTO_BUF peers = BUF_INIT(LIMIT_ROLE_PEERS * (LIMIT_ID_BYTES + 32));
	const struct str pairs[][2] = {
	    {STR("--role"), str_from(role_name(a->role))},
	    {STR("--name"), str_from(a->name)},
	    {STR("--generation"), arena_strf(arena, "%llu", (unsigned long long)a->generation)},
	    {STR("--ids"), arena_strf(arena, "%u:%u", (unsigned)a->ids.uid, (unsigned)a->ids.gid)},
	};
	size_t n = 0;

	TRY(push(argv, &n, STR("remit"), arena, e));
	TRY(push(argv, &n, STR("serve"), arena, e));
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (str_eq(pairs[i][0], STR("--ids")) && !a->ids.is_set) {
			continue;
		}
		TRY(push(argv, &n, pairs[i][0], arena, e));
		TRY(push(argv, &n, pairs[i][1], arena, e));
	}
	if (role_peers_print(a->peers, a->n_peers, &peers) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a command line");
	}
	TRY(push(argv, &n, STR("--peers"), arena, e));
	TRY(push(argv, &n, buf_view(&peers), arena, e));
	if (a->unsafe_no_sandbox) {
		TRY(push(argv, &n, STR("--unsafe-no-sandbox"), arena, e));
	}
	return push(argv, &n, str_from(a->deployment), arena, e);
}
