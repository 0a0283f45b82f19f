/* SPDX-License-Identifier: Apache-2.0 */
/* governor/vault.c - data keys: which there are, whose they are, and their end.
 *
 * Holds: (1) serials are never reused: they go on from the largest file there is.
 * See vault_keeper.c for how a key becomes open, vault_reading.c for those that are so for a while.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "governor/crypt.h"
#include "governor/vault_impl.h"

/* ---- which keys there are ---- */

static struct str id_of(const uint64_t *number)
{
	return str_of(number, sizeof(*number));
}

struct data_key *vault_find(const struct vault *v, uint64_t serial)
{
	return map_get(&v->by_serial, id_of(&serial));
}

static enum rc enlist(struct vault *v, struct data_key *k)
{
	const struct data_key *last = map_get(&v->by_object, id_of(&k->name.leaf));

	if (k->name.kind != KEY_BOUND || (last && last->name.serial > k->name.serial)) {
		return RC_OK;
	}
	return map_put(&v->by_object, id_of(&k->name.leaf), k);
}

static void delist(struct vault *v, const struct data_key *k)
{
	if (k->name.kind == KEY_BOUND && map_get(&v->by_object, id_of(&k->name.leaf)) == k) {
		(void)map_remove(&v->by_object, id_of(&k->name.leaf));
	}
	for (size_t i = 0; i < v->fresh.n; i++) {
		if (v->fresh.p[i] == k) {
			vec_remove(&v->fresh, i);
			return;
		}
	}
}

enum rc vault_add(struct vault *v, const struct key_name *name, struct data_key **ret,
		  struct err *e)
{
	struct data_key *k = mem_calloc(1, sizeof(*k));

	if (!k) {
		FAIL(e, RC_NOMEM, "no memory for a key");
	}
	k->name = *name;
	if (map_put(&v->by_serial, id_of(&name->serial), k) != RC_OK) {
		mem_free(k);
		FAIL(e, RC_NOMEM, "no memory for a key");
	}
	if (name->serial >= v->next_serial) {
		v->next_serial = name->serial + 1;
	}
	if (enlist(v, k) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a key");
	}
	*ret = k;
	return RC_OK;
}

void vault_drop(struct vault *v, struct data_key *k)
{
	delist(v, k);
	(void)map_remove(&v->by_serial, id_of(&k->name.serial));
	v->n_asked -= k->is_asked;
	mem_free_secret(k, sizeof(*k));
}

static bool needs_object(const struct vault_needs *needs, uint64_t object)
{
	return needs->n_objects &&
	       bsearch(&object, needs->objects, needs->n_objects, sizeof(object), num_order_u64);
}

struct listing {
	struct vault *v;
	const struct vault_needs *needs;
};

/* What an earlier life left fresh is taken before new ones are made. */
static enum rc note_file(void *ctx, const struct key_name *name, struct err *e)
{
	const struct listing *l = ctx;
	struct vault *v = l->v;
	struct data_key *k;

	if (name->serial >= v->next_serial) {
		v->next_serial = name->serial + 1;
	}
	if (vault_find(v, name->serial)) {
		FAIL(e, RC_BROKEN, "two keys have the serial %llu",
		     (unsigned long long)name->serial);
	}
	switch (name->kind) {
	case KEY_FREE:
		if (v->fresh.n >= SPARE_KEYS) {
			return RC_OK;
		}
		TRY(vault_add(v, name, &k, e));
		return vec_push(&v->fresh, k);
	case KEY_BOUND:
		return needs_object(l->needs, name->leaf) ? vault_add(v, name, &k, e) : RC_OK;
	case KEY_LIFE:
		return vault_add(v, name, &k, e);
	case KEY_TAGS:
	case KEY_ASIDE:
		break;
	}
	return RC_OK;
}

/* What was left there by lives that began on a disk without room. */
static enum rc open_away(struct vault *v, const struct log_io *emergency, struct err *e)
{
	v->emergency = *emergency;
	TRY(life_keys_load(&v->emergency, v->away, &v->n_away, e));
	for (size_t i = 0; i < v->n_away; i++) {
		const struct key_name name = {.kind = KEY_LIFE, .serial = v->away[i].serial};
		struct data_key *k;

		if (!vault_find(v, name.serial)) { /* else it was on its way home */
			TRY(vault_add(v, &name, &k, e));
			k->is_away = true;
		}
	}
	if (life_keys_prepare(&v->emergency, &v->why) != RC_OK) {
		log_warn("no room is set aside for keys: %s", v->why.msg);
	}
	return RC_OK;
}

/* Those that ended before the leaf was written: one that came later had begun by then. */
static void forget_lives_before(struct vault *v, uint64_t leaf)
{
	const struct map_entry *entry;
	uint64_t serial = 0;
	size_t i = 0;

	while ((entry = map_next(&v->by_serial, &i))) {
		const struct key_name *n = &((const struct data_key *)entry->value)->name;

		if (n->kind == KEY_LIFE && n->leaf && n->leaf <= leaf && n->serial > serial) {
			serial = n->serial;
		}
	}
	i = 0;
	while ((entry = map_next(&v->by_serial, &i))) {
		struct data_key *k = entry->value;

		if (k->name.kind == KEY_LIFE && k->name.serial < serial && !k->is_away &&
		    !k->is_asked) {
			vault_drop(v, k);
		}
	}
}

static enum rc open_all(struct vault *v, const struct log_io *emergency,
			const struct vault_needs *needs, struct err *e)
{
	struct listing l = {.v = v, .needs = needs};
	const struct map_entry *entry;
	size_t i = 0;

	TRY(vec_reserve(&v->fresh, SPARE_KEYS));
	TRY(key_files_each(&v->dir, note_file, &l, e));
	if (emergency) {
		TRY(open_away(v, emergency, e));
	}
	forget_lives_before(v, needs->oldest);
	while ((entry = map_next(&v->by_serial, &i))) {
		TRY(vec_push(&v->to_ask, ((const struct data_key *)entry->value)->name.serial));
	}
	return RC_OK;
}

enum rc vault_open(const struct log_io *io, const struct log_io *emergency,
		   const struct vault_needs *needs, struct vault **ret, struct err *e)
{
	struct vault *v = mem_calloc(1, sizeof(*v));
	enum rc rc;

	if (!v) {
		FAIL(e, RC_NOMEM, "no memory for the keys");
	}
	v->next_serial = 1;
	v->dir.io = *io;
	v->first = needs->next;
	v->tags.is_new = true;
	rc = open_all(v, emergency, needs, e);
	if (rc != RC_OK) {
		vault_free(v);
		return rc;
	}
	*ret = v;
	return RC_OK;
}

void vault_free(struct vault *v)
{
	const struct map_entry *entry;
	size_t i = 0;

	if (!v) {
		return;
	}
	while ((entry = map_next(&v->by_serial, &i))) {
		mem_free_secret(entry->value, sizeof(struct data_key));
	}
	map_fini(&v->by_serial);
	map_fini(&v->by_object);
	vec_fini(&v->fresh);
	vec_fini(&v->to_ask);
	mem_free_secret(v, sizeof(*v));
}

void vault_forget(struct vault *v, const struct vault_needs *needs)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&v->by_serial, &i))) {
		struct data_key *k = entry->value;

		if (k->name.kind == KEY_BOUND && !k->is_fetched &&
		    !needs_object(needs, k->name.leaf)) {
			vault_drop(v, k);
		}
	}
	forget_lives_before(v, needs->oldest);
}

/* ---- what there is to work with ---- */

/* Stored, needed, and not read. */
static bool has_unread(const struct vault *v)
{
	const struct map_entry *entry;
	size_t i = 0;

	while (v->misses_some && (entry = map_next(&v->by_serial, &i))) {
		const struct data_key *k = entry->value;

		if (!k->is_open && !k->is_lost && !k->is_new && k->name.kind != KEY_FREE) {
			return true;
		}
	}
	return false;
}

static bool has_own(const struct vault *v)
{
	return v->tags.is_open && v->life && v->life->is_open;
}

bool vault_has_failed(const struct vault *v, const char **ret_why)
{
	*ret_why = v->why.msg;
	return v->misses_some && v->n_asked == 0 && (!has_own(v) || has_unread(v));
}

bool vault_is_ready(const struct vault *v)
{
	return has_own(v) && v->n_asked == 0 && !has_unread(v);
}

enum rc vault_take(struct vault *v, struct channel *keeper, uint64_t *ret_serial, struct err *e)
{
	enum rc rc = RC_AGAIN;

	for (size_t i = 0; i < v->fresh.n && rc != RC_OK; i++) {
		if (v->fresh.p[i]->is_open) {
			*ret_serial = v->fresh.p[i]->name.serial;
			vec_remove(&v->fresh, i);
			rc = RC_OK;
		}
	}
	vault_want_fresh(v);
	vault_go_on(v, keeper);
	if (rc != RC_OK) {
		FAIL(e, rc, "no fresh key is ready: the keeper is slow");
	}
	return RC_OK;
}

enum rc vault_rename(struct vault *v, struct data_key *k, enum key_kind kind, uint64_t leaf,
		     struct err *e)
{
	const struct key_name to = {.kind = kind, .serial = k->name.serial, .leaf = leaf};

	TRY(key_file_rename(&v->dir, &k->name, &to, e));
	k->name = to;
	return RC_OK;
}

enum rc vault_bind(struct vault *v, uint64_t serial, uint64_t object_ix, struct err *e)
{
	struct data_key *k = vault_find(v, serial);
	enum rc rc;

	MUST(k != NULL && k->name.kind == KEY_FREE);
	rc = vault_rename(v, k, KEY_BOUND, object_ix, e);
	if (rc == RC_OK && enlist(v, k) != RC_OK) {
		rc = err_set(e, RC_NOMEM, __func__, "no memory for a key");
	}
	if (rc != RC_OK) {
		vault_drop(v, k);
	}
	return rc;
}

uint64_t vault_key_of(const struct vault *v, uint64_t object_ix)
{
	const struct data_key *k;

	if (!object_ix) {
		return VAULT_LIFE_KEY;
	}
	k = map_get(&v->by_object, id_of(&object_ix));
	return k && k->is_open ? k->name.serial : VAULT_NO_KEY;
}

uint64_t vault_serial(const struct vault *v, uint64_t serial)
{
	return serial == VAULT_LIFE_KEY && v->life ? v->life->name.serial : serial;
}

const uint8_t *vault_key(const struct vault *v, uint64_t serial)
{
	const struct data_key *k = serial == VAULT_LIFE_KEY ? v->life : vault_find(v, serial);

	return k && k->is_open ? k->bytes : NULL;
}

/* ---- the end of keys ---- */

static bool has_later(const struct vault *v, uint64_t serial)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&v->by_serial, &i))) {
		const struct data_key *k = entry->value;

		if (k->name.serial > serial && k->is_open) {
			return true;
		}
	}
	return false;
}

static enum rc destroy(struct vault *v, const struct key_name *name, struct err *e)
{
	struct data_key *k;

	if (!has_later(v, name->serial)) {
		FAIL(e, RC_AGAIN, "no later key is stored yet"); /* (1) */
	}
	TRY(key_file_remove(&v->dir, name, e));
	k = vault_find(v, name->serial);
	if (k && k->name.kind == name->kind) {
		vault_drop(v, k);
	}
	return RC_OK;
}

enum rc vault_destroy(struct vault *v, uint64_t serial, struct err *e)
{
	TRY(destroy(v, &(struct key_name){.kind = KEY_FREE, .serial = serial}, e));
	return destroy(v, &(struct key_name){.kind = KEY_ASIDE, .serial = serial}, e);
}

struct bound_to {
	uint64_t object;
	VEC(struct key_name) names;
};

static enum rc note_bound(void *ctx, const struct key_name *name, struct err *e)
{
	struct bound_to *b = ctx;

	if (name->kind != KEY_BOUND || name->leaf != b->object) {
		return RC_OK;
	}
	if (vec_push(&b->names, *name) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for the name of a key");
	}
	return RC_OK;
}

enum rc vault_bound(const struct vault *v, uint64_t object_ix, uint64_t *ret_serial, struct err *e)
{
	struct bound_to b = {.object = object_ix};
	enum rc rc = key_files_each(&v->dir, note_bound, &b, e);

	*ret_serial = 0;
	for (size_t i = 0; rc == RC_OK && i < b.names.n; i++) {
		if (b.names.p[i].serial > *ret_serial) {
			*ret_serial = b.names.p[i].serial;
		}
	}
	vec_fini(&b.names);
	TRY(rc);
	if (!*ret_serial) {
		FAIL(e, RC_ABSENT, "leaf %llu has no key", (unsigned long long)object_ix);
	}
	return RC_OK;
}

/* Two, where a life ended between giving a key and the leaf: another object has that index then. */
enum rc vault_destroy_of(struct vault *v, uint64_t object_ix, struct err *e)
{
	struct bound_to b = {.object = object_ix};
	enum rc rc = key_files_each(&v->dir, note_bound, &b, e);

	for (size_t i = 0; rc == RC_OK && i < b.names.n; i++) {
		rc = destroy(v, &b.names.p[i], e);
	}
	vec_fini(&b.names);
	return rc;
}

/* ---- tags ---- */

enum rc vault_tag(const struct vault *v, struct str tool, struct str args, uint8_t ret[32],
		  struct err *e)
{
	if (!v->tags.is_open) {
		FAIL(e, RC_AGAIN, "the key for call tags is not there yet");
	}
	return crypt_tag(v->tags.bytes, tool, args, ret, e);
}
