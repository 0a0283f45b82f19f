/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/prune.c - entries below a minimum index go; their hashes stay.
 *
 * Trust:  the directory is ours; a writer may be adding to its end meanwhile.
 * Holds:  (1) *at grows past a bundle only when nothing of it is there, and past the last of a
 *             directory (and the last of all) only when that directory is synced: what is said to
 *             be gone comes back after no power cut.
 *         (2) partials of a bundle are entries too. A writer that was killed may have left some.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <tlog.h>
#include <unistd.h>

#include "base/file.h"

enum { NAMES_IN_A_DIRECTORY = 1000 }; /* "000" to "999" */

static enum rc remove_file(const char *path, struct err *e)
{
	return unlink(path) == 0 || errno == ENOENT
		   ? RC_OK
		   : err_set_sys(e, RC_IO, __func__, "cannot remove '%s'", path);
}

static void close_dir(DIR **d)
{
	if (*d) {
		(void)closedir(*d); /* only read */
	}
}

static enum rc remove_in(const char *dir, const char *name, struct err *e)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", dir);
	}
	return remove_file(path, e);
}

/* (2) */
static enum rc remove_partials(const char *bundle, struct err *e)
{
	CLEANUP(close_dir) DIR *d = NULL;
	const struct dirent *entry;
	char dir[PATH_MAX];
	int n = snprintf(dir, sizeof(dir), "%s.p", bundle);

	if (n < 0 || (size_t)n >= sizeof(dir)) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", bundle);
	}
	d = opendir(dir);
	if (!d) {
		return errno == ENOENT
			   ? RC_OK
			   : err_set_sys(e, RC_IO, __func__, "cannot open directory '%s'", dir);
	}
	while ((entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			TRY(remove_in(dir, entry->d_name, e));
		}
	}
	return rmdir(dir) == 0 ? RC_OK : err_set_sys(e, RC_IO, __func__, "cannot remove '%s'", dir);
}

/* (1) The directory of that bundle; one that never was needs no syncing. */
static enum rc sync_dir_of(char *bundle, struct err *e)
{
	*strrchr(bundle, '/') = '\0';
	return access(bundle, F_OK) != 0 && errno == ENOENT ? RC_OK : file_sync_dir(bundle, e);
}

enum rc tlog_prune(const char *path, uint64_t minimum, uint64_t *at, unsigned most, struct err *e)
{
	uint64_t end = minimum / TLOG_TILE_WIDTH;

	for (unsigned i = 0; i < most && *at < end; i++) {
		char name[TLOG_PATH_BYTES];
		char bundle[PATH_MAX];
		int n;

		tlog_bundle_path(*at, TLOG_TILE_WIDTH, name);
		n = snprintf(bundle, sizeof(bundle), "%s/%s", path, name);
		if (n < 0 || (size_t)n >= sizeof(bundle)) {
			FAIL(e, RC_LIMIT, "path is too long: '%s'", path);
		}
		TRY(remove_file(bundle, e));
		TRY(remove_partials(bundle, e));
		if ((*at + 1) % NAMES_IN_A_DIRECTORY == 0 || *at + 1 == end) {
			TRY(sync_dir_of(bundle, e));
		}
		(*at)++;
	}
	return *at < end ? RC_AGAIN : RC_OK;
}
