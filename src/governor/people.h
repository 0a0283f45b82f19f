/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people.h - between people.c (who asks, what they see) and people_*.c (what they do).
 */
#pragma once

#include "governor/gov.h"

/* A command being carried out; lives for the handler. */
struct asked {
	struct governor *g;
	uint64_t req;
	const struct person *person;
	const struct json *body; /* an object */
};

typedef enum rc people_read_fn(struct asked *a, struct json_out *w, struct err *e);
typedef enum rc people_act_fn(struct asked *a, struct err *e);

/* Carries out a verb that changes something, and answers it, now or later. */
void people_act(struct asked *a, enum command_verb verb);
/* The body's "id" with that letter. */
enum rc people_id(const struct asked *a, char letter, uint64_t *ret, struct err *e);
/* incident_views.c */
enum rc incident_show(struct asked *a, struct json_out *w, struct err *e);
/* signals.c */
enum rc signals_list(struct asked *a, struct json_out *w, struct err *e);
/* breakers.c */
enum rc breaker_list(struct asked *a, struct json_out *w, struct err *e);
enum rc breaker_reset(struct asked *a, struct json_out *w, struct err *e);
/* inventory.c */
enum rc inventory_list(struct asked *a, struct json_out *w, struct err *e);
enum rc inventory_set(struct asked *a, struct json_out *w, struct err *e);
/* reads.c */
enum rc reads_show(struct asked *a, struct json_out *w, struct err *e);
/* ---- people_autonomy.c ---- */
enum rc people_promote(struct asked *a, struct err *e);
enum rc people_demote(struct asked *a, struct err *e);
enum rc people_judge(struct asked *a, struct err *e);
people_read_fn people_list_proposals;
/* people_reach.c */
people_read_fn people_reach;

void people_reply_json(struct asked *a, struct json_out *w);
void people_reply_reason(struct governor *g, uint64_t req, enum reason reason, struct str detail);
/* {"<what>": "<letter><ix>", "state": ...} */
void people_answer_id(struct asked *a, const char *what, char letter, uint64_t ix,
		      struct str state);
/* A member of the body that is a text; "" when there is none. */
struct str people_text(const struct asked *a, const char *name);
/* A member that is a number from 1 to max, or `otherwise` when absent. */
enum rc people_number(const struct asked *a, const char *name, uint64_t otherwise, uint64_t max,
		      uint64_t *ret, struct err *e);
/* A member that is a list of at most LIMIT_TARGETS texts; empty when absent. */
enum rc people_list(struct asked *a, const char *name, struct str_list *ret, struct err *e);

/* ---- people_evidence.c ---- */
enum rc evidence_list(struct asked *a, struct json_out *w, struct err *e);
enum rc evidence_show(struct asked *a, struct json_out *w, struct err *e);
enum rc evidence_holds(struct asked *a, struct json_out *w, struct err *e);
people_act_fn evidence_verify;
people_act_fn evidence_read;
people_act_fn evidence_exported;
people_act_fn evidence_keep;
people_act_fn evidence_destroy;
people_act_fn evidence_hold;
people_act_fn evidence_release;
people_act_fn evidence_waive;

/* ---- people_approve.c: answers to questions, and answers given in advance ---- */
people_act_fn people_approve;
people_act_fn people_deny;
people_act_fn people_preapprove;
people_act_fn people_preapproval_end;

/* ---- people_rota.c ---- */
people_read_fn people_rota_list;
people_act_fn people_rota_set;

/* ---- break_glass.c ---- */
people_act_fn people_break_glass_open;
people_act_fn people_break_glass_act;
people_act_fn people_break_glass_close;
people_read_fn people_review_list;
people_act_fn people_review_close;

/* ---- people_back.c: undoing and letting stand ---- */
people_act_fn people_rollback;
people_act_fn people_term_keep;
people_act_fn people_clock_confirm;

/* ---- people_rehearse.c ---- */
people_act_fn people_rehearse;
people_read_fn people_rehearsal_list;

/* ---- erase.c ---- */
people_act_fn people_erase;

/* ---- shards.c ---- */
people_read_fn people_shard_list;
people_act_fn people_prune;

/* ---- people_stop.c: stopping and letting go on ---- */
people_act_fn people_kill;
people_act_fn people_resume;
