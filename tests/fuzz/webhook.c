/* SPDX-License-Identifier: Apache-2.0 */
/* webhook.c - a source's number, then an HTTP request: whatever an authenticated source sends, what
 * comes out binds nothing that its configuration does not allow. */
#include <stdlib.h>

#include "../unit/sources.h"
#include "core/incident.h"

#include "fuzz.h"

static void check(const struct source *s, struct str event, struct arena *arena)
{
	struct incident_event ev;
	const struct json *j;

	if (json_parse(arena, event, NULL, &j, NULL) != RC_OK) {
		abort();
	}
	if (incident_event_read(j, arena, &ev, NULL) != RC_OK) {
		return;
	}
	if ((ev.class.n && !str_list_has(&s->classes, ev.class)) ||
	    !source_may_be_in(s, ev.environment)) {
		abort();
	}
}

/* A report that was taken is taken again from its own canonical form. */
static void check_signals(const struct source *s, struct str body, struct arena *arena)
{
	AUTO_BUF once = BUF_INIT(1 << 20);
	AUTO_BUF twice = BUF_INIT(1 << 20);

	if (api_signals(s, body, arena, &once, NULL) == RC_OK &&
	    (api_signals(s, buf_view(&once), arena, &twice, NULL) != RC_OK ||
	     !str_eq(buf_view(&once), buf_view(&twice)))) {
		abort();
	}
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	static struct sources all;
	AUTO_ARENA arena = ARENA_INIT(64 << 20);
	AUTO_BUF event = BUF_INIT(1 << 20);
	struct str rest = str_of(bytes, n);
	const struct source *s;
	struct http_head head;
	size_t scanned = 0;

	if (!all.d.n_sources) {
		sources_load(&all, sources_yaml);
	}
	if (n == 0) {
		return 0;
	}
	s = &all.d.sources[bytes[0] % all.d.n_sources];
	rest = str_slice(rest, 1, rest.n);
	if (http_parse_request(rest, &scanned, &head, NULL) != RC_OK) {
		return 0;
	}
	rest = str_slice(rest, head.head_bytes, rest.n);
	if (s->type == SOURCE_SIGNALS) {
		check_signals(s, rest, &arena);
		return 0;
	}
	(void)api_is_authentic(s, &head, rest, STR("0123456789abcdef")); /* must only end */
	if (api_event(s, &head, rest, &arena, &event, NULL) == RC_OK) {
		check(s, buf_view(&event), &arena);
	}
	return 0;
}
