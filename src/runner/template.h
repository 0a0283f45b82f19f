/* SPDX-License-Identifier: Apache-2.0 */
/* runner/template.h - placeholders in what the catalog says about a child.
 *
 * {name}, where name is letters, digits, '_' and '.', is replaced; any other brace is itself. An
 * unknown name is an error, and so is a NUL in a value. Nothing is ever read by a shell: an element
 * of a command stays one element whatever a value holds.
 *
 *	command		{call} the call's id "c42", {secret} the path of the secret file, and the
 *			names of the tool's `variables` ("name=/pointer" into the arguments)
 *	environment	{secret}
 *	secret_file	the fields of the credential, by their names: {user}, {password}, ...
 *
 * An element of a command that is nothing but one variable must not begin with '-': a value could
 * else become an option.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "core/list.h"

/* Looks a name up; appends its value to b. RC_INPUT: unknown name, unsuitable value. */
typedef enum rc template_fn(const void *ctx, struct str name, struct buf *b, struct err *e);

enum rc template_fill(struct str template, template_fn *look_up, const void *ctx, struct buf *b,
		      struct err *e);

/* What a command's placeholders may name. */
struct template_call {
	const struct json *args;	  /* the call's arguments */
	const struct str_list *variables; /* "name=/pointer" */
	uint64_t call; /* 0: a server, which is for many */
	bool has_secret;
};
/* The words of a command or environment, filled, NULL-terminated, in the arena. */
enum rc template_words(const struct str_list *words, const struct template_call *call,
		       bool is_command, struct arena *arena, char ***ret, struct err *e);
/* The content of the secret file from the credential's fields (a JSON object of strings and
 * numbers). */
enum rc template_secret(struct str template, struct str fields, struct buf *b, struct err *e);
