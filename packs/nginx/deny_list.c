/* SPDX-License-Identifier: Apache-2.0 */
/* deny_list.c - read and write deny lines.
 *
 * Trust:  the address is an agent's; the file is ours, and perhaps a person's.
 * Holds:  nothing but a canonical address of inet_ntop ever gets into the file.
 */
#include "deny_list.h"

#include <arpa/inet.h>
#include <string.h>

enum rc deny_canonical(struct str text, char ret[DENY_ADDRESS_BYTES], struct err *e)
{
	char copy[DENY_ADDRESS_BYTES];
	struct in_addr four;
	struct in6_addr six;

	if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n)) {
		FAIL(e, RC_INPUT, "not an IP address");
	}
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET, copy, &four) == 1) {
		(void)inet_ntop(AF_INET, &four, ret, DENY_ADDRESS_BYTES); /* it fits */
		return RC_OK;
	}
	if (inet_pton(AF_INET6, copy, &six) != 1) {
		FAIL(e, RC_INPUT, "'%s' is not an IP address", copy);
	}
	if (IN6_IS_ADDR_V4MAPPED(&six) || IN6_IS_ADDR_V4COMPAT(&six)) {
		if (!IN6_IS_ADDR_UNSPECIFIED(&six) && !IN6_IS_ADDR_LOOPBACK(&six)) {
			FAIL(e, RC_INPUT, "'%s': write an IPv4 address as one", copy);
		}
	}
	(void)inet_ntop(AF_INET6, &six, ret, DENY_ADDRESS_BYTES); /* it fits */
	return RC_OK;
}

static bool is_special(const char *address)
{
	struct in_addr four;
	struct in6_addr six;

	if (inet_pton(AF_INET, address, &four) == 1) {
		uint32_t a = ntohl(four.s_addr);

		return a >> 24 == 0 || a == INADDR_LOOPBACK || a >= 0xe0000000;
	}
	if (inet_pton(AF_INET6, address, &six) != 1) {
		return true;
	}
	return IN6_IS_ADDR_UNSPECIFIED(&six) || IN6_IS_ADDR_LOOPBACK(&six) ||
	       IN6_IS_ADDR_MULTICAST(&six);
}

enum rc deny_check(const char *address, const struct deny_protected *p, struct err *e)
{
	if (is_special(address)) {
		FAIL(e, RC_DENIED, "%s is no single host that could be blocked", address);
	}
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->addresses[i], address) == 0) {
			FAIL(e, RC_DENIED, "%s is protected", address);
		}
	}
	return RC_OK;
}

/* The address of a line "deny ADDRESS;", canonical; false for any other line. */
static bool denies(struct str line, char ret[DENY_ADDRESS_BYTES])
{
	struct str rest = str_trim(line);
	struct str keyword = STR("deny");

	if (!str_has_prefix(rest, keyword)) {
		return false;
	}
	rest = str_slice(rest, keyword.n, rest.n);
	if (rest.n == 0 || (rest.p[0] != ' ' && rest.p[0] != '\t')) {
		return false;
	}
	if (str_find(rest, ';') == rest.n) {
		return false;
	}
	return deny_canonical(str_trim(str_cut(&rest, ';')), ret, NULL) == RC_OK;
}

static bool denies_this(struct str line, const char *address)
{
	char got[DENY_ADDRESS_BYTES];

	return denies(line, got) && strcmp(got, address) == 0;
}

bool deny_has(struct str file, const char *address)
{
	while (file.n > 0) {
		if (denies_this(str_cut(&file, '\n'), address)) {
			return true;
		}
	}
	return false;
}

enum rc deny_add(struct str file, const char *address, const char *note, struct buf *out)
{
	TRY(buf_add(out, file));
	if (file.n > 0 && file.p[file.n - 1] != '\n') {
		TRY(buf_add_char(out, '\n'));
	}
	return buf_addf(out, "deny %s; # %s\n", address, note);
}

enum rc deny_remove(struct str file, const char *address, struct buf *out)
{
	while (file.n > 0) {
		size_t end = str_find(file, '\n');
		size_t n = end < file.n ? end + 1 : end;

		if (!denies_this(str_slice(file, 0, end), address)) {
			TRY(buf_add(out, str_slice(file, 0, n)));
		}
		file = str_slice(file, n, file.n);
	}
	return RC_OK;
}
