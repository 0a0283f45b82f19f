/* SPDX-License-Identifier: Apache-2.0 */
/* codec/base64.h - base64 and base64url (RFC 4648), canonical only.
 *
 * One byte string has one text and back: exact padding (base64) or none (base64url, as JOSE has
 * it), unused bits zero (section 3.5), no blanks, no line ends, no other alphabet's letters.
 * Anything else is RC_INPUT. Results are appended to b; on failure b is unchanged.
 */
#pragma once

#include "base/buf.h"

enum rc base64_encode(struct buf *b, struct str bytes); /* RC_LIMIT, RC_NOMEM */
enum rc base64_decode(struct buf *b, struct str text);	/* RC_INPUT, RC_LIMIT, RC_NOMEM */
enum rc base64url_encode(struct buf *b, struct str bytes);
enum rc base64url_decode(struct buf *b, struct str text);
