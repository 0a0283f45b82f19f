/* SPDX-License-Identifier: Apache-2.0 */
/* cli/drill.c - remit drill: replaying scenarios in the simulator. */
#include "cli/drill.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "drill/drill.h"

enum { OUTPUT_BYTES = 64 << 20 };

struct request {
	struct drill_options o;
	bool as_json;
	const char **files;
	size_t n_files;
};

/* 0, or the status of a mistake. */
static int read_arguments(const struct cli_command *c, int argc, char **argv, struct request *r)
{
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			r->as_json = true;
		} else if (!strcmp(argv[i], "--no-ablation")) {
			r->o.ablates = false;
		} else if (!strcmp(argv[i], "--dir") && i + 1 < argc) {
			r->o.dir = argv[++i];
		} else if (!strcmp(argv[i], "--seed") && i + 1 < argc) {
			if (!num_u64(str_from(argv[++i]), UINT64_MAX, &r->o.seed)) {
				return cli_misuse(c, "'%s' is no seed", argv[i]);
			}
		} else if (argv[i][0] == '-') {
			return cli_misuse(c, "unexpected argument '%s'", argv[i]);
		} else {
			r->files[r->n_files++] = argv[i];
		}
	}
	return r->n_files > 0 ? 0 : cli_misuse(c, "which files?");
}

static enum rc add_summary(struct buf *b, const size_t n[DRILL_STATES])
{
	return buf_addf(b, "%zu green, %zu failed, %zu not due, %zu invalid\n", n[DRILL_GREEN],
			n[DRILL_FAILED], n[DRILL_NOT_DUE], n[DRILL_INVALID]);
}

static int play(const struct cli_command *c, const struct request *r)
{
	AUTO_BUF out = BUF_INIT(OUTPUT_BYTES);
	struct json_out w = json_out_to(&out);
	size_t n[DRILL_STATES] = {0};
	struct err e = ERR_INIT;
	enum rc rc = RC_OK;
	int status;

	if (r->as_json) {
		json_out_array(&w);
	}
	for (size_t i = 0; i < r->n_files && rc == RC_OK; i++) {
		AUTO_DRILL d;

		drill_run(&d, r->files[i], &r->o);
		n[d.state]++;
		if (r->as_json) {
			drill_print_json(&d, &w);
		} else {
			rc = drill_print(&d, &out);
		}
	}
	if (r->as_json) {
		json_out_close(&w);
		rc = json_out_end(&w, &e);
	} else if (rc == RC_OK) {
		rc = add_summary(&out, n);
	}
	if (rc != RC_OK) {
		(void)err_set(&e, rc, __func__, "the report is too long"); /* cli_fail says it */
		return cli_fail(c, &e);
	}
	status = cli_print(buf_view(&out)) ? rc_exit_status(RC_IO) : 0;
	if (status == 0 && n[DRILL_INVALID] > 0) {
		status = rc_exit_status(RC_INPUT);
	}
	return status == 0 && n[DRILL_FAILED] > 0 ? 1 : status;
}

int cli_drill(const struct cli_command *c, int argc, char **argv)
{
	struct request r = {.o = {.seed = 1, .ablates = true}};
	int status;

	r.files = mem_calloc((size_t)argc + 1, sizeof(*r.files));
	if (!r.files) {
		return rc_exit_status(RC_NOMEM);
	}
	/* The governor's own log is about machines that fail; here they do so on purpose. */
	log_set_level(LOG_LEVEL_NONE);
	status = read_arguments(c, argc, argv, &r);
	if (status == 0) {
		status = play(c, &r);
	}
	mem_free(r.files);
	return status;
}
