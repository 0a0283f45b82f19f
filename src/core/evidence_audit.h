/* SPDX-License-Identifier: Apache-2.0 */
/* core/evidence_audit.h - "no remediation ran without qualifying evidence", over a log alone.
 *
 * Fed with every leaf of a log in order, it says which allowed calls lacked the evidence that the
 * catalog of their time required (call.decided: requires, max_age_ms), which evidence was destroyed
 * without authority, and whose custody is no chain. It shares nothing with the state that the
 * governor decided by but the leaves: a second opinion, of a few hundred lines.
 *
 * What it cannot see: a requirement that the catalog never had. The bundle's digest in each
 * call.decided says which catalog it was.
 */
#pragma once

#include "core/leaf.h"

enum { EVIDENCE_AUDIT_FAULTS = 1000 }; /* kept; all are counted */

struct evidence_audit;

struct evidence_fault {
	uint64_t leaf; /* that shows it */
	struct str what;
};

struct evidence_counts {
	uint64_t altering;  /* allowed calls of agents that were not reads */
	uint64_t required;  /* of these, with evidence required */
	uint64_t preserved; /* ... which had it all */
	uint64_t waived;    /* ... which had a waiver for what was missing */
	uint64_t items;	    /* evidence captured */
	uint64_t destroyed;
	uint64_t faults;
};

enum rc evidence_audit_new(struct evidence_audit **ret, struct err *e);
void evidence_audit_free(struct evidence_audit *a);
/* Leaves in order, from 0. Only memory is an error. l may be gone afterwards. */
enum rc evidence_audit_take(struct evidence_audit *a, uint64_t ix, const struct leaf *l,
			    struct err *e);
struct evidence_counts evidence_audit_counts(const struct evidence_audit *a);
/* The first EVIDENCE_AUDIT_FAULTS, borrowed. */
const struct evidence_fault *evidence_audit_faults(const struct evidence_audit *a, size_t *ret_n);
