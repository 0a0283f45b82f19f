/* SPDX-License-Identifier: Apache-2.0 */
/* bench/policies.c - how long a deployment with ten thousand policies takes to load.
 *
 * All packs (their tools, playbooks and guardrails) with 10,000 further guardrails in a hundred
 * files, of five shapes: about one tool, about an upstream, about everything. What is measured is
 * all that `remit check` does with files that were read: the catalog, its schema for policies,
 * parsing, types and names of every policy. CPU time of the thread, the median of five.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/base.h"
#include "config/init.h"
#include "config/load.h"

enum { FILES = 100, PER_FILE = 100, ROUNDS = 5 };

static const uint64_t NOW = 1801440000000; /* 2027-02-01: after whatever was rehearsed */

static double now_s(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_packs(struct tree *tree)
{
	static const struct str packs[] = {{"postgresql", 10}, {"nginx", 5},
					   {"kubernetes", 10}, {"linux", 5},
					   {"okta", 4},	       {"crowdstrike-falcon", 18},
					   {"pagerduty", 9},   {"github", 6},
					   {"aws", 3},	       {"slack", 5}};
	const struct init_options o = {
	    .packs = packs, .n_packs = ARRAY_LEN(packs), .now_unix_ms = NOW};
	char root[] = "/tmp/remit-bench-XXXXXX";
	AUTO_FINDINGS f = FINDINGS_INIT;
	struct err e = ERR_INIT;
	char command[64];

	MUST(mkdtemp(root) && config_init(root, &o, &e) == RC_OK);
	MUST(tree_read(tree, root, &f, &e) == RC_OK);
	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	MUST(system(command) == 0);
}

/* The i-th rule, about this tool or its upstream. */
static enum rc add_policy(struct buf *b, unsigned i, const struct tool *t)
{
	unsigned n = i % PER_FILE;

	TRY(buf_addf(b, "@id(\"p%u\")\n", i));
	switch (i % 5) {
	case 0:
		return buf_addf(b,
				"forbid (principal, action == Remit::Action::\"" STR_FMT
				"\", resource)\nwhen { context.task.calls > %u && "
				"context.incident.severity <= %u && context.incident.regulated "
				"};\n\n",
				STR_ARG(t->public_name), n, 1 + n % 5);
	case 1:
		return buf_addf(
		    b,
		    "forbid (principal, action, resource is Remit::Asset)\nwhen { context "
		    "has effect && context.effect != \"read\" && "
		    "resource.labels.contains(\"zone=%u\") && !(resource.environment == "
		    "principal.environment) };\n\n",
		    n);
	case 2:
		return buf_addf(
		    b,
		    "@gate(\"quorum\")\nforbid (principal, action in Remit::Action::\"" STR_FMT
		    "\", resource)\nwhen { context.task.labels.containsAny([\"pii\", "
		    "\"secret\"]) || context.task.age_s > %u };\n\n",
		    STR_ARG(t->upstream->name), i);
	case 3:
		return buf_addf(
		    b,
		    "forbid (principal, action, resource)\nwhen { context has egress && "
		    "context.egress == \"public\" && context.task.count.contain > %u };\n\n",
		    n);
	default:
		break;
	}
	return buf_addf(
	    b,
	    "forbid (principal, action == Remit::Action::\"" STR_FMT
	    "\", resource)\nunless { context.intent.playbook == \"credential-abuse\" && "
	    "context.task.phase != \"contain\" && context.reversible };\n\n",
	    STR_ARG(t->public_name));
}

static void add_policies(struct tree *tree, const struct bundle *b)
{
	for (unsigned file = 0; file < FILES; file++) {
		AUTO_BUF text = BUF_INIT(1 << 20);
		char path[64];

		for (unsigned i = file * PER_FILE; i < (file + 1) * PER_FILE; i++) {
			/* Another tool each time, all of them in turn. */
			MUST(add_policy(&text, i, &b->tools[i * 7 % b->n_tools]) == RC_OK);
		}
		(void)snprintf(path, sizeof(path), "policies/base/bench%02u.cedar", file);
		MUST(tree_add(tree, str_from(path), buf_view(&text), NULL) == RC_OK);
	}
}

static double build(const struct tree *tree, struct deployment **ret)
{
	AUTO_FINDINGS f = FINDINGS_INIT;
	struct err e = ERR_INIT;
	double start = now_s();

	if (deployment_build(tree, NULL, NOW, ret, &f, &e) != RC_OK) {
		(void)fprintf(stderr, "%s\n", e.msg);
		exit(1);
	}
	return now_s() - start;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	AUTO_TREE tree = TREE_INIT;
	AUTO_DEPLOYMENT packs = NULL;
	double rounds[ROUNDS];
	double alone;

	read_packs(&tree);
	alone = build(&tree, &packs);
	add_policies(&tree, packs->bundle);
	for (unsigned i = 0; i < ROUNDS; i++) {
		AUTO_DEPLOYMENT d = NULL;

		rounds[i] = build(&tree, &d);
	}
	qsort(rounds, ROUNDS, sizeof(*rounds), by_size);
	printf("tools %zu, schema for policies %zu bytes\n", packs->bundle->n_tools,
	       packs->policy_schema.n);
	printf("loaded without the 10,000 policies  %7.1f ms\n", alone * 1000);
	printf("loaded with them                    %7.1f ms\n", rounds[ROUNDS / 2] * 1000);
	return 0;
}
