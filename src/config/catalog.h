/* SPDX-License-Identifier: Apache-2.0 */
/* config/catalog.h - a tool while the catalog is being read; shared by catalog's files only.
 *
 * What a tool refers to (inverse, capture, verification) may come later in the file, so tools are
 * read first and held to the rules afterwards (catalog_check.c).
 */
#pragma once

#include "config/load.h"

struct draft {
	struct tool tool;
	struct str file;
	const struct json *node;	/* the tool's mapping */
	const struct json *effect_node; /* NULL = not declared */
	enum effect declared;		/* of a tool with cases: the default */
	struct effect_case *cases;
	bool is_unclassified;
	uint64_t keep_ms;    /* of the evidence that it wants first */
	bool has_no_inverse; /* inverse: none */
	bool has_no_verify;  /* verify: none */
};

/* Reads one tool. upstream points into the bundle. */
void catalog_read_tool(struct load *l, const struct upstream *upstream, const struct json *node,
		       struct draft *ret);
/* The i-th row that `gating` may name; p == NULL behind the last. */
struct str catalog_gating(size_t i);
/* The keys reads, at_most, redact, accepts_secrets (catalog_reads.c). t->data is read. */
void catalog_read_reads(struct load *l, const struct json *node, struct tool *t);
/* Reports more classes of data than can be accounted for, over all tools. */
void catalog_check_classes(struct load *l);
/* Its `rehearsal` (catalog_rehearsal.c); and what a rehearsal of it is good for. */
void catalog_read_rehearsal(struct load *l, const struct json *node, struct tool *t);
void catalog_check_rehearsal(struct load *l, const struct draft *drafts, size_t n, struct draft *d);
/* Its `corroboration`, or the `signal` that a read gives (catalog_signal.c). */
void catalog_read_signals(struct load *l, const struct json *node, struct tool *t);
void catalog_check_signals(struct load *l, const struct draft *d);
/* What must hold of a tool, now that all are read. Fixes its effect first (for all drafts). */
void catalog_check(struct load *l, struct draft *drafts, size_t n);

/* ---- between catalog's files ---- */
/* A mapping of tool and arguments; keys: what else it may hold, those two included. */
void catalog_read_derived(struct load *l, const struct json *node, const char *what,
			  const char *keys, struct derived_call *ret);
/* Is the tool that is called there, does it read only (when it must), do its arguments fit? The
 * tool's draft, NULL when it is not there. */
const struct draft *catalog_check_call(struct load *l, const struct draft *drafts, size_t n,
				       const struct draft *d, const struct json *at,
				       const char *key, const struct derived_call *call,
				       bool must_read);
/* catalog_flow.c: `egress`, `requires`, `invariant`, `in_use`, `fence`; and over all tools. */
void catalog_read_flow(struct load *l, const struct json *node, struct tool *t);
void catalog_check_flow(struct load *l);
/* catalog_evidence.c: `evidence`, `captures`, `altering`. */
void catalog_read_evidence(struct load *l, const struct json *node, struct draft *d);
void catalog_check_evidence(struct load *l, struct draft *drafts, size_t n, struct draft *d);
