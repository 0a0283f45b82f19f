/* SPDX-License-Identifier: Apache-2.0 */
/* shard_scene.h - a governor whose log is in shards of an hour and is kept for an hour. */
#pragma once

#include "gov_scene.h"

#include "base/file.h"

enum { SHARD_HOUR_MS = 3600 * 1000 };

/* Before the start. */
static inline void shard_set_up(void)
{
	AUTO_BUF remit = BUF_INIT(65536);
	char path[256];

	scene_path(path, "deployment/remit.yaml");
	assert_ok(file_read(path, &remit, NULL));
	assert_ok(buf_add(&remit, STR("log: {shard: 1h, keep: 1h}\n")));
	scene_write("deployment/remit.yaml", buf_view(&remit));
	scene_write("deployment/inventory/all.yaml", STR("assets: {\"pg-role:app\": {}}\n"));
}

/* A leaf that nothing needs later. */
static inline void shard_leaf(struct scene *s)
{
	static bool is_up;

	s->n_answers = 0;
	assert_int_equal(scene_command(s, ALICE, COMMAND_INVENTORY_SET,
				       is_up ? "{\"asset\":\"pg-role:app\",\"health\":\"up\"}"
					     : "{\"asset\":\"pg-role:app\",\"health\":\"down\"}")
			     ->code,
			 200);
	is_up = !is_up;
}

/* So many checkpoints are signed, each with a leaf more. */
static inline void shard_publish(struct scene *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t signed_before = s->n_to_sign;

		shard_leaf(s);
		for (int k = 0; k < SCENE_PATIENCE && s->n_to_sign == signed_before; k++) {
			scene_step(s, 20);
		}
		assert_true(s->n_to_sign > signed_before);
	}
}

/* What is said of that shard; NULL: there is none. */
static inline const char *shard_line(struct scene *s, unsigned number)
{
	const char *text;
	char start[48];

	s->n_answers = 0;
	text = scene_command(s, ALICE, COMMAND_SHARD_LIST, "{}")->text;
	(void)snprintf(start, sizeof(start), "{\"number\":%u,", number);
	return strstr(text, start);
}

/* Until the list says so of it, and before the next one. */
static inline void shard_wait(struct scene *s, unsigned number, const char *says)
{
	const char *line = NULL;

	for (int i = 0; i < SCENE_PATIENCE; i++) {
		const char *end;
		const char *at;

		line = shard_line(s, number);
		end = line ? strchr(line, '}') : NULL;
		at = end ? strstr(line, says) : NULL;
		if (at && at < end) {
			return;
		}
		scene_step(s, 20);
	}
	fail_msg("never '%s' of shard %u: %s", says, number, line ? line : "there is none");
}

/* An hour with a leaf in it goes by, and that shard begins. */
static inline void shard_begin(struct scene *s, unsigned number)
{
	shard_leaf(s);
	scene_pass(SHARD_HOUR_MS + 1000);
	shard_wait(s, number, "\"first\":");
}

static inline const struct heard_reply *shard_prune(struct scene *s, uint32_t uid, unsigned number)
{
	char body[32];

	s->n_answers = 0;
	(void)snprintf(body, sizeof(body), "{\"shard\":%u}", number);
	return scene_command(s, uid, COMMAND_PRUNE, body);
}
