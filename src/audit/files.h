/* SPDX-License-Identifier: Apache-2.0 */
/* audit/files.h - leaves, sealed values and bundles from the directories of a state.
 *
 * With a published log (state/log) its leaves are what is walked, and the segments, when they are
 * there, must have the same; without one the segments' leaves are.
 *
 * Beside a running Remit or without one: nothing is written, no lock is taken, and what is read
 * ends at a size that is known to be durable.
 */
#pragma once

#include "audit/audit.h"
#include "core/pruned.h"

struct log_io;
struct tlog_dir;

/* Opens the wrapped data key of that name ("k<serial>") into ret, 32 bytes. */
typedef enum rc audit_unwrap_fn(void *ctx, struct str name, struct str wrapped, uint8_t ret[32],
				struct err *e);

struct audit_files_options {
	struct str origin; /* of the log */
	uint64_t size;	   /* durable leaves */
	/* Borrowed, its size set; NULL: the segments alone. */
	struct tlog_dir *published;
	/* Tables are copied; what ctx points at outlives the files. */
	const struct log_io *segments; /* NULL: no values */
	const struct log_io *keys;     /* NULL: no keys, so no values */
	const struct log_io *bundles;  /* NULL: none are stored */
	/* The log is pruned, and begins with that leaf: pruned.leaf says so. first 0: it is whole.
	 * Then the state before comes from the snapshots. */
	struct pruned pruned;
	const struct log_io *snapshots; /* NULL: there are none */
	audit_unwrap_fn *unwrap;
	void *unwrap_ctx;
};

struct audit_files;

enum rc audit_files_new(const struct audit_files_options *o, struct audit_files **ret,
			struct err *e);
void audit_files_free(struct audit_files *f);
#define AUTO_AUDIT_FILES CLEANUP(audit_files_cleanup) struct audit_files *
static inline void audit_files_cleanup(struct audit_files **f)
{
	audit_files_free(*f);
}
/* Lives as long as f, for one walk. */
struct audit_source audit_files_source(struct audit_files *f);
