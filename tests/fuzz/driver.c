/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c - replays a corpus directory, and every prefix and single-byte change of its small
 * files, through a fuzz target: the part of fuzzing that needs no fuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

#include "fuzz.h"

enum { SMALL = 512, LARGEST = 4 << 20 };

/* A block of exactly n bytes, so that the sanitizer sees every read past its end. */
static void run_exact(const char *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy) {
		abort();
	}
	if (n) {
		memcpy(copy, p, n);
	}
	(void)fuzz_one(copy, n); /* always 0; failures abort */
	free(copy);
}

static void run_variants(struct buf *b)
{
	for (size_t n = 0; n < b->n; n++) {
		run_exact(b->p, n);
	}
	for (size_t i = 0; i < b->n; i++) {
		char was = b->p[i];

		for (int bit = 0; bit < 8; bit++) {
			b->p[i] = (char)((unsigned char)was ^ (1u << bit));
			run_exact(b->p, b->n);
		}
		b->p[i] = was;
	}
}

int main(int argc, char **argv)
{
	size_t files = 0;
	struct dirent *entry;
	DIR *dir;

	if (argc != 2 || !(dir = opendir(argv[1]))) {
		fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		AUTO_BUF b = BUF_INIT(LARGEST);
		char path[4096];
		struct err e = ERR_INIT;

		if (entry->d_name[0] == '.') {
			continue;
		}
		(void)snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (file_read(path, &b, &e) != RC_OK) {
			fprintf(stderr, "%s\n", e.msg);
			return 1;
		}
		run_exact(b.p, b.n);
		if (b.n <= SMALL) {
			run_variants(&b);
		}
		files++;
	}
	closedir(dir);
	if (files == 0) {
		fprintf(stderr, "%s: empty corpus\n", argv[1]);
		return 1;
	}
	printf("%zu inputs\n", files);
	return 0;
}
