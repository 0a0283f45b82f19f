/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/backend.h - a credential backend: makes, ends and lists leased credentials.
 *
 * Each configured backend runs in a process of its own (role_backend_main), which is the only one
 * that reads its root credential. Calls may block there, but never longer than a bounded time;
 * they run one after another, in the order of the orders.
 *
 * To add one: keeper/backends/<type>.c with a struct backend_kind, a row in backend_kinds
 * (keeper/backend.c), a value of enum backend_type (src/config).
 */
#pragma once

#include "config/deployment.h"
#include "net/role.h"

struct backend_order {
	struct str name;  /* of the credential, known before it exists */
	struct str scope; /* what it may do */
	uint64_t not_after_unix_ms;
	uint64_t create_by_unix_ms; /* nothing may come into being later */
};

struct backend_kind {
	enum backend_type type;
	const struct sandbox_policy *sandbox;
	const struct sandbox_path *paths; /* beside what the configuration names */
	size_t n_paths;
	/* Reads the root credential; before the sandbox, without touching the network. */
	enum rc (*open)(const struct backend *config, const struct clock *clock, void **ret,
			struct err *e);
	void (*close)(void *b);
	/* Creates the credential and appends its fields, one JSON object, to fields, whose memory
	 * the caller has reserved and wipes. Errors never contain a secret. */
	enum rc (*issue)(void *b, const struct backend_order *o, struct buf *fields, struct err *e);
	/* Disables, cuts sessions, deletes, reads back. *ret_gone only after a read-back that no
	 * creation still under way can undo; read_back says what was seen. */
	enum rc (*revoke)(void *b, struct str name, uint64_t create_by_unix_ms, bool *ret_gone,
			  struct buf *read_back, struct err *e);
	/* Appends a JSON array of the names of all credentials with our mark. */
	enum rc (*sweep)(void *b, struct buf *names, struct err *e);
};

extern const struct backend_kind backend_postgresql;
extern const struct sandbox_policy postgresql_sandbox;

/* NULL for an unknown type. */
const struct backend_kind *backend_kind_of(enum backend_type type);

/* Loads the deployment and runs the backend that env names. */
enum rc role_backend_main(const struct role_env *env, struct err *e);
/* Runs the role for one configured backend. */
enum rc backend_run(const struct role_env *env, const struct backend *config, struct err *e);
