/* SPDX-License-Identifier: Apache-2.0 */
/* init.c - what config_init() writes must pass the loader, for every choice of packs. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "base/clock.h"
#include "base/file.h"
#include "config/deployment.h"
#include "config/init.h"

static char root[] = "/tmp/remit-init-XXXXXX";

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int drop_root(void **state)
{
	char command[100];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void put(const char *dir, const char *name, unsigned mode)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_ok(file_replace(path, STR("x"), mode, NULL));
}

/* In place of the certificates that src/identity makes. */
static void put_certificates(const char *dir)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/ca", dir);
	assert_ok(file_mkdirs(path, 0755, NULL));
	put(dir, "ca/server.pem", 0644);
	put(dir, "ca/server.key", 0600);
	put(dir, "ca/bundle.pem", 0644);
}

static struct init_options options(const struct str *packs, size_t n)
{
	struct clock clock = clock_system();

	return (struct init_options){
	    .uid = 1000, .packs = packs, .n_packs = n, .now_unix_ms = clock_unix_ms(&clock)};
}

static void every_choice_of_packs_passes_the_check(void **state)
{
	(void)state;
	static const struct str packs[] = {{"postgresql", 10}, {"nginx", 5}};
	static const struct {
		const char *name;
		size_t from;
		size_t n;
		size_t tools;
		size_t playbooks;
	} cases[] = {
	    {"none", 0, 0, 2, 1}, {"pg", 0, 1, 9, 1}, {"nginx", 1, 1, 6, 1}, {"both", 0, 2, 13, 2}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct init_options o = options(packs + cases[i].from, cases[i].n);
		AUTO_FINDINGS f = FINDINGS_INIT;
		AUTO_DEPLOYMENT d = NULL;
		AUTO_BUF out = BUF_INIT(1 << 20);
		struct err e = ERR_INIT;
		char dir[200];

		(void)snprintf(dir, sizeof(dir), "%s/%s", root, cases[i].name);
		if (config_init(dir, &o, &e) != RC_OK) {
			fail_msg("%s", e.msg);
		}
		put_certificates(dir);
		if (deployment_load(dir, &d, &f, &e) != RC_OK) {
			assert_ok(findings_print(&f, &out));
			fail_msg("%.*s", (int)out.n, out.p);
		}
		assert_int_equal(d->bundle->n_tools, cases[i].tools);
		assert_int_equal(d->bundle->n_playbooks, cases[i].playbooks);
		assert_non_null(bundle_person_with_uid(d->bundle, 1000));
		assert_str(d->bundle->origin, "remit.remit.example/log");
		if (bundle_tool(d->bundle, STR("pg___session_terminate"))) {
			assert_int_equal(
			    bundle_tool(d->bundle, STR("pg___session_terminate"))->effect,
			    EFFECT_CONTAIN);
			assert_int_equal(bundle_tool(d->bundle, STR("pg___role_disable"))->effect,
					 EFFECT_DESTROY);
			assert_int_equal(bundle_tool(d->bundle, STR("pg___sessions"))->effect,
					 EFFECT_READ);
		}
	}
}

static void every_pack_passes_the_check_alone_and_is_named(void **state)
{
	(void)state;
	static const char *const packs[] = {
	    "aws",  "crowdstrike-falcon", "github",	"kubernetes", "linux", "nginx",
	    "okta", "pagerduty",	  "postgresql", "slack"};
	struct init_options none = options(&STR("no-such"), 1);
	struct err unknown = ERR_INIT;

	assert_int_equal(config_init("/nonexistent", &none, &unknown), RC_INPUT);
	for (size_t i = 0; i < ARRAY_LEN(packs); i++) {
		struct str name = str_from(packs[i]);
		struct init_options o = options(&name, 1);
		AUTO_FINDINGS f = FINDINGS_INIT;
		AUTO_DEPLOYMENT d = NULL;
		AUTO_BUF out = BUF_INIT(1 << 20);
		struct err e = ERR_INIT;
		char dir[200];

		(void)snprintf(dir, sizeof(dir), "%s/alone-%s", root, packs[i]);
		assert_ok(config_init(dir, &o, &e));
		put_certificates(dir);
		if (deployment_load(dir, &d, &f, &e) != RC_OK) {
			assert_ok(findings_print(&f, &out));
			fail_msg("%s: %.*s", packs[i], (int)out.n, out.p);
		}
		assert_true(d->bundle->n_upstreams == 2);
		assert_non_null(strstr(unknown.msg, packs[i]));
		/* What nobody has tried to undo is no containment. */
		for (size_t k = 0; k < d->bundle->n_tools; k++) {
			const struct tool *t = &d->bundle->tools[k];

			assert_true(!t->upstream->is_unverified || t->effect != EFFECT_CONTAIN);
		}
	}
}

static void secrets_are_private_and_random(void **state)
{
	(void)state;
	AUTO_BUF a = BUF_INIT(100);
	AUTO_BUF b = BUF_INIT(100);
	char path[300];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/none/secrets/alerts.token", root);
	assert_ok(file_read(path, &a, NULL));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(a.n, 44);
	(void)snprintf(path, sizeof(path), "%s/both/secrets/alerts.token", root);
	assert_ok(file_read(path, &b, NULL));
	assert_memory_not_equal(a.p, b.p, 43);
}

static void what_is_there_is_not_overwritten(void **state)
{
	(void)state;
	struct init_options o = options(NULL, 0);
	char dir[200];

	(void)snprintf(dir, sizeof(dir), "%s/none", root);
	assert_rc(config_init(dir, &o, NULL), RC_DENIED);
}

static void names_that_do_not_fit_into_a_line_are_refused(void **state)
{
	(void)state;
	const struct str unknown = STR("mysql");
	struct init_options o = options(&unknown, 1);
	char dir[200];

	(void)snprintf(dir, sizeof(dir), "%s/refused", root);
	assert_rc(config_init(dir, &o, NULL), RC_INPUT);
	o = options(NULL, 0);
	o.origin = STR("a\nuser: root");
	assert_rc(config_init(dir, &o, NULL), RC_INPUT);
	o.origin = STR("");
	o.trust_domain = STR("a: b");
	assert_rc(config_init(dir, &o, NULL), RC_INPUT);
	assert_int_equal(access(dir, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_choice_of_packs_passes_the_check),
	    cmocka_unit_test(every_pack_passes_the_check_alone_and_is_named),
	    cmocka_unit_test(secrets_are_private_and_random),
	    cmocka_unit_test(what_is_there_is_not_overwritten),
	    cmocka_unit_test(names_that_do_not_fit_into_a_line_are_refused),
	};
	return cmocka_run_group_tests(tests, make_root, drop_root);
}
