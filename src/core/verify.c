/* SPDX-License-Identifier: Apache-2.0 */
/* core/verify.c - what a target was read as, beside what to expect.
 *
 * Trust:  results are an upstream's words; what is in them goes into sealed values, never leaves.
 */
#include "core/verify.h"

#include "core/decide.h"

enum { FOUND_BYTES = 8 * 1024 };

/* What was wanted and what is there; one that is too long to keep is left out. */
static struct str difference_of(const struct json *want, const struct json *got,
				struct arena *arena)
{
	AUTO_BUF text = BUF_INIT(FOUND_BYTES);
	AUTO_BUF value = BUF_INIT(FOUND_BYTES / 2 - 64);
	struct json_out w = json_out_to(&text);

	json_out_object(&w);
	json_out_key(&w, STR("expected"));
	if (json_canonical(&value, want, NULL) != RC_OK) {
		return STR_NULL;
	}
	json_out_raw(&w, buf_view(&value));
	json_out_key(&w, STR("found"));
	buf_reset(&value);
	if (!got) {
		json_out_raw(&w, STR("null"));
	} else if (json_canonical(&value, got, NULL) == RC_OK) {
		json_out_raw(&w, buf_view(&value));
	} else {
		json_out_str(&w, STR("(too long to keep)"));
	}
	json_out_close(&w);
	return json_out_end(&w, NULL) == RC_OK ? arena_str(arena, buf_view(&text)) : STR_NULL;
}

struct readback verify_judge(const struct tool *of, const struct json *args, const struct json *pre,
			     bool was_read, const struct json *result, struct arena *arena)
{
	const struct json *want;
	const struct json *got;
	struct err e = ERR_INIT;

	if (!was_read || !result) {
		return (struct readback){.detail = was_read ? STR("reading back gave no JSON")
							    : STR("reading back failed")};
	}
	if (!of->verify.equals ||
	    derive_args(of->verify.equals, args, pre, arena, &want, &e) != RC_OK) {
		return (struct readback){.detail = STR("what to expect cannot be said any more")};
	}
	got = json_pointer(result, of->verify.pointer);
	if (json_equal(got, want)) {
		return (struct readback){.verdict = READBACK_HOLDS};
	}
	return (struct readback){
	    .verdict = READBACK_DIFFERS,
	    .detail = STR("the target is not as it should be"),
	    .difference = difference_of(want, got, arena),
	};
}

bool inverse_is_wanted(const struct derived_call *inverse, const struct json *args,
		       const struct json *pre, struct arena *arena)
{
	const struct json *want;
	struct err e = ERR_INIT;

	if (!inverse->equals) {
		return true;
	}
	if (derive_args(inverse->equals, args, pre, arena, &want, &e) != RC_OK) {
		return true; /* in doubt there is something to undo */
	}
	return json_equal(json_pointer(pre, inverse->pointer), want);
}
