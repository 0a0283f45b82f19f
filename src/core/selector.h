/* SPDX-License-Identifier: Apache-2.0 */
/* core/selector.h - label selectors: which assets are meant by "app=shop, tier in (web, cache)".
 *
 * The grammar is Kubernetes' own, so that one text means the same set to Remit and to its tools:
 *
 *	selector    = requirement *("," requirement)		all must hold
 *	requirement = key ("=" | "==" | "!=") value
 *		    | key ("in" | "notin") "(" value *("," value) ")"
 *		    | key					the label is there
 *		    | "!" key					it is not
 *
 * Blanks between words mean nothing. Keys are letters, digits, '-', '_', '.', '/'; values the same
 * without '/'. Nothing is ever guessed: what is not this grammar is RC_INPUT.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "core/list.h"

enum {
	SELECTOR_REQUIREMENTS = 16, /* of one selector; people write two or three */
	SELECTOR_VALUES = 64,	    /* of one requirement */
	SELECTOR_KEY_BYTES = 253,   /* as in Kubernetes */
	SELECTOR_VALUE_BYTES = 63,
};

enum selector_op {
	SELECTOR_NONE = 0, /* matches nothing */
	SELECTOR_IN,
	SELECTOR_NOT_IN,
	SELECTOR_EXISTS,
	SELECTOR_ABSENT,
};

struct selector_requirement {
	struct str key;
	enum selector_op op;
	struct str_list values;
};

struct selector {
	const struct selector_requirement *p;
	size_t n; /* 0 matches nothing: an empty selector is not "everything" */
};

/* Texts point into text, lists live in arena. RC_INPUT, RC_LIMIT, RC_NOMEM. */
enum rc selector_parse(struct str text, struct arena *arena, struct selector *ret, struct err *e);
/* labels: "key=value", one per key. */
bool selector_matches(const struct selector *s, const struct str_list *labels);
/* Does it name something? One that only excludes ("env!=test") or only asks whether a label is
 * there is true of almost everything, and is no way to name targets. */
bool selector_is_narrow(const struct selector *s);

bool selector_key_is_valid(struct str key);
bool selector_value_is_valid(struct str value);
