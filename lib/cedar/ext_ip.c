/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/ext_ip.c - IP addresses and ranges.
 *
 * Trust:  the text is hostile.
 * Holds:  what is accepted has one reading: no leading zeros, no IPv4 inside IPv6, no zone.
 */
#include <string.h>

#include "cedar/ext.h"
#include "cedar/text.h"

enum { IP_TEXT_MAX = 43, V4_BITS = 32, V6_BITS = 128 };

/* A decimal number below 1000 at the front of s, without leading zeros; its digits, 0 = none. */
static size_t take_decimal(struct str s, unsigned *ret)
{
	size_t n = 0;

	*ret = 0;
	while (n < s.n && n < 3 && cedar_is_digit(s.p[n])) {
		*ret = *ret * 10 + (unsigned)(s.p[n] - '0');
		n++;
	}
	if (n < s.n && cedar_is_digit(s.p[n])) {
		return 0;
	}
	return n > 1 && s.p[0] == '0' ? 0 : n;
}

static bool parse_v4(struct str s, uint8_t addr[16])
{
	for (int i = 0; i < 4; i++) {
		unsigned octet;
		size_t n = take_decimal(s, &octet);

		if (n == 0 || octet > 255) {
			return false;
		}
		addr[i] = (uint8_t)octet;
		s = str_slice(s, n, s.n);
		if (i < 3) {
			if (s.n == 0 || s.p[0] != '.') {
				return false;
			}
			s = str_slice(s, 1, s.n);
		}
	}
	return s.n == 0;
}

/* One group of up to four hexadecimal digits; its length, 0 = none. */
static size_t take_group(struct str s, unsigned *ret)
{
	size_t n = 0;

	*ret = 0;
	for (; n < s.n && n < 4; n++) {
		char c = s.p[n];

		if (cedar_is_digit(c)) {
			*ret = *ret * 16 + (unsigned)(c - '0');
		} else if (c >= 'a' && c <= 'f') {
			*ret = *ret * 16 + (unsigned)(c - 'a' + 10);
		} else if (c >= 'A' && c <= 'F') {
			*ret = *ret * 16 + (unsigned)(c - 'A' + 10);
		} else {
			break;
		}
	}
	return n;
}

/* Groups separated by single colons, at most `most`; reading stops at "::" or the end. */
static int take_groups(struct str *s, unsigned groups[8], int most)
{
	int count = 0;

	while (count < most) {
		struct str rest = *s;
		size_t n;

		if (count > 0) {
			if (rest.n == 0 || rest.p[0] != ':') {
				break;
			}
			rest = str_slice(rest, 1, rest.n);
		}
		n = take_group(rest, &groups[count]);
		if (n == 0) {
			break;
		}
		*s = str_slice(rest, n, rest.n);
		count++;
	}
	return count;
}

static bool parse_v6(struct str s, uint8_t addr[16])
{
	unsigned head[8] = {0};
	unsigned tail[8] = {0};
	int n_head = take_groups(&s, head, 8);
	int n_tail = 0;

	if (n_head < 8) {
		if (!str_has_prefix(s, STR("::"))) {
			return false;
		}
		s = str_slice(s, 2, s.n);
		/* "::" stands for one group at least. */
		n_tail = take_groups(&s, tail, 8 - (n_head + 1));
	}
	if (s.n) {
		return false;
	}
	for (int i = 0; i < n_tail; i++) {
		head[8 - n_tail + i] = tail[i];
	}
	for (int i = 0; i < 8; i++) {
		addr[2 * i] = (uint8_t)(head[i] >> 8);
		addr[2 * i + 1] = (uint8_t)head[i];
	}
	return true;
}

static const char *parse_prefix(struct str s, bool is_v6, uint8_t *ret)
{
	unsigned bits;
	size_t n;

	if (s.n == 0 || s.n > (is_v6 ? 3 : 2)) {
		return "the prefix has the wrong length";
	}
	n = take_decimal(s, &bits);
	if (n == 0 || n != s.n) {
		return "the prefix is not a number without leading zeros";
	}
	if (bits > (is_v6 ? V6_BITS : V4_BITS)) {
		return "the prefix is too large";
	}
	*ret = (uint8_t)bits;
	return NULL;
}

const char *cedar_ip_parse(struct str s, struct cedar_ip *ret)
{
	size_t slash = str_find(s, '/');
	struct str addr = str_slice(s, 0, slash);
	struct cedar_ip ip = {0};

	if (s.n > IP_TEXT_MAX) {
		return "longer than 43 bytes";
	}
	if (str_find(s, ':') < s.n && str_find(s, '.') < s.n) {
		return "IPv4 embedded in IPv6";
	}
	ip.is_v6 = str_find(addr, ':') < addr.n;
	if (!(ip.is_v6 ? parse_v6(addr, ip.addr) : parse_v4(addr, ip.addr))) {
		return "invalid IP address";
	}
	ip.prefix = ip.is_v6 ? V6_BITS : V4_BITS;
	if (slash < s.n) {
		const char *wrong =
		    parse_prefix(str_slice(s, slash + 1, s.n), ip.is_v6, &ip.prefix);

		if (wrong) {
			return wrong;
		}
	}
	*ret = ip;
	return NULL;
}

/* Do the first `bits` bits agree? */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8;
	unsigned rest = bits % 8;

	if (memcmp(a, b, whole) != 0) {
		return false;
	}
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool cedar_ip_in_range(const struct cedar_ip *ip, const struct cedar_ip *range)
{
	return ip->is_v6 == range->is_v6 && ip->prefix >= range->prefix &&
	       same_bits(ip->addr, range->addr, range->prefix);
}

bool cedar_ip_is_loopback(const struct cedar_ip *ip)
{
	static const uint8_t one[16] = {[15] = 1};

	if (ip->is_v6) {
		return ip->prefix == V6_BITS && memcmp(ip->addr, one, sizeof(one)) == 0;
	}
	return ip->prefix >= 8 && ip->addr[0] == 127;
}

bool cedar_ip_is_multicast(const struct cedar_ip *ip)
{
	if (ip->is_v6) {
		return ip->prefix >= 8 && ip->addr[0] == 0xff;
	}
	return ip->prefix >= 4 && ip->addr[0] >> 4 == 0xe;
}

enum rc cedar_ip_print(struct buf *b, const struct cedar_ip *ip)
{
	if (ip->is_v6) {
		for (int i = 0; i < 8; i++) {
			TRY(buf_addf(b, "%s%x", i ? ":" : "",
				     (unsigned)ip->addr[2 * i] << 8 | ip->addr[2 * i + 1]));
		}
	} else {
		TRY(buf_addf(b, "%u.%u.%u.%u", ip->addr[0], ip->addr[1], ip->addr[2], ip->addr[3]));
	}
	if (ip->prefix != (ip->is_v6 ? V6_BITS : V4_BITS)) {
		TRY(buf_addf(b, "/%u", ip->prefix));
	}
	return RC_OK;
}
