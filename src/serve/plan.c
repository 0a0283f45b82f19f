/* SPDX-License-Identifier: Apache-2.0 */
/* serve/plan.c - the deployment as the supervisor sees it.
 *
 * Holds:  (1) keys are made for a new log only: a log whose keys are lost is never given others.
 *         (2) as root, everything below the state directory belongs to the roles' user.
 */
#include "serve/plan.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "config/deployment.h"
#include "keeper/keys.h"

static enum rc find_user(struct str name, struct sandbox_ids *ret, struct err *e)
{
	char text[256];
	const struct passwd *pw;

	if (name.n == 0 || geteuid() != 0) {
		return RC_OK; /* stay who we are */
	}
	if (name.n >= sizeof(text)) {
		FAIL(e, RC_LIMIT, "the name of the user is too long");
	}
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	pw = getpwnam(text);
	if (!pw) {
		FAIL(e, RC_ABSENT, "there is no user '%s' on this machine", text);
	}
	if (pw->pw_uid == 0) {
		FAIL(e, RC_INPUT, "the roles' user must not be root");
	}
	*ret = (struct sandbox_ids){.is_set = true, .uid = pw->pw_uid, .gid = pw->pw_gid};
	return RC_OK;
}

static enum rc path_in(struct str dir, const char *name, char ret[PATH_MAX], struct err *e)
{
	int n = snprintf(ret, PATH_MAX, STR_FMT "/%s", STR_ARG(dir), name);

	if (n < 0 || n >= PATH_MAX) {
		FAIL(e, RC_LIMIT, "the state directory's path is too long");
	}
	return RC_OK;
}

static bool is_empty(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *entry;
	bool is = true;

	if (!d) {
		return errno == ENOENT;
	}
	while (is && (entry = readdir(d))) {
		is = entry->d_name[0] == '.';
	}
	(void)closedir(d); /* only read */
	return is;
}

/* Invariant (1). */
static enum rc make_keys(const struct deployment *d, struct err *e)
{
	char keeper[PATH_MAX];
	char segments[PATH_MAX];
	char vkey[PATH_MAX];
	char anchor[PATH_MAX] = "";
	struct stat st;

	TRY(path_in(d->state_dir, "keeper", keeper, e));
	TRY(path_in(d->state_dir, "segments", segments, e));
	TRY(path_in(d->state_dir, "log.vkey", vkey, e));
	if (d->anchor_dir.n) {
		TRY(path_in(d->anchor_dir, ".", anchor, e));
	}
	if (lstat(keeper, &st) == 0) {
		return RC_OK;
	}
	if (!is_empty(segments)) {
		FAIL(e, RC_BROKEN, "there is a log in '%s', but its keys ('%s') are not there",
		     segments, keeper);
	}
	if (anchor[0]) {
		TRY(file_mkdirs(anchor, 0700, e));
	}
	TRY(keeper_keys_create(keeper, anchor[0] ? anchor : NULL, d->bundle->origin, vkey, e));
	log_info("made the keys of log '" STR_FMT "'", STR_ARG(d->bundle->origin));
	return RC_OK;
}

static struct sandbox_ids give_to; /* nftw takes no context */

static int give_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)kind;
	(void)at;
	return st->st_uid == give_to.uid ? 0 : lchown(path, give_to.uid, give_to.gid);
}

/* Invariant (2). */
static enum rc give_state(const char *dir, const struct sandbox_ids *ids, struct err *e)
{
	if (!ids->is_set) {
		return RC_OK;
	}
	give_to = *ids;
	if (nftw(dir, give_one, 32, FTW_PHYS | FTW_MOUNT) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot give '%s' to user %u", dir,
				   (unsigned)ids->uid);
	}
	return RC_OK;
}

static void log_findings(const struct findings *f)
{
	for (size_t i = 0; i < f->items.n; i++) {
		const struct finding *x = &f->items.p[i];
		enum log_level level = x->level == FINDING_ERROR ? LOG_LEVEL_ERR : LOG_LEVEL_WARN;

		log_line(level, STR_FMT ":%u:%u: " STR_FMT, STR_ARG(x->file), x->line, x->column,
			 STR_ARG(x->text));
	}
}

static enum rc take(const struct deployment *d, struct serve_plan *ret, struct err *e)
{
	if (d->n_backends > LIMIT_BACKENDS || d->agents.fronts > LIMIT_FRONTS) {
		FAIL(e, RC_LIMIT, "at most %d backends and %d fronts", LIMIT_BACKENDS,
		     LIMIT_FRONTS);
	}
	if (d->pid_file.n >= sizeof(ret->pid_file)) {
		FAIL(e, RC_LIMIT, "the path of the pid file is too long");
	}
	if (d->pid_file.n) {
		memcpy(ret->pid_file, d->pid_file.p, d->pid_file.n);
	}
	ret->n_agents = d->agents.fronts ? d->agents.fronts : 1;
	ret->n_backends = d->n_backends;
	for (size_t i = 0; i < d->n_backends; i++) {
		struct str name = d->backends[i].name;

		if (name.n > LIMIT_ID_BYTES) {
			FAIL(e, RC_LIMIT, "the name of backend %zu is too long", i + 1);
		}
		memcpy(ret->backends[i], name.p, name.n);
	}
	return find_user(d->user, &ret->ids, e);
}

enum rc plan_load(const char *deployment, struct serve_plan *ret, struct err *e)
{
	AUTO_FINDINGS findings = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	char state[PATH_MAX];
	char anchor[PATH_MAX];
	char published[PATH_MAX];
	char emergency[PATH_MAX];
	enum rc rc = deployment_load(deployment, &d, &findings, e);

	log_findings(&findings);
	TRY(rc);
	memset(ret, 0, sizeof(*ret));
	TRY(take(d, ret, e));
	TRY(path_in(d->state_dir, ".", state, e));
	TRY(file_mkdirs(state, 0700, e));
	TRY(make_keys(d, e));
	if (d->people.serves_log) {
		TRY(path_in(d->state_dir, "log", published, e));
		/* The front opens it before the governor does. */
		TRY(file_mkdirs(published, 0755, e));
	}
	if (d->anchor_dir.n) {
		TRY(path_in(d->anchor_dir, ".", anchor, e));
		TRY(give_state(anchor, &ret->ids, e));
	}
	if (d->emergency_dir.n) {
		TRY(path_in(d->emergency_dir, ".", emergency, e));
		TRY(file_mkdirs(emergency, 0700, e));
		TRY(give_state(emergency, &ret->ids, e));
	}
	return give_state(state, &ret->ids, e);
}

enum rc plan_digest(const char *deployment, uint8_t ret[32], struct err *e)
{
	AUTO_FINDINGS findings = FINDINGS_INIT; /* whoever is started says them */
	AUTO_DEPLOYMENT d = NULL;

	TRY(deployment_load(deployment, &d, &findings, e));
	memcpy(ret, d->bundle->digest, 32);
	return RC_OK;
}
