/* SPDX-License-Identifier: Apache-2.0 */
/* bench/cedar_load.c - policies, entities and requests from a fixed seed. */
#include "cedar_load.h"

#include "codec/json.h"

enum { CONTEXT_BYTES = 4096 };

/* Knuth's MMIX constants; one stream per purpose, so that policy i is the same in every set. */
static unsigned chance(uint64_t *state, unsigned n)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(*state >> 33) % n;
}

static enum rc add_tool(struct buf *b, unsigned tool)
{
	return buf_addf(b, "Action::\"up%u___tool%u\"", tool % LOAD_UPSTREAMS, tool);
}

static enum rc add_role_policy(struct buf *b, uint64_t *c)
{
	TRY(buf_addf(b, "permit(principal in Role::\"role%u\", action in [", chance(c, 4)));
	for (unsigned i = 0; i < 3; i++) {
		TRY(add_tool(b, chance(c, LOAD_TOOLS)));
		TRY(buf_add(b, i < 2 ? STR(", ") : STR("], resource);\n")));
	}
	return RC_OK;
}

static enum rc add_tool_policy(struct buf *b, uint64_t *c)
{
	TRY(buf_add(b, STR("permit(principal, action == ")));
	TRY(add_tool(b, chance(c, LOAD_TOOLS)));
	return buf_addf(b,
			", resource) when { context.input.path like \"/srv/dir%u/*.txt\" && "
			"context.input.minutes <= %u };\n",
			chance(c, 8), 200 + chance(c, 60));
}

static enum rc add_full_policy(struct buf *b, uint64_t *c)
{
	TRY(buf_addf(b,
		     "permit(principal == Agent::\"agent%u\", action == ", chance(c, LOAD_AGENTS)));
	TRY(add_tool(b, chance(c, LOAD_TOOLS)));
	return buf_addf(b, ", resource == Asset::\"asset%u\");\n", chance(c, LOAD_ASSETS));
}

static enum rc add_zone_policy(struct buf *b, uint64_t *c)
{
	return buf_addf(b,
			"permit(principal is Agent, action in Action::\"up%u\", resource) when { "
			"principal.zone == resource.zone && "
			"context.source.isInRange(ip(\"10.%u.0.0/16\")) };\n",
			chance(c, LOAD_UPSTREAMS), chance(c, 256));
}

static enum rc add_different_policy(struct buf *b, unsigned i)
{
	return buf_addf(b,
			"forbid(principal, action, resource) when { context.risk > %u && "
			"context.input.path like \"/x%u/*\" && context.task.calls < %u };\n",
			i % 7, i, i);
}

enum rc load_policies(struct buf *b, enum load_kind kind, unsigned n)
{
	uint64_t c = 1;

	for (unsigned i = 0; i < n; i++) {
		if (kind == LOAD_ALL_DIFFERENT) {
			TRY(add_different_policy(b, i));
			continue;
		}
		if (kind == LOAD_ALL_FAILING) {
			TRY(buf_addf(b,
				     "forbid(principal, action, resource) when { "
				     "context.input.missing%u > 1 };\n",
				     i));
			continue;
		}
		switch (i % 10) {
		case 0:
			TRY(buf_addf(b,
				     "forbid(principal, action, resource) when { context.risk > "
				     "%u };\n",
				     50 + chance(&c, 20)));
			break;
		case 1:
		case 2:
			TRY(add_role_policy(b, &c));
			break;
		case 3:
		case 4:
		case 5:
		case 6:
			TRY(add_tool_policy(b, &c));
			break;
		case 7:
		case 8:
			TRY(add_full_policy(b, &c));
			break;
		default:
			TRY(add_zone_policy(b, &c));
		}
	}
	return RC_OK;
}

static const char people_and_things[] =
    "[{\"uid\":{\"type\":\"Agent\",\"id\":\"agent0\"},\"attrs\":{\"zone\":\"eu\",\"level\":3},"
    "\"parents\":[{\"type\":\"Role\",\"id\":\"role0\"}]},"
    "{\"uid\":{\"type\":\"Agent\",\"id\":\"agent1\"},\"attrs\":{\"zone\":\"us\",\"level\":2},"
    "\"parents\":[{\"type\":\"Role\",\"id\":\"role1\"}]},"
    "{\"uid\":{\"type\":\"Agent\",\"id\":\"agent2\"},\"attrs\":{\"zone\":\"eu\",\"level\":1},"
    "\"parents\":[{\"type\":\"Role\",\"id\":\"role2\"}]},"
    "{\"uid\":{\"type\":\"Role\",\"id\":\"role0\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Role\",\"id\":\"role3\"}]},"
    "{\"uid\":{\"type\":\"Role\",\"id\":\"role1\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Role\",\"id\":\"role2\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Role\",\"id\":\"role3\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Asset\",\"id\":\"asset0\"},\"attrs\":{\"zone\":\"eu\"},"
    "\"parents\":[{\"type\":\"Service\",\"id\":\"shop\"}]},"
    "{\"uid\":{\"type\":\"Asset\",\"id\":\"asset1\"},\"attrs\":{\"zone\":\"us\"},"
    "\"parents\":[{\"type\":\"Service\",\"id\":\"shop\"}]},"
    "{\"uid\":{\"type\":\"Service\",\"id\":\"shop\"},\"attrs\":{},\"parents\":[]}";

enum rc load_world(struct buf *b)
{
	TRY(buf_add(b, str_from(people_and_things)));
	for (unsigned i = 0; i < LOAD_TOOLS; i++) {
		TRY(buf_addf(
		    b,
		    ",{\"uid\":{\"type\":\"Action\",\"id\":\"up%u___tool%u\"},\"attrs\":{},"
		    "\"parents\":[{\"type\":\"Action\",\"id\":\"up%u\"}]}",
		    i % LOAD_UPSTREAMS, i, i % LOAD_UPSTREAMS));
	}
	return buf_add(b, STR("]"));
}

/* 330 bytes of context, as an agent's call has. */
static enum rc write_request(struct buf *b, unsigned i)
{
	uint64_t c = i + 1000;
	unsigned tool = chance(&c, LOAD_TOOLS);

	TRY(buf_addf(b,
		     "{\"principal\":{\"type\":\"Agent\",\"id\":\"agent%u\"},\"action\":{\"type\":"
		     "\"Action\",\"id\":\"up%u___tool%u\"},\"resource\":{\"type\":\"Asset\",\"id\":"
		     "\"asset%u\"},",
		     chance(&c, 3), tool % LOAD_UPSTREAMS, tool, chance(&c, 2)));
	return buf_addf(
	    b,
	    "\"context\":{\"risk\":%u,\"effect\":\"contain\",\"input\":{\"host\":"
	    "\"web-7.prod.example.net\",\"path\":\"/srv/dir%u/report.txt\",\"minutes\":%u,"
	    "\"notify\":true,\"allow\":[\"10.20.0.5\",\"10.20.0.6\"]},\"incident\":{\"class\":"
	    "\"malware\",\"severity\":2,\"service\":\"shop\"},\"source\":{\"__extn\":{\"fn\":"
	    "\"ip\","
	    "\"arg\":\"10.%u.2.3\"}},\"task\":{\"calls\":7,\"labels\":[\"untrusted\"]}}}",
	    chance(&c, 60), chance(&c, 8), 180 + chance(&c, 60), chance(&c, 256));
}

enum rc load_read_request(struct arena *arena, struct str json, struct cedar_request *ret)
{
	const struct json *j;

	TRY(json_parse(arena, json, NULL, &j, NULL));
	TRY(cedar_uid_from_json(arena, json_get(j, STR("principal")), &ret->principal, NULL));
	TRY(cedar_uid_from_json(arena, json_get(j, STR("action")), &ret->action, NULL));
	TRY(cedar_uid_from_json(arena, json_get(j, STR("resource")), &ret->resource, NULL));
	return cedar_value_from_json(arena, json_get(j, STR("context")), &ret->context, NULL);
}

enum rc load_request(struct arena *arena, unsigned i, struct load_request *ret)
{
	AUTO_BUF text = BUF_INIT(CONTEXT_BYTES);

	TRY(write_request(&text, i));
	ret->json = arena_str(arena, buf_view(&text));
	return ret->json.p ? load_read_request(arena, ret->json, &ret->request) : RC_NOMEM;
}

struct cedar_policies *load_set(struct str text)
{
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;

	MUST(cedar_builder_new(&b, NULL) == RC_OK);
	MUST(cedar_builder_add(b, STR("bench"), text, NULL) == RC_OK);
	MUST(cedar_builder_finish(b, &set, NULL) == RC_OK);
	cedar_builder_free(b);
	return set;
}

enum rc load_write_response(struct buf *b, const struct cedar_policies *set,
			    const struct cedar_response *r)
{
	TRY(buf_add(b, r->decision == CEDAR_ALLOW ? STR("{\"decision\":\"allow\",\"policies\":[")
						  : STR("{\"decision\":\"deny\",\"policies\":[")));
	for (size_t i = 0; i < r->n_determining; i++) {
		TRY(buf_add(b, i ? STR(",\"") : STR("\"")));
		TRY(buf_add(b, cedar_policy_id(cedar_policies_at(set, r->determining[i]))));
		TRY(buf_add_char(b, '"'));
	}
	return buf_add(b, STR("]}"));
}
