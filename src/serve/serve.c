/* SPDX-License-Identifier: Apache-2.0 */
/* serve/serve.c - `remit serve`: the supervisor or one role, as the words say. */
#include "serve/serve.h"

#include <unistd.h>

#include "base/log.h"
#include "serve/birth.h"
#include "serve/supervisor.h"

int serve_main(const struct serve_table *table, int argc, char **argv)
{
	struct serve_args args;
	struct err e = ERR_INIT;
	enum rc rc = serve_args_parse(argc, argv, &args, &e);

	if (rc == RC_OK && args.is_role) {
		/* Exit handlers of libraries make calls that the sandbox answers with death. */
		_exit(birth_run(table, &args));
	}
	log_set_role("serve");
	if (rc == RC_OK) {
		rc = supervisor_run(table, &args, &e);
	}
	if (rc != RC_OK) {
		log_err("%s", e.msg[0] ? e.msg : rc_text(rc));
	}
	return rc_exit_status(rc);
}
