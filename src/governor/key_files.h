/* SPDX-License-Identifier: Apache-2.0 */
/* governor/key_files.h - wrapped data keys as files, whose names say what they are of.
 *
 *	tags.key		of the tags of calls
 *	<serial>.key		nobody's: fresh, or taken and not bound yet
 *	<serial>-<leaf>.life	of the life of the governor that began with that leaf
 *	<serial>-<leaf>.key	of the incident or task that the leaf created
 *	<serial>.evidence	of one object of the store
 *
 * So a key is found without opening any. Format of the bytes: docs/formats/keeper.md.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "governor/log_io.h"

enum key_kind {
	KEY_TAGS = 0,
	KEY_FREE,
	KEY_LIFE,
	KEY_BOUND,
	KEY_ASIDE,
};

struct key_name {
	enum key_kind kind;
	uint64_t serial; /* 0 = of tags */
	uint64_t leaf;	 /* of a life: 0 = which one it began with is not known */
};

struct key_dir {
	struct log_io io;
	bool has_unsynced; /* a name may not be durable */
};

enum { KEY_WRAPPED_MAX_BYTES = 256 };

typedef enum rc key_files_fn(void *ctx, const struct key_name *name, struct err *e);
/* Each key there is, in no order; what is no key's name is passed over. fn's RC other than RC_OK
 * ends it and is returned. fn must not change the directory. */
enum rc key_files_each(const struct key_dir *d, key_files_fn *fn, void *ctx, struct err *e);
/* Appends the wrapped key to b. RC_ABSENT only when the disk itself says that there is none. */
enum rc key_file_read(const struct key_dir *d, const struct key_name *name, struct buf *b,
		      struct err *e);
/* Durably. What is there already must be the same: RC_BROKEN. */
enum rc key_file_store(struct key_dir *d, const struct key_name *name, struct str wrapped,
		       struct err *e);
/* Durably. After an error the file has one of the two names, or both are possible after a cut. */
enum rc key_file_rename(struct key_dir *d, const struct key_name *from, const struct key_name *to,
			struct err *e);
/* Durably, and looked for afterwards. RC_OK when there was none. */
enum rc key_file_remove(const struct key_dir *d, const struct key_name *name, struct err *e);
