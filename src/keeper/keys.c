/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/keys.c - keys on disk and in locked pages.
 *
 * Trust:  the directory is ours alone; who can write it is the keeper.
 * Holds:  (1) a key goes from its file to locked pages without passing through the heap.
 *         (2) a directory of keys is complete or absent: it is filled under another name.
 */
#include "keeper/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "keeper/record.h"

static enum rc path_of(const char *dir, const char *name, char ret[PATH_MAX], struct err *e)
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", dir, name);

	if (n < 0 || n >= PATH_MAX) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", dir);
	}
	return RC_OK;
}

static enum rc write_new_key(const char *dir, const char *name, struct secret **ret, struct err *e)
{
	char path[PATH_MAX];
	AUTO_SECRET key = NULL;

	TRY(path_of(dir, name, path, e));
	TRY(secret_random(KEEPER_KEY_BYTES, &key, e));
	TRY(file_replace(path, secret_view(key), 0600, e));
	*ret = TAKE(key);
	return RC_OK;
}

static enum rc read_key(const char *dir, const char *name, struct secret **ret, struct err *e)
{
	char path[PATH_MAX];
	AUTO_SECRET key = NULL;
	AUTO_FD fd = -1;
	struct stat st;

	TRY(path_of(dir, name, path, e));
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		return err_set_sys(e, errno == ENOENT ? RC_ABSENT : RC_IO, __func__,
				   "cannot open key '%s'", path);
	}
	if (fstat(fd, &st) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot look at key '%s'", path);
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077)) {
		FAIL(e, RC_DENIED, "key '%s' must be a file that only its owner can read", path);
	}
	if (st.st_size != KEEPER_KEY_BYTES) {
		FAIL(e, RC_BROKEN, "key '%s' does not have %d bytes", path, KEEPER_KEY_BYTES);
	}
	TRY(secret_new(KEEPER_KEY_BYTES, &key, e));
	if (read(fd, secret_bytes(key), KEEPER_KEY_BYTES) != KEEPER_KEY_BYTES) {
		return err_set_sys(e, RC_IO, __func__, "cannot read key '%s'", path);
	}
	*ret = TAKE(key);
	return RC_OK;
}

static enum rc write_vkey(const struct tlog_vkey *vkey, const char *path, struct err *e)
{
	AUTO_BUF b = BUF_INIT(1024);

	if (tlog_vkey_print(vkey, &b) != RC_OK || buf_add_char(&b, '\n') != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for the verifier key");
	}
	return file_replace(path, buf_view(&b), 0644, e);
}

/* Everything into tmp, which does not exist yet. */
static enum rc fill(const char *tmp, const char *anchor, struct str origin, const char *vkey_path,
		    struct err *e)
{
	struct tlog_vkey vkey;
	AUTO_SECRET log_seed = NULL;
	AUTO_SECRET wrap_key = NULL;
	AUTO_SECRET token_key = NULL;

	TRY(file_mkdirs(tmp, 0700, e));
	TRY(write_new_key(tmp, "log.key", &log_seed, e));
	TRY(write_new_key(tmp, "wrap.key", &wrap_key, e));
	TRY(write_new_key(tmp, "token.key", &token_key, e));
	TRY(tlog_vkey_from_seed(&vkey, origin, TLOG_KEY_ED25519, secret_bytes(log_seed), e));
	TRY(record_create(anchor ? anchor : tmp, origin, e));
	return write_vkey(&vkey, vkey_path, e);
}

static void remove_all(const char *tmp)
{
	static const char *const names[] = {"log.key",	     "wrap.key",       "token.key",
					    "last-signed",   "log.key.new",    "wrap.key.new",
					    "token.key.new", "last-signed.new"};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (path_of(tmp, names[i], path, NULL) == RC_OK) {
			(void)unlink(path); /* often not there */
		}
	}
	(void)rmdir(tmp);
}

enum rc keeper_keys_create(const char *dir, const char *anchor, struct str origin,
			   const char *vkey_path, struct err *e)
{
	char tmp[PATH_MAX];
	struct stat st;
	enum rc rc;
	int n = snprintf(tmp, sizeof(tmp), "%s.new", dir);

	if (n < 0 || (size_t)n >= sizeof(tmp)) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", dir);
	}
	if (lstat(dir, &st) == 0) {
		FAIL(e, RC_DENIED, "'%s' exists: keys are never overwritten", dir);
	}
	remove_all(tmp); /* of a run that was interrupted */
	rc = fill(tmp, anchor, origin, vkey_path, e);
	if (rc == RC_OK && rename(tmp, dir) != 0) {
		rc = err_set_sys(e, RC_IO, __func__, "cannot rename '%s'", tmp);
	}
	if (rc != RC_OK) {
		remove_all(tmp);
		return rc;
	}
	n = snprintf(tmp, sizeof(tmp), "%s/..", dir);
	return n < 0 || (size_t)n >= sizeof(tmp) ? RC_LIMIT : file_sync_dir(tmp, e);
}

enum rc keeper_keys_load(const char *dir, struct str origin, struct keeper_keys *ret, struct err *e)
{
	struct keeper_keys k = {0};
	struct stat st;
	enum rc rc;

	if (stat(dir, &st) != 0) {
		return err_set_sys(e, errno == ENOENT ? RC_ABSENT : RC_IO, __func__,
				   "cannot open '%s'", dir);
	}
	rc = read_key(dir, "log.key", &k.log_seed, e);
	if (rc == RC_OK) {
		rc = read_key(dir, "wrap.key", &k.wrap_key, e);
	}
	if (rc == RC_OK) {
		rc = read_key(dir, "token.key", &k.token_key, e);
		if (rc == RC_ABSENT) {
			rc = write_new_key(dir, "token.key", &k.token_key, e);
		}
	} else if (rc == RC_ABSENT) {
		rc = RC_BROKEN; /* the directory is there: this is damage, not a first start */
	}
	if (rc == RC_OK) {
		rc = tlog_vkey_from_seed(&k.vkey, origin, TLOG_KEY_ED25519,
					 secret_bytes(k.log_seed), e);
	}
	if (rc != RC_OK) {
		keeper_keys_fini(&k);
		return rc;
	}
	*ret = k;
	return RC_OK;
}

enum rc keeper_wrap_key_load(const char *dir, struct secret **ret, struct err *e)
{
	return read_key(dir, "wrap.key", ret, e);
}

void keeper_keys_fini(struct keeper_keys *k)
{
	if (k) {
		secret_free(k->log_seed);
		secret_free(k->wrap_key);
		secret_free(k->token_key);
		memset(k, 0, sizeof(*k));
	}
}
