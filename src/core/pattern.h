/* SPDX-License-Identifier: Apache-2.0 */
/* core/pattern.h - the part of regular expressions that runs in linear time.
 *
 * JSON Schema's `pattern` is an ECMA-262 expression. This is the subset without back references
 * and look-around: literals, '.', classes, \d \w \s and their opposites, groups, alternatives,
 * * + ? {m,n}, ^ and $. All else is refused when compiled, never read differently. Matching works
 * on code points, is a search (not anchored), and takes at most pattern_cost() steps: there is no
 * backtracking.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum {
	PATTERN_CODE = 512,   /* instructions; {m,n} repeats what it counts */
	PATTERN_RANGES = 256, /* in all classes together */
	PATTERN_DEPTH = 32,   /* groups within each other */
};

struct pattern_instr {
	uint8_t op;
	bool is_negated;
	uint16_t n_ranges;
	int32_t x; /* code point, first range, or relative jump */
	int32_t y; /* the other jump */
};

struct pattern {
	struct pattern_instr code[PATTERN_CODE];
	struct {
		uint32_t from;
		uint32_t to;
	} ranges[PATTERN_RANGES];
	size_t n_code;
	size_t n_ranges;
};

/* RC_INPUT for what is malformed or not in the subset, RC_LIMIT for what is too long. */
enum rc pattern_compile(struct pattern *p, struct str text, struct err *e);
/* Does p match somewhere in s? s is UTF-8. */
bool pattern_search(const struct pattern *p, struct str s);
/* A bound of the steps that a search in n bytes takes. */
size_t pattern_cost(const struct pattern *p, size_t n);
