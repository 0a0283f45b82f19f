/* SPDX-License-Identifier: Apache-2.0 */
/* drill/fixture_impl.h - what fixture*.c share while a fixture is read. */
#pragma once

#include "drill/fixture.h"
#include "drill/node.h"

struct making {
	struct load *l;
	struct arena *a;
	const struct json *fixture; /* never NULL */
	struct tree *tree;
	struct fixture *f;
	bool has_directory; /* the tree began with a deployment's own files */
	struct str environment;
	struct str trust_domain;
	struct json *classes;	 /* of all incidents */
	struct json *data;	 /* classes of all tools */
	VEC(struct str) granted; /* public names of all tools that somebody wrote */
};

/* upstreams/: the catalog and the tools' simulated half. Sets m->data and m->granted. */
enum rc fixture_make_upstreams(struct making *m, struct err *e);
/* "db.query" or "db___query" -> "db___query". */
struct str fixture_tool_name(struct making *m, const struct json *name);
/* A list of such names, each as public name. */
struct json *fixture_tool_names(struct making *m, const struct json *list);
