/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c - users that cannot log in: the password is locked, and the account expired, since a
 * locked password alone keeps no key out. The account's earlier end is given back by unlocking.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/num.h"
#include "linux_tools.h"

enum { USER_BYTES = 33, SHADOW_BYTES = 1 << 20, SHADOW_FIELDS = 9, EXPIRED_DAY = 1 };

struct account {
	char name[USER_BYTES];
	bool is_locked;
	bool has_end;
	uint64_t end_days; /* since 1970 */
};

static bool name_is_valid(const char *name)
{
	for (const char *p = name; *p; p++) {
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9') && *p != '_' &&
		    *p != '-') {
			return false;
		}
	}
	return (name[0] >= 'a' && name[0] <= 'z') || name[0] == '_';
}

static enum rc read_account(const struct tool_call *a, struct account *ret, struct err *e)
{
	const struct linux_options *o = a->ctx;
	AUTO_BUF shadow = BUF_INIT(SHADOW_BYTES);
	char path[LINUX_PATH_BYTES];
	struct str rest;

	TRY(linux_text(a, "user", ret->name, sizeof(ret->name), e));
	if (!name_is_valid(ret->name)) {
		FAIL(e, RC_INPUT, "'user' is no name of a user");
	}
	if (snprintf(path, sizeof(path), "%s/etc/shadow", o->prefix) >= (int)sizeof(path)) {
		FAIL(e, RC_LIMIT, "the prefix is too long");
	}
	TRY(file_read(path, &shadow, e));
	rest = buf_view(&shadow);
	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');
		struct str fields[SHADOW_FIELDS] = {0};

		for (size_t i = 0; i < SHADOW_FIELDS && line.p; i++) {
			fields[i] = str_cut(&line, ':');
		}
		if (!str_eq(fields[0], str_from(ret->name))) {
			continue;
		}
		ret->has_end = num_u64(fields[7], UINT32_MAX, &ret->end_days);
		ret->is_locked = str_has_prefix(fields[1], STR("!")) && ret->has_end &&
				 ret->end_days == EXPIRED_DAY;
		return RC_OK;
	}
	FAIL(e, RC_ABSENT, "there is no user '%s'", ret->name);
}

static void answer(struct json_out *w, const struct account *u, bool locked, bool changed)
{
	json_out_key_str(w, "user", str_from(u->name));
	json_out_key_bool(w, "locked", locked);
	json_out_key_bool(w, "changed", changed);
	json_out_key(w, STR("expires"));
	if (u->has_end) {
		json_out_strf(w, "%llu", (unsigned long long)u->end_days);
	} else {
		json_out_str(w, STR(""));
	}
}

enum rc linux_user(const struct tool_call *a, struct json_out *w, struct err *e)
{
	struct account u = {0};

	TRY(read_account(a, &u, e));
	answer(w, &u, u.is_locked, false);
	return RC_OK;
}

static enum rc usermod(const struct linux_options *o, const char *lock, const char *end,
		       const char *name, struct err *e)
{
	const char *argv[8];
	size_t n = 0;

	argv[n++] = o->usermod;
	if (o->prefix[0]) {
		argv[n++] = "--prefix";
		argv[n++] = o->prefix;
	}
	argv[n++] = lock;
	argv[n++] = "--expiredate";
	argv[n++] = end;
	argv[n++] = name;
	argv[n] = NULL;
	return linux_run(argv, e);
}

enum rc linux_lock(const struct tool_call *a, struct json_out *w, struct err *e)
{
	const struct linux_options *o = a->ctx;
	struct account before = {0};
	struct account after = {0};

	TRY(read_account(a, &before, e));
	if (strcmp(before.name, "root") == 0 || linux_list_has(&o->protected, before.name)) {
		FAIL(e, RC_DENIED, "%s is protected", before.name);
	}
	if (!before.is_locked) {
		TRY(usermod(o, "--lock", "1", before.name, e));
	}
	TRY(read_account(a, &after, e));
	answer(w, &after, after.is_locked, !before.is_locked);
	return RC_OK;
}

/* "expires": days since 1970, "" for never: what user_state said before the lock. */
enum rc linux_unlock(const struct tool_call *a, struct json_out *w, struct err *e)
{
	const struct linux_options *o = a->ctx;
	struct account before = {0};
	struct account after = {0};
	struct str end;
	char text[24] = "";
	uint64_t days;

	TRY(read_account(a, &before, e));
	if (!json_str(json_get(a->args, STR("expires")), &end) ||
	    (end.n > 0 && !num_u64(end, UINT32_MAX, &days))) {
		FAIL(e, RC_INPUT, "'expires' must be days since 1970, or nothing");
	}
	if (before.is_locked) {
		(void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(end)); /* a number of 32 bits */
		TRY(usermod(o, "--unlock", text, before.name, e));
	}
	TRY(read_account(a, &after, e));
	answer(w, &after, after.is_locked, before.is_locked);
	return RC_OK;
}
