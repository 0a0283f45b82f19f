/* SPDX-License-Identifier: Apache-2.0 */
/* drill/sim_sender.c - the two senders: the real desk, and upstreams that are a function.
 *
 * Holds: (1) a call is made only after desk_commit said yes, as every carrier does it.
 */
#include <string.h>

#include "codec/json.h"
#include "config/deployment.h"
#include "drill/sim_impl.h"

static void start_call(void *ctx, struct desk_call *c)
{
	struct sim_sender *d = ctx;
	enum sim_mood mood = sim_mood_of(d->s, c->upstream);
	struct sim_flight f = {.c = c, .begun_at_ns = d->s->boot_ns, .act_at_ns = d->s->boot_ns};

	if (mood == SIM_STUCK) {
		f.act_at_ns = c->send_by_boot_ns + 1;
	}
	MUST(vec_push(&d->flights, f) == RC_OK);
	d->s->is_busy = true;
}

static struct sim_flight *flight_of(struct sim_sender *d, const struct desk_call *c)
{
	for (size_t i = 0; i < d->flights.n; i++) {
		if (d->flights.p[i].c == c) {
			return &d->flights.p[i];
		}
	}
	return NULL;
}

static void drop_call(void *ctx, struct desk_call *c)
{
	struct sim_flight *f = flight_of(ctx, c);

	if (f) {
		f->c = NULL;
	}
}

static void fence(void *ctx, enum fence_scope scope, struct str name)
{
	(void)ctx; /* there are no children to end: what was sent is answered as it would be */
	(void)scope;
	(void)name;
}

static const struct sim_definition *definition_of(const struct sim *s, const struct tool *t)
{
	for (size_t i = 0; i < s->definitions.n; i++) {
		const struct sim_definition *d = &s->definitions.p[i];

		if (str_eq(d->upstream, t->upstream->name) && str_eq(d->tool, t->name) &&
		    d->text.n > 0) {
			return d;
		}
	}
	return NULL;
}

/* The tools as the upstream lists them: the catalog's, but for what was redefined. */
static void list_definitions(void *ctx, struct str upstream)
{
	struct sim_sender *d = ctx;
	const struct bundle *b = sim_bundle(d->s);
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);
	bool is_up = sim_mood_of(d->s, upstream) != SIM_DOWN;

	json_out_array(&w);
	for (size_t i = 0; i < b->n_tools; i++) {
		const struct tool *t = &b->tools[i];
		const struct sim_definition *other = definition_of(d->s, t);

		if (!str_eq(t->upstream->name, upstream)) {
			continue;
		}
		if (other) {
			json_out_raw(&w, other->text);
		} else {
			json_out_node(&w, t->definition);
		}
	}
	json_out_close(&w);
	is_up = is_up && json_out_end(&w, NULL) == RC_OK;
	desk_definitions(d->desk, upstream, is_up, is_up ? buf_view(&out) : STR(""),
			 is_up ? STR("") : STR("it cannot be reached"));
}

static void note_said(struct sim *s, const struct msg_outcome *m)
{
	size_t i = s->effects.n;

	while (i > 0 && s->effects.p[i - 1].call != m->call) {
		i--;
	}
	if (i > 0) { /* else it did nothing */
		s->effects.p[i - 1].is_said = true;
		s->effects.p[i - 1].outcome = m->kind;
		MUST(vec_push(&s->said, i - 1) == RC_OK);
	}
}

static void say(void *ctx, const struct message *m)
{
	struct sim_sender *d = ctx;

	if (m->kind == MESSAGE_OUTCOME) {
		note_said(d->s, &m->outcome);
	}
	sim_say(d->s, d->party, m);
}

enum rc sim_sender_start(struct sim *s, bool is_runner, struct err *e)
{
	struct sim_sender *d = &s->senders[is_runner];
	struct desk_carrier carrier = {.ctx = d,
				       .start = start_call,
				       .drop = drop_call,
				       .fence = fence,
				       .list = list_definitions,
				       .say = say};

	d->s = s;
	d->party = is_runner ? SIM_RUNNER : SIM_AGENTS;
	d->born = s->generation;
	if (desk_new(s->loop, s->generation, &carrier, &d->desk) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a sender");
	}
	return RC_OK;
}

enum rc sim_senders_start(struct sim *s, struct err *e)
{
	TRY(sim_sender_start(s, false, e));
	return sim_sender_start(s, true, e);
}

void sim_sender_end(struct sim *s, bool is_runner)
{
	struct sim_sender *d = &s->senders[is_runner];

	for (size_t k = 0; k < d->flights.n; k++) {
		mem_free((void *)(uintptr_t)d->flights.p[k].result.p);
	}
	vec_fini(&d->flights);
	desk_free(TAKE(d->desk));
}

void sim_senders_end(struct sim *s)
{
	sim_sender_end(s, false);
	sim_sender_end(s, true);
}

bool sim_senders_live(const struct sim *s)
{
	return s->senders[0].desk != NULL;
}

void sim_senders_lost(struct sim *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->senders); i++) {
		desk_governor_lost(s->senders[i].desk);
	}
}

void sim_senders_found(struct sim *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->senders); i++) {
		desk_governor_found(s->senders[i].desk, s->generation);
	}
}

void sim_senders_heard(struct sim *s, bool was_heard)
{
	for (size_t i = 0; was_heard && i < s->said.n; i++) {
		s->effects.p[s->said.p[i]].is_heard = true;
	}
	s->said.n = 0;
}

void sim_sender_hears(struct sim *s, size_t party, const struct message *m)
{
	(void)desk_hear(s->senders[party == SIM_RUNNER].desk, m); /* other kinds are not for it */
}

/* A CallToolResult with this text. */
static struct str wrap(struct str text, bool is_error)
{
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);
	char *copy;

	json_out_object(&w);
	json_out_key(&w, STR("content"));
	json_out_array(&w);
	json_out_object(&w);
	json_out_key_str(&w, "type", STR("text"));
	json_out_key_str(&w, "text", text);
	json_out_close(&w);
	json_out_close(&w);
	json_out_key_bool(&w, "isError", is_error);
	json_out_close(&w);
	MUST(json_out_end(&w, NULL) == RC_OK);
	copy = mem_calloc(out.n + 1, 1);
	MUST(copy != NULL);
	memcpy(copy, out.p, out.n);
	return str_of(copy, out.n);
}

static bool changes_something(const struct sim *s, struct str public_name)
{
	const struct tool *t = bundle_tool(sim_bundle(s), public_name);

	return t && t->effect != EFFECT_READ;
}

static void act(struct sim_sender *d, struct sim_flight *f, enum sim_mood mood)
{
	struct sim *s = d->s;
	AUTO_BUF text = BUF_INIT(LIMIT_RESULT_BYTES / 2);
	AUTO_BUF name = BUF_INIT(256);
	struct sim_act a = {.call = f->c->call,
			    .agent = f->c->agent,
			    .task = f->c->task,
			    .upstream = f->c->upstream,
			    .tool = f->c->tool,
			    .args = f->c->args};
	struct sim_effect effect = {.call = a.call,
				    .unix_ms = s->unix_ms,
				    .order = s->next_order++,
				    .durable_size = sim_log_size(s),
				    .is_late = s->boot_ns > f->c->send_by_boot_ns,
				    .waited_ms = (s->boot_ns - f->begun_at_ns) / 1000000,
				    .agent = sim_keep(s, a.agent),
				    .task = sim_keep(s, a.task),
				    .args = sim_keep(s, a.args)};
	bool is_done = mood != SIM_ERROR && s->o.tool(s->o.ctx, &a, &text);

	MUST(buf_addf(&name, STR_FMT "___" STR_FMT, STR_ARG(a.upstream), STR_ARG(a.tool)) == RC_OK);
	effect.was_done = is_done;
	effect.tool = sim_keep(s, buf_view(&name));
	MUST(vec_push(&s->effects, effect) == RC_OK);
	f->is_sent = true;
	f->kind = is_done ? OUTCOME_OK : OUTCOME_TOOL_ERROR;
	f->result = wrap(is_done ? buf_view(&text) : STR("it failed"), !is_done);
	if (mood == SIM_LOST && changes_something(s, effect.tool)) {
		f->kind = OUTCOME_UNKNOWN;
	}
	f->answer_at_ns = s->boot_ns + (mood == SIM_SLOW ? SIM_SLOW_MS * 1000000ull : 0);
}

/* One step of one flight. */
static void advance(struct sim_sender *d, size_t i)
{
	struct sim *s = d->s;
	struct sim_flight *f = &d->flights.p[i];
	enum sim_mood mood = sim_mood_of(s, f->c->upstream);
	struct desk_call *c = f->c;

	if (!f->is_sent && f->act_at_ns <= s->boot_ns) {
		s->is_busy = true;
		if (mood == SIM_DOWN || !desk_commit(d->desk, c)) { /* (1) */
			f->c = NULL;
			desk_done(d->desk, c, OUTCOME_NOT_SENT, STR(""),
				  STR("it cannot be reached"));
			return;
		}
		act(d, f, mood);
	}
	if (f->is_sent && f->answer_at_ns <= s->boot_ns) {
		bool has_result = f->kind == OUTCOME_OK || f->kind == OUTCOME_TOOL_ERROR;

		s->is_busy = true;
		f->c = NULL;
		desk_done(d->desk, c, f->kind, has_result ? f->result : STR(""),
			  has_result ? STR("") : STR("no answer came"));
	}
}

void sim_senders_work(struct sim *s)
{
	for (size_t k = 0; k < ARRAY_LEN(s->senders); k++) {
		struct sim_sender *d = &s->senders[k];

		for (size_t i = 0; i < d->flights.n;) {
			if (d->flights.p[i].c) {
				advance(d, i);
			}
			if (!d->flights.p[i].c) {
				mem_free((void *)(uintptr_t)d->flights.p[i].result.p);
				vec_remove(&d->flights, i);
			} else {
				i++;
			}
		}
	}
}
