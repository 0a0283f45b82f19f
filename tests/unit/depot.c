/* SPDX-License-Identifier: Apache-2.0 */
/* The depot on a real directory; failing disks are in tests/fault/depot.c. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "base/file.h"
#include "store/depot.h"

static const uint8_t key[OBJECT_KEY_BYTES] = {5};
static const uint8_t other_key[OBJECT_KEY_BYTES] = {6};
static uint8_t artefact[3 * OBJECT_CHUNK_BYTES];

struct place {
	char path[64];
	struct log_io_system *files;
	struct log_io io;
	struct depot *d;
};

static void open_place(struct place *p)
{
	p->io = log_io_system_table(p->files);
	assert_ok(depot_open(&p->io, &p->d, NULL));
}

static void place_new(struct place *p)
{
	memcpy(p->path, "/tmp/remit-depot-XXXXXX", 24);
	assert_non_null(mkdtemp(p->path));
	assert_ok(log_io_system_new(p->path, &p->files, NULL));
	open_place(p);
	for (size_t i = 0; i < sizeof(artefact); i++) {
		artefact[i] = (uint8_t)(i * 7 + i / 251);
	}
}

static void path_of(const struct place *p, const struct depot_object *o, char out[256])
{
	int n = snprintf(out, 256, "%s/", p->path);

	for (size_t i = 0; i < sizeof(o->name); i++) {
		n += snprintf(out + n, 256 - (size_t)n, "%02x", o->name[i]);
	}
}

static void place_free(struct place *p)
{
	char command[128];

	depot_free(p->d);
	log_io_system_free(p->files);
	(void)snprintf(command, sizeof(command), "rm -r %s", p->path);
	assert_int_equal(system(command), 0);
}

static struct depot_object put(struct place *p, size_t n, size_t step)
{
	struct depot_object o;

	assert_ok(depot_begin(p->d, key, n, NULL));
	for (size_t at = 0; at < n; at += step) {
		assert_false(depot_is_whole(p->d));
		assert_ok(
		    depot_add(p->d, str_of(artefact + at, n - at < step ? n - at : step), NULL));
	}
	assert_true(depot_is_whole(p->d));
	assert_ok(depot_finish(p->d, &o, NULL));
	assert_false(depot_is_putting(p->d));
	return o;
}

static void what_was_put_is_read_back(void **state)
{
	static const size_t sizes[] = {0,
				       1,
				       OBJECT_CHUNK_BYTES - 1,
				       OBJECT_CHUNK_BYTES,
				       OBJECT_CHUNK_BYTES + 1,
				       sizeof(artefact)};
	struct place p;

	(void)state;
	place_new(&p);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct depot_object o = put(&p, sizes[i], 50000);
		struct depot_object found;
		AUTO_BUF file = BUF_INIT(1 << 20);
		uint8_t digest[32];
		char path[256];

		path_of(&p, &o, path);
		assert_ok(file_read(path, &file, NULL));
		assert_true(file.n == o.stored_size && o.size == sizes[i]);
		SHA256((const uint8_t *)file.p, file.n, digest);
		assert_memory_equal(digest, o.name, 32);
		SHA256(artefact, sizes[i], digest);
		assert_memory_equal(digest, o.plain, 32);
		assert_ok(depot_check(p.d, o.name, key, &found, NULL));
		assert_memory_equal(&found, &o, sizeof(o));
		assert_rc(depot_check(p.d, o.name, other_key, &found, NULL), RC_DENIED);
		for (uint64_t c = 0; c < object_chunks(o.size); c++) {
			AUTO_BUF out = BUF_INIT(OBJECT_CHUNK_BYTES);
			uint64_t size;

			assert_ok(depot_read(p.d, o.name, key, c, &out, &size, NULL));
			assert_true(size == o.size && out.n == object_chunk_bytes(o.size, c));
			if (out.n) {
				assert_memory_equal(out.p, artefact + c * OBJECT_CHUNK_BYTES,
						    out.n);
			}
		}
	}
	place_free(&p);
}

static void equal_artefacts_have_different_names(void **state)
{
	struct place p;
	struct depot_object a;
	struct depot_object b;

	(void)state;
	place_new(&p);
	a = put(&p, 100, 100);
	b = put(&p, 100, 100);
	assert_memory_not_equal(a.name, b.name, 32);
	assert_memory_equal(a.plain, b.plain, 32);
	place_free(&p);
}

static void a_changed_object_is_refused(void **state)
{
	struct place p;
	struct depot_object o;
	struct depot_object found;
	AUTO_BUF out = BUF_INIT(OBJECT_CHUNK_BYTES);
	AUTO_BUF file = BUF_INIT(1 << 20);
	uint64_t size;
	char path[256];

	(void)state;
	place_new(&p);
	o = put(&p, OBJECT_CHUNK_BYTES + 10, 1000);
	path_of(&p, &o, path);
	assert_ok(file_read(path, &file, NULL));
	for (size_t at = 0; at < file.n; at += 3001) {
		file.p[at] ^= 1;
		assert_ok(file_replace(path, buf_view(&file), 0600, NULL));
		assert_true(depot_check(p.d, o.name, key, &found, NULL) != RC_OK);
		file.p[at] ^= 1;
	}
	assert_ok(file_replace(path, str_slice(buf_view(&file), 0, file.n - 1), 0600, NULL));
	assert_rc(depot_check(p.d, o.name, key, &found, NULL), RC_BROKEN);
	assert_rc(depot_read(p.d, o.name, key, 0, &out, &size, NULL), RC_BROKEN);
	assert_ok(file_replace(path, buf_view(&file), 0600, NULL));
	assert_ok(depot_check(p.d, o.name, key, &found, NULL));
	/* whole and well sealed, but under the name of another */
	{
		struct depot_object b = put(&p, 20, 20);
		char other[256];

		path_of(&p, &b, other);
		assert_int_equal(rename(other, path), 0);
		assert_rc(depot_check(p.d, o.name, key, &found, NULL), RC_BROKEN);
	}
	place_free(&p);
}

static void more_than_was_announced_is_refused_and_nothing_stays(void **state)
{
	AUTO_BUF names = BUF_INIT(1024);
	struct place p;
	bool more;

	(void)state;
	place_new(&p);
	assert_ok(depot_begin(p.d, key, 10, NULL));
	assert_rc(depot_add(p.d, STR("eleven byte"), NULL), RC_INPUT);
	assert_false(depot_is_putting(p.d));
	assert_rc(depot_begin(p.d, key, LIMIT_OBJECT_BYTES + 1ull, NULL), RC_LIMIT);
	assert_false(depot_is_putting(p.d));
	assert_ok(depot_list(p.d, NULL, &names, &more, NULL));
	assert_int_equal(names.n, 0);
	place_free(&p);
}

static void names_are_listed_in_pages(void **state)
{
	struct place p;
	uint8_t last[32];
	size_t n = 0;
	bool more = true;

	(void)state;
	place_new(&p);
	for (size_t i = 0; i < 7; i++) {
		(void)put(&p, i, 100);
	}
	while (more) {
		AUTO_BUF names = BUF_INIT(3 * 32 + 5);

		assert_ok(depot_list(p.d, n ? last : NULL, &names, &more, NULL));
		assert_int_equal(names.n % 32, 0);
		for (size_t i = 0; i < names.n / 32; i++, n++) {
			assert_true(n == 0 || memcmp(last, names.p + 32 * i, 32) < 0);
			memcpy(last, names.p + 32 * i, 32);
		}
	}
	assert_int_equal(n, 7);
	place_free(&p);
}

static void what_is_removed_is_gone_and_may_be_removed_again(void **state)
{
	struct place p;
	struct depot_object o;
	struct depot_object found;

	(void)state;
	place_new(&p);
	o = put(&p, 10, 10);
	assert_ok(depot_remove(p.d, o.name, NULL));
	assert_rc(depot_check(p.d, o.name, key, &found, NULL), RC_ABSENT);
	assert_ok(depot_remove(p.d, o.name, NULL));
	place_free(&p);
}

static void an_unfinished_one_is_swept_at_the_next_start(void **state)
{
	struct place p;
	char path[256];

	(void)state;
	place_new(&p);
	(void)snprintf(path, sizeof(path), "%s/new", p.path);
	assert_ok(file_replace(path, STR("half"), 0600, NULL));
	depot_free(p.d);
	open_place(&p);
	assert_int_equal(access(path, F_OK), -1);
	place_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_put_is_read_back),
	    cmocka_unit_test(equal_artefacts_have_different_names),
	    cmocka_unit_test(a_changed_object_is_refused),
	    cmocka_unit_test(more_than_was_announced_is_refused_and_nothing_stays),
	    cmocka_unit_test(names_are_listed_in_pages),
	    cmocka_unit_test(what_is_removed_is_gone_and_may_be_removed_again),
	    cmocka_unit_test(an_unfinished_one_is_swept_at_the_next_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
