/* SPDX-License-Identifier: Apache-2.0 */
/* cli/evidence_ask.h - options and requests that the evidence commands share. */
#pragma once

#include "cli/cli.h"
#include "codec/json.h"

enum { EVIDENCE_IDS_MAX = 64 };

struct evidence_options {
	const char *socket; /* never NULL */
	const char *log;
	const char *key;
	const char *to;
	const char *purpose;
	const char *recipient;
	const char *ids[EVIDENCE_IDS_MAX];
	size_t n_ids;
	bool as_json;
};

/* 0, or the exit status of a mistake. */
int evidence_parse(const struct cli_command *c, int argc, char **argv, struct evidence_options *o);

/* One request; the answer lives in arena. Anything but 2xx is an error of the class that the status
 * stands for, with Remit's own words. */
enum rc evidence_ask(const struct evidence_options *o, const char *method, struct str path,
		     struct str body, struct arena *arena, const struct json **ret, struct err *e);

/* The items that the ids stand for: each an item's id ("e12"), or an incident's ("i3"), which is
 * all its items that are there. None given: all items. Texts live in arena. RC_LIMIT when there are
 * more than the list shows. */
enum rc evidence_items(const struct evidence_options *o, struct arena *arena, struct str **ret,
		       size_t *ret_n, struct err *e);
