/* SPDX-License-Identifier: Apache-2.0 */
/* Which names of /log/ are files, and that nothing else is. */
#include "test.h"

#include "front/published.h"

static void resources_of_the_format_are_files_of_their_kind(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *type;
		const char *keep;
	} cases[] = {
	    {"checkpoint", "text/plain; charset=utf-8", "no-cache"},
	    {"checkpoint.witnessed", "text/plain; charset=utf-8", "no-cache"},
	    {"tile/0/000", "application/octet-stream", "public, max-age=31536000, immutable"},
	    {"tile/0/x001/x234/067", "application/octet-stream",
	     "public, max-age=31536000, immutable"},
	    {"tile/1/000.p/17", "application/octet-stream", "public, max-age=3600"},
	    {"tile/entries/000", "application/octet-stream", "public, max-age=31536000, immutable"},
	    {"tile/entries/x001/001.p/255", "application/octet-stream", "public, max-age=3600"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct published_file f;

		assert_true(published_find(str_from(cases[i].name), &f));
		assert_string_equal(f.path, cases[i].name);
		assert_str(f.type, cases[i].type);
		assert_str(f.keep, cases[i].keep);
	}
}

static void nothing_else_is_there(void **state)
{
	(void)state;
	static const char *const names[] = {
	    "",
	    "/",
	    "..",
	    "../keeper/log.key",
	    "tile/../../keeper/log.key",
	    "tile/0/../../../keeper/log.key",
	    "%2e%2e/keeper/log.key",
	    "tile/0/000/../../../keeper/log.key",
	    "tile//0/000",
	    "/tile/0/000",
	    "tile/0/000/",
	    "tile/0/0",
	    "tile/0/0000",
	    "tile/00/000",
	    "tile/0/x000",
	    "tile/0/000.p/0",
	    "tile/0/000.p/256",
	    "tile/0/000.p/01",
	    "tile/0/000.p",
	    "tile/64/000",
	    "tile/entries",
	    "tile",
	    "Checkpoint",
	    "checkpoint/",
	    "checkpoint.new",
	    "checkpoint%00",
	    "log.vkey",
	    "tile/0/000.new",
	};
	static const char with_nul[] = "checkpoint\0x";
	struct published_file f;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (published_find(str_from(names[i]), &f)) {
			fail_msg("'%s' is served as '%s'", names[i], f.path);
		}
	}
	assert_false(published_find(str_of(with_nul, sizeof(with_nul) - 1), &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(resources_of_the_format_are_files_of_their_kind),
	    cmocka_unit_test(nothing_else_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
