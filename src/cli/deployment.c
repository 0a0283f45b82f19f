/* SPDX-License-Identifier: Apache-2.0 */
/* cli/deployment.c - making, checking and running a deployment directory. */
#include "cli/deployment.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/deployment.h"
#include "keeper/keys.h"
#include "serve/serve.h"

int cli_check(const struct cli_command *c, int argc, char **argv)
{
	AUTO_FINDINGS found = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	AUTO_BUF out = BUF_INIT(4 << 20);
	struct err e = ERR_INIT;
	const char *dir = NULL;
	bool as_json = false;
	enum rc rc;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			as_json = true;
		} else if (argv[i][0] == '-' || dir) {
			return cli_misuse(c, "unexpected argument '%s'", argv[i]);
		} else {
			dir = argv[i];
		}
	}
	if (!dir) {
		return cli_misuse(c, "which directory?");
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
