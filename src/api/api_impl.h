/* SPDX-License-Identifier: Apache-2.0 */
/* api/api_impl.h - what the readers of webhooks share; for nobody else. */
#pragma once

#include "api/api.h"
#include "codec/json.h"

/* The body, which must be an object. */
enum rc api_parse(struct str body, struct arena *arena, const struct json **ret, struct err *e);
/* RC_DENIED: a class that this source may not open. */
enum rc api_check_class(const struct source *s, struct str class, struct err *e);
/* A document by the source's mapping; event is the source's own word for what happened, "" = none.
 * RC_ABSENT: it says nothing about an incident. */
enum rc api_mapped(const struct source *s, const struct json *doc, struct str event,
		   struct buf *ret_event, struct err *e);
/* Free text as a member: cut at LIMIT_TEXT_BYTES, visibly. */
void api_write_text(struct json_out *w, const char *name, struct str text);
/* "labels", when it is an object; too many are left out, visibly. */
void api_write_labels(struct json_out *w, const struct json *labels);

/* A field of a document after its table; p == NULL: absent. RC_INPUT: a value that the table does
 * not know. */
enum rc api_field(const struct json *doc, const struct source_field *f, const char *what,
		  struct str *ret, struct err *e);
/* The signals that the source's webhooks carry, as a member. */
void api_write_signals(struct json_out *w, const struct source *s, const struct json *doc);

/* One per type of source. */
enum rc api_alertmanager(const struct source *s, struct str body, struct arena *arena,
			 struct buf *ret_event, struct err *e);
enum rc api_generic(const struct source *s, struct str body, struct arena *arena,
		    struct buf *ret_event, struct err *e);
enum rc api_pagerduty(const struct source *s, struct str body, struct arena *arena,
		      struct buf *ret_event, struct err *e);
enum rc api_cloudevents(const struct source *s, const struct http_head *head, struct str body,
			struct arena *arena, struct buf *ret_event, struct err *e);
/* Is one of the signatures of this webhook, "v1=<hex>,...", the HMAC-SHA256 of the body? */
bool api_pagerduty_is_signed(const struct http_head *head, struct str body, struct str secret);
