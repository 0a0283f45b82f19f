/* SPDX-License-Identifier: Apache-2.0 */
/* base/sandbox.c - leave everything behind, then shut the doors: user, limits, Landlock.
 *
 * Trust:  called once, early, by a role about itself; policies are ours.
 * Holds:  (1) the last wall is shut last: no step after seccomp needs a right.
 *         (2) what was given up is read back, and being able to get it again is an error.
 * The system call filter is in base/sandbox_filter.c.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sandbox_filter.h"

/* Landlock's interface as the kernel documents it (Documentation/userspace-api/landlock.rst).
 * Bookworm's headers know ABI 2 only, so the words are spelled here and the ABI is asked for at
 * run time. */
enum {
	LL_CREATE_RULESET = 444,
	LL_ADD_RULE = 445,
	LL_RESTRICT_SELF = 446,
	LL_CREATE_RULESET_VERSION = 1,
	LL_RULE_PATH_BENEATH = 1,
};

#define LL_FS_EXECUTE	       (1ULL << 0)
#define LL_FS_WRITE_FILE       (1ULL << 1)
#define LL_FS_READ_FILE	       (1ULL << 2)
#define LL_FS_READ_DIR	       (1ULL << 3)
#define LL_FS_REMOVE_DIR       (1ULL << 4)
#define LL_FS_REMOVE_FILE      (1ULL << 5)
#define LL_FS_MAKE_DIR	       (1ULL << 7)
#define LL_FS_MAKE_REG	       (1ULL << 8)
#define LL_FS_REFER	       (1ULL << 13) /* ABI 2 */
#define LL_FS_TRUNCATE	       (1ULL << 14) /* ABI 3 */
#define LL_FS_IOCTL_DEV	       (1ULL << 15) /* ABI 5 */
#define LL_FS_ABI1	       ((1ULL << 13) - 1)
#define LL_NET_BIND_TCP	       (1ULL << 0) /* ABI 4 */
#define LL_NET_CONNECT_TCP     (1ULL << 1) /* ABI 4 */
#define LL_SCOPE_ABSTRACT_UNIX (1ULL << 0) /* ABI 6 */
#define LL_SCOPE_SIGNAL	       (1ULL << 1) /* ABI 6 */

struct ll_ruleset {
	uint64_t fs;
	uint64_t net;	 /* ABI 4 */
	uint64_t scoped; /* ABI 6 */
};

struct ll_path_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

int sandbox_landlock_abi(void)
{
	long abi = syscall(LL_CREATE_RULESET, NULL, (size_t)0, LL_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static uint64_t handled_fs(int abi)
{
	uint64_t fs = LL_FS_ABI1;

	if (abi >= 2) {
		fs |= LL_FS_REFER;
	}
	if (abi >= 3) {
		fs |= LL_FS_TRUNCATE;
	}
	if (abi >= 5) {
		fs |= LL_FS_IOCTL_DEV;
	}
	return fs;
}

static uint64_t rights_of(enum sandbox_access access)
{
	uint64_t fs = LL_FS_READ_FILE | LL_FS_READ_DIR;

	switch (access) {
	case SANDBOX_PATH_READ:
		break;
	case SANDBOX_PATH_WRITE:
		fs |= LL_FS_WRITE_FILE | LL_FS_TRUNCATE | LL_FS_REMOVE_DIR | LL_FS_REMOVE_FILE |
		      LL_FS_MAKE_DIR | LL_FS_MAKE_REG | LL_FS_REFER;
		break;
	case SANDBOX_PATH_EXEC:
		fs |= LL_FS_EXECUTE;
		break;
	}
	return fs;
}

static enum rc add_path(int ruleset, const struct sandbox_path *p, uint64_t handled, struct err *e)
{
	AUTO_FD fd = open(p->path, O_PATH | O_CLOEXEC);
	struct ll_path_beneath rule = {.allowed = rights_of(p->access) & handled};
	struct stat st;

	if (fd < 0 && p->is_optional && (errno == ENOENT || errno == ENOTDIR)) {
		return RC_OK;
	}
	if (fd < 0 || fstat(fd, &st) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot open '%s' for the sandbox", p->path);
	}
	if (!S_ISDIR(st.st_mode)) {
		rule.allowed &= LL_FS_EXECUTE | LL_FS_WRITE_FILE | LL_FS_READ_FILE | LL_FS_TRUNCATE;
	}
	rule.fd = fd;
	if (syscall(LL_ADD_RULE, ruleset, LL_RULE_PATH_BENEATH, &rule, 0) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "landlock refuses '%s'", p->path);
	}
	return RC_OK;
}

static enum rc shut_paths(const struct sandbox_policy *p, const struct sandbox_path *paths,
			  size_t n_paths, struct err *e)
{
	int abi = sandbox_landlock_abi();
	struct ll_ruleset set = {.fs = handled_fs(abi)};
	size_t size = abi >= 6 ? sizeof(set) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
	AUTO_FD ruleset = -1;

	if (abi < 2) {
		FAIL(e, RC_BROKEN, "this kernel's landlock (ABI %d) cannot confine the %s", abi,
		     p->name);
	}
	if (abi >= 4) {
		set.net = LL_NET_BIND_TCP;
		if (!(p->needs & SANDBOX_INET)) {
			set.net |= LL_NET_CONNECT_TCP;
		}
	}
	if (abi >= 6) {
		set.scoped = LL_SCOPE_ABSTRACT_UNIX;
		if (!(p->needs & SANDBOX_SIGNAL)) {
			set.scoped |= LL_SCOPE_SIGNAL;
		}
	}
	ruleset = (int)syscall(LL_CREATE_RULESET, &set, size, 0);
	if (ruleset < 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot create a landlock ruleset");
	}
	for (size_t i = 0; i < n_paths; i++) {
		TRY(add_path(ruleset, &paths[i], set.fs, e));
	}
	if (syscall(LL_RESTRICT_SELF, ruleset, 0) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "landlock cannot confine the %s",
				   p->name);
	}
	return RC_OK;
}

static enum rc drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};
	struct __user_cap_data_struct got[2] = {0};

	for (int cap = 0; cap < 64; cap++) {
		/* EINVAL is the end of the kernel's list, EPERM that we never had the right. */
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) {
			break;
		}
	}
	if (syscall(SYS_capset, &head, none) != 0 || syscall(SYS_capget, &head, got) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot drop capabilities");
	}
	for (size_t i = 0; i < ARRAY_LEN(got); i++) {
		if (got[i].permitted | got[i].effective | got[i].inheritable) {
			FAIL(e, RC_BROKEN, "capabilities are still there after dropping them");
		}
	}
	return RC_OK;
}

/* Invariant (2). */
static enum rc check_ids(const struct sandbox_ids *ids, struct err *e)
{
	uid_t uids[3];
	gid_t gids[3];

	if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot read back who we are");
	}
	for (size_t i = 0; i < ARRAY_LEN(uids); i++) {
		if (uids[i] != ids->uid || gids[i] != ids->gid) {
			FAIL(e, RC_BROKEN, "still not user %u after becoming it",
			     (unsigned)ids->uid);
		}
	}
	if (setuid(0) == 0 || setgid(0) == 0) {
		FAIL(e, RC_BROKEN, "user %u can become root again", (unsigned)ids->uid);
	}
	return RC_OK;
}

enum rc sandbox_become(const struct sandbox_ids *ids, struct err *e)
{
	if (!ids->is_set) {
		return RC_OK;
	}
	if (ids->uid == 0 || ids->gid == 0) {
		FAIL(e, RC_INPUT, "a role cannot become root");
	}
	if (geteuid() == 0 && setgroups(0, NULL) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot drop groups");
	}
	if (setresgid(ids->gid, ids->gid, ids->gid) != 0 ||
	    setresuid(ids->uid, ids->uid, ids->uid) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot become user %u group %u",
				   (unsigned)ids->uid, (unsigned)ids->gid);
	}
	return check_ids(ids, e);
}

static enum rc set_limits(const struct sandbox_policy *p, struct err *e)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot switch core dumps off");
	}
	/* A second lock on the same door; threads count as processes of the user. */
	if (!(p->needs & (SANDBOX_SPAWN | SANDBOX_THREADS)) &&
	    setrlimit(RLIMIT_NPROC, &none) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot limit processes");
	}
	/* Set anew after each change of user, which resets it. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot shut debuggers out");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot give up new privileges");
	}
	return RC_OK;
}

enum rc sandbox_enter(const struct sandbox_policy *p, const struct sandbox_path *paths,
		      size_t n_paths, const struct sandbox_ids *ids, bool unsafe_no_walls,
		      struct err *e)
{
	TRY(sandbox_become(ids, e));
	TRY(drop_capabilities(e));
	TRY(set_limits(p, e));
	if (unsafe_no_walls) {
		return RC_OK;
	}
	TRY(shut_paths(p, paths, n_paths, e));
	return sandbox_filter_load(p, e);
}
