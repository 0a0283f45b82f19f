/* SPDX-License-Identifier: Apache-2.0 */
/* gov_inventory.c - people see the inventory and say what is up; the log has it. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

static void the_health_that_a_person_sets_is_in_the_log_and_outlives_a_restart(void **state)
{
	(void)state;
	const struct heard_reply *r;

	scene_write("deployment/inventory/all.yaml",
		    STR("assets:\n  pg-role:app: {team: shop, labels: {use: web}}\n"
			"  pg-role:batch: {health: down}\n"
			"groups: {logins: {prefix: [\"pg-role:\"]}}\n"));
	scene_start(&s);
	r = scene_command(&s, ALICE, COMMAND_INVENTORY_LIST, "{\"group\":\"logins\"}");
	assert_int_equal(r->code, 200);
	assert_non_null(strstr(r->text, "\"members\":2,\"up\":1"));
	assert_non_null(strstr(r->text, "\"asset\":\"pg-role:app\",\"health\":\"up\""));
	r = scene_command(&s, ALICE, COMMAND_INVENTORY_SET,
			  "{\"asset\":\"pg-role:app\",\"health\":\"down\"}");
	assert_int_equal(r->code, 200);
	assert_non_null(strstr(r->text, "\"health\":\"down\""));
	r = scene_command(&s, ALICE, COMMAND_INVENTORY_SET,
			  "{\"asset\":\"pg-role:other\",\"health\":\"down\"}");
	assert_int_equal(r->code, 404);
	r = scene_command(&s, ALICE, COMMAND_INVENTORY_SET,
			  "{\"asset\":\"pg-role:app\",\"health\":\"ill\"}");
	assert_int_equal(r->code, 400);
	r = scene_command(&s, 65000, COMMAND_INVENTORY_SET,
			  "{\"asset\":\"pg-role:app\",\"health\":\"up\"}");
	assert_int_equal(r->code, 403);
	scene_kill(&s);
	scene_start(&s);
	r = scene_command(&s, ALICE, COMMAND_INVENTORY_LIST, "{\"group\":\"logins\"}");
	assert_non_null(strstr(r->text, "\"members\":2,\"up\":0"));
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_INVENTORY_CHANGED), 1);
	assert_str(scene_last(&disk, LEAF_INVENTORY_CHANGED)->inventory_changed.by, "alice");
	scene_free_log(&disk);
}

static void the_health_of_what_is_no_longer_listed_is_forgotten(void **state)
{
	(void)state;
	const struct heard_reply *r;

	scene_write("deployment/inventory/all.yaml", STR("assets: {\"pg-role:app\": {}}\n"));
	scene_start(&s);
	r = scene_command(&s, ALICE, COMMAND_INVENTORY_SET,
			  "{\"asset\":\"pg-role:app\",\"health\":\"down\"}");
	assert_int_equal(r->code, 200);
	scene_kill(&s);
	scene_write("deployment/inventory/all.yaml", STR("assets: {\"pg-role:batch\": {}}\n"));
	scene_start(&s);
	(void)scene_command(&s, ALICE, COMMAND_INVENTORY_LIST, "{}"); /* it is up */
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_INVENTORY_CHANGED), 2);
	assert_str(scene_last(&disk, LEAF_INVENTORY_CHANGED)->inventory_changed.health, "file");
	scene_free_log(&disk);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(the_health_that_a_person_sets_is_in_the_log_and_outlives_a_restart),
	    SCENE_TEST(the_health_of_what_is_no_longer_listed_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
