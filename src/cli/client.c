/* SPDX-License-Identifier: Apache-2.0 */
/* cli/client.c - HTTP/1.1 over the Unix socket of the people's front. */
#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/http.h"

static enum rc dial(const char *path, int *ret_fd, struct err *e)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (n >= sizeof(to.sun_path)) {
		FAIL(e, RC_INPUT, "the socket's path is too long: '%s'", path);
	}
	memcpy(to.sun_path, path, n + 1);
	if (fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot make a socket");
	}
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		return err_set_sys(
		    e, errno == ENOENT || errno == ECONNREFUSED ? RC_ABSENT : RC_IO, __func__,
		    "cannot reach Remit at '%s' (is it running? see --socket)", path);
	}
	*ret_fd = fd;
	fd = -1;
	return RC_OK;
}

/* Reads more into b; 0 bytes is an error, since the answer is not whole yet. */
static enum rc read_more(int fd, struct buf *b, struct err *e)
{
	ssize_t got;

	if (buf_reserve(b, 4096) != RC_OK) {
		FAIL(e, RC_LIMIT, "the answer is longer than %zu bytes", b->max);
	}
	do {
		got = read(fd, b->p + b->n, 4096);
	} while (got < 0 && errno == EINTR);
	if (got <= 0) {
		FAIL(e, RC_IO, "Remit closed the connection before it had answered");
	}
	b->n += (size_t)got;
	return RC_OK;
}

enum rc client_ask(const char *socket_path, const char *method, struct str path, struct str body,
		   unsigned *ret_status, struct buf *ret_body, struct err *e)
{
	AUTO_BUF out = BUF_INIT(LIMIT_HTTP_BODY_BYTES + 8192);
	AUTO_BUF in = BUF_INIT(2 * LIMIT_HTTP_BODY_BYTES);
	AUTO_FD fd = -1;
	struct http_head head;
	struct http_body state;
	struct http_out w;
	struct str rest;
	size_t scanned = 0;
	enum rc rc;

	TRY(dial(socket_path, &fd, e));
	w = http_out_request(&out, str_from(method), path, STR("localhost"));
	if (body.n) {
		http_out_field(&w, STR("Content-Type"), STR("application/json"));
	}
	http_out_length(&w, body.n);
	TRY(http_out_end(&w, e));
	TRY(buf_add(&out, body));
	TRY(file_write_all(fd, buf_view(&out), e));
	while ((rc = http_parse_response(buf_view(&in), &scanned, str_from(method), &head, e)) ==
	       RC_AGAIN) {
		TRY(read_more(fd, &in, e));
	}
	TRY(rc);
	*ret_status = head.status;
	state = http_body_of(&head, ret_body->max);
	buf_consume(&in, head.head_bytes);
	for (;;) {
		rest = buf_view(&in);
		rc = http_body_read(&state, &rest, ret_body, e);
		buf_consume(&in, in.n - rest.n);
		if (rc != RC_AGAIN) {
			return rc;
		}
		TRY(read_more(fd, &in, e));
	}
}
