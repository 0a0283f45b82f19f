/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/keys.h - the keys that only the keeper holds, and where they rest.
 *
 * A directory (<state>/keeper, mode 0700) with one file of 32 raw bytes per key, mode 0600, and
 * the record of what was last signed (keeper/record.h). Format: docs/formats/keeper.md.
 *
 * Losing log.key ends the log: its verifier key is public and cannot be replaced. Losing wrap.key
 * loses every sealed value. token.key may be deleted to end all sessions.
 */
#pragma once

#include <tlog.h>

#include "base/secret.h"

enum { KEEPER_KEY_BYTES = 32 };

struct keeper_keys {
	struct tlog_vkey vkey;	  /* public: the log's name and Ed25519 key */
	struct secret *log_seed;  /* signs checkpoints */
	struct secret *wrap_key;  /* wraps data keys */
	struct secret *token_key; /* fronts seal session ids, cursors and requestState with it */
};

/* Makes the directory with new keys and an empty record in anchor (NULL = in the directory itself),
 * and writes the verifier key (one line) to vkey_path for everyone to read. RC_DENIED when the
 * directory exists: keys are never overwritten; and when the anchor knows a log of that origin that
 * has signed something. A run that was interrupted leaves no directory. */
enum rc keeper_keys_create(const char *dir, const char *anchor, struct str origin,
			   const char *vkey_path, struct err *e);
/* Reads them into locked pages. RC_ABSENT when there is no directory. A missing token.key is made
 * anew; any other missing file is an error. RC_DENIED when others may read a key. */
enum rc keeper_keys_load(const char *dir, struct str origin, struct keeper_keys *ret,
			 struct err *e);
/* The wrapping key alone, for a person who audits with it: nothing is made, nothing written. */
enum rc keeper_wrap_key_load(const char *dir, struct secret **ret, struct err *e);
void keeper_keys_fini(struct keeper_keys *k);
