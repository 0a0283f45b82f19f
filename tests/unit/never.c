/* SPDX-License-Identifier: Apache-2.0 */
/* never.c - what no agent may act on, and what lies just beside it. */
#include "scene.h"

#include "core/never.h"

static const struct asset dc = {.target = {"host:dc1.example", 16}, .is_listed = true};
static const struct asset *const members[] = {&dc};
static const struct asset_group groups[] = {
    {.name = {"controllers", 11}, .members = members, .n_members = 1}};
static const struct inventory inventory = {
    .assets = &dc, .n_assets = 1, .groups = groups, .n_groups = 1};

static void an_entry_covers_what_it_says_and_nothing_beside_it(void **state)
{
	(void)state;
	static const struct {
		const char *entry;
		const char *target;
		bool covers;
	} cases[] = {
	    {"pg-role:postgres", "pg-role:postgres", true},
	    {"pg-role:postgres", "pg-role:postgres2", false},
	    {"backup:*", "backup:nightly", true},
	    {"backup:*", "backups:nightly", false},
	    {"host:db*.example", "host:db1.example", true},
	    {"host:db*.example", "host:db1.example.org", false},
	    {"host:db?.example", "host:db12.example", false},
	    {"pg-role:*admin*", "pg-role:app_administrator", true},
	    {"pg-role:*admin*", "user:admin", false},
	    {"*:x", "user:x", false},
	    {"ip:10.0.0.0/8", "ip:10.1.2.3", true},
	    {"ip:10.0.0.0/8", "ip:11.1.2.3", false},
	    {"ip:10.0.0.5", "ip:10.0.0.0/24", true}, /* a range that reaches it */
	    {"ip:10.0.0.5", "ip:10.0.1.0/24", false},
	    {"ip:2001:db8::/32", "ip:2001:db8::1", true},
	    {"ip:2001:db8::/32", "ip:10.0.0.1", false},
	    {"@controllers", "host:dc1.example", true},
	    {"@controllers", "host:dc2.example", false},
	    {"@nobody", "host:dc1.example", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (never_covers(&inventory, str_from(cases[i].entry), str_from(cases[i].target)) !=
		    cases[i].covers) {
			fail_msg("%s, %s", cases[i].entry, cases[i].target);
		}
	}
}

static void entries_are_written_as_people_write_targets(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *entry; /* NULL = refused */
	} cases[] = {
	    {"host:DB1.Example.", "host:db1.example"},
	    {"host:10.0.0.1", "ip:10.0.0.1"},
	    {"ip:0.0.0.0/0", "ip:0.0.0.0/0"},
	    {"ip:10.1.2.3/8", "ip:10.0.0.0/8"},
	    {"backup:*", "backup:*"},
	    {"user:CORP\\krbtgt", "user:krbtgt@corp"},
	    {"backup", NULL},
	    {"backup:", NULL},
	    {"Backup:x", NULL},
	    {"host:a b", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_ARENA arena = ARENA_INIT(4096);
		struct str entry = STR_NULL;
		bool ok = never_parse(str_from(cases[i].text), false, &arena, &entry);

		if (ok != (cases[i].entry != NULL) ||
		    (ok && !str_eq(entry, str_from(cases[i].entry)))) {
			fail_msg("'%s': '" STR_FMT "'", cases[i].text, STR_ARG(entry));
		}
	}
}

static void no_approval_lifts_the_never_list(void **state)
{
	(void)state;
	static const struct str patterns[] = {{"pg-role:a*", 10}};
	struct scene *w = scene_new();

	expect_allow(w);
	w->b.never = (struct str_list){patterns, 1};
	expect_deny(w, NEVER_LIST);
	fold_granted(&w->f, w->task, 1);
	expect_deny(w, NEVER_LIST);
	w->r.tool = STR("db___role"); /* reading it neither */
	fold_add(&w->f, LEAF_OF(TASK_PHASE, task_phase, .task = w->task, .phase = STR("diagnose")));
	expect_deny(w, NEVER_LIST);
	scene_free(w);
}

static void the_control_plane_may_be_looked_at_and_never_changed(void **state)
{
	(void)state;
	static const struct str own[] = {{"pg-role:app", 11}};
	static const struct asset app = {.target = {"pg-role:app", 11},
					 .environment = {"production", 10},
					 .is_control_plane = true,
					 .is_listed = true};
	static const struct asset_kind kind = {
	    .kind = {"pg-role", 7}, .environment = {"production", 10}, .is_control_plane = true};
	struct scene *w = scene_new();

	expect_allow(w);
	w->b.control_plane = (struct str_list){own, 1};
	expect_deny(w, CONTROL_PLANE);
	w->b.control_plane = (struct str_list){0};
	expect_allow(w);
	w->b.inventory = (struct inventory){.assets = &app, .n_assets = 1};
	expect_deny(w, CONTROL_PLANE);
	w->b.inventory = (struct inventory){.kinds = &kind, .n_kinds = 1};
	expect_deny(w, CONTROL_PLANE);
	w->b.inventory = (struct inventory){0};
	w->role.kind = STR("backup"); /* a kind that always is */
	w->b.never = (struct str_list){0};
	expect_deny(w, CONTROL_PLANE);
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_entry_covers_what_it_says_and_nothing_beside_it),
	    cmocka_unit_test(entries_are_written_as_people_write_targets),
	    cmocka_unit_test(no_approval_lifts_the_never_list),
	    cmocka_unit_test(the_control_plane_may_be_looked_at_and_never_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
