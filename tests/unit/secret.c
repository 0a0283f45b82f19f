/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

/* The flags that the kernel shows for the mapping around p: "rd wr lo dd wf ...". */
static void flags_of(const void *p, char out[256])
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	bool inside = false;

	assert_non_null(f);
	out[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		unsigned long from;
		unsigned long to;

		if (sscanf(line, "%lx-%lx", &from, &to) == 2) {
			inside = (unsigned long)p >= from && (unsigned long)p < to;
		} else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			memcpy(out, line + 8, strcspn(line + 8, "\n") + 1);
			break;
		}
	}
	(void)fclose(f);
}

static void a_secret_is_locked_undumpable_and_wiped_on_fork(void **state)
{
	(void)state;
	struct secret *s = NULL;
	struct err e = ERR_INIT;
	char flags[256];
	void *plain = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	flags_of(plain, flags); /* control: an ordinary page is none of it */
	assert_null(strstr(flags, " lo"));
	assert_null(strstr(flags, " dd"));
	assert_ok(secret_of(STR("correct horse"), &s, &e));
	flags_of(secret_bytes(s), flags);
	assert_non_null(strstr(flags, " lo"));
	assert_non_null(strstr(flags, " dd"));
	assert_non_null(strstr(flags, " wf"));
	secret_free(s);
	(void)munmap(plain, 4096);
}

static void a_child_sees_zeros(void **state)
{
	(void)state;
	struct secret *s = NULL;
	int status;
	pid_t pid;

	assert_ok(secret_of(STR("correct horse"), &s, NULL));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(secret_bytes(s)[0] == 0 && secret_bytes(s)[12] == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_str(secret_view(s), "correct horse");
	secret_free(s);
}

static void reading_past_the_end_kills(void **state)
{
	(void)state;
	struct secret *s = NULL;
	int status;
	pid_t pid;

	assert_ok(secret_of(STR("x"), &s, NULL));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		volatile const uint8_t *p = secret_bytes(s);
		struct rlimit none = {0, 0};

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGSEGV, SIG_DFL); /* the sanitizer's handler would only be slow */
		_exit(p[1]);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	secret_free(s);
}

static void sizes_are_bounded(void **state)
{
	(void)state;
	struct secret *s = NULL;

	assert_rc(secret_new(0, &s, NULL), RC_LIMIT);
	assert_rc(secret_new(LIMIT_SECRET_BYTES + 1, &s, NULL), RC_LIMIT);
	assert_null(s);
	assert_ok(secret_new(LIMIT_SECRET_BYTES, &s, NULL));
	secret_bytes(s)[0] = 1;
	secret_bytes(s)[LIMIT_SECRET_BYTES - 1] = 1;
	secret_free(s);
	secret_free(NULL);
}

static void memory_that_cannot_be_locked_is_not_handed_out(void **state)
{
	(void)state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit none = {0, 0};
		struct secret *s = NULL;

		/* Root may lock whatever the limit says. */
		if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
		    (getuid() == 0 && setresuid(65534, 65534, 65534) != 0)) {
			_exit(2);
		}
		_exit(secret_new(32, &s, NULL) == RC_NOMEM && !s ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void out_of_memory_leaves_nothing(void **state)
{
	(void)state;
	struct secret *s = NULL;
	size_t before = mem_blocks();

	mem_fail_after(1);
	assert_rc(secret_new(32, &s, NULL), RC_NOMEM);
	mem_fail_after(0);
	assert_null(s);
	assert_int_equal(mem_blocks(), before);
}

static void a_secret_is_read_from_a_file_that_not_everybody_may_open(void **state)
{
	(void)state;
	char path[] = "/tmp/remit-secret-XXXXXX";
	char large[LIMIT_SECRET_BYTES] = {1};
	struct secret *s = NULL;
	int fd = mkstemp(path); /* mode 0600 */

	assert_true(fd >= 0);
	assert_rc(secret_read(path, &s, NULL), RC_LIMIT);
	assert_int_equal(write(fd, "pass word\n", 10), 10);
	assert_ok(secret_read(path, &s, NULL));
	assert_str(secret_view(s), "pass word");
	secret_free(s);
	s = NULL;
	assert_int_equal(fchmod(fd, 0604), 0);
	assert_rc(secret_read(path, &s, NULL), RC_DENIED);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(pwrite(fd, large, sizeof(large), 0), sizeof(large));
	assert_rc(secret_read(path, &s, NULL), RC_LIMIT);
	assert_int_equal(ftruncate(fd, LIMIT_SECRET_BYTES - 1), 0);
	assert_ok(secret_read(path, &s, NULL));
	assert_int_equal(secret_size(s), LIMIT_SECRET_BYTES - 1);
	secret_free(s);
	s = NULL;
	(void)close(fd);
	(void)unlink(path);
	assert_rc(secret_read(path, &s, NULL), RC_ABSENT);
	assert_null(s);
}

static void random_secrets_differ(void **state)
{
	(void)state;
	struct secret *a = NULL;
	struct secret *b = NULL;
	struct secret *c = NULL;

	assert_ok(secret_random(32, &a, NULL));
	assert_ok(secret_random(32, &b, NULL));
	assert_ok(secret_of(secret_view(a), &c, NULL));
	assert_false(secret_equal(a, b));
	assert_true(secret_equal(a, c));
	secret_free(a);
	secret_free(b);
	secret_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_secret_is_locked_undumpable_and_wiped_on_fork),
	    cmocka_unit_test(a_child_sees_zeros),
	    cmocka_unit_test(reading_past_the_end_kills),
	    cmocka_unit_test(sizes_are_bounded),
	    cmocka_unit_test(memory_that_cannot_be_locked_is_not_handed_out),
	    cmocka_unit_test(out_of_memory_leaves_nothing),
	    cmocka_unit_test(a_secret_is_read_from_a_file_that_not_everybody_may_open),
	    cmocka_unit_test(random_secrets_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
