/* SPDX-License-Identifier: Apache-2.0 */
/* core/narrow.c - less than what was asked.
 *
 * Trust:  the arguments are an agent's, the patch is a person's; both are parsed JSON, bounded.
 * Holds:  (1) every value of the result is one of the call's, or a smaller number, or a shorter
 * list of its elements. Whether less is also harmless is for the decision about the result (its
 * targets, its schema, the policies) and for the person who sees it.
 */
#include "core/narrow.h"

#include "base/limits.h"

static enum rc refuse(struct str name, const char *why, struct err *e)
{
	FAIL(e, RC_INPUT, "'" STR_FMT "' %s", STR_ARG(str_slice(name, 0, LIMIT_ID_BYTES)), why);
}

static bool has_element(const struct json *list, const struct json *value)
{
	for (const struct json *c = list->child; c; c = c->next) {
		if (json_equal(c, value)) {
			return true;
		}
	}
	return false;
}

static enum rc check_list(struct str name, const struct json *was, const struct json *is,
			  struct err *e)
{
	if (json_type(is) != JSON_ARRAY || is->count == 0 || is->count > was->count) {
		return refuse(name, "must keep some of its elements and get no others", e);
	}
	for (const struct json *c = is->child; c; c = c->next) {
		if (!has_element(was, c)) {
			return refuse(name, "may lose elements, not get others", e);
		}
	}
	return RC_OK;
}

/* (1) */
static enum rc check_value(struct str name, const struct json *was, const struct json *is,
			   struct err *e)
{
	uint64_t before;
	uint64_t after;

	if (json_equal(was, is)) {
		return RC_OK;
	}
	if (json_type(was) == JSON_ARRAY) {
		return check_list(name, was, is, e);
	}
	if (json_u64(was, &before)) {
		return json_u64(is, &after) && after < before
			   ? RC_OK
			   : refuse(name, "is a number, which may only fall, and not below zero",
				    e);
	}
	return refuse(name, "can only stay as it is", e);
}

static enum rc write_narrowed(struct json_out *w, struct str name, const struct json *was,
			      const struct json *patch, struct err *e)
{
	if (!patch) {
		json_out_node(w, was);
		return RC_OK;
	}
	if (json_type(was) != JSON_OBJECT || json_type(patch) != JSON_OBJECT) {
		TRY(check_value(name, was, patch, e));
		json_out_node(w, patch);
		return RC_OK;
	}
	for (const struct json *m = patch->child; m; m = m->next) {
		if (!json_get(was, m->key)) {
			return refuse(m->key, "is no argument of the call", e);
		}
	}
	json_out_object(w);
	for (const struct json *m = was->child; m; m = m->next) {
		json_out_key(w, m->key);
		TRY(write_narrowed(w, m->key, m, json_get(patch, m->key), e));
	}
	json_out_close(w);
	return RC_OK;
}

enum rc narrow_args(const struct json *args, const struct json *patch, struct arena *arena,
		    struct str *ret, struct err *e)
{
	AUTO_BUF text = BUF_INIT(LIMIT_ARGS_BYTES);
	AUTO_BUF canonical = BUF_INIT(LIMIT_ARGS_BYTES);
	struct json_out w = json_out_to(&text);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *narrowed;

	if (json_type(args) != JSON_OBJECT || json_type(patch) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "arguments and what they are cut down to are objects");
	}
	TRY(write_narrowed(&w, STR("arguments"), args, patch, e));
	TRY(json_out_end(&w, e));
	TRY(json_parse(arena, buf_view(&text), &limits, &narrowed, e));
	if (json_equal(args, narrowed)) {
		FAIL(e, RC_INPUT, "nothing would change");
	}
	TRY(json_canonical(&canonical, narrowed, e));
	*ret = arena_str(arena, buf_view(&canonical));
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for narrowed arguments");
	}
	return RC_OK;
}
