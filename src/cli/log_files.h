/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_files.h - the published log as commands read it: files, public key, leaves in order. */
#pragma once

#include <tlog.h>

#include "base/buf.h"
#include "core/leaf.h"

enum { LOG_NOTE_BYTES = 65536 };

/* The public key in the file `key`, or (NULL) in log.vkey beside the directory. */
enum rc log_read_key(const char *log, const char *key, struct tlog_vkey *ret, struct err *e);
/* Opens the directory at its last checkpoint, whose signature is checked; the tree below it is not:
 * that is remit log verify. note gets the checkpoint's text. */
enum rc log_open(const char *log, const char *key, struct tlog_dir **ret,
		 struct tlog_checkpoint *ret_checkpoint, struct buf *note, struct err *e);

/* Is leaf ix there? RC_ABSENT says since when it is not. d: opened so. */
enum rc log_is_there(const char *log, struct tlog_dir *d, const struct tlog_checkpoint *c,
		     uint64_t ix, struct err *e);

/* text: the leaf's exact bytes. Both live for the call only. */
typedef enum rc log_leaf_fn(void *ctx, uint64_t ix, const struct leaf *l, struct str text,
			    struct err *e);
/* Every leaf under the last checkpoint, in order, from the first that is not pruned; stops at the
 * first error. A leaf of a kind that is not known here is an error: whoever checks must know what
 * there is. */
enum rc log_walk(const char *log, const char *key, log_leaf_fn *fn, void *ctx, uint64_t *ret_size,
		 struct err *e);
