/* SPDX-License-Identifier: Apache-2.0 */
/* core/input_impl.h - what the files that make an input share. */
#pragma once

#include "core/input.h"

struct making {
	struct arena *arena;
	struct input *in;
	const struct json *schema;
	size_t n_types;
	struct err *e;
};

/* input_read.c: the types of a schema, without names; references are by their text. */
enum rc input_read(struct making *m);
/* input_name.c: names for those that need one, and what references refer to. */
enum rc input_name(struct making *m);

/* input_text.c: a text of this kind as Cedar has it; RC_INPUT when it is none. */
enum rc input_text_value(enum input_kind kind, struct str text, struct arena *arena,
			 const struct cedar_value **ret);
/* A number, if it is a decimal to its last digit. */
enum rc input_decimal_value(struct str number, struct arena *arena, const struct cedar_value **ret);
