/* SPDX-License-Identifier: Apache-2.0 */
/* core/redact.h - secrets in what a tool answers, and in what an agent says.
 *
 * A secret that stands in a result never reaches the agent, nor the log: it is replaced by
 * "[redacted: <kind>]" before anything else is done with the result. Found are
 *
 *	- secrets that say what they are: private keys in PEM, JWTs, keys and tokens with a public
 *	  prefix (AKIA..., ghp_..., xoxb-..., and so on), passwords in URLs;
 *	- values that are called a secret: `password=...`, `"api_key": "..."`, `Authorization: ...`,
 *	  PASSWORD '...' in SQL, members of JSON objects of such a name;
 *	- values at pointers that the catalog names.
 *
 * A secret without prefix, name or pointer is not found: no guessing by entropy, which would hide
 * digests and ids that responders need. Time is linear in the text; nothing is allocated but the
 * output.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/list.h"

/* Is this the name of a secret: "password", "DB_PASSWORD", "client-secret", "accessToken"? Names of
 * tokens that only turn pages ("next_page_token") are not. */
bool redact_is_secret_name(struct str name);

/* Is there a secret in text? *ret_kind, a constant such as "private key", may be NULL. */
bool redact_has_secret(struct str text, struct str *ret_kind);

/* text with its secrets replaced, appended to out; *ret_n counts them. Errors are out's. */
enum rc redact_text(struct str text, struct buf *out, size_t *ret_n, struct err *e);

/* Is there a secret in any string of j, or under any member of a secret's name? */
bool redact_json_has_secret(const struct json *j, struct str *ret_kind);

/* The result of an MCP tool ({"content": [...], "structuredContent": ...}) without secrets. Text
 * that is itself a JSON object or array is looked into. Every pointer (RFC 6901) hides what it
 * finds in structuredContent and in the first text. *ret is `result` itself when *ret_n is 0, else
 * it lives in arena. RC_INPUT: the result is no JSON and holds a secret; RC_LIMIT, RC_NOMEM. The
 * caller withholds the result then. */
enum rc redact_result(struct str result, const struct str_list *pointers, struct arena *arena,
		      struct str *ret, size_t *ret_n, struct err *e);
