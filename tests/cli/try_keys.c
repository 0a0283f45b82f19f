/* SPDX-License-Identifier: Apache-2.0 */
/* tests/cli/try_keys.c - every key that a state has, tried on every value: try-keys STATE TEXT
 *
 * Of the leaves that are published. Not as Remit does it, which takes the key that a value says:
 * prints how many values there are, how many of them some key opens, and how many of these hold
 * TEXT.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tlog.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/reader.h"
#include "base/vec.h"
#include "governor/key_files.h"
#include "governor/sealed.h"
#include "governor/segment.h"
#include "keeper/keys.h"
#include "keeper/wrap.h"

enum { PATH_BYTES = 4096, NAME_BYTES = 32 };

struct keys {
	struct key_dir dir;
	struct secret *wrapping;
	VEC(struct secret *) open;
};

static enum rc open_key(void *ctx, const struct key_name *name, struct err *e)
{
	struct keys *k = ctx;
	AUTO_BUF wrapped = BUF_INIT(KEY_WRAPPED_MAX_BYTES);
	char text[NAME_BYTES];
	struct secret *key;

	(void)snprintf(text, sizeof(text), "k%" PRIu64, name->serial);
	TRY(key_file_read(&k->dir, name, &wrapped, e));
	TRY(wrap_open(k->wrapping, str_from(text), buf_view(&wrapped), &key, e));
	return vec_push(&k->open, key);
}

static enum rc open_keys(const char *state, struct keys *k, struct err *e)
{
	char path[PATH_BYTES];
	struct log_io_system *system;

	(void)snprintf(path, sizeof(path), "%s/keeper", state);
	TRY(keeper_wrap_key_load(path, &k->wrapping, e));
	(void)snprintf(path, sizeof(path), "%s/keys", state);
	TRY(log_io_system_new(path, &system, e));
	k->dir.io = log_io_system_table(system);
	return key_files_each(&k->dir, open_key, k, e);
}

static bool opens(const struct keys *k, const struct sealed_place *place, struct str value,
		  struct buf *plain)
{
	struct reader r = reader_of(value);
	uint64_t serial;

	if (!rd_u64(&r, &serial)) {
		return false;
	}
	for (size_t i = 0; i < k->open.n; i++) {
		buf_reset(plain);
		if (sealed_open((const uint8_t *)secret_view(k->open.p[i]).p, place,
				str_of(r.p, r.n), NULL, plain, NULL, NULL) == RC_OK) {
			return true;
		}
	}
	return false;
}

static enum rc try(const char *state, const char *text, struct err *e)
{
	AUTO_BUF vkey = BUF_INIT(1024);
	AUTO_BUF plain = BUF_INIT(LIMIT_VALUE_BYTES);
	AUTO_SEGMENT_READER reader = NULL;
	struct keys k = {0};
	struct log_io_system *system;
	struct log_io segments;
	struct segment_leaf leaf;
	struct sealed_place place;
	char path[PATH_BYTES];
	AUTO_BUF checkpoint = BUF_INIT(LIMIT_RESULT_BYTES);
	struct str rest;
	uint64_t size;
	size_t n[3] = {0};
	enum rc rc;

	TRY(open_keys(state, &k, e));
	(void)snprintf(path, sizeof(path), "%s/log.vkey", state);
	TRY(file_read(path, &vkey, e));
	place.origin = str_slice(buf_view(&vkey), 0, (size_t)(strchr(vkey.p, '+') - vkey.p));
	(void)snprintf(path, sizeof(path), "%s/log/checkpoint", state);
	TRY(file_read(path, &checkpoint, e));
	rest = buf_view(&checkpoint);
	(void)str_cut(&rest, '\n');
	if (!num_u64(str_cut(&rest, '\n'), UINT64_MAX, &size)) {
		FAIL(e, RC_INPUT, "'%s' has no size", path);
	}
	(void)snprintf(path, sizeof(path), "%s/segments", state);
	TRY(log_io_system_new(path, &system, e));
	segments = log_io_system_table(system);
	TRY(segment_reader_open(&segments, place.origin, 0, &reader, e));
	while ((rc = segment_reader_next(reader, size, &leaf, e)) == RC_OK) {
		for (size_t i = 0; i < leaf.n_values; i++) {
			place.leaf_index = leaf.index;
			place.slot = leaf.values[i].slot;
			n[0]++;
			if (opens(&k, &place, leaf.values[i].bytes, &plain)) {
				n[1]++;
				n[2] += memmem(plain.p, plain.n, text, strlen(text)) != NULL;
			}
		}
	}
	if (rc != RC_ABSENT) {
		return rc;
	}
	printf("keys %zu values %zu opened %zu found %zu\n", k.open.n, n[0], n[1], n[2]);
	return RC_OK;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc != 3) {
		fprintf(stderr, "usage: try-keys STATE TEXT\n");
		return 1;
	}
	if (try(argv[1], argv[2], &e) != RC_OK) {
		fprintf(stderr, "try-keys: %s\n", e.msg);
		return 1;
	}
	return 0;
}
