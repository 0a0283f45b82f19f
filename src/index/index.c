/* SPDX-License-Identifier: Apache-2.0 */
/* index/index.c - follows the published log and answers questions about it.
 *
 * Trust:  reads the log's public files; writes its own database; no network.
 * Holds:  (1) only leaves under a checkpoint whose signature was checked are shown.
 *         (2) what it has of leaves that are gone it keeps; those that it has not yet it cannot get
 *             any more, and goes on with the first that is there.
 */
#include "index/index.h"

#include <stdio.h>
#include <sys/resource.h>
#include <tlog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "codec/json.h"
#include "codec/uri.h"
#include "config/deployment.h"
#include "core/leaf.h"
#include "governor/prune.h"
#include "index/fold.h"

enum {
	POLL_MS = 100,
	RETRY_MS = 1000,
	BUNDLE_BYTES = 256 * (LIMIT_LEAF_BYTES + 2),
	ROUND_BUNDLES = 40
};

const struct sandbox_policy index_sandbox = {
    .name = "index",
    .needs = SANDBOX_READ | SANDBOX_WRITE,
};

struct index {
	struct loop *loop;
	const struct clock *clock;
	struct deployment *deployment;
	struct channel *people;
	struct fold *fold; /* NULL: its disk does not let it be opened yet */
	char db[4200];
	char log_dir[4096];
	struct tlog_dir *log;
	struct tlog_vkey key;
	uint64_t size; /* of the checkpoint seen last */
	struct tlog_hash root;
	bool stands_still; /* it could not be changed the last time */
	struct buf bundle;
	struct loop_timer poll;
};

static enum rc see_checkpoint(struct index *x, struct err *e)
{
	AUTO_BUF note = BUF_INIT(65536);
	struct tlog_checkpoint c;
	enum rc rc = tlog_dir_read_checkpoint(x->log, &note, e);

	if (rc == RC_ABSENT) {
		return RC_OK; /* the first is yet to come */
	}
	TRY(rc);
	TRY(tlog_checkpoint_open(buf_view(&note), &x->key, &c, e));
	if (c.size <= x->size) {
		return RC_OK;
	}
	x->size = c.size;
	x->root = c.root;
	tlog_dir_set_size(x->log, c.size);
	return RC_OK;
}

/* (2) */
static enum rc skip_pruned(struct index *x, struct err *e)
{
	const struct tlog_checkpoint c = {.size = x->size, .root = x->root};
	struct pruned pruned;

	TRY(prune_read(x->log_dir, x->log, &c, &pruned, e));
	fold_skip(x->fold, pruned.first);
	return RC_OK;
}

/* One bundle's leaves from the next one wanted. */
static enum rc add_bundle(struct index *x, struct err *e)
{
	uint64_t next = fold_size(x->fold);
	uint64_t n = next / 256;
	unsigned width = tlog_tile_width(x->size, 0, n);
	struct reader r;
	struct str leaf;

	buf_reset(&x->bundle);
	TRY(tlog_dir_read_bundle(x->log, n, width, &x->bundle, e));
	r = reader_of(buf_view(&x->bundle));
	for (uint64_t ix = n * 256; ix < n * 256 + width; ix++) {
		if (!tlog_bundle_next(&r, &leaf)) {
			FAIL(e, RC_BROKEN, "bundle %llu ends early", (unsigned long long)n);
		}
		if (ix == fold_size(x->fold)) {
			TRY(fold_add(x->fold, ix, leaf, e));
		}
	}
	return RC_OK;
}

static enum rc open_fold(struct index *x, struct err *e)
{
	return fold_open(x->db, x->deployment->bundle->origin, &x->fold, e);
}

static enum rc follow(struct index *x, struct err *e)
{
	if (!x->fold) {
		TRY(open_fold(x, e));
	}
	TRY(see_checkpoint(x, e));
	TRY(fold_expect(x->fold, x->size, e));
	if (fold_size(x->fold) >= x->size) {
		return RC_OK;
	}
	TRY(skip_pruned(x, e));
	TRY(fold_begin(x->fold, e));
	for (int i = 0; i < ROUND_BUNDLES && fold_size(x->fold) < x->size; i++) {
		TRY(add_bundle(x, e));
	}
	return fold_commit(x->fold, e);
}

/* What was begun is given up, and tried again: a full disk is no reason to end, for a role that
 * does not stay ends all others. False: it is damaged, and the next life builds it again. */
static bool stands_still(struct index *x, const struct err *why)
{
	struct err e = ERR_INIT;

	if (x->fold && (fold_is_damaged(x->fold) || fold_give_up(x->fold, &e) != RC_OK)) {
		return false;
	}
	if (!x->stands_still) {
		log_warn("the index stands still: %s", why->msg);
	}
	x->stands_still = true;
	return true;
}

static uint64_t next_look_ms(const struct index *x)
{
	if (x->stands_still) {
		return RETRY_MS;
	}
	return fold_size(x->fold) < x->size ? 1 : POLL_MS;
}

static void poll(struct loop_timer *t)
{
	struct index *x = t->ctx;
	struct err e = ERR_INIT;

	if (follow(x, &e) == RC_OK) {
		x->stands_still = false;
	} else if (!stands_still(x, &e)) {
		log_err("the index stops: %s", e.msg);
		loop_stop(x->loop);
		return;
	}
	if (loop_timer_in(x->loop, &x->poll, next_look_ms(x)) != RC_OK) {
		log_err("no memory for a timer: the index stands still");
	}
}

/* ---- questions ---- */

static struct str param(struct str query, const char *name, struct buf *out)
{
	struct err e = ERR_INIT;

	return uri_query_get(query, str_from(name), out, &e) == RC_OK ? buf_view(out) : STR("");
}

/* "2026-11-27T21:00:00Z", "2026-11-27", or how long ago: "2h". */
static enum rc read_moment(struct index *x, struct str query, const char *name, uint64_t *ret,
			   struct err *e)
{
	AUTO_BUF out = BUF_INIT(64);
	struct str text = param(query, name, &out);
	uint64_t now = clock_unix_ms(x->clock);
	uint64_t days;
	uint64_t ago;

	if (text.n == 0 || num_time_unix_ms(text, ret)) {
		return RC_OK;
	}
	if (num_date_days(text, &days)) {
		*ret = days * 24 * 3600 * 1000;
		return RC_OK;
	}
	if (!num_duration_ms(text, &ago) || ago >= now) {
		FAIL(e, RC_INPUT,
		     "'%s' is a time such as 2026-11-27T21:00:00Z, or how long ago such as 2h, not "
		     "'" STR_FMT "'",
		     name, STR_ARG(text));
	}
	*ret = now - ago;
	return RC_OK;
}

static enum rc read_id(struct str query, const char *name, char letter, uint64_t *ret,
		       struct err *e)
{
	AUTO_BUF out = BUF_INIT(24);
	struct str text = param(query, name, &out);

	if (text.n && !id_parse(text, letter, ret)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no id of a%s", STR_ARG(text),
		     letter == 'i'   ? "n incident"
		     : letter == 't' ? " task"
				     : " call");
	}
	return RC_OK;
}

typedef enum rc search(struct fold *f, const struct fold_filter *filter, struct buf *ret,
		       struct err *e);

static enum rc answer_search(struct index *x, search *run, struct str query, struct buf *out,
			     struct err *e)
{
	AUTO_BUF agent = BUF_INIT(LIMIT_SPIFFE_ID_BYTES);
	AUTO_BUF tool = BUF_INIT(LIMIT_ID_BYTES);
	AUTO_BUF verdict = BUF_INIT(16);
	AUTO_BUF reason = BUF_INIT(LIMIT_ID_BYTES);
	AUTO_BUF class = BUF_INIT(LIMIT_ID_BYTES);
	AUTO_BUF trace = BUF_INIT(64);
	AUTO_BUF limit = BUF_INIT(24);
	struct fold_filter f = {
	    .agent = param(query, "agent", &agent),
	    .tool = param(query, "tool", &tool),
	    .verdict = param(query, "verdict", &verdict),
	    .reason = param(query, "reason", &reason),
	    .class = param(query, "class", &class),
	    .trace = param(query, "trace", &trace),
	};

	TRY(read_id(query, "task", 't', &f.task, e));
	TRY(read_id(query, "incident", 'i', &f.incident, e));
	TRY(read_id(query, "before", 'c', &f.before, e));
	TRY(read_moment(x, query, "since", &f.since_unix_ms, e));
	TRY(read_moment(x, query, "until", &f.until_unix_ms, e));
	if (param(query, "limit", &limit).n &&
	    (!num_u64(buf_view(&limit), 1000, &f.limit) || f.limit == 0)) {
		FAIL(e, RC_INPUT, "'limit' must be 1 to 1000");
	}
	return run(x->fold, &f, out, e);
}

static enum rc answer(struct index *x, const struct msg_query *q, struct buf *out, struct err *e)
{
	struct str tasks = STR("/v1/index/tasks/");
	uint64_t task;

	if (!x->fold) {
		FAIL(e, RC_AGAIN, "the index cannot be opened: its disk is full or fails");
	}
	if (str_eq(q->path, STR("/v1/index/calls"))) {
		return answer_search(x, fold_calls, q->body, out, e);
	}
	if (str_eq(q->path, STR("/v1/index/touched"))) {
		return answer_search(x, fold_touched, q->body, out, e);
	}
	if (str_has_prefix(q->path, tasks)) {
		if (!id_parse(str_slice(q->path, tasks.n, q->path.n), 't', &task)) {
			FAIL(e, RC_INPUT, "no task id in the path");
		}
		return fold_timeline(x->fold, task, out, e);
	}
	FAIL(e, RC_ABSENT, "no such path");
}

static void on_people(void *ctx, struct channel *c, const struct message *m)
{
	struct index *x = ctx;
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct err e = ERR_INIT;
	enum rc rc;
	struct message reply = {.kind = MESSAGE_QUERY_REPLY};

	if (m->kind != MESSAGE_QUERY) {
		return;
	}
	rc = answer(x, &m->query, &out, &e);
	if (rc != RC_OK) {
		struct json_out w = json_out_to(&out);

		buf_reset(&out);
		json_out_object(&w);
		json_out_key_str(&w, "detail", str_from(e.msg));
		json_out_close(&w);
		if (json_out_end(&w, NULL) != RC_OK) {
			buf_reset(&out);
		}
	}
	reply.query_reply.req = m->query.req;
	reply.query_reply.status = (uint32_t)rc_http_status(rc);
	reply.query_reply.body = buf_view(&out);
	if (channel_send(c, &reply) != RC_OK) {
		log_warn("the people's front cannot be answered");
	}
	if (x->fold && fold_is_damaged(x->fold)) {
		log_err("the index stops: %s", e.msg);
		loop_stop(x->loop); /* the next life builds it again */
	}
}

/* ---- birth ---- */

static enum rc read_key(struct index *x, const char *state_dir, struct err *e)
{
	AUTO_BUF text = BUF_INIT(1024);
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/log.vkey", state_dir);
	TRY(file_read(path, &text, e));
	while (text.n && text.p[text.n - 1] == '\n') {
		text.n--;
	}
	return tlog_vkey_parse(buf_view(&text), &x->key, e);
}

/* A directory that belongs to the user whom the roles become. */
static enum rc make_dir(const struct role_env *env, const char *path, struct err *e)
{
	TRY(file_mkdirs(path, 0755, e));
	if (env->ids.is_set && chown(path, env->ids.uid, env->ids.gid) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot give '%s' to its user", path);
	}
	return RC_OK;
}

static enum rc live(struct index *x, const struct role_env *env, struct err *e)
{
	static const struct role_link people = {.on_message = on_people};
	AUTO_FINDINGS found = FINDINGS_INIT;
	struct sandbox_path paths[] = {
	    {.access = SANDBOX_PATH_READ},
	    {.access = SANDBOX_PATH_WRITE},
	};
	char index_dir[4096];
	const char *state_dir;
	enum rc rc;

	TRY(deployment_load(env->deployment, &x->deployment, &found, e));
	state_dir = x->deployment->state_dir.p;
	TRY(read_key(x, state_dir, e));
	(void)snprintf(x->log_dir, sizeof(x->log_dir), "%s/log", state_dir);
	(void)snprintf(index_dir, sizeof(index_dir), "%s/index", state_dir);
	(void)snprintf(x->db, sizeof(x->db), "%s/index.sqlite", index_dir);
	TRY(make_dir(env, x->log_dir, e));
	TRY(make_dir(env, index_dir, e));
	paths[0].path = x->log_dir;
	paths[1].path = index_dir;
	/* A projection can wait: it takes what time the rest leaves over. */
	if (setpriority(PRIO_PROCESS, 0, 19) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot lower the priority");
	}
	TRY(role_confine(env, &index_sandbox, paths, ARRAY_LEN(paths), e));
	TRY(tlog_dir_open(x->log_dir, &x->log, e));
	rc = open_fold(x, e);
	if (rc != RC_OK && !(rc == RC_IO && stands_still(x, e))) {
		return rc;
	}
	TRY(role_link(env, R_PEOPLE, NULL, &people, x, &x->people, e));
	TRY(loop_timer_in(x->loop, &x->poll, POLL_MS));
	return role_run(env, e);
}

enum rc role_index_main(const struct role_env *env, struct err *e)
{
	struct index x = {
	    .loop = env->loop, .clock = &env->clock, .bundle = BUF_INIT(BUNDLE_BYTES)};
	enum rc rc;

	x.poll.fire = poll;
	x.poll.ctx = &x;
	rc = live(&x, env, e);
	loop_timer_clear(x.loop, &x.poll);
	channel_free(x.people);
	fold_free(x.fold);
	tlog_dir_free(x.log);
	buf_fini(&x.bundle);
	deployment_free(x.deployment);
	return rc;
}
