/* SPDX-License-Identifier: Apache-2.0 */
/* net/address.c - "host:port" and "unix:/path" to what connect and bind want. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/num.h"

enum { HOST_BYTES = 256 };

static void put(struct address *a, const void *sa, size_t n)
{
	*a = (struct address){.n = (uint32_t)n};
	memcpy(a->bytes, sa, n);
}

static enum rc parse_unix(struct str path, struct address *ret, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (path.n == 0 || path.p[0] != '/' || memchr(path.p, '\0', path.n)) {
		FAIL(e, RC_INPUT, "'unix:" STR_FMT "' wants an absolute path", STR_ARG(path));
	}
	if (path.n >= sizeof(sa.sun_path)) {
		FAIL(e, RC_LIMIT, "socket path '" STR_FMT "' is longer than %zu bytes",
		     STR_ARG(path), sizeof(sa.sun_path) - 1);
	}
	memcpy(sa.sun_path, path.p, path.n);
	put(ret, &sa, offsetof(struct sockaddr_un, sun_path) + path.n + 1);
	return RC_OK;
}

/* "host:port" and "[host]:port" into host (with its NUL) and port. */
static enum rc split(struct str text, char host[static HOST_BYTES], uint16_t *ret_port,
		     struct err *e)
{
	struct str h;
	struct str p;
	uint64_t port;

	if (text.n && text.p[0] == '[') {
		size_t close = str_find(text, ']');

		h = str_slice(text, 1, close);
		p = str_slice(text, close + 1, text.n);
	} else {
		size_t colon = str_find(text, ':');

		h = str_slice(text, 0, colon);
		p = str_slice(text, colon, text.n);
	}
	if (h.n == 0 || h.n >= HOST_BYTES || memchr(h.p, '\0', h.n) || p.n < 2 || p.p[0] != ':' ||
	    !num_u64(str_slice(p, 1, p.n), UINT16_MAX, &port)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is not host:port or unix:/path", STR_ARG(text));
	}
	memcpy(host, h.p, h.n);
	host[h.n] = '\0';
	*ret_port = (uint16_t)port;
	return RC_OK;
}

static bool put_number(const char *host, uint16_t port, bool is_bracketed, struct address *ret)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (!is_bracketed && inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		put(ret, &v4, sizeof(v4));
		return true;
	}
	if (is_bracketed && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
		put(ret, &v6, sizeof(v6));
		return true;
	}
	return false;
}

enum rc address_parse(struct str text, struct address *ret, struct err *e)
{
	char host[HOST_BYTES];
	uint16_t port;

	if (str_has_prefix(text, STR("unix:"))) {
		return parse_unix(str_slice(text, 5, text.n), ret, e);
	}
	TRY(split(text, host, &port, e));
	if (!put_number(host, port, text.p[0] == '[', ret)) {
		FAIL(e, RC_INPUT, "'%s' is not an IP address", host);
	}
	return RC_OK;
}

enum rc address_look_up(struct str text, struct address *ret, size_t max, size_t *ret_n,
			struct err *e)
{
	static const struct addrinfo hints = {
	    .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_ADDRCONFIG,
	};
	struct addrinfo *list = NULL;
	char host[HOST_BYTES];
	uint16_t port;
	size_t n = 0;
	int gai;

	MUST(max > 0);
	if (address_parse(text, ret, NULL) == RC_OK) {
		*ret_n = 1;
		return RC_OK;
	}
	if (str_has_prefix(text, STR("unix:"))) {
		return address_parse(text, ret, e);
	}
	TRY(split(text, host, &port, e));
	gai = getaddrinfo(host, NULL, &hints, &list);
	if (gai != 0) {
		FAIL(e, RC_IO, "cannot look up '%s': %s", host, gai_strerror(gai));
	}
	for (const struct addrinfo *ai = list; ai && n < max; ai = ai->ai_next) {
		if (ai->ai_addrlen > sizeof(ret->bytes)) {
			continue;
		}
		put(&ret[n], ai->ai_addr, ai->ai_addrlen);
		if (ai->ai_family == AF_INET || ai->ai_family == AF_INET6) {
			uint16_t net_port = htons(port);

			/* sin_port and sin6_port lie at the same place. */
			memcpy(ret[n].bytes + offsetof(struct sockaddr_in, sin_port), &net_port,
			       sizeof(net_port));
			n++;
		}
	}
	freeaddrinfo(list);
	if (n == 0) {
		FAIL(e, RC_ABSENT, "'%s' has no address", host);
	}
	*ret_n = n;
	return RC_OK;
}

void address_format(const struct address *a, char out[static ADDRESS_TEXT_BYTES])
{
	struct sockaddr_storage sa = {0};
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	char ip[INET6_ADDRSTRLEN] = "?";

	memcpy(&sa, a->bytes, a->n);
	switch (sa.ss_family) {
	case AF_INET:
		memcpy(&v4, &sa, sizeof(v4));
		(void)inet_ntop(AF_INET, &v4.sin_addr, ip, sizeof(ip)); /* or "?" */
		(void)snprintf(out, ADDRESS_TEXT_BYTES, "%s:%u", ip, (unsigned)ntohs(v4.sin_port));
		break;
	case AF_INET6:
		memcpy(&v6, &sa, sizeof(v6));
		(void)inet_ntop(AF_INET6, &v6.sin6_addr, ip, sizeof(ip)); /* or "?" */
		(void)snprintf(out, ADDRESS_TEXT_BYTES, "[%s]:%u", ip,
			       (unsigned)ntohs(v6.sin6_port));
		break;
	default:
		(void)snprintf(out, ADDRESS_TEXT_BYTES, "unix");
		break;
	}
}

uint16_t address_port(const struct address *a)
{
	struct sockaddr_storage sa = {0};
	uint16_t port;

	memcpy(&sa, a->bytes, a->n);
	if (sa.ss_family != AF_INET && sa.ss_family != AF_INET6) {
		return 0;
	}
	memcpy(&port, a->bytes + offsetof(struct sockaddr_in, sin_port), sizeof(port));
	return ntohs(port);
}
