/* SPDX-License-Identifier: Apache-2.0 */
/* cli/bag.c - files with their digests, and the lists of them. */
#include "cli/bag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/file.h"
#include "base/mem.h"

enum { PATH_BYTES = 4096, LISTS_MAX = 64 << 20 };

struct bag {
	char dir[PATH_BYTES - 512];
	struct buf manifest;
	struct buf tags;
	uint64_t n_files;
	uint64_t n_bytes;
	EVP_MD_CTX *digest;
	int fd; /* of the file being written; -1 = none */
	char name[256];
};

enum rc bag_new(const char *dir, struct bag **ret, struct err *e)
{
	AUTO_BAG b = mem_calloc(1, sizeof(*b));

	if (!b || strlen(dir) >= sizeof(b->dir)) {
		FAIL(e, b ? RC_INPUT : RC_NOMEM, "no memory for a bag, or too long a path");
	}
	b->fd = -1;
	b->manifest = (struct buf)BUF_INIT(LISTS_MAX);
	b->tags = (struct buf)BUF_INIT(LISTS_MAX);
	b->digest = EVP_MD_CTX_new();
	memcpy(b->dir, dir, strlen(dir) + 1);
	if (!b->digest) {
		FAIL(e, RC_NOMEM, "no memory for a bag");
	}
	if (mkdir(dir, 0700) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot make directory '%s'", dir);
	}
	*ret = TAKE(b);
	return RC_OK;
}

void bag_free(struct bag *b)
{
	if (b) {
		file_close(b->fd);
		EVP_MD_CTX_free(b->digest);
		buf_fini(&b->manifest);
		buf_fini(&b->tags);
		mem_free(b);
	}
}

static bool name_is_good(const char *name)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/";

	return name[0] && name[0] != '/' && strspn(name, allowed) == strlen(name) &&
	       !strstr(name, "..") && !strstr(name, "//");
}

static enum rc make_parents(const char *path, struct err *e)
{
	char parent[PATH_BYTES];
	char *slash;

	(void)snprintf(parent, sizeof(parent), "%s", path); /* it fits: path does */
	slash = strrchr(parent, '/');
	*slash = '\0';
	return file_mkdirs(parent, 0700, e);
}

static enum rc begin(struct bag *b, const char *name, struct err *e)
{
	char path[PATH_BYTES];

	MUST(b->fd < 0);
	if (!name_is_good(name) || strlen(name) >= sizeof(b->name)) {
		FAIL(e, RC_INPUT, "'%s' is no name for a file of a bag", name);
	}
	(void)snprintf(path, sizeof(path), "%s/%s", b->dir, name); /* fits: both are bounded */
	(void)snprintf(b->name, sizeof(b->name), "%s", name);
	TRY(make_parents(path, e));
	b->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (b->fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot make '%s'", path);
	}
	if (EVP_DigestInit_ex(b->digest, EVP_sha256(), NULL) != 1) {
		FAIL(e, RC_NOMEM, "cannot compute a digest");
	}
	return RC_OK;
}

enum rc bag_begin(struct bag *b, const char *name, struct err *e)
{
	char path[sizeof(b->name)];
	int n = snprintf(path, sizeof(path), "data/%s", name);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		FAIL(e, RC_INPUT, "the name of a file is too long");
	}
	return begin(b, path, e);
}

enum rc bag_write(struct bag *b, struct str bytes, struct err *e)
{
	if (EVP_DigestUpdate(b->digest, bytes.p, bytes.n) != 1) {
		FAIL(e, RC_NOMEM, "cannot compute a digest");
	}
	b->n_bytes += bytes.n;
	return file_write_all(b->fd, bytes, e);
}

/* The file is on the disk; its digest in hexadecimal, and its line in the list. */
static enum rc end(struct bag *b, struct buf *list, char ret_sha256[65], struct err *e)
{
	uint8_t sha256[32];
	AUTO_BUF hex = BUF_INIT(64);

	if (fsync(b->fd) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot write '%s'", b->name);
	}
	file_close(b->fd);
	b->fd = -1;
	if (EVP_DigestFinal_ex(b->digest, sha256, NULL) != 1 ||
	    buf_add_hex(&hex, sha256, sizeof(sha256)) != RC_OK) {
		FAIL(e, RC_NOMEM, "cannot compute a digest");
	}
	if (ret_sha256) {
		memcpy(ret_sha256, hex.p, 64);
		ret_sha256[64] = '\0';
	}
	/* Two blanks, as sha256sum reads it. */
	if (list && buf_addf(list, STR_FMT "  %s\n", STR_ARG(buf_view(&hex)), b->name) != RC_OK) {
		FAIL(e, RC_LIMIT, "too many files in a bag");
	}
	return RC_OK;
}

enum rc bag_end(struct bag *b, char ret_sha256[65], struct err *e)
{
	b->n_files++;
	return end(b, &b->manifest, ret_sha256, e);
}

static enum rc write_tag(struct bag *b, const char *name, struct str bytes, struct buf *list,
			 char ret_sha256[65], struct err *e)
{
	uint64_t n_bytes = b->n_bytes;

	TRY(begin(b, name, e));
	TRY(bag_write(b, bytes, e));
	b->n_bytes = n_bytes; /* of the payload only */
	return end(b, list, ret_sha256, e);
}

enum rc bag_seal(struct bag *b, char ret_sha256[65], struct err *e)
{
	return write_tag(b, "manifest-sha256.txt", buf_view(&b->manifest), &b->tags, ret_sha256, e);
}

enum rc bag_tag(struct bag *b, const char *name, struct str bytes, struct err *e)
{
	return write_tag(b, name, bytes, &b->tags, NULL, e);
}

enum rc bag_finish(struct bag *b, struct str info, struct err *e)
{
	AUTO_BUF text = BUF_INIT(1 << 20);

	TRY(bag_tag(b, "bagit.txt", STR("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"),
		    e));
	if (buf_add(&text, info) != RC_OK ||
	    buf_addf(&text, "Payload-Oxum: %llu.%llu\n", (unsigned long long)b->n_bytes,
		     (unsigned long long)b->n_files) != RC_OK) {
		FAIL(e, RC_LIMIT, "bag-info.txt is too long");
	}
	TRY(bag_tag(b, "bag-info.txt", buf_view(&text), e));
	TRY(write_tag(b, "tagmanifest-sha256.txt", buf_view(&b->tags), NULL, NULL, e));
	return file_sync_dir(b->dir, e);
}
