/* SPDX-License-Identifier: Apache-2.0 */
/* core/pattern.c - regular expressions as a set of threads that walk in step.
 *
 * Trust:  the expression comes from a catalog that a person reviewed; the text is hostile.
 * Holds:  (1) jumps are relative, so that a block of code can be moved and repeated.
 *         (2) an instruction is in the set of threads at most once per position.
 */
#include "core/pattern.h"

#include <string.h>

enum op { OP_MATCH = 0, OP_CHAR, OP_CLASS, OP_SPLIT, OP_JUMP, OP_BEGIN, OP_END };

enum { LAST_CODE_POINT = 0x10ffff, REPEAT_MAX = 256 };
static const uint64_t REPEAT_UNBOUNDED = UINT64_MAX;

/* ---- Code points ---- */

/* ---- Compiling: one function per level of the grammar ---- */

struct compiler {
	struct pattern *p;
	struct str text;
	size_t at;
	unsigned depth;
	struct err *e;
};

static bool is_done(const struct compiler *c)
{
	return c->at >= c->text.n;
}

static bool looks_at(const struct compiler *c, char want)
{
	return !is_done(c) && c->text.p[c->at] == want;
}

static bool accept(struct compiler *c, char want)
{
	if (!looks_at(c, want)) {
		return false;
	}
	c->at++;
	return true;
}

static enum rc bad(struct compiler *c, const char *what)
{
	FAIL(c->e, RC_INPUT, "pattern '" STR_FMT "', offset %zu: %s", STR_ARG(c->text), c->at,
	     what);
}

static enum rc too_long(struct compiler *c)
{
	FAIL(c->e, RC_LIMIT, "pattern '" STR_FMT "' is too long or repeats too much",
	     STR_ARG(c->text));
}

/* Makes room for one instruction at `at`; what stood there moves up (Holds 1). */
static enum rc insert(struct compiler *c, size_t at, struct pattern_instr instr)
{
	struct pattern *p = c->p;

	if (p->n_code == PATTERN_CODE) {
		return too_long(c);
	}
	memmove(&p->code[at + 1], &p->code[at], (p->n_code - at) * sizeof(p->code[0]));
	p->code[at] = instr;
	p->n_code++;
	return RC_OK;
}

static enum rc emit(struct compiler *c, struct pattern_instr instr)
{
	return insert(c, c->p->n_code, instr);
}

static enum rc add_range(struct compiler *c, uint32_t from, uint32_t to)
{
	if (c->p->n_ranges == PATTERN_RANGES) {
		return too_long(c);
	}
	c->p->ranges[c->p->n_ranges].from = from;
	c->p->ranges[c->p->n_ranges].to = to;
	c->p->n_ranges++;
	return RC_OK;
}

/* \d \w \s, and their opposites by the gaps between the ranges. */
static enum rc add_named(struct compiler *c, char name)
{
	static const uint32_t digit[][2] = {{'0', '9'}};
	static const uint32_t word[][2] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
	static const uint32_t space[][2] = {
	    {0x09, 0x0d},     {0x20, 0x20},	{0xa0, 0xa0},	  {0x1680, 0x1680},
	    {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
	    {0x3000, 0x3000}, {0xfeff, 0xfeff},
	};
	const uint32_t(*ranges)[2] = space;
	size_t n = ARRAY_LEN(space);
	char lower = (char)(name | 0x20);
	uint32_t from = 0;

	if (lower == 'd') {
		ranges = digit;
		n = ARRAY_LEN(digit);
	} else if (lower == 'w') {
		ranges = word;
		n = ARRAY_LEN(word);
	}
	for (size_t i = 0; i < n; i++) {
		if (name == lower) {
			TRY(add_range(c, ranges[i][0], ranges[i][1]));
		} else {
			TRY(add_range(c, from, ranges[i][0] - 1));
			from = ranges[i][1] + 1;
		}
	}
	return name == lower ? RC_OK : add_range(c, from, LAST_CODE_POINT);
}

static enum rc parse_hex(struct compiler *c, unsigned digits, uint32_t *ret)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < digits; i++, c->at++) {
		char ch = is_done(c) ? '\0' : c->text.p[c->at];

		if (ch >= '0' && ch <= '9') {
			v = v * 16 + (uint32_t)(ch - '0');
		} else if ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f') {
			v = v * 16 + (uint32_t)((ch | 0x20) - 'a') + 10;
		} else {
			return bad(c, "expected a hexadecimal digit");
		}
	}
	if (v >= 0xd800 && v <= 0xdfff) {
		return bad(c, "surrogates are not supported; write the character itself");
	}
	*ret = v;
	return RC_OK;
}

/* After a backslash: one character, or *ret_named the letter of a named class. */
static enum rc parse_escape(struct compiler *c, bool in_class, uint32_t *ret, char *ret_named)
{
	static const char controls[] = "nrtfv";
	static const char values[] = "\n\r\t\f\v";
	const char *control;
	char ch;

	*ret_named = '\0';
	if (is_done(c)) {
		return bad(c, "a backslash at the end");
	}
	ch = c->text.p[c->at++];
	if (ch == 'x' || ch == 'u') {
		return parse_hex(c, ch == 'x' ? 2 : 4, ret);
	}
	if (ch != '\0' && strchr("dDwWsS", ch)) {
		*ret_named = ch;
		return RC_OK;
	}
	control = ch == '\0' ? NULL : strchr(controls, ch);
	if (control) {
		*ret = (uint32_t)(unsigned char)values[control - controls];
		return RC_OK;
	}
	if (ch != '\0' && (strchr("^$\\.*+?()[]{}|/", ch) || (in_class && ch == '-'))) {
		*ret = (uint32_t)(unsigned char)ch;
		return RC_OK;
	}
	return bad(c, "this escape is not supported");
}

static enum rc parse_class_atom(struct compiler *c, uint32_t *ret, char *ret_named)
{
	struct str rest = str_slice(c->text, c->at, c->text.n);

	*ret_named = '\0';
	if (rest.n == 0) {
		return bad(c, "']' is missing");
	}
	if (accept(c, '\\')) {
		return parse_escape(c, true, ret, ret_named);
	}
	*ret = str_take_code_point(&rest);
	c->at = c->text.n - rest.n;
	return RC_OK;
}

static enum rc parse_class(struct compiler *c)
{
	struct pattern_instr instr = {.op = OP_CLASS, .x = (int32_t)c->p->n_ranges};

	instr.is_negated = accept(c, '^');
	while (!accept(c, ']')) {
		uint32_t from = 0;
		uint32_t to = 0;
		char named;

		TRY(parse_class_atom(c, &from, &named));
		if (named != '\0') {
			TRY(add_named(c, named));
			continue;
		}
		to = from;
		if (looks_at(c, '-') && c->at + 1 < c->text.n && c->text.p[c->at + 1] != ']') {
			c->at++;
			TRY(parse_class_atom(c, &to, &named));
			if (named != '\0' || to < from) {
				return bad(c, "not a range");
			}
		}
		TRY(add_range(c, from, to));
	}
	instr.n_ranges = (uint16_t)(c->p->n_ranges - (size_t)instr.x);
	return emit(c, instr);
}

static enum rc parse_alternatives(struct compiler *c);

static enum rc parse_group(struct compiler *c)
{
	if (accept(c, '?') && !accept(c, ':')) {
		return bad(c, "only (?: is supported of the special groups");
	}
	if (++c->depth > PATTERN_DEPTH) {
		return too_long(c);
	}
	TRY(parse_alternatives(c));
	c->depth--;
	return accept(c, ')') ? RC_OK : bad(c, "')' is missing");
}

/* '.' is everything but the four line terminators. */
static enum rc emit_any(struct compiler *c)
{
	struct pattern_instr instr = {
	    .op = OP_CLASS, .is_negated = true, .x = (int32_t)c->p->n_ranges, .n_ranges = 3};

	TRY(add_range(c, '\n', '\n'));
	TRY(add_range(c, '\r', '\r'));
	TRY(add_range(c, 0x2028, 0x2029));
	return emit(c, instr);
}

static enum rc parse_atom(struct compiler *c)
{
	struct str rest = str_slice(c->text, c->at, c->text.n);
	uint32_t code_point = 0;
	char named;

	if (accept(c, '(')) {
		return parse_group(c);
	}
	if (accept(c, '[')) {
		return parse_class(c);
	}
	if (accept(c, '.')) {
		return emit_any(c);
	}
	if (accept(c, '\\')) {
		struct pattern_instr instr = {.op = OP_CLASS, .x = (int32_t)c->p->n_ranges};

		TRY(parse_escape(c, false, &code_point, &named));
		if (named != '\0') {
			TRY(add_named(c, named));
			instr.n_ranges = (uint16_t)(c->p->n_ranges - (size_t)instr.x);
			return emit(c, instr);
		}
		return emit(c, (struct pattern_instr){.op = OP_CHAR, .x = (int32_t)code_point});
	}
	if (strchr("*+?{}]", c->text.p[c->at])) {
		return bad(c, "nothing to repeat, or a bracket that must be escaped");
	}
	code_point = str_take_code_point(&rest);
	c->at = c->text.n - rest.n;
	return emit(c, (struct pattern_instr){.op = OP_CHAR, .x = (int32_t)code_point});
}

static enum rc parse_number(struct compiler *c, uint64_t *ret)
{
	size_t from = c->at;

	*ret = 0;
	while (!is_done(c) && c->text.p[c->at] >= '0' && c->text.p[c->at] <= '9') {
		*ret = *ret * 10 + (uint64_t)(c->text.p[c->at++] - '0');
		if (*ret > REPEAT_MAX) {
			return too_long(c);
		}
	}
	return c->at > from ? RC_OK : bad(c, "expected a number");
}

static enum rc parse_quantifier(struct compiler *c, uint64_t *ret_min, uint64_t *ret_max)
{
	*ret_min = *ret_max = 1;
	if (accept(c, '*')) {
		*ret_min = 0;
		*ret_max = REPEAT_UNBOUNDED;
	} else if (accept(c, '+')) {
		*ret_max = REPEAT_UNBOUNDED;
	} else if (accept(c, '?')) {
		*ret_min = 0;
	} else if (accept(c, '{')) {
		TRY(parse_number(c, ret_min));
		*ret_max = *ret_min;
		if (accept(c, ',')) {
			*ret_max = REPEAT_UNBOUNDED;
			if (!looks_at(c, '}')) {
				TRY(parse_number(c, ret_max));
			}
		}
		if (!accept(c, '}') || *ret_max < *ret_min) {
			return bad(c, "not a count");
		}
	} else {
		return RC_OK;
	}
	(void)accept(c, '?'); /* lazy or greedy makes no difference to whether it matches */
	return RC_OK;
}

static enum rc copy_block(struct compiler *c, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		TRY(emit(c, c->p->code[from + i]));
	}
	return RC_OK;
}

/* Repeats the block that begins at start and ends at the end of the code. */
static enum rc repeat(struct compiler *c, size_t start, uint64_t min, uint64_t max)
{
	size_t n = c->p->n_code - start;
	size_t last = start;

	if (max == 0) {
		c->p->n_code = start;
		return RC_OK;
	}
	for (uint64_t i = 1; i < min; i++) {
		last = c->p->n_code;
		TRY(copy_block(c, start, n));
	}
	if (max == REPEAT_UNBOUNDED && min > 0) {
		return emit(c, (struct pattern_instr){
				   .op = OP_SPLIT, .x = -(int32_t)(c->p->n_code - last), .y = 1});
	}
	if (max == REPEAT_UNBOUNDED) {
		TRY(insert(c, start,
			   (struct pattern_instr){.op = OP_SPLIT, .x = 1, .y = (int32_t)n + 2}));
		return emit(c, (struct pattern_instr){.op = OP_JUMP, .x = -(int32_t)n - 1});
	}
	if (min == 0) {
		TRY(insert(c, start,
			   (struct pattern_instr){.op = OP_SPLIT, .x = 1, .y = (int32_t)n + 1}));
		start++;
		min = 1;
	}
	for (uint64_t i = min; i < max; i++) {
		TRY(emit(c, (struct pattern_instr){.op = OP_SPLIT, .x = 1, .y = (int32_t)n + 1}));
		TRY(copy_block(c, start, n));
	}
	return RC_OK;
}

static enum rc parse_sequence(struct compiler *c)
{
	while (!is_done(c) && !looks_at(c, '|') && !looks_at(c, ')')) {
		size_t start = c->p->n_code;
		uint64_t min;
		uint64_t max;

		if (accept(c, '^')) {
			TRY(emit(c, (struct pattern_instr){.op = OP_BEGIN}));
			continue;
		}
		if (accept(c, '$')) {
			TRY(emit(c, (struct pattern_instr){.op = OP_END}));
			continue;
		}
		TRY(parse_atom(c));
		TRY(parse_quantifier(c, &min, &max));
		if (min != 1 || max != 1) {
			TRY(repeat(c, start, min, max));
		}
	}
	return RC_OK;
}

/* a|b|c:  SPLIT a, next;  a;  JUMP end;  next: ... */
static enum rc parse_alternatives(struct compiler *c)
{
	size_t start = c->p->n_code;
	size_t jump;

	TRY(parse_sequence(c));
	while (accept(c, '|')) {
		size_t n = c->p->n_code - start;

		TRY(insert(c, start,
			   (struct pattern_instr){.op = OP_SPLIT, .x = 1, .y = (int32_t)n + 2}));
		jump = c->p->n_code;
		TRY(emit(c, (struct pattern_instr){.op = OP_JUMP}));
		TRY(parse_sequence(c));
		c->p->code[jump].x = (int32_t)(c->p->n_code - jump);
	}
	return RC_OK;
}

enum rc pattern_compile(struct pattern *p, struct str text, struct err *e)
{
	struct compiler c = {.p = p, .text = text, .e = e};

	p->n_code = 0;
	p->n_ranges = 0;
	if (!str_is_utf8(text)) {
		FAIL(e, RC_INPUT, "a pattern must be UTF-8");
	}
	TRY(parse_alternatives(&c));
	if (!is_done(&c)) {
		return bad(&c, "')' without '('");
	}
	return emit(&c, (struct pattern_instr){.op = OP_MATCH});
}

/* ---- Matching ---- */

struct threads {
	uint16_t pc[PATTERN_CODE];
	size_t n;
};

struct search {
	const struct pattern *p;
	uint32_t seen[PATTERN_CODE]; /* position + 1 at which an instruction was last added */
	uint32_t position;	     /* of this step, counted from 1 */
	bool at_begin;
	bool at_end;
	bool matched;
};

/* Follows jumps from pc; what waits for a character is added to the threads (Holds 2). */
static void add_thread(struct search *s, struct threads *threads, size_t from)
{
	uint16_t stack[PATTERN_CODE];
	size_t n = 0;

#define PUSH(to)                                                                                   \
	do {                                                                                       \
		size_t to_ = (to);                                                                 \
		if (s->seen[to_] != s->position) {                                                 \
			s->seen[to_] = s->position;                                                \
			stack[n++] = (uint16_t)to_;                                                \
		}                                                                                  \
	} while (0)
	PUSH(from);
	while (n > 0) {
		size_t pc = stack[--n];
		const struct pattern_instr *i = &s->p->code[pc];

		switch ((enum op)i->op) {
		case OP_MATCH:
			s->matched = true;
			break;
		case OP_SPLIT:
			PUSH((size_t)((int64_t)pc + i->y));
			PUSH((size_t)((int64_t)pc + i->x));
			break;
		case OP_JUMP:
			PUSH((size_t)((int64_t)pc + i->x));
			break;
		case OP_BEGIN:
			if (s->at_begin) {
				PUSH(pc + 1);
			}
			break;
		case OP_END:
			if (s->at_end) {
				PUSH(pc + 1);
			}
			break;
		case OP_CHAR:
		case OP_CLASS:
			threads->pc[threads->n++] = (uint16_t)pc;
			break;
		}
	}
#undef PUSH
}

static bool accepts(const struct pattern *p, const struct pattern_instr *i, uint32_t c)
{
	if (i->op == OP_CHAR) {
		return c == (uint32_t)i->x;
	}
	for (size_t k = 0; k < i->n_ranges; k++) {
		if (c >= p->ranges[(size_t)i->x + k].from && c <= p->ranges[(size_t)i->x + k].to) {
			return !i->is_negated;
		}
	}
	return i->is_negated;
}

bool pattern_search(const struct pattern *p, struct str s)
{
	struct search search = {.p = p, .at_begin = true};
	struct threads sets[2] = {0};
	struct threads *now = &sets[0];
	struct threads *next = &sets[1];

	search.at_end = s.n == 0;
	search.position = 1;
	add_thread(&search, now, 0);
	while (!search.matched && s.n > 0) {
		uint32_t c = str_take_code_point(&s);
		struct threads *swap = now;

		search.position++;
		search.at_begin = false;
		search.at_end = s.n == 0;
		next->n = 0;
		for (size_t i = 0; i < now->n && !search.matched; i++) {
			if (accepts(p, &p->code[now->pc[i]], c)) {
				add_thread(&search, next, now->pc[i] + 1u);
			}
		}
		add_thread(&search, next, 0); /* a search may begin anywhere */
		now = next;
		next = swap;
	}
	return search.matched;
}

size_t pattern_cost(const struct pattern *p, size_t n)
{
	return (n + 1) * (p->n_code + p->n_ranges);
}
