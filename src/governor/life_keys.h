/* SPDX-License-Identifier: Apache-2.0 */
/* governor/life_keys.h - room in the emergency place for the keys that lives begin with.
 *
 * A life of the governor seals under a key of its own, which must be durable first. When it begins
 * on a disk without room, the wrapped key goes into one of LIFE_KEYS slots of a file that was set
 * aside (docs/formats/segment.md section 8), until it can be stored where keys are. A slot is
 * written once between two clearings, so one that was acknowledged is never written over.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct log_io;

enum { LIFE_KEYS = 64, LIFE_KEY_WRAPPED_MAX = 112 };

struct life_key {
	uint64_t serial; /* 0 = an empty slot */
	uint8_t wrapped[LIFE_KEY_WRAPPED_MAX];
	uint8_t n;
};

/* Makes the file, with blocks of its own, unless it is there. */
enum rc life_keys_prepare(const struct log_io *io, struct err *e);
/* The slots that are whole; none when there is no file. */
enum rc life_keys_load(const struct log_io *io, struct life_key ret[LIFE_KEYS], size_t *ret_n,
		       struct err *e);
/* Durable when it is RC_OK. RC_LIMIT: all slots are taken; RC_ABSENT: there is no file. */
enum rc life_keys_add(const struct log_io *io, uint64_t serial, struct str wrapped, struct err *e);
/* They are stored elsewhere, durably. */
enum rc life_keys_clear(const struct log_io *io, struct err *e);
