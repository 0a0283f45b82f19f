/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas in Cedar's syntax: never a crash, and a refusal says why. What is accepted serves to
 * validate a policy in both modes; what is valid strictly is valid permissively. What is printed is
 * read again and then printed the same. */
#include "base/mem.h"
#include "cedar.h"

#include "fuzz.h"

static const char policies[] =
    "permit(principal, action in [Action::\"a\"], resource) when { principal has a.b && "
    "principal.a.b == context.c || resource.hasTag(\"t\") && resource.getTag(\"t\") < 1 };"
    "forbid(principal is N::U in G::\"g\", action, resource) unless { "
    "[principal].contains(resource) "
    "&& context.ip.isInRange(ip(\"1.0.0.0/8\")) };";

static void validate(const struct cedar_schema *s)
{
	const struct cedar_validate_options permissive = {.mode = CEDAR_PERMISSIVE};
	AUTO_ARENA arena = ARENA_INIT(16 << 20);
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;
	struct cedar_validation strict;
	struct cedar_validation loose;

	if (cedar_builder_new(&b, NULL) == RC_OK &&
	    cedar_builder_add(b, STR("p"), str_from(policies), NULL) == RC_OK &&
	    cedar_builder_finish(b, &set, NULL) == RC_OK &&
	    cedar_validate(set, s, NULL, &arena, &strict, NULL) == RC_OK &&
	    cedar_validate(set, s, &permissive, &arena, &loose, NULL) == RC_OK) {
		for (size_t i = 0; i < cedar_policies_count(set); i++) {
			MUST(!strict.policies[i] || loose.policies[i]);
		}
	}
	cedar_builder_free(b);
	cedar_policies_unref(set);
}

static void print_again(const struct cedar_schema *s)
{
	AUTO_BUF first = BUF_INIT(16 << 20);
	AUTO_BUF second = BUF_INIT(16 << 20);
	struct cedar_schema *again = NULL;
	struct err e = ERR_INIT;

	if (cedar_schema_print(&first, s, &e) != RC_OK) {
		return; /* of a bound: the text may be larger than what was read */
	}
	MUST(cedar_schema_parse(STR("again"), buf_view(&first), &again, &e) == RC_OK);
	MUST(cedar_schema_print(&second, again, &e) == RC_OK);
	MUST(str_eq(buf_view(&first), buf_view(&second)));
	cedar_schema_unref(again);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct cedar_schema *s = NULL;
	struct err e = ERR_INIT;

	if (cedar_schema_parse(STR("f"), str_of(bytes, n), &s, &e) != RC_OK) {
		MUST(e.msg[0] && !s);
		return 0;
	}
	validate(s);
	print_again(s);
	cedar_schema_unref(s);
	return 0;
}
