/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/unsynced.h - files that are written together and become durable together.
 *
 * A sync of one file after the other makes the disk commit its journal for each; here all bytes are
 * on their way before the first is waited for, and each directory is waited for once. A file has
 * its name only when its bytes are durable.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

enum { UNSYNCED_FILES = 64 }; /* open at a time; the next one waits for these */

struct unsynced {
	VEC(struct unsynced_file {
		char *path; /* owned */
		int fd;
	})
	files;
	VEC(char *) dirs; /* owned; whose names have changed */
};

/* Closes and forgets what was not settled: bytes stay beside their names, as "<path>.new". */
void unsynced_fini(struct unsynced *u);
/* Writes beside path. Settles first when there are UNSYNCED_FILES. */
enum rc unsynced_put(struct unsynced *u, const char *path, struct str bytes, unsigned mode,
		     struct err *e);
/* The names in this directory are to be durable, too. */
enum rc unsynced_dir(struct unsynced *u, const char *path, struct err *e);
/* Files and names are durable when it is RC_OK, and u is empty. After an error u is for fini. */
enum rc unsynced_settle(struct unsynced *u, struct err *e);
