/* SPDX-License-Identifier: Apache-2.0 */
/* core/redact_impl.h - what redact.c (texts) and redact_json.c (results) share; for nobody else. */
#pragma once

#include "base/str.h"

struct redact_found {
	size_t from;
	size_t to;
	const char *kind;
};

/* The next secret at or behind `from`. */
bool redact_next(struct str text, size_t from, struct redact_found *ret);
/* Stands for no value ("null", "****", "[redacted: ...]", "${NAME}"). */
bool redact_is_placeholder(struct str value);
