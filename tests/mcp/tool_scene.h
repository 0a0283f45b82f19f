/* SPDX-License-Identifier: Apache-2.0 */
/* tool_scene.h - a pack's program as the runner starts it, in its sandbox: for tests of packs. */
#pragma once

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void start_runner(void)
{
	struct clock clock = clock_system();
	struct runner_conf conf = {.bundle = &bundle, .generation = 1, .say = on_say};

	assert_ok(loop_new(&clock, &loop, NULL));
	assert_ok(runner_new(loop, &conf, &runner, NULL));
}

static void stop_runner(void)
{
	runner_free(runner);
	loop_free(loop);
	buf_fini(&said_result);
	buf_fini(&said_detail);
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

/* As a service of the host would be: no child of this process, where the runner ends all that are
 * not its own. 0 in the new process, else its id. */
__attribute__((unused)) static pid_t start_apart(void)
{
	pid_t pid = 0;
	int ends[2];
	pid_t between;
	int status;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	between = fork();
	if (between == 0) {
		pid = fork();
		if (pid == 0) {
			return 0;
		}
		_exit(write(ends[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1);
	}
	assert_int_equal(waitpid(between, &status, 0), between);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	file_close(ends[0]);
	file_close(ends[1]);
	return pid;
}

/* The upstream's list of tools. */
static const struct json *ask_definitions(void)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct message m = {.kind = MESSAGE_LIST_DEFINITIONS};
	const struct json *tools;

	m.list_definitions.upstream = upstream.name;
	runner_hear(runner, &m);
	wait_said();
	assert_int_equal(said.kind, MESSAGE_DEFINITIONS);
	assert_ok(
	    json_parse(&arena, arena_str(&arena, buf_view(&said_result)), &limits, &tools, NULL));
	return tools;
}

/* True when the pack has this tool, with its digest; false when it has none of the name. */
static bool is_pinned_or_absent(const struct json *listed, const struct json *pack)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_BUF whole = BUF_INIT(1 << 18);
	struct json_out w = json_out_to(&whole);
	const struct json *pinned;
	const struct json *built;
	struct str name;
	uint8_t theirs[32];
	uint8_t ours[32];

	assert_true(json_str(json_get(listed, STR("name")), &name));
	pinned = json_get(json_get(json_get(pack, STR("tools")), name), STR("definition"));
	if (!pinned) {
		return false;
	}
	json_out_object(&w);
	json_out_key_str(&w, "name", name);
	for (const struct json *d = pinned->child; d; d = d->next) {
		json_out_key(&w, d->key);
		json_out_node(&w, d);
	}
	json_out_close(&w);
	assert_ok(json_out_end(&w, NULL));
	assert_ok(json_parse(&arena, arena_str(&arena, buf_view(&whole)), &limits, &built, NULL));
	assert_ok(tool_definition_digest(listed, theirs, NULL));
	assert_ok(tool_definition_digest(built, ours, NULL));
	assert_memory_equal(theirs, ours, sizeof(ours));
	return true;
}

/* Every tool of the server, and no other. */
__attribute__((unused)) static void the_catalog_pins_what_the_server_says(void **state)
{
	(void)state;
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *tools = ask_definitions();
	AUTO_BUF text = BUF_INIT(1 << 20);
	const struct json *pack;

	assert_ok(file_read(pack_yaml, &text, NULL));
	assert_ok(yaml_parse(&arena, buf_view(&text), &limits, &pack, NULL));
	for (const struct json *t = tools->child; t; t = t->next) {
		assert_true(is_pinned_or_absent(t, pack));
	}
	assert_int_equal(tools->count, json_get(pack, STR("tools"))->count);
}
