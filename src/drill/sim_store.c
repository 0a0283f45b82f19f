/* SPDX-License-Identifier: Apache-2.0 */
/* drill/sim_store.c - the store, as far as the governor can tell: artefacts by name, in memory.
 *
 * An artefact is there, for ever and through every crash, from the moment STORED is said. One whose
 * pieces were still coming when the governor went is forgotten, as the store forgets it.
 */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "drill/sim_impl.h"

void sim_store_forget_unfinished(struct sim *s)
{
	buf_fini(&s->arriving);
	s->arriving_req = 0;
}

static struct sim_object *find(struct sim *s, struct str name)
{
	for (size_t i = 0; i < s->objects.n; i++) {
		if (str_eq(name, str_of(s->objects.p[i].name, 32))) {
			return &s->objects.p[i];
		}
	}
	return NULL;
}

static void say_stored(struct sim *s, uint64_t req, const struct sim_object *o, struct str key)
{
	struct message m = {.kind = MESSAGE_STORED, .stored = {.req = req}};
	uint8_t digest[32];

	if (o && str_eq(key, str_of(o->key, 32))) {
		SHA256((const unsigned char *)o->bytes.p, o->bytes.n, digest);
		m.stored.ok = 1;
		m.stored.object = str_of(o->name, 32);
		m.stored.stored_size = o->bytes.n + 64;
		m.stored.plain_sha256 = str_of(digest, 32);
		m.stored.size = o->bytes.n;
	} else {
		m.stored.detail = STR("no such object, or another key");
	}
	sim_say(s, SIM_STORE, &m);
}

/* The name is a digest of something that nobody else stores. */
static void finish(struct sim *s)
{
	struct sim_object o = {.bytes = sim_keep(s, buf_view(&s->arriving))};
	uint8_t seed[40];
	uint64_t n = s->n_stored++;

	memcpy(o.key, s->arriving_key, 32);
	memcpy(seed, o.key, 32);
	memcpy(seed + 32, &n, sizeof(n));
	SHA256(seed, sizeof(seed), o.name);
	MUST(vec_push(&s->objects, o) == RC_OK);
	say_stored(s, s->arriving_req, &o, str_of(o.key, 32));
	sim_store_forget_unfinished(s);
}

static void put(struct sim *s, const struct msg_store_put *m)
{
	sim_store_forget_unfinished(s);
	s->arriving = (struct buf)BUF_INIT(SIM_OBJECT_BYTES);
	s->arriving_req = m->req;
	s->arriving_size = m->size;
	if (m->key.n == 32) {
		memcpy(s->arriving_key, m->key.p, 32);
	}
	if (m->size == 0) {
		finish(s);
	}
}

static void take_piece(struct sim *s, const struct msg_store_piece *m)
{
	if (m->req != s->arriving_req || buf_add(&s->arriving, m->bytes) != RC_OK) {
		return; /* of an artefact that was given up */
	}
	if (s->arriving.n >= s->arriving_size) {
		finish(s);
	}
}

static void get(struct sim *s, const struct msg_store_get *m)
{
	const struct sim_object *o = find(s, m->object);
	struct message r = {.kind = MESSAGE_STORE_GOT, .store_got = {.req = m->req}};
	uint64_t from = m->chunk * LIMIT_OBJECT_PIECE_BYTES;

	if (o && str_eq(m->key, str_of(o->key, 32)) && from <= o->bytes.n) {
		r.store_got.ok = 1;
		r.store_got.bytes =
		    str_slice(o->bytes, (size_t)from, (size_t)from + LIMIT_OBJECT_PIECE_BYTES);
	} else {
		r.store_got.detail = STR("no such object, or another key");
	}
	sim_say(s, SIM_STORE, &r);
}

static void remove_object(struct sim *s, const struct msg_store_remove *m)
{
	struct message r = {.kind = MESSAGE_STORE_REMOVED,
			    .store_removed = {.req = m->req, .gone = 1}};
	struct sim_object *o = find(s, m->object);

	if (o) {
		vec_remove(&s->objects, (size_t)(o - s->objects.p));
	}
	sim_say(s, SIM_STORE, &r);
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static void list(struct sim *s, const struct msg_store_list *m)
{
	AUTO_BUF names = BUF_INIT(LIMIT_OBJECT_NAMES_BYTES);
	struct message r = {.kind = MESSAGE_STORE_NAMES, .store_names = {.ok = 1}};

	if (s->objects.n > 1) {
		qsort(s->objects.p, s->objects.n, sizeof(s->objects.p[0]), order);
	}
	for (size_t i = 0; i < s->objects.n; i++) {
		if (m->after.n == 32 && order(s->objects.p[i].name, m->after.p) <= 0) {
			continue;
		}
		if (buf_add(&names, str_of(s->objects.p[i].name, 32)) != RC_OK) {
			r.store_names.more = 1;
			break;
		}
	}
	r.store_names.names = buf_view(&names);
	sim_say(s, SIM_STORE, &r);
}

void sim_store_hears(struct sim *s, const struct message *m)
{
	switch ((int)m->kind) {
	case MESSAGE_STORE_PUT:
		put(s, &m->store_put);
		break;
	case MESSAGE_STORE_PIECE:
		take_piece(s, &m->store_piece);
		break;
	case MESSAGE_STORE_CHECK:
		say_stored(s, m->store_check.req, find(s, m->store_check.object),
			   m->store_check.key);
		break;
	case MESSAGE_STORE_GET:
		get(s, &m->store_get);
		break;
	case MESSAGE_STORE_REMOVE:
		remove_object(s, &m->store_remove);
		break;
	case MESSAGE_STORE_LIST:
		list(s, &m->store_list);
		break;
	default:
		break; /* nothing else is said to it */
	}
}
