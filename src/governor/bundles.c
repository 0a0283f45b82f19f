/* SPDX-License-Identifier: Apache-2.0 */
/* governor/bundles.c - what governed is kept, so that a past decision can be made again.
 *
 * Holds: (1) a bundle is on the disk before the leaf that activates it: no decision rests on one
 *            that nobody can look at any more.
 *        (2) a file has the name of its content's SHA-256; one that is damaged is written again.
 *        (3) none is ever removed: the log is kept whole, and a leaf of it names each of them.
 */
#include <openssl/evp.h>
#include <string.h>

#include "config/stored.h"
#include "governor/gov.h"
#include "governor/log_io.h"

/* (2) */
static bool is_kept(const struct log_io *io, const char *name, const struct digest *digest)
{
	AUTO_BUF bytes = BUF_INIT(STORED_BYTES);
	struct digest found;

	return log_io_has_file(io, name) && log_io_read_file(io, name, &bytes, NULL) == RC_OK &&
	       EVP_Digest(bytes.p, bytes.n, found.bytes, NULL, EVP_sha256(), NULL) == 1 &&
	       digest_eq(&found, digest);
}

enum rc bundles_keep(const struct log_io *io, const struct digest *digest, struct str canonical,
		     struct err *e)
{
	char name[STORED_NAME_BYTES];

	if (!io) {
		return RC_OK;
	}
	stored_name(digest->bytes, name);
	return is_kept(io, name, digest) ? RC_OK : log_io_replace_file(io, name, canonical, e);
}
