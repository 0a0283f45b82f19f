/* SPDX-License-Identifier: Apache-2.0 */
/* disk.h - a directory in memory that fails when told and forgets what was not synced.
 *
 * It knows for each file what programs see now and what the medium holds. A sync copies dirty
 * sectors (512 bytes) to the medium; a failed sync marks some of them clean without copying, as
 * kernels do. disk_crash() keeps of the unsynced sectors an arbitrary part, and of the unsynced
 * names an arbitrary beginning.
 */
#pragma once

#include "governor/log_io.h"

struct disk;

enum disk_fault {
	DISK_FAULT_NONE = 0,
	DISK_FAULT_EIO,	   /* that operation fails, later ones work */
	DISK_FAULT_ENOSPC, /* that write or allocation fails; other operations work */
	DISK_FAULT_POWER,  /* that operation is done in part, all later ones fail */
};

struct disk *disk_new(uint64_t seed);
void disk_free(struct disk *d);
struct log_io disk_io(struct disk *d);
/* The nth operation from now (1 = next) fails. */
void disk_fail_at(struct disk *d, enum disk_fault fault, uint64_t nth);
/* Was a fault injected since disk_fail_at? */
bool disk_has_failed(const struct disk *d);
/* The machine stops and starts: descriptors and locks are gone, so is part of what was not
 * synced. Faults are switched off. */
void disk_crash(struct disk *d);
/* The process ends, the machine does not: descriptors and locks are gone. */
void disk_kill(struct disk *d);
/* Changes one byte of a file, on the medium too. False: no such byte. */
bool disk_flip(struct disk *d, const char *name, uint64_t offset, uint8_t mask);
/* Puts bytes into a file, on the medium too; and reads what is there now. */
void disk_overwrite(struct disk *d, const char *name, uint64_t offset, const void *p, size_t n);
bool disk_peek(struct disk *d, const char *name, uint64_t offset, void *p, size_t n);
bool disk_has(const struct disk *d, const char *name);
void disk_remove(struct disk *d, const char *name);
uint64_t disk_syncs(const struct disk *d); /* successful fdatasyncs */
