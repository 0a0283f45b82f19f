/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/format.c - policies laid out, with their comments.
 *
 * The text is taken as tokens, each with the comments before it and the one behind it on its line.
 * What fits on a line stands on one; what does not is broken at its loosest operator or outermost
 * bracket, and its parts are laid out in turn. So nothing is ever lost or reordered: only white
 * space differs from what was read.
 *
 * Holds:  (1) the text parses before it is touched, and its tokens are written in their order.
 *         (2) a comment stays with its token: before it on lines of its own, or behind it.
 *         (3) laying out again changes nothing: the layout depends on tokens and comments only.
 *         (4) recursion is bounded by the nesting that the parser allows.
 */
#include <string.h>

#include "base/vec.h"
#include "cedar/parse.h"

enum { DEFAULT_WIDTH = 100, DEFAULT_INDENT = 2, WIDTH_MAX = 1000, INDENT_MAX = 16 };

struct piece {
	enum cedar_token_kind kind;
	struct str text;      /* as written, quotes included */
	size_t comment;	      /* the first of its comments in f->comments */
	uint32_t n_comments;  /* before it, each on a line of its own */
	struct str behind;    /* on its line; p == NULL = none */
	bool has_blank_above; /* a blank line stood above it and its comments */
};

struct comment {
	struct str text;
	bool has_blank_above;
};

struct formatter {
	struct buf *b;
	enum rc rc;
	size_t width;
	size_t step;
	VEC(struct piece) pieces;
	VEC(struct comment) comments;
	size_t column;	 /* of what is written next, from 0 */
	size_t indent;	 /* of a line that a comment forces */
	bool must_break; /* a comment ran to the end of the line */
};

/* ---- reading ---- */

static struct str without_end(struct str line)
{
	while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' ' ||
			  line.p[line.n - 1] == '\t')) {
		line.n--;
	}
	return line;
}

/* The comments in what stood between two tokens: one on the first line belongs to the token before
 * (not at the start of the text), the others to the one behind. */
static enum rc read_gap(struct formatter *f, struct str gap, bool is_start, struct piece *ret)
{
	bool is_first_line = !is_start;
	unsigned newlines = 0;

	ret->comment = f->comments.n;
	while (gap.n) {
		if (gap.p[0] == '\n') {
			newlines++;
			is_first_line = false;
			gap = str_slice(gap, 1, gap.n);
		} else if (str_has_prefix(gap, STR("//"))) {
			struct str line = str_slice(gap, 0, str_find(gap, '\n'));
			struct comment c = {.text = without_end(line),
					    .has_blank_above = newlines > 1};

			gap = str_slice(gap, line.n, gap.n);
			if (is_first_line && f->pieces.n) {
				f->pieces.p[f->pieces.n - 1].behind = c.text;
				continue;
			}
			newlines = 0;
			TRY(vec_push(&f->comments, c));
			ret->n_comments++;
		} else {
			gap = str_slice(gap, 1, gap.n);
		}
	}
	ret->has_blank_above = newlines > 1;
	if (ret->n_comments) {
		ret->has_blank_above = f->comments.p[ret->comment].has_blank_above;
	}
	return RC_OK;
}

static enum rc read_pieces(struct formatter *f, struct str text)
{
	struct cedar_lexer lexer = cedar_lexer_of(text);
	size_t at = 0;

	for (;;) {
		struct cedar_token t = cedar_lexer_next(&lexer);
		struct piece p = {.kind = t.kind};

		if (t.kind == CEDAR_TOKEN_END) {
			t.from = text.n;
			t.to = text.n;
		}
		p.text = str_slice(text, t.from, t.to);
		TRY(read_gap(f, str_slice(text, at, t.from), at == 0, &p));
		TRY(vec_push(&f->pieces, p));
		at = t.to;
		if (t.kind == CEDAR_TOKEN_END) {
			return RC_OK;
		}
	}
}

/* ---- writing ---- */

static void put(struct formatter *f, struct str s)
{
	if (f->rc == RC_OK) {
		f->rc = buf_add(f->b, s);
	}
	f->column += s.n;
}

static void new_line(struct formatter *f, size_t indent)
{
	put(f, STR("\n"));
	for (size_t i = 0; i < indent; i++) {
		put(f, STR(" "));
	}
	f->column = indent;
	f->must_break = false;
}

/* Blanks at the end of the output are a line that was begun: taken back for the comment's sake. */
static bool is_at_line_start(const struct formatter *f)
{
	for (size_t i = f->b->n; i > 0; i--) {
		if (f->b->p[i - 1] == '\n') {
			return true;
		}
		if (f->b->p[i - 1] != ' ') {
			return false;
		}
	}
	return true;
}

static void put_comments(struct formatter *f, const struct piece *p)
{
	for (uint32_t i = 0; i < p->n_comments; i++) {
		if (!is_at_line_start(f)) {
			new_line(f, f->indent);
		}
		put(f, f->comments.p[p->comment + i].text);
		new_line(f, f->indent);
	}
}

/* (2) */
static void put_piece(struct formatter *f, size_t at)
{
	const struct piece *p = &f->pieces.p[at];

	if (f->must_break) {
		new_line(f, f->indent);
	}
	put_comments(f, p);
	put(f, p->text);
	if (p->behind.p) {
		put(f, STR(" "));
		put(f, p->behind);
		f->must_break = true;
	}
}

/* ---- how tokens stand beside each other ---- */

static bool is_word(const struct piece *p, const char *word)
{
	return p->kind == CEDAR_TOKEN_IDENT && str_eq(p->text, str_from(word));
}

static bool is_operator(enum cedar_token_kind kind)
{
	switch ((int)kind) {
	case CEDAR_TOKEN_EQ:
	case CEDAR_TOKEN_NE:
	case CEDAR_TOKEN_LT:
	case CEDAR_TOKEN_LE:
	case CEDAR_TOKEN_GT:
	case CEDAR_TOKEN_GE:
	case CEDAR_TOKEN_OR:
	case CEDAR_TOKEN_AND:
	case CEDAR_TOKEN_PLUS:
	case CEDAR_TOKEN_STAR:
		return true;
	default:
		return false;
	}
}

static bool is_keyword(const struct piece *p)
{
	return is_word(p, "in") || is_word(p, "is") || is_word(p, "has") || is_word(p, "like") ||
	       is_word(p, "if") || is_word(p, "then") || is_word(p, "else");
}

/* Is the minus at `at` between two operands? */
static bool is_binary_minus(const struct formatter *f, size_t at)
{
	const struct piece *before = at > 0 ? &f->pieces.p[at - 1] : NULL;

	return f->pieces.p[at].kind == CEDAR_TOKEN_MINUS && before &&
	       ((before->kind == CEDAR_TOKEN_IDENT && !is_keyword(before)) ||
		before->kind == CEDAR_TOKEN_INT || before->kind == CEDAR_TOKEN_STRING ||
		before->kind == CEDAR_TOKEN_RPAREN || before->kind == CEDAR_TOKEN_RBRACKET ||
		before->kind == CEDAR_TOKEN_RBRACE);
}

/* An attribute may be called as a keyword is: context.in is refused, but records' keys are not. */
static bool stands_apart(const struct formatter *f, size_t at)
{
	const struct piece *p = &f->pieces.p[at];

	if (at > 0 && f->pieces.p[at - 1].kind == CEDAR_TOKEN_DOT) {
		return false;
	}
	return is_operator(p->kind) || is_keyword(p) || is_binary_minus(f, at);
}

/* Is there a blank between the tokens at - 1 and at, on one line? */
static bool has_blank(const struct formatter *f, size_t at)
{
	const struct piece *a = &f->pieces.p[at - 1];
	const struct piece *b = &f->pieces.p[at];

	if (b->kind == CEDAR_TOKEN_COMMA || b->kind == CEDAR_TOKEN_SEMICOLON ||
	    b->kind == CEDAR_TOKEN_COLON) {
		return false;
	}
	if (a->kind == CEDAR_TOKEN_COMMA || a->kind == CEDAR_TOKEN_COLON ||
	    a->kind == CEDAR_TOKEN_LBRACE || b->kind == CEDAR_TOKEN_RBRACE) {
		return !(a->kind == CEDAR_TOKEN_LBRACE && b->kind == CEDAR_TOKEN_RBRACE);
	}
	return stands_apart(f, at - 1) || stands_apart(f, at);
}

/* The width of [from, to) on one line; SIZE_MAX when a comment forbids that. */
static size_t flat_width(const struct formatter *f, size_t from, size_t to)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++) {
		const struct piece *p = &f->pieces.p[i];

		/* Behind the last token, and before the first, comments do no harm. */
		if ((p->n_comments && i > from) || (p->behind.p && i + 1 < to)) {
			return SIZE_MAX;
		}
		n += p->text.n + (i > from && has_blank(f, i));
	}
	return n;
}

static bool fits(const struct formatter *f, size_t from, size_t to, size_t column)
{
	size_t n = flat_width(f, from, to);

	return n != SIZE_MAX && column + n <= f->width;
}

static void put_flat(struct formatter *f, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (i > from && has_blank(f, i) && !f->must_break) {
			put(f, STR(" "));
		}
		put_piece(f, i);
	}
}

/* ---- breaking ---- */

static bool opens(enum cedar_token_kind kind)
{
	return kind == CEDAR_TOKEN_LPAREN || kind == CEDAR_TOKEN_LBRACKET ||
	       kind == CEDAR_TOKEN_LBRACE;
}

static bool closes(enum cedar_token_kind kind)
{
	return kind == CEDAR_TOKEN_RPAREN || kind == CEDAR_TOKEN_RBRACKET ||
	       kind == CEDAR_TOKEN_RBRACE;
}

/* The bracket that closes the one at `at`. */
static size_t matching(const struct formatter *f, size_t at, size_t to)
{
	size_t depth = 0;

	for (size_t i = at; i < to; i++) {
		depth += opens(f->pieces.p[i].kind);
		depth -= closes(f->pieces.p[i].kind);
		if (depth == 0) {
			return i;
		}
	}
	return to;
}

/* The next token of that kind outside of brackets and conditionals; to = none. */
static size_t find_top(const struct formatter *f, size_t from, size_t to,
		       enum cedar_token_kind kind)
{
	for (size_t i = from; i < to; i++) {
		const struct piece *p = &f->pieces.p[i];

		if (p->kind == kind) {
			return i;
		}
		if (is_word(p, "if") && (i == 0 || f->pieces.p[i - 1].kind != CEDAR_TOKEN_DOT)) {
			return to; /* it takes all that follows */
		}
		if (opens(p->kind)) {
			i = matching(f, i, to);
		}
	}
	return to;
}

static void put_expr(struct formatter *f, size_t from, size_t to, size_t indent);

/* Parts of a chain, each on its line, the operator at the line's end. */
static bool put_chain(struct formatter *f, size_t from, size_t to, size_t indent,
		      enum cedar_token_kind op)
{
	size_t at = find_top(f, from, to, op);

	if (at == to) {
		return false;
	}
	for (;;) {
		f->indent = indent;
		put_expr(f, from, at, indent);
		if (at == to) {
			return true;
		}
		if (!f->must_break) {
			put(f, STR(" "));
		}
		put_piece(f, at);
		new_line(f, indent);
		from = at + 1;
		at = find_top(f, from, to, op);
	}
}

/* "then" or "else" of the conditional that begins at `from`. */
static size_t find_branch(const struct formatter *f, size_t from, size_t to, const char *word)
{
	size_t inner = 0;

	for (size_t i = from + 1; i < to; i++) {
		const struct piece *p = &f->pieces.p[i];

		if (opens(p->kind)) {
			i = matching(f, i, to);
		} else if (is_word(p, "if")) {
			inner++;
		} else if (inner == 0 && is_word(p, word)) {
			return i;
		} else if (is_word(p, "else") && inner) {
			inner--;
		}
	}
	return to;
}

static bool put_conditional(struct formatter *f, size_t from, size_t to, size_t indent)
{
	size_t then = find_branch(f, from, to, "then");
	size_t other = then < to ? find_branch(f, then, to, "else") : to;

	if (!is_word(&f->pieces.p[from], "if") || other >= to) {
		return false;
	}
	put_piece(f, from);
	put(f, STR(" "));
	put_expr(f, from + 1, then, indent + f->step);
	new_line(f, indent);
	put_piece(f, then);
	put(f, STR(" "));
	put_expr(f, then + 1, other, indent + f->step);
	new_line(f, indent);
	put_piece(f, other);
	put(f, STR(" "));
	put_expr(f, other + 1, to, indent + f->step);
	return true;
}

/* What stands in brackets, an element a line. */
static void put_elements(struct formatter *f, size_t from, size_t to, size_t indent)
{
	while (from < to) {
		size_t at = find_top(f, from, to, CEDAR_TOKEN_COMMA);

		/* A conditional among elements hides its comma from find_top. */
		for (size_t i = from; at == to && i < to; i++) {
			if (f->pieces.p[i].kind == CEDAR_TOKEN_COMMA) {
				at = i;
			} else if (opens(f->pieces.p[i].kind)) {
				i = matching(f, i, to);
			}
		}
		new_line(f, indent);
		f->indent = indent;
		put_expr(f, from, at, indent);
		if (at < to) {
			put_piece(f, at);
		}
		from = at + 1;
	}
}

/* The last bracket at the top that has something in it: what is before it stands as it is. */
static bool put_brackets(struct formatter *f, size_t from, size_t to, size_t indent)
{
	size_t open = to;
	size_t close;

	for (size_t i = from; i < to; i++) {
		if (opens(f->pieces.p[i].kind)) {
			size_t end = matching(f, i, to);

			open = end > i + 1 ? i : open;
			i = end;
		}
	}
	if (open == to) {
		return false;
	}
	close = matching(f, open, to);
	put_flat(f, from, open);
	if (open > from && has_blank(f, open) && !f->must_break) {
		put(f, STR(" "));
	}
	put_piece(f, open);
	put_elements(f, open + 1, close, indent + f->step);
	new_line(f, indent);
	f->indent = indent;
	put_flat(f, close, to);
	return true;
}

static void put_expr(struct formatter *f, size_t from, size_t to, size_t indent)
{
	if (from >= to) {
		return;
	}
	f->indent = indent;
	if (fits(f, from, to, f->column)) {
		put_flat(f, from, to);
		return;
	}
	if (put_conditional(f, from, to, indent) ||
	    put_chain(f, from, to, indent, CEDAR_TOKEN_OR) ||
	    put_chain(f, from, to, indent, CEDAR_TOKEN_AND) || put_brackets(f, from, to, indent)) {
		return;
	}
	put_flat(f, from, to);
}

/* ---- policies ---- */

/* @name("value"), a line each; returns where the effect stands. */
static size_t put_annotations(struct formatter *f, size_t at)
{
	while (f->pieces.p[at].kind == CEDAR_TOKEN_AT) {
		size_t end = at + 2; /* '@' and the name */

		if (f->pieces.p[end].kind == CEDAR_TOKEN_LPAREN) {
			end += 3;
		}
		put_flat(f, at, end);
		new_line(f, 0);
		at = end;
	}
	return at;
}

/* when { ... } */
static size_t put_condition(struct formatter *f, size_t at)
{
	size_t open = at + 1;
	size_t close = matching(f, open, f->pieces.n);
	/* Room for what may follow the bracket: a semicolon. */
	size_t width = flat_width(f, at, close + 1);

	new_line(f, 0);
	f->indent = 0;
	put_piece(f, at);
	if (!f->must_break) {
		put(f, STR(" "));
	}
	put_piece(f, open);
	if (close == open + 1) {
		put_piece(f, close);
		return close + 1;
	}
	if (width != SIZE_MAX && width + 2 <= f->width) {
		put(f, STR(" "));
		put_flat(f, open + 1, close);
		put(f, STR(" "));
	} else {
		new_line(f, f->step);
		put_expr(f, open + 1, close, f->step);
		new_line(f, 0);
	}
	f->indent = 0;
	put_piece(f, close);
	return close + 1;
}

/* One policy from its first token; returns what follows its semicolon. */
static size_t put_policy(struct formatter *f, size_t at)
{
	size_t open;
	size_t close;

	f->indent = 0;
	at = put_annotations(f, at);
	open = at + 1;
	close = matching(f, open, f->pieces.n);
	put_piece(f, at);
	if (!f->must_break) {
		put(f, STR(" "));
	}
	put_piece(f, open);
	if (!f->must_break && fits(f, open + 1, close + 1, f->column + 1)) {
		put_flat(f, open + 1, close);
	} else {
		put_elements(f, open + 1, close, f->step);
		new_line(f, 0);
	}
	f->indent = 0;
	put_piece(f, close);
	for (at = close + 1; f->pieces.p[at].kind == CEDAR_TOKEN_IDENT;) {
		at = put_condition(f, at);
	}
	put_piece(f, at);
	return at + 1;
}

static void put_all(struct formatter *f)
{
	size_t at = 0;
	const struct piece *end = &f->pieces.p[f->pieces.n - 1];

	while (f->pieces.p[at].kind != CEDAR_TOKEN_END) {
		if (at > 0) {
			new_line(f, 0);
			new_line(f, 0);
		}
		at = put_policy(f, at);
	}
	if (at > 0) {
		new_line(f, 0);
		if (end->n_comments) {
			new_line(f, 0);
		}
	}
	f->indent = 0;
	put_comments(f, end);
}

/* ---- the whole ---- */

/* (1) */
static enum rc check(struct str source, struct str text, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(CEDAR_LIMIT_SET_BYTES);
	struct cedar_error error = {0};
	AUTO_CEDAR_PARSER p = cedar_parser_of(&arena, source, text, &error);
	AUTO_BUF message = BUF_INIT(4096);
	struct cedar_policy *policy;
	enum rc rc;

	do {
		rc = cedar_parse_policy(&p, &policy);
	} while (rc == RC_OK && policy);
	if (rc == RC_OK) {
		return RC_OK;
	}
	if (rc == RC_NOMEM || cedar_error_print(&message, &error) != RC_OK) {
		FAIL(e, rc, "no memory to read policies");
	}
	FAIL(e, rc, STR_FMT, STR_ARG(buf_view(&message)));
}

enum rc cedar_format(struct buf *b, struct str source_name, struct str text,
		     const struct cedar_format_options *options, struct err *e)
{
	struct formatter f = {
	    .b = b,
	    .width = options && options->width ? options->width : DEFAULT_WIDTH,
	    .step = options && options->indent ? options->indent : DEFAULT_INDENT,
	};
	size_t was = b->n;

	if (f.width > WIDTH_MAX || f.step > INDENT_MAX) {
		FAIL(e, RC_INPUT, "a line has at most %d columns, an indentation %d", WIDTH_MAX,
		     INDENT_MAX);
	}
	if (text.n > CEDAR_LIMIT_TEXT_BYTES || !str_is_utf8(text)) {
		FAIL(e, str_is_utf8(text) ? RC_LIMIT : RC_INPUT,
		     "policies are UTF-8 of at most %d bytes", CEDAR_LIMIT_TEXT_BYTES);
	}
	TRY(check(source_name, text, e));
	f.rc = read_pieces(&f, text);
	if (f.rc == RC_OK) {
		put_all(&f);
	}
	vec_fini(&f.pieces);
	vec_fini(&f.comments);
	if (f.rc != RC_OK) {
		b->n = was;
		FAIL(e, f.rc, "no room for the formatted policies");
	}
	return RC_OK;
}
