/* SPDX-License-Identifier: Apache-2.0 */
/* ask.h - how the askers print a decision: "deny [policy1] {policy0:type}", the determining
 * policies and the failing ones with the class of their error, and the end of the line. */
#pragma once

#include <stdio.h>

#include "cedar.h"

static inline void ask_print_response(const struct cedar_policies *set,
				      const struct cedar_response *r)
{
	printf("%s [", r->decision == CEDAR_ALLOW ? "allow" : "deny");
	for (size_t i = 0; i < r->n_determining; i++) {
		struct str id = cedar_policy_id(cedar_policies_at(set, r->determining[i]));

		printf("%s" STR_FMT, i ? "," : "", STR_ARG(id));
	}
	printf("] {");
	for (size_t i = 0; i < r->n_errors; i++) {
		struct str id = cedar_policy_id(cedar_policies_at(set, r->errors[i].policy));

		printf("%s" STR_FMT ":%s", i ? "," : "", STR_ARG(id),
		       cedar_error_class_name(r->errors[i].error.class));
	}
	printf("}\n");
}
