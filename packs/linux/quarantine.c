/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine.c - files out of the way, and back.
 *
 * A file is renamed into the vault under the SHA-256 of its path, with mode 0; beside it a note
 * says how it was. Rename and back keep owner, times and attributes; the note brings the mode back.
 *
 * Trust:  paths are an agent's; what the directories hold is whoever wrote there.
 * Holds:  (1) only regular files directly below a directory of --files or one below it, none
 *             of whose parts is a link; the file is held open from check to rename by its number.
 *         (2) nothing is overwritten, neither in the vault nor on the way back.
 *         (3) what comes back is what was taken: its digest is in the note.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "linux_tools.h"

enum { DIGEST_HEX = 2 * 32 + 1, NOTE_BYTES = 4096, CHUNK = 65536 };

struct item {
	const struct linux_options *o;
	char path[LINUX_PATH_BYTES];
	char kept[LINUX_PATH_BYTES + DIGEST_HEX + 8]; /* in the vault */
	char note[LINUX_PATH_BYTES + DIGEST_HEX + 8];
};

static void to_hex(const uint8_t digest[32], char hex[DIGEST_HEX])
{
	for (size_t i = 0; i < 32; i++) {
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]); /* two characters */
	}
}

/* Is it written as the kernel would write it, and below one of the directories? */
static bool path_is_allowed(const struct linux_options *o, const char *path)
{
	bool is_below = false;

	if (path[0] != '/' || strstr(path, "//") || strstr(path, "/./") || strstr(path, "/../") ||
	    str_has_suffix(str_from(path), STR("/")) || str_has_suffix(str_from(path), STR("/.")) ||
	    str_has_suffix(str_from(path), STR("/.."))) {
		return false;
	}
	for (size_t i = 0; i < o->files.n; i++) {
		size_t n = strlen(o->files.items[i]);

		is_below |= strncmp(path, o->files.items[i], n) == 0 && path[n] == '/';
	}
	return is_below;
}

/* (1) A link in the way makes the real directory another one. */
static enum rc check_parents(const char *path, struct err *e)
{
	char parent[LINUX_PATH_BYTES];
	char real[PATH_MAX];

	(void)snprintf(parent, sizeof(parent), "%s", path); /* as long as path */
	*strrchr(parent, '/') = '\0';
	if (!realpath(parent, real)) {
		return err_set_sys(e, RC_ABSENT, __func__, "no directory '%s'", parent);
	}
	if (strcmp(parent, real) != 0) {
		FAIL(e, RC_DENIED, "a part of '%s' is a link", path);
	}
	return RC_OK;
}

static enum rc item_of(const struct tool_call *a, struct item *ret, struct err *e)
{
	uint8_t digest[32];
	char hex[DIGEST_HEX];

	ret->o = a->ctx;
	TRY(linux_text(a, "path", ret->path, sizeof(ret->path), e));
	if (!path_is_allowed(ret->o, ret->path)) {
		FAIL(e, RC_DENIED, "only files below the directories of --files, written plainly");
	}
	TRY(check_parents(ret->path, e));
	if (EVP_Digest(ret->path, strlen(ret->path), digest, NULL, EVP_sha256(), NULL) != 1) {
		FAIL(e, RC_BROKEN, "cannot compute a SHA-256 digest");
	}
	to_hex(digest, hex);
	if (snprintf(ret->kept, sizeof(ret->kept), "%s/%s", ret->o->vault, hex) >=
		(int)sizeof(ret->kept) ||
	    snprintf(ret->note, sizeof(ret->note), "%s/%s.json", ret->o->vault, hex) >=
		(int)sizeof(ret->note)) {
		FAIL(e, RC_LIMIT, "the vault's path is too long");
	}
	return RC_OK;
}

/* A regular file, opened without following a link. RC_ABSENT when there is none. */
static enum rc open_file(const char *path, int *ret, struct stat *st, struct err *e)
{
	AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		return err_set_sys(e, errno == ENOENT ? RC_ABSENT : RC_IO, __func__,
				   "cannot open '%s'", path);
	}
	if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
		FAIL(e, RC_DENIED, "'%s' is no regular file", path);
	}
	*ret = fd;
	fd = -1;
	return RC_OK;
}

static enum rc digest_of(int fd, char hex[DIGEST_HEX], struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	static char chunk[CHUNK];
	uint8_t digest[32];
	ssize_t n = 0;
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	while (ok && (n = read(fd, chunk, sizeof(chunk))) > 0) {
		ok = EVP_DigestUpdate(ctx, chunk, (size_t)n) == 1;
	}
	ok = ok && n == 0 && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok) {
		FAIL(e, RC_IO, "cannot read the file to its end");
	}
	to_hex(digest, hex);
	return RC_OK;
}

static void answer(struct json_out *w, const struct item *it, bool is_quarantined, bool changed,
		   const char *hex)
{
	json_out_key_str(w, "path", str_from(it->path));
	json_out_key_bool(w, "quarantined", is_quarantined);
	json_out_key_bool(w, "changed", changed);
	json_out_key_str(w, "sha256", str_from(hex));
}

enum rc linux_file(const struct tool_call *a, struct json_out *w, struct err *e)
{
	struct item it;
	struct stat st;
	char hex[DIGEST_HEX];
	AUTO_FD fd = -1;
	bool is_kept;

	TRY(item_of(a, &it, e));
	is_kept = access(it.kept, F_OK) == 0;
	TRY(open_file(is_kept ? it.kept : it.path, &fd, &st, e));
	TRY(digest_of(fd, hex, e));
	answer(w, &it, is_kept, false, hex);
	return RC_OK;
}

static enum rc write_note(const struct item *it, const struct stat *st, const char *hex,
			  struct err *e)
{
	AUTO_BUF text = BUF_INIT(NOTE_BYTES);
	struct json_out w = json_out_to(&text);

	json_out_object(&w);
	json_out_key_str(&w, "path", str_from(it->path));
	json_out_key_u64(&w, "mode", st->st_mode & 07777);
	json_out_key_u64(&w, "uid", st->st_uid);
	json_out_key_u64(&w, "gid", st->st_gid);
	json_out_key_str(&w, "sha256", str_from(hex));
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	return file_replace(it->note, buf_view(&text), 0600, e);
}

enum rc linux_quarantine(const struct tool_call *a, struct json_out *w, struct err *e)
{
	struct item it;
	struct stat st;
	struct stat moved;
	char hex[DIGEST_HEX];
	AUTO_FD fd = -1;

	TRY(item_of(a, &it, e));
	TRY(open_file(it.path, &fd, &st, e));
	TRY(digest_of(fd, hex, e));
	if (access(it.kept, F_OK) == 0) {
		FAIL(e, RC_DENIED, "another '%s' is in the vault already", it.path);
	}
	TRY(write_note(&it, &st, hex, e));
	if (renameat2(AT_FDCWD, it.path, AT_FDCWD, it.kept, RENAME_NOREPLACE) != 0) {
		return err_set_sys(e, RC_IO, __func__,
				   "cannot move '%s' into the vault (the same file system?)",
				   it.path);
	}
	/* (1) Who swapped the file in between gets it back. */
	if (lstat(it.kept, &moved) != 0 || moved.st_ino != st.st_ino || moved.st_dev != st.st_dev) {
		(void)renameat2(AT_FDCWD, it.kept, AT_FDCWD, it.path, RENAME_NOREPLACE);
		FAIL(e, RC_AGAIN, "'%s' changed meanwhile", it.path);
	}
	if (fchmod(fd, 0) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot close '%s' to everybody", it.kept);
	}
	answer(w, &it, true, true, hex);
	return RC_OK;
}

/* What the note says of mode and digest. */
static enum rc read_note(const struct item *it, mode_t *ret_mode, char hex[DIGEST_HEX],
			 struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 16);
	AUTO_BUF text = BUF_INIT(NOTE_BYTES);
	const struct json *note;
	struct str digest;
	uint64_t mode;

	TRY(file_read(it->note, &text, e));
	TRY(json_parse(&arena, buf_view(&text), NULL, &note, e));
	if (!json_u64(json_get(note, STR("mode")), &mode) || mode > 07777 ||
	    !json_str(json_get(note, STR("sha256")), &digest) || digest.n != DIGEST_HEX - 1) {
		FAIL(e, RC_BROKEN, "the note beside '%s' is damaged", it->kept);
	}
	memcpy(hex, digest.p, digest.n);
	hex[digest.n] = '\0';
	*ret_mode = (mode_t)mode;
	return RC_OK;
}

enum rc linux_restore(const struct tool_call *a, struct json_out *w, struct err *e)
{
	struct item it;
	struct stat st;
	char noted[DIGEST_HEX];
	char hex[DIGEST_HEX];
	AUTO_FD fd = -1;
	mode_t mode;

	TRY(item_of(a, &it, e));
	TRY(open_file(it.kept, &fd, &st, e));
	TRY(read_note(&it, &mode, noted, e));
	TRY(digest_of(fd, hex, e));
	if (strcmp(hex, noted) != 0) { /* (3) */
		FAIL(e, RC_DENIED, "what is in the vault is not what was taken");
	}
	if (fchmod(fd, mode) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot give '%s' its mode", it.kept);
	}
	if (renameat2(AT_FDCWD, it.kept, AT_FDCWD, it.path, RENAME_NOREPLACE) != 0) { /* (2) */
		int sys = errno;

		(void)fchmod(fd, 0); /* it stays in quarantine */
		errno = sys;
		return err_set_sys(e, RC_IO, __func__, "cannot move '%s' back", it.path);
	}
	(void)unlink(it.note); /* one that is left is replaced by the next */
	answer(w, &it, false, true, hex);
	return RC_OK;
}
