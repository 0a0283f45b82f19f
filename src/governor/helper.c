/* SPDX-License-Identifier: Apache-2.0 */
/* governor/helper.c - one thread, one job.
 *
 * States: FREE -give-> GIVEN -done (thread)-> DONE -take-> FREE;  any -free-> END.
 * Holds:  (1) the mutex guards the state and the result; a job's own data has one owner at a time,
 *             and it changes with the state.
 */
#include "governor/helper.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum helper_state { HELPER_FREE = 0, HELPER_GIVEN, HELPER_DONE, HELPER_END };

struct helper {
	helper_fn *job;
	void *ctx;
	pthread_t thread;
	bool has_thread;
	int event_fd;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	enum helper_state state;
	enum rc rc;
	struct err err;
};

static void is_done(struct helper *h, enum rc rc, const struct err *e)
{
	pthread_mutex_lock(&h->lock);
	if (h->state == HELPER_GIVEN) {
		h->state = HELPER_DONE;
		h->rc = rc;
		h->err = *e;
	}
	pthread_mutex_unlock(&h->lock);
}

static void *work(void *arg)
{
	struct helper *h = arg;

	for (;;) {
		struct err e = ERR_INIT;
		const uint64_t one = 1;
		enum helper_state state;

		pthread_mutex_lock(&h->lock);
		while (h->state != HELPER_GIVEN && h->state != HELPER_END) {
			pthread_cond_wait(&h->wake, &h->lock);
		}
		state = h->state;
		pthread_mutex_unlock(&h->lock);
		if (state == HELPER_END) {
			return NULL;
		}
		is_done(h, h->job(h->ctx, &e), &e);
		if (write(h->event_fd, &one, sizeof(one)) < 0) {
			return NULL; /* a counter this low is never full: nobody is there */
		}
	}
}

static void set_state(struct helper *h, enum helper_state state)
{
	pthread_mutex_lock(&h->lock);
	h->state = state;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
}

void helper_give(struct helper *h)
{
	MUST(h->state == HELPER_FREE);
	set_state(h, HELPER_GIVEN);
}

void helper_step(struct helper *h)
{
	struct err e = ERR_INIT;

	MUST(!h->has_thread);
	if (h->state == HELPER_GIVEN) {
		is_done(h, h->job(h->ctx, &e), &e);
	}
}

bool helper_take(struct helper *h, enum rc *ret, struct err *e)
{
	uint64_t count;
	bool is_taken;

	pthread_mutex_lock(&h->lock);
	is_taken = h->state == HELPER_DONE;
	if (is_taken) {
		h->state = HELPER_FREE;
		*ret = h->rc;
		*e = h->err;
	}
	pthread_mutex_unlock(&h->lock);
	if (h->has_thread && read(h->event_fd, &count, sizeof(count)) < 0) {
		return is_taken; /* not counted yet: the next look finds nothing to take */
	}
	return is_taken;
}

bool helper_is_ending(struct helper *h)
{
	bool is_ending;

	pthread_mutex_lock(&h->lock);
	is_ending = h->state == HELPER_END;
	pthread_mutex_unlock(&h->lock);
	return is_ending;
}

int helper_fd(const struct helper *h)
{
	return h->event_fd;
}

static enum rc start_thread(struct helper *h, struct err *e)
{
	h->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->event_fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot make an eventfd");
	}
	errno = pthread_create(&h->thread, NULL, work, h);
	if (errno != 0) {
		return err_set_sys(e, RC_NOMEM, __func__, "cannot start a helper thread");
	}
	h->has_thread = true;
	return RC_OK;
}

enum rc helper_new(helper_fn *job, void *ctx, bool has_thread, struct helper **ret, struct err *e)
{
	struct helper *h = mem_calloc(1, sizeof(*h));
	enum rc rc;

	if (!h) {
		FAIL(e, RC_NOMEM, "no memory for a helper");
	}
	h->job = job;
	h->ctx = ctx;
	h->event_fd = -1;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->wake, NULL);
	rc = has_thread ? start_thread(h, e) : RC_OK;
	if (rc != RC_OK) {
		helper_free(h);
		return rc;
	}
	*ret = h;
	return RC_OK;
}

void helper_free(struct helper *h)
{
	if (!h) {
		return;
	}
	if (h->has_thread) {
		set_state(h, HELPER_END);
		pthread_join(h->thread, NULL);
	}
	file_close(h->event_fd);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	mem_free(h);
}
