/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas in Cedar's syntax: never a crash, and a refusal says why. What is accepted serves to
 * validate a policy in both modes; what is valid strictly is valid permissively. */
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

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct cedar_schema *s = NULL;
	struct err e = ERR_INIT;

	if (cedar_schema_parse(STR("f"), str_of(bytes, n), &s, &e) != RC_OK) {
		MUST(e.msg[0] && !s);
		return 0;
	}
	validate(s);
	cedar_schema_unref(s);
	return 0;
}
