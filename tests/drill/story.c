/* SPDX-License-Identifier: Apache-2.0 */
/* story.c - the drawing of a story: what is asked, done, broken and mended. */
#include "story.h"

#include <inttypes.h>

static const char head[] =
    "scenario: random\n"
    "title: a random story\n"
    "fixture:\n"
    "  agents:\n"
    "    red: {}\n"
    "    blue: {}\n"
    "  upstreams:\n"
    "    edr:\n"
    "      timeout: 60s\n"
    "      tools:\n"
    "        look: {effect: read, on: host, credential: {backend: vault, scope: readers}}\n"
    "        isolate: {effect: contain, on: host, sets: {isolated: true}, undo: release,\n"
    "                  term: {length: 10m, end: revert}, credential: {backend: vault, scope: "
    "hands}}\n"
    "        release: {effect: contain, on: host, sets: {isolated: false}, undo: isolate,\n"
    "                  term: {length: 10m, end: revert}, credential: {backend: vault, scope: "
    "hands}}\n"
    "        memory: {effect: read, on: host, captures: memory, returns: pages}\n"
    "        wipe: {effect: destroy, deletes_data: true, on: host, sets: {wiped: true},\n"
    "               evidence: {what: memory, keep: 30d, requires: [memory], max_age: 10m}}\n"
    "    web:\n"
    "      transport: http\n"
    "      timeout: 60s\n"
    "      tools:\n"
    "        block: {effect: contain, on: host, sets: {blocked: true}, undo: unblock}\n"
    "        unblock: {effect: contain, on: host, sets: {blocked: false}, undo: block}\n"
    "  playbooks:\n"
    "    drill: {limits: {calls: 40, targets: 4, duration: 30m, deviations: 10}}\n"
    "  limits:\n"
    "    caps: [{name: fleet, scope: fleet, tools: [edr___isolate], targets: 3, per: 10m}]\n"
    "incident: {assets: [\"host:h0\", \"host:h1\", \"host:h2\", \"host:h3\", \"host:h4\", "
    "\"host:h5\"]}\n"
    "steps:\n";

/* ---- drawing a story ---- */

struct luck {
	uint64_t random;
	uint64_t incident; /* the one that is open: each is another one, what is closed stays so */
};

static uint64_t draw(struct luck *l, uint64_t n)
{
	uint64_t z = l->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) % n;
}

static enum rc draw_step(struct buf *b, struct luck *r);

#define ASSETS                                                                                     \
	"assets: [\"host:h0\", \"host:h1\", \"host:h2\", \"host:h3\", \"host:h4\", \"host:h5\"]"
#define PICK(random, list) (list)[draw((random), ARRAY_LEN(list))]

static const char *const agents[] = {"red", "blue"};
static const char *const tools[] = {"edr.look",	   "edr.memory",  "edr.memory", "edr.isolate",
				    "edr.isolate", "edr.release", "web.block",	"web.unblock",
				    "edr.wipe",	   "edr.wipe"};
static const char *const people[] = {"alice", "bob", "carol", "olga", "dora"};
static const char *const moods[] = {"up", "up", "up", "slow", "stuck", "down", "error", "lost"};
static const char *const approvers[] = {"alice", "bob", "carol"};
static const char *const scopes[] = {"all", "agent red", "agent blue", "tool edr.isolate",
				     "upstream web"};
/* What breaks, and what is said when it is whole again. */
static const struct {
	const char *breaks;
	const char *mends;
} faults[] = {
    {"disk full", "disk good"},
    {"disk failing", "disk good"},
    {"disk read-only", "disk good"},
    {"disk failing", "disk good"},
    {"emergency failing", "emergency good"},
    {"emergency full", "emergency good"},
    {"leases refused", "leases good"},
    {"revocation refused", "leases good"},
    {"signing failing", "signing good"},
    {"governor down", "governor up"},
    {"clock +90s", NULL},
    {"clock -90s", NULL},
    {"clock +20m", NULL},
};
static const char *const crashes[] = {
    "power",	     "process",		 "power",  "process", "governor",
    "governor slow", "governor unheard", "runner", "front"};
static const char *const waits[] = {"1s", "5s", "40s", "2m", "6m", "12m"};

/* Evidence, question, answer and claim, with whatever comes between. */
static enum rc draw_wipe(struct buf *b, struct luck *r)
{
	const char *agent = PICK(r, agents);
	uint64_t host = draw(r, TARGETS);

	TRY(buf_addf(b, "  - {call: {edr.memory: {host: h%" PRIu64 "}}, by: %s}\n", host, agent));
	TRY(buf_addf(b, "  - {call: {edr.wipe: {host: h%" PRIu64 "}}, by: %s}\n", host, agent));
	if (draw(r, 4) == 0) {
		TRY(draw_step(b, r));
	}
	TRY(buf_addf(b, "  - {approve: %s}\n", PICK(r, approvers)));
	if (draw(r, 4) == 0) {
		TRY(draw_step(b, r));
	}
	return buf_addf(b, "  - {again: true, by: %s}\n", agent);
}

static enum rc draw_intents(struct buf *b, struct luck *r)
{
	for (size_t i = 0; i < ARRAY_LEN(agents); i++) {
		TRY(buf_addf(b, "  - {intent: {incident: n%" PRIu64 "}, by: %s, name: %s}\n",
			     r->incident, agents[i], agents[i]));
	}
	return RC_OK;
}

static enum rc open_incident(struct buf *b, struct luck *r)
{
	TRY(buf_addf(b, "  - {incident: {" ASSETS "}, name: n%" PRIu64 "}\n", ++r->incident));
	return draw_intents(b, r);
}

static enum rc close_incident(struct buf *b, const struct luck *r)
{
	return buf_addf(b, "  - {incident: {status: closed}, name: n%" PRIu64 "}\n", r->incident);
}

/* An agent that was taken over: it names the other's task, says it is the other, or shows a key
 * that is not the task's. */
static enum rc draw_theft(struct buf *b, struct luck *r)
{
	size_t who = draw(r, ARRAY_LEN(agents));
	const char *other = agents[1 - who];

	TRY(buf_addf(b, "  - {call: {%s: {host: h%" PRIu64 "}}, by: %s, ", PICK(r, tools),
		     draw(r, TARGETS), agents[who]));
	switch (draw(r, 3)) {
	case 0:
		return buf_addf(b, "task: %s}\n", other);
	case 1:
		return buf_addf(b, "task: %s, key: stolen}\n", agents[who]);
	default:
		return buf_addf(b, "task: t%" PRIu64 "}\n", draw(r, 400));
	}
}

static enum rc draw_fault(struct buf *b, struct luck *r)
{
	size_t which = draw(r, ARRAY_LEN(faults));

	TRY(buf_addf(b, "  - {fault: %s}\n", faults[which].breaks));
	TRY(draw_step(b, r));
	if (!faults[which].mends) {
		return buf_addf(b, "  - {do: clock confirm, by: %s}\n", PICK(r, approvers));
	}
	TRY(draw_step(b, r));
	return buf_addf(b, "  - {fault: %s}\n", faults[which].mends);
}

/* A stop, and perhaps the two people that lift it. */
static enum rc draw_stop(struct buf *b, struct luck *r)
{
	const char *scope = PICK(r, scopes);

	TRY(buf_addf(b, "  - {kill: %s, by: %s}\n", scope, PICK(r, people)));
	TRY(draw_step(b, r));
	TRY(draw_step(b, r));
	for (size_t i = 0; i < ARRAY_LEN(approvers); i++) {
		TRY(buf_addf(b, "  - {resume: %s, by: %s}\n", scope, approvers[i]));
	}
	return draw_intents(b, r);
}

/* Perhaps with something that was sent and takes its time: 45 seconds, and a change is looked at
 * for as long before it. */
static enum rc draw_crash(struct buf *b, struct luck *r)
{
	static const char *const slow[] = {"edr.look", "edr.isolate", "web.block"};
	static const char *const before[] = {"1s", "40s", "80s", "80s"};

	if (draw(r, 2) == 0) {
		return buf_addf(b, "  - {crash: %s}\n", PICK(r, crashes));
	}
	TRY(buf_add(b, STR("  - {fault: upstream edr slow}\n  - {fault: upstream web slow}\n")));
	for (int i = 0; i < 2; i++) {
		TRY(buf_addf(b, "  - {call: {%s: {host: h%" PRIu64 "}}, by: %s}\n", PICK(r, slow),
			     draw(r, TARGETS), PICK(r, agents)));
	}
	TRY(buf_addf(b, "  - {wait: %s}\n", PICK(r, before)));
	TRY(buf_addf(b, "  - {crash: %s}\n", draw(r, 2) ? "governor unheard" : PICK(r, crashes)));
	TRY(buf_addf(b, "  - {wait: %s}\n", PICK(r, waits)));
	return buf_add(b, STR("  - {fault: upstream edr up}\n  - {fault: upstream web up}\n"));
}

/* A task ends, and its credentials cannot be revoked for longer than its end may take. */
static enum rc draw_lost(struct buf *b, struct luck *r)
{
	for (size_t i = 0; i < ARRAY_LEN(agents); i++) {
		TRY(buf_addf(b, "  - {call: {edr.look: {host: h%" PRIu64 "}}, by: %s}\n",
			     draw(r, TARGETS), agents[i]));
	}
	TRY(buf_add(b, STR("  - {fault: revocation refused}\n")));
	TRY(close_incident(b, r));
	TRY(buf_add(b, STR("  - {wait: 12m}\n")));
	TRY(draw_step(b, r));
	TRY(buf_add(b, STR("  - {wait: 6m}\n  - {fault: leases good}\n")));
	return open_incident(b, r);
}

static enum rc draw_rare(struct buf *b, struct luck *r)
{
	if (draw(r, 28) == 0) {
		return draw_lost(b, r);
	}
	switch (draw(r, 9)) {
	case 0:
		return draw_fault(b, r);
	case 7:
		return draw_theft(b, r);
	case 1:
		return buf_addf(b, "  - {change: {\"host:h%" PRIu64 "\": {isolated: %s}}}\n",
				draw(r, TARGETS), draw(r, 2) ? "true" : "false");
	case 2:
		return buf_add(b, STR("  - {do: rollback, with: {id: $term}, by: alice}\n"));
	case 3:
		TRY(close_incident(b, r));
		TRY(draw_step(b, r));
		return open_incident(b, r);
	case 4:
		return draw_intents(b, r);
	case 5:
		return draw_crash(b, r);
	case 6:
		return draw_stop(b, r);
	default:
		return buf_addf(b, "  - {%s: %s}\n", draw(r, 4) ? "approve" : "deny",
				PICK(r, people));
	}
}

static enum rc draw_step(struct buf *b, struct luck *r)
{
	uint64_t kind = draw(r, 100);

	if (kind < 50) {
		return buf_addf(b, "  - {call: {%s: {host: h%" PRIu64 "}}, by: %s}\n",
				PICK(r, tools), draw(r, TARGETS), PICK(r, agents));
	}
	if (kind < 56) {
		return buf_addf(b, "  - {again: true, by: %s}\n", PICK(r, agents));
	}
	if (kind < 64) {
		return draw_wipe(b, r);
	}
	if (kind < 74) {
		return buf_addf(b, "  - {wait: %s}\n", PICK(r, waits));
	}
	if (kind < 79) {
		return buf_addf(b, "  - {fault: upstream %s %s}\n", draw(r, 2) ? "edr" : "web",
				PICK(r, moods));
	}
	if (kind < 83) {
		return buf_addf(b, "  - {intent: {incident: n%" PRIu64 "}, by: %s}\n", r->incident,
				PICK(r, agents));
	}
	return draw_rare(b, r);
}

/* Everything works again, everything is over, and time passes: (9). */
static const char tail[] = "  - {fault: disk good}\n"
			   "  - {fault: emergency good}\n"
			   "  - {fault: keys good}\n"
			   "  - {fault: governor up}\n"
			   "  - {fault: leases good}\n"
			   "  - {fault: signing good}\n"
			   "  - {fault: upstream edr up}\n"
			   "  - {fault: upstream web up}\n"
			   "  - {do: clock confirm, by: alice}\n";

enum rc story_draw(struct buf *b, uint64_t seed, uint64_t steps)
{
	struct luck luck = {.random = seed};

	TRY(buf_add(b, str_of(head, sizeof(head) - 1)));
	TRY(open_incident(b, &luck));
	for (uint64_t i = 0; i < steps; i++) {
		TRY(draw_step(b, &luck));
	}
	TRY(buf_add(b, str_of(tail, sizeof(tail) - 1)));
	TRY(close_incident(b, &luck));
	return buf_add(b, STR("  - {wait: 40m}\n"));
}
