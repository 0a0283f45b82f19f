/* SPDX-License-Identifier: Apache-2.0 */
/* make_log DIRECTORY LEAVES - writes a log with a fixed key, prints its vkey. */
#include <stdio.h>

#include <tlog.h>

#include "base/num.h"

static const uint8_t seed[32] = {7, 7, 7};

static enum rc make(const char *dir, uint64_t leaves, struct err *e)
{
	AUTO_TLOG_WRITER w = NULL;
	AUTO_BUF text = BUF_INIT(1024);
	AUTO_BUF note = BUF_INIT(4096);
	AUTO_BUF vkey = BUF_INIT(1024);
	struct tlog_vkey key;
	struct tlog_checkpoint c = {.origin = STR("interop.example/log"), .size = leaves};

	TRY(tlog_vkey_from_seed(&key, c.origin, TLOG_KEY_ED25519, seed, e));
	TRY(tlog_writer_open(dir, 0, &w, e));
	for (uint64_t i = 0; i < leaves; i++) {
		char leaf[64];
		int n = snprintf(leaf, sizeof(leaf), "{\"n\":%ju}", (uintmax_t)i);

		TRY(tlog_writer_append(w, str_of(leaf, (size_t)n), e));
	}
	TRY(tlog_writer_flush(w, &c.root, e));
	TRY(tlog_checkpoint_print(&c, &text, e));
	TRY(tlog_note_sign(&note, buf_view(&text), &key, seed, e));
	TRY(tlog_writer_publish(w, buf_view(&note), &key, e));
	TRY(tlog_vkey_print(&key, &vkey));
	printf(STR_FMT "\n", STR_ARG(buf_view(&vkey)));
	return RC_OK;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	uint64_t leaves;

	if (argc != 3 || !num_u64(str_from(argv[2]), 1000000, &leaves)) {
		fprintf(stderr, "usage: make_log DIRECTORY LEAVES\n");
		return 2;
	}
	if (make(argv[1], leaves, &e) != RC_OK) {
		fprintf(stderr, "make_log: %s\n", e.msg);
		return 1;
	}
	return 0;
}
