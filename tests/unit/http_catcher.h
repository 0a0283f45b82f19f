/* SPDX-License-Identifier: Apache-2.0 */
/* http_catcher.h - a server that takes one request, keeps it, and answers what it was told to. */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct catcher {
	pid_t pid;
	int port;
	int read_fd; /* what it caught */
};

/* The whole request is there when its declared body is. */
static inline bool catcher_has_all(const char *text, size_t n)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strstr(text, "Content-Length: ");

	return end && length &&
	       n >= (size_t)(end + 4 - text) +
			strtoul(length + strlen("Content-Length: "), NULL, 10);
}

/* answer NULL: never answers. */
static inline void catcher_start(struct catcher *c, const char *answer)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fds[2];

	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	assert_int_equal(pipe(fds), 0);
	c->port = ntohs(at.sin_port);
	c->read_fd = fds[0];
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		char text[65536] = "";
		size_t got = 0;
		ssize_t more;
		int fd;

		(void)alarm(30);
		fd = accept(listener, NULL, NULL);
		while (!catcher_has_all(text, got) &&
		       (more = read(fd, text + got, sizeof(text) - 1 - got)) > 0) {
			got += (size_t)more;
		}
		if (write(fds[1], text, got) < 0 || !answer) {
			(void)pause();
		}
		_exit(write(fd, answer, strlen(answer)) > 0 ? 0 : 1);
	}
	(void)close(listener);
	(void)close(fds[1]);
}

/* Ends it and gives what it caught. */
static inline void catcher_stop(struct catcher *c, char *text, size_t size)
{
	size_t got = 0;
	ssize_t more;

	(void)kill(c->pid, SIGTERM); /* it may have ended */
	assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
	while ((more = read(c->read_fd, text + got, size - 1 - got)) > 0) {
		got += (size_t)more;
	}
	text[got] = '\0';
	(void)close(c->read_fd);
}
