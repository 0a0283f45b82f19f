/* SPDX-License-Identifier: Apache-2.0 */
/* core/incident.c - reads the normal form of an incident event.
 *
 * Trust:  written by our own webhook readers and commands from what others sent: every text in it
 *         may be hostile.
 * Holds:  (1) assets are canonical targets, so that grants can be compared with them.
 *         (2) whatever is accepted fits into an incident.opened leaf, field by field.
 */
#include "core/incident.h"

#include "base/limits.h"
#include "base/num.h"
#include "core/target.h"

enum {
	NAME_BYTES = 128, /* as in leaf.def */
	SOURCE_ID_BYTES = 256,
	EVENT_BYTES = 64,
	EVENT_ID_BYTES = 1024, /* hashed before it goes into a leaf */
	MAX_ASSETS = LIMIT_TARGETS,
};

static enum rc read_text(const struct json *j, struct str name, size_t max, struct str *ret,
			 struct err *e)
{
	if (!json_str(j, ret) || ret->n > max) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' must be a string of at most %zu bytes",
		     STR_ARG(name), max);
	}
	return RC_OK;
}

static enum rc read_severity(const struct json *j, uint8_t *ret, struct err *e)
{
	uint64_t v;

	if (!json_u64(j, &v) || v < 1 || v > 5) {
		FAIL(e, RC_INPUT, "'severity' must be a number from 1 (worst) to 5");
	}
	*ret = (uint8_t)v;
	return RC_OK;
}

static enum rc read_status(const struct json *j, bool *ret_is_closed, struct err *e)
{
	struct str status;

	if (!json_str(j, &status) ||
	    (!str_eq(status, STR("open")) && !str_eq(status, STR("closed")))) {
		FAIL(e, RC_INPUT, "'status' must be \"open\" or \"closed\"");
	}
	*ret_is_closed = str_eq(status, STR("closed"));
	return RC_OK;
}

static enum rc read_assets(const struct json *j, struct arena *arena, struct str_list *ret,
			   struct err *e)
{
	struct str_list found = {0};
	struct str *assets;

	if (json_type(j) != JSON_ARRAY || j->count > MAX_ASSETS) {
		FAIL(e, RC_INPUT, "'assets' must be an array of at most %d strings", MAX_ASSETS);
	}
	assets = arena_alloc_n(arena, j->count, sizeof(*assets));
	if (!assets) {
		FAIL(e, RC_NOMEM, "no memory for an incident");
	}
	found.p = assets;
	for (const struct json *c = j->child; c; c = c->next) {
		enum reason bad = REASON_TARGET_TYPE_MISMATCH;
		struct str text;
		struct str asset;

		if (json_str(c, &text)) {
			bad = target_parse(text, arena, &asset);
		}
		if (bad == REASON_LIMIT) {
			FAIL(e, RC_NOMEM, "no memory for an incident");
		}
		if (bad != REASON_NONE) {
			FAIL(e, RC_INPUT, "'assets' must be of the form \"kind:value\": " STR_FMT,
			     STR_ARG(reason_text(bad)));
		}
		if (!str_list_has(&found, asset)) {
			assets[found.n++] = asset;
		}
	}
	*ret = found;
	return RC_OK;
}

static enum rc read_time(const struct json *j, uint64_t *ret, struct err *e)
{
	struct str text;

	if (!json_str(j, &text) || !num_time_unix_ms(text, ret) || *ret == 0) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' must be a time such as 2026-11-22T08:15:30Z",
		     STR_ARG(j->key));
	}
	return RC_OK;
}

/* A word like "incident.acknowledged" is kept; what is none is not worth an error. */
static enum rc read_event(const struct json *j, struct incident_event *ret, struct err *e)
{
	struct str text;

	if (!json_str(j, &text)) {
		FAIL(e, RC_INPUT, "'event' must be a string");
	}
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '.' && c != '_' && c != '-') {
			return RC_OK;
		}
	}
	if (text.n <= EVENT_BYTES) {
		ret->event = text;
	}
	return RC_OK;
}

static enum rc read_free_text(const struct json *j, const struct json **ret, struct err *e)
{
	struct str text;

	*ret = j;
	return read_text(j, j->key, LIMIT_TEXT_BYTES, &text, e);
}

/* When, and what else tells two deliveries apart. RC_ABSENT: another member. */
static enum rc read_delivery(const struct json *j, struct incident_event *ret, struct err *e)
{
	if (str_eq(j->key, STR("event"))) {
		return read_event(j, ret, e);
	}
	if (str_eq(j->key, STR("event_id"))) {
		return read_text(j, j->key, EVENT_ID_BYTES, &ret->event_id, e);
	}
	if (str_eq(j->key, STR("occurred_at"))) {
		return read_time(j, &ret->occurred_unix_ms, e);
	}
	if (str_eq(j->key, STR("began_at"))) {
		return read_time(j, &ret->began_unix_ms, e);
	}
	return RC_ABSENT;
}

static enum rc read_signals(const struct json *j, struct arena *arena, struct incident_event *ret,
			    struct err *e)
{
	struct signal_report *reports;

	if (json_type(j) != JSON_ARRAY || j->count > SIGNALS_PER_REPORT) {
		FAIL(e, RC_INPUT, "'signals' must be an array of at most %d", SIGNALS_PER_REPORT);
	}
	reports = arena_alloc_n(arena, j->count, sizeof(*reports));
	if (!reports) {
		FAIL(e, RC_NOMEM, "no memory for signals");
	}
	ret->signals = reports;
	for (const struct json *one = j->child; one; one = one->next) {
		TRY(signal_report_read(one, false, arena, &reports[ret->n_signals++], e));
	}
	return RC_OK;
}

static enum rc read_member(const struct json *j, struct arena *arena, struct incident_event *ret,
			   struct err *e)
{
	enum rc rc = read_delivery(j, ret, e);

	if (rc != RC_ABSENT) {
		return rc;
	}
	if (str_eq(j->key, STR("source_id"))) {
		return read_text(j, j->key, SOURCE_ID_BYTES, &ret->source_id, e);
	}
	if (str_eq(j->key, STR("class"))) {
		return read_text(j, j->key, NAME_BYTES, &ret->class, e);
	}
	if (str_eq(j->key, STR("severity"))) {
		return read_severity(j, &ret->severity, e);
	}
	if (str_eq(j->key, STR("status"))) {
		return read_status(j, &ret->is_closed, e);
	}
	if (str_eq(j->key, STR("service"))) {
		return read_text(j, j->key, NAME_BYTES, &ret->service, e);
	}
	if (str_eq(j->key, STR("environment"))) {
		return read_text(j, j->key, NAME_BYTES, &ret->environment, e);
	}
	if (str_eq(j->key, STR("assets"))) {
		ret->has_assets = true;
		return read_assets(j, arena, &ret->assets, e);
	}
	if (str_eq(j->key, STR("regulated"))) {
		if (!json_bool(j, &ret->is_regulated)) {
			FAIL(e, RC_INPUT, "'regulated' must be true or false");
		}
		ret->has_regulated = true;
		return RC_OK;
	}
	if (str_eq(j->key, STR("signals"))) {
		return read_signals(j, arena, ret, e);
	}
	if (str_eq(j->key, STR("title"))) {
		return read_free_text(j, &ret->title, e);
	}
	if (str_eq(j->key, STR("description"))) {
		return read_free_text(j, &ret->description, e);
	}
	if (str_eq(j->key, STR("labels"))) {
		ret->labels = j;
		if (j->type != JSON_OBJECT) {
			FAIL(e, RC_INPUT, "'labels' must be an object");
		}
		return RC_OK;
	}
	FAIL(e, RC_INPUT, "an incident has no member '" STR_FMT "'",
	     STR_ARG(str_slice(j->key, 0, LIMIT_ID_BYTES)));
}

enum rc incident_event_read(const struct json *j, struct arena *arena, struct incident_event *ret,
			    struct err *e)
{
	struct incident_event event = {0};

	if (json_type(j) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "an incident is an object, not %s", json_type_name(json_type(j)));
	}
	for (const struct json *c = j->child; c; c = c->next) {
		TRY(read_member(c, arena, &event, e));
	}
	if (!json_get(j, STR("status")) ||
	    (!event.is_closed && (event.class.n == 0 || event.severity == 0))) {
		FAIL(e, RC_INPUT, "an incident needs 'class', 'severity' and 'status'");
	}
	*ret = event;
	return RC_OK;
}

bool incident_is_about(const struct incident *i, struct str agent_name)
{
	for (size_t k = 0; k < i->assets.n; k++) {
		struct str asset = i->assets.p[k];

		if (str_has_prefix(asset, STR("agent:")) &&
		    str_eq(str_slice(asset, 6, asset.n), agent_name)) {
			return true;
		}
	}
	return false;
}
