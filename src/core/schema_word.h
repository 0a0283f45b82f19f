/* SPDX-License-Identifier: Apache-2.0 */
/* core/schema_word.h - the words of JSON Schema; shared by schema.c and schema_check.c only. */
#pragma once

#include "codec/json.h"

enum schema_word {
	WORD_UNKNOWN = 0, /* may constrain: nothing that we understand */
	WORD_NOTE,	  /* constrains nothing: title, description, format, ... */
	WORD_DEFS,
	WORD_REF,
	WORD_TYPE,
	WORD_ENUM,
	WORD_CONST,
	WORD_PROPERTIES,
	WORD_REQUIRED,
	WORD_ADDITIONAL_PROPERTIES,
	WORD_MIN_PROPERTIES,
	WORD_MAX_PROPERTIES,
	WORD_ITEMS,
	WORD_PREFIX_ITEMS,
	WORD_MIN_ITEMS,
	WORD_MAX_ITEMS,
	WORD_UNIQUE_ITEMS,
	WORD_MIN_LENGTH,
	WORD_MAX_LENGTH,
	WORD_PATTERN,
	WORD_MINIMUM,
	WORD_MAXIMUM,
	WORD_EXCLUSIVE_MINIMUM,
	WORD_EXCLUSIVE_MAXIMUM,
	WORD_MULTIPLE_OF,
	WORD_ANY_OF,
	WORD_ONE_OF,
	WORD_ALL_OF,
	WORD_NOT,
};

enum schema_word schema_word_of(struct str key);
bool schema_type_is_known(struct str name);
/* What a $ref points at, within the document only; NULL when nothing. */
const struct json *schema_resolve(const struct json *root, struct str ref);
