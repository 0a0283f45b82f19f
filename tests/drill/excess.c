/* SPDX-License-Identifier: Apache-2.0 */
/* excess.c - see its header. */
#include "excess.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "config/deployment.h"
#include "core/command.h"

#define INCIDENT                                                                                   \
	"{\"source_id\":\"much\",\"class\":\"incident\",\"severity\":2,\"status\":\"open\","       \
	"\"environment\":\"production\","

enum saying { SAY_CALL, SAY_COMMAND, SAY_INCIDENT };

/* Between before and after: so many bytes of text, so deep a nest, or so many in a list. @ stands
 * for the incident's id. */
static const struct excess {
	const char *name;
	enum saying saying;
	enum command_verb verb;
	const char *tool;
	const char *before;
	enum filling { FILL_TEXT, FILL_DEPTH, FILL_LIST } filling;
	size_t n;
	const char *after;
	const char *says; /* how its limit is named */
} inputs[] = {
    {"a long argument", SAY_CALL, 0, "edr___look", "{\"host\":\"", FILL_TEXT, 20000, "\"}",
     "or longer ones"},
    {"a long target", SAY_CALL, 0, "edr___look", "{\"host\":\"", FILL_TEXT, 1500, "\"}",
     "or longer ones"},
    {"deep arguments", SAY_CALL, 0, "edr___look", "{\"host\":", FILL_DEPTH, LIMIT_JSON_DEPTH + 1,
     "}", "nested too deeply"},
    {"a goal without end", SAY_CALL, 0, "remit___declare_intent", "{\"incident\":\"@\",\"goal\":\"",
     FILL_TEXT, 20000, "\",\"playbook\":\"drill\"}", "4096 bytes"},
    {"a note without end", SAY_CALL, 0, "remit___note", "{\"text\":\"", FILL_TEXT, 20000, "\"}",
     "4096 bytes"},
    {"a reason without end", SAY_COMMAND, COMMAND_INCIDENT_CLOSE, NULL,
     "{\"id\":\"@\",\"reason\":\"", FILL_TEXT, 100000, "\"}", "longer than 4096 bytes"},
    {"a deep command", SAY_COMMAND, COMMAND_KILL, NULL, "{\"scope\":", FILL_DEPTH,
     LIMIT_JSON_DEPTH + 1, "}", "nested too deeply"},
    {"an incident of many assets", SAY_INCIDENT, 0, NULL, INCIDENT "\"title\":\"x\",\"assets\":[",
     FILL_LIST, 3000, "]}", "at most 256"},
    {"an incident with a long title", SAY_INCIDENT, 0, NULL, INCIDENT "\"title\":\"", FILL_TEXT,
     100000, "\"}", "at most 4096 bytes"},
};

static enum rc fill(struct buf *b, const struct excess *in, struct str incident)
{
	struct str rest = str_from(in->before);

	TRY(buf_add(b, str_cut(&rest, '@')));
	if (rest.p) {
		TRY(buf_add(b, incident));
		TRY(buf_add(b, rest));
	}
	for (size_t i = 0; i < in->n; i++) {
		switch (in->filling) {
		case FILL_TEXT:
			TRY(buf_add(b, STR("x")));
			break;
		case FILL_DEPTH:
			TRY(buf_add(b, STR("[")));
			break;
		case FILL_LIST:
			TRY(buf_addf(b, "%s\"host:x%zu\"", i ? "," : "", i));
			break;
		}
	}
	for (size_t i = 0; i < in->n && in->filling == FILL_DEPTH; i++) {
		TRY(buf_add(b, STR("]")));
	}
	return buf_add(b, str_from(in->after));
}

static uint64_t say(struct sim *sim, const struct excess *in, const struct excess_agent *a,
		    struct str text)
{
	const struct person *person = &sim_bundle(sim)->people[0];

	switch (in->saying) {
	case SAY_CALL:
		return sim_call(sim, a->id, a->key_sha256, a->task, str_from(in->tool), text, 0);
	case SAY_COMMAND:
		return sim_command(sim, (uint32_t)person->uid, in->verb, text);
	case SAY_INCIDENT:
		return sim_incident(sim, STR("drill"), text);
	}
	return 0;
}

static bool has(struct str text, const char *part)
{
	return text.n > 0 && memmem(text.p, text.n, part, strlen(part)) != NULL;
}

static bool is_refused(const struct sim_reply *r)
{
	return r->code != 0 ? r->code >= 400 : has(r->text, "\"isError\":true");
}

/* Refused for what it is, and not for what is the case just now. */
static bool is_for_its_form(const struct sim_reply *r)
{
	static const char *const reasons[] = {"(arg_schema)", "(target_limit)", "\"bad_input\"",
					      "\"limit\""};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (has(r->text, reasons[i])) {
			return true;
		}
	}
	return false;
}

bool excess_say(struct sim *sim, uint64_t n, const struct excess_agent *a, bool *ret_said,
		char broken[300])
{
	const struct excess *in = &inputs[n % ARRAY_LEN(inputs)];
	AUTO_BUF text = BUF_INIT(262144);
	size_t n_effects = sim_n_effects(sim);
	const struct sim_reply *r;
	uint64_t req;

	MUST(fill(&text, in, a->incident) == RC_OK);
	req = say(sim, in, a, buf_view(&text));
	sim_settle(sim);
	r = sim_reply_of(sim, req);
	*ret_said = r && has(r->text, in->says);
	if (r && is_refused(r) && (*ret_said || !is_for_its_form(r)) && sim_is_up(sim) &&
	    sim_n_effects(sim) == n_effects) {
		return true;
	}
	(void)snprintf(broken, 300, "(20) %s: %u %.*s", in->name, r ? r->code : 0,
		       r ? (int)(r->text.n < 200 ? r->text.n : 200) : 0, r ? r->text.p : "");
	return false;
}
