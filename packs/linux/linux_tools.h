/* SPDX-License-Identifier: Apache-2.0 */
/* linux_tools.h - what remit-linux does to its host: four things, each with its way back and a read
 * that shows it. Every function checks its own arguments; names never reach a shell.
 */
#pragma once

#include "base/err.h"
#include "tool_server.h"

enum { LINUX_LIST_MAX = 32, LINUX_PATH_BYTES = 1024 };

struct linux_list {
	const char *items[LINUX_LIST_MAX];
	size_t n;
};

struct linux_options {
	const char *nft;     /* program */
	const char *usermod; /* program */
	const char *family;  /* of the table that setup.nft makes: inet */
	const char *table;
	const char *cgroups;	     /* directory of cgroup v2 under which services are */
	const char *prefix;	     /* of etc/shadow; "" = the host's own */
	const char *vault;	     /* directory of quarantined files */
	struct linux_list files;     /* directories whose files may be quarantined */
	struct linux_list protected; /* addresses, services and users never to be touched */
};

bool linux_list_has(const struct linux_list *l, const char *item);
/* A text argument of at most size - 1 bytes without NUL, or RC_INPUT. */
enum rc linux_text(const struct tool_call *a, const char *name, char *ret, size_t size,
		   struct err *e);

/* Runs a program without a shell and waits for it. RC_OK when it exits with 0; RC_DENIED with the
 * end of what it printed otherwise. argv ends in NULL. */
enum rc linux_run(const char *const *argv, struct err *e);

/* nftables: an element with a timeout, so that a block ends also when nobody is left to end it. */
tool_fn linux_blocked, linux_block, linux_unblock;
/* cgroup v2: a service stands still and goes on. */
tool_fn linux_service, linux_freeze, linux_thaw;
/* A user's password and account, as usermod locks them. */
tool_fn linux_user, linux_lock, linux_unlock;
/* A file out of the way, and back as it was. */
tool_fn linux_file, linux_quarantine, linux_restore;
