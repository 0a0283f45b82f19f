/* SPDX-License-Identifier: Apache-2.0 */
/* api/pagerduty.c - PagerDuty webhooks, version 3.
 *
 * Trust:  a request is believed when one of its signatures is the HMAC-SHA256 of the raw body under
 *         the source's secret; nothing is parsed before. PagerDuty sends several while a secret is
 *         being replaced.
 * Holds:  (1) all signatures are compared, each in constant time.
 *         (2) delivery is at least once and in no order: what says so (event id, occurred_at) goes
 *             into the normal form, where the governor heeds it.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "api/api_impl.h"
#include "base/num.h"

enum { MAC_BYTES = 32, MAX_SIGNATURES = 16 };

bool api_pagerduty_is_signed(const struct http_head *head, struct str body, struct str secret)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	size_t field = 0;
	unsigned seen = 0;
	bool is_signed = false;
	struct str value;

	if (secret.n == 0 || secret.n > INT32_MAX ||
	    !HMAC(EVP_sha256(), secret.p, (int)secret.n, (const unsigned char *)body.p, body.n, mac,
		  &n) ||
	    n != MAC_BYTES) {
		return false;
	}
	while (http_header_next(head, STR("X-PagerDuty-Signature"), &field, &value)) {
		while (value.p && seen++ < MAX_SIGNATURES) {
			struct str one = str_trim(str_cut(&value, ','));
			uint8_t theirs[MAC_BYTES];

			/* (1) */
			is_signed |= str_has_prefix(one, STR("v1=")) &&
				     num_hex(str_slice(one, 3, one.n), theirs, MAC_BYTES) &&
				     secret_eq(str_of(theirs, MAC_BYTES), str_of(mac, MAC_BYTES));
		}
	}
	return is_signed;
}

enum rc api_pagerduty(const struct source *s, struct str body, struct arena *arena,
		      struct buf *ret_event, struct err *e)
{
	const struct json *doc;
	struct str type;
	struct str event;

	TRY(api_parse(body, arena, &doc, e));
	if (!json_str(json_pointer(doc, STR("/event/event_type")), &event) ||
	    !json_str(json_pointer(doc, STR("/event/resource_type")), &type)) {
		FAIL(e, RC_INPUT, "not a PagerDuty webhook of version 3");
	}
	/* Notes, responders, pings: acknowledged, since a refusal would disable the webhook. */
	if (!str_eq(type, STR("incident")) ||
	    !json_str(json_pointer(doc, STR("/event/data/type")), &type) ||
	    !str_eq(type, STR("incident"))) {
		FAIL(e, RC_ABSENT, "nothing about the state of an incident");
	}
	return api_mapped(s, doc, event, ret_event, e);
}
