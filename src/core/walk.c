/* SPDX-License-Identifier: Apache-2.0 */
/* core/walk.c - numbers, strings, lists and sets of the state, to bytes and back.
 *
 * Trust:  bytes that are read were ours, and may be damaged; nothing in them is believed before
 *         their digest was found under a signed checkpoint, but reading them must be safe.
 * Holds:  (1) counts in the input allocate nothing by themselves: room is made element by element.
 *         (2) what is written when it is walked again is what was read.
 */
#include "core/walk.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

/* Of one object; the largest has a few thousand short names. */
enum { MAX_BLOCK_BYTES = 4 * 1024 * 1024 };

enum rc walk_init(struct walk *w, enum walk_direction d, struct state *s, struct err *e)
{
	*w = (struct walk){.direction = d, .s = s, .e = e};
	w->hash = EVP_MD_CTX_new();
	w->room = mem_calloc(1, WALK_ROOM_BYTES);
	w->seen = d == WALK_PUT ? mem_calloc(s->words.n + 1, 1) : NULL;
	if (!w->hash || !w->room || (d == WALK_PUT && !w->seen) ||
	    EVP_DigestInit_ex(w->hash, EVP_sha256(), NULL) != 1) {
		walk_fini(w);
		FAIL(e, RC_NOMEM, "no memory to go through the state");
	}
	return RC_OK;
}

void walk_fini(struct walk *w)
{
	EVP_MD_CTX_free(w->hash);
	mem_free(w->room);
	mem_free(w->seen);
	*w = (struct walk){.rc = RC_BROKEN};
}

bool walk_is_ok(const struct walk *w)
{
	return w->rc == RC_OK;
}

void walk_fail(struct walk *w, enum rc rc, const char *why)
{
	if (w->rc == RC_OK) {
		w->rc = err_set(w->e, rc, __func__, "%s at byte %ju", why, (uintmax_t)w->bytes);
	}
}

/* ---- bytes ---- */

static void hash(struct walk *w, size_t n)
{
	if (n && EVP_DigestUpdate(w->hash, w->room, n) != 1) {
		walk_fail(w, RC_BROKEN, "cannot compute a SHA-256 digest");
	}
	w->bytes += n;
}

static void flush(struct walk *w)
{
	hash(w, w->n);
	if (w->put && w->rc == RC_OK) {
		w->rc = w->put(w->ctx, w->room, w->n, w->e);
	}
	w->n = 0;
}

static void put(struct walk *w, const void *p, size_t n)
{
	const uint8_t *from = p;

	while (n && w->rc == RC_OK) {
		size_t step = WALK_ROOM_BYTES - w->n < n ? WALK_ROOM_BYTES - w->n : n;

		memcpy(w->room + w->n, from, step);
		w->n += step;
		from += step;
		n -= step;
		if (w->n == WALK_ROOM_BYTES) {
			flush(w);
		}
	}
}

static void fill(struct walk *w)
{
	w->at = 0;
	w->n = 0;
	w->rc = w->get(w->ctx, w->room, WALK_ROOM_BYTES, &w->n, w->e);
	hash(w, w->n);
}

static void get(struct walk *w, void *p, size_t n)
{
	uint8_t *to = p;

	while (n && w->rc == RC_OK) {
		size_t step;

		if (w->at == w->n) {
			fill(w);
			if (w->rc == RC_OK && w->n == 0) {
				walk_fail(w, RC_BROKEN, "the state ends too early");
			}
			continue;
		}
		step = w->n - w->at < n ? w->n - w->at : n;
		memcpy(to, w->room + w->at, step);
		w->at += step;
		to += step;
		n -= step;
	}
	if (n) {
		memset(to, 0, n);
	}
}

enum rc walk_end(struct walk *w, struct digest *ret)
{
	struct digest d;

	if (w->direction == WALK_PUT) {
		flush(w);
	} else if (w->rc == RC_OK) {
		if (w->at == w->n) {
			fill(w);
		}
		if (w->at != w->n) {
			walk_fail(w, RC_BROKEN, "bytes follow the state");
		}
	}
	if (w->rc == RC_OK && EVP_DigestFinal_ex(w->hash, d.bytes, NULL) != 1) {
		walk_fail(w, RC_BROKEN, "cannot compute a SHA-256 digest");
	}
	TRY(w->rc);
	*ret = d;
	return RC_OK;
}

/* ---- numbers ---- */

void walk_u64(struct walk *w, uint64_t *v)
{
	uint8_t bytes[8];

	if (w->direction == WALK_PUT) {
		for (unsigned i = 0; i < 8; i++) {
			bytes[i] = (uint8_t)(*v >> (56 - 8 * i));
		}
		put(w, bytes, sizeof(bytes));
	} else if (w->direction == WALK_GET) {
		get(w, bytes, sizeof(bytes));
		*v = 0;
		for (unsigned i = 0; i < 8; i++) {
			*v = *v << 8 | bytes[i];
		}
	}
}

void walk_below(struct walk *w, uint64_t *v, uint64_t limit)
{
	walk_u64(w, v);
	if (w->direction == WALK_GET && *v >= limit) {
		walk_fail(w, RC_BROKEN, "a number that is too large");
		*v = 0;
	}
}

void walk_u32(struct walk *w, uint32_t *v)
{
	walk_enum(w, *v, UINT64_C(1) << 32);
}

void walk_bool(struct walk *w, bool *v)
{
	walk_enum(w, *v, 2);
}

void walk_digest(struct walk *w, struct digest *d)
{
	if (w->direction == WALK_PUT) {
		put(w, d->bytes, sizeof(d->bytes));
	} else if (w->direction == WALK_GET) {
		get(w, d->bytes, sizeof(d->bytes));
	}
}

uint64_t walk_n(struct walk *w, uint64_t n)
{
	walk_u64(w, &n);
	return n;
}

bool walk_make_room(struct walk *w, void **p, size_t *n, size_t *cap, uint64_t i, size_t size)
{
	if (w->rc != RC_OK || w->direction != WALK_GET) {
		return w->rc == RC_OK;
	}
	if (vec_grow(p, *n, cap, 1, size) != RC_OK) {
		walk_fail(w, RC_NOMEM, "no memory for the state");
		return false;
	}
	memset((char *)*p + i * size, 0, size);
	*n = (size_t)i + 1;
	return true;
}

/* ---- strings ---- */

static bool take_text(struct walk *w, uint64_t n, char **ret)
{
	if (n > w->n_text) {
		walk_fail(w, RC_BROKEN, "a text that is too long");
		return false;
	}
	*ret = w->text;
	w->text += n;
	w->n_text -= n;
	return true;
}

void walk_str(struct walk *w, struct str *s)
{
	uint64_t n = walk_n(w, s->n);
	char *p;

	if (w->direction == WALK_COUNT) {
		w->n_text += s->n;
	} else if (w->direction == WALK_PUT) {
		put(w, s->p, s->n);
	} else if (w->rc == RC_OK && take_text(w, n, &p)) {
		get(w, p, (size_t)n);
		*s = str_of(p, (size_t)n);
	}
}

void walk_list(struct walk *w, struct str_list *l)
{
	uint64_t n = walk_n(w, l->n);

	if (w->direction == WALK_COUNT) {
		w->n_lists += l->n;
	} else if (w->direction == WALK_GET) {
		if (w->rc != RC_OK || n > w->n_lists) {
			walk_fail(w, RC_BROKEN, "a list that is too long");
			return;
		}
		*l = (struct str_list){.p = n ? w->lists : NULL, .n = (size_t)n};
		w->lists += n;
		w->n_lists -= n;
	}
	for (size_t i = 0; i < l->n && w->rc == RC_OK; i++) {
		walk_str(w, (struct str *)(uintptr_t)&l->p[i]); /* ours when it is filled */
	}
}

/* Into a block that is the caller's. */
static char *get_block(struct walk *w, uint64_t n)
{
	char *p = NULL;

	if (w->rc == RC_OK && n > LIMIT_LEAF_BYTES) {
		walk_fail(w, RC_BROKEN, "a text that is too long");
	}
	if (w->rc == RC_OK) {
		p = mem_calloc((size_t)n + 1, 1);
		if (!p) {
			walk_fail(w, RC_NOMEM, "no memory for the state");
			return NULL;
		}
		get(w, p, (size_t)n);
	}
	return p;
}

void walk_own(struct walk *w, struct str *s)
{
	uint64_t n = walk_n(w, s->n);

	if (w->direction == WALK_PUT) {
		put(w, s->p, s->n);
	} else if (w->direction == WALK_GET) {
		char *p = get_block(w, n);

		*s = p ? str_of(p, (size_t)n) : STR_NULL;
	}
}

void walk_own_list(struct walk *w, struct owned_strings *v)
{
	uint64_t n = walk_n(w, v->n);

	for (uint64_t i = 0; i < n && walk_room(w, v, i); i++) {
		walk_own(w, &v->p[i]);
	}
}

void walk_word(struct walk *w, uint32_t *id)
{
	bool has = *id != INTERN_NONE;
	struct str text =
	    has && w->direction == WALK_PUT ? intern_text(&w->s->words, *id) : STR_NULL;

	walk_bool(w, &has);
	if (w->direction != WALK_COUNT && has) {
		walk_own(w, &text);
	}
	if (w->direction != WALK_GET) {
		return;
	}
	*id = INTERN_NONE;
	if (has && w->rc == RC_OK) {
		w->rc = intern_add(&w->s->words, text, id, w->e);
	}
	state_free_string(text);
}

void walk_words(struct walk *w, struct str_list *texts, uint32_t **ids)
{
	uint64_t n = walk_n(w, texts->n);
	struct str *list;

	if (w->direction == WALK_GET) {
		if (w->rc != RC_OK || n > LIMIT_LEAF_BYTES) {
			walk_fail(w, RC_BROKEN, "a list that is too long");
			return;
		}
		*ids = mem_calloc((size_t)n + 1, sizeof(**ids));
		texts->p = mem_calloc((size_t)n + 1, sizeof(*texts->p));
		if (!*ids || !texts->p) {
			walk_fail(w, RC_NOMEM, "no memory for the state");
			return;
		}
	}
	list = (struct str *)(uintptr_t)texts->p;
	for (uint64_t i = 0; i < n && w->rc == RC_OK && w->direction != WALK_COUNT; i++) {
		walk_word(w, &(*ids)[i]);
		if (w->direction == WALK_GET && (*ids)[i] == INTERN_NONE) {
			walk_fail(w, RC_BROKEN, "a target without a name");
		} else if (w->direction == WALK_GET) {
			list[i] = intern_text(&w->s->words, (*ids)[i]);
			texts->n = (size_t)i + 1; /* so many are held */
		}
	}
}

/* ---- sets ---- */

static void walk_node(struct walk *w, struct tally_restored *x)
{
	walk_word(w, &x->value);
	walk_u64(w, &x->until_unix_ms);
	walk_u32(w, &x->takings);
	walk_u32(w, &x->marks);
}

static void get_set(struct walk *w, struct tally_set *t, uint64_t n)
{
	for (uint64_t i = 0; i < n && w->rc == RC_OK; i++) {
		struct tally_restored x = {0};

		walk_node(w, &x);
		if (w->rc == RC_OK && x.value == INTERN_NONE) {
			walk_fail(w, RC_BROKEN, "a set with a value of no name");
		}
		if (w->rc == RC_OK) {
			w->rc = tally_set_restore(t, &w->s->words, &x, w->e);
		}
		if (x.value != INTERN_NONE) {
			intern_drop(&w->s->words, x.value); /* the set holds it itself */
		}
	}
}

void walk_set(struct walk *w, struct tally_set *t)
{
	uint64_t n = walk_n(w, t->n);

	if (w->direction == WALK_GET) {
		get_set(w, t, n);
		return;
	}
	for (const struct tally_node *at = tally_set_next(t, NULL); at && w->rc == RC_OK;
	     at = tally_set_next(t, at)) {
		struct tally_restored x = {
		    .value = at->value,
		    .until_unix_ms = at->until_unix_ms,
		    .takings = at->takings,
		    .marks = tally_set_marks(t, at->value),
		};

		walk_node(w, &x);
	}
}

/* ---- an object's block ---- */

void walk_block(struct walk *w, const struct walk *counted, char **text)
{
	uint64_t n_lists = walk_n(w, counted->n_lists);
	uint64_t n_text = walk_n(w, counted->n_text);

	if (w->direction != WALK_GET || w->rc != RC_OK) {
		return;
	}
	if (n_text > MAX_BLOCK_BYTES || n_lists > MAX_BLOCK_BYTES / sizeof(struct str)) {
		walk_fail(w, RC_BROKEN, "an object that is too large");
		return;
	}
	*text = mem_calloc((size_t)(n_lists * sizeof(struct str) + n_text) + 1, 1);
	if (!*text) {
		walk_fail(w, RC_NOMEM, "no memory for the state");
		return;
	}
	w->lists = (struct str *)(void *)*text;
	w->n_lists = n_lists;
	w->text = (char *)(w->lists + n_lists);
	w->n_text = n_text;
}

void walk_block_end(struct walk *w)
{
	if (w->direction == WALK_GET && (w->n_lists || w->n_text)) {
		walk_fail(w, RC_BROKEN, "an object with more room than texts");
	}
}
