/* SPDX-License-Identifier: Apache-2.0 */
/* governor/vault_reading.c - data keys that are open for a while: what a person reads of things
 * that are over, and objects of the store. */
#include "base/log.h"
#include "governor/vault_impl.h"

void vault_miss(struct vault *v, uint64_t serial)
{
	for (size_t i = 0; i < v->n_missed; i++) {
		if (v->missed[i] == serial) {
			return;
		}
	}
	if (v->n_missed < MISSED_AT_ONCE && !vault_find(v, serial)) {
		v->missed[v->n_missed++] = serial;
	}
}

void vault_begin_reading(struct vault *v)
{
	v->n_missed = 0;
}

static enum rc fetch_if_missed(void *ctx, const struct key_name *name, struct err *e)
{
	struct vault *v = ctx;
	struct data_key *k;

	for (size_t i = 0; i < v->n_missed; i++) {
		if (v->missed[i] == name->serial && !vault_find(v, name->serial)) {
			TRY(vault_add(v, name, &k, e));
			k->is_fetched = true;
			vault_want(v, k);
			return RC_OK;
		}
	}
	return RC_OK;
}

bool vault_fetch_missed(struct vault *v, struct channel *keeper)
{
	struct err e = ERR_INIT;

	if (v->n_missed && key_files_each(&v->dir, fetch_if_missed, v, &e) != RC_OK) {
		log_warn("keys to read with were not found: %s", e.msg);
	}
	v->n_missed = 0;
	vault_go_on(v, keeper);
	return vault_is_fetching(v);
}

bool vault_is_fetching(const struct vault *v)
{
	const struct map_entry *entry;
	size_t i = 0;

	while (v->n_asked && (entry = map_next(&v->by_serial, &i))) {
		const struct data_key *k = entry->value;

		if (k->is_fetched && k->is_asked) {
			return true;
		}
	}
	return false;
}

void vault_end_reading(struct vault *v)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&v->by_serial, &i))) {
		struct data_key *k = entry->value;

		if (k->is_fetched) {
			vault_drop(v, k);
		}
	}
}

enum rc vault_set_aside(struct vault *v, uint64_t serial, struct err *e)
{
	struct data_key *k = vault_find(v, serial);

	MUST(k != NULL && k->name.kind == KEY_FREE);
	return vault_rename(v, k, KEY_ASIDE, 0, e);
}

enum rc vault_fetch(struct vault *v, struct channel *keeper, uint64_t serial, struct err *e)
{
	const struct key_name name = {.kind = KEY_ASIDE, .serial = serial};
	AUTO_BUF wrapped = BUF_INIT(KEY_WRAPPED_MAX_BYTES);
	struct data_key *k = vault_find(v, serial);

	if (k && k->is_open) {
		return RC_OK;
	}
	if (k && !k->is_lost) {
		FAIL(e, RC_AGAIN, "the key is on its way");
	}
	TRY(key_file_read(&v->dir, &name, &wrapped, e));
	if (!k) {
		TRY(vault_add(v, &name, &k, e));
	}
	k->is_lost = false;
	vault_want(v, k);
	vault_go_on(v, keeper);
	FAIL(e, RC_AGAIN, "the key is on its way");
}

void vault_close(struct vault *v, uint64_t serial)
{
	struct data_key *k = vault_find(v, serial);

	if (k && k->name.kind == KEY_ASIDE) {
		vault_drop(v, k);
	}
}

struct aside_names {
	void (*fn)(void *ctx, uint64_t serial);
	void *ctx;
};

static enum rc name_aside(void *ctx, const struct key_name *name, struct err *e)
{
	const struct aside_names *a = ctx;

	(void)e; /* nothing fails here */
	if (name->kind == KEY_ASIDE) {
		a->fn(a->ctx, name->serial);
	}
	return RC_OK;
}

enum rc vault_each_aside(const struct vault *v, void (*fn)(void *ctx, uint64_t serial), void *ctx,
			 struct err *e)
{
	struct aside_names a = {.fn = fn, .ctx = ctx};

	return key_files_each(&v->dir, name_aside, &a, e);
}
