/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/lex.h - policy text to tokens, one at a time. */
#pragma once

#include "cedar.h"

enum cedar_token_kind {
	CEDAR_TOKEN_END = 0,
	CEDAR_TOKEN_BAD,   /* no token begins here; text is the byte or the open string */
	CEDAR_TOKEN_IDENT, /* reserved words too */
	CEDAR_TOKEN_INT,
	CEDAR_TOKEN_STRING, /* text is what stands between the quotes, escapes as written */
	CEDAR_TOKEN_SLOT,   /* ?principal; text with the question mark */
	CEDAR_TOKEN_AT,
	CEDAR_TOKEN_DOT,
	CEDAR_TOKEN_COMMA,
	CEDAR_TOKEN_SEMICOLON,
	CEDAR_TOKEN_COLON,
	CEDAR_TOKEN_PATH, /* :: */
	CEDAR_TOKEN_LPAREN,
	CEDAR_TOKEN_RPAREN,
	CEDAR_TOKEN_LBRACE,
	CEDAR_TOKEN_RBRACE,
	CEDAR_TOKEN_LBRACKET,
	CEDAR_TOKEN_RBRACKET,
	CEDAR_TOKEN_EQ,
	CEDAR_TOKEN_NE,
	CEDAR_TOKEN_LT,
	CEDAR_TOKEN_LE,
	CEDAR_TOKEN_GT,
	CEDAR_TOKEN_GE,
	CEDAR_TOKEN_OR,
	CEDAR_TOKEN_AND,
	CEDAR_TOKEN_PLUS,
	CEDAR_TOKEN_MINUS,
	CEDAR_TOKEN_STAR,
	CEDAR_TOKEN_SLASH,
	CEDAR_TOKEN_PERCENT,
	CEDAR_TOKEN_BANG,
	CEDAR_TOKEN_ASSIGN,
};

struct cedar_token {
	enum cedar_token_kind kind;
	struct str text; /* borrowed from the input */
	struct cedar_pos pos;
	size_t from; /* offsets of the first byte and the one behind the last */
	size_t to;
};

struct cedar_lexer {
	struct str text;
	size_t at;
	uint32_t line;
	size_t line_start;
};

/* text is UTF-8. */
struct cedar_lexer cedar_lexer_of(struct str text);
/* The next token; at the end CEDAR_TOKEN_END, again and again. */
struct cedar_token cedar_lexer_next(struct cedar_lexer *l);
