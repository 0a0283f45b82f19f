/* SPDX-License-Identifier: Apache-2.0 */
/* courier/smtp.h - messages by mail: one SMTP session each (RFC 5321, RFC 6409).
 *
 * smtps:// is TLS from the first byte; smtp:// must become TLS by STARTTLS before anything is said,
 * unless the server is this machine. The certificate is checked, with the deployment's own
 * authority or the system's. With a user, the secret file is the password; without one nobody signs
 * in. The body is the message as JSON, in UTF-8; the subject says what kind of message it is. Ok is
 * a 2xx answer to the end of the data within SMTP_MS.
 */
#pragma once

#include "base/secret.h"
#include "config/deployment.h"
#include "courier/transfer.h"

enum { SMTP_MS = 20000 };

typedef void smtp_fn(void *ctx, bool ok, struct str detail);

/* secret NULL = nobody signs in. body is copied. done is called once, from the loop, never from
 * inside. timeout_ms 0 = SMTP_MS. */
enum rc smtp_send(struct transfers *t, const struct notifier *n, const struct secret *secret,
		  struct str message_id, struct str body, uint64_t unix_s, uint64_t timeout_ms,
		  smtp_fn *done, void *ctx, struct err *e);
/* Header and body as they are sent, appended to b. Bytes of the body cannot end the data or add a
 * header: it is one line of JSON in base64. */
enum rc smtp_compose(const struct notifier *n, struct str message_id, struct str body,
		     uint64_t unix_s, struct buf *b, struct err *e);
