/* SPDX-License-Identifier: Apache-2.0 */
/* cli/deployment.c - making, checking and running a deployment directory. */
#include "cli/deployment.h"

#include <cedar.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "config/deployment.h"
#include "config/policy_schema.h"
#include "config/tree.h"
#include "keeper/keys.h"
#include "serve/serve.h"

enum { SCHEMA_JSON_BYTES = 16 * POLICY_SCHEMA_BYTES }; /* the JSON says the same longer */

/* DIRECTORY [--json]; false when they are not (reported). */
static bool read_arguments(const struct cli_command *c, int argc, char **argv, const char **ret_dir,
			   bool *ret_json, int *ret_status)
{
	*ret_dir = NULL;
	*ret_json = false;
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			*ret_json = true;
		} else if (argv[i][0] == '-' || *ret_dir) {
			*ret_status = cli_misuse(c, "unexpected argument '%s'", argv[i]);
			return false;
		} else {
			*ret_dir = argv[i];
		}
	}
	if (!*ret_dir) {
		*ret_status = cli_misuse(c, "which directory?");
	}
	return *ret_dir != NULL;
}

int cli_check(const struct cli_command *c, int argc, char **argv)
{
	AUTO_FINDINGS found = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	AUTO_BUF out = BUF_INIT(4 << 20);
	struct err e = ERR_INIT;
	const char *dir;
	bool as_json;
	int status;
	enum rc rc;

	if (!read_arguments(c, argc, argv, &dir, &as_json, &status)) {
		return status;
	}
	rc = deployment_load(dir, &d, &found, &e);
	if (rc != RC_OK && found.n_errors == 0) {
		return cli_fail(c, &e);
	}
	if ((as_json ? findings_print_json(&found, &out, &e) : findings_print(&found, &out)) !=
	    RC_OK) {
		return cli_fail(c, &e);
	}
	if (rc == RC_OK && !as_json) {
		if (buf_addf(&out, "bundle sha256:") != RC_OK ||
		    buf_add_hex(&out, d->bundle->digest, 32) != RC_OK ||
		    buf_add_char(&out, '\n') != RC_OK) {
			return rc_exit_status(RC_NOMEM);
		}
	}
	return cli_print(buf_view(&out)) ? rc_exit_status(RC_IO) : rc_exit_status(rc);
}

static void schema_cleanup(struct cedar_schema **s)
{
	cedar_schema_unref(*s);
}

/* A schema in Cedar's JSON form. */
static enum rc schema_json(struct str text, struct buf *out, struct err *e)
{
	CLEANUP(schema_cleanup) struct cedar_schema *schema = NULL;

	TRY(cedar_schema_parse(STR("schema"), text, &schema, e));
	TRY(cedar_schema_print_json(out, schema, e));
	return buf_add_char(out, '\n');
}

/* Its policies are left out: the schema does not depend on them, and who mends one wants it. */
static enum rc load_without_policies(const char *dir, struct deployment **ret,
				     struct findings *found, struct err *e)
{
	AUTO_TREE whole = TREE_INIT;
	AUTO_TREE tree = TREE_INIT;
	struct clock clock = clock_system();
	char absolute[PATH_MAX];

	if (!realpath(dir, absolute)) {
		return err_set_sys(e, RC_ABSENT, __func__, "no deployment directory '%s'", dir);
	}
	TRY(tree_read(&whole, absolute, found, e));
	for (size_t i = 0; i < whole.files.n; i++) {
		const struct tree_file *file = &whole.files.p[i];

		if (!str_has_prefix(file->path, STR("policies/"))) {
			TRY(tree_add(&tree, file->path, file->bytes, e));
		}
	}
	return deployment_build(&tree, absolute, clock_unix_ms(&clock), ret, found, e);
}

int cli_policy_schema(const struct cli_command *c, int argc, char **argv)
{
	AUTO_FINDINGS found = FINDINGS_INIT;
	AUTO_FINDINGS fewer = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	AUTO_BUF out = BUF_INIT(SCHEMA_JSON_BYTES);
	struct err e = ERR_INIT;
	const char *dir;
	bool as_json;
	int status;
	enum rc rc;

	if (!read_arguments(c, argc, argv, &dir, &as_json, &status)) {
		return status;
	}
	rc = deployment_load(dir, &d, &found, &e);
	if (rc == RC_INPUT) {
		rc = load_without_policies(dir, &d, &fewer, &e);
	}
	if (rc != RC_OK && found.n_errors > 0 && findings_print(&found, &out) == RC_OK) {
		(void)fprintf(stderr, STR_FMT, STR_ARG(buf_view(&out))); /* best effort */
		return rc_exit_status(rc);
	}
	if (rc == RC_OK) {
		rc = as_json ? schema_json(d->policy_schema, &out, &e)
			     : buf_add(&out, d->policy_schema);
	}
	if (rc != RC_OK) {
		return cli_fail(c, &e);
	}
	return cli_print(buf_view(&out)) ? rc_exit_status(RC_IO) : 0;
}

int cli_keys_create(const struct cli_command *c, int argc, char **argv)
{
	const char *state = NULL;
	const char *origin = NULL;
	char keeper[4096];
	char vkey[4096];
	struct err e = ERR_INIT;

	for (int i = 0; i < argc; i++) {
		const char **into = !strcmp(argv[i], "--state")	   ? &state
				    : !strcmp(argv[i], "--origin") ? &origin
								   : NULL;

		if (!into || i + 1 == argc) {
			return cli_misuse(c, "unexpected argument '%s'", argv[i]);
		}
		*into = argv[++i];
	}
	if (!state || !origin) {
		return cli_misuse(c, "--state and --origin are needed");
	}
	(void)snprintf(keeper, sizeof(keeper), "%s/keeper", state); /* a cut path cannot be made */
	(void)snprintf(vkey, sizeof(vkey), "%s/log.vkey", state);
	if (file_mkdirs(state, 0755, &e) != RC_OK ||
	    keeper_keys_create(keeper, NULL, str_from(origin), vkey, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	printf("%s is the log's public key; %s holds its secrets\n", vkey, keeper);
	return 0;
}

int cli_serve(const struct cli_command *c, int argc, char **argv)
{
	char **all = mem_calloc((size_t)argc + 2, sizeof(*all));
	char name[] = "serve";
	int status;

	(void)c; /* serve_main says what is wrong */
	if (!all) {
		return rc_exit_status(RC_NOMEM);
	}
	all[0] = name;
	for (int i = 0; i < argc; i++) {
		all[i + 1] = argv[i];
	}
	status = serve_main(&serve_table, argc + 1, all);
	mem_free(all);
	return status;
}
