/* SPDX-License-Identifier: Apache-2.0 */
/* front/witnessed.c - a short list, and what is said of it.
 *
 * Trust:  the governor. Names are of the policy file: words, but of any bytes.
 */
#include "front/witnessed.h"

#include <string.h>

static struct str name_of(const struct witnessed_one *x)
{
	return str_of(x->name, x->name_n);
}

void witnessed_hear(struct witnessed *w, const struct msg_witness_seen *m)
{
	struct witnessed_one *x;
	size_t i = 0;

	while (i < w->n && !str_eq(name_of(&w->list[i]), m->name)) {
		i++;
	}
	if (i == TLOG_POLICY_MAX_WITNESSES || m->name.n > sizeof(x->name)) {
		return; /* no policy has so many, nor a message such a name */
	}
	x = &w->list[i];
	if (i == w->n) {
		memcpy(x->name, m->name.n ? m->name.p : "", m->name.n);
		x->name_n = m->name.n;
		w->n++;
	}
	if (m->boot_ns) {
		x->boot_ns = m->boot_ns;
	}
}

static uint64_t age_s(const struct witnessed_one *x, uint64_t now_boot_ns)
{
	return now_boot_ns > x->boot_ns ? (now_boot_ns - x->boot_ns) / 1000000000 : 0;
}

/* A label's value has these three escaped, and nothing else. */
static enum rc add_label(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '\n') {
			TRY(buf_add(out, STR("\\n")));
			continue;
		}
		if (c == '"' || c == '\\') {
			TRY(buf_add(out, STR("\\")));
		}
		TRY(buf_add(out, str_of(&c, 1)));
	}
	return RC_OK;
}

enum rc witnessed_metrics(const struct witnessed *w, uint64_t now_boot_ns, struct buf *out)
{
	if (w->n > 0) {
		TRY(buf_addf(out, "# TYPE remit_witness_cosigned_age_seconds gauge\n"));
	}
	for (size_t i = 0; i < w->n; i++) {
		const struct witnessed_one *x = &w->list[i];

		if (!x->boot_ns) {
			continue;
		}
		TRY(buf_addf(out, "remit_witness_cosigned_age_seconds{witness=\""));
		TRY(add_label(out, name_of(x)));
		TRY(buf_addf(out, "\"} %llu\n", (unsigned long long)age_s(x, now_boot_ns)));
	}
	return RC_OK;
}

enum rc witnessed_lines(const struct witnessed *w, uint64_t now_boot_ns, struct buf *out)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct witnessed_one *x = &w->list[i];

		TRY(buf_addf(out, "witness "));
		TRY(add_label(out, name_of(x)));
		if (x->boot_ns) {
			TRY(buf_addf(out, ": cosigned %llu s ago\n",
				     (unsigned long long)age_s(x, now_boot_ns)));
		} else {
			TRY(buf_addf(out, ": has not cosigned\n"));
		}
	}
	return RC_OK;
}
