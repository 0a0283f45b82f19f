/* SPDX-License-Identifier: Apache-2.0 */
/* governor/snapshot.h - a snapshot as a file: what the state was after so many leaves.
 *
 * Format: docs/formats/snapshot.md. A header of 4096 bytes says of which log it is, after how many
 * leaves, how the tree goes on from there, and which digest the state's bytes behind it have. The
 * header's own SHA-256 is what snapshot.taken says in the log, so that leaf commits to all of it.
 *
 * Nothing here decides whether a snapshot is to be believed: governor/snapshots.h does.
 */
#pragma once

#include "core/state.h"
#include "governor/segment.h"

enum { SNAPSHOT_NAME_BYTES = 64, SNAPSHOT_HEADER_BYTES = 4096 };

struct snapshot {
	struct segment_base base;
	uint64_t state_bytes;
	struct digest state;  /* SHA-256 of them: state_digest */
	struct digest digest; /* of the header */
};

/* "<size>.taken" until the leaf about it is under a signed checkpoint, then
 * "<size>-<leaf>.snapshot". */
void snapshot_name(uint64_t size, uint64_t leaf, char ret[SNAPSHOT_NAME_BYTES]);
/* *ret_leaf is 0 for a taken one. False for any other name. */
bool snapshot_name_parse(const char *name, uint64_t *ret_size, uint64_t *ret_leaf) MUST_USE;

#define SNAPSHOT_FRESH "fresh.new" /* while it is written */
/* Writes "<size>.taken" durably and fills in the digests. */
enum rc snapshot_write(const struct log_io *io, struct str origin, const struct state *s,
		       const struct segment_base *base, struct snapshot *ret, struct err *e);
/* The header. RC_BROKEN: it is none, or of another log. */
enum rc snapshot_read(const struct log_io *io, const char *name, struct str origin,
		      struct snapshot *ret, struct err *e);
/* The state behind a header that was read. RC_BROKEN: other bytes than the header's digest is of;
 * RC_ABSENT: of a format that is not read any more. */
enum rc snapshot_read_state(const struct log_io *io, const char *name, const struct snapshot *x,
			    struct state **ret, struct err *e);
