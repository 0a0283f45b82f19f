/* SPDX-License-Identifier: Apache-2.0 */
/* courier/webhook.h - messages to URLs: one POST each, followed to its end on the loop.
 *
 * Headers of Standard Webhooks (https://www.standardwebhooks.com): webhook-id (the same for the
 * same message, so that a receiver can drop a repetition), webhook-timestamp, and, for a secret
 * that begins with "whsec_" (base64 behind it), webhook-signature: "v1," and the base64 of
 * HMAC-SHA256(secret, "<id>.<timestamp>.<body>"). Any other secret is sent as a bearer token.
 * No redirects, no proxies, no cookies, no reuse of connections; the answer's body is ignored. Ok
 * is a 2xx status within WEBHOOK_MS.
 */
#pragma once

#include "base/secret.h"
#include "config/deployment.h"
#include "courier/transfer.h"

enum { WEBHOOK_MS = 10000 };

typedef void webhook_fn(void *ctx, bool ok, struct str detail);

/* secret NULL = none. body is copied. done is called once, from the loop, never from inside.
 * timeout_ms 0 = WEBHOOK_MS. */
enum rc webhook_send(struct transfers *t, struct str url, const struct secret *secret,
		     struct str message_id, struct str body, uint64_t unix_s, uint64_t timeout_ms,
		     webhook_fn *done, void *ctx, struct err *e);
/* The value of webhook-signature, appended to b. key is what stands behind "whsec_", decoded. */
enum rc webhook_sign(struct str key, struct str message_id, uint64_t unix_s, struct str body,
		     struct buf *b, struct err *e);
