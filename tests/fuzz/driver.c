/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c - replays a corpus directory, and every prefix and single-bit change of its small
 * files, through a fuzz target: the part of fuzzing that needs no fuzzer. What a fuzzer found, in
 * the directory explored/, is replayed as it is. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Returns how many files there were; -1 after a message. */
static long replay(const char *path, bool with_variants)
{
	struct dirent *entry;
	long files = 0;
	DIR *dir = opendir(path);

	if (!dir) {
		fprintf(stderr, "%s: no such directory\n", path);
		return -1;
	}
	while ((entry = readdir(dir))) {
		AUTO_BUF b = BUF_INIT(LARGEST);
		char name[4096];
		struct err e = ERR_INIT;

		if (entry->d_name[0] == '.' || entry->d_type == DT_DIR) {
			continue;
		}
		(void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (file_read(name, &b, &e) != RC_OK) {
			fprintf(stderr, "%s\n", e.msg);
			files = -1;
			break;
		}
		run_exact(b.p, b.n);
		if (with_variants && b.n <= SMALL) {
			run_variants(&b);
		}
		files++;
	}
	closedir(dir);
	return files;
}

int main(int argc, char **argv)
{
	char explored[4096];
	long files;
	long more = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
		return 2;
	}
	files = replay(argv[1], true);
	(void)snprintf(explored, sizeof(explored), "%s/explored", argv[1]);
	if (access(explored, F_OK) == 0) {
		more = replay(explored, false);
	}
	if (files <= 0 || more < 0) {
		fprintf(stderr, "%s: empty corpus, or one that cannot be read\n", argv[1]);
		return 1;
	}
	printf("%ld inputs, %ld explored\n", files, more);
	return 0;
}
