/* SPDX-License-Identifier: Apache-2.0 */
/* core/target.c - resolving targets.
 *
 * Trust:  arguments are hostile; rules come from the catalog.
 * Holds:  (1) canonical text gives itself again.
 *         (2) what is not certainly one asset is an error, never an empty list.
 */
#include "core/target.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"

enum {
	IPV4_BITS = 32,
	IPV6_BITS = 128,
	IPV4_WIDEST = 9, /* prefix of the widest range that counts as a target */
	IPV6_WIDEST = 33,
	MAPPED_BITS = 96, /* ::ffff:0:0/96 holds IPv4 */
	HOST_BYTES = 253,
	LABEL_BYTES = 63,
};

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
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

/* ---- ip ---- */

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

static enum reason canonical_ip(struct str value, struct arena *arena, struct str *ret)
{
	char text[INET6_ADDRSTRLEN];
	struct network net;

	if (!parse_network(value, &net)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	unmap(&net);
	cut_to_network(&net);
	/* The unspecified address means "every address" to many tools, 255.255.255.255 to all
	 * neighbours. */
	if (net.prefix < (net.bits == IPV4_BITS ? IPV4_WIDEST : IPV6_WIDEST) || holds_ipv4(&net) ||
	    is_all(&net, 0) || (net.bits == IPV4_BITS && is_all(&net, 0xff))) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	MUST(inet_ntop(net.bits == IPV4_BITS ? AF_INET : AF_INET6, net.bytes, text, sizeof(text)));
	if (net.prefix == net.bits) {
		*ret = arena_strf(arena, "ip:%s", text);
	} else {
		*ret = arena_strf(arena, "ip:%s/%u", text, net.prefix);
	}
	return ret->p ? REASON_NONE : REASON_LIMIT;
}

/* ---- host ---- */

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

/* Would a resolver take a name that ends in this label for an address ("10.1", "0x7f000001")? */
static bool label_is_number(struct str label)
{
	size_t i = str_has_prefix(label, STR("0x")) ? 2 : 0;
	bool is_hex = i == 2;

	for (; i < label.n; i++) {
		char c = label.p[i];

		if (!(c >= '0' && c <= '9') && !(is_hex && c >= 'a' && c <= 'f')) {
			return false;
		}
	}
	return true;
}

static enum reason canonical_host(struct str value, struct arena *arena, struct str *ret)
{
	char lower[HOST_BYTES];
	struct str rest;
	struct str label;

	if (value.n > 0 && value.p[value.n - 1] == '.') {
		value.n--;
	}
	if (value.n == 0 || value.n > sizeof(lower)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		lower[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	rest = str_of(lower, value.n);
	do {
		label = str_cut(&rest, '.');
		if (!label_is_valid(label)) {
			return REASON_TARGET_TYPE_MISMATCH;
		}
	} while (rest.p);
	if (label_is_number(label)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	*ret = arena_strf(arena, "host:%.*s", (int)value.n, lower);
	return ret->p ? REASON_NONE : REASON_LIMIT;
}

/* ---- any kind ---- */

/* Nothing, everything, or a pattern. */
static bool is_wildcard(struct str value)
{
	static const struct str all[] = {{"/", 1}, {".", 1}, {"..", 2}, {"all", 3}, {"any", 3}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (str_eq_nocase(value, all[i])) {
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

/* One character of well-formed UTF-8, taken from the front of s. */
static uint32_t take_character(struct str *s)
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
	    {0xffa0, 0xffa0},	/* Hangul filler */
	    {0xfff0, 0xfffb},	/* annotations */
	    {0xe0000, 0xe0fff}, /* tags, variation selectors */
	};

	while (s.n > 0) {
		uint32_t c = take_character(&s);

		for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
			if (c >= ranges[i][0] && c <= ranges[i][1]) {
				return true;
			}
		}
	}
	return false;
}

enum reason target_canonical(struct str kind, struct str value, struct arena *arena,
			     struct str *ret)
{
	if (value.n > TARGET_VALUE_BYTES) {
		return REASON_TARGET_LIMIT;
	}
	if (!target_kind_is_valid(kind)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	if (is_wildcard(value)) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	if (!str_is_utf8(value) || has_invisible(value) || str_trim(value).n != value.n) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	if (str_eq(kind, STR("ip"))) {
		return canonical_ip(value, arena, ret);
	}
	if (str_eq(kind, STR("host"))) {
		return canonical_host(value, arena, ret);
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

/* ---- targets of a call ---- */

struct found {
	struct str items[LIMIT_TARGETS];
	size_t n;
};

/* Keeps items sorted and distinct. */
static enum reason add(struct found *found, struct str kind, struct str value, struct arena *arena)
{
	struct str target;
	enum reason reason = target_canonical(kind, value, arena, &target);
	size_t at = 0;

	if (reason != REASON_NONE) {
		return reason;
	}
	while (at < found->n && str_cmp(found->items[at], target) < 0) {
		at++;
	}
	if (at < found->n && str_eq(found->items[at], target)) {
		return REASON_NONE;
	}
	if (found->n == ARRAY_LEN(found->items)) {
		return REASON_TARGET_LIMIT;
	}
	memmove(&found->items[at + 1], &found->items[at], (found->n - at) * sizeof(target));
	found->items[at] = target;
	found->n++;
	return REASON_NONE;
}

static enum reason add_value(struct found *found, const struct target_rule *rule,
			     const struct json *value, struct arena *arena)
{
	struct str text;

	if (json_type(value) == JSON_NONE) {
		return REASON_NONE; /* an argument that was left out */
	}
	if (json_str(value, &text)) {
		return add(found, rule->kind, text, arena);
	}
	if (json_type(value) != JSON_ARRAY) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	if (value->count == 0) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	if (value->count > LIMIT_TARGETS) {
		return REASON_TARGET_LIMIT;
	}
	for (const struct json *item = value->child; item; item = item->next) {
		enum reason reason = REASON_TARGET_TYPE_MISMATCH;

		if (json_str(item, &text)) {
			reason = add(found, rule->kind, text, arena);
		}
		if (reason != REASON_NONE) {
			return reason;
		}
	}
	return REASON_NONE;
}

enum reason target_resolve(const struct tool *tool, const struct json *args, struct arena *arena,
			   struct str_list *ret)
{
	struct found found = {.n = 0};

	for (size_t i = 0; i < tool->n_targets; i++) {
		const struct target_rule *rule = &tool->targets[i];
		enum reason reason;

		if (rule->constant.n > 0) {
			reason = add(&found, rule->kind, rule->constant, arena);
		} else {
			reason = add_value(&found, rule, json_pointer(args, rule->pointer), arena);
		}
		if (reason != REASON_NONE) {
			return reason;
		}
	}
	if (tool->n_targets > 0 && found.n == 0) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	/* The texts are in the arena; only the list moves there. */
	*ret = (struct str_list){0};
	if (found.n > 0) {
		struct str *items = arena_alloc_n(arena, found.n, sizeof(*items));

		if (!items) {
			return REASON_LIMIT;
		}
		memcpy(items, found.items, found.n * sizeof(*items));
		*ret = (struct str_list){.p = items, .n = found.n};
	}
	return REASON_NONE;
}

bool target_in_list(const struct str_list *list, struct str target)
{
	struct str kind = str_slice(target, 0, str_find(target, ':') + 1);

	for (size_t i = 0; i < list->n; i++) {
		struct str entry = list->p[i];

		if (str_eq(entry, target)) {
			return true;
		}
		if (str_has_suffix(entry, STR(":*")) && kind.n > 0 &&
		    str_eq(str_slice(entry, 0, entry.n - 1), kind)) {
			return true;
		}
	}
	return false;
}
