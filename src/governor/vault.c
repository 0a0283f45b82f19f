/* SPDX-License-Identifier: Apache-2.0 */
/* governor/vault.c - data keys: wrapped on disk, open in memory.
 *
 * Holds: (1) a key seals nothing before its wrapped form is durable, in the file of its name: what
 *            cannot be read or is another key's is not taken for what the keeper gave.
 *        (2) serials are never reused: they go on from the largest file there is.
 *        (3) in the emergency place is nothing but keys of lives, and not longer than keys/ takes
 *            nothing.
 * Files: keys/tags.key, keys/<serial>.key (free or for a life), keys/<serial>-<object>.key (bound),
 *        keys/<serial>.evidence (set aside).
 */
#include "governor/vault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"
#include "governor/crypt.h"
#include "governor/life_keys.h"
#include "governor/log_io.h"
#include "net/channel.h"

enum { KEY_BYTES = 32, SPARE_KEYS = 4, NAME_BYTES = 64, WRAPPED_MAX = 256 };

#define TAGS_FILE "tags.key"

struct vault_slot {
	uint64_t serial;
	uint64_t object; /* 0 = free or a life's */
	uint8_t key[KEY_BYTES];
	bool is_open;
	bool is_spare;
	bool is_aside; /* of evidence: open for a while only */
	bool is_lost;  /* the keeper could not open it */
	bool is_away;  /* in the emergency place only */
};

struct vault {
	struct log_io io;		 /* of the directory of keys */
	struct log_io emergency;	 /* open NULL: none */
	struct life_key away[LIFE_KEYS]; /* what is there */
	size_t n_away;
	bool misses_some;		/* keys could not be stored, or not be read */
	bool has_unsynced;		/* a name in keys/ may not be durable */
	struct err why;			/* the last one that could not */
	VEC(struct vault_slot *) slots; /* by serial */
	uint64_t next_serial;
	uint64_t life_serial; /* 0 = not yet */
	uint8_t tags[KEY_BYTES];
	bool has_tags;
	size_t n_asked;
};

static struct vault_slot *find_serial(const struct vault *v, uint64_t serial)
{
	for (size_t i = v->slots.n; i > 0; i--) {
		if (v->slots.p[i - 1]->serial == serial) {
			return v->slots.p[i - 1];
		}
	}
	return NULL;
}

static enum rc add_slot(struct vault *v, uint64_t serial, uint64_t object, struct vault_slot **ret,
			struct err *e)
{
	struct vault_slot *s = mem_calloc(1, sizeof(*s));

	if (!s || vec_push(&v->slots, s) != RC_OK) {
		mem_free(s);
		FAIL(e, RC_NOMEM, "no memory for a key");
	}
	s->serial = serial;
	s->object = object;
	if (serial >= v->next_serial) {
		v->next_serial = serial + 1;
	}
	*ret = s;
	return RC_OK;
}

/* "<serial>.key" or "<serial>-<object>.key". */
static bool parse_name(struct str name, uint64_t *serial, uint64_t *object)
{
	struct str head;

	if (!str_has_suffix(name, STR(".key"))) {
		return false;
	}
	name = str_slice(name, 0, name.n - 4);
	head = str_cut(&name, '-');
	*object = 0;
	return num_u64(head, UINT64_MAX - 1, serial) &&
	       (!name.p || num_u64(name, UINT64_MAX - 1, object));
}

static const struct str aside = {".evidence", 9};

static bool parse_aside(struct str name, uint64_t *serial)
{
	return str_has_suffix(name, aside) &&
	       num_u64(str_slice(name, 0, name.n - aside.n), UINT64_MAX - 1, serial);
}

static int note_name(void *arg, const char *name)
{
	struct vault *v = arg;
	struct vault_slot *s;
	uint64_t serial;
	uint64_t object;

	if (parse_aside(str_from(name), &serial)) {
		v->next_serial = serial >= v->next_serial ? serial + 1 : v->next_serial;
		return 0;
	}
	if (!parse_name(str_from(name), &serial, &object)) {
		return 0;
	}
	return add_slot(v, serial, object, &s, NULL) == RC_OK ? 0 : -ENOMEM;
}

/* What was left there by lives that began on a disk without room. */
static enum rc open_away(struct vault *v, const struct log_io *emergency, struct err *e)
{
	v->emergency = *emergency;
	TRY(life_keys_load(&v->emergency, v->away, &v->n_away, e));
	for (size_t i = 0; i < v->n_away; i++) {
		struct vault_slot *s = find_serial(v, v->away[i].serial);

		if (!s) { /* else it was on its way home */
			TRY(add_slot(v, v->away[i].serial, 0, &s, e));
			s->is_away = true;
		}
	}
	if (life_keys_prepare(&v->emergency, &v->why) != RC_OK) {
		log_warn("no room is set aside for keys: %s", v->why.msg);
	}
	return RC_OK;
}

enum rc vault_open(const struct log_io *io, const struct log_io *emergency, struct vault **ret,
		   struct err *e)
{
	struct vault *v = mem_calloc(1, sizeof(*v));
	enum rc rc;
	int result;

	if (!v) {
		FAIL(e, RC_NOMEM, "no memory for the keys");
	}
	v->next_serial = 1;
	v->io = *io;
	result = io->list(io->ctx, note_name, v);
	if (result != 0) {
		vault_free(v);
		errno = -result;
		return err_set_sys(e, result == -ENOMEM ? RC_NOMEM : RC_IO, __func__,
				   "cannot list the keys");
	}
	rc = emergency ? open_away(v, emergency, e) : RC_OK;
	if (rc != RC_OK) {
		vault_free(v);
		return rc;
	}
	*ret = v;
	return RC_OK;
}

void vault_free(struct vault *v)
{
	if (!v) {
		return;
	}
	for (size_t i = 0; i < v->slots.n; i++) {
		mem_free_secret(v->slots.p[i], sizeof(*v->slots.p[i]));
	}
	vec_fini(&v->slots);
	mem_free_secret(v, sizeof(*v));
}

static void name_of(const struct vault_slot *s, char out[NAME_BYTES])
{
	if (s->is_aside) {
		(void)snprintf(out, NAME_BYTES, "%llu" STR_FMT, (unsigned long long)s->serial,
			       STR_ARG(aside));
	} else if (s->object) {
		(void)snprintf(out, NAME_BYTES, "%llu-%llu.key", (unsigned long long)s->serial,
			       (unsigned long long)s->object);
	} else {
		(void)snprintf(out, NAME_BYTES, "%llu.key", (unsigned long long)s->serial);
	}
}

/* RC_ABSENT only when the disk itself says that there is no such file. */
static enum rc find_file(const struct vault *v, const char *file, struct err *e)
{
	int fd = v->io.open(v->io.ctx, file, LOG_IO_READ);

	if (fd >= 0) {
		v->io.close(v->io.ctx, fd);
		return RC_OK;
	}
	errno = -fd;
	return err_set_sys(e, fd == -ENOENT ? RC_ABSENT : RC_IO, __func__,
			   "cannot look for key '%s'", file);
}

static void send_or_log(struct channel *keeper, const struct message *m)
{
	if (channel_send(keeper, m) != RC_OK) {
		log_err("the keeper cannot be reached");
	}
}

static void ask_new(struct vault *v, struct channel *keeper, struct str name)
{
	struct message m = {.kind = MESSAGE_KEY_NEW, .key_new = {.task = name}};

	v->n_asked++;
	send_or_log(keeper, &m);
}

static void ask_open(struct vault *v, struct channel *keeper, struct str name, const char *file)
{
	AUTO_BUF wrapped = BUF_INIT(WRAPPED_MAX);
	struct err e = ERR_INIT;
	struct message m = {.kind = MESSAGE_KEY_OPEN, .key_open = {.task = name}};

	if (log_io_read_file(&v->io, file, &wrapped, &e) != RC_OK) {
		log_warn("a key cannot be read: %s", e.msg);
		v->misses_some = true;
		v->why = e;
		return;
	}
	m.key_open.wrapped = buf_view(&wrapped);
	v->n_asked++;
	send_or_log(keeper, &m);
}

/* A new one only where there is none: it would be taken for the one that marks and tags are of. */
static void ask_tags(struct vault *v, struct channel *keeper)
{
	if (find_file(v, TAGS_FILE, NULL) == RC_ABSENT) {
		ask_new(v, keeper, STR("tags"));
	} else {
		ask_open(v, keeper, STR("tags"), TAGS_FILE);
	}
}

/* One that has a file, here or there. */
static void ask_stored(struct vault *v, struct channel *keeper, const struct vault_slot *s)
{
	struct message m = {.kind = MESSAGE_KEY_OPEN};
	char file[NAME_BYTES];
	char name[32];

	(void)snprintf(name, sizeof(name), "k%llu", (unsigned long long)s->serial);
	if (!s->is_away) {
		name_of(s, file);
		ask_open(v, keeper, str_from(name), file);
		return;
	}
	m.key_open.task = str_from(name);
	for (size_t i = 0; i < v->n_away; i++) {
		if (v->away[i].serial == s->serial) {
			m.key_open.wrapped = str_of(v->away[i].wrapped, v->away[i].n);
		}
	}
	v->n_asked++;
	send_or_log(keeper, &m);
}

static void ask_serial(struct vault *v, struct channel *keeper)
{
	char name[32];
	struct vault_slot *s;

	if (add_slot(v, v->next_serial, 0, &s, NULL) != RC_OK) {
		return;
	}
	s->is_spare = true;
	(void)snprintf(name, sizeof(name), "k%llu", (unsigned long long)s->serial);
	ask_new(v, keeper, str_from(name));
}

void vault_start(struct vault *v, struct channel *keeper)
{
	size_t stored = v->slots.n;

	ask_tags(v, keeper);
	for (size_t i = 0; i < stored; i++) {
		ask_stored(v, keeper, v->slots.p[i]);
	}
	for (int i = 0; i < SPARE_KEYS + 1; i++) {
		ask_serial(v, keeper);
	}
}

void vault_ask_again(struct vault *v, struct channel *keeper)
{
	v->n_asked = 0;
	if (!v->has_tags) {
		ask_tags(v, keeper);
	}
	for (size_t i = 0; i < v->slots.n; i++) {
		const struct vault_slot *s = v->slots.p[i];
		char file[NAME_BYTES];
		char name[32];

		if (s->is_open || s->is_lost) {
			continue;
		}
		name_of(s, file);
		(void)snprintf(name, sizeof(name), "k%llu", (unsigned long long)s->serial);
		if (!s->is_away && find_file(v, file, NULL) == RC_ABSENT) {
			ask_new(v, keeper, str_from(name));
		} else {
			ask_stored(v, keeper, s);
		}
	}
}

static enum rc sync_names(struct vault *v, struct err *e)
{
	int result = v->has_unsynced ? v->io.sync_dir(v->io.ctx) : 0;

	if (result != 0) {
		errno = -result;
		return err_set_sys(e, RC_IO, __func__, "cannot sync the keys");
	}
	v->has_unsynced = false;
	return RC_OK;
}

/* (1) RC_ABSENT: there is no such file. */
static enum rc is_stored(struct vault *v, const char *file, struct str wrapped, struct err *e)
{
	AUTO_BUF there = BUF_INIT(WRAPPED_MAX);

	TRY(log_io_read_file(&v->io, file, &there, e));
	if (!str_eq(buf_view(&there), wrapped)) {
		FAIL(e, RC_BROKEN, "'%s' holds another key", file);
	}
	return sync_names(v, e);
}

static enum rc store_here(struct vault *v, const char *file, struct str wrapped, struct err *e)
{
	enum rc rc = is_stored(v, file, wrapped, e);

	if (rc == RC_ABSENT) {
		rc = log_io_replace_file(&v->io, file, wrapped, e);
		v->has_unsynced |= rc != RC_OK;
	}
	return rc;
}

/* (1): here, or, for a life that could not begin otherwise, in the emergency place. */
static enum rc store_key(struct vault *v, const char *file, struct vault_slot *s,
			 struct str wrapped, struct err *e)
{
	struct life_key *k = &v->away[v->n_away];

	if ((s && s->is_away) || store_here(v, file, wrapped, e) == RC_OK) {
		return RC_OK;
	}
	v->misses_some = true;
	if (!s || !s->is_spare || v->life_serial != 0 || !v->emergency.open ||
	    v->n_away == LIFE_KEYS) {
		return e->code;
	}
	log_warn("this life's key goes to the emergency place: %s", e->msg);
	TRY(life_keys_add(&v->emergency, s->serial, wrapped, e));
	*k = (struct life_key){.serial = s->serial, .n = (uint8_t)wrapped.n};
	memcpy(k->wrapped, wrapped.p, wrapped.n);
	v->n_away++;
	s->is_away = true;
	return RC_OK;
}

void vault_on_key(struct vault *v, struct channel *keeper, const struct msg_key_ready *m)
{
	char file[NAME_BYTES] = TAGS_FILE;
	struct err e = ERR_INIT;
	struct vault_slot *s = NULL;
	uint64_t serial = 0;
	bool is_tags = str_eq(m->task, STR("tags"));

	(void)keeper; /* symmetrical with the other handlers */
	if (v->n_asked > 0) {
		v->n_asked--;
	}
	if (!is_tags) {
		if (!num_u64(str_slice(m->task, 1, m->task.n), UINT64_MAX, &serial) ||
		    !(s = find_serial(v, serial))) {
			return;
		}
	}
	if (is_tags ? v->has_tags : s->is_open) {
		return; /* another key than the one that is stored */
	}
	if (!m->ok || m->key.n != KEY_BYTES) {
		log_err("the keeper gives no key for '%.*s': %.*s", STR_ARG(m->task),
			STR_ARG(m->detail));
		if (s) {
			s->is_lost = true;
		}
		return;
	}
	if (!is_tags) {
		name_of(s, file);
	}
	if (store_key(v, file, s, m->wrapped, &e) != RC_OK) {
		if (!v->why.msg[0]) {
			log_err("a key cannot be stored: %s", e.msg);
		}
		v->why = e;
		return;
	}
	if (is_tags) {
		memcpy(v->tags, m->key.p, KEY_BYTES);
		v->has_tags = true;
		return;
	}
	memcpy(s->key, m->key.p, KEY_BYTES);
	s->is_open = true;
	if (s->is_spare && v->life_serial == 0) {
		s->is_spare = false;
		v->life_serial = s->serial;
	}
}

/* (3) The file of slots is cleared only when all that was in it lies at home. */
static bool take_home(struct vault *v)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < v->n_away; i++) {
		struct vault_slot *s = find_serial(v, v->away[i].serial);
		char file[NAME_BYTES];

		if (s && s->is_away) {
			name_of(s, file);
			if (log_io_replace_file(&v->io, file,
						str_of(v->away[i].wrapped, v->away[i].n),
						&e) != RC_OK) {
				return false;
			}
			s->is_away = false;
		}
	}
	if (v->n_away && life_keys_clear(&v->emergency, &e) == RC_OK) {
		v->n_away = 0;
	}
	return v->n_away == 0;
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

bool vault_has_failed(const struct vault *v, const char **ret_why)
{
	*ret_why = v->why.msg;
	return v->misses_some && v->n_asked == 0 && (v->life_serial == 0 || !v->has_tags);
}

bool vault_is_ready(const struct vault *v)
{
	return v->has_tags && v->life_serial != 0 && v->n_asked == 0;
}

enum rc vault_take(struct vault *v, struct channel *keeper, uint64_t *ret_serial, struct err *e)
{
	for (size_t i = 0; i < v->slots.n; i++) {
		struct vault_slot *s = v->slots.p[i];

		if (s->is_spare && s->is_open) {
			s->is_spare = false;
			*ret_serial = s->serial;
			ask_serial(v, keeper);
			return RC_OK;
		}
	}
	FAIL(e, RC_AGAIN, "no fresh key is ready: the keeper is slow");
}

uint64_t vault_key_of(const struct vault *v, uint64_t object_ix)
{
	for (size_t i = v->slots.n; object_ix && i > 0; i--) {
		if (v->slots.p[i - 1]->object == object_ix && v->slots.p[i - 1]->is_open) {
			return v->slots.p[i - 1]->serial;
		}
	}
	return VAULT_LIFE_KEY;
}

uint64_t vault_bound(const struct vault *v, uint64_t object_ix)
{
	for (size_t i = v->slots.n; object_ix && i > 0; i--) {
		if (v->slots.p[i - 1]->object == object_ix) {
			return v->slots.p[i - 1]->serial;
		}
	}
	return 0;
}

static enum rc rename_durably(struct vault *v, const char *from, const char *to, struct err *e)
{
	int result = v->io.rename(v->io.ctx, from, to);

	if (result == 0) {
		result = v->io.sync_dir(v->io.ctx);
	}
	if (result != 0) {
		v->has_unsynced = true;
		errno = -result;
		return err_set_sys(e, RC_IO, __func__, "cannot rename '%s'", from);
	}
	return RC_OK;
}

enum rc vault_bind(struct vault *v, uint64_t serial, uint64_t object_ix, struct err *e)
{
	struct vault_slot *s = find_serial(v, serial);
	char from[NAME_BYTES];
	char to[NAME_BYTES];

	MUST(s != NULL);
	name_of(s, from);
	s->object = object_ix;
	name_of(s, to);
	return rename_durably(v, from, to, e);
}

/* ---- set aside ---- */

enum rc vault_set_aside(struct vault *v, uint64_t serial, struct err *e)
{
	struct vault_slot *s = find_serial(v, serial);
	char from[NAME_BYTES];
	char to[NAME_BYTES];

	MUST(s != NULL && !s->is_spare && s->object == 0);
	name_of(s, from);
	s->is_aside = true;
	name_of(s, to);
	return rename_durably(v, from, to, e);
}

enum rc vault_fetch(struct vault *v, struct channel *keeper, uint64_t serial, struct err *e)
{
	struct vault_slot *s = find_serial(v, serial);
	char file[NAME_BYTES];
	char name[32];
	enum rc rc;

	if (s && s->is_open) {
		return RC_OK;
	}
	if (s && !s->is_lost) {
		FAIL(e, RC_AGAIN, "the key is on its way");
	}
	if (!s) {
		TRY(add_slot(v, serial, 0, &s, e));
		s->is_aside = true;
	}
	s->is_lost = false;
	name_of(s, file);
	rc = find_file(v, file, e);
	if (rc != RC_OK) {
		vault_close(v, serial);
		return rc;
	}
	(void)snprintf(name, sizeof(name), "k%llu", (unsigned long long)serial);
	ask_open(v, keeper, str_from(name), file);
	FAIL(e, RC_AGAIN, "the key is on its way");
}

void vault_close(struct vault *v, uint64_t serial)
{
	for (size_t i = v->slots.n; i > 0; i--) {
		struct vault_slot *s = v->slots.p[i - 1];

		if (s->serial == serial && s->is_aside) {
			vec_remove(&v->slots, i - 1);
			mem_free_secret(s, sizeof(*s));
			return;
		}
	}
}

static bool has_later(const struct vault *v, uint64_t serial)
{
	for (size_t i = v->slots.n; i > 0; i--) {
		if (v->slots.p[i - 1]->serial > serial && v->slots.p[i - 1]->is_open) {
			return true;
		}
	}
	return false;
}

static enum rc look_again(const struct vault *v, const char *file, struct err *e)
{
	enum rc rc = find_file(v, file, e);

	if (rc == RC_OK) {
		FAIL(e, RC_IO, "key '%s' is still there", file);
	}
	return rc == RC_ABSENT ? RC_OK : rc;
}

enum rc vault_destroy(struct vault *v, uint64_t serial, struct err *e)
{
	struct vault_slot wanted = {.serial = serial};
	struct vault_slot *s = find_serial(v, serial);
	char file[NAME_BYTES];
	int result;

	if (!has_later(v, serial)) {
		FAIL(e, RC_AGAIN, "no later key is stored yet"); /* (2) */
	}
	/* Under each of its names: as it was taken, set aside, bound. */
	for (int i = 0; i < 3; i++) {
		wanted.is_aside = i == 1;
		wanted.object = i == 2 && s ? s->object : 0;
		name_of(&wanted, file);
		result = v->io.unlink(v->io.ctx, file);
		if (result == 0 || result == -ENOENT) {
			result = v->io.sync_dir(v->io.ctx);
		}
		if (result != 0) {
			errno = -result;
			return err_set_sys(e, RC_IO, __func__, "cannot remove key '%s'", file);
		}
		TRY(look_again(v, file, e));
	}
	if (s) {
		s->is_aside = true;
		vault_close(v, serial);
	}
	return RC_OK;
}

struct aside_names {
	void (*fn)(void *ctx, uint64_t serial);
	void *ctx;
};

static int name_aside(void *arg, const char *name)
{
	const struct aside_names *a = arg;
	uint64_t serial;

	if (parse_aside(str_from(name), &serial)) {
		a->fn(a->ctx, serial);
	}
	return 0;
}

enum rc vault_each_aside(const struct vault *v, void (*fn)(void *ctx, uint64_t serial), void *ctx,
			 struct err *e)
{
	struct aside_names a = {.fn = fn, .ctx = ctx};
	int result = v->io.list(v->io.ctx, name_aside, &a);

	if (result != 0) {
		errno = -result;
		return err_set_sys(e, RC_IO, __func__, "cannot list the keys");
	}
	return RC_OK;
}

const uint8_t *vault_key(const struct vault *v, uint64_t serial)
{
	const struct vault_slot *s =
	    find_serial(v, serial == VAULT_LIFE_KEY ? v->life_serial : serial);

	return s && s->is_open ? s->key : NULL;
}

uint64_t vault_serial(const struct vault *v, uint64_t serial)
{
	return serial == VAULT_LIFE_KEY ? v->life_serial : serial;
}

enum rc vault_tag(const struct vault *v, struct str tool, struct str args, uint8_t ret[32],
		  struct err *e)
{
	const struct str parts[] = {tool, str_of("", 1), args};

	if (!v->has_tags) {
		FAIL(e, RC_AGAIN, "the key for call tags is not there yet");
	}
	if (!crypt_hmac(str_of(v->tags, KEY_BYTES), parts, ARRAY_LEN(parts), ret)) {
		FAIL(e, RC_NOMEM, "cannot compute a tag");
	}
	return RC_OK;
}
