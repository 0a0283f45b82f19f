/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_sources.c - sources of incidents, and the mapping of their fields.
 *
 * Holds:  (1) what a source may say of class, severity, status and environment is a closed list.
 *         (2) a member of the mapping that is given replaces the type's own; nothing is merged.
 */
#include "base/limits.h"
#include "config/load.h"
#include "core/target.h"

#define MAPPING_KEYS                                                                               \
	"source_id class severity status service environment regulated event_id occurred_at "      \
	"title labels assets"

/* ---- alertmanager ---- */

static void load_severities(struct load *l, const struct json *source, struct source *s)
{
	const struct json *map = load_map(l, source, "severities", REQUIRED);
	struct source_severity *list;

	if (!map) {
		return;
	}
	list = load_alloc(l, map->count, sizeof(*list));
	for (const struct json *one = map->child; one && list; one = one->next) {
		uint64_t severity = 0;

		if (!json_u64(one, &severity) || severity < 1 || severity > 5) {
			load_error(l, one, "expected a severity from 1 (worst) to 5");
			continue;
		}
		list[s->n_severities].value = one->key;
		list[s->n_severities].severity = (uint8_t)severity;
		s->n_severities++;
	}
	s->severities = list;
}

static void load_labels(struct load *l, const struct json *source, struct source *s)
{
	const struct json *labels = load_map(l, source, "labels", REQUIRED);

	if (!labels || !load_keys(l, labels, "labels", "class severity service assets regulated")) {
		return;
	}
	s->class_label = load_text(l, labels, "class", REQUIRED);
	s->severity_label = load_text(l, labels, "severity", REQUIRED);
	s->service_label = load_text(l, labels, "service", OPTIONAL);
	s->assets_label = load_text(l, labels, "assets", REQUIRED);
	s->regulated_label = load_text(l, labels, "regulated", OPTIONAL);
}

/* ---- mappings ---- */

static bool pointer_is_valid(struct str text)
{
	return text.n > 1 && text.p[0] == '/' && text.n <= LIMIT_ID_BYTES;
}

static void check_pointer(struct load *l, const struct json *at, struct str text)
{
	if (!pointer_is_valid(text)) {
		load_error(l, at, "expected a JSON pointer such as /data/id, found '" STR_FMT "'",
			   STR_ARG(text));
	}
}

/* One pointer, or a list of them. */
static void load_pointers(struct load *l, const struct json *at, struct source_field *f)
{
	bool is_list = json_type(at) == JSON_ARRAY;
	struct str *items = load_alloc(l, is_list ? at->count : 1, sizeof(*items));

	f->pointers.p = items;
	for (const struct json *one = is_list ? at->child : at; one && items;
	     one = is_list ? one->next : NULL) {
		if (!json_str(one, &items[f->pointers.n])) {
			load_error(l, one, "expected a JSON pointer, found %s",
				   json_type_name(json_type(one)));
			continue;
		}
		check_pointer(l, one, items[f->pointers.n]);
		f->pointers.n++;
	}
	if (f->pointers.n == 0) {
		load_error(l, at, "expected at least one JSON pointer");
	}
}

static void load_values(struct load *l, const struct json *field, struct source_field *f)
{
	const struct json *map = load_map(l, field, "values", OPTIONAL);
	struct source_value *list = map ? load_alloc(l, map->count, sizeof(*list)) : NULL;

	f->values = list;
	for (const struct json *one = list ? map->child : NULL; one; one = one->next) {
		list[f->n_values++] =
		    (struct source_value){.from = one->key, .to = load_scalar(l, one)};
	}
	if (map && f->n_values == 0) {
		load_error(l, map, "'values' is empty");
	}
}

/* `/pointer`, `[/one, /other]`, or {pointer, values, default} or {constant}. */
static void load_field(struct load *l, const struct json *mapping, const char *key,
		       struct source_field *f)
{
	const struct json *at = json_get(mapping, str_from(key));
	const struct json *constant;

	if (!at) {
		return;
	}
	*f = (struct source_field){0}; /* (2) */
	if (json_type(at) != JSON_OBJECT) {
		load_pointers(l, at, f);
		return;
	}
	if (!load_keys(l, at, "a field", "pointer values default constant")) {
		return;
	}
	constant = json_get(at, STR("constant"));
	if (constant) {
		f->constant = load_scalar(l, constant);
		if (at->count > 1) {
			load_error(l, at, "a 'constant' needs nothing beside it");
		}
		return;
	}
	if (load_get(l, at, "pointer", REQUIRED)) {
		load_pointers(l, json_get(at, STR("pointer")), f);
	}
	load_values(l, at, f);
	if (json_get(at, STR("default"))) {
		f->otherwise = load_scalar(l, json_get(at, STR("default")));
	}
}

static void check_assets(struct load *l, const struct json *list)
{
	for (const struct json *one = json_type(list) == JSON_ARRAY ? list->child : NULL; one;
	     one = one->next) {
		struct str text;
		struct str canonical;

		if (json_str(one, &text) &&
		    target_parse(text, l->arena, &canonical) != REASON_NONE) {
			load_error(l, one, "'" STR_FMT "': expected an asset such as host:db1",
				   STR_ARG(text));
		}
	}
}

static void load_asset_values(struct load *l, const struct json *one, struct source_asset *a)
{
	const struct json *map = load_map(l, one, "values", OPTIONAL);
	struct source_asset_value *list = map ? load_alloc(l, map->count, sizeof(*list)) : NULL;
	AUTO_BUF key = BUF_INIT(LIMIT_TEXT_BYTES);

	a->values = list;
	for (const struct json *m = list ? map->child : NULL; m; m = m->next) {
		buf_reset(&key);
		if (buf_add(&key, m->key) != RC_OK || buf_add_char(&key, '\0') != RC_OK) {
			load_error(l, m, "the value is too long");
			continue;
		}
		list[a->n_values].from = m->key;
		list[a->n_values].assets = load_list(l, map, key.p, REQUIRED);
		check_assets(l, m);
		a->n_values++;
	}
	if (map && a->n_values == 0) {
		load_error(l, map, "'values' is empty");
	}
	if (map && a->kind.n) {
		load_error(l, json_get(one, STR("kind")),
			   "'values' names whole assets: 'kind' does not go with it");
	}
}

/* keys: "kind pointer", or with values */
static void load_asset(struct load *l, const struct json *one, const char *keys,
		       struct source_asset *a)
{
	if (!load_keys(l, one, "an asset", keys)) {
		return;
	}
	a->kind = load_text(l, one, "kind", OPTIONAL);
	a->pointer = load_text(l, one, "pointer", REQUIRED);
	if (a->kind.n && !target_kind_is_valid(a->kind)) {
		load_error(l, json_get(one, STR("kind")),
			   "'kind': expected lower case letters, digits and '-', found '" STR_FMT
			   "'",
			   STR_ARG(a->kind));
	}
	if (a->pointer.n) {
		check_pointer(l, json_get(one, STR("pointer")), a->pointer);
	}
	load_asset_values(l, one, a);
}

static void load_assets(struct load *l, const struct json *mapping, struct source_mapping *m)
{
	const struct json *list = load_array(l, mapping, "assets", OPTIONAL);
	struct source_asset *assets = list ? load_alloc(l, list->count, sizeof(*assets)) : NULL;

	m->assets = assets;
	for (const struct json *one = assets ? list->child : NULL; one; one = one->next) {
		load_asset(l, one, "kind pointer values", &assets[m->n_assets++]);
	}
}

/* ---- signals ---- */

/* Of a webhook: where the value is, and of which asset. */
static void load_carried(struct load *l, const struct json *list, struct source *s)
{
	struct source_signal *signals = load_alloc(l, list->count, sizeof(*signals));

	s->signals = signals;
	for (const struct json *one = signals ? list->child : NULL; one; one = one->next) {
		struct source_signal *x = &signals[s->n_signals++];
		const struct json *asset;

		if (!load_keys(l, one, "a signal", "name value asset")) {
			continue;
		}
		x->name = load_text(l, one, "name", REQUIRED);
		load_check_signal(l, json_get(one, STR("name")), x->name);
		if (load_get(l, one, "value", REQUIRED)) {
			load_field(l, one, "value", &x->value);
		}
		asset = load_map(l, one, "asset", OPTIONAL);
		if (asset) {
			load_asset(l, asset, "kind pointer", &x->asset);
		}
	}
}

/* Of a source that reports signals and nothing else: the names it may use. */
static void load_reported(struct load *l, const struct json *source, struct source *s)
{
	struct str_list names = load_list(l, source, "signals", REQUIRED);
	struct source_signal *signals = load_alloc(l, names.n, sizeof(*signals));

	s->signals = signals;
	for (size_t i = 0; signals && i < names.n; i++) {
		signals[s->n_signals++].name = names.p[i];
		load_check_signal(l, json_at(json_get(source, STR("signals")), i), names.p[i]);
	}
}

/* ---- what a mapping must be able to say ---- */

static bool is_in(struct str word, const char *words)
{
	struct str rest = str_from(words);

	while (rest.p) {
		if (str_eq(str_cut(&rest, ' '), word)) {
			return true;
		}
	}
	return false;
}

/* (1): every value that the field can give. words NULL: one of list. */
static void check_outcomes(struct load *l, const struct json *mapping, const char *key,
			   const struct source_field *f, const char *words,
			   const struct str_list *list)
{
	const struct json *at = json_get(mapping, str_from(key));

	for (size_t i = 0; i < f->n_values + 2; i++) {
		struct str to = i < f->n_values	   ? f->values[i].to
				: i == f->n_values ? f->otherwise
						   : f->constant;

		if (to.n && !(words ? is_in(to, words) : str_list_has(list, to))) {
			load_error(l, at, "'%s': '" STR_FMT "' is not one of %s", key, STR_ARG(to),
				   words ? words : "the source's 'classes'");
		}
	}
}

static bool is_given(const struct source_field *f)
{
	return f->pointers.n > 0 || f->constant.n > 0;
}

static void need(struct load *l, const struct json *at, const char *key,
		 const struct source_field *f)
{
	if (!is_given(f)) {
		load_error(l, at, "the mapping does not say where '%s' is", key);
	}
}

static void check_mapping(struct load *l, const struct json *source, const struct source *s)
{
	const struct json *mapping = json_get(source, STR("mapping"));
	const struct json *at = mapping ? mapping : source;
	const struct source_mapping *m = &s->mapping;

	need(l, at, "source_id", &m->source_id);
	need(l, at, "class", &m->class);
	need(l, at, "severity", &m->severity);
	need(l, at, "status", &m->status);
	check_outcomes(l, mapping, "class", &m->class, NULL, &s->classes);
	check_outcomes(l, mapping, "severity", &m->severity, "1 2 3 4 5", NULL);
	check_outcomes(l, mapping, "status", &m->status, "open closed ignore", NULL);
	check_outcomes(l, mapping, "regulated", &m->regulated, "true false", NULL);
	if (is_given(&m->environment) && !m->environment.constant.n &&
	    m->environment.n_values == 0) {
		load_error(l, json_get(mapping, STR("environment")),
			   "'environment' needs 'values': a source names no environment freely");
	}
}

/* ---- the types' own mappings ---- */

static const struct str pd_id[] = {{"/event/data/id", 14}};
static const struct str pd_status[] = {{"/event/data/status", 18}};
static const struct str pd_severity[] = {{"/event/data/priority/summary", 28},
					 {"/event/data/urgency", 19}};
static const struct str pd_service[] = {{"/event/data/service/summary", 27}};
static const struct str pd_title[] = {{"/event/data/title", 17}};
static const struct str pd_event[] = {{"/event/id", 9}};
static const struct str pd_time[] = {{"/event/occurred_at", 18}};
static const struct source_value pd_statuses[] = {{{"triggered", 9}, {"open", 4}},
						  {{"acknowledged", 12}, {"open", 4}},
						  {{"resolved", 8}, {"closed", 6}}};
static const struct source_value pd_severities[] = {
    {{"P1", 2}, {"1", 1}}, {{"P2", 2}, {"2", 1}},  {{"P3", 2}, {"3", 1}},   {{"P4", 2}, {"4", 1}},
    {{"P5", 2}, {"5", 1}}, {{"low", 3}, {"4", 1}}, {{"high", 4}, {"2", 1}},
};

static const struct source_mapping pagerduty_mapping = {
    .source_id = {.pointers = {pd_id, 1}},
    .severity = {.pointers = {pd_severity, 2},
		 .values = pd_severities,
		 .n_values = ARRAY_LEN(pd_severities)},
    .status = {.pointers = {pd_status, 1},
	       .values = pd_statuses,
	       .n_values = ARRAY_LEN(pd_statuses)},
    .service = {.pointers = {pd_service, 1}},
    .event_id = {.pointers = {pd_event, 1}},
    .occurred_at = {.pointers = {pd_time, 1}},
    .title = {.pointers = {pd_title, 1}},
};

/* The event's own id is unique with its source: both are one text (api/cloudevents.c). */
static const struct str ce_subject[] = {{"/subject", 8}};
static const struct str ce_event[] = {{"/remit_event_id", 15}};
static const struct str ce_time[] = {{"/time", 5}};

static const struct source_mapping cloudevents_mapping = {
    .source_id = {.pointers = {ce_subject, 1}},
    .event_id = {.pointers = {ce_event, 1}},
    .occurred_at = {.pointers = {ce_time, 1}},
};

static void load_mapping(struct load *l, const struct json *source, enum presence p,
			 struct source *s)
{
	const struct json *mapping = load_map(l, source, "mapping", p);
	struct source_mapping *m = &s->mapping;

	if (s->type == SOURCE_PAGERDUTY) {
		*m = pagerduty_mapping;
	} else if (s->type == SOURCE_CLOUDEVENTS) {
		*m = cloudevents_mapping;
	}
	m->is_given = mapping != NULL;
	if (!mapping || !load_keys(l, mapping, "mapping", MAPPING_KEYS)) {
		return;
	}
	load_field(l, mapping, "source_id", &m->source_id);
	load_field(l, mapping, "class", &m->class);
	load_field(l, mapping, "severity", &m->severity);
	load_field(l, mapping, "status", &m->status);
	load_field(l, mapping, "service", &m->service);
	load_field(l, mapping, "environment", &m->environment);
	load_field(l, mapping, "regulated", &m->regulated);
	load_field(l, mapping, "event_id", &m->event_id);
	load_field(l, mapping, "occurred_at", &m->occurred_at);
	load_field(l, mapping, "title", &m->title);
	m->labels = load_text(l, mapping, "labels", OPTIONAL);
	if (m->labels.n) {
		check_pointer(l, json_get(mapping, STR("labels")), m->labels);
	}
	load_assets(l, mapping, m);
	check_mapping(l, source, s);
}

/* ---- a source ---- */

static void refuse_key(struct load *l, const struct json *source, const char *key, const char *type)
{
	const struct json *at = json_get(source, str_from(key));

	if (at) {
		load_error(l, at, "'%s' does not go with a source of type %s", key, type);
	}
}

static void load_type(struct load *l, const struct json *source, struct source *s)
{
	struct str type = load_text(l, source, "type", REQUIRED);

	if (str_eq(type, STR("alertmanager"))) {
		s->type = SOURCE_ALERTMANAGER;
		load_labels(l, source, s);
		load_severities(l, source, s);
		refuse_key(l, source, "mapping", "alertmanager");
		return;
	}
	if (str_eq(type, STR("generic"))) {
		s->type = SOURCE_GENERIC;
		load_mapping(l, source, OPTIONAL, s);
	} else if (str_eq(type, STR("pagerduty"))) {
		s->type = SOURCE_PAGERDUTY;
		load_mapping(l, source, REQUIRED, s);
	} else if (str_eq(type, STR("cloudevents"))) {
		s->type = SOURCE_CLOUDEVENTS;
		load_mapping(l, source, REQUIRED, s);
	} else if (type.n > 0) {
		load_error(l, json_get(source, STR("type")),
			   "'type': expected alertmanager, pagerduty, cloudevents, generic or "
			   "signals, found '" STR_FMT "'",
			   STR_ARG(type));
		return;
	}
	if (json_get(source, STR("labels")) || json_get(source, STR("severities"))) {
		load_error(l, source,
			   "'labels' and 'severities' go with alertmanager: other sources say "
			   "class and severity themselves or have a 'mapping'");
	}
}

static struct str type_of(const struct json *source)
{
	struct str type;

	return json_str(json_get(source, STR("type")), &type) ? type : STR("");
}

static void load_source(struct load *l, const struct json *source, struct source *s)
{
	const struct json *signals;
	bool has_environments;

	s->name = source->key;
	if (str_eq(s->name, STR("remit")) || str_eq(s->name, STR("person"))) {
		load_error(l, source, "'" STR_FMT "' is the name of Remit's own source",
			   STR_ARG(s->name));
	}
	if (!load_keys(l, source, "a source",
		       "type secret_file environment classes labels severities mapping signals")) {
		return;
	}
	if (str_eq(s->name, STR("person")) || str_eq(s->name, STR("remit"))) {
		load_error(l, source, "'" STR_FMT "' is Remit's own name for a source",
			   STR_ARG(s->name));
	}
	s->secret_file = load_path(l, source, "secret_file", REQUIRED, PATH_SECRET);
	if (str_eq(type_of(source), STR("signals"))) {
		static const char *const others[] = {"environment", "classes", "labels",
						     "severities", "mapping"};

		s->type = SOURCE_SIGNALS;
		load_reported(l, source, s);
		for (size_t i = 0; i < ARRAY_LEN(others); i++) {
			refuse_key(l, source, others[i], "signals");
		}
		return;
	}
	signals = load_array(l, source, "signals", OPTIONAL);
	if (signals) {
		load_carried(l, signals, s);
	}
	s->classes = load_list(l, source, "classes", REQUIRED);
	load_type(l, source, s);
	has_environments = is_given(&s->mapping.environment);
	s->environment =
	    load_text(l, source, "environment", has_environments ? OPTIONAL : REQUIRED);
	if (has_environments && s->environment.n) {
		load_error(l, json_get(source, STR("environment")),
			   "the environment is said twice: here and by the mapping");
	}
}

void load_sources(struct load *l, const struct json *doc)
{
	const struct json *map = load_map(l, doc, "sources", OPTIONAL);
	struct source *list = map ? load_alloc(l, map->count, sizeof(*list)) : NULL;

	for (const struct json *one = list ? map->child : NULL; one; one = one->next) {
		load_check_name(l, one);
		load_source(l, one, &list[l->d->n_sources++]);
	}
	l->d->sources = list;
}
