/* SPDX-License-Identifier: Apache-2.0 */
/* drill/disk.h - a directory in memory: the disk of the simulator.
 *
 * It knows for each file what programs see now and what the medium holds. A sync copies what was
 * written to the medium; disk_power_cut() forgets an arbitrary part of what was not synced, drawn
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

/* NULL when there is no memory. */
struct disk *disk_new(uint64_t seed);
void disk_free(struct disk *d);
/* Lives as long as d. */
struct log_io disk_io(struct disk *d);
void disk_set_mood(struct disk *d, enum disk_mood mood);
/* The nth change from now (1 = next) and all later ones fail with EIO, a write or sync after a part
 * of it: as if the power had gone at that moment. 0 switches it off. */
void disk_fail_at(struct disk *d, uint64_t nth);
bool disk_has_failed(const struct disk *d);
/* The process ends, the machine does not: descriptors and locks are gone. */
void disk_kill(struct disk *d);
/* The machine ends too. */
void disk_power_cut(struct disk *d);
