/* SPDX-License-Identifier: Apache-2.0 */
/* governor/role_governor.c - the governor as a process: its directory, its walls, its loop. */
#include "governor/governor.h"

#include <stdio.h>

#include <openssl/sha.h>

#include "base/file.h"
#include "base/log.h"
#include "config/deployment.h"
#include "governor/log_io.h"

enum { KEYS_WITHIN_NS = 1000000000 * 60ll, PATH_BYTES = 4096, VKEY_BYTES = 1024 };

const struct sandbox_policy governor_sandbox = {
    .name = "governor",
    .needs = SANDBOX_READ | SANDBOX_WRITE | SANDBOX_THREADS,
};

/* What the process owns beside the governor. */
struct place {
	const struct role_env *env;
	struct deployment *deployment;
	struct log_io_system *segments;
	struct log_io_system *keys;
	struct log_io_system *bundles;
	struct log_io_system *snapshots;
	struct log_io_system *emergency;
	struct buf vkey;
	struct governor *governor;
};

/* Not the whole state directory: the keeper's keys are in it. Not the deployment, which was read
 * before: secrets of backends and listeners may be in it. */
static const char *const names[] = {"segments", "keys",	     "bundles", "snapshots",
				    "log",	"emergency", "log.vkey"};
enum { SEGMENTS = 0, KEYS, BUNDLES, SNAPSHOTS, PUBLISHED, EMERGENCY, VKEY, NAMES };

static void path_of(const struct place *p, int name, char out[PATH_BYTES])
{
	if (name == EMERGENCY && p->deployment->emergency_dir.n) {
		(void)snprintf(out, PATH_BYTES, "%s", p->deployment->emergency_dir.p);
		return;
	}
	(void)snprintf(out, PATH_BYTES, "%s/%s", p->deployment->state_dir.p,
		       names[name]); /* a path that was cut is not found */
}

static enum rc confine(const struct place *p, struct err *e)
{
	char in_state[NAMES][PATH_BYTES];
	struct sandbox_path paths[NAMES] = {0};

	for (int i = 0; i < NAMES; i++) {
		path_of(p, i, in_state[i]);
		paths[i].path = in_state[i];
		paths[i].access = i == VKEY ? SANDBOX_PATH_READ : SANDBOX_PATH_WRITE;
		if (i != VKEY) {
			TRY(file_mkdirs(in_state[i], i == PUBLISHED ? 0755 : 0700, e));
		}
	}
	return role_confine(p->env, &governor_sandbox, paths, NAMES, e);
}

static enum rc open_dir(const struct place *p, int name, struct log_io_system **ret, struct err *e)
{
	char path[PATH_BYTES];

	path_of(p, name, path);
	TRY(file_mkdirs(path, 0700, e)); /* as the user that the role became */
	return log_io_system_new(path, ret, e);
}

/* Before the walls. Without it jumps of the clock are noticed within a life only. */
static void read_boot(struct digest *ret)
{
	AUTO_BUF id = BUF_INIT(64);

	*ret = (struct digest){0};
	if (file_read("/proc/sys/kernel/random/boot_id", &id, NULL) == RC_OK && id.n) {
		SHA256((const unsigned char *)id.p, id.n, ret->bytes);
	}
}

static enum rc read_vkey(struct place *p, struct str *ret, struct err *e)
{
	char path[PATH_BYTES];

	path_of(p, VKEY, path);
	TRY(file_read(path, &p->vkey, e));
	*ret = buf_view(&p->vkey);
	while (ret->n && ret->p[ret->n - 1] == '\n') {
		ret->n--;
	}
	return RC_OK;
}

/* The keeper answers while we wait. */
static enum rc wait_for_keys(const struct place *p, struct err *e)
{
	const struct role_env *env = p->env;
	uint64_t until = clock_boot_ns(&env->clock) + (uint64_t)KEYS_WITHIN_NS;
	const char *why;

	while (!governor_has_keys(p->governor)) {
		if (governor_lacks_keys(p->governor, &why)) {
			FAIL(e, RC_IO, "no key for this life can be stored: %s", why);
		}
		if (clock_boot_ns(&env->clock) > until) {
			FAIL(e, RC_AGAIN, "the keeper gives no keys");
		}
		if (env->is_stopping || governor_is_broken(p->governor)) {
			FAIL(e, RC_AGAIN, "stopped while waiting for the keeper's keys");
		}
		TRY(loop_step(env->loop, 100, e));
	}
	return RC_OK;
}

static enum rc live(struct place *p, struct err *e)
{
	AUTO_FINDINGS found = FINDINGS_INIT;
	struct governor_world world = {.env = p->env, .has_thread = true};
	struct log_io segments;
	struct log_io keys;
	struct log_io bundles;
	struct log_io snapshots;
	struct log_io emergency;
	char published[PATH_BYTES];

	TRY(deployment_load(p->env->deployment, &p->deployment, &found, e));
	read_boot(&world.boot);
	TRY(confine(p, e));
	TRY(open_dir(p, SEGMENTS, &p->segments, e));
	TRY(open_dir(p, KEYS, &p->keys, e));
	TRY(open_dir(p, BUNDLES, &p->bundles, e));
	TRY(open_dir(p, SNAPSHOTS, &p->snapshots, e));
	TRY(read_vkey(p, &world.vkey, e));
	segments = log_io_system_table(p->segments);
	keys = log_io_system_table(p->keys);
	bundles = log_io_system_table(p->bundles);
	snapshots = log_io_system_table(p->snapshots);
	if (open_dir(p, EMERGENCY, &p->emergency, e) == RC_OK) {
		emergency = log_io_system_table(p->emergency);
		world.emergency = &emergency;
	} else {
		log_warn("the log has nowhere to go in an emergency: %s", e->msg);
	}
	path_of(p, PUBLISHED, published);
	world.deployment = p->deployment;
	world.segments = &segments;
	world.keys = &keys;
	world.bundles = &bundles;
	world.snapshots = &snapshots;
	world.publish_dir = published;
	world.shard_ms = p->deployment->shard_ms;
	world.keep_ms = p->deployment->keep_ms;
	TRY(governor_open(&world, &p->governor, e));
	TRY(wait_for_keys(p, e));
	TRY(governor_begin(p->governor, e));
	TRY(role_run(p->env, e));
	if (governor_is_broken(p->governor)) {
		FAIL(e, RC_BROKEN, "the governor ended by itself");
	}
	return RC_OK;
}

enum rc role_governor_main(const struct role_env *env, struct err *e)
{
	struct place p = {.env = env, .vkey = BUF_INIT(VKEY_BYTES)};
	enum rc rc = live(&p, e);

	governor_free(p.governor);
	log_io_system_free(p.segments);
	log_io_system_free(p.keys);
	log_io_system_free(p.bundles);
	log_io_system_free(p.snapshots);
	log_io_system_free(p.emergency);
	buf_fini(&p.vkey);
	deployment_free(p.deployment);
	return rc;
}
