/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/key.h - what the notes need of keys beyond tlog.h. */
#pragma once

#include <tlog.h>

/* Is it that key's Ed25519 signature of text? False as well when there is no memory to tell. */
bool key_verifies(const struct tlog_vkey *key, struct str text,
		  const uint8_t signature[64]) MUST_USE;
