/* SPDX-License-Identifier: Apache-2.0 */
/* Policy texts: never a crash; what was accepted is accepted again, policy by policy, from the text
 * that the set says each has. */
#include "base/mem.h"
#include "cedar.h"

#include "fuzz.h"

static struct cedar_policies *parse(struct str text)
{
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;
	struct err e = ERR_INIT;

	if (cedar_builder_new(&b, &e) != RC_OK) {
		return NULL;
	}
	if (cedar_builder_add(b, STR("f"), text, &e) == RC_OK) {
		MUST(cedar_builder_finish(b, &set, &e) == RC_OK);
	} else {
		/* The message is the facts in words. */
		MUST(e.msg[0] && cedar_builder_error(b)->class != CEDAR_ERROR_NONE);
	}
	cedar_builder_free(b);
	return set;
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct cedar_policies *set = parse(str_of(bytes, n));

	for (size_t i = 0; set && i < cedar_policies_count(set); i++) {
		const struct cedar_policy *p = cedar_policies_at(set, i);
		struct cedar_policies *again = parse(cedar_policy_text(p));

		MUST(again && cedar_policies_count(again) == 1);
		MUST(cedar_policy_effect(cedar_policies_at(again, 0)) == cedar_policy_effect(p));
		cedar_policies_unref(again);
	}
	cedar_policies_unref(set);
	return 0;
}
