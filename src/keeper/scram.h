/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/scram.h - SCRAM-SHA-256 verifiers as PostgreSQL stores them (RFC 5802, RFC 7677).
 *
 * "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>", the last three in base64. Whoever
 * has it can check a password, not use one: the clear password never goes to the server.
 */
#pragma once

#include "base/buf.h"
#include "base/secret.h"

enum {
	SCRAM_SALT_BYTES = 16,
	SCRAM_ITERATIONS = 4096, /* PostgreSQL's own; the passwords are random, not chosen */
	SCRAM_VERIFIER_BYTES = 160,
};

/* Appends the verifier of password, which must be ASCII (no SASLprep). */
enum rc scram_verifier(const struct secret *password, const uint8_t salt[SCRAM_SALT_BYTES],
		       unsigned iterations, struct buf *b, struct err *e);
