/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people.h - between people.c (who asks, what they see) and people_act.c (what they do).
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

/* Carries out a verb that changes something, and answers it, now or later. */
void people_act(struct asked *a, enum command_verb verb);
/* The body's "id" with that letter. */
enum rc people_id(const struct asked *a, char letter, uint64_t *ret, struct err *e);
/* inventory.c */
enum rc inventory_list(struct asked *a, struct json_out *w, struct err *e);
enum rc inventory_set(struct asked *a, struct json_out *w, struct err *e);
void people_reply_json(struct asked *a, struct json_out *w);
void people_reply_reason(struct governor *g, uint64_t req, enum reason reason, struct str detail);
