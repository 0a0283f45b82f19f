/* SPDX-License-Identifier: Apache-2.0 */
/* governor/custody.h - between people_evidence.c (who may do what) and custody.c (doing it). */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct governor;

/* Reads the whole object back; answers people's request later, with people_answer_checked, and
 * records what was found. The item is there. by: of the bundle. */
enum rc custody_check(struct governor *g, uint64_t people, uint64_t evidence, struct str by,
		      struct err *e);
/* A piece of the artefact; piece 0 is recorded with its purpose. RC_DENIED for a later piece
 * without it. */
enum rc custody_read(struct governor *g, uint64_t people, uint64_t evidence, struct str by,
		     uint64_t chunk, struct str purpose, struct err *e);
/* The answer to a check. why: what was wrong. */
void people_answer_checked(struct governor *g, uint64_t people, uint64_t evidence, bool holds,
			   struct str why);
