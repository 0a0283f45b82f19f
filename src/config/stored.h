/* SPDX-License-Identifier: Apache-2.0 */
/* config/stored.h - a bundle as it is kept: one file, whose SHA-256 is the bundle's digest.
 *
 * The bytes are struct deployment's canonical: every file that governs, each as
 * "<path>\n<length>\n<bytes>\n", sorted by path; remit.yaml as canonical JSON without what only
 * says where it runs. No secret is in them. Format: docs/formats/bundle.md.
 */
#pragma once

#include "config/deployment.h"

enum {
	STORED_NAME_BYTES = 65,	 /* 64 hexadecimal digits */
	STORED_BYTES = 32 << 20, /* at most: as the loader bounds all files together */
};

/* The file's name: the digest in lower-case hexadecimal. */
void stored_name(const uint8_t digest[32], char ret[STORED_NAME_BYTES]);
/* The deployment once more, as it governed when it was read at that time: its bundle is the one
 * with this digest. What it does not say (listeners, directories) is empty. RC_BROKEN when bytes
 * are not that bundle's; RC_INPUT when this version takes it no more. */
enum rc stored_load(struct str bytes, const uint8_t digest[32], uint64_t read_unix_ms,
		    struct deployment **ret, struct err *e);
