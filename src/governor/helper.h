/* SPDX-License-Identifier: Apache-2.0 */
/* governor/helper.h - a thread beside the sequencer, for slow work: one job at a time.
 *
 *	helper_give	from here on what the job works with is the thread's,
 *	helper_take	until it gives the result
 */
#pragma once

#include "base/err.h"

struct helper;

/* The job; ctx is helper_new's. */
typedef enum rc helper_fn(void *ctx, struct err *e);

/* Without a thread, helper_step does the work. Errors: RC_NOMEM, RC_IO. */
enum rc helper_new(helper_fn *job, void *ctx, bool has_thread, struct helper **ret, struct err *e);
/* Waits for the job that it has. NULL is nothing. */
void helper_free(struct helper *h);
/* Readable when there is a result to take; -1 without a thread. */
int helper_fd(const struct helper *h);

/* It has no job, and its last result was taken. */
void helper_give(struct helper *h);
/* Does the job, if there is one. Only without a thread. */
void helper_step(struct helper *h);
/* True, once for each job: it is done, with *ret and, when that is an error, *e. */
bool helper_take(struct helper *h, enum rc *ret, struct err *e);
/* For a job: helper_free waits, so be quick. */
bool helper_is_ending(struct helper *h);
