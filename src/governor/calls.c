/* SPDX-License-Identifier: Apache-2.0 */
/* governor/calls.c - the life of a call, from request to reply.
 *
 * Trust:  agents' fronts speak for authenticated agents; arguments are hostile and parsed again.
 * Holds:  (1) an admission is sent only behind a call.decided leaf with verdict allow.
 *         (2) every admission has one flight, and every flight ends in one call.completed.
 *         (3) a parked request is judged from scratch when what it waits for is there.
 * States of a request: JUDGED -capture-> WAITING_CAPTURE -> JUDGED -ask-> WAITING_APPROVAL ->
 * JUDGED -lease-> WAITING_LEASE -> JUDGED -allow-> WAITING_OUTCOME -> answered. A denial answers at
 * once; the end of the hold answers "pending".
 */
#include "governor/gov.h"

#include <string.h>

#include <openssl/sha.h>

#include "base/limits.h"
#include "base/log.h"

/* ---- flights ---- */

struct flight *calls_flight(const struct governor *g, uint64_t call)
{
	char id[24];

	return map_get(&g->flights, id_text('c', call, id));
}

static void flight_free(struct flight *f)
{
	if (f) {
		arena_fini(&f->arena);
		mem_free(f);
	}
}

/* Allocated and listed before its leaf is written, so that nothing can fail after it. */
static struct flight *flight_new(struct governor *g, uint64_t call, struct err *e)
{
	struct flight *f;
	char id[24];

	if (g->flights.n >= GOVERNOR_MAX_FLIGHTS) {
		(void)err_set(e, RC_LIMIT, __func__, "too many calls under way"); /* NULL says it */
		return NULL;
	}
	f = mem_calloc(1, sizeof(*f));
	if (!f || map_put(&g->flights, id_text('c', call, id), f) != RC_OK) {
		mem_free(f);
		(void)err_set(e, RC_NOMEM, __func__, "no memory for a call"); /* NULL says it */
		return NULL;
	}
	f->call = call;
	f->arena = (struct arena)ARENA_INIT(64 * 1024);
	return f;
}

static void flight_drop(struct governor *g, struct flight *f)
{
	char id[24];

	(void)map_remove(&g->flights, id_text('c', f->call, id)); /* it is f */
	flight_free(f);
}

bool calls_task_has_flights(const struct governor *g, uint64_t task)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&g->flights, &i))) {
		const struct flight *f = entry->value;

		if (f->task == task) {
			return true;
		}
	}
	return false;
}

bool calls_lease_has_flights(const struct governor *g, uint64_t lease)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&g->flights, &i))) {
		const struct flight *f = entry->value;

		if (f->lease == lease) {
			return true;
		}
	}
	return false;
}

void calls_free_all(struct governor *g)
{
	const struct map_entry *entry;
	size_t i = 0;

	while (g->requests) {
		request_free(g, g->requests);
	}
	while ((entry = map_next(&g->flights, &i))) {
		flight_free(entry->value);
	}
	map_fini(&g->flights);
}

/* ---- requests ---- */

struct request *calls_find_request(struct governor *g, uint64_t id)
{
	for (struct request *r = g->requests; id && r; r = r->next) {
		if (r->id == id) {
			return r;
		}
	}
	return NULL;
}

static void hold_is_over(struct loop_timer *t)
{
	struct request *r = t->ctx;
	const struct approval *a = state_approval(r->g->state, r->approval);

	if (r->waiting == WAITING_APPROVAL && a) {
		reply_pending(r->g, r, a);
	}
}

static struct request *request_new(struct governor *g, const struct msg_call *m, struct err *e)
{
	struct request *r = NULL;

	if (g->n_requests < GOVERNOR_MAX_REQUESTS) {
		r = mem_calloc(1, sizeof(*r));
	}
	if (!r) {
		(void)err_set(e, RC_LIMIT, __func__, "too many requests"); /* NULL says it */
		return NULL;
	}
	r->g = g;
	r->id = g->next_request_id++;
	r->req = m->req;
	r->arena = (struct arena)ARENA_INIT(LIMIT_ARGS_BYTES * 64 + 4 * LIMIT_RESULT_BYTES);
	r->agent = arena_str(&r->arena, m->agent);
	r->tool = arena_str(&r->arena, m->tool);
	if (known_trace_id(m->trace).n > 0) {
		r->trace = arena_str(&r->arena, m->trace);
		r->trace_state = arena_str(&r->arena, m->trace_state);
	}
	r->source = arena_str(&r->arena, m->source);
	r->cited = arena_str(&r->arena, m->approval);
	r->hold.fire = hold_is_over;
	r->hold.ctx = r;
	r->hold_until_ns = gov_now_ns(g) + (uint64_t)m->hold_ms * 1000000;
	if (m->key_sha256.n == sizeof(r->key.bytes)) {
		memcpy(r->key.bytes, m->key_sha256.p, sizeof(r->key.bytes));
	}
	r->next = g->requests;
	if (g->requests) {
		g->requests->prev = r;
	}
	g->requests = r;
	g->n_requests++;
	return r;
}

void request_free(struct governor *g, struct request *r)
{
	loop_timer_clear(g->loop, &r->hold);
	if (r->prev) {
		r->prev->next = r->next;
	} else {
		g->requests = r->next;
	}
	if (r->next) {
		r->next->prev = r->prev;
	}
	g->n_requests--;
	arena_fini(&r->arena);
	mem_free(r);
}

/* Parses the arguments again and brings them to their canonical bytes. */
static enum rc read_args(struct governor *g, struct request *r, struct str text, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_BUF canonical = BUF_INIT(LIMIT_ARGS_BYTES);
	const struct json *args;

	limits.max_bytes = LIMIT_ARGS_BYTES;
	TRY(json_parse(&g->round, text, &limits, &args, e));
	if (json_type(args) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "arguments must be an object");
	}
	TRY(json_canonical(&canonical, args, e));
	r->args_text = arena_str(&r->arena, buf_view(&canonical));
	if (!r->args_text.p) {
		FAIL(e, RC_NOMEM, "no memory for arguments");
	}
	TRY(json_parse(&r->arena, r->args_text, &limits, &r->args, e));
	return vault_tag(g->vault, r->tool, r->args_text, r->tag.bytes, e);
}

void calls_on_call(struct governor *g, const struct msg_call *m)
{
	struct err e = ERR_INIT;
	struct request *r = request_new(g, m, &e);

	if (!r) {
		reply_rpc_error(g, m->req, 32000, e.msg);
		return;
	}
	if (g->has_no_room) {
		reply_refusal(g, r, REASON_AUDIT_UNAVAILABLE, STR("the disk is full"), 0);
		return;
	}
	if (read_args(g, r, m->args, &e) != RC_OK) {
		reply_refusal(g, r, REASON_ARG_SCHEMA, str_from(e.msg), 0);
		return;
	}
	if (m->task.n && !id_parse(m->task, 't', &r->task)) {
		reply_refusal(g, r, REASON_TASK_UNKNOWN, STR_NULL, 0);
		return;
	}
	if (own_tool_is(r->tool)) {
		own_tool_call(g, r);
		return;
	}
	calls_judge(g, r);
}

enum rc calls_by_person(struct governor *g, uint64_t req, struct str person, uint64_t task,
			struct str tool, struct str args, struct err *e)
{
	const struct task *t = state_task(g->state, task);
	const struct msg_call m = {
	    .req = req,
	    .agent = t ? t->agent : STR(""),
	    .tool = tool,
	    .source = STR("people"),
	};
	struct request *r = request_new(g, &m, e);

	if (!r) {
		return e->code;
	}
	r->task = task;
	r->person = arena_str(&r->arena, person);
	if (!r->person.p || read_args(g, r, args, e) != RC_OK) {
		request_free(g, r);
		return e->code == RC_OK ? RC_NOMEM : e->code;
	}
	calls_judge(g, r);
	return RC_OK;
}

void calls_on_withdraw(struct governor *g, const struct msg_withdraw *m)
{
	for (struct request *r = g->requests; r; r = r->next) {
		if (r->req == m->req && !r->person.n) { /* people count for themselves */
			request_free(g, r); /* a flight of it goes on, without anybody waiting */
			return;
		}
	}
}

/* ---- sending ---- */

bool definitions_sender_is_runner(const struct upstream *u)
{
	return u->transport != TRANSPORT_HTTP;
}

static struct channel *sender_of(const struct governor *g, const struct tool *t)
{
	return definitions_sender_is_runner(t->upstream) ? g->runner : g->agents;
}

static enum rc check_sender(const struct governor *g, const struct tool *t, struct err *e)
{
	if (!sender_of(g, t)) {
		FAIL(e, RC_ABSENT, "there is no sender for '" STR_FMT "'", STR_ARG(t->public_name));
	}
	if (state_sends_nothing(g->state)) {
		FAIL(e, RC_AGAIN, "something is wrong with the log, so nothing is sent");
	}
	return RC_OK;
}

static enum rc send_admission(struct governor *g, const struct flight *f, const struct tool *t,
			      struct str args, const struct request *r, struct err *e)
{
	uint8_t args_sha256[32];
	char task_id[24];
	struct message m = {
	    .kind = MESSAGE_ADMISSION,
	    .admission =
		{
		    .call = f->call,
		    .generation = senders_generation(g, f->is_runner), /* senders compare it */
		    .send_by_boot_ns = gov_now_ns(g) + (uint64_t)GOVERNOR_SEND_BY_MS * 1000000,
		    .agent = f->agent,
		    .task = f->task ? id_text('t', f->task, task_id) : STR(""),
		    .upstream = t->upstream->name,
		    .tool = t->name,
		    .args = args,
		    .args_sha256 = str_of(args_sha256, sizeof(args_sha256)),
		    .lease = f->lease,
		    .trace = r ? r->trace : STR(""),
		    .trace_state = r ? r->trace_state : STR(""),
		    .leaf_hash = str_of(book_last_hash(g->book), 32),
		},
	};

	SHA256((const unsigned char *)args.p, args.n, args_sha256);
	if (channel_send(sender_of(g, t), &m) != RC_OK) {
		FAIL(e, RC_IO, "cannot reach the sender");
	}
	return RC_OK;
}

/* The arguments as they are sent: with the token that fences the target off from whoever acted
 * before, when the tool takes one. Its value is the index of the call's leaf. */
static enum rc args_to_send(struct governor *g, const struct request *r, const struct tool *t,
			    uint64_t call, struct str *ret, struct err *e)
{
	AUTO_BUF canonical = BUF_INIT(LIMIT_ARGS_BYTES);
	const struct json *with;
	struct str text;

	*ret = r->args_text;
	if (t->fence.n == 0) {
		return RC_OK;
	}
	text = arena_strf(&g->round, "{\"" STR_FMT "\":%llu%s" STR_FMT,
			  STR_ARG(str_slice(t->fence, 1, t->fence.n)), (unsigned long long)call,
			  r->args->count ? "," : "",
			  STR_ARG(str_slice(r->args_text, 1, r->args_text.n)));
	if (!text.p) {
		FAIL(e, RC_NOMEM, "no memory for arguments");
	}
	TRY(json_parse(&g->round, text, NULL, &with, e));
	TRY(json_canonical(&canonical, with, e));
	*ret = arena_str(&g->round, buf_view(&canonical));
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for arguments");
	}
	return RC_OK;
}

/* Allowed, with everything it needs: on the record, then on its way. */
static enum rc admit(struct governor *g, struct request *r, const struct decision *d,
		     uint64_t lease, struct err *e)
{
	struct flight *f;
	struct str args;
	uint64_t call;
	uint64_t ix;

	TRY(check_sender(g, d->tool, e));
	call = book_next_ix(g->book) + (d->phase.p != NULL); /* the task moves on right before it */
	TRY(args_to_send(g, r, d->tool, call, &args, e));
	f = flight_new(g, call, e);
	if (!f) {
		return e->code;
	}
	f->purpose = PURPOSE_AGENT;
	f->agent = arena_str(&f->arena, r->agent);
	f->tool = arena_str(&f->arena, r->tool);
	f->task = r->task;
	f->lease = lease;
	f->request = r->id;
	f->is_runner = definitions_sender_is_runner(d->tool->upstream);
	if ((d->phase.p &&
	     tasks_move_on(g, r->task, d->phase, "used", r->judged_unix_ms, e) != RC_OK) ||
	    decided_record(g, r, d, lease, &ix, e) != RC_OK) {
		flight_drop(g, f);
		return e->code;
	}
	MUST(ix == f->call);
	TRY(send_admission(g, f, d->tool, args, r, e));
	r->waiting = WAITING_OUTCOME;
	loop_timer_clear(g->loop, &r->hold);
	if (d->tells_person) {
		autonomy_tell(g, d, r->agent, r->task, ix);
	}
	return RC_OK;
}

enum rc calls_run_own(struct governor *g, enum purpose purpose, const struct decision *d,
		      const struct json *args, uint64_t task, uint64_t parent, uint64_t lease,
		      struct flight **ret, struct err *e)
{
	return calls_run_act(g, purpose, d, args, STR_NULL, task, parent, lease, ret, e);
}

enum rc calls_run_act(struct governor *g, enum purpose purpose, const struct decision *d,
		      const struct json *args, struct str pre, uint64_t task, uint64_t parent,
		      uint64_t lease, struct flight **ret, struct err *e)
{
	static const char *const names[] = {"agent",	"capture",  "verify",
					    "rollback", "preserve", "rehearse"};
	AUTO_BUF canonical = BUF_INIT(LIMIT_ARGS_BYTES);
	struct flight *f;
	struct leaf l = {
	    .kind = LEAF_CALL_DECIDED,
	    .call_decided =
		{
		    .task = task,
		    .parent = parent,
		    .purpose = str_from(names[purpose]),
		    .tool = d->tool->public_name,
		    .effect = effect_name(d->effect),
		    .targets = d->targets,
		    .data = d->tool->data,
		    .verdict = verdict_name(VERDICT_ALLOW),
		    .reason = reason_code(REASON_ALLOWED),
		    .lease = lease,
		    .bundle = *state_bundle(g->state),
		},
	};
	struct book_value values[] = {
	    {.commit = &l.call_decided.args, .slot = 0},
	    {.bytes = pre, .commit = &l.call_decided.pre, .slot = 1},
	};

	MUST(d->verdict == VERDICT_ALLOW);
	if (!g->keeper) {
		FAIL(e, RC_AGAIN, "the keeper is being restarted");
	}
	TRY(check_sender(g, d->tool, e));
	TRY(json_canonical(&canonical, args, e));
	values[0].bytes = buf_view(&canonical);
	TRY(vault_tag(g->vault, d->tool->public_name, values[0].bytes, l.call_decided.tag.bytes,
		      e));
	memcpy(l.call_decided.definition.bytes, d->tool->digest, 32);
	f = flight_new(g, book_next_ix(g->book), e);
	if (!f) {
		return e->code;
	}
	f->purpose = purpose;
	f->tool = arena_str(&f->arena, d->tool->public_name);
	f->task = task;
	f->lease = lease;
	f->is_runner = definitions_sender_is_runner(d->tool->upstream);
	if (book_record(g->book, &l, gov_key_of(g, task), values, ARRAY_LEN(values), NULL, e) !=
	    RC_OK) {
		flight_drop(g, f);
		return e->code;
	}
	*ret = f;
	return send_admission(g, f, d->tool, values[0].bytes, NULL, e);
}

/* ---- judging ---- */

static const struct credential *credential_of(const struct tool *t)
{
	return t->credential.backend.n ? &t->credential : &t->upstream->credential;
}

/* True when tool can be called with *ret_lease (0 = it needs none); false when r was parked or
 * answered. */
bool calls_has_lease(struct governor *g, struct request *r, const struct tool *tool,
		     uint64_t *ret_lease)
{
	const struct credential *c = credential_of(tool);
	const struct lease *l;
	struct err e = ERR_INIT;
	uint64_t ix;

	*ret_lease = 0;
	if (!c->backend.n) {
		return true;
	}
	l = r->lease ? state_lease(g->state, r->lease) : NULL;
	if (r->lease && (!l || l->state == LEASE_STATE_REVOKING || l->state == LEASE_STATE_GONE)) {
		reply_refusal(g, r, REASON_CREDENTIAL_UNAVAILABLE,
			      STR("the backend issued no credential"), 0);
		return false;
	}
	ix = leases_want(g, r->task, c, state_task(g->state, r->task)->not_after_unix_ms,
			 definitions_sender_is_runner(tool->upstream), &e);
	if (ix == 0) {
		reply_refusal(g, r, REASON_CREDENTIAL_UNAVAILABLE, str_from(e.msg), 0);
		return false;
	}
	l = state_lease(g->state, ix);
	if (l && l->state == LEASE_STATE_DELIVERED) {
		*ret_lease = ix;
		return true;
	}
	r->waiting = WAITING_LEASE;
	r->lease = ix;
	return false;
}

void calls_refuse(struct governor *g, struct request *r, const struct decision *d)
{
	struct err e = ERR_INIT;
	struct str agent = arena_str(&g->round, r->agent); /* answering frees r */
	uint64_t task = r->task;
	uint64_t ix = 0;

	if (r->person.n == 0 && !refusals_take(g, r->agent)) {
		reply_refusal(g, r, d->reason, d->detail, 0);
		return;
	}
	if (decided_record(g, r, d, 0, &ix, &e) != RC_OK) {
		log_err("a denial could not be recorded: %s", e.msg);
		reply_refusal(g, r, REASON_AUDIT_UNAVAILABLE, STR_NULL, 0);
		return;
	}
	reply_refusal(g, r, d->reason,
		      d->narrowed_to ? approvals_narrowed_text(g, d->narrowed_to) : d->detail, ix);
	deviations_follow(g, agent, task, d->reason, d->attempt, ix);
	if (d->wants_pause && state_task(g->state, task)) {
		approvals_pause(g, agent, task, d->detail);
	}
}

/* Is the target as it was when the question was asked? If not, the approval is void and r is
 * judged again (true: r was dealt with). */
static bool is_as_shown(struct governor *g, const struct request *r, const struct tool *t,
			struct str shown_text)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *shown;

	if (json_parse(&g->round, shown_text, &limits, &shown, NULL) != RC_OK) {
		return false;
	}
	/* What the inverse depends on is what matters; the rest (how many sessions there are) may
	 * move on its own. */
	return t->inverse.equals ? json_equal(json_pointer(shown, t->inverse.pointer),
					      json_pointer(r->pre, t->inverse.pointer))
				 : str_eq(shown_text, r->pre_text);
}

static bool target_has_changed(struct governor *g, struct request *r, const struct decision *d)
{
	struct str shown;
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_APPROVAL_SETTLED,
	    .approval_settled =
		{
		    .approval = d->approval,
		    .state = STR("void"),
		    .reason = reason_code(REASON_TARGET_IN_USE),
		},
	};

	if (!d->approval || !d->tool->capture.tool.n || approvals_has_no_picture(g, d->approval)) {
		return false;
	}
	if (book_value_of(g->book, d->approval, 2, &g->round, &shown, &e) == RC_OK &&
	    is_as_shown(g, r, d->tool, shown)) {
		return false;
	}
	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, &e) != RC_OK) {
		reply_refusal(g, r, REASON_AUDIT_UNAVAILABLE, str_from(e.msg), 0);
		return true;
	}
	r->approval = 0;
	calls_judge(g, r);
	return true;
}

static void park_for_approval(struct governor *g, struct request *r, const struct decision *d)
{
	struct err e = ERR_INIT;
	const struct approval *a = state_approval_of(g->state, r->task, &r->tag);
	uint64_t ix = a && a->state == APPROVAL_OPEN ? a->ix : approvals_open(g, r, d, &e);

	if (ix == 0) {
		reply_refusal(g, r, e.code == RC_LIMIT ? REASON_LIMIT : REASON_AUDIT_UNAVAILABLE,
			      str_from(e.msg), 0);
		return;
	}
	r->approval = ix;
	r->waiting = WAITING_APPROVAL;
	if (r->hold_until_ns <= gov_now_ns(g) ||
	    loop_timer_set(g->loop, &r->hold, r->hold_until_ns) != RC_OK) {
		a = state_approval(g->state, ix);
		MUST(a != NULL);
		reply_pending(g, r, a);
	}
}

/* The question is on the table, with what was captured for it: no need to look again until it is
 * answered. */
static bool is_asked_already(const struct governor *g, const struct request *r)
{
	const struct approval *a = state_approval_of(g->state, r->task, &r->tag);

	return a && a->state == APPROVAL_OPEN;
}

void calls_judge(struct governor *g, struct request *r)
{
	struct call_request q = {
	    .agent = r->agent,
	    .task = r->task,
	    .tool = r->tool,
	    .args = r->args,
	    .key = r->key,
	    .tag = r->tag,
	    .pre = r->pre,
	    .evidence = r->evidence,
	    .cited = r->cited,
	    .use = r->use,
	    .is_preserved = r->is_preserved,
	    .now_unix_ms = decided_begin(g, r),
	};
	struct decision d = {0};
	struct err e = ERR_INIT;
	uint64_t lease = 0;

	r->waiting = WAITING_NONE;
	if (!r->person.n && kept_answer(g, r)) {
		return;
	}
	if (taints_of_call(g, &q, &e) != RC_OK ||
	    (r->person.n ? decide_break_glass(g->state, g->bundle, &q, r->person, &g->round, &d, &e)
			 : decide_call(g->state, g->bundle, &q, &g->round, &d, &e)) != RC_OK) {
		log_err("cannot decide '%.*s': %s", STR_ARG(r->tool), e.msg);
		d = (struct decision){.verdict = VERDICT_DENY, .reason = REASON_POLICY_ERROR};
	}
	if (d.trip.is_tripped) {
		breakers_trip(g, r->task, &d.trip);
	}
	if (d.is_proposal) {
		proposals_make(g, r, &q, &d);
	}
	if (d.verdict == VERDICT_DENY) {
		if (!preserve_is_waiting(g, r, &d)) {
			calls_refuse(g, r, &d);
		}
		return;
	}
	if (!g->keeper) { /* no keeper, no effect; it is back in a moment */
		reply_refusal(g, r, REASON_AUDIT_UNAVAILABLE,
			      STR("the keeper is being restarted; call it again"), 0);
		return;
	}
	if (senders_is_away(g, definitions_sender_is_runner(d.tool->upstream)) &&
	    !(d.verdict == VERDICT_ASK && is_asked_already(g, r))) {
		reply_refusal(g, r, REASON_UPSTREAM_UNAVAILABLE,
			      STR("what would send it is being restarted; call it again"), 0);
		return;
	}
	if (d.needs_evidence && !(d.verdict == VERDICT_ASK && is_asked_already(g, r))) {
		preserve_first(g, r, &d);
		return;
	}
	if ((d.needs_capture || d.needs_use) &&
	    !(d.verdict == VERDICT_ASK && is_asked_already(g, r))) {
		looks_first(g, r, &d);
		return;
	}
	if (d.verdict == VERDICT_ASK) {
		park_for_approval(g, r, &d);
		return;
	}
	if (!calls_has_lease(g, r, d.tool, &lease) || target_has_changed(g, r, &d)) {
		return;
	}
	if (admit(g, r, &d, lease, &e) != RC_OK) {
		log_err("cannot admit '%.*s': %s", STR_ARG(r->tool), e.msg);
		reply_refusal(g, r, REASON_AUDIT_UNAVAILABLE, str_from(e.msg), 0);
	}
}

/* ---- outcomes ---- */

static struct str outcome_name(uint8_t kind)
{
	switch ((enum outcome_kind)kind) {
	case OUTCOME_NOT_SENT:
		return STR("not_sent");
	case OUTCOME_OK:
		return STR("ok");
	case OUTCOME_TOOL_ERROR:
		return STR("tool_error");
	case OUTCOME_UNKNOWN:
		return STR("unknown");
	}
	return STR("unknown");
}

/* Labels that the result puts on its task: its data classes, distrust, and that there was a secret.
 */
static struct str_list labels_of(const struct tool *t, const struct flight *f, struct arena *arena)
{
	struct str *labels = arena_alloc_n(arena, t->data.n + 2, sizeof(*labels));
	size_t n = 0;

	if (!labels) {
		return (struct str_list){0};
	}
	for (size_t i = 0; i < t->data.n; i++) {
		labels[n++] = t->data.p[i];
	}
	if (t->is_untrusted) {
		labels[n++] = STR("untrusted");
	}
	if (f->redacted) {
		labels[n++] = STR("secret");
	}
	return (struct str_list){.p = labels, .n = n};
}

_Static_assert((int)BOOK_PIECE_BYTES *(int)BOOK_PIECES >= (int)LIMIT_RESULT_BYTES,
	       "a result fits its leaf");

static enum rc record_completed(struct governor *g, const struct flight *f, struct str kind,
				enum reason reason, struct str result, struct err *e)
{
	const struct tool *t = bundle_tool(g->bundle, f->tool);
	const struct call *c = state_call(g->state, f->call);
	struct digest unused;
	struct book_value values[BOOK_PIECES];
	size_t n;
	struct leaf l = {
	    .kind = LEAF_CALL_COMPLETED,
	    .call_completed =
		{
		    .call = f->call,
		    .kind = kind,
		    .reason = reason == REASON_NONE ? STR_NULL : reason_code(reason),
		    .result_bytes = result.n,
		},
	};

	if (t && str_eq(kind, STR("ok"))) {
		l.call_completed.labels = labels_of(t, f, &g->round);
	}
	if (t && t->is_untrusted && result.n) {
		TRY(taints_of_result(g, result, &l.call_completed.marks,
				     &l.call_completed.marks_over, e));
	}
	if (c && f->purpose == PURPOSE_AGENT) {
		TRY(breaker_counts(g->bundle, c, kind, &g->round, &l.call_completed.used, e));
	}
	n = book_split(result, &l.call_completed.result, &unused, values);
	return book_record(g->book, &l, gov_key_of(g, f->task), values, n, NULL, e);
}

/* Why a call was not sent: there was nobody to send it to, or it was held back (health.c). */
static enum reason reason_not_sent(const struct governor *g)
{
	return state_sends_nothing(g->state) ? REASON_AUDIT_UNAVAILABLE
					     : REASON_UPSTREAM_UNAVAILABLE;
}

static void finish_agent_call(struct governor *g, struct flight *f, const struct msg_outcome *m)
{
	struct request *r = calls_find_request(g, f->request);
	const struct call *c = state_call(g->state, f->call);
	bool was_sent = m->kind != OUTCOME_NOT_SENT;

	/* What follows a change has followed already when it was unknown. */
	if (c && c->effect != EFFECT_READ && was_sent && !f->is_late) {
		if (m->kind != OUTCOME_TOOL_ERROR) {
			terms_start(g, f->call);
		}
		verify_start(g, f->call);
	}
	if (m->kind == OUTCOME_OK || m->kind == OUTCOME_TOOL_ERROR) {
		if (!reads_account_for(g, f, m)) {
			if (r) {
				reply_refusal(
				    g, r, REASON_READ_BUDGET,
				    STR("the result was more than may be read; it was withheld"),
				    f->call);
			}
		} else if (r) {
			reply_result(g, r, f->call, m->result);
		} else {
			kept_add(g, f, m->result);
		}
	} else if (r) {
		reply_refusal(g, r, was_sent ? REASON_OUTCOME_UNKNOWN : reason_not_sent(g),
			      m->detail, f->call);
	}
}

static const struct json *value_of(struct governor *g, const struct msg_outcome *m)
{
	return m->kind == OUTCOME_OK ? reads_value(g, &g->round, m->result) : NULL;
}

void calls_on_outcome(struct governor *g, const struct msg_outcome *heard, bool is_runner)
{
	struct flight *f = calls_flight(g, heard->call);
	const struct msg_outcome *m = heard;
	struct msg_outcome clean;
	struct err e = ERR_INIT;
	enum reason reason = REASON_NONE;
	uint64_t task;

	if (!f) {
		f = senders_late(g, heard, is_runner);
	}
	if (!f || f->is_runner != is_runner) {
		log_warn("an outcome for c%llu, which is not under way there",
			 (unsigned long long)heard->call);
		return;
	}
	reads_clean(g, f, heard, &clean);
	m = &clean;
	if (m->kind == OUTCOME_NOT_SENT) {
		reason = reason_not_sent(g);
	} else if (m->kind == OUTCOME_UNKNOWN) {
		reason = REASON_OUTCOME_UNKNOWN;
	}
	if (record_completed(g, f, outcome_name(m->kind), reason, m->result, &e) != RC_OK) {
		log_err("an outcome could not be recorded: %s", e.msg);
		g->is_broken = true;
		return;
	}
	signals_on_outcome(g, f, m);
	if (m->kind == OUTCOME_OK) {
		evidence_take(g, f->call, heard->result);
	}
	switch (f->purpose) {
	case PURPOSE_AGENT:
		finish_agent_call(g, f, m);
		break;
	case PURPOSE_CAPTURE:
		looks_on_outcome(g, f, m);
		break;
	case PURPOSE_PRESERVE:
		break; /* what came of it is evidence, or it failed: who waits is woken below */
	case PURPOSE_VERIFY:
		verify_on_outcome(g, f, m, value_of(g, m));
		break;
	case PURPOSE_ROLLBACK:
		rollback_on_outcome(g, f, m, value_of(g, m));
		break;
	case PURPOSE_REHEARSE:
		rehearsals_on_outcome(g, f, value_of(g, m));
		break;
	}
	task = f->task;
	flight_drop(g, f);
	preserve_wake(g, task);
	tasks_tick(g); /* an ending task may have waited for this one */
}

enum rc calls_adopt(struct governor *g, const struct call *c, bool is_runner, struct err *e)
{
	struct flight *f = flight_new(g, c->ix, e);

	if (!f) {
		return e->code;
	}
	f->purpose = PURPOSE_AGENT;
	f->tool = arena_str(&f->arena, c->tool);
	f->task = c->task;
	f->lease = c->lease;
	f->is_runner = is_runner;
	f->is_unclaimed = true;
	return RC_OK;
}

/* ---- tools/list ---- */

void calls_on_tools(struct governor *g, const struct msg_tools *m)
{
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);
	struct err e = ERR_INIT;
	struct message reply = {.kind = MESSAGE_TOOLS_REPLY, .tools_reply = {.req = m->req}};
	const size_t *visible = NULL;
	size_t n = 0;
	uint64_t task = 0;

	if (m->task.n && !id_parse(m->task, 't', &task)) {
		task = UINT64_MAX; /* no such task: nothing but our own tools */
	}
	json_out_array(&w);
	own_tools_list(g, m->agent, task, &w);
	if (task && decide_visible_tools(g->state, g->bundle, m->agent, task, gov_now_ms(g),
					 &g->round, &visible, &n, &e) != RC_OK) {
		n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		definitions_write(&g->bundle->tools[visible[i]], &w);
	}
	json_out_close(&w);
	if (json_out_end(&w, &e) != RC_OK) {
		reply.tools_reply.rpc_code = 32603;
		reply.tools_reply.tools = STR("the list of tools is too long");
	} else {
		reply.tools_reply.tools = buf_view(&out);
	}
	if (channel_send(g->agents, &reply) != RC_OK) {
		log_warn("cannot answer a front: it is gone or too slow");
	}
}
