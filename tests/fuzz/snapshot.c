/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.c - any file is a snapshot of this log or is refused; never a crash, never a state whose
 * digest is not the header's. */
#include <stdlib.h>
#include <string.h>

#include "drill/disk.h"
#include "governor/snapshot.h"

#include "fuzz.h"

static void write_file(const struct log_io *io, const char *name, const uint8_t *bytes, size_t n)
{
	int fd = io->open(io->ctx, name, LOG_IO_CREATE);

	if (fd < 0 || (n && io->pwrite(io->ctx, fd, bytes, n, 0) != (ssize_t)n)) {
		abort();
	}
	io->close(io->ctx, fd);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct disk *d = disk_new(1);
	struct log_io io = disk_io(d);
	struct state *s;
	struct snapshot x;
	struct digest digest;
	struct err e = ERR_INIT;

	write_file(&io, "f", bytes, n);
	if (snapshot_read(&io, "f", STR("test.example/log"), &x, &e) == RC_OK &&
	    snapshot_read_state(&io, "f", &x, &s, &e) == RC_OK) {
		if (state_digest(s, &digest, &e) == RC_OK && state_size(s) != x.base.size) {
			abort();
		}
		state_free(s);
	}
	disk_free(d);
	return 0;
}
