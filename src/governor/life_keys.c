/* SPDX-License-Identifier: Apache-2.0 */
/* governor/life_keys.c - a file of slots, written in place.
 *
 * Trust:  the file was ours and may be torn: a slot counts only with its checksum.
 * Slot:   serial (8, big-endian), length (1), the wrapped key (112), zeros (3), CRC-32C of the 124
 *         bytes before (4). A sector holds four, so a torn write tears at most one.
 */
#include "governor/life_keys.h"

#include <errno.h>
#include <string.h>

#include "governor/batch.h"
#include "governor/crc32c.h"
#include "governor/log_io.h"

#define FILE_NAME  "life.keys"
#define FRESH_NAME "life.keys.new"

enum { SLOT_BYTES = 128, SUM_AT = 124, KEY_AT = 9, FILE_BYTES = SLOT_BYTES * LIFE_KEYS };

static enum rc load_file(const struct log_io *io, int fd, uint8_t all[FILE_BYTES], struct err *e)
{
	return batch_read_at(io, fd, all, FILE_BYTES, 0, e);
}

static enum rc open_file(const struct log_io *io, enum log_io_mode mode, int *ret, struct err *e)
{
	*ret = io->open(io->ctx, FILE_NAME, mode);
	if (*ret == -ENOENT) {
		FAIL(e, RC_ABSENT, "there is no '%s'", FILE_NAME);
	}
	return *ret < 0 ? batch_io_error(e, __func__, *ret, "open", FILE_NAME) : RC_OK;
}

static enum rc sync_file(const struct log_io *io, int fd, struct err *e)
{
	int result = io->fdatasync(io->ctx, fd);

	return result != 0 ? batch_io_error(e, __func__, result, "sync", FILE_NAME) : RC_OK;
}

static enum rc put_zeros(const struct log_io *io, int fd, struct err *e)
{
	static const uint8_t zeros[FILE_BYTES];

	TRY(batch_write_at(io, fd, zeros, sizeof(zeros), 0, FILE_NAME, e));
	return sync_file(io, fd, e);
}

enum rc life_keys_prepare(const struct log_io *io, struct err *e)
{
	uint64_t size = 0;
	int result;
	enum rc rc;
	int fd;

	if (open_file(io, LOG_IO_READ, &fd, NULL) == RC_OK) {
		result = io->size(io->ctx, fd, &size);
		io->close(io->ctx, fd);
		if (result == 0 && size == FILE_BYTES) {
			return RC_OK;
		}
	}
	fd = io->open(io->ctx, FRESH_NAME, LOG_IO_CREATE);
	if (fd < 0) {
		return batch_io_error(e, __func__, fd, "create", FRESH_NAME);
	}
	rc = put_zeros(io, fd, e);
	io->close(io->ctx, fd);
	if (rc != RC_OK) {
		(void)io->unlink(io->ctx, FRESH_NAME); /* gives the blocks back */
		return rc;
	}
	result = io->rename(io->ctx, FRESH_NAME, FILE_NAME);
	result = result == 0 ? io->sync_dir(io->ctx) : result;
	return result != 0 ? batch_io_error(e, __func__, result, "put in place", FILE_NAME) : RC_OK;
}

static uint64_t get_be(const uint8_t *p, size_t n)
{
	uint64_t x = 0;

	for (size_t i = 0; i < n; i++) {
		x = x << 8 | p[i];
	}
	return x;
}

static void put_be(uint8_t *p, size_t n, uint64_t x)
{
	for (size_t i = n; i > 0; i--, x >>= 8) {
		p[i - 1] = (uint8_t)x;
	}
}

static bool is_whole(const uint8_t *slot)
{
	return get_be(slot + SUM_AT, 4) == crc32c(0, slot, SUM_AT) && get_be(slot, 8) != 0 &&
	       slot[8] <= LIFE_KEY_WRAPPED_MAX;
}

static bool is_blank(const uint8_t *slot)
{
	for (size_t i = 0; i < SLOT_BYTES; i++) {
		if (slot[i] != 0) {
			return false;
		}
	}
	return true;
}

enum rc life_keys_load(const struct log_io *io, struct life_key ret[LIFE_KEYS], size_t *ret_n,
		       struct err *e)
{
	uint8_t all[FILE_BYTES];
	enum rc rc;
	int fd;

	*ret_n = 0;
	rc = open_file(io, LOG_IO_READ, &fd, e);
	if (rc != RC_OK) {
		return rc == RC_ABSENT ? RC_OK : rc;
	}
	rc = load_file(io, fd, all, e);
	io->close(io->ctx, fd);
	TRY(rc);
	for (size_t i = 0; i < LIFE_KEYS; i++) {
		const uint8_t *slot = all + i * SLOT_BYTES;

		if (is_whole(slot)) {
			struct life_key *k = &ret[(*ret_n)++];

			k->serial = get_be(slot, 8);
			k->n = slot[8];
			memcpy(k->wrapped, slot + KEY_AT, sizeof(k->wrapped));
		}
	}
	return RC_OK;
}

static enum rc add_open(const struct log_io *io, int fd, uint64_t serial, struct str wrapped,
			struct err *e)
{
	uint8_t all[FILE_BYTES];
	uint8_t slot[SLOT_BYTES] = {0};
	size_t i = 0;

	TRY(load_file(io, fd, all, e));
	/* A torn one was not acknowledged, but is left alone: nobody needs its room so badly. */
	while (i < LIFE_KEYS && !is_blank(all + i * SLOT_BYTES)) {
		i++;
	}
	if (i == LIFE_KEYS) {
		FAIL(e, RC_LIMIT, "'%s' is full: %d lives began while keys could not be stored",
		     FILE_NAME, (int)LIFE_KEYS);
	}
	put_be(slot, 8, serial);
	slot[8] = (uint8_t)wrapped.n;
	memcpy(slot + KEY_AT, wrapped.p, wrapped.n);
	put_be(slot + SUM_AT, 4, crc32c(0, slot, SUM_AT));
	TRY(batch_write_at(io, fd, slot, sizeof(slot), i * SLOT_BYTES, FILE_NAME, e));
	return sync_file(io, fd, e);
}

enum rc life_keys_add(const struct log_io *io, uint64_t serial, struct str wrapped, struct err *e)
{
	enum rc rc;
	int fd;

	if (wrapped.n == 0 || wrapped.n > LIFE_KEY_WRAPPED_MAX) {
		FAIL(e, RC_LIMIT, "a wrapped key of %zu bytes", wrapped.n);
	}
	TRY(open_file(io, LOG_IO_WRITE, &fd, e));
	rc = add_open(io, fd, serial, wrapped, e);
	io->close(io->ctx, fd);
	return rc;
}

enum rc life_keys_clear(const struct log_io *io, struct err *e)
{
	enum rc rc;
	int fd;

	TRY(open_file(io, LOG_IO_WRITE, &fd, e));
	rc = put_zeros(io, fd, e);
	io->close(io->ctx, fd);
	return rc;
}
