/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/lex.c - policy text to tokens.
 *
 * Trust:  every byte is hostile, but known to be UTF-8.
 * Holds:  blanks are Unicode's White_Space, as in the reference; a byte-order mark is none.
 */
#include "cedar/lex.h"

#include <string.h>

#include "cedar/text.h"

struct cedar_lexer cedar_lexer_of(struct str text)
{
	return (struct cedar_lexer){.text = text, .line = 1};
}

/* Bytes of the blank character that s begins with; 0 = none. */
static size_t blank_length(struct str s)
{
	/* White_Space beyond ASCII; all of it takes two or three bytes. */
	static const struct {
		uint32_t from;
		uint32_t to;
	} blanks[] = {
	    {0x85, 0x85},     {0xa0, 0xa0},	{0x1680, 0x1680}, {0x2000, 0x200a},
	    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
	};
	unsigned char lead = (unsigned char)s.p[0];
	size_t n = lead < 0xe0 ? 2 : 3;
	uint32_t c = lead & (n == 2 ? 0x1f : 0x0f);

	if (lead < 0x80) {
		return lead == ' ' || (lead >= '\t' && lead <= '\r') ? 1 : 0;
	}
	if (lead >= 0xf0) {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		c = c << 6 | ((unsigned char)s.p[i] & 0x3f);
	}
	for (size_t i = 0; i < ARRAY_LEN(blanks); i++) {
		if (c >= blanks[i].from && c <= blanks[i].to) {
			return n;
		}
	}
	return 0;
}

static char peek(const struct cedar_lexer *l, size_t ahead)
{
	return l->at + ahead < l->text.n ? l->text.p[l->at + ahead] : '\0';
}

/* Moves on by n bytes, counting lines. */
static void advance(struct cedar_lexer *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (l->text.p[l->at++] == '\n') {
			l->line++;
			l->line_start = l->at;
		}
	}
}

static void skip_blanks(struct cedar_lexer *l)
{
	while (l->at < l->text.n) {
		size_t n = blank_length(str_slice(l->text, l->at, l->text.n));

		if (n == 0) {
			if (peek(l, 0) != '/' || peek(l, 1) != '/') {
				return;
			}
			while (l->at + n < l->text.n && peek(l, n) != '\n' && peek(l, n) != '\r') {
				n++;
			}
		}
		advance(l, n);
	}
}

/* Length of the string literal at hand with both quotes; 0 when it is not closed. */
static size_t string_length(const struct cedar_lexer *l)
{
	size_t n = 1;

	for (;;) {
		if (l->at + n >= l->text.n) {
			return 0;
		}
		if (peek(l, n) == '"') {
			return n + 1;
		}
		if (peek(l, n) == '\\') {
			/* A backslash before the end of a line escapes nothing. */
			if (l->at + n + 1 >= l->text.n || peek(l, n + 1) == '\n') {
				return 0;
			}
			n++;
		}
		n++;
	}
}

static size_t while_true(const struct cedar_lexer *l, size_t n, bool (*is)(char c))
{
	while (l->at + n < l->text.n && is(peek(l, n))) {
		n++;
	}
	return n;
}

/* One or two characters of punctuation. */
static enum cedar_token_kind punctuation(const struct cedar_lexer *l, size_t *ret_n)
{
	static const struct {
		char text[3];
		enum cedar_token_kind kind;
	} table[] = {
	    {"::", CEDAR_TOKEN_PATH},	{"==", CEDAR_TOKEN_EQ},	      {"!=", CEDAR_TOKEN_NE},
	    {"<=", CEDAR_TOKEN_LE},	{">=", CEDAR_TOKEN_GE},	      {"||", CEDAR_TOKEN_OR},
	    {"&&", CEDAR_TOKEN_AND},	{"@", CEDAR_TOKEN_AT},	      {".", CEDAR_TOKEN_DOT},
	    {",", CEDAR_TOKEN_COMMA},	{";", CEDAR_TOKEN_SEMICOLON}, {":", CEDAR_TOKEN_COLON},
	    {"(", CEDAR_TOKEN_LPAREN},	{")", CEDAR_TOKEN_RPAREN},    {"{", CEDAR_TOKEN_LBRACE},
	    {"}", CEDAR_TOKEN_RBRACE},	{"[", CEDAR_TOKEN_LBRACKET},  {"]", CEDAR_TOKEN_RBRACKET},
	    {"<", CEDAR_TOKEN_LT},	{">", CEDAR_TOKEN_GT},	      {"+", CEDAR_TOKEN_PLUS},
	    {"-", CEDAR_TOKEN_MINUS},	{"*", CEDAR_TOKEN_STAR},      {"/", CEDAR_TOKEN_SLASH},
	    {"%", CEDAR_TOKEN_PERCENT}, {"!", CEDAR_TOKEN_BANG},      {"=", CEDAR_TOKEN_ASSIGN},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		size_t n = table[i].text[1] ? 2 : 1;

		if (peek(l, 0) == table[i].text[0] && (n == 1 || peek(l, 1) == table[i].text[1])) {
			*ret_n = n;
			return table[i].kind;
		}
	}
	*ret_n = 1;
	while (l->at + *ret_n < l->text.n && ((unsigned char)peek(l, *ret_n) & 0xc0) == 0x80) {
		(*ret_n)++;
	}
	return CEDAR_TOKEN_BAD;
}

struct cedar_token cedar_lexer_next(struct cedar_lexer *l)
{
	struct cedar_token t = {0};
	size_t n = 0;

	skip_blanks(l);
	t.from = l->at;
	t.pos = (struct cedar_pos){
	    .line = l->line,
	    .column = (uint32_t)(l->at - l->line_start) + 1,
	};
	if (l->at == l->text.n) {
		t.to = t.from;
		return t;
	}
	if (cedar_is_ident_start(peek(l, 0))) {
		t.kind = CEDAR_TOKEN_IDENT;
		n = while_true(l, 1, cedar_is_ident_part);
	} else if (cedar_is_digit(peek(l, 0))) {
		t.kind = CEDAR_TOKEN_INT;
		n = while_true(l, 1, cedar_is_digit);
	} else if (peek(l, 0) == '?' && cedar_is_ident_start(peek(l, 1))) {
		t.kind = CEDAR_TOKEN_SLOT;
		n = while_true(l, 2, cedar_is_ident_part);
	} else if (peek(l, 0) == '"') {
		n = string_length(l);
		t.kind = n ? CEDAR_TOKEN_STRING : CEDAR_TOKEN_BAD;
		n = n ? n : 1;
	} else {
		t.kind = punctuation(l, &n);
	}
	t.text = str_slice(l->text, l->at, l->at + n);
	if (t.kind == CEDAR_TOKEN_STRING) {
		t.text = str_slice(t.text, 1, n - 1);
	}
	advance(l, n);
	t.to = l->at;
	return t;
}
