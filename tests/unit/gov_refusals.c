/* SPDX-License-Identifier: Apache-2.0 */
/* gov_refusals.c - who is refused again and again does not fill the log. How long that holds is in
 * refusal_pace.c. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

static void a_stranger_is_refused_as_often_as_it_asks_and_fills_no_log(void **state)
{
	const char *stranger = "spiffe://example.org/stranger";

	(void)state;
	scene_open(&s);
	for (int i = 0; i < LIMIT_REFUSALS_OF_AGENT + 30; i++) {
		struct message m = {
		    .kind = MESSAGE_REFUSED,
		    .refused = {.source = STR("192.0.2.7:1"), .reason = STR("certificate")}};

		scene_send(&s, AGENTS, &m);
		assert_says(scene_wait(&s, scene_ask(&s, stranger, 0, "db___end", LOGIN, 0)),
			    "agent_unregistered");
		s.n_replies = 0;
	}
	/* Another agent's refusals are still on the record. */
	assert_says(scene_wait(&s, scene_ask(&s, RESPONDER, 0, "db___end", LOGIN, 0)),
		    "task_required");
	scene_close(&s);
	scene_read_log(&disk);
	assert_in_range(scene_count(&disk, LEAF_CALL_DECIDED), LIMIT_REFUSALS_OF_AGENT + 1,
			LIMIT_REFUSALS_OF_AGENT + 29);
	assert_in_range(scene_count(&disk, LEAF_REFUSALS_COUNTED), LIMIT_REFUSALS_OF_ADDRESS,
			LIMIT_REFUSALS_OF_ADDRESS + 120);
	scene_free_log(&disk);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(a_stranger_is_refused_as_often_as_it_asks_and_fills_no_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
