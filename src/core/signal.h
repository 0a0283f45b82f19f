/* SPDX-License-Identifier: Apache-2.0 */
/* core/signal.h - facts about assets from independent sources, and what a tool demands of them.
 *
 * A signal is the latest word of one source about one thing of one asset ("health" of "host:db1" is
 * "down", says "probe"). Sources are monitoring systems that report with a token of their own,
 * incident sources whose webhooks carry such a field, and upstreams whose governed reads declare
 * one. No agent is a source. A tool that changes something may demand that several sources agree,
 * lately, before it runs without a person (controls AIR-AUT-08).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/list.h"
#include "core/reason.h"

struct state;

enum {
	SIGNAL_NAME_BYTES = 64,
	SIGNAL_VALUE_BYTES = 64, /* a word or a number; a sentence is no signal */
	SIGNALS_PER_REPORT = 64, /* one request of a source */
	SIGNALS_PER_ASSET = 64,	 /* names times sources, in the state */
	SIGNALS_PER_SOURCE = 8192,
	SIGNALS = 65536,		    /* in all: some 20 MB */
	SIGNAL_HORIZON_MS = 60 * 60 * 1000, /* forgotten after that */
	SIGNAL_SKEW_MS = 2000, /* so far ahead of ours may a source's clock be; beyond it is off */
};

/* ---- what a tool demands ---- */

struct signal_wanted {
	struct str name;
	struct str equals;
};

struct corroboration {
	const struct signal_wanted *signals;
	size_t n; /* 0 = nothing is demanded */
	uint32_t sources;
	uint64_t max_age_ms; /* at most SIGNAL_HORIZON_MS */
	bool denies;	     /* else a person is asked */
};

struct signal_verdict {
	enum reason reason; /* REASON_NONE: corroborated; signals_insufficient; signals_conflict */
	struct str detail;  /* which, of which asset; arena */
	uint64_t newest_ix; /* of the leaves that contradict, 0 = none */
};
/* For every target: each wanted signal is reported as it should be by at least one source, no
 * source reports it otherwise, and `sources` distinct ones have spoken about the wanted signals in
 * all. Older than max_age, or from the future, is as good as nothing. */
enum rc signals_judge(const struct state *s, const struct corroboration *k,
		      const struct str_list *targets, uint64_t now_unix_ms, struct arena *arena,
		      struct signal_verdict *ret, struct err *e);

/* ---- what a source reports ---- */

struct signal_report {
	struct str name;
	struct str asset; /* canonical; "" = those of the incident that it came with */
	struct str value;
	uint64_t observed_unix_ms; /* 0 = when it arrived */
};
/* One object {"name", "asset", "value", "observed_at"}; value is a text, number or flag. Strict:
 * RC_INPUT names what is wrong. needs_asset: an absent asset is wrong. */
enum rc signal_report_read(const struct json *j, bool needs_asset, struct arena *arena,
			   struct signal_report *ret, struct err *e);
/* {"signals": [...]} or one of them alone; 1 to SIGNALS_PER_REPORT. */
enum rc signal_reports_read(const struct json *j, struct arena *arena,
			    const struct signal_report **ret, size_t *ret_n, struct err *e);
/* The text of a value that can be a signal's: false for what is none or too long. */
bool signal_value(const struct json *j, struct str *ret);
bool signal_name_is_valid(struct str name);
/* May what was observed then take the place of this one? Not when it is older, unless this one's
 * time is ahead of ours: a clock that is set right again must be believed. */
struct signal;
bool signal_is_newer(const struct signal *have, uint64_t observed_unix_ms, uint64_t now_unix_ms);
