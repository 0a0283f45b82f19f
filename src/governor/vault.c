/* SPDX-License-Identifier: Apache-2.0 */
/* governor/vault.c - data keys: wrapped on disk, open in memory while they are needed.
 *
 * Holds: (1) a key seals nothing before its wrapped form is durable, in the file of its name: what
 *            cannot be read or is another key's is not taken for what the keeper gave.
 *        (2) serials are never reused: they go on from the largest file there is.
 *        (3) in the emergency place is nothing but keys of lives, and not longer than keys/ takes
 *            nothing.
 */
#include "governor/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"
#include "governor/crypt.h"
#include "governor/key_files.h"
#include "governor/life_keys.h"
#include "net/channel.h"

enum {
	KEY_BYTES = 32,
	SPARE_KEYS = 4,
	MESSAGE_NAME_BYTES = 32,
	KEYS_AT_ONCE = 64,   /* asked for and not answered; what the channel holds is bounded */
	MISSED_AT_ONCE = 64, /* of one reading; it is done again while it misses some */
};

struct data_key {
	struct key_name name;
	uint8_t bytes[KEY_BYTES];
	bool is_new;	 /* the keeper has not made it yet, as far as we know */
	bool was_asked;	 /* once, of this keeper or another */
	bool is_asked;	 /* of this one, who has not answered */
	bool is_open;	 /* stored, and in bytes */
	bool is_lost;	 /* the keeper could not open it, or its file is gone */
	bool is_away;	 /* in the emergency place only */
	bool is_fetched; /* for a reading */
};

struct vault {
	struct key_dir dir;
	struct log_io emergency;	 /* open NULL: none */
	struct life_key away[LIFE_KEYS]; /* what is there */
	size_t n_away;
	bool misses_some;	      /* keys could not be stored, or not be read */
	struct err why;		      /* the last one that could not */
	struct map by_serial;	      /* all but tags; owned */
	struct map by_object;	      /* the last one given to an object */
	VEC(struct data_key *) fresh; /* to be taken, open or not */
	VEC(uint64_t) to_ask;
	uint64_t missed[MISSED_AT_ONCE];
	size_t n_missed;
	struct data_key tags;
	struct data_key *life; /* this one's; NULL before vault_start */
	uint64_t first;	       /* leaf of this life */
	uint64_t next_serial;
	size_t n_asked;
};

/* ---- which keys there are ---- */

static struct str id_of(const uint64_t *number)
{
	return str_of(number, sizeof(*number));
}

static struct data_key *find(const struct vault *v, uint64_t serial)
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

static enum rc add(struct vault *v, const struct key_name *name, struct data_key **ret,
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

/* Wipes it. An answer that is on its way finds nobody. */
static void drop(struct vault *v, struct data_key *k)
{
	delist(v, k);
	(void)map_remove(&v->by_serial, id_of(&k->name.serial));
	v->n_asked -= k->is_asked;
	mem_free_secret(k, sizeof(*k));
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool needs_object(const struct vault_needs *needs, uint64_t object)
{
	return needs->n_objects &&
	       bsearch(&object, needs->objects, needs->n_objects, sizeof(object), compare);
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
	if (find(v, name->serial)) {
		FAIL(e, RC_BROKEN, "two keys have the serial %llu",
		     (unsigned long long)name->serial);
	}
	switch (name->kind) {
	case KEY_FREE:
		if (v->fresh.n >= SPARE_KEYS) {
			return RC_OK;
		}
		TRY(add(v, name, &k, e));
		return vec_push(&v->fresh, k);
	case KEY_BOUND:
		return needs_object(l->needs, name->leaf) ? add(v, name, &k, e) : RC_OK;
	case KEY_LIFE:
		return add(v, name, &k, e);
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

		if (!find(v, name.serial)) { /* else it was on its way home */
			TRY(add(v, &name, &k, e));
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
			drop(v, k);
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

/* ---- asking ---- */

static void say(struct vault *v, struct channel *keeper, struct data_key *k,
		const struct str *wrapped)
{
	char text[MESSAGE_NAME_BYTES] = "tags";
	struct message m = {.kind = wrapped ? MESSAGE_KEY_OPEN : MESSAGE_KEY_NEW};

	if (k->name.kind != KEY_TAGS) {
		(void)snprintf(text, sizeof(text), "k%llu", (unsigned long long)k->name.serial);
	}
	if (wrapped) {
		m.key_open.task = str_from(text);
		m.key_open.wrapped = *wrapped;
	} else {
		m.key_new.task = str_from(text);
	}
	k->is_asked = true;
	k->was_asked = true;
	v->n_asked++;
	if (channel_send(keeper, &m) != RC_OK) {
		log_err("the keeper cannot be reached");
	}
}

static struct str wrapped_away(const struct vault *v, uint64_t serial)
{
	for (size_t i = 0; i < v->n_away; i++) {
		if (v->away[i].serial == serial) {
			return str_of(v->away[i].wrapped, v->away[i].n);
		}
	}
	return STR_NULL;
}

/* A new one is made only where the disk says that there is none: it would be taken for the one that
 * has sealed, or that tags and marks are of. */
static void ask(struct vault *v, struct channel *keeper, struct data_key *k)
{
	AUTO_BUF wrapped = BUF_INIT(KEY_WRAPPED_MAX_BYTES);
	struct str bytes = wrapped_away(v, k->name.serial);
	bool is_first = k->is_new && !k->was_asked && k->name.kind != KEY_TAGS; /* (2) */
	struct err e = ERR_INIT;
	enum rc rc = RC_OK;

	if (!k->is_away) {
		rc = is_first ? RC_ABSENT : key_file_read(&v->dir, &k->name, &wrapped, &e);
		bytes = buf_view(&wrapped);
	}
	if (rc == RC_OK) {
		say(v, keeper, k, &bytes);
	} else if (rc == RC_ABSENT && k->is_new) {
		say(v, keeper, k, NULL);
	} else if (rc == RC_ABSENT) {
		k->is_lost = true;
		log_err("a key is gone: %s", e.msg);
	} else {
		log_warn("a key cannot be read: %s", e.msg);
		v->misses_some = true;
		v->why = e;
	}
}

static void go_on(struct vault *v, struct channel *keeper)
{
	while (v->n_asked < KEYS_AT_ONCE && v->to_ask.n > 0) {
		uint64_t serial = v->to_ask.p[--v->to_ask.n];
		struct data_key *k = serial ? find(v, serial) : &v->tags;

		if (k && !k->is_open && !k->is_asked && !k->is_lost) {
			ask(v, keeper, k);
		}
	}
}

static void want(struct vault *v, const struct data_key *k)
{
	if (vec_push(&v->to_ask, k->name.serial) != RC_OK) {
		v->misses_some = true; /* vault_mend comes back to it */
	}
}

static struct data_key *want_new(struct vault *v, enum key_kind kind)
{
	const struct key_name name = {
	    .kind = kind, .serial = v->next_serial, .leaf = kind == KEY_LIFE ? v->first : 0};
	struct data_key *k;

	if (add(v, &name, &k, NULL) != RC_OK) {
		return NULL;
	}
	k->is_new = true;
	want(v, k);
	return k;
}

static void want_fresh(struct vault *v)
{
	while (v->fresh.n < SPARE_KEYS) {
		struct data_key *k = want_new(v, KEY_FREE);

		if (!k) {
			return;
		}
		(void)vec_push(&v->fresh, k); /* reserved by vault_open */
	}
}

void vault_start(struct vault *v, struct channel *keeper)
{
	v->life = want_new(v, KEY_LIFE);
	want_fresh(v);
	want(v, &v->tags);
	go_on(v, keeper);
}

void vault_ask_again(struct vault *v, struct channel *keeper)
{
	const struct map_entry *entry;
	size_t i = 0;

	v->n_asked = 0;
	while ((entry = map_next(&v->by_serial, &i))) {
		struct data_key *k = entry->value;

		k->is_asked = false;
		if (!k->is_open && !k->is_lost) {
			want(v, k);
		}
	}
	v->tags.is_asked = false;
	want(v, &v->tags);
	go_on(v, keeper);
}

/* (1): here, or, for a life that could not begin otherwise, in the emergency place. */
static enum rc store(struct vault *v, struct data_key *k, struct str wrapped, struct err *e)
{
	struct life_key *slot = &v->away[v->n_away];

	if (k->is_away || key_file_store(&v->dir, &k->name, wrapped, e) == RC_OK) {
		return RC_OK;
	}
	v->misses_some = true;
	if (k != v->life || !v->emergency.open || v->n_away == LIFE_KEYS) {
		return e->code;
	}
	log_warn("this life's key goes to the emergency place: %s", e->msg);
	TRY(life_keys_add(&v->emergency, k->name.serial, wrapped, e));
	*slot = (struct life_key){.serial = k->name.serial, .n = (uint8_t)wrapped.n};
	memcpy(slot->wrapped, wrapped.p, wrapped.n);
	v->n_away++;
	k->is_away = true;
	return RC_OK;
}

static void take_answer(struct vault *v, struct data_key *k, const struct msg_key_ready *m)
{
	struct err e = ERR_INIT;

	if (!m->ok || m->key.n != KEY_BYTES) {
		log_err("the keeper gives no key for '%.*s': %.*s", STR_ARG(m->task),
			STR_ARG(m->detail));
		k->is_lost = k != &v->tags;
		if (k->name.kind == KEY_FREE) {
			drop(v, k); /* the next taking asks for another */
		}
		return;
	}
	if (store(v, k, m->wrapped, &e) != RC_OK) {
		if (!v->why.msg[0]) {
			log_err("a key cannot be stored: %s", e.msg);
		}
		v->why = e;
		return;
	}
	memcpy(k->bytes, m->key.p, KEY_BYTES);
	k->is_open = true;
	k->is_new = false;
}

void vault_on_key(struct vault *v, struct channel *keeper, const struct msg_key_ready *m)
{
	struct data_key *k = &v->tags;
	uint64_t serial = 0;

	if (!str_eq(m->task, STR("tags"))) {
		k = num_u64(str_slice(m->task, 1, m->task.n), UINT64_MAX, &serial) ? find(v, serial)
										   : NULL;
	}
	if (k && k->is_asked) { /* else another key than the one that is stored */
		k->is_asked = false;
		v->n_asked--;
		take_answer(v, k, m);
	}
	go_on(v, keeper);
}

/* (3) The file of slots is cleared only when all that was in it lies at home. */
static bool take_home(struct vault *v)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < v->n_away; i++) {
		struct data_key *k = find(v, v->away[i].serial);

		if (k && k->is_away) {
			if (key_file_store(&v->dir, &k->name, wrapped_away(v, k->name.serial),
					   &e) != RC_OK) {
				return false;
			}
			k->is_away = false;
		}
	}
	if (v->n_away && life_keys_clear(&v->emergency, &e) == RC_OK) {
		v->n_away = 0;
	}
	return v->n_away == 0;
}

bool vault_is_away(const struct vault *v)
{
	return v->n_away > 0;
}

void vault_mend(struct vault *v, struct channel *keeper)
{
	if (v->n_away == 0 && !v->misses_some) {
		return;
	}
	/* Nobody is asked twice for a key: another answer would be another key. */
	if (take_home(v) && v->misses_some && v->n_asked == 0 && keeper) {
		v->misses_some = false;
		v->why = (struct err)ERR_INIT;
		vault_ask_again(v, keeper);
	}
}

void vault_forget(struct vault *v, const struct vault_needs *needs)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&v->by_serial, &i))) {
		struct data_key *k = entry->value;

		if (k->name.kind == KEY_BOUND && !k->is_fetched &&
		    !needs_object(needs, k->name.leaf)) {
			drop(v, k);
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
	want_fresh(v);
	go_on(v, keeper);
	if (rc != RC_OK) {
		FAIL(e, rc, "no fresh key is ready: the keeper is slow");
	}
	return RC_OK;
}

static enum rc rename_key(struct vault *v, struct data_key *k, enum key_kind kind, uint64_t leaf,
			  struct err *e)
{
	const struct key_name to = {.kind = kind, .serial = k->name.serial, .leaf = leaf};

	TRY(key_file_rename(&v->dir, &k->name, &to, e));
	k->name = to;
	return RC_OK;
}

enum rc vault_bind(struct vault *v, uint64_t serial, uint64_t object_ix, struct err *e)
{
	struct data_key *k = find(v, serial);
	enum rc rc;

	MUST(k != NULL && k->name.kind == KEY_FREE);
	rc = rename_key(v, k, KEY_BOUND, object_ix, e);
	if (rc == RC_OK && enlist(v, k) != RC_OK) {
		rc = err_set(e, RC_NOMEM, __func__, "no memory for a key");
	}
	if (rc != RC_OK) {
		drop(v, k);
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
	const struct data_key *k = serial == VAULT_LIFE_KEY ? v->life : find(v, serial);

	return k && k->is_open ? k->bytes : NULL;
}

/* ---- keys that are open for a while ---- */

void vault_miss(struct vault *v, uint64_t serial)
{
	for (size_t i = 0; i < v->n_missed; i++) {
		if (v->missed[i] == serial) {
			return;
		}
	}
	if (v->n_missed < MISSED_AT_ONCE && !find(v, serial)) {
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
		if (v->missed[i] == name->serial && !find(v, name->serial)) {
			TRY(add(v, name, &k, e));
			k->is_fetched = true;
			want(v, k);
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
	go_on(v, keeper);
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
			drop(v, k);
		}
	}
}

enum rc vault_set_aside(struct vault *v, uint64_t serial, struct err *e)
{
	struct data_key *k = find(v, serial);

	MUST(k != NULL && k->name.kind == KEY_FREE);
	return rename_key(v, k, KEY_ASIDE, 0, e);
}

enum rc vault_fetch(struct vault *v, struct channel *keeper, uint64_t serial, struct err *e)
{
	const struct key_name name = {.kind = KEY_ASIDE, .serial = serial};
	AUTO_BUF wrapped = BUF_INIT(KEY_WRAPPED_MAX_BYTES);
	struct data_key *k = find(v, serial);

	if (k && k->is_open) {
		return RC_OK;
	}
	if (k && !k->is_lost) {
		FAIL(e, RC_AGAIN, "the key is on its way");
	}
	TRY(key_file_read(&v->dir, &name, &wrapped, e));
	if (!k) {
		TRY(add(v, &name, &k, e));
	}
	k->is_lost = false;
	want(v, k);
	go_on(v, keeper);
	FAIL(e, RC_AGAIN, "the key is on its way");
}

void vault_close(struct vault *v, uint64_t serial)
{
	struct data_key *k = find(v, serial);

	if (k && k->name.kind == KEY_ASIDE) {
		drop(v, k);
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
		FAIL(e, RC_AGAIN, "no later key is stored yet"); /* (2) */
	}
	TRY(key_file_remove(&v->dir, name, e));
	k = find(v, name->serial);
	if (k && k->name.kind == name->kind) {
		drop(v, k);
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
