/* SPDX-License-Identifier: Apache-2.0 */
/* api/route.c - which command a request means. */
#include "api/api.h"

#include "base/limits.h"
#include "codec/json.h"
#include "codec/uri.h"

enum { MAX_PARAMS = 2 };

struct param {
	struct str name;
	struct str value; /* still percent-encoded */
};

/* Does path fit the pattern ("/incidents/{id}/close")? */
static bool matches(struct str pattern, struct str path, struct param params[MAX_PARAMS],
		    size_t *ret_n)
{
	size_t n = 0;

	for (;;) {
		struct str want = str_cut(&pattern, '/');
		struct str got = str_cut(&path, '/');

		if (want.n > 2 && want.p[0] == '{') {
			if (got.n == 0 || n == MAX_PARAMS) {
				return false;
			}
			params[n].name = str_slice(want, 1, want.n - 1);
			params[n++].value = got;
		} else if (!str_eq(want, got)) {
			return false;
		}
		if (!pattern.p || !path.p) {
			*ret_n = n;
			return !pattern.p && !path.p;
		}
	}
}

/* The body's members, then the path's. */
static enum rc merge(struct str body, const struct param *params, size_t n, struct arena *arena,
		     struct buf *ret, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *object = NULL;
	struct json_out w = json_out_to(ret);

	if (body.n) {
		TRY(json_parse(arena, body, &limits, &object, e));
		if (json_type(object) != JSON_OBJECT) {
			FAIL(e, RC_INPUT, "the body must be a JSON object");
		}
	}
	json_out_object(&w);
	for (const struct json *m = object ? object->child : NULL; m; m = m->next) {
		json_out_key(&w, m->key);
		json_out_raw(&w, m->raw);
	}
	for (size_t i = 0; i < n; i++) {
		AUTO_BUF value = BUF_INIT(LIMIT_ID_BYTES);

		if (json_get(object, params[i].name)) {
			FAIL(e, RC_INPUT, "'" STR_FMT "' stands in the path and in the body",
			     STR_ARG(params[i].name));
		}
		if (uri_decode_segment(&value, params[i].value) != RC_OK) {
			FAIL(e, RC_INPUT, "'" STR_FMT "' is no name", STR_ARG(params[i].value));
		}
		json_out_key(&w, params[i].name);
		json_out_str(&w, buf_view(&value));
	}
	json_out_close(&w);
	return json_out_end(&w, e);
}

enum rc api_route(struct str method, struct str path, struct str body, struct arena *arena,
		  enum command_verb *ret_verb, struct buf *ret_body, struct err *e)
{
	bool path_is_known = false;

	if (!str_has_prefix(path, STR("/v1/"))) {
		FAIL(e, RC_ABSENT, "no such path");
	}
	path = str_slice(path, 3, path.n);
	for (unsigned v = COMMAND_NONE + 1; v < COMMANDS; v++) {
		const struct command_info *info = command_info(v);
		struct param params[MAX_PARAMS];
		size_t n = 0;

		if (!matches(info->path, path, params, &n)) {
			continue;
		}
		path_is_known = true;
		if (str_eq(info->method, method)) {
			*ret_verb = (enum command_verb)v;
			return merge(body, params, n, arena, ret_body, e);
		}
	}
	if (path_is_known) {
		FAIL(e, RC_DENIED, "this path has no method " STR_FMT, STR_ARG(method));
	}
	FAIL(e, RC_ABSENT, "no such path");
}
