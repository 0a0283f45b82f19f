/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/dir.h - what the verifier needs of a directory beyond tlog.h. */
#pragma once

#include <tlog.h>

/* Appends a resource's file to b. A partial that is absent is looked for in its full one; used
 * says which file was read. RC_ABSENT, RC_IO, RC_LIMIT, RC_NOMEM. */
enum rc dir_read(struct tlog_dir *d, const struct tlog_resource *r, struct buf *b,
		 char used[TLOG_PATH_BYTES], struct err *e);
/* As tlog_dir_read_tile(), with the name of the file that was (or should have been) read. */
enum rc dir_read_tile(struct tlog_dir *d, unsigned level, uint64_t n, unsigned width,
		      uint8_t ret[TLOG_TILE_BYTES], char used[TLOG_PATH_BYTES], struct err *e);
/* Lets nodes be computed as if the level-0 tile n held these hashes, until another is read. */
void dir_pretend(struct tlog_dir *d, uint64_t n, unsigned width,
		 const uint8_t bytes[TLOG_TILE_BYTES]);
struct tlog_hasher *dir_hasher(struct tlog_dir *d);
uint64_t dir_size(const struct tlog_dir *d);
