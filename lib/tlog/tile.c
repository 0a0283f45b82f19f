/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/tile.c - paths and contents of tiles and bundles (C2SP tlog-tiles).
 *
 * Trust:  paths and bundles are hostile.
 */
#include <tlog.h>

#include <stdio.h>
#include <string.h>

#include "base/num.h"

unsigned tlog_tile_width(uint64_t size, unsigned level, uint64_t n)
{
	uint64_t hashes = level < TLOG_LEVELS ? size >> (8 * level) : 0;
	uint64_t before;

	if (__builtin_mul_overflow(n, (uint64_t)TLOG_TILE_WIDTH, &before) || before >= hashes) {
		return 0;
	}
	return hashes - before < TLOG_TILE_WIDTH ? (unsigned)(hashes - before) : TLOG_TILE_WIDTH;
}

/* "x001/x234/067" and the partial's suffix, behind what is there. */
static void add_index(char ret[TLOG_PATH_BYTES], int at, uint64_t n, unsigned width)
{
	unsigned groups[7];
	unsigned count = 0;

	MUST(width >= 1 && width <= TLOG_TILE_WIDTH && at > 0);
	do {
		groups[count++] = (unsigned)(n % 1000);
		n /= 1000;
	} while (n > 0 && count < ARRAY_LEN(groups));
	/* 2^64 has seven groups: 7 * 5 characters fit behind any prefix. */
	while (count > 1) {
		at += snprintf(ret + at, (size_t)(TLOG_PATH_BYTES - at), "x%03u/", groups[--count]);
	}
	at += snprintf(ret + at, (size_t)(TLOG_PATH_BYTES - at), "%03u", groups[0]);
	if (width < TLOG_TILE_WIDTH) {
		at += snprintf(ret + at, (size_t)(TLOG_PATH_BYTES - at), ".p/%u", width);
	}
	MUST(at < TLOG_PATH_BYTES);
}

void tlog_tile_path(unsigned level, uint64_t n, unsigned width, char ret[TLOG_PATH_BYTES])
{
	MUST(level < 64);
	add_index(ret, snprintf(ret, TLOG_PATH_BYTES, "tile/%u/", level), n, width);
}

void tlog_bundle_path(uint64_t n, unsigned width, char ret[TLOG_PATH_BYTES])
{
	add_index(ret, snprintf(ret, TLOG_PATH_BYTES, "tile/entries/"), n, width);
}

/* Reads "x001/x234/067" off the front of s, up to ".p/" or the end. */
static bool parse_index(struct str *s, uint64_t *ret)
{
	uint64_t n = 0;

	for (;;) {
		bool is_last = s->n == 0 || s->p[0] != 'x';
		struct str digits = str_slice(*s, is_last ? 0 : 1, is_last ? 3 : 4);
		uint8_t value = 0;
		uint64_t group = 0;

		if (digits.n != 3) {
			return false;
		}
		for (size_t i = 0; i < 3; i++) {
			value = (uint8_t)(digits.p[i] - '0');
			if (value > 9) {
				return false;
			}
			group = group * 10 + value;
		}
		if (__builtin_mul_overflow(n, (uint64_t)1000, &n) ||
		    __builtin_add_overflow(n, group, &n)) {
			return false;
		}
		*s = str_slice(*s, is_last ? 3 : 4, s->n);
		if (is_last) {
			*ret = n;
			return true;
		}
		if (n == 0 || s->n == 0 || s->p[0] != '/') {
			return false; /* "x000/..." is a second spelling */
		}
		*s = str_slice(*s, 1, s->n);
	}
}

bool tlog_path_parse(struct str path, struct tlog_resource *ret)
{
	struct tlog_resource r = {.width = TLOG_TILE_WIDTH};
	struct str s = path;
	struct str level;
	uint64_t v = 0;

	if (!str_eq(str_cut(&s, '/'), STR("tile"))) {
		return false;
	}
	level = str_cut(&s, '/');
	r.is_bundle = str_eq(level, STR("entries"));
	if (!r.is_bundle) {
		if (!num_u64(level, 63, &v)) {
			return false;
		}
		r.level = (unsigned)v;
	}
	if (!parse_index(&s, &r.n)) {
		return false;
	}
	if (s.n > 0) {
		if (!str_has_prefix(s, STR(".p/")) ||
		    !num_u64(str_slice(s, 3, s.n), TLOG_TILE_WIDTH - 1, &v) || v == 0) {
			return false;
		}
		r.width = (unsigned)v;
	}
	*ret = r;
	return true;
}

enum rc tlog_bundle_add(struct buf *b, struct str leaf)
{
	if (leaf.n > TLOG_LEAF_MAX_BYTES) {
		return RC_LIMIT;
	}
	TRY(buf_reserve(b, 2 + leaf.n)); /* all or nothing */
	TRY(buf_add_u16(b, (uint16_t)leaf.n));
	return buf_add(b, leaf);
}

bool tlog_bundle_next(struct reader *r, struct str *ret_leaf)
{
	struct reader at = *r;
	uint16_t n;

	if (!rd_u16(&at, &n) || !rd_take(&at, n, ret_leaf)) {
		return false;
	}
	*r = at;
	return true;
}
