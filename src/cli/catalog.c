/* SPDX-License-Identifier: Apache-2.0 */
/* cli/catalog.c - remit catalog import, remit catalog diff.
 *
 * An upstream's list is read as a running Remit reads it: by the runner, in a sandbox, or by the
 * agents' front's client. Nothing is called.
 *
 * Trust:  what an upstream lists is hostile; it is printed as quoted text, names only if plain.
 */
#include "cli/catalog.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "config/deployment.h"
#include "config/propose.h"
#include "front/sender.h"
#include "runner/runner.h"

enum { LIST_MS = 30000, STEP_MS = 50, TEXT_BYTES = 16 << 20, COMMAND_MAX = 64 };

/* ---- asking ---- */

struct asking {
	bool is_over;
	bool is_ok;
	struct buf tools;
	struct buf detail;
	enum rc rc;
};

static void on_say(void *ctx, const struct message *m)
{
	struct asking *a = ctx;

	if (m->kind != MESSAGE_DEFINITIONS) {
		return;
	}
	a->is_over = true;
	a->is_ok = m->definitions.ok;
	a->rc = buf_add(&a->tools, m->definitions.tools);
	if (a->rc == RC_OK) {
		a->rc = buf_add(&a->detail, m->definitions.detail);
	}
}

static enum rc wait_for_list(struct loop *l, struct asking *a, struct err *e)
{
	struct clock clock = clock_system();
	uint64_t until_ns = clock_boot_ns(&clock) + (uint64_t)LIST_MS * 1000000;

	while (!a->is_over && clock_boot_ns(&clock) < until_ns) {
		TRY(loop_step(l, STEP_MS, e));
	}
	if (!a->is_over) {
		FAIL(e, RC_AGAIN, "the upstream did not list its tools within %d s",
		     LIST_MS / 1000);
	}
	if (!a->is_ok) {
		FAIL(e, RC_IO, "the upstream does not list its tools: " STR_FMT,
		     STR_ARG(buf_view(&a->detail)));
	}
	return a->rc;
}

static enum rc ask_runner(struct loop *l, const struct bundle *b, struct asking *a, struct err *e)
{
	const struct runner_conf conf = {.bundle = b, .generation = 1, .say = on_say, .say_ctx = a};
	const struct message m = {.kind = MESSAGE_LIST_DEFINITIONS,
				  .list_definitions = {.upstream = b->upstreams[0].name}};
	struct runner *r = NULL;
	enum rc rc;

	TRY(runner_new(l, &conf, &r, e));
	runner_hear(r, &m);
	rc = wait_for_list(l, a, e);
	runner_free(r);
	return rc;
}

static enum rc ask_sender(struct loop *l, const struct bundle *b, struct asking *a, struct err *e)
{
	const struct sender_conf conf = {.bundle = b, .generation = 1, .say = on_say, .say_ctx = a};
	const struct message m = {.kind = MESSAGE_LIST_DEFINITIONS,
				  .list_definitions = {.upstream = b->upstreams[0].name}};
	struct sender *s = NULL;
	enum rc rc;

	TRY(sender_new(l, &conf, &s, e));
	(void)sender_hear(s, &m); /* it is for a sender */
	rc = wait_for_list(l, a, e);
	sender_free(s);
	return rc;
}

/* The tools of u as it lists them, in arena. */
static enum rc list_tools(const struct upstream *u, struct arena *arena, const struct json **ret,
			  struct err *e)
{
	const struct bundle b = {.upstreams = u, .n_upstreams = 1};
	struct asking a = {.tools = BUF_INIT(TEXT_BYTES), .detail = BUF_INIT(4096)};
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct clock clock = clock_system();
	struct loop *l = NULL;
	struct str text;
	enum rc rc;

	TRY(loop_new(&clock, &l, e));
	rc = u->transport == TRANSPORT_HTTP ? ask_sender(l, &b, &a, e) : ask_runner(l, &b, &a, e);
	loop_free(l);
	if (rc == RC_OK) {
		text = arena_str(arena, buf_view(&a.tools));
		limits.max_bytes = TEXT_BYTES;
		rc = text.p ? json_parse(arena, text, &limits, ret, e) : RC_NOMEM;
	}
	buf_fini(&a.tools);
	buf_fini(&a.detail);
	return rc;
}

/* ---- remit catalog import ---- */

struct import {
	struct upstream upstream;
	struct str command[COMMAND_MAX];
	const char *out;
};

static bool take_import_option(struct import *in, const char *name, char *value)
{
	if (!strcmp(name, "--url")) {
		in->upstream.url = str_from(value);
	} else if (!strcmp(name, "--ca-file")) {
		in->upstream.ca_file = str_from(value);
	} else if (!strcmp(name, "--out")) {
		in->out = value;
	} else {
		return false;
	}
	return true;
}

static enum rc import(const struct import *in, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(4 * TEXT_BYTES);
	AUTO_BUF out = BUF_INIT(TEXT_BYTES);
	struct proposal p = {
	    .name = in->upstream.name, .url = in->upstream.url, .command = in->upstream.command};
	size_t n = 0;

	TRY(list_tools(&in->upstream, &arena, &p.tools, e));
	TRY(propose_catalog(&p, &out, &n, e));
	if (!in->out) {
		return cli_print(buf_view(&out)) ? RC_IO : RC_OK;
	}
	if (access(in->out, F_OK) == 0) {
		FAIL(e, RC_DENIED, "'%s' is there already", in->out);
	}
	TRY(file_replace(in->out, buf_view(&out), 0644, e));
	printf("%zu tools proposed in %s: every one is destroy until you have said what it is\n", n,
	       in->out);
	return RC_OK;
}

int cli_catalog_import(const struct cli_command *c, int argc, char **argv)
{
	struct import in = {.upstream = {.timeout_ms = LIST_MS, .refresh_ms = LIST_MS}};
	struct err e = ERR_INIT;
	int i = 1;

	if (argc < 1 || argv[0][0] == '-') {
		return cli_misuse(c, "which name shall the upstream have?");
	}
	in.upstream.name = str_from(argv[0]);
	for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
		if (!take_import_option(&in, argv[i], argv[i + 1])) {
			return cli_misuse(c, "unexpected argument '%s'", argv[i]);
		}
	}
	if (i < argc && !strcmp(argv[i], "--")) {
		for (i++; i < argc && in.upstream.command.n < COMMAND_MAX; i++) {
			in.command[in.upstream.command.n++] = str_from(argv[i]);
		}
		in.upstream.command.p = in.command;
	}
	if (i < argc || (in.upstream.url.n > 0) == (in.upstream.command.n > 0)) {
		return cli_misuse(c, "either --url URL, or -- PROGRAM ARGUMENT...");
	}
	in.upstream.transport = in.upstream.url.n > 0 ? TRANSPORT_HTTP : TRANSPORT_STDIO;
	return import(&in, &e) == RC_OK ? 0 : cli_fail(c, &e);
}

/* ---- remit catalog diff ---- */

static bool is_plain(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f) {
			return false;
		}
	}
	return name.n > 0 && name.n <= PUBLIC_NAME_BYTES;
}

/* Which member of the definition is another one? */
static const char *what_differs(const struct json *ours, const struct json *theirs)
{
	static const char *const members[] = {"title", "description", "inputSchema", "outputSchema",
					      "annotations"};

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const struct json *a = json_get(ours, str_from(members[i]));
		const struct json *b = json_get(theirs, str_from(members[i]));

		if (!a != !b || (a && !json_equal(a, b))) {
			return members[i];
		}
	}
	return "spelling of a number";
}

static enum rc diff_listed(const struct bundle *b, const struct upstream *u,
			   const struct json *listed, struct buf *out, size_t *n, struct err *e)
{
	struct str name = STR("");
	const struct tool *t;
	uint8_t digest[32];

	if (!json_str(json_get(listed, STR("name")), &name) || !is_plain(name)) {
		(*n)++;
		return buf_addf(out, "? a tool whose name no catalog can hold\n");
	}
	t = bundle_tool_of(b, u, name);
	if (!t) {
		(*n)++;
		return buf_addf(out, "+ " STR_FMT ": the upstream has it, the catalog does not\n",
				STR_ARG(name));
	}
	TRY(tool_definition_digest(listed, digest, e));
	if (memcmp(digest, t->digest, sizeof(digest)) == 0) {
		return buf_addf(out, "  " STR_FMT "\n", STR_ARG(name));
	}
	(*n)++;
	return buf_addf(out, "! " STR_FMT ": another %s than the catalog's, so it is denied\n",
			STR_ARG(name), what_differs(t->definition, listed));
}

static enum rc diff_missing(const struct bundle *b, const struct upstream *u,
			    const struct json *tools, struct buf *out, size_t *n)
{
	for (size_t i = 0; i < b->n_tools; i++) {
		bool is_listed = false;

		for (const struct json *t = tools->child; t; t = t->next) {
			struct str name = STR("");

			is_listed |= json_str(json_get(t, STR("name")), &name) &&
				     str_eq(name, b->tools[i].name);
		}
		if (b->tools[i].upstream == u && !is_listed) {
			(*n)++;
			TRY(buf_addf(out,
				     "- " STR_FMT ": the catalog has it, the upstream does not\n",
				     STR_ARG(b->tools[i].name)));
		}
	}
	return RC_OK;
}

static enum rc diff(const char *dir, struct str name, struct err *e)
{
	AUTO_FINDINGS found = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	AUTO_ARENA arena = ARENA_INIT(4 * TEXT_BYTES);
	AUTO_BUF out = BUF_INIT(TEXT_BYTES);
	const struct upstream *u;
	const struct json *tools = NULL;
	size_t n = 0;

	TRY(deployment_load(dir, &d, &found, e));
	u = bundle_upstream(d->bundle, name);
	if (!u) {
		FAIL(e, RC_ABSENT, "no upstream '" STR_FMT "' in %s", STR_ARG(name), dir);
	}
	if (u->transport == TRANSPORT_COMMAND) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is made of programs, which list nothing",
		     STR_ARG(name));
	}
	TRY(list_tools(u, &arena, &tools, e));
	if (json_type(tools) != JSON_ARRAY) {
		FAIL(e, RC_INPUT, "what the upstream lists is no list of tools");
	}
	for (const struct json *t = tools->child; t; t = t->next) {
		TRY(diff_listed(d->bundle, u, t, &out, &n, e));
	}
	TRY(diff_missing(d->bundle, u, tools, &out, &n));
	if (cli_print(buf_view(&out))) {
		FAIL(e, RC_IO, "cannot print");
	}
	if (n > 0) {
		FAIL(e, RC_DENIED, "%zu differ%s", n, n == 1 ? "s" : "");
	}
	return RC_OK;
}

int cli_catalog_diff(const struct cli_command *c, int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc != 3 || strcmp(argv[1], "--dir") != 0) {
		return cli_misuse(c, "which upstream, of which directory?");
	}
	return diff(argv[2], str_from(argv[0]), &e) == RC_OK ? 0 : cli_fail(c, &e);
}
