/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.c - see its header. */
#include "publisher.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tlog.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/vec.h"
#include "drill/fixture.h"
#include "keeper/signer.h"

struct publisher {
	char place[64];
	char log[96];
	char anchor[96];
	char vkey_text[512];
	struct keeper_keys keys;
	struct tlog_hasher *hasher;
	struct sim_publishing face;

	/* of one story */
	struct signer *signer;
	struct buf note; /* lent to the governor */
	char broken[300];
	struct tlog_frontier leaves;
	VEC(struct tlog_hash) hashes; /* of leaves */
	VEC(struct record) signed_trees;
	size_t n_checked; /* of these */
	uint64_t given;
	VEC(struct ordered {
		uint64_t lease;
		uint64_t leaf_index;
		struct tlog_hash hash;
		bool is_proven;
	})
	leases;
	size_t first_lease; /* of this life */
	size_t n_proven;
};

PRINTF_LIKE(2, 3) static void breaks(struct publisher *p, const char *fmt, ...)
{
	va_list ap;

	if (!p->broken[0]) {
		va_start(ap, fmt);
		(void)vsnprintf(p->broken, sizeof(p->broken), fmt, ap); /* cut when longer */
		va_end(ap);
	}
}

/* ---- the keeper ---- */

/* As when its process is started again: what it remembers is what is on the disk. */
static void begins(void *ctx, struct msg_anchor *ret)
{
	struct publisher *p = ctx;
	struct err e = ERR_INIT;

	signer_free(TAKE(p->signer));
	if (signer_new(p->anchor, &p->keys, &p->signer, &e) != RC_OK) {
		breaks(p, "(18) the keeper does not come back: %s", e.msg);
		return;
	}
	ret->size = signer_size(p->signer);
	ret->root = str_of(signer_root(p->signer)->bytes, TLOG_HASH_BYTES);
	p->first_lease = p->leases.n;
}

static void sign(struct publisher *p, const struct msg_sign *m, struct msg_signature *ret)
{
	struct record tree = {.size = m->size};
	struct err e = ERR_INIT;
	enum rc rc;

	buf_reset(&p->note);
	rc = signer_sign(p->signer, m->size, m->root, m->old_size, m->proof, &p->note, &e);
	if (rc != RC_OK) {
		if (rc != RC_AGAIN) { /* a proof from where it is: asked again */
			breaks(p, "(18) the keeper refuses to sign: %s", e.msg);
		}
		*ret = (struct msg_signature){.size = signer_size(p->signer)};
		return;
	}
	memcpy(tree.root.bytes, m->root.p, TLOG_HASH_BYTES);
	MUST(vec_push(&p->signed_trees, tree) == RC_OK);
	if (p->signed_trees.n % 16 == 0) {
		/* It is on record, but not for sure: so the governor does not get it. */
		*ret = (struct msg_signature){
		    .size = m->old_size, .is_later = 1, .detail = STR("a sync failed")};
		return;
	}
	p->given = m->size;
	*ret = (struct msg_signature){.size = m->size, .ok = 1, .note = buf_view(&p->note)};
}

static void order(struct publisher *p, const struct msg_lease_issue *m)
{
	struct ordered o = {.lease = m->lease, .leaf_index = m->leaf_index};

	memcpy(o.hash.bytes, m->leaf_hash.p, TLOG_HASH_BYTES);
	MUST(vec_push(&p->leases, o) == RC_OK);
}

static void prove(struct publisher *p, const struct msg_lease_proof *m)
{
	struct tlog_receipt r;
	struct tlog_checkpoint c;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < p->leases.n; i++) {
		struct ordered *o = &p->leases.p[i];

		if (o->lease != m->lease) {
			continue;
		}
		if (tlog_receipt_parse(m->receipt, &r, &e) != RC_OK || r.index != o->leaf_index ||
		    tlog_checkpoint_open(r.checkpoint, &p->keys.vkey, &c, &e) != RC_OK ||
		    !tlog_inclusion_holds(p->hasher, &r.path, r.index, c.size, &o->hash, &c.root)) {
			breaks(p, "(18) l%" PRIu64 " is shown by a receipt that shows nothing",
			       o->lease);
		}
		p->n_proven += !o->is_proven;
		o->is_proven = true;
	}
}

static bool hears(void *ctx, const struct message *m, struct message *ret)
{
	struct publisher *p = ctx;

	switch ((int)m->kind) {
	case MESSAGE_SIGN:
		ret->kind = MESSAGE_SIGNATURE;
		sign(p, &m->sign, &ret->signature);
		return true;
	case MESSAGE_LEASE_ISSUE:
		order(p, &m->lease_issue);
		return false;
	case MESSAGE_LEASE_PROOF:
		prove(p, &m->lease_proof);
		return false;
	default:
		return false;
	}
}

/* ---- what must hold ---- */

void publisher_leaf(struct publisher *p, uint64_t ix, struct str bytes, const struct leaf *l)
{
	struct tlog_hash hash = tlog_leaf_hash(p->hasher, bytes);
	struct tlog_hash root;

	MUST(ix == p->hashes.n && vec_push(&p->hashes, hash) == RC_OK);
	tlog_frontier_append(&p->leaves, p->hasher, &hash);
	for (size_t i = 0; i < p->leases.n; i++) {
		const struct ordered *o = &p->leases.p[i];

		if (o->leaf_index == ix && (l->kind != LEAF_LEASE_INTENDED || o->lease != ix ||
					    !tlog_hash_eq(&o->hash, &hash))) {
			breaks(p, "(18) l%" PRIu64 " rests on a leaf that is another", o->lease);
		}
	}
	while (p->n_checked < p->signed_trees.n &&
	       p->signed_trees.p[p->n_checked].size <= p->leaves.size) {
		const struct record *tree = &p->signed_trees.p[p->n_checked++];

		root = tlog_frontier_root(&p->leaves, p->hasher);
		if (tree->size == p->leaves.size && !tlog_hash_eq(&tree->root, &root)) {
			breaks(p, "(18) what was signed for %" PRIu64 " leaves is not their root",
			       tree->size);
		}
	}
}

void publisher_step(struct publisher *p)
{
	if (p->n_checked < p->signed_trees.n &&
	    p->signed_trees.p[p->n_checked].size > p->leaves.size) {
		breaks(p, "(18) %" PRIu64 " leaves are signed, and %" PRIu64 " are durable",
		       p->signed_trees.p[p->n_checked].size, p->leaves.size);
	}
}

void publisher_end(struct publisher *p)
{
	struct tlog_report report;
	struct err e = ERR_INIT;

	if (tlog_verify_dir(p->log, &p->keys.vkey, NULL, NULL, &report, &e) != RC_OK) {
		breaks(p, "(18) what is published does not hold: %s", e.msg);
	} else if (report.size != p->leaves.size) {
		breaks(p, "(18) %" PRIu64 " leaves are published, and %" PRIu64 " are durable",
		       report.size, p->leaves.size);
	}
	for (size_t i = p->first_lease; i < p->leases.n; i++) {
		if (!p->leases.p[i].is_proven) {
			breaks(p, "(18) the leaf of l%" PRIu64 " was never shown",
			       p->leases.p[i].lease);
		}
	}
}

const char *publisher_broken(const struct publisher *p)
{
	return p->broken;
}

uint64_t publisher_given(const struct publisher *p)
{
	return p->given;
}

size_t publisher_signed(const struct publisher *p)
{
	return p->signed_trees.n;
}

size_t publisher_proven(const struct publisher *p)
{
	return p->n_proven;
}

/* ---- its place ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void remove_all(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* it may not be there */
}

static enum rc make_place(struct publisher *p, struct err *e)
{
	static const char *const homes[] = {"/dev/shm", "/tmp"};

	for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
		(void)snprintf(p->place, sizeof(p->place), "%s/remit-drill-XXXXXX", homes[i]);
		if (mkdtemp(p->place)) {
			return RC_OK;
		}
	}
	p->place[0] = '\0';
	FAIL(e, RC_IO, "there is no place to publish a log in");
}

static enum rc set_up(struct publisher *p, struct err *e)
{
	AUTO_BUF vkey = BUF_INIT(sizeof(p->vkey_text));
	char keys[96];
	char vkey_path[96];

	TRY(make_place(p, e));
	(void)snprintf(p->log, sizeof(p->log), "%s/log", p->place);
	(void)snprintf(p->anchor, sizeof(p->anchor), "%s/anchor", p->place);
	(void)snprintf(keys, sizeof(keys), "%s/keeper", p->place);
	(void)snprintf(vkey_path, sizeof(vkey_path), "%s/log.vkey", p->place);
	TRY(keeper_keys_create(keys, NULL, STR(FIXTURE_ORIGIN), vkey_path, e));
	TRY(keeper_keys_load(keys, STR(FIXTURE_ORIGIN), &p->keys, e));
	TRY(tlog_vkey_print(&p->keys.vkey, &vkey));
	memcpy(p->vkey_text, vkey.p, vkey.n);
	p->face = (struct sim_publishing){.dir = p->log,
					  .vkey = str_of(p->vkey_text, vkey.n),
					  .begins = begins,
					  .hears = hears,
					  .ctx = p};
	return RC_OK;
}

enum rc publisher_new(struct publisher **ret, struct err *e)
{
	struct publisher *p = mem_calloc(1, sizeof(*p));
	enum rc rc;

	if (!p) {
		FAIL(e, RC_NOMEM, "no memory to publish a log");
	}
	p->note = (struct buf)BUF_INIT(4096);
	p->hasher = tlog_hasher_new();
	rc = p->hasher ? set_up(p, e) : err_set(e, RC_NOMEM, __func__, "no memory for hashes");
	if (rc != RC_OK) {
		publisher_free(p);
		return rc;
	}
	*ret = p;
	return RC_OK;
}

void publisher_free(struct publisher *p)
{
	if (!p) {
		return;
	}
	signer_free(p->signer);
	keeper_keys_fini(&p->keys);
	tlog_hasher_free(p->hasher);
	buf_fini(&p->note);
	vec_fini(&p->hashes);
	vec_fini(&p->signed_trees);
	vec_fini(&p->leases);
	if (p->place[0]) {
		remove_all(p->place);
	}
	mem_free(p);
}

enum rc publisher_begin(struct publisher *p, struct err *e)
{
	signer_free(TAKE(p->signer));
	remove_all(p->log);
	remove_all(p->anchor);
	p->broken[0] = '\0';
	p->leaves = (struct tlog_frontier){0};
	p->hashes.n = 0;
	p->signed_trees.n = 0;
	p->leases.n = 0;
	p->n_checked = 0;
	p->given = 0;
	p->first_lease = 0;
	p->n_proven = 0;
	TRY(file_mkdirs(p->anchor, 0700, e));
	return record_create(p->anchor, STR(FIXTURE_ORIGIN), e);
}

const struct sim_publishing *publisher_face(const struct publisher *p)
{
	return &p->face;
}
