/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <poll.h>

#include "governor/helper.h"

struct work {
	struct helper *helper;
	unsigned n_done;
	enum rc rc;
	bool waits;
};

static enum rc job(void *ctx, struct err *e)
{
	struct work *w = ctx;

	while (w->waits && !helper_is_ending(w->helper)) {
		(void)poll(NULL, 0, 1);
	}
	w->n_done++;
	if (w->rc != RC_OK) {
		FAIL(e, w->rc, "job %u", w->n_done);
	}
	return RC_OK;
}

static void wait_for_result(struct helper *h)
{
	struct pollfd p = {.fd = helper_fd(h), .events = POLLIN};

	assert_int_equal(poll(&p, 1, -1), 1);
}

static void each_job_has_one_result(void **state)
{
	(void)state;
	struct work w = {0};
	struct err e = ERR_INIT;
	enum rc rc;

	assert_ok(helper_new(job, &w, true, &w.helper, &e));
	assert_false(helper_take(w.helper, &rc, &e));
	for (unsigned i = 1; i <= 1000; i++) {
		w.rc = i % 2 ? RC_OK : RC_IO;
		helper_give(w.helper);
		wait_for_result(w.helper);
		while (!helper_take(w.helper, &rc, &e)) {
		}
		assert_int_equal(rc, i % 2 ? RC_OK : RC_IO);
		assert_int_equal(w.n_done, i);
		assert_false(helper_take(w.helper, &rc, &e));
	}
	assert_string_equal(e.msg, "job 1000");
	helper_free(w.helper);
}

static void whoever_frees_it_waits_for_a_job_that_hurries(void **state)
{
	(void)state;
	struct work w = {.waits = true};
	struct err e = ERR_INIT;

	assert_ok(helper_new(job, &w, true, &w.helper, &e));
	helper_give(w.helper);
	while (poll(NULL, 0, 5) != 0) {
	}
	helper_free(w.helper);
	assert_true(w.n_done <= 1); /* or it had not begun */
}

static void without_a_thread_somebody_steps(void **state)
{
	(void)state;
	struct work w = {0};
	struct err e = ERR_INIT;
	enum rc rc;

	assert_ok(helper_new(job, &w, false, &w.helper, &e));
	assert_int_equal(helper_fd(w.helper), -1);
	helper_step(w.helper);
	assert_int_equal(w.n_done, 0);
	helper_give(w.helper);
	assert_false(helper_take(w.helper, &rc, &e));
	helper_step(w.helper);
	assert_true(helper_take(w.helper, &rc, &e));
	assert_int_equal(rc, RC_OK);
	assert_int_equal(w.n_done, 1);
	helper_free(w.helper);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_job_has_one_result),
	    cmocka_unit_test(whoever_frees_it_waits_for_a_job_that_hurries),
	    cmocka_unit_test(without_a_thread_somebody_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
