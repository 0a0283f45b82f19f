/* SPDX-License-Identifier: Apache-2.0 */
/* base/str.c - borrowed bytes. */
#include "base/str.h"

#include <string.h>

struct str str_from(const char *cstr)
{
	return (struct str){.p = cstr, .n = cstr ? strlen(cstr) : 0};
}

struct str str_of(const void *p, size_t n)
{
	return (struct str){.p = p, .n = n};
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c != 0) {
		return c;
	}
	return (a.n > b.n) - (a.n < b.n);
}

static unsigned char lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n) {
		return false;
	}
	for (size_t i = 0; i < a.n; i++) {
		if (lower(a.p[i]) != lower(b.p[i])) {
			return false;
		}
	}
	return true;
}

bool str_has_prefix(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_slice(s, 0, prefix.n), prefix);
}

bool str_has_suffix(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_slice(s, s.n - suffix.n, s.n), suffix);
}

struct str str_slice(struct str s, size_t from, size_t to)
{
	if (to > s.n) {
		to = s.n;
	}
	if (from > to) {
		from = to;
	}
	return (struct str){.p = s.p ? s.p + from : NULL, .n = to - from};
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
		s.n--;
	}
	return s;
}

size_t str_find(struct str s, char c)
{
	const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;

	return hit ? (size_t)(hit - s.p) : s.n;
}

bool str_contains(struct str s, struct str needle)
{
	return needle.n == 0 || (s.n >= needle.n && memmem(s.p, s.n, needle.p, needle.n) != NULL);
}

struct str str_cut(struct str *s, char sep)
{
	size_t at = str_find(*s, sep);
	struct str head = str_slice(*s, 0, at);

	if (at == s->n) {
		*s = STR_NULL;
	} else {
		*s = str_slice(*s, at + 1, s->n);
	}
	return head;
}

/* Length of the well-formed sequence at p (n bytes left), or 0. RFC 3629 section 4. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	size_t need;
	unsigned char low = 0x80;
	unsigned char high = 0xBF;

	if (p[0] < 0x80) {
		return 1;
	}
	if (p[0] >= 0xC2 && p[0] <= 0xDF) {
		need = 2;
	} else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
		need = 3;
		low = p[0] == 0xE0 ? 0xA0 : 0x80;
		high = p[0] == 0xED ? 0x9F : 0xBF;
	} else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
		need = 4;
		low = p[0] == 0xF0 ? 0x90 : 0x80;
		high = p[0] == 0xF4 ? 0x8F : 0xBF;
	} else {
		return 0;
	}
	if (n < need || p[1] < low || p[1] > high) {
		return 0;
	}
	for (size_t i = 2; i < need; i++) {
		if (p[i] < 0x80 || p[i] > 0xBF) {
			return 0;
		}
	}
	return need;
}

bool str_is_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t at = 0;
	uint64_t word;

	/* Eight bytes of ASCII at a time, which is nearly all there is. */
	while (s.n - at >= sizeof(word)) {
		memcpy(&word, p + at, sizeof(word));
		if (word & UINT64_C(0x8080808080808080)) {
			break;
		}
		at += sizeof(word);
	}
	while (at < s.n) {
		size_t step = utf8_sequence(p + at, s.n - at);

		if (step == 0) {
			return false;
		}
		at += step;
	}
	return true;
}

uint32_t str_take_code_point(struct str *s)
{
	unsigned char lead = (unsigned char)s->p[0];
	size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? lead : lead & (0xffu >> (n + 1));

	for (size_t i = 1; i < n && i < s->n; i++) {
		c = c << 6 | ((unsigned char)s->p[i] & 0x3fu);
	}
	*s = str_slice(*s, n, s->n);
	return c;
}

bool secret_eq(struct str a, struct str b)
{
	unsigned char diff = 0;

	if (a.n != b.n) {
		return false;
	}
	for (size_t i = 0; i < a.n; i++) {
		diff |= (unsigned char)((unsigned char)a.p[i] ^ (unsigned char)b.p[i]);
	}
	return diff == 0;
}
