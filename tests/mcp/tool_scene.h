/* SPDX-License-Identifier: Apache-2.0 */
/* tool_scene.h - a pack's program as the runner starts it, in its sandbox: for tests of packs. */
#pragma once

#include <openssl/sha.h>

#include "base/file.h"
#include "codec/yaml.h"
#include "runner/runner.h"
#include "test.h"

static const char *pack_yaml;
static struct loop *loop;
static struct runner *runner;
static struct arena arena = ARENA_INIT(64 << 20);
static struct upstream upstream;
static struct bundle bundle = {.upstreams = &upstream, .n_upstreams = 1};
static unsigned n_said;
static struct message said;
static struct buf said_result = BUF_INIT(1 << 20);
static struct buf said_detail = BUF_INIT(512);
static uint64_t last_call = 40;

/* ---- the runner ---- */

static void on_say(void *ctx, const struct message *m)
{
	(void)ctx;
	said = *m;
	n_said++;
	buf_reset(&said_result);
	buf_reset(&said_detail);
	if (m->kind == MESSAGE_OUTCOME) {
		assert_ok(buf_add(&said_result, m->outcome.result));
		assert_ok(buf_add(&said_detail, m->outcome.detail));
	} else if (m->kind == MESSAGE_DEFINITIONS) {
		assert_ok(buf_add(&said_result, m->definitions.tools));
		assert_ok(buf_add(&said_detail, m->definitions.detail));
	}
}

static void wait_said(void)
{
	unsigned before = n_said;

	for (int i = 0; i < 1000 && n_said == before; i++) {
		assert_ok(loop_step(loop, 20, NULL));
	}
	assert_int_equal(n_said, before + 1);
}

static void call(const char *tool, const char *args)
{
	static uint8_t digest[SHA256_DIGEST_LENGTH];
	struct str a = str_from(args);
	struct message m = {.kind = MESSAGE_ADMISSION};

	assert_non_null(SHA256((const uint8_t *)a.p, a.n, digest));
	m.admission = (struct msg_admission){
	    .call = ++last_call,
	    .generation = 1,
	    .send_by_boot_ns = clock_boot_ns(loop_clock(loop)) + 2000000000,
	    .task = STR("t1"),
	    .upstream = upstream.name,
	    .tool = str_from(tool),
	    .args = a,
	    .args_sha256 = str_of(digest, sizeof(digest)),
	};
	runner_hear(runner, &m);
	wait_said();
}

static void outcome(enum outcome_kind kind, const char *part)
{
	if (said.outcome.kind != kind || !str_contains(buf_view(&said_result), str_from(part))) {
		fail_msg("outcome %d, want %d with '%s': " STR_FMT " " STR_FMT, said.outcome.kind,
			 kind, part, STR_ARG(buf_view(&said_detail)),
			 STR_ARG(buf_view(&said_result)));
	}
}

static void the_catalog_pins_what_the_server_says(void **state)
{
	(void)state;
	AUTO_BUF text = BUF_INIT(1 << 16);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct message m = {.kind = MESSAGE_LIST_DEFINITIONS};
	const struct json *pack;
	const struct json *tools;
	size_t n = 0;

	m.list_definitions.upstream = upstream.name;
	runner_hear(runner, &m);
	wait_said();
	assert_int_equal(said.kind, MESSAGE_DEFINITIONS);
	assert_ok(
	    json_parse(&arena, arena_str(&arena, buf_view(&said_result)), &limits, &tools, NULL));
	assert_ok(file_read(pack_yaml, &text, NULL));
	assert_ok(yaml_parse(&arena, buf_view(&text), &limits, &pack, NULL));
	for (const struct json *t = tools->child; t; t = t->next, n++) {
		AUTO_BUF whole = BUF_INIT(1 << 16);
		struct json_out w = json_out_to(&whole);
		const struct json *pinned;
		const struct json *built;
		struct str name;
		uint8_t theirs[32];
		uint8_t ours[32];

		assert_true(json_str(json_get(t, STR("name")), &name));
		pinned = json_get(json_get(json_get(pack, STR("tools")), name), STR("definition"));
		json_out_object(&w);
		json_out_key_str(&w, "name", name);
		for (const struct json *d = pinned->child; d; d = d->next) {
			json_out_key(&w, d->key);
			json_out_node(&w, d);
		}
		json_out_close(&w);
		assert_ok(json_out_end(&w, NULL));
		assert_ok(
		    json_parse(&arena, arena_str(&arena, buf_view(&whole)), &limits, &built, NULL));
		assert_ok(tool_definition_digest(t, theirs, NULL));
		assert_ok(tool_definition_digest(built, ours, NULL));
		assert_memory_equal(theirs, ours, sizeof(ours));
	}
	assert_int_equal(n, json_get(pack, STR("tools"))->count);
}
