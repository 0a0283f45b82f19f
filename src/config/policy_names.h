/* SPDX-License-Identifier: Apache-2.0 */
/* config/policy_names.h - the names that a deployment knows and policies may compare with.
 *
 * Each list holds each name once; the lists are the caller's arena's, the names are borrowed from
 * the bundle and the sources.
 */
#pragma once

#include "config/source.h"
#include "core/bundle.h"

struct policy_names {
	struct str_list tools;	 /* public names */
	struct str_list data;	 /* classes of data that results may have */
	struct str_list labels;	 /* what a task may bear: those, and "untrusted" */
	struct str_list signals; /* that sources and tools report, or tools ask for */
	struct str_list
	    classes; /* of incidents: of playbooks, agents and sources, and Remit's own */
	struct str_list playbooks;
	struct str_list goals;
	struct str_list phases;
	struct str_list kinds; /* of targets: of tools, and of the inventory */
};

enum rc policy_names_of(const struct bundle *b, const struct source *sources, size_t n_sources,
			struct arena *arena, struct policy_names *ret, struct err *e);
