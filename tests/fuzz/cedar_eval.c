/* SPDX-License-Identifier: Apache-2.0 */
/* A policy text, entities and a context, separated by NUL: evaluation ends with an answer that
 * follows from its own lists, and is the same by the index and policy by policy. */
#include "base/mem.h"
#include "cedar/authorize.h"
#include "codec/json.h"

#include "fuzz.h"

enum { ARENA_BYTES = 1 << 24 };

static bool same_list(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b)
{
	for (size_t i = 0; i < n_a && n_a == n_b; i++) {
		if (a[i] != b[i]) {
			return false;
		}
	}
	return n_a == n_b;
}

static void check(const struct cedar_policies *set, const struct cedar_response *r)
{
	bool is_cut_short = false;
	AUTO_BUF text = BUF_INIT(1 << 20);

	for (size_t i = 0; i < r->n_errors; i++) {
		is_cut_short |= r->errors[i].error.class == CEDAR_ERROR_LIMIT;
		MUST(r->errors[i].policy < cedar_policies_count(set));
		MUST(r->errors[i].error.class > CEDAR_ERROR_PARSE);
		MUST(cedar_error_print(&text, &r->errors[i].error) != RC_INPUT);
	}
	MUST((r->decision == CEDAR_ALLOW) == (r->n_permits && !r->n_forbids && !is_cut_short));
	MUST(r->n_permits + r->n_forbids + r->n_errors <= cedar_policies_count(set));
}

static void decide(const struct cedar_policies *set, struct arena *arena, struct str world,
		   struct str context)
{
	struct cedar_request r = {0};
	struct cedar_entities *s = NULL;
	struct cedar_response one;
	struct cedar_response two;
	const struct json *j;

	if (cedar_uid_new(arena, STR("U"), STR("a"), &r.principal, NULL) != RC_OK ||
	    cedar_uid_new(arena, STR("Action"), STR("do"), &r.action, NULL) != RC_OK ||
	    cedar_uid_new(arena, STR("R"), STR("r"), &r.resource, NULL) != RC_OK ||
	    cedar_entities_new(arena, NULL, &s, NULL) != RC_OK) {
		return;
	}
	if (cedar_entities_add_text(s, world, NULL) != RC_OK ||
	    cedar_entities_seal(s, NULL) != RC_OK) {
		s = NULL;
	}
	if (json_parse(arena, context, &JSON_LIMITS_DEFAULT, &j, NULL) != RC_OK ||
	    cedar_value_from_json(arena, j, &r.context, NULL) != RC_OK ||
	    cedar_value_type(r.context) != CEDAR_RECORD) {
		r.context = NULL;
	}
	if (cedar_authorize(set, s, &r, arena, &one, NULL) != RC_OK ||
	    cedar_authorize_linear(set, s, &r, arena, &two, NULL) != RC_OK) {
		return;
	}
	check(set, &one);
	MUST(one.decision == two.decision && one.n_errors == two.n_errors);
	MUST(same_list(one.permits, one.n_permits, two.permits, two.n_permits));
	MUST(same_list(one.forbids, one.n_forbids, two.forbids, two.n_forbids));
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	struct str rest = str_of(bytes, n);
	struct str policies = str_cut(&rest, '\0');
	struct str world = str_cut(&rest, '\0');
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;

	if (cedar_builder_new(&b, NULL) == RC_OK &&
	    cedar_builder_add(b, STR("f"), policies, NULL) == RC_OK &&
	    cedar_builder_finish(b, &set, NULL) == RC_OK) {
		decide(set, &arena, world, rest);
	}
	cedar_builder_free(b);
	cedar_policies_unref(set);
	return 0;
}
