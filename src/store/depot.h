/* SPDX-License-Identifier: Apache-2.0 */
/* store/depot.h - a directory of encrypted artefacts, each under the digest of its bytes.
 *
 * One object is put at a time: depot_begin, depot_add until depot_is_whole, depot_finish. Nothing
 * is said to be there before it is synced, has its name, and was read back. An object is never
 * changed. Files are reached through struct log_io only, so that tests can fail each operation.
 * Format and order of operations: docs/formats/store.md.
 *
 * Errors: RC_IO (the disk), RC_ABSENT (no such object), RC_BROKEN (it is not what its name says),
 * RC_DENIED (it does not open under this key), RC_LIMIT, RC_NOMEM.
 */
#pragma once

#include "base/buf.h"
#include "governor/log_io.h"
#include "store/object.h"

enum { DEPOT_NAME_BYTES = 32 };

struct depot;

/* What is known of an object that was read whole. */
struct depot_object {
	uint8_t name[DEPOT_NAME_BYTES];	 /* SHA-256 of the file */
	uint8_t plain[DEPOT_NAME_BYTES]; /* SHA-256 of the artefact */
	uint64_t size;			 /* of the artefact */
	uint64_t stored_size;		 /* of the file */
};

/* Removes what was being written when an earlier life ended. io is copied; what its ctx points at
 * must outlive the depot. */
enum rc depot_open(const struct log_io *io, struct depot **ret, struct err *e);
void depot_free(struct depot *d);

/* An artefact of size bytes under this key, which is copied and wiped when the put is over. */
enum rc depot_begin(struct depot *d, const uint8_t key[OBJECT_KEY_BYTES], uint64_t size,
		    struct err *e);
/* RC_INPUT past the size that was announced. Any failure ends the put and removes its file. */
enum rc depot_add(struct depot *d, struct str bytes, struct err *e);
bool depot_is_putting(const struct depot *d);
bool depot_is_whole(const struct depot *d); /* all that was announced is there */
/* Makes it durable and reads it back. Any failure leaves no object. */
enum rc depot_finish(struct depot *d, struct depot_object *ret, struct err *e);
void depot_abandon(struct depot *d);

/* Reads the whole object: its name, every tag, the artefact's digest. */
enum rc depot_check(struct depot *d, const uint8_t name[DEPOT_NAME_BYTES],
		    const uint8_t key[OBJECT_KEY_BYTES], struct depot_object *ret, struct err *e);
/* Appends the chunk of the artefact to out. ret_size is the artefact's. RC_LIMIT past its end. */
enum rc depot_read(struct depot *d, const uint8_t name[DEPOT_NAME_BYTES],
		   const uint8_t key[OBJECT_KEY_BYTES], uint64_t chunk, struct buf *out,
		   uint64_t *ret_size, struct err *e);
/* Durably; looks afterwards. RC_OK when there is no such object. */
enum rc depot_remove(struct depot *d, const uint8_t name[DEPOT_NAME_BYTES], struct err *e);
/* Appends the names behind `after` (NULL = from the first), ascending, as many as fit into out. */
enum rc depot_list(struct depot *d, const uint8_t *after, struct buf *out, bool *ret_more,
		   struct err *e);
