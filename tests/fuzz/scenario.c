/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.c - reading a scenario ends, in a scenario or in findings at its own lines. */
#include "drill/scenario.h"

#include "config/deployment.h"
#include "fuzz.h"

/* A scenario may name a directory; not one of this machine, please. */
static bool names_a_directory(struct str text)
{
	return str_contains(text, STR("deployment"));
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct str text = str_of(bytes, n);
	AUTO_SCENARIO s = NULL;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_FINDINGS g = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	struct err e = ERR_INIT;

	if (n > SCENARIO_BYTES || names_a_directory(text)) {
		return 0;
	}
	if (scenario_read(STR("fuzz.yaml"), text, NULL, &s, &f, &e) != RC_OK) {
		MUST(e.msg[0] != 0);
		return 0;
	}
	MUST(f.n_errors == 0 && s->steps.n <= SCENARIO_STEPS_MAX);
	if (scenario_deployment(s, &s->tree, &d, &g, &e) != RC_OK) {
		MUST(e.msg[0] != 0);
	}
	return 0;
}
