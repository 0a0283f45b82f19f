/* SPDX-License-Identifier: Apache-2.0 */
/* tlog_policy.c - a policy that parses is met when everybody cosigned, and one more cosignature never
 * makes it unmet. */
#include <tlog.h>

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_TLOG_POLICY p = NULL;
	bool has[TLOG_POLICY_MAX_WITNESSES] = {false};
	bool was_met;

	if (tlog_policy_parse(str_of(bytes, n), &p, NULL) != RC_OK) {
		return 0;
	}
	MUST(tlog_policy_witnesses(p) <= TLOG_POLICY_MAX_WITNESSES);
	was_met = tlog_policy_is_met(p, has);
	for (size_t i = 0; i < tlog_policy_witnesses(p); i++) {
		bool is_met;

		MUST(tlog_policy_witness(p, i)->key.type == TLOG_KEY_COSIGNATURE);
		has[i] = true;
		is_met = tlog_policy_is_met(p, has);
		MUST(is_met || !was_met);
		was_met = is_met;
	}
	MUST(was_met);
	return 0;
}
