/* SPDX-License-Identifier: Apache-2.0 */
/* base/sandbox_filter.c - the seccomp half of the sandbox: which system calls a need stands for.
 *
 * Holds:  (1) in an allow-list, what no table names is refused.
 *         (2) comparisons look at the 32 bits that the kernel looks at, so that garbage in the
 *             upper half of a register passes no check.
 *         (3) memory is never executable, threads never become processes.
 */
#include "base/sandbox_filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define END (-1)
#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

/* clang-format off */
/* What every role may do: nothing here reaches beyond descriptors and memory it has. */
static const int base_calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(close),
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(lseek), SCMP_SYS(fcntl), SCMP_SYS(pipe2),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select),
	SCMP_SYS(pselect6), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(signalfd4),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(mlock),
	SCMP_SYS(mlock2), SCMP_SYS(munlock), SCMP_SYS(futex), SCMP_SYS(membarrier),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(exit), SCMP_SYS(exit_group), END};

static const int read_calls[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx),
	SCMP_SYS(fstatfs), SCMP_SYS(statfs), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64),
	SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(flock), SCMP_SYS(fadvise64),
	SCMP_SYS(getcwd), END};

static const int write_calls[] = {
	SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
	SCMP_SYS(sync_file_range), SCMP_SYS(ftruncate), SCMP_SYS(truncate), SCMP_SYS(fallocate),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(fchmod),
	SCMP_SYS(fchown), SCMP_SYS(umask), SCMP_SYS(utimensat), SCMP_SYS(copy_file_range), END};

static const int accept_calls[] = {SCMP_SYS(accept), SCMP_SYS(accept4), END};
static const int connect_calls[] = {SCMP_SYS(connect), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg), END};

/* Nobody but an intruder makes these; in an allow-list they kill. */
static const int hostile_calls[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(bpf), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
	SCMP_SYS(perf_event_open), SCMP_SYS(add_key), SCMP_SYS(keyctl), SCMP_SYS(request_key), END};

/* Refused to a role that spawns, and to what it spawns. */
static const int refused_calls[] = {
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(bpf),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
	SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(move_mount), SCMP_SYS(open_tree),
	SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr), SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load),
	SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(perf_event_open), SCMP_SYS(add_key),
	SCMP_SYS(keyctl), SCMP_SYS(request_key), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at), SCMP_SYS(acct), SCMP_SYS(quotactl), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(reboot), SCMP_SYS(syslog), SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex), SCMP_SYS(iopl),
	SCMP_SYS(ioperm), SCMP_SYS(vhangup), SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
	SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(kcmp), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(lookup_dcookie), SCMP_SYS(personality), END};

/* clang-format on */

/* A filter that is being built; the first failure sticks. */
struct filter {
	scmp_filter_ctx ctx;
	int error; /* negative errno */
};

static void filter_fini(struct filter *f)
{
	seccomp_release(f->ctx);
}

static void rule(struct filter *f, uint32_t action, int call)
{
	if (f->error == 0) {
		f->error = seccomp_rule_add(f->ctx, action, call, 0);
	}
}

/* action when (argument & mask) == value. */
static void rule_masked(struct filter *f, uint32_t action, int call, unsigned arg, uint64_t mask,
			uint64_t value)
{
	struct scmp_arg_cmp cmp = {
	    .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};

	if (f->error == 0) {
		f->error = seccomp_rule_add_array(f->ctx, action, call, 1, &cmp);
	}
}

static bool is_in(const int *calls, int call)
{
	for (; calls && *calls != END; calls++) {
		if (*calls == call) {
			return true;
		}
	}
	return false;
}

static void rules(struct filter *f, uint32_t action, const int *calls, const int *except)
{
	for (; calls && *calls != END; calls++) {
		if (!is_in(except, *calls)) {
			rule(f, action, *calls);
		}
	}
}

static void allow_with_conditions(struct filter *f, unsigned needs)
{
	const uint32_t allow = SCMP_ACT_ALLOW;
	const uint64_t low = 0xffffffff; /* invariant (2) */

	/* Invariant (3). */
	rule_masked(f, allow, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
	rule_masked(f, allow, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	rule_masked(f, allow, SCMP_SYS(ioctl), 1, low, FIONBIO);
	rule_masked(f, allow, SCMP_SYS(ioctl), 1, low, FIONREAD);
	rule_masked(f, allow, SCMP_SYS(socketpair), 0, low, AF_UNIX);
	/* abort() is how a broken invariant ends a role. */
	rule_masked(f, allow, SCMP_SYS(tgkill), 0, low, (uint64_t)getpid());
	if (needs & SANDBOX_UNIX) {
		rule_masked(f, allow, SCMP_SYS(socket), 0, low, AF_UNIX);
	}
	if (needs & SANDBOX_INET) {
		rule_masked(f, allow, SCMP_SYS(socket), 0, low, AF_INET);
		rule_masked(f, allow, SCMP_SYS(socket), 0, low, AF_INET6);
	}
	if (needs & SANDBOX_THREADS) {
		rule_masked(f, allow, SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_NAMESPACES,
			    CLONE_THREAD);
	}
}

static void build_allow_list(struct filter *f, const struct sandbox_policy *p)
{
	rules(f, SCMP_ACT_ALLOW, base_calls, NULL);
	if (p->needs & SANDBOX_READ) {
		rules(f, SCMP_ACT_ALLOW, read_calls, NULL);
	}
	if (p->needs & SANDBOX_WRITE) {
		rules(f, SCMP_ACT_ALLOW, write_calls, NULL);
	}
	if (p->needs & SANDBOX_ACCEPT) {
		rules(f, SCMP_ACT_ALLOW, accept_calls, NULL);
	}
	if (p->needs & (SANDBOX_UNIX | SANDBOX_INET)) {
		rules(f, SCMP_ACT_ALLOW, connect_calls, NULL);
	}
	rules(f, SCMP_ACT_ALLOW, p->syscalls, NULL);
	allow_with_conditions(f, p->needs);
	rules(f, SCMP_ACT_KILL_PROCESS, hostile_calls, p->syscalls);
}

/* There is no "equals none of these" for one argument: refuse each other family by number, and
 * each higher bit. */
static void refuse_families(struct filter *f, unsigned needs)
{
	const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);

	for (unsigned family = 0; family < 64; family++) {
		bool is_wanted =
		    (family == AF_UNIX && (needs & SANDBOX_UNIX)) ||
		    ((family == AF_INET || family == AF_INET6) && (needs & SANDBOX_INET));

		if (!is_wanted) {
			rule_masked(f, refuse, SCMP_SYS(socket), 0, 0xffffffff, family);
		}
	}
	for (unsigned bit = 6; bit < 32; bit++) {
		rule_masked(f, refuse, SCMP_SYS(socket), 0, 1ULL << bit, 1ULL << bit);
	}
}

static void build_refusals(struct filter *f, const struct sandbox_policy *p)
{
	static const uint64_t namespaces[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
					      CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
					      CLONE_NEWNET};
	const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);

	rules(f, refuse, refused_calls, p->syscalls);
	refuse_families(f, p->needs);
	rule_masked(f, refuse, SCMP_SYS(ioctl), 1, 0xffffffff, TIOCSTI);
	if (is_in(p->syscalls, SCMP_SYS(unshare))) {
		return; /* this role makes namespaces for its children */
	}
	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
		rule_masked(f, refuse, SCMP_SYS(clone), 0, namespaces[i], namespaces[i]);
	}
}

enum rc sandbox_filter_load(const struct sandbox_policy *p, struct err *e)
{
	bool spawns = p->needs & SANDBOX_SPAWN;
	CLEANUP(filter_fini)
	struct filter f = {.ctx = seccomp_init(spawns ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM))};

	if (!f.ctx) {
		FAIL(e, RC_NOMEM, "no memory for the %s's filter", p->name);
	}
	if (spawns) {
		build_refusals(&f, p);
	} else {
		build_allow_list(&f, p);
	}
	/* Its flags are out of a filter's sight; glibc falls back to clone. */
	rule(&f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
	if (f.error == 0) {
		f.error = seccomp_load(f.ctx);
	}
	if (f.error != 0) {
		errno = -f.error;
		return err_set_sys(e, RC_BROKEN, __func__, "cannot load the %s's filter", p->name);
	}
	return RC_OK;
}
