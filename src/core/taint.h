/* SPDX-License-Identifier: Apache-2.0 */
/* core/taint.h - words that come from where nobody vouches for them.
 *
 * A result of a tool that is `untrusted` is cut into words; their marks, keyed digests of 64 bits,
 * are kept with the task (in call.completed). When a call is decided, the words of its arguments
 * that neither the incident, the grant, the playbook nor the tool's schema contain are looked up:
 * one that was seen in an untrusted result taints the call, and so does, apart, one that another
 * agent of the incident was the first to use in a call (in call.decided). Policies decide what
 * follows (context.taint). Words themselves never stand in the log.
 *
 * A word is a text of 4 to 128 bytes without blanks, quotes, brackets, commas and the like, in
 * lower case; a short text counts also as a whole. Whoever writes more different words than are
 * kept has tainted everything that nobody vouches for.
 */
#pragma once

#include "codec/json.h"
#include "core/list.h"

struct bundle;
struct state;

enum { TAINT_WORD_MIN = 4, TAINT_WORD_MAX = 128 };

struct taint_words {
	struct str *p; /* arena */
	size_t n;
	bool is_over; /* there were more */
};

/* The different words of a value, at most max. RC_NOMEM. */
enum rc taint_words(const struct json *value, size_t max, struct arena *arena,
		    struct taint_words *ret, struct err *e);
/* Those of a call's arguments that nobody vouches for; none when task or tool are unknown. */
enum rc taint_words_of_call(const struct state *s, const struct bundle *b, uint64_t task,
			    struct str tool, const struct json *args, struct arena *arena,
			    struct taint_words *ret, struct err *e);

/* Marks, ascending, without duplicates, as a leaf has them: 16 hexadecimal digits each. */
struct marks {
	const uint64_t *p;
	size_t n;
	bool is_over; /* there were more words than marks */
};
/* The log's keyed digest of a word, under the name TAINT_TAG. */
#define TAINT_TAG STR("remit___taint")
typedef enum rc taint_tag_fn(void *ctx, struct str word, uint8_t ret[32], struct err *e);
/* The marks of words. tag's errors, RC_NOMEM. */
enum rc taint_mark(const struct taint_words *words, taint_tag_fn *tag, void *ctx,
		   struct arena *arena, struct marks *ret, struct err *e);
/* Of an untrusted result, as its leaf has them. */
enum rc taint_mark_result(struct str result, taint_tag_fn *tag, void *ctx, struct arena *arena,
			  struct str *ret, bool *ret_over, struct err *e);
/* Brings m into that order; how many are left. */
size_t marks_sort(uint64_t *m, size_t n);
/* p == NULL without memory. */
struct str marks_print(struct arena *arena, const struct marks *m);
/* False when the text is none. */
bool marks_at(struct str text, size_t i, uint64_t *ret);
bool marks_are_valid(struct str text);
