/* SPDX-License-Identifier: Apache-2.0 */
/* bench/decide.c - nanoseconds per decision, leaf and fold.
 *
 * The deployment of tests/unit/scene.h with its three policies and 17 more (12 guardrails of which
 * none applies, four gated, one in shadow): 20 in all, each with a condition. One containment with
 * one target and one argument, decided in a reset arena as the governor does; the same with 16
 * targets. With everything that counts (caps, breakers, marks: count_everything) once for the
 * decision alone, once with its leaf encoded and folded in and its outcome. Then what follows an
 * allowed call: its leaf encoded, decoded, and folded into the state together with its completion.
 * CPU time of this thread; the median of nine rounds.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"

#include "scene.h"

enum { ROUNDS = 9, TIMES = 20000, ARENA_BYTES = 1 << 24, POLICIES = 17, TEXT_BYTES = 1 << 14 };

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

struct bench {
	struct scene *w;
	struct arena arena;
	struct buf leaf;
	struct leaf call;
};

static void decide(struct bench *b)
{
	struct err e = ERR_INIT;
	struct decision d;

	arena_reset(&b->arena);
	assert_ok(decide_call(b->w->f.s, &b->w->b, &b->w->r, &b->arena, &d, &e));
	assert_int_equal(d.verdict, VERDICT_ALLOW);
}

static void encode(struct bench *b)
{
	struct err e = ERR_INIT;

	buf_reset(&b->leaf);
	assert_ok(leaf_encode(&b->leaf, &b->call, &e));
}

static void decode(struct bench *b)
{
	struct err e = ERR_INIT;
	struct leaf l;

	arena_reset(&b->arena);
	assert_ok(leaf_decode(&b->arena, buf_view(&b->leaf), &l, &e));
}

/* A call and its completion; a minute later now and then, so that forgetting takes its part. */
static void fold(struct bench *b)
{
	uint64_t ix = fold_add(&b->w->f, b->call);

	fold_add(&b->w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = ix, .kind = STR("ok")));
	b->w->f.t += 5000;
}

/* Everything that counts: caps over windows on the fleet, the incident, the agent and the task,
 * half of a group of 32, all breakers, a hundred marks of untrusted words and two words to look up.
 */
static void count_everything(struct scene *w)
{
	static struct cap caps[4];
	static struct asset assets[32];
	static const struct asset *members[ARRAY_LEN(assets)];
	static char names[ARRAY_LEN(assets)][24];
	static struct asset_group group;
	static uint64_t marks[100];
	static const uint64_t words[] = {1, 3};
	struct leaf l = fold_call(w->task, STR("read"), 9);
	uint64_t read;

	for (unsigned i = 0; i < ARRAY_LEN(caps); i++) {
		caps[i] = (struct cap){.name = STR("cap"),
				       .scope = (enum cap_scope)i,
				       .effects = {true, true, true},
				       .window_ms = 60000};
		caps[i].is_bound[CAP_CALLS] = true;
		caps[i].most[CAP_CALLS] = 1000000;
		caps[i].is_bound[CAP_TARGETS] = true;
		caps[i].most[CAP_TARGETS] = 1000;
	}
	for (unsigned i = 0; i < ARRAY_LEN(assets); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "pg-role:m%02u", i);
		assets[i] = (struct asset){.target = i ? str_from(names[i]) : STR("pg-role:app"),
					   .environment = STR("production"),
					   .is_listed = true};
		members[i] = &assets[i];
	}
	group = (struct asset_group){STR("group"), members, ARRAY_LEN(members)};
	caps[0].group = group.name;
	caps[0].percent = 50;
	w->b.inventory = (struct inventory){
	    .assets = assets, .n_assets = ARRAY_LEN(assets), .groups = &group, .n_groups = 1};
	w->b.caps = caps;
	w->b.n_caps = ARRAY_LEN(caps);
	for (unsigned k = 0; k < BREAKER_KINDS; k++) {
		w->b.breakers[k] = (struct breaker_rule){1000000, 60000, 1000};
	}
	for (unsigned i = 0; i < ARRAY_LEN(marks); i++) {
		marks[i] = 2 * i + 2;
	}
	read = fold_add(&w->f, l);
	fold_add(&w->f,
		 LEAF_OF(CALL_COMPLETED, call_completed, .call = read, .kind = STR("ok"),
			 .labels = LIST(STR("untrusted")),
			 .marks = marks_print(&w->arena,
					      &(struct marks){.p = marks, .n = ARRAY_LEN(marks)})));
	w->r.marks = (struct marks){.p = words, .n = ARRAY_LEN(words)};
}

/* A task that lasts as long as the measurements. */
static void open_long_task(struct scene *w)
{
	w->task = fold_add(
	    &w->f, LEAF_OF(TASK_OPENED, task_opened, .incident = w->incident, .agent = FOLD_AGENT,
			   .playbook = STR("db-saturation"), .tools = LIST(STR("db___end")),
			   .targets = LIST(STR("pg-role:app")), .data = LIST(STR("operational")),
			   .phase = STR("contain"), .not_after = w->f.t + 100 * UINT64_C(86400000),
			   .max_calls = 100000000, .max_targets = 2, .max_deviations = 3,
			   .accountable = STR("alice")));
	w->r.task = w->task;
}

/* What the governor does with a call that it allows, but for the disk: decides, encodes the leaf
 * and folds it in; and its outcome, so that the state stays as large as it is. */
static void decide_and_admit(struct bench *b)
{
	struct scene *w = b->w;
	struct err e = ERR_INIT;
	struct decision d;
	struct leaf_call_decided *c = &b->call.call_decided;
	uint64_t ix;

	arena_reset(&b->arena);
	w->r.now_unix_ms = w->f.t;
	assert_ok(decide_call(w->f.s, &w->b, &w->r, &b->arena, &d, &e));
	assert_int_equal(d.verdict, VERDICT_ALLOW);
	c->task = w->task;
	c->targets = d.targets;
	c->takings = d.takings;
	c->marks = marks_print(&b->arena, &d.marks);
	c->held_until = w->f.t + 900000;
	b->call.t = w->f.t;
	buf_reset(&b->leaf);
	assert_ok(leaf_encode(&b->leaf, &b->call, &e));
	ix = fold_add(&w->f, b->call);
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = ix, .kind = STR("ok")));
	w->f.t += 50;
}

static void measure(struct bench *b, const char *what, void (*run)(struct bench *))
{
	uint64_t rounds[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t from = now_ns();

		for (unsigned n = 0; n < TIMES; n++) {
			run(b);
		}
		rounds[i] = (now_ns() - from) / TIMES;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	printf("%-32s %8" PRIu64 " ns\n", what, rounds[ROUNDS / 2]);
}

static void add_policies(struct scene *w)
{
	char text[TEXT_BYTES];
	size_t n = 0;

	for (unsigned i = 0; i < POLICIES; i++) {
		const char *note = i < 12 ? "" : i < 16 ? "@gate(\"dba\") " : "@shadow(\"x\") ";

		n += (size_t)snprintf(
		    text + n, sizeof(text) - n,
		    "@id(\"rail-%u\") %sforbid(principal, action, resource) when { "
		    "context.incident.severity > %u && context.task.calls > %u || "
		    "context.task.labels.contains(\"label-%u\") };\n",
		    i, note, i % 3 + 2, i, i);
	}
	scene_policies_add(w, text);
	MUST(cedar_policies_count(w->b.policies) == POLICIES + 3);
}

/* A task that may act on host-0 to host-15, and the call that does. */
static void widen(struct scene *w)
{
	static char names[16][24];
	static struct str targets[16];
	char args[1024] = "{\"roles\":[";
	size_t n = strlen(args);

	for (unsigned i = 0; i < ARRAY_LEN(targets); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "pg-role:role-%02u", i);
		targets[i] = str_from(names[i]);
		n += (size_t)snprintf(args + n, sizeof(args) - n, "%s\"role-%02u\"", i ? "," : "",
				      i);
	}
	(void)snprintf(args + n, sizeof(args) - n, "]}");
	fold_add(&w->f, LEAF_OF(INCIDENT_UPDATED, incident_updated, .incident = w->incident,
				.class = STR("db-saturation"), .severity = 2,
				.assets = {targets, ARRAY_LEN(targets)}));
	w->r.task = fold_add(&w->f, LEAF_OF(TASK_OPENED, task_opened, .incident = w->incident,
					    .agent = FOLD_AGENT, .playbook = STR("db-saturation"),
					    .tools = LIST(STR("db___end")),
					    .targets = {targets, ARRAY_LEN(targets)},
					    .data = LIST(STR("operational")),
					    .phase = STR("contain"), .not_after = w->f.t + 1000,
					    .max_calls = 2, .max_targets = ARRAY_LEN(targets)));
	w->role.pointer = STR("/roles");
	w->tools[TOOL_END].input_schema = NULL;
	w->tools[TOOL_END].arguments = NULL;
	w->r.args = scene_json(w, args);
}

int main(void)
{
	static const struct str policies[] = {{"responder-db", 12}};
	struct bench b = {
	    .w = scene_new(),
	    .arena = ARENA_INIT(ARENA_BYTES),
	    .leaf = BUF_INIT(LIMIT_LEAF_BYTES),
	};
	struct leaf_call_decided *c;
	struct leaf plain;

	add_policies(b.w);
	b.call = fold_call(b.w->task, STR("contain"), 1);
	c = &b.call.call_decided;
	c->policies = (struct str_list){policies, 1};
	memset(&c->args, 0x11, sizeof(c->args));
	memset(&c->definition, 0x22, sizeof(c->definition));
	memset(&c->bundle, 0x33, sizeof(c->bundle));
	measure(&b, "decide_call, 1 target", decide);
	measure(&b, "leaf_encode, call.decided", encode);
	measure(&b, "leaf_decode, call.decided", decode);
	printf("%-32s %8zu bytes\n", "a call.decided leaf", b.leaf.n);
	plain = b.call;
	open_long_task(b.w);
	count_everything(b.w);
	measure(&b, "decide_call, everything counted", decide);
	measure(&b, "decide, admit, complete", decide_and_admit);
	printf("%-32s %8zu bytes\n", "a call.decided leaf", b.leaf.n);
	b.call = plain;
	b.w->b.n_caps = 0;
	widen(b.w);
	measure(&b, "decide_call, 16 targets", decide);
	measure(&b, "call and completion folded", fold);
	arena_fini(&b.arena);
	buf_fini(&b.leaf);
	scene_free(b.w);
	return 0;
}
