/* SPDX-License-Identifier: Apache-2.0 */
/* core/target_form.c - one spelling for each asset.
 *
 * Trust:  values are hostile.
 * Holds:  (1) canonical text gives itself again.
 *         (2) what is not certainly one asset is refused.
 *         (3) an address is one target, whether a tool takes it for an address or for a host.
 */
#include "core/target.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

enum {
	IPV4_BITS = 32,
	IPV6_BITS = 128,
	IPV4_WIDEST = 9, /* prefix of the widest range that counts as a target */
	IPV6_WIDEST = 33,
	MAPPED_BITS = 96, /* ::ffff:0:0/96 holds IPv4 */
	HOST_BYTES = 253,
	LABEL_BYTES = 63,
	USER_BYTES = 320, /* a mailbox's longest address */
};

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool target_kind_is_valid(struct str kind)
{
	if (kind.n == 0 || kind.n > TARGET_KIND_BYTES || kind.p[0] < 'a' || kind.p[0] > 'z') {
		return false;
	}
	for (size_t i = 0; i < kind.n; i++) {
		if (!is_lower_alnum(kind.p[i]) && kind.p[i] != '-') {
			return false;
		}
	}
	return true;
}

/* ---- what is no name of one thing ---- */

bool target_is_wildcard(struct str value)
{
	static const char *const all[] = {
	    "/",   "\\",    ".",    "..",	  "~",	      "-",	 "+",	  ".+",	  "all",
	    "any", "every", "_all", "everything", "everyone", "default", "<all>", "c:\\",
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (str_eq_nocase(value, str_from(all[i]))) {
			return true;
		}
	}
	for (size_t i = 0; i < value.n; i++) {
		if (strchr("*?%", value.p[i]) && value.p[i] != '\0') {
			return true;
		}
	}
	return str_trim(value).n == 0;
}

/* Characters that nobody sees let two names look alike. s is UTF-8. */
static bool has_invisible(struct str s)
{
	static const uint32_t ranges[][2] = {
	    {0x00, 0x1f},	/* controls */
	    {0x7f, 0xa0},	/* more controls, no-break space */
	    {0xad, 0xad},	/* soft hyphen */
	    {0x034f, 0x034f},	/* grapheme joiner */
	    {0x115f, 0x1160},	/* Hangul fillers */
	    {0x180b, 0x180f},	/* Mongolian selectors */
	    {0x2000, 0x200f},	/* spaces, zero width, direction */
	    {0x2028, 0x202f},	/* separators, direction */
	    {0x205f, 0x206f},	/* joiners, direction */
	    {0x3000, 0x3000},	/* ideographic space */
	    {0x3164, 0x3164},	/* Hangul filler */
	    {0xfe00, 0xfe0f},	/* variation selectors */
	    {0xfeff, 0xfeff},	/* byte-order mark */
	    {0xff01, 0xffee},	/* wide and narrow forms of other characters */
	    {0xfff0, 0xfffb},	/* annotations */
	    {0xe0000, 0xe0fff}, /* tags, variation selectors */
	};

	while (s.n > 0) {
		uint32_t c = str_take_code_point(&s);

		for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
			if (c >= ranges[i][0] && c <= ranges[i][1]) {
				return true;
			}
		}
	}
	return false;
}

bool target_text_is_plain(struct str value)
{
	return str_is_utf8(value) && !has_invisible(value) && str_trim(value).n == value.n;
}

/* ---- addresses ---- */

struct network {
	uint8_t bytes[16];
	unsigned bits; /* of the whole address: 32 or 128 */
	unsigned prefix;
};

static bool parse_network(struct str value, struct network *ret)
{
	char text[INET6_ADDRSTRLEN];
	struct str prefix = value;
	struct str address = str_cut(&prefix, '/');
	uint64_t number;

	if (address.n >= sizeof(text) || memchr(address.p, '\0', address.n)) {
		return false;
	}
	memcpy(text, address.p, address.n);
	text[address.n] = '\0';
	*ret = (struct network){0};
	if (inet_pton(AF_INET, text, ret->bytes) == 1) {
		ret->bits = IPV4_BITS;
	} else if (inet_pton(AF_INET6, text, ret->bytes) == 1) {
		ret->bits = IPV6_BITS;
	} else {
		return false;
	}
	ret->prefix = ret->bits;
	if (prefix.p) {
		if (!num_u64(prefix, ret->bits, &number)) {
			return false;
		}
		ret->prefix = (unsigned)number;
	}
	return true;
}

static void cut_to_network(struct network *net)
{
	for (unsigned bit = net->prefix; bit < net->bits; bit++) {
		net->bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
	}
}

/* Is it wider than all of IPv4 and around it? */
static bool holds_ipv4(const struct network *net)
{
	static const uint8_t zero[10] = {0};

	return net->bits == IPV6_BITS && net->prefix < MAPPED_BITS &&
	       memcmp(net->bytes, zero, sizeof(zero)) == 0;
}

/* ::ffff:192.0.2.1 is 192.0.2.1. */
static void unmap(struct network *net)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (net->bits != IPV6_BITS || net->prefix < MAPPED_BITS ||
	    memcmp(net->bytes, mapped, sizeof(mapped)) != 0) {
		return;
	}
	memmove(net->bytes, net->bytes + sizeof(mapped), 4);
	net->bits = IPV4_BITS;
	net->prefix -= MAPPED_BITS;
}

static bool is_all(const struct network *net, uint8_t byte)
{
	for (unsigned i = 0; i < net->bits / 8; i++) {
		if (net->bytes[i] != byte) {
			return false;
		}
	}
	return true;
}

/* One number of an address as inet_aton(3) has it: decimal, 0octal or 0xhex. */
static bool parse_part(struct str part, uint64_t *ret)
{
	unsigned base = 10;

	if (part.n > 1 && part.p[0] == '0') {
		bool is_hex = (part.p[1] | 0x20) == 'x';

		base = is_hex ? 16 : 8;
		part = str_slice(part, is_hex ? 2 : 1, part.n);
	}
	if (part.n == 0 || part.n > 11) {
		return false;
	}
	*ret = 0;
	for (size_t i = 0; i < part.n; i++) {
		char c = to_lower(part.p[i]);
		unsigned digit = 16;

		if (c >= '0' && c <= '9') {
			digit = (unsigned)(c - '0');
		} else if (c >= 'a' && c <= 'f') {
			digit = (unsigned)(c - 'a') + 10;
		}
		if (digit >= base) {
			return false;
		}
		*ret = *ret * base + digit;
	}
	return *ret <= UINT32_MAX;
}

/* The spellings that resolvers take beside dotted quads: 10.1, 0x7f000001, 017700000001. The last
 * number fills what the others leave. */
static bool parse_old_ipv4(struct str value, struct network *ret)
{
	uint64_t parts[4];
	unsigned n = 0;
	uint64_t whole = 0;

	if (value.n > 1 && value.p[value.n - 1] == '.') {
		value.n--;
	}
	do {
		if (n == ARRAY_LEN(parts) || !parse_part(str_cut(&value, '.'), &parts[n])) {
			return false;
		}
		n++;
	} while (value.p);
	for (unsigned i = 0; i + 1 < n; i++) {
		if (parts[i] > 0xff) {
			return false;
		}
		whole |= parts[i] << (24 - 8 * i);
	}
	if (n > 1 && parts[n - 1] >> (8 * (5 - n))) {
		return false;
	}
	whole |= parts[n - 1];
	*ret = (struct network){.bits = IPV4_BITS, .prefix = IPV4_BITS};
	for (unsigned i = 0; i < 4; i++) {
		ret->bytes[i] = (uint8_t)(whole >> (24 - 8 * i));
	}
	return true;
}

/* REASON_NONE and its canonical text, without a kind, in text. */
static enum reason write_network(struct network *net, bool may_be_wide,
				 char text[INET6_ADDRSTRLEN + 4])
{
	char address[INET6_ADDRSTRLEN];

	unmap(net);
	cut_to_network(net);
	/* The unspecified address means "every address" to many tools, its whole /8 "this host";
	 * and 255.255.255.255 all neighbours. */
	if (!may_be_wide &&
	    (net->prefix < (net->bits == IPV4_BITS ? IPV4_WIDEST : IPV6_WIDEST) ||
	     holds_ipv4(net) || is_all(net, 0) ||
	     (net->bits == IPV4_BITS && (net->bytes[0] == 0 || is_all(net, 0xff))))) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	MUST(inet_ntop(net->bits == IPV4_BITS ? AF_INET : AF_INET6, net->bytes, address,
		       sizeof(address)));
	if (net->prefix == net->bits) {
		(void)snprintf(text, INET6_ADDRSTRLEN + 4, "%s", address);
	} else {
		(void)snprintf(text, INET6_ADDRSTRLEN + 4, "%s/%u", address, net->prefix);
	}
	return REASON_NONE;
}

/* ---- hosts ---- */

static bool label_is_valid(struct str label)
{
	if (label.n == 0 || label.n > LABEL_BYTES || label.p[0] == '-' ||
	    label.p[label.n - 1] == '-') {
		return false;
	}
	for (size_t i = 0; i < label.n; i++) {
		if (!is_lower_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_') {
			return false;
		}
	}
	return true;
}

/* Lower case, without the last dot, labels as the DNS has them; at most HOST_BYTES. */
static bool ascii_host(struct str value, char lower[HOST_BYTES + 1], size_t *ret_n)
{
	struct str rest;

	if (value.n > 0 && value.p[value.n - 1] == '.') {
		value.n--;
	}
	if (value.n == 0 || value.n > HOST_BYTES) {
		return false;
	}
	for (size_t i = 0; i < value.n; i++) {
		lower[i] = to_lower(value.p[i]);
	}
	lower[value.n] = '\0';
	rest = str_of(lower, value.n);
	do {
		if (!label_is_valid(str_cut(&rest, '.'))) {
			return false;
		}
	} while (rest.p);
	*ret_n = value.n;
	return true;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] >= 0x80) {
			return false;
		}
	}
	return true;
}

/* IDNA2008 with the mapping of UTS 46; a name that begins with xn-- must be the spelling of some
 * name, or two of them could be one. */
static bool idna_host(struct str value, char lower[HOST_BYTES + 1], size_t *ret_n)
{
	enum { FLAGS = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL };
	char text[HOST_BYTES * 4 + 1];
	char *mapped = NULL;
	bool ok;

	if (value.n >= sizeof(text) || memchr(value.p, '\0', value.n)) {
		return false;
	}
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	if (idn2_lookup_u8((const uint8_t *)text, (uint8_t **)&mapped, FLAGS) != IDN2_OK) {
		return false;
	}
	ok = ascii_host(str_from(mapped), lower, ret_n);
	idn2_free(mapped);
	return ok;
}

static enum reason canonical_name(struct str value, struct arena *arena, struct str *ret)
{
	char lower[HOST_BYTES + 1];
	bool is_plain = is_ascii(value);
	size_t n = 0;

	if (is_plain && !ascii_host(value, lower, &n)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	if (!is_plain || str_has_prefix(str_of(lower, n), STR("xn--")) ||
	    str_contains(str_of(lower, n), STR(".xn--"))) {
		if (!idna_host(is_plain ? str_of(lower, n) : value, lower, &n)) {
			return REASON_TARGET_TYPE_MISMATCH;
		}
	}
	*ret = arena_strf(arena, "host:%.*s", (int)n, lower);
	return ret->p ? REASON_NONE : REASON_LIMIT;
}

/* ---- where a host or an address may be written: URL, brackets, port ---- */

static bool port_is_valid(struct str port)
{
	uint64_t number;

	return num_u64(port, UINT16_MAX, &number) && number > 0;
}

/* "https://host:1/x" -> "host:1". A user or a backslash in front of a host is how one host is made
 * to look like another. */
static bool strip_url(struct str *value)
{
	struct str rest = *value;
	size_t n = 0;

	while (n < rest.n && (is_lower_alnum(to_lower(rest.p[n])) || strchr("+.-", rest.p[n]))) {
		n++;
	}
	if (n == 0 || !str_has_prefix(str_slice(rest, n, rest.n), STR("://"))) {
		return true; /* no URL */
	}
	rest = str_slice(rest, n + 3, rest.n);
	for (n = 0; n < rest.n && !strchr("/?#", rest.p[n]); n++) {
		if (rest.p[n] == '@' || rest.p[n] == '\\' || rest.p[n] == '\0') {
			return false;
		}
	}
	*value = str_slice(rest, 0, n);
	return true;
}

/* "[::1]:1" -> "::1"; "host:1" -> "host"; an IPv6 address has more than one colon. */
static bool strip_port(struct str *value)
{
	struct str rest = *value;
	struct str head;

	if (rest.n > 0 && rest.p[0] == '[') {
		rest = str_slice(rest, 1, rest.n);
		head = str_cut(&rest, ']');
		if (!rest.p || str_find(head, ':') == head.n) {
			return false;
		}
		if (rest.n > 0 &&
		    (rest.p[0] != ':' || !port_is_valid(str_slice(rest, 1, rest.n)))) {
			return false;
		}
		*value = head;
		return true;
	}
	head = str_cut(&rest, ':');
	if (rest.p && str_find(rest, ':') == rest.n) {
		*value = head;
		return port_is_valid(rest);
	}
	return true;
}

/* (3) */
static enum reason canonical_place(struct str value, bool wants_address, struct arena *arena,
				   struct str *ret)
{
	char text[INET6_ADDRSTRLEN + 4];
	struct network net;
	enum reason reason;

	if (!strip_url(&value) || !strip_port(&value)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	if (target_is_wildcard(value)) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	if (!parse_network(value, &net) && !parse_old_ipv4(value, &net)) {
		return wants_address ? REASON_TARGET_TYPE_MISMATCH
				     : canonical_name(value, arena, ret);
	}
	reason = write_network(&net, false, text);
	if (reason != REASON_NONE) {
		return reason;
	}
	if (!wants_address && net.prefix != net.bits) {
		return REASON_TARGET_TYPE_MISMATCH; /* many addresses are no host */
	}
	*ret = arena_strf(arena, "ip:%s", text);
	return ret->p ? REASON_NONE : REASON_LIMIT;
}

enum reason target_network(struct str value, struct arena *arena, struct str *ret)
{
	char text[INET6_ADDRSTRLEN + 4];
	struct network net;

	if (!parse_network(value, &net)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	(void)write_network(&net, true, text); /* nothing is too wide */
	*ret = arena_strf(arena, "ip:%s", text);
	return ret->p ? REASON_NONE : REASON_LIMIT;
}

bool target_networks_overlap(struct str a, struct str b)
{
	struct network na;
	struct network nb;

	if (!str_has_prefix(a, STR("ip:")) || !str_has_prefix(b, STR("ip:")) ||
	    !parse_network(str_slice(a, 3, a.n), &na) ||
	    !parse_network(str_slice(b, 3, b.n), &nb) || na.bits != nb.bits) {
		return false;
	}
	na.prefix = na.prefix < nb.prefix ? na.prefix : nb.prefix;
	nb.prefix = na.prefix;
	cut_to_network(&na);
	cut_to_network(&nb);
	return memcmp(na.bytes, nb.bytes, sizeof(na.bytes)) == 0;
}

/* ---- users ---- */

/* DOMAIN\u and u@domain are one user; case never tells two users apart. ASCII, for what one
 * directory takes as equal beyond it another does not. */
static enum reason canonical_user(struct str value, struct arena *arena, struct str *ret)
{
	char lower[USER_BYTES];
	struct str name;
	struct str domain;
	struct str rest;

	if (value.n > sizeof(lower) || !is_ascii(value)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	for (size_t i = 0; i < value.n; i++) {
		lower[i] = to_lower(value.p[i]);
	}
	rest = str_of(lower, value.n);
	if (str_find(rest, '\\') < rest.n) {
		domain = str_cut(&rest, '\\');
		name = rest;
	} else {
		name = str_cut(&rest, '@');
		domain = rest;
		if (!domain.p) {
			*ret = arena_strf(arena, "user:" STR_FMT, STR_ARG(name));
			return ret->p ? REASON_NONE : REASON_LIMIT;
		}
	}
	if (domain.n > 0 && domain.p[domain.n - 1] == '.') {
		domain.n--;
	}
	if (str_find(name, '@') < name.n || str_find(domain, '@') < domain.n ||
	    str_find(name, '\\') < name.n || str_find(domain, '\\') < domain.n ||
	    str_find(domain, ' ') < domain.n || str_has_suffix(domain, STR(".")) ||
	    str_trim(name).n != name.n) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	if (target_is_wildcard(name) || target_is_wildcard(domain)) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	*ret = arena_strf(arena, "user:" STR_FMT "@" STR_FMT, STR_ARG(name), STR_ARG(domain));
	return ret->p ? REASON_NONE : REASON_LIMIT;
}

/* ---- files ---- */

/* An absolute path without "//", "/./" and a slash at its end. ".." is refused: what it leads to
 * depends on links. "$" and "~" are what shells expand. */
static enum reason canonical_file(struct str value, struct arena *arena, struct str *ret)
{
	char path[TARGET_VALUE_BYTES + 1];
	struct str rest = value;
	size_t n = 0;

	if (value.p[0] != '/' || str_find(value, '$') < value.n) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	while (rest.p) {
		struct str segment = str_cut(&rest, '/');

		if (str_eq(segment, STR(".."))) {
			return REASON_TARGET_TYPE_MISMATCH;
		}
		if (segment.n == 0 || str_eq(segment, STR("."))) {
			continue;
		}
		path[n++] = '/';
		memcpy(path + n, segment.p, segment.n);
		n += segment.n;
	}
	if (n == 0) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD; /* the root, however written */
	}
	/* What was in the middle may stand at the end now. */
	if (!target_text_is_plain(str_of(path, n))) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	*ret = arena_strf(arena, "file:%.*s", (int)n, path);
	return ret->p ? REASON_NONE : REASON_LIMIT;
}

/* ---- any kind ---- */

enum reason target_canonical(struct str kind, struct str value, struct arena *arena,
			     struct str *ret)
{
	bool is_address = str_eq(kind, STR("ip"));

	if (value.n > TARGET_VALUE_BYTES) {
		return REASON_TARGET_LIMIT;
	}
	if (!target_kind_is_valid(kind)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	if (str_trim(value).n == 0) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	if (!target_text_is_plain(value)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	if (is_address || str_eq(kind, STR("host"))) {
		return canonical_place(value, is_address, arena, ret);
	}
	if (target_is_wildcard(value)) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	if (str_eq(kind, STR("user"))) {
		return canonical_user(value, arena, ret);
	}
	if (str_eq(kind, STR("file"))) {
		return canonical_file(value, arena, ret);
	}
	*ret = arena_strf(arena, STR_FMT ":" STR_FMT, STR_ARG(kind), STR_ARG(value));
	return ret->p ? REASON_NONE : REASON_LIMIT;
}

enum reason target_parse(struct str text, struct arena *arena, struct str *ret)
{
	struct str value = text;
	struct str kind = str_cut(&value, ':');

	return value.p ? target_canonical(kind, value, arena, ret) : REASON_TARGET_TYPE_MISMATCH;
}
