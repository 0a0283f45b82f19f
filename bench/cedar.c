/* SPDX-License-Identifier: Apache-2.0 */
/* bench/cedar.c - nanoseconds per decision over sets of 10 to 1,000 policies.
 *
 * The mix, per ten policies: one forbid on the risk of the call, two permits by role for a set of
 * tools, four permits for one tool with a pattern and a number, two fully scoped permits, one by
 * type, group of tools and address. Ten entities, a nested context of 330 bytes. Two figures: the
 * decision alone, over values that are there; and with the request read from JSON, in a layer over
 * the base. CPU time of this thread; the median of nine rounds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cedar.h"
#include "codec/json.h"

enum { ROUNDS = 9, DECISIONS_PER_ROUND = 200000, TEXT_BYTES = 4 << 20, ARENA_BYTES = 1 << 24 };

static const char world[] =
    "[{\"uid\":{\"type\":\"Agent\",\"id\":\"a1\"},\"attrs\":{\"zone\":\"eu\",\"level\":3},"
    "\"parents\":[{\"type\":\"Role\",\"id\":\"responder\"}]},"
    "{\"uid\":{\"type\":\"Role\",\"id\":\"responder\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Role\",\"id\":\"staff\"}]},"
    "{\"uid\":{\"type\":\"Role\",\"id\":\"staff\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Asset\",\"id\":\"web-7\"},\"attrs\":{\"zone\":\"eu\"},"
    "\"parents\":[{\"type\":\"Service\",\"id\":\"shop\"}]},"
    "{\"uid\":{\"type\":\"Service\",\"id\":\"shop\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"edr___tool3\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Action\",\"id\":\"edr\"}]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"edr\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Agent\",\"id\":\"a2\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Agent\",\"id\":\"a3\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Asset\",\"id\":\"db-1\"},\"attrs\":{},\"parents\":[]}]";
static const char context[] =
    "{\"risk\":12,\"effect\":\"contain\",\"input\":{\"host\":\"web-7.prod.example.net\",\"path\":"
    "\"/srv/data/"
    "report.txt\",\"minutes\":240,\"notify\":true,\"allow\":[\"10.20.0.5\",\"10.20.0.6\"]},"
    "\"incident\":{\"class\":\"malware\",\"severity\":2,\"service\":\"shop\"},\"source\":{\"__"
    "extn\":"
    "{\"fn\":\"ip\",\"arg\":\"10.1.2.3\"}},\"task\":{\"calls\":7,\"labels\":[\"untrusted\"]}}";

static uint64_t now_ns(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static enum rc write_policy(struct buf *b, unsigned i)
{
	unsigned k = i / 10;

	switch (i % 10) {
	case 0:
		return buf_addf(b,
				"forbid(principal, action, resource) when { context.risk > %u };\n",
				50 + k % 20);
	case 1:
	case 2:
		return buf_addf(
		    b,
		    "permit(principal in Role::\"responder\", action in [Action::\"edr___tool%u\", "
		    "Action::\"edr___tool%u\"], resource);\n",
		    i, i + 1);
	case 3:
	case 4:
	case 5:
	case 6:
		return buf_addf(
		    b,
		    "permit(principal, action == Action::\"edr___tool%u\", resource) when { "
		    "context.input.path like \"/srv/*.txt\" && context.input.minutes <= %u };\n",
		    i, 240 + k);
	case 7:
	case 8:
		return buf_addf(
		    b,
		    "permit(principal == Agent::\"a%u\", action == Action::\"edr___tool%u\", "
		    "resource == Asset::\"web-%u\");\n",
		    k, i, k);
	default:
		return buf_addf(
		    b,
		    "permit(principal is Agent, action in Action::\"group%u\", resource) when { "
		    "principal.zone == resource.zone && "
		    "context.source.isInRange(ip(\"10.%u.0.0/16\")) };\n",
		    k, k % 256);
	}
}

static struct cedar_policies *make_set(unsigned n)
{
	AUTO_BUF text = BUF_INIT(TEXT_BYTES);
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;
	struct err e = ERR_INIT;

	for (unsigned i = 0; i < n; i++) {
		MUST(write_policy(&text, i) == RC_OK);
	}
	MUST(cedar_builder_new(&b, &e) == RC_OK);
	MUST(cedar_builder_add(b, STR("bench"), buf_view(&text), &e) == RC_OK);
	MUST(cedar_builder_finish(b, &set, &e) == RC_OK);
	cedar_builder_free(b);
	return set;
}

static void make_request(struct arena *arena, struct cedar_request *r)
{
	const struct json *j;

	MUST(cedar_uid_new(arena, STR("Agent"), STR("a1"), &r->principal, NULL) == RC_OK);
	MUST(cedar_uid_new(arena, STR("Action"), STR("edr___tool3"), &r->action, NULL) == RC_OK);
	MUST(cedar_uid_new(arena, STR("Asset"), STR("web-7"), &r->resource, NULL) == RC_OK);
	MUST(json_parse(arena, str_from(context), NULL, &j, NULL) == RC_OK);
	MUST(cedar_value_from_json(arena, j, &r->context, NULL) == RC_OK);
}

static void decide(const struct cedar_policies *set, const struct cedar_entities *base,
		   const struct cedar_request *ready, struct arena *arena)
{
	struct cedar_entities *layer = NULL;
	struct cedar_response response;
	struct cedar_request r;

	arena_reset(arena);
	if (ready) {
		r = *ready;
	} else {
		make_request(arena, &r);
		MUST(cedar_entities_new(arena, base, &layer, NULL) == RC_OK);
		MUST(cedar_entities_add(layer, &(struct cedar_entity){.uid = r.resource}, NULL) ==
		     RC_OK);
		MUST(cedar_entities_seal(layer, NULL) == RC_OK);
	}
	MUST(cedar_authorize(set, layer ? layer : base, &r, arena, &response, NULL) == RC_OK);
	MUST(response.decision == CEDAR_ALLOW && response.n_errors <= 1000);
}

static uint64_t measure(const struct cedar_policies *set, const struct cedar_entities *base,
			const struct cedar_request *ready, unsigned n)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	unsigned times = DECISIONS_PER_ROUND / n;
	uint64_t rounds[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = now_ns();

		for (unsigned k = 0; k < times; k++) {
			decide(set, base, ready, &arena);
		}
		rounds[i] = (now_ns() - start) / times;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	return rounds[ROUNDS / 2];
}

int main(void)
{
	static const unsigned sizes[] = {10, 20, 100, 1000};
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	struct cedar_entities *base;
	struct cedar_request request;

	MUST(cedar_entities_new(&arena, NULL, &base, NULL) == RC_OK);
	MUST(cedar_entities_add_text(base, str_from(world), NULL) == RC_OK);
	MUST(cedar_entities_seal(base, NULL) == RC_OK);
	make_request(&arena, &request);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct cedar_policies *set = make_set(sizes[i]);

		printf("%4u policies: %6" PRIu64 " ns to decide, %6" PRIu64
		       " ns with the request from JSON\n",
		       sizes[i], measure(set, base, &request, sizes[i]),
		       measure(set, base, NULL, sizes[i]));
		cedar_policies_unref(set);
	}
	return 0;
}
