/* SPDX-License-Identifier: Apache-2.0 */
/* store/depot.c - objects on a disk that may fail at any moment.
 *
 * Trust:  the governor says what to put and under which key; what is read from the disk is hostile.
 * Holds:  (1) an object has its name only after all its bytes are synced, and is announced only
 *             after the name is synced and the object was read back whole.
 *         (2) a put that failed leaves no object; where removing fails too, the name was never
 *             announced, and whoever lists it finds nobody who knows it.
 *         (3) an object that has its name is never written to again.
 * States: IDLE -begin-> PUTTING -add...-> PUTTING -finish-> IDLE;  any failure -> IDLE.
 */
#include "store/depot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/rand.h"
#include "base/vec.h"

enum { HEX_BYTES = 2 * DEPOT_NAME_BYTES + 1, SEALED_BYTES = OBJECT_CHUNK_BYTES + OBJECT_TAG_BYTES };

static const char unfinished[] = "new";

struct depot {
	struct log_io io;
	int fd; /* of the put; -1 = none */
	uint8_t key[OBJECT_KEY_BYTES];
	struct object_header header;
	uint64_t received;
	uint64_t chunk; /* the next to be written */
	size_t n_plain;
	EVP_MD_CTX *stored_digest;
	EVP_MD_CTX *plain_digest;
	uint8_t plain[OBJECT_CHUNK_BYTES];
	uint8_t sealed[SEALED_BYTES];
};

static enum rc io_error(struct err *e, int result, const char *what, const char *name)
{
	errno = -result;
	return err_set_sys(e, result == -ENOENT ? RC_ABSENT : RC_IO, __func__,
			   "cannot %s object '%s'", what, name);
}

static void hex_of(const uint8_t name[DEPOT_NAME_BYTES], char ret[HEX_BYTES])
{
	for (size_t i = 0; i < DEPOT_NAME_BYTES; i++) {
		(void)snprintf(ret + 2 * i, 3, "%02x", name[i]); /* fits */
	}
}

static bool name_of(const char *text, uint8_t ret[DEPOT_NAME_BYTES])
{
	char again[HEX_BYTES];

	if (!num_hex(str_from(text), ret, DEPOT_NAME_BYTES)) {
		return false;
	}
	hex_of(ret, again);
	return strcmp(text, again) == 0;
}

/* ---- files ---- */

static enum rc write_all(struct depot *d, const void *p, size_t n, uint64_t offset, struct err *e)
{
	const char *at = p;

	while (n > 0) {
		ssize_t put = d->io.pwrite(d->io.ctx, d->fd, at, n, offset);

		if (put == -EINTR) {
			continue;
		}
		if (put <= 0) {
			return io_error(e, put ? (int)put : -EIO, "write", unfinished);
		}
		at += put;
		n -= (size_t)put;
		offset += (uint64_t)put;
	}
	return RC_OK;
}

static enum rc read_all(const struct depot *d, int fd, const char *name, void *p, size_t n,
			uint64_t offset, struct err *e)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = d->io.pread(d->io.ctx, fd, at, n, offset);

		if (got == -EINTR) {
			continue;
		}
		if (got < 0) {
			return io_error(e, (int)got, "read", name);
		}
		if (got == 0) {
			FAIL(e, RC_BROKEN, "object '%s' is cut short", name);
		}
		at += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return RC_OK;
}

/* ---- putting ---- */

static void put_is_over(struct depot *d)
{
	if (d->fd >= 0) {
		d->io.close(d->io.ctx, d->fd);
	}
	d->fd = -1;
	explicit_bzero(d->key, sizeof(d->key));
	explicit_bzero(d->plain, sizeof(d->plain));
}

void depot_abandon(struct depot *d)
{
	if (d->fd >= 0) {
		put_is_over(d);
		(void)d->io.unlink(d->io.ctx, unfinished); /* else the next start removes it */
	}
}

static enum rc hash_into(EVP_MD_CTX *c, const void *p, size_t n, struct err *e)
{
	if (EVP_DigestUpdate(c, p, n) != 1) {
		FAIL(e, RC_NOMEM, "cannot compute a digest");
	}
	return RC_OK;
}

static enum rc hash_begin(struct depot *d, struct err *e)
{
	if (EVP_DigestInit_ex(d->stored_digest, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestInit_ex(d->plain_digest, EVP_sha256(), NULL) != 1) {
		FAIL(e, RC_NOMEM, "cannot compute a digest");
	}
	return RC_OK;
}

static enum rc hash_end(struct depot *d, struct depot_object *ret, struct err *e)
{
	if (EVP_DigestFinal_ex(d->stored_digest, ret->name, NULL) != 1 ||
	    EVP_DigestFinal_ex(d->plain_digest, ret->plain, NULL) != 1) {
		FAIL(e, RC_NOMEM, "cannot compute a digest");
	}
	return RC_OK;
}

static enum rc write_header(struct depot *d, struct err *e)
{
	uint8_t header[OBJECT_HEADER_BYTES];

	object_header_print(&d->header, header);
	TRY(hash_into(d->stored_digest, header, sizeof(header), e));
	return write_all(d, header, sizeof(header), 0, e);
}

enum rc depot_begin(struct depot *d, const uint8_t key[OBJECT_KEY_BYTES], uint64_t size,
		    struct err *e)
{
	enum rc rc;

	MUST(d->fd < 0);
	if (size > LIMIT_OBJECT_BYTES) {
		FAIL(e, RC_LIMIT, "an artefact of more than %d bytes", LIMIT_OBJECT_BYTES);
	}
	TRY(hash_begin(d, e));
	d->fd = d->io.open(d->io.ctx, unfinished, LOG_IO_CREATE);
	if (d->fd < 0) {
		return io_error(e, d->fd, "make", unfinished);
	}
	memcpy(d->key, key, sizeof(d->key));
	d->header.size = size;
	rand_bytes(d->header.prefix, sizeof(d->header.prefix));
	d->received = 0;
	d->chunk = 0;
	d->n_plain = 0;
	rc = write_header(d, e);
	if (rc != RC_OK) {
		depot_abandon(d);
	}
	return rc;
}

static enum rc write_chunk(struct depot *d, struct err *e)
{
	const struct str plain = str_of(d->plain, d->n_plain);

	TRY(object_seal(d->key, &d->header, d->chunk, plain, d->sealed, e));
	TRY(hash_into(d->plain_digest, plain.p, plain.n, e));
	TRY(hash_into(d->stored_digest, d->sealed, plain.n + OBJECT_TAG_BYTES, e));
	TRY(write_all(d, d->sealed, plain.n + OBJECT_TAG_BYTES, object_chunk_offset(d->chunk), e));
	d->chunk++;
	d->n_plain = 0;
	return RC_OK;
}

static enum rc add(struct depot *d, struct str bytes, struct err *e)
{
	if (bytes.n > d->header.size - d->received) {
		FAIL(e, RC_INPUT, "more bytes than were announced");
	}
	while (bytes.n > 0) {
		size_t want = object_chunk_bytes(d->header.size, d->chunk);
		size_t n = want - d->n_plain < bytes.n ? want - d->n_plain : bytes.n;

		memcpy(d->plain + d->n_plain, bytes.p, n);
		d->n_plain += n;
		d->received += n;
		bytes = str_slice(bytes, n, bytes.n);
		if (d->n_plain == want) {
			TRY(write_chunk(d, e));
		}
	}
	return RC_OK;
}

enum rc depot_add(struct depot *d, struct str bytes, struct err *e)
{
	enum rc rc;

	MUST(d->fd >= 0);
	rc = add(d, bytes, e);
	if (rc != RC_OK) {
		depot_abandon(d);
	}
	return rc;
}

bool depot_is_putting(const struct depot *d)
{
	return d->fd >= 0;
}

bool depot_is_whole(const struct depot *d)
{
	return d->fd >= 0 && d->received == d->header.size;
}

/* (1) up to the read-back. */
static enum rc seal_and_name(struct depot *d, struct depot_object *ret, char hex[HEX_BYTES],
			     struct err *e)
{
	int result;

	if (d->header.size == 0) {
		TRY(write_chunk(d, e)); /* the empty one */
	}
	TRY(hash_end(d, ret, e));
	ret->size = d->header.size;
	ret->stored_size = object_file_bytes(d->header.size);
	result = d->io.fdatasync(d->io.ctx, d->fd);
	if (result < 0) {
		return io_error(e, result, "sync", unfinished);
	}
	hex_of(ret->name, hex);
	result = d->io.rename(d->io.ctx, unfinished, hex);
	return result < 0 ? io_error(e, result, "name", hex) : RC_OK;
}

static enum rc sync_and_check(struct depot *d, const uint8_t key[OBJECT_KEY_BYTES],
			      const struct depot_object *put, const char *hex, struct err *e)
{
	struct depot_object found;
	int result = d->io.sync_dir(d->io.ctx);

	if (result < 0) {
		return io_error(e, result, "sync the name of", hex);
	}
	TRY(depot_check(d, put->name, key, &found, e));
	if (memcmp(found.plain, put->plain, sizeof(found.plain)) != 0 || found.size != put->size) {
		FAIL(e, RC_BROKEN, "object '%s' reads back as something else", hex);
	}
	return RC_OK;
}

enum rc depot_finish(struct depot *d, struct depot_object *ret, struct err *e)
{
	uint8_t key[OBJECT_KEY_BYTES];
	struct depot_object put = {0};
	char hex[HEX_BYTES];
	enum rc rc;

	MUST(depot_is_whole(d));
	memcpy(key, d->key, sizeof(key));
	rc = seal_and_name(d, &put, hex, e);
	if (rc != RC_OK) {
		depot_abandon(d);
	} else {
		put_is_over(d);
		rc = sync_and_check(d, key, &put, hex, e);
		if (rc != RC_OK) {
			(void)d->io.unlink(d->io.ctx, hex); /* (2) */
		}
	}
	explicit_bzero(key, sizeof(key));
	if (rc == RC_OK) {
		*ret = put;
	}
	return rc;
}

/* ---- reading ---- */

static enum rc open_object(const struct depot *d, const char *hex, int *ret_fd,
			   struct object_header *ret, struct err *e)
{
	uint8_t header[OBJECT_HEADER_BYTES];
	uint64_t size = 0;
	int fd = d->io.open(d->io.ctx, hex, LOG_IO_READ);
	int result;
	enum rc rc;

	if (fd < 0) {
		return io_error(e, fd, "open", hex);
	}
	rc = read_all(d, fd, hex, header, sizeof(header), 0, e);
	if (rc == RC_OK) {
		rc = object_header_parse(str_of(header, sizeof(header)), ret, e);
	}
	result = rc == RC_OK ? d->io.size(d->io.ctx, fd, &size) : 0;
	if (result < 0) {
		rc = io_error(e, result, "look at", hex);
	} else if (rc == RC_OK && size != object_file_bytes(ret->size)) {
		rc = err_set(e, RC_BROKEN, __func__, "object '%s' has a wrong length", hex);
	}
	if (rc != RC_OK) {
		d->io.close(d->io.ctx, fd);
		return rc;
	}
	*ret_fd = fd;
	return RC_OK;
}

/* Into d->plain; the sealed bytes are in d->sealed. */
static enum rc read_chunk(struct depot *d, int fd, const char *hex, const struct object_header *h,
			  const uint8_t key[OBJECT_KEY_BYTES], uint64_t chunk, struct err *e)
{
	size_t n = object_chunk_bytes(h->size, chunk) + OBJECT_TAG_BYTES;

	TRY(read_all(d, fd, hex, d->sealed, n, object_chunk_offset(chunk), e));
	return object_open(key, h, chunk, str_of(d->sealed, n), d->plain, e);
}

static enum rc check_chunks(struct depot *d, int fd, const char *hex, const struct object_header *h,
			    const uint8_t key[OBJECT_KEY_BYTES], struct depot_object *ret,
			    struct err *e)
{
	uint8_t header[OBJECT_HEADER_BYTES];

	object_header_print(h, header);
	TRY(hash_begin(d, e));
	TRY(hash_into(d->stored_digest, header, sizeof(header), e));
	for (uint64_t chunk = 0; chunk < object_chunks(h->size); chunk++) {
		size_t n = object_chunk_bytes(h->size, chunk);

		TRY(read_chunk(d, fd, hex, h, key, chunk, e));
		TRY(hash_into(d->stored_digest, d->sealed, n + OBJECT_TAG_BYTES, e));
		TRY(hash_into(d->plain_digest, d->plain, n, e));
	}
	return hash_end(d, ret, e);
}

enum rc depot_check(struct depot *d, const uint8_t name[DEPOT_NAME_BYTES],
		    const uint8_t key[OBJECT_KEY_BYTES], struct depot_object *ret, struct err *e)
{
	struct depot_object found = {0};
	struct object_header h;
	char hex[HEX_BYTES];
	int fd;
	enum rc rc;

	MUST(d->fd < 0); /* the buffers are a put's while it lasts */
	hex_of(name, hex);
	TRY(open_object(d, hex, &fd, &h, e));
	rc = check_chunks(d, fd, hex, &h, key, &found, e);
	d->io.close(d->io.ctx, fd);
	explicit_bzero(d->plain, sizeof(d->plain));
	TRY(rc);
	if (memcmp(found.name, name, DEPOT_NAME_BYTES) != 0) {
		FAIL(e, RC_BROKEN, "object '%s' is not what its name says", hex);
	}
	found.size = h.size;
	found.stored_size = object_file_bytes(h.size);
	*ret = found;
	return RC_OK;
}

enum rc depot_read(struct depot *d, const uint8_t name[DEPOT_NAME_BYTES],
		   const uint8_t key[OBJECT_KEY_BYTES], uint64_t chunk, struct buf *out,
		   uint64_t *ret_size, struct err *e)
{
	struct object_header h;
	char hex[HEX_BYTES];
	int fd;
	enum rc rc;

	MUST(d->fd < 0);
	hex_of(name, hex);
	TRY(open_object(d, hex, &fd, &h, e));
	if (chunk >= object_chunks(h.size)) {
		rc = err_set(e, RC_LIMIT, __func__, "object '%s' has %llu chunks", hex,
			     (unsigned long long)object_chunks(h.size));
	} else {
		rc = read_chunk(d, fd, hex, &h, key, chunk, e);
	}
	d->io.close(d->io.ctx, fd);
	if (rc == RC_OK &&
	    buf_add(out, str_of(d->plain, object_chunk_bytes(h.size, chunk))) != RC_OK) {
		rc = err_set(e, RC_LIMIT, __func__, "no room for a chunk");
	}
	explicit_bzero(d->plain, sizeof(d->plain));
	TRY(rc);
	*ret_size = h.size;
	return RC_OK;
}

/* ---- removing and listing ---- */

enum rc depot_remove(struct depot *d, const uint8_t name[DEPOT_NAME_BYTES], struct err *e)
{
	char hex[HEX_BYTES];
	int result;

	hex_of(name, hex);
	result = d->io.unlink(d->io.ctx, hex);
	if (result < 0 && result != -ENOENT) {
		return io_error(e, result, "remove", hex);
	}
	/* Also when it was not there: whoever removed it may not have synced. */
	result = d->io.sync_dir(d->io.ctx);
	if (result < 0) {
		return io_error(e, result, "sync the end of", hex);
	}
	result = d->io.open(d->io.ctx, hex, LOG_IO_READ);
	if (result >= 0) {
		d->io.close(d->io.ctx, result);
		FAIL(e, RC_IO, "object '%s' is still there", hex);
	}
	return result == -ENOENT ? RC_OK : io_error(e, result, "look for", hex);
}

struct listing {
	const uint8_t *after;
	VEC(struct { uint8_t bytes[DEPOT_NAME_BYTES]; }) names;
};

static int list_one(void *arg, const char *text)
{
	struct listing *l = arg;
	uint8_t name[DEPOT_NAME_BYTES];

	if (!name_of(text, name) || (l->after && memcmp(name, l->after, sizeof(name)) <= 0)) {
		return 0;
	}
	if (vec_reserve(&l->names, 1) != RC_OK) {
		return -ENOMEM;
	}
	memcpy(l->names.p[l->names.n++].bytes, name, sizeof(name));
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return memcmp(a, b, DEPOT_NAME_BYTES);
}

enum rc depot_list(struct depot *d, const uint8_t *after, struct buf *out, bool *ret_more,
		   struct err *e)
{
	struct listing l = {.after = after};
	int result = d->io.list(d->io.ctx, list_one, &l);
	size_t i = 0;

	if (result < 0) {
		vec_fini(&l.names);
		errno = -result;
		return err_set_sys(e, result == -ENOMEM ? RC_NOMEM : RC_IO, __func__,
				   "cannot list the objects");
	}
	if (l.names.n) {
		qsort(l.names.p, l.names.n, sizeof(l.names.p[0]), compare_names);
	}
	while (i < l.names.n &&
	       buf_add(out, str_of(l.names.p[i].bytes, DEPOT_NAME_BYTES)) == RC_OK) {
		i++;
	}
	*ret_more = i < l.names.n;
	vec_fini(&l.names);
	return RC_OK;
}

/* ---- birth and death ---- */

static enum rc sweep(struct depot *d, struct err *e)
{
	int result = d->io.unlink(d->io.ctx, unfinished);

	if (result == -ENOENT) {
		return RC_OK;
	}
	if (result == 0) {
		result = d->io.sync_dir(d->io.ctx);
	}
	return result < 0 ? io_error(e, result, "remove", unfinished) : RC_OK;
}

enum rc depot_open(const struct log_io *io, struct depot **ret, struct err *e)
{
	struct depot *d = mem_calloc(1, sizeof(*d));
	enum rc rc;

	if (!d) {
		FAIL(e, RC_NOMEM, "no memory for the store");
	}
	d->io = *io;
	d->fd = -1;
	d->stored_digest = EVP_MD_CTX_new();
	d->plain_digest = EVP_MD_CTX_new();
	rc = d->stored_digest && d->plain_digest
		 ? sweep(d, e)
		 : err_set(e, RC_NOMEM, __func__, "no memory for the store");
	if (rc != RC_OK) {
		depot_free(d);
		return rc;
	}
	*ret = d;
	return RC_OK;
}

void depot_free(struct depot *d)
{
	if (!d) {
		return;
	}
	depot_abandon(d);
	EVP_MD_CTX_free(d->stored_digest);
	EVP_MD_CTX_free(d->plain_digest);
	mem_free_secret(d, sizeof(*d));
}
