/* SPDX-License-Identifier: Apache-2.0 */
/* jansson_oracle.h - another parser's reading of a document.
 *
 * On its own, since jansson's names and ours clash in one file.
 */
#pragma once

#include "base/buf.h"

enum oracle_verdict {
	ORACLE_REFUSES = 0,
	ORACLE_ACCEPTS,
	/* It refuses what RFC 8259 allows: a number outside its integers and doubles, or a NUL in a
	 * member's name. We keep text, and compare by length. */
	ORACLE_CANNOT_HOLD,
};

/* Appends to out what the document says, in the notation of jansson.c. */
enum oracle_verdict jansson_oracle(struct str text, struct buf *out);
