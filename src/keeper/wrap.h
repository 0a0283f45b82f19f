/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/wrap.h - data keys under the wrapping key.
 *
 * A data key seals the values of one task. At rest it is wrapped with AES-256-GCM, the task's name
 * being associated data: a wrapped key opens for its own task only. Format: docs/formats/keeper.md.
 */
#pragma once

#include "base/secret.h"

enum {
	WRAP_KEY_BYTES = 32,
	WRAP_BYTES = 1 + 12 + 32 + 16, /* version, nonce, key, tag */
};

/* wrapping and key have WRAP_KEY_BYTES. */
enum rc wrap_seal(const struct secret *wrapping, struct str task, const struct secret *key,
		  uint8_t ret[WRAP_BYTES], struct err *e);
/* RC_DENIED when it was not wrapped by this key for this task; RC_INPUT when it cannot be one. */
enum rc wrap_open(const struct secret *wrapping, struct str task, struct str wrapped,
		  struct secret **ret, struct err *e);
