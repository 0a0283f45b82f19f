/* SPDX-License-Identifier: Apache-2.0 */
/* drill/disk.h - a directory in memory: the disk of the simulator and of the fault tests.
 *
 * It knows for each file what programs see now and what the medium holds. A sync copies what was
 * written (in sectors of 512 bytes) to the medium; a failed one copies a part and forgets about the
 * rest, as kernels do. disk_power_cut() forgets an arbitrary part of what was not synced, drawn
 * from the disk's own seed, so that the same seed forgets the same bytes. Names are journalled: of
 * the changes since the directory was last synced a beginning survives.
 */
#pragma once

#include "governor/log_io.h"

struct disk;

/* What is wrong with it, until told otherwise. */
enum disk_mood {
	DISK_GOOD = 0,
	DISK_FULL,	/* what needs new blocks fails with ENOSPC; the rest works */
	DISK_FAILING,	/* every write and every sync fails with EIO, a write after a part of it */
	DISK_READ_ONLY, /* every change fails with EROFS */
};

/* What happens once. */
enum disk_fault {
	DISK_FAULT_NONE = 0,
	DISK_FAULT_EIO,	   /* that operation fails, later ones work */
	DISK_FAULT_ENOSPC, /* that write or allocation fails; only these are counted */
	DISK_FAULT_POWER,  /* that operation is done in part, all later ones fail */
};

/* NULL when there is no memory. */
struct disk *disk_new(uint64_t seed);
void disk_free(struct disk *d);
/* How often a file was synced: a commit of the log is one. */
uint64_t disk_n_syncs(const struct disk *d);
/* Lives as long as d. */
struct log_io disk_io(struct disk *d);
void disk_set_mood(struct disk *d, enum disk_mood mood);
bool disk_is_good(const struct disk *d);
/* The nth operation from now (1 = next) fails; a write or sync after a part of it. What was
 * switched on before is off. */
void disk_fail_at(struct disk *d, enum disk_fault fault, uint64_t nth);
/* Was that fault injected? */
bool disk_has_failed(const struct disk *d);
/* The process ends, the machine does not: descriptors and locks are gone, and what disk_fail_at
 * switched on is off. */
void disk_kill(struct disk *d);
/* The machine ends too. */
void disk_power_cut(struct disk *d);

/* ---- what tests do behind everybody's back: on the medium too ---- */

bool disk_has(const struct disk *d, const char *name);
/* False: there are no such bytes. */
bool disk_peek(const struct disk *d, const char *name, uint64_t offset, void *p, size_t n);
bool disk_overwrite(struct disk *d, const char *name, uint64_t offset, const void *p, size_t n);
bool disk_flip(struct disk *d, const char *name, uint64_t offset, uint8_t mask);
void disk_remove(struct disk *d, const char *name);
