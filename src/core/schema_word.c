/* SPDX-License-Identifier: Apache-2.0 */
/* core/schema_word.c - the words of JSON Schema. */
#include "core/schema_word.h"

#define S(literal)                                                                                 \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

enum schema_word schema_word_of(struct str key)
{
	static const struct {
		struct str name;
		enum schema_word word;
	} words[] = {
	    {S("type"), WORD_TYPE},
	    {S("properties"), WORD_PROPERTIES},
	    {S("required"), WORD_REQUIRED},
	    {S("additionalProperties"), WORD_ADDITIONAL_PROPERTIES},
	    {S("description"), WORD_NOTE},
	    {S("title"), WORD_NOTE},
	    {S("enum"), WORD_ENUM},
	    {S("const"), WORD_CONST},
	    {S("items"), WORD_ITEMS},
	    {S("prefixItems"), WORD_PREFIX_ITEMS},
	    {S("minItems"), WORD_MIN_ITEMS},
	    {S("maxItems"), WORD_MAX_ITEMS},
	    {S("uniqueItems"), WORD_UNIQUE_ITEMS},
	    {S("minLength"), WORD_MIN_LENGTH},
	    {S("maxLength"), WORD_MAX_LENGTH},
	    {S("pattern"), WORD_PATTERN},
	    {S("minimum"), WORD_MINIMUM},
	    {S("maximum"), WORD_MAXIMUM},
	    {S("exclusiveMinimum"), WORD_EXCLUSIVE_MINIMUM},
	    {S("exclusiveMaximum"), WORD_EXCLUSIVE_MAXIMUM},
	    {S("multipleOf"), WORD_MULTIPLE_OF},
	    {S("minProperties"), WORD_MIN_PROPERTIES},
	    {S("maxProperties"), WORD_MAX_PROPERTIES},
	    {S("anyOf"), WORD_ANY_OF},
	    {S("oneOf"), WORD_ONE_OF},
	    {S("allOf"), WORD_ALL_OF},
	    {S("not"), WORD_NOT},
	    {S("$ref"), WORD_REF},
	    {S("$defs"), WORD_DEFS},
	    {S("definitions"), WORD_DEFS},
	    {S("$schema"), WORD_NOTE},
	    {S("$comment"), WORD_NOTE},
	    {S("default"), WORD_NOTE},
	    {S("deprecated"), WORD_NOTE},
	    {S("examples"), WORD_NOTE},
	    {S("format"), WORD_NOTE},
	    {S("readOnly"), WORD_NOTE},
	    {S("writeOnly"), WORD_NOTE},
	    {S("contentEncoding"), WORD_NOTE},
	    {S("contentMediaType"), WORD_NOTE},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(key, words[i].name)) {
			return words[i].word;
		}
	}
	return str_has_prefix(key, STR("x-")) ? WORD_NOTE : WORD_UNKNOWN;
}

bool schema_type_is_known(struct str name)
{
	static const struct str names[] = {S("null"),	S("boolean"), S("integer"), S("number"),
					   S("string"), S("array"),   S("object")};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(name, names[i])) {
			return true;
		}
	}
	return false;
}

const struct json *schema_resolve(const struct json *root, struct str ref)
{
	if (!str_has_prefix(ref, STR("#/$defs/")) && !str_has_prefix(ref, STR("#/definitions/"))) {
		return NULL;
	}
	return json_pointer(root, str_slice(ref, 1, ref.n));
}
