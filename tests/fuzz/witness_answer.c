/* SPDX-License-Identifier: Apache-2.0 */
/* witness_answer.c - whatever a witness answers, it cosigned only if that verifies, and a size that
 * it claims is one. The first byte chooses the status. */
#include "courier/witness.h"
#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	static const long statuses[] = {200, 409, 422, 404, 403, 500};
	static const char vkey[] =
	    "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
	struct str text =
	    STR("audit.example/gw1\n3\nWqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n");
	struct tlog_vkey key;
	struct witness_answer a;
	long status;

	if (n == 0) {
		return 0;
	}
	status = statuses[bytes[0] % ARRAY_LEN(statuses)];
	MUST(tlog_vkey_parse(str_from(vkey), &key, NULL) == RC_OK);
	witness_answer_read(status, str_of(bytes + 1, n - 1), text, &key, &a);
	if (a.said == WITNESS_COSIGNED) {
		MUST(status == 200);
		MUST(tlog_cosignature_verify(&a.cosignature, text, &key, NULL) == RC_OK);
	} else if (a.said == WITNESS_HOLDS) {
		MUST(status == 409 && a.size <= INT64_MAX);
	} else {
		MUST(a.detail[0]);
	}
	return 0;
}
