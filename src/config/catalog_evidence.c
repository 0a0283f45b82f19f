/* SPDX-License-Identifier: Apache-2.0 */
/* config/catalog_evidence.c - what a tool preserves, and what it wants preserved first.
 *
 * Holds:  (1) every kind that a tool requires is one that some read in the catalog captures.
 *         (2) evidence is kept at least as long as every tool that requires its kind says.
 */
#include "base/limits.h"
#include "config/catalog.h"

enum { DAY_MS = 24 * 3600 * 1000, KEEP_DAYS = 90 };

static const uint64_t KEEP_MAX_MS = (uint64_t)100 * 366 * DAY_MS;

static void read_preserve(struct load *l, const struct json *evidence, struct draft *d)
{
	const struct json *list = load_array(l, evidence, "preserve", OPTIONAL);
	struct derived_call *calls = list ? load_alloc(l, list->count, sizeof(*calls)) : NULL;
	size_t n = 0;

	for (const struct json *one = calls ? list->child : NULL; one; one = one->next) {
		catalog_read_derived(l, one, "a read that preserves", "tool arguments", &calls[n]);
		n++;
	}
	d->tool.preserve = calls;
	d->tool.n_preserve = n;
}

static void read_needs(struct load *l, const struct json *evidence, struct draft *d)
{
	struct tool *t = &d->tool;
	const struct json *requires = json_get(evidence, STR("requires"));
	struct str keep = STR_NULL;
	struct str what = load_text(l, evidence, "what", REQUIRED);

	(void)load_get(l, evidence, "keep", REQUIRED); /* it reports */
	d->keep_ms = load_duration(l, evidence, "keep", KEEP_MAX_MS, 0);
	if (what.n > 0 && json_str(json_get(evidence, STR("keep")), &keep)) {
		t->evidence =
		    arena_strf(l->arena, STR_FMT "; kept " STR_FMT, STR_ARG(what), STR_ARG(keep));
		l->is_out_of_memory |= !t->evidence.p;
	}
	t->requires = load_list(l, evidence, "requires", OPTIONAL);
	if (t->requires.n > LIMIT_EVIDENCE_KINDS) {
		load_error(l, requires, "more than %d kinds", LIMIT_EVIDENCE_KINDS);
	}
	t->requires_max_age_ms = load_duration(l, evidence, "max_age", KEEP_MAX_MS, 0);
	read_preserve(l, evidence, d);
	if (t->requires.n == 0 && (t->requires_max_age_ms || t->n_preserve)) {
		load_error(l, evidence, "'max_age' and 'preserve' go with 'requires'");
	}
}

static void read_captures(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *captures = load_get(l, node, "captures", OPTIONAL);
	struct capture_rule *c = &t->captures;
	struct str mode;

	if (!captures) {
		return;
	}
	c->keep_ms = (uint64_t)KEEP_DAYS * DAY_MS;
	if (json_type(captures) == JSON_STRING) {
		c->kind = load_text(l, node, "captures", REQUIRED);
	} else if (load_keys(l, captures, "captures", "kind keep mode")) {
		c->kind = load_text(l, captures, "kind", REQUIRED);
		c->keep_ms = load_duration(l, captures, "keep", KEEP_MAX_MS, c->keep_ms);
		mode = load_text(l, captures, "mode", OPTIONAL);
		c->is_compliance = str_eq(mode, STR("compliance"));
		if (mode.n > 0 && !c->is_compliance && !str_eq(mode, STR("governance"))) {
			load_error(l, json_get(captures, STR("mode")),
				   "'mode': expected governance or compliance, found '" STR_FMT "'",
				   STR_ARG(mode));
		}
	}
	if (c->kind.n > 0 && !name_is_valid(c->kind)) {
		load_error(l, captures, "'" STR_FMT "' is no name of a kind of evidence",
			   STR_ARG(c->kind));
	}
}

void catalog_read_evidence(struct load *l, const struct json *node, struct draft *d)
{
	const struct json *evidence = load_map(l, node, "evidence", OPTIONAL);
	const struct json *altering = json_get(node, STR("altering"));

	if (evidence && load_keys(l, evidence, "evidence", "what keep requires max_age preserve")) {
		read_needs(l, evidence, d);
	}
	read_captures(l, node, &d->tool);
	d->tool.does_not_alter = altering && !load_flag(l, node, "altering");
}

/* ---- The rules ---- */

/* (1) */
static void check_kind(struct load *l, const struct draft *drafts, size_t n, const struct json *at,
		       struct str kind)
{
	struct nearest near = nearest_to(kind);

	for (size_t i = 0; i < n; i++) {
		if (str_eq(drafts[i].tool.captures.kind, kind)) {
			return;
		}
		if (drafts[i].tool.captures.kind.n > 0) {
			nearest_try(&near, drafts[i].tool.captures.kind);
		}
	}
	load_unknown(l, at, "read in the catalog captures evidence of kind", &near);
}

static void check_preserve(struct load *l, const struct draft *drafts, size_t n,
			   const struct draft *d)
{
	const struct json *evidence = json_get(d->node, STR("evidence"));
	const struct json *list = json_get(evidence, STR("preserve"));

	for (size_t i = 0; i < d->tool.n_preserve; i++) {
		const struct derived_call *call = &d->tool.preserve[i];
		const struct json *at = json_at(list, i);
		const struct draft *callee =
		    catalog_check_call(l, drafts, n, d, at, "preserve", call, true);

		if (callee && !str_list_has(&d->tool.requires, callee->tool.captures.kind)) {
			load_error(l, at, "'" STR_FMT "' captures nothing that 'requires' names",
				   STR_ARG(call->tool));
		}
	}
}

static void check_captures(struct load *l, const struct draft *d)
{
	const struct json *captures = json_get(d->node, STR("captures"));

	if (!captures) {
		return;
	}
	if (d->tool.effect != EFFECT_READ) {
		load_error(l, captures,
			   "'captures': evidence comes from reads; '" STR_FMT "' is " STR_FMT,
			   STR_ARG(d->tool.name), STR_ARG(effect_name(d->tool.effect)));
	} else if (d->tool.n_targets == 0) {
		load_error(l, captures, "'captures': 'targets' must say what it is evidence of");
	}
}

static void check_altering(struct load *l, const struct draft *d)
{
	const struct json *altering = json_get(d->node, STR("altering"));
	const struct tool *t = &d->tool;

	if (!altering) {
		return;
	}
	if (t->effect == EFFECT_READ) {
		load_error(l, altering, "'altering': a read alters nothing");
	} else if (t->does_not_alter && (t->deletes_data || t->changes_access)) {
		load_error(l, altering,
			   "'altering': what deletes data or changes access alters its target");
	} else if (t->does_not_alter && t->requires.n > 0) {
		load_error(l, altering, "'altering': what alters nothing needs no evidence first");
	}
}

void catalog_check_evidence(struct load *l, struct draft *drafts, size_t n, struct draft *d)
{
	const struct json *evidence = json_get(d->node, STR("evidence"));
	const struct json *requires = json_get(evidence, STR("requires"));

	for (size_t i = 0; i < d->tool.requires.n; i++) {
		check_kind(l, drafts, n, requires, d->tool.requires.p[i]);
	}
	if (d->tool.effect == EFFECT_READ && d->tool.requires.n > 0) {
		load_error(l, requires, "'requires': a read needs no evidence first");
	}
	check_preserve(l, drafts, n, d);
	check_captures(l, d);
	check_altering(l, d);
	/* (2) */
	for (size_t i = 0; i < n && d->tool.captures.kind.n > 0; i++) {
		if (str_list_has(&drafts[i].tool.requires, d->tool.captures.kind) &&
		    drafts[i].keep_ms > d->tool.captures.keep_ms) {
			d->tool.captures.keep_ms = drafts[i].keep_ms;
		}
	}
}
