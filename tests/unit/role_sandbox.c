/* SPDX-License-Identifier: Apache-2.0 */
/* Each role of the product, in its own sandbox, tries what it must never do. The sandbox's parts
 * are tested one by one in sandbox.c; this is about the policies. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/serve.h"

typedef int probe_fn(void);

static int answer(long result)
{
	return result < 0 ? errno : 0;
}

static int open_a_file(void)
{
	return answer(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int write_a_file(void)
{
	return answer(open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
}

static int make_inet_socket(void)
{
	return answer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/* To nobody: without a sandbox the answer is ECONNREFUSED, which counts as allowed. */
static int connect_inet(void)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return errno;
	}
	(void)connect(fd, (struct sockaddr *)&to, sizeof(to)); /* errno is the answer */
	return errno == ECONNREFUSED ? 0 : errno;
}

static int bind_inet(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? errno : answer(bind(fd, (struct sockaddr *)&at, sizeof(at)));
}

static int make_unix_socket(void)
{
	return answer(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int execute(void)
{
	char program[] = "/bin/true";
	char *argv[] = {program, NULL};
	char *envp[] = {NULL};

	(void)execve(program, argv, envp); /* returns only on failure */
	return errno;
}

static int trace(void)
{
	return answer(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int fork_a_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		_exit(0);
	}
	return answer(pid);
}

static int load_a_program(void)
{
	return answer(syscall(SYS_bpf, 0, NULL, 0)) == EPERM ? EPERM : 0;
}

/* As the supervisor hands one over when it has restarted a peer. */
static int handed_over = -1;

static void hand_over(void)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	char byte = 'x';
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr h = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *x = CMSG_FIRSTHDR(&h);
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		_exit(251);
	}
	x->cmsg_level = SOL_SOCKET;
	x->cmsg_type = SCM_RIGHTS;
	x->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(x), &fds[0], sizeof(int));
	if (sendmsg(fds[0], &h, 0) != 1) {
		_exit(251);
	}
	handed_over = fds[1];
}

static int take_a_descriptor(void)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr h = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes)};

	if (recvmsg(handed_over, &h, MSG_CMSG_CLOEXEC) != 1) {
		return errno;
	}
	return CMSG_FIRSTHDR(&h) ? 0 : ENOMSG;
}

enum { ALLOWED = 0, KILLED = 300 };

static int try(const struct serve_role *r, probe_fn *probe)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit none = {0, 0};
		const struct sandbox_ids nobody = {
		    .is_set = geteuid() == 0, .uid = 65534, .gid = 65534};
		struct err e = ERR_INIT;

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)alarm(20);
		hand_over();
		if (r && sandbox_enter(r->sandbox, NULL, 0, &nobody, false, &e) != RC_OK) {
			(void)fprintf(stderr, "%s: %s\n", r->sandbox->name, e.msg);
			_exit(250);
		}
		_exit(probe());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		return WTERMSIG(status) == SIGSYS ? KILLED : 1000 + WTERMSIG(status);
	}
	assert_int_not_equal(WEXITSTATUS(status), 250);
	return WEXITSTATUS(status);
}

static const struct {
	const char *name;
	probe_fn *probe;
	unsigned needs; /* the need that would allow it; 0 = none does */
} probes[] = {
    {"open a file", open_a_file, 0}, /* of a path that is not its own */
    {"write a file", write_a_file, 0},
    {"inet socket", make_inet_socket, SANDBOX_INET},
    {"connect", connect_inet, SANDBOX_INET},
    {"bind", bind_inet, 0},
    {"unix socket", make_unix_socket, SANDBOX_UNIX},
    {"execve", execute, 0}, /* of a path that is not its own */
    {"ptrace", trace, 0},
    {"fork", fork_a_child, SANDBOX_SPAWN},
    {"bpf", load_a_program, 0},
    {"take a descriptor", take_a_descriptor, ~0U}, /* every role: net/role.h */
};

/* Whatever the policy files say today, these are promises (DESIGN section 3). */
static const struct {
	enum role role;
	unsigned never;
} promises[] = {
    {R_KEEPER, SANDBOX_INET | SANDBOX_UNIX | SANDBOX_SPAWN | SANDBOX_ACCEPT},
    {R_GOVERNOR, SANDBOX_INET | SANDBOX_UNIX | SANDBOX_SPAWN | SANDBOX_ACCEPT},
    {R_STORE, SANDBOX_INET | SANDBOX_UNIX | SANDBOX_SPAWN | SANDBOX_ACCEPT},
    {R_INDEX, SANDBOX_INET | SANDBOX_UNIX | SANDBOX_SPAWN | SANDBOX_ACCEPT},
    {R_PEOPLE, SANDBOX_INET | SANDBOX_WRITE | SANDBOX_SPAWN},
    {R_AGENTS, SANDBOX_WRITE | SANDBOX_SPAWN},
    {R_BACKEND, SANDBOX_WRITE | SANDBOX_SPAWN | SANDBOX_ACCEPT},
    {R_COURIER, SANDBOX_WRITE | SANDBOX_ACCEPT},
    {R_RUNNER, SANDBOX_ACCEPT},
};

static void each_role_is_refused_what_it_did_not_declare(void **state)
{
	(void)state;
	bool failed = false;

	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		int control = try(NULL, probes[i].probe);

		if (control != ALLOWED && probes[i].probe != load_a_program) {
			fail_msg("%s fails without a sandbox: %d", probes[i].name, control);
		}
		for (size_t k = 0; k < serve_table.n_roles; k++) {
			const struct serve_role *r = &serve_table.roles[k];
			bool is_declared = (r->sandbox->needs & probes[i].needs) != 0;
			int got = try(r, probes[i].probe);

			if (is_declared ? got != ALLOWED
					: got != EPERM && got != EACCES && got != KILLED) {
				(void)fprintf(stderr, "%s: %s: got %d\n", r->sandbox->name,
					      probes[i].name, got);
				failed = true;
			}
		}
	}
	assert_false(failed);
}

static void no_role_declares_what_it_must_never_do(void **state)
{
	(void)state;
	for (size_t k = 0; k < serve_table.n_roles; k++) {
		const struct serve_role *r = &serve_table.roles[k];

		for (size_t i = 0; i < ARRAY_LEN(promises); i++) {
			if (promises[i].role == r->role &&
			    (r->sandbox->needs & promises[i].never) != 0) {
				fail_msg("%s declares %x", r->sandbox->name,
					 r->sandbox->needs & promises[i].never);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_role_is_refused_what_it_did_not_declare),
	    cmocka_unit_test(no_role_declares_what_it_must_never_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
