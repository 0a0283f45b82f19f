/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sandbox.h"

/* Each probe tries one thing and answers 0 or its errno. Every one of them must succeed in a child
 * without a sandbox (the control), so that a refusal means the sandbox and nothing else. */
typedef int probe_fn(void);

static char dir[64]; /* with "in/file" and "out/file" */
static char inside[96];
static char inside_new[96];
static char outside[96];
static char listener_path[96];
static char true_path[] = "/bin/true";
static int inet_port;

static int answer(long result)
{
	return result < 0 ? errno : 0;
}

static int open_inside(void)
{
	return answer(open(inside, O_RDONLY | O_CLOEXEC));
}

static int open_outside(void)
{
	return answer(open(outside, O_RDONLY | O_CLOEXEC));
}

static int open_by_way_of_dots(void)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/in/../out/file", dir);
	return answer(open(path, O_RDONLY | O_CLOEXEC));
}

static int write_inside(void)
{
	return answer(open(inside_new, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int replace_inside(void)
{
	struct err e = ERR_INIT;

	return file_replace(inside_new, STR("x"), 0600, &e) == RC_OK ? 0 : e.sys;
}

static int read_passwords(void)
{
	return answer(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int make_unix_socket(void)
{
	return answer(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int make_inet_socket(void)
{
	return answer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/* The kernel looks at the lower half of the register only; so must the filter. */
static int make_inet_socket_with_garbage_above(void)
{
	return answer(syscall(SYS_socket, (1L << 40) | AF_INET, SOCK_STREAM, 0));
}

static int make_raw_netlink(void)
{
	return answer(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int connect_inet(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)inet_port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? errno : answer(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int connect_unix(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path, listener_path, sizeof(listener_path));
	return fd < 0 ? errno : answer(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int bind_inet(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? errno : answer(bind(fd, (struct sockaddr *)&at, sizeof(at)));
}

static int do_execve(void)
{
	char *argv[] = {true_path, NULL};
	char *envp[] = {NULL};

	(void)execve(true_path, argv, envp); /* returns only on failure */
	return errno;
}

static int do_ptrace(void)
{
	return answer(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int do_unshare(void)
{
	return answer(syscall(SYS_unshare, 0));
}

static int do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		_exit(0);
	}
	if (pid > 0) {
		(void)waitpid(pid, NULL, 0);
	}
	return answer(pid);
}

static void *nothing(void *arg)
{
	return arg;
}

static int start_thread(void)
{
	pthread_t t;
	int error = pthread_create(&t, NULL, nothing, NULL);

	return error ? error : pthread_join(t, NULL);
}

static int map_executable(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		       MAP_FAILED
		   ? errno
		   : 0;
}

static int signal_the_parent(void)
{
	return answer(kill(getppid(), 0));
}

/* What every role needs all the time. */
static int ordinary_work(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fds[2];
	char c = 'x';

	if (p == MAP_FAILED || mlock(p, 4096) != 0) {
		return errno;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0 ||
	    write(fds[0], &c, 1) != 1 || read(fds[1], &c, 1) != 1) {
		return errno;
	}
	return 0;
}

static int abort_is_ours(void)
{
	(void)signal(SIGABRT, SIG_DFL);
	abort();
}

enum expect {
	OK = 0,
	DEAD = -1, /* killed by SIGSYS */
	ABORTED = -2,
};

/* What the probe came to in a child: 0, an errno, or an enum expect below zero. */
static int try(const struct sandbox_policy *p, const struct sandbox_path *paths, size_t n_paths,
	       const struct sandbox_ids *ids, bool no_walls, probe_fn *probe)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e = ERR_INIT;
		const struct rlimit none = {0, 0};

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)alarm(20);
		if (p && sandbox_enter(p, paths, n_paths, ids, no_walls, &e) != RC_OK) {
			(void)fprintf(stderr, "%s: %s\n", p->name, e.msg);
			_exit(250);
		}
		_exit(probe());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		return WTERMSIG(status) == SIGSYS    ? DEAD
		       : WTERMSIG(status) == SIGABRT ? ABORTED
						     : -WTERMSIG(status) - 100;
	}
	assert_int_not_equal(WEXITSTATUS(status), 250);
	return WEXITSTATUS(status);
}

enum { N_POLICIES = 5 };
static const struct sandbox_policy policies[N_POLICIES] = {
    {.name = "sealed"}, /* holds what it was given, reaches nothing: the keeper */
    {.name = "reader", .needs = SANDBOX_READ},
    {.name = "writer", .needs = SANDBOX_READ | SANDBOX_WRITE | SANDBOX_THREADS},
    {.name = "client", .needs = SANDBOX_READ | SANDBOX_INET},
    {.name = "spawner", .needs = SANDBOX_READ | SANDBOX_UNIX | SANDBOX_SPAWN},
};

static const struct {
	const char *name;
	probe_fn *probe;
	int expect[N_POLICIES];
	bool is_abort;
} probes[] = {
    /*						  sealed reader writer client spawner */
    {"ordinary work", ordinary_work, {OK, OK, OK, OK, OK}, false},
    {"abort", abort_is_ours, {ABORTED, ABORTED, ABORTED, ABORTED, ABORTED}, true},
    {"open inside", open_inside, {EPERM, OK, OK, OK, OK}, false},
    {"open outside", open_outside, {EPERM, EACCES, EACCES, EACCES, EACCES}, false},
    {"open by way of dots", open_by_way_of_dots, {EPERM, EACCES, EACCES, EACCES, EACCES}, false},
    {"write inside", write_inside, {EPERM, EACCES, OK, EACCES, EACCES}, false},
    {"replace inside", replace_inside, {EPERM, EACCES, OK, EACCES, EACCES}, false},
    {"/etc/passwd", read_passwords, {EPERM, EACCES, EACCES, EACCES, EACCES}, false},
    {"unix socket", make_unix_socket, {EPERM, EPERM, EPERM, EPERM, OK}, false},
    {"inet socket", make_inet_socket, {EPERM, EPERM, EPERM, OK, EPERM}, false},
    {"inet socket, garbage above",
     make_inet_socket_with_garbage_above,
     {EPERM, EPERM, EPERM, OK, EPERM},
     false},
    {"netlink", make_raw_netlink, {EPERM, EPERM, EPERM, EPERM, EPERM}, false},
    {"connect inet", connect_inet, {EPERM, EPERM, EPERM, OK, EPERM}, false},
    {"connect unix", connect_unix, {EPERM, EPERM, EPERM, EPERM, OK}, false},
    {"bind inet", bind_inet, {EPERM, EPERM, EPERM, EPERM, EPERM}, false},
    {"execve", do_execve, {DEAD, DEAD, DEAD, DEAD, OK}, false},
    {"ptrace", do_ptrace, {DEAD, DEAD, DEAD, DEAD, EPERM}, false},
    {"unshare", do_unshare, {DEAD, DEAD, DEAD, DEAD, EPERM}, false},
    {"fork", do_fork, {EPERM, EPERM, EPERM, EPERM, OK}, false},
    {"thread", start_thread, {EPERM, EPERM, OK, EPERM, OK}, false},
    {"executable memory", map_executable, {EPERM, EPERM, EPERM, EPERM, OK}, false},
    {"signal another process", signal_the_parent, {EPERM, EPERM, EPERM, EPERM, EPERM}, false},
};

static const struct sandbox_path *paths_of(size_t policy, size_t *n)
{
	static struct sandbox_path p[3];

	p[0] = (struct sandbox_path){.path = inside, .access = SANDBOX_PATH_READ};
	*n = 1;
	if (policies[policy].needs & SANDBOX_WRITE) {
		static char in_dir[96];

		(void)snprintf(in_dir, sizeof(in_dir), "%s/in", dir);
		p[0] = (struct sandbox_path){.path = in_dir, .access = SANDBOX_PATH_WRITE};
	}
	if (policies[policy].needs & SANDBOX_SPAWN) {
		p[1] = (struct sandbox_path){.path = "/usr", .access = SANDBOX_PATH_EXEC};
		p[2] = (struct sandbox_path){.path = "/nonexistent", .is_optional = true};
		*n = 3;
	}
	return p;
}

static void check_all(const struct sandbox_ids *ids)
{
	bool failed = false;

	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		int control = try(NULL, NULL, 0, ids, false, probes[i].probe);

		(void)unlink(inside_new);
		if (control != (probes[i].is_abort ? ABORTED : OK)) {
			fail_msg("%s fails without a sandbox: %d", probes[i].name, control);
		}
		for (size_t p = 0; p < N_POLICIES; p++) {
			size_t n_paths;
			const struct sandbox_path *paths = paths_of(p, &n_paths);
			int got = try(&policies[p], paths, n_paths, ids, false, probes[i].probe);
			int want = probes[i].expect[p];

			(void)unlink(inside_new);
			/* Kernels before Landlock ABI 6 cannot keep a spawner's signals in. */
			if (probes[i].probe == signal_the_parent && p == 4 &&
			    sandbox_landlock_abi() < 6) {
				continue;
			}
			if (got != want) {
				(void)fprintf(stderr, "%s: %s: got %d, want %d\n", policies[p].name,
					      probes[i].name, got, want);
				failed = true;
			}
		}
	}
	assert_false(failed);
}

static void each_wall_holds_as_we_are(void **state)
{
	(void)state;
	check_all(&(struct sandbox_ids){0});
}

static void each_wall_holds_as_somebody_else(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(chmod(dir, 0755), 0);
	check_all(&(struct sandbox_ids){.is_set = true, .uid = 65534, .gid = 65534});
}

static int who_am_i(void)
{
	gid_t groups[8];

	if (getuid() != 65534 || geteuid() != 65534 || getgid() != 65534 || getegid() != 65534) {
		return 1;
	}
	return getgroups(8, groups) == 0 ? 0 : 2;
}

static void the_user_is_changed_for_good(void **state)
{
	(void)state;
	const struct sandbox_policy p = {.name = "dropper"};
	const struct sandbox_ids nobody = {.is_set = true, .uid = 65534, .gid = 65534};

	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(try(NULL, NULL, 0, NULL, false, who_am_i), 1);
	assert_int_equal(try(&p, NULL, 0, &nobody, true, who_am_i), 0);
}

static int take_a_right_back(void)
{
	return answer(chown(inside, 1, 1));
}

static void capabilities_go_even_when_the_user_stays(void **state)
{
	(void)state;
	const struct sandbox_policy p = {.name = "root"};

	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(try(NULL, NULL, 0, NULL, false, take_a_right_back), 0);
	assert_int_equal(chown(inside, 0, 0), 0);
	assert_int_equal(try(&p, NULL, 0, &(struct sandbox_ids){0}, true, take_a_right_back),
			 EPERM);
}

static void root_is_nobody_to_become(void **state)
{
	(void)state;
	const struct sandbox_ids root = {.is_set = true};
	const struct sandbox_policy p = {.name = "riser"};
	struct err e = ERR_INIT;

	assert_rc(sandbox_enter(&p, NULL, 0, &root, true, &e), RC_INPUT);
}

static int missing_path(void)
{
	const struct sandbox_policy p = {.name = "lost", .needs = SANDBOX_READ};
	const struct sandbox_path path = {.path = "/nonexistent"};
	struct err e = ERR_INIT;

	return sandbox_enter(&p, &path, 1, &(struct sandbox_ids){0}, false, &e) == RC_IO ? 0 : 1;
}

static void a_path_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(try(NULL, NULL, 0, NULL, false, missing_path), 0);
}

static int core_and_debuggers(void)
{
	struct rlimit core;

	/* Nobody else of our user can attach: the kernel shows it by the owner of our files. */
	return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 ? 0 : 1;
}

static void the_unsafe_flag_drops_the_walls_and_nothing_else(void **state)
{
	(void)state;
	const struct sandbox_policy p = {.name = "unsafe"};
	const struct sandbox_ids stay = {0};

	assert_int_equal(try(&p, NULL, 0, &stay, false, open_outside), EPERM);
	assert_int_equal(try(&p, NULL, 0, &stay, true, open_outside), 0);
	assert_int_equal(try(&p, NULL, 0, &stay, true, core_and_debuggers), 0);
}

static int listen_on(int family, const struct sockaddr *at, socklen_t n)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, at, n), 0);
	assert_int_equal(listen(fd, 1000), 0);
	return fd;
}

static int make_place(void **state)
{
	(void)state;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(in);
	char sub[96];

	memcpy(dir, "/tmp/remit-sandbox-XXXXXX", 26);
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 2; i++) {
		(void)snprintf(sub, sizeof(sub), "%s/%s", dir, i ? "out" : "in");
		assert_int_equal(mkdir(sub, 0777), 0);
		assert_int_equal(chmod(sub, 0777), 0); /* whatever the umask */
		(void)snprintf(i ? outside : inside, sizeof(outside), "%s/%s/file", dir,
			       i ? "out" : "in");
		assert_ok(file_replace(i ? outside : inside, STR("x"), 0644, NULL));
	}
	(void)snprintf(inside_new, sizeof(inside_new), "%s/in/new", dir);
	(void)snprintf(listener_path, sizeof(listener_path), "%s/in/socket", dir);
	memcpy(un.sun_path, listener_path, sizeof(listener_path));
	(void)listen_on(AF_UNIX, (struct sockaddr *)&un, sizeof(un)); /* closed by our exit */
	assert_int_equal(chmod(listener_path, 0777), 0);
	assert_int_equal(getsockname(listen_on(AF_INET, (struct sockaddr *)&in, sizeof(in)),
				     (struct sockaddr *)&in, &n),
			 0);
	inet_port = ntohs(in.sin_port);
	return 0;
}

static int remove_place(void **state)
{
	(void)state;
	char sub[96];

	(void)unlink(inside);
	(void)unlink(outside);
	(void)unlink(listener_path);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(sub, sizeof(sub), "%s/%s", dir, i ? "out" : "in");
		(void)rmdir(sub);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_wall_holds_as_we_are),
	    cmocka_unit_test(each_wall_holds_as_somebody_else),
	    cmocka_unit_test(the_user_is_changed_for_good),
	    cmocka_unit_test(capabilities_go_even_when_the_user_stays),
	    cmocka_unit_test(root_is_nobody_to_become),
	    cmocka_unit_test(a_path_that_is_not_there_is_an_error),
	    cmocka_unit_test(the_unsafe_flag_drops_the_walls_and_nothing_else),
	};
	return cmocka_run_group_tests(tests, make_place, remove_place);
}
