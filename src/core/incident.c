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
#include "core/target.h"

enum {
	NAME_BYTES = 128, /* as in leaf.def */
	SOURCE_ID_BYTES = 256,
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

static enum rc read_member(const struct json *j, struct arena *arena, struct incident_event *ret,
			   struct err *e)
{
	struct str text;

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
		return read_assets(j, arena, &ret->assets, e);
	}
	if (str_eq(j->key, STR("regulated"))) {
		if (!json_bool(j, &ret->is_regulated)) {
			FAIL(e, RC_INPUT, "'regulated' must be true or false");
		}
		return RC_OK;
	}
	if (str_eq(j->key, STR("title"))) {
		ret->title = j;
		return read_text(j, j->key, LIMIT_TEXT_BYTES, &text, e);
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
	if (event.class.n == 0 || event.severity == 0 || !json_get(j, STR("status"))) {
		FAIL(e, RC_INPUT, "an incident needs 'class', 'severity' and 'status'");
	}
	*ret = event;
	return RC_OK;
}
