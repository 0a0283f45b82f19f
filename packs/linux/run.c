/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - arguments, and programs that do the work. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "linux_tools.h"

bool linux_list_has(const struct linux_list *l, const char *item)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->items[i], item) == 0) {
			return true;
		}
	}
	return false;
}

enum rc linux_text(const struct tool_call *a, const char *name, char *ret, size_t size,
		   struct err *e)
{
	struct str text;

	if (!json_str(json_get(a->args, str_from(name)), &text) || text.n == 0 || text.n >= size ||
	    memchr(text.p, '\0', text.n)) {
		FAIL(e, RC_INPUT, "'%s' must be a text of 1 to %zu bytes", name, size - 1);
	}
	memcpy(ret, text.p, text.n);
	ret[text.n] = '\0';
	return RC_OK;
}

/* The beginning of what it says; the rest is read and dropped, so that it can end. */
static void read_words(int fd, char *words, size_t size)
{
	char rest[512];
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, rest, sizeof(rest))) > 0 || (got < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < got && n + 1 < size; i++) {
			words[n++] = rest[i] >= ' ' && rest[i] < 0x7f ? rest[i] : ' ';
		}
	}
	words[n] = '\0';
}

enum rc linux_run(const char *const *argv, struct err *e)
{
	static const char *const environment[] = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
						  NULL};
	posix_spawn_file_actions_t actions;
	char words[120];
	int ends[2];
	int status = 0;
	int sys;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot start '%s'", argv[0]);
	}
	sys = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	sys = sys ? sys : posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	sys = sys ? sys : posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	sys = sys ? sys
		  : posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
				(char *const *)(uintptr_t)environment);
	(void)posix_spawn_file_actions_destroy(&actions); /* cannot fail */
	file_close(ends[1]);
	if (sys != 0) {
		file_close(ends[0]);
		errno = sys;
		return err_set_sys(e, RC_IO, __func__, "cannot start '%s'", argv[0]);
	}
	read_words(ends[0], words, sizeof(words));
	file_close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (status != 0) {
		FAIL(e, RC_DENIED, "%s: %s", argv[0], words);
	}
	return RC_OK;
}
