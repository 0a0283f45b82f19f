/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_forms.c - policies between text, layout and JSON: nothing is lost on the way. */
#include <cedar.h>
#include <stdlib.h>

#include "fuzz.h"

enum { MOST = 8 << 20 };

/* Text that parses: its layout is stable, and its JSON is the same after text. */
static void from_text(struct str text)
{
	AUTO_BUF once = BUF_INIT(MOST);
	AUTO_BUF twice = BUF_INIT(MOST);
	AUTO_BUF json = BUF_INIT(MOST);
	AUTO_BUF again = BUF_INIT(MOST);
	AUTO_BUF back = BUF_INIT(MOST);

	if (cedar_format(&once, STR(""), text, NULL, NULL) != RC_OK) {
		return;
	}
	if (cedar_format(&twice, STR(""), buf_view(&once), NULL, NULL) != RC_OK ||
	    !str_eq(buf_view(&once), buf_view(&twice))) {
		abort();
	}
	if (cedar_text_to_json(&json, STR(""), text, CEDAR_RELEASE_4_12, NULL) != RC_OK ||
	    cedar_json_to_text(&back, STR(""), buf_view(&json), NULL) != RC_OK ||
	    cedar_text_to_json(&again, STR(""), buf_view(&back), CEDAR_RELEASE_4_12, NULL) !=
		RC_OK) {
		return; /* a bound: JSON may be deeper than text */
	}
	if (str_contains(buf_view(&json), STR("\"templates\":{}")) &&
	    !str_eq(buf_view(&json), buf_view(&again))) {
		abort();
	}
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_BUF text = BUF_INIT(MOST);
	struct cedar_builder *b = NULL;

	from_text(str_of(bytes, n));
	if (cedar_json_to_text(&text, STR(""), str_of(bytes, n), NULL) == RC_OK) {
		from_text(buf_view(&text));
	}
	if (cedar_builder_new(&b, NULL) == RC_OK) {
		(void)cedar_builder_add_json(b, STR(""), str_of(bytes, n), NULL); /* must end */
		cedar_builder_free(b);
	}
	return 0;
}
