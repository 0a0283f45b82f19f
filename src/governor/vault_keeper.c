/* SPDX-License-Identifier: Apache-2.0 */
/* governor/vault_keeper.c - how a data key becomes open: the keeper is asked, its answer is stored.
 *
 * Holds: (1) a key seals nothing before its wrapped form is durable, in the file of its name: what
 *            cannot be read or is another key's is not taken for what the keeper gave.
 *        (2) in the emergency place is nothing but keys of lives, and not longer than keys/ takes
 *            nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "governor/vault_impl.h"
#include "net/channel.h"

enum {
	MESSAGE_NAME_BYTES = 32,
	KEYS_AT_ONCE = 64, /* asked for and not answered; what the channel holds is bounded */
};

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
	bool is_first =
	    k->is_new && !k->was_asked && k->name.kind != KEY_TAGS; /* its serial is new */
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

void vault_go_on(struct vault *v, struct channel *keeper)
{
	while (v->n_asked < KEYS_AT_ONCE && v->to_ask.n > 0) {
		uint64_t serial = v->to_ask.p[--v->to_ask.n];
		struct data_key *k = serial ? vault_find(v, serial) : &v->tags;

		if (k && !k->is_open && !k->is_asked && !k->is_lost) {
			ask(v, keeper, k);
		}
	}
}

void vault_want(struct vault *v, const struct data_key *k)
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

	if (vault_add(v, &name, &k, NULL) != RC_OK) {
		return NULL;
	}
	k->is_new = true;
	vault_want(v, k);
	return k;
}

void vault_want_fresh(struct vault *v)
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
	vault_want_fresh(v);
	vault_want(v, &v->tags);
	vault_go_on(v, keeper);
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
			vault_want(v, k);
		}
	}
	v->tags.is_asked = false;
	vault_want(v, &v->tags);
	vault_go_on(v, keeper);
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
			vault_drop(v, k); /* the next taking asks for another */
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
		k = num_u64(str_slice(m->task, 1, m->task.n), UINT64_MAX, &serial)
			? vault_find(v, serial)
			: NULL;
	}
	if (k && k->is_asked) { /* else another key than the one that is stored */
		k->is_asked = false;
		v->n_asked--;
		take_answer(v, k, m);
	}
	vault_go_on(v, keeper);
}

/* (2) The file of slots is cleared only when all that was in it lies at home. */
static bool take_home(struct vault *v)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < v->n_away; i++) {
		struct data_key *k = vault_find(v, v->away[i].serial);

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
