/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_witness.c - witnesses.policy and remit.yaml's `witnesses`: who cosigns the log, and
 * what waits for them. */
#include <tlog.h>

#include "config/load.h"

enum {
	SECOND = 1000,
	EVERY_LEAST_MS = 100, /* as often as the log is signed */
	EVERY_MOST_MS = 3600 * SECOND,
	AWAY_MOST_MS = 24 * 3600 * SECOND,
};

static const struct str POLICY = {"witnesses.policy", 16};

/* To this machine, so that nobody on the way sees or changes anything. */
static bool is_local(struct str url)
{
	static const struct str hosts[] = {
	    {"http://127.0.0.1", 16}, {"http://localhost", 16}, {"http://[::1]", 12}};

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		if (str_has_prefix(url, hosts[i]) &&
		    (url.n == hosts[i].n || url.p[hosts[i].n] == ':' || url.p[hosts[i].n] == '/')) {
			return true;
		}
	}
	return false;
}

static bool is_prefix(struct str url)
{
	for (size_t i = 0; i < url.n; i++) {
		unsigned char c = (unsigned char)url.p[i];

		if (c <= ' ' || c >= 0x7f || c == '?' || c == '#' || c == '@' || c == '\\') {
			return false;
		}
	}
	return str_has_prefix(url, STR("https://")) || is_local(url);
}

static void check_policy(struct load *l, const struct tlog_policy *p)
{
	bool is_ours = tlog_policy_logs(p) == 0;

	for (size_t i = 0; i < tlog_policy_logs(p); i++) {
		is_ours |= str_eq(l->b->origin, str_from(tlog_policy_log(p, i)->name));
	}
	if (!is_ours) {
		load_error(l, NULL, "no line 'log' is about this log, '" STR_FMT "'",
			   STR_ARG(l->b->origin));
	}
	for (size_t i = 0; i < tlog_policy_witnesses(p); i++) {
		const struct tlog_witness *w = tlog_policy_witness(p, i);

		if (w->url.n == 0) {
			load_warn(l, NULL, "witness '" STR_FMT "' has no URL: it is never asked",
				  STR_ARG(w->name));
		} else if (!is_prefix(w->url)) {
			load_error(l, NULL,
				   "witness '" STR_FMT "': expected https://..., or http to this "
				   "machine, found '" STR_FMT "'",
				   STR_ARG(w->name), STR_ARG(w->url));
		}
	}
}

/* Does the policy ask for anybody? */
static bool has_quorum(const struct tlog_policy *p)
{
	static const bool nobody[TLOG_POLICY_MAX_WITNESSES];

	return !tlog_policy_is_met(p, nobody);
}

static void load_required(struct load *l, const struct json *map, const struct tlog_policy *p)
{
	struct str_list names = load_list(l, map, "required_for", OPTIONAL);

	for (size_t i = 0; i < names.n; i++) {
		enum effect effect;

		if (!effect_from_name(names.p[i], &effect)) {
			load_error(l, json_get(map, STR("required_for")),
				   "'required_for': expected read, contain or destroy, found "
				   "'" STR_FMT "'",
				   STR_ARG(names.p[i]));
			continue;
		}
		l->b->witness.effects[effect] = true;
	}
	if (names.n > 0 && p && !has_quorum(p)) {
		load_error(l, json_get(map, STR("required_for")),
			   "'required_for': the policy's quorum is nobody, so nobody would be "
			   "missed");
	}
}

void load_witnesses(struct load *l)
{
	const struct tree_file *file = tree_find(l->tree, POLICY);
	const struct json *map;
	AUTO_TLOG_POLICY policy = NULL;
	struct err e = ERR_INIT;
	enum rc rc;

	if (file) {
		l->file = POLICY;
		rc = tlog_policy_parse(file->bytes, &policy, &e);
		l->is_out_of_memory |= rc == RC_NOMEM;
		if (rc != RC_OK) {
			load_error(l, NULL, "%s", e.msg);
		} else {
			check_policy(l, policy);
		}
		l->b->witness.is_used = true;
		l->d->witnesses.policy = arena_str(&l->d->arena, file->bytes);
		l->is_out_of_memory |= !l->d->witnesses.policy.p;
	}
	l->file = STR("remit.yaml");
	l->arena = &l->d->arena;
	map = load_map(l, l->remit, "witnesses", OPTIONAL);
	if (map) {
		(void)load_keys(l, map, "witnesses",
				"every away_after required_for ca_file"); /* reports */
		if (!file) {
			load_error(l, map, "'witnesses' needs a file '" STR_FMT "'",
				   STR_ARG(POLICY));
		}
		load_required(l, map, policy);
		l->d->witnesses.ca_file = load_path(l, map, "ca_file", OPTIONAL, PATH_FILE);
	}
	l->d->witnesses.every_ms = load_duration(l, map, "every", EVERY_MOST_MS, SECOND);
	l->d->witnesses.away_after_ms =
	    load_duration(l, map, "away_after", AWAY_MOST_MS, 10 * SECOND);
	if (l->d->witnesses.every_ms < EVERY_LEAST_MS) {
		load_error(l, json_get(map, STR("every")), "'every': at least %dms",
			   EVERY_LEAST_MS);
	}
	if (l->d->witnesses.away_after_ms < 2 * l->d->witnesses.every_ms) {
		load_error(l, map, "'away_after' must be at least twice 'every'");
	}
	l->arena = &l->b->arena;
}

void load_witness_tools(struct load *l)
{
	for (size_t i = 0; i < l->b->n_tools; i++) {
		if (l->b->tools[i].requires_witness && l->d->witnesses.policy.n == 0) {
			l->file = STR("remit.yaml");
			load_error(l, NULL,
				   "tool '" STR_FMT "' requires a witness, and there is no file "
				   "'" STR_FMT "'",
				   STR_ARG(l->b->tools[i].public_name), STR_ARG(POLICY));
			return;
		}
	}
}
