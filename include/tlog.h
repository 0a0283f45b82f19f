/* SPDX-License-Identifier: Apache-2.0 */
/* tlog.h - the formats of a transparency log that strangers can check.
 *
 * C2SP tlog-tiles v0.1.0, tlog-checkpoint v1.0.0, signed-note v1.0.0, tlog-cosignature v1.0.1 (its
 * Ed25519 part) and tlog-proof, over RFC 6962 section 2.1 hashing with SHA-256. Any conforming
 * verifier reads what this library writes, and this library accepts only the one spelling that a
 * conforming log writes: canonical base64, no leading zeros, no extension lines, exact newlines.
 *
 * Everything but the last two parts (directory, writer) is pure: bytes in, structs out. A struct
 * that holds a struct str borrows it from the input and says so. Nothing here is thread-safe by
 * itself; two threads use two hashers, two readers. Errors: RC_INPUT malformed, RC_DENIED not
 * proven (signature, proof), RC_LIMIT too large, RC_ABSENT not there, RC_IO, RC_NOMEM, RC_BROKEN
 * the files contradict each other.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/reader.h"
#include "base/str.h"

enum {
	TLOG_HASH_BYTES = 32,
	TLOG_TILE_WIDTH = 256, /* hashes in a full tile, entries in a full bundle */
	TLOG_TILE_BYTES = 256 * 32,
	TLOG_LEAF_MAX_BYTES = 65535, /* an entry's length is a uint16 */
	TLOG_BUNDLE_MAX_BYTES = 256 * (2 + 65535),
	TLOG_NAME_MAX_BYTES = 255,   /* of a key or origin; ours, the format has no bound */
	TLOG_NOTE_MAX_BYTES = 65536, /* a signed note, all signatures included */
	TLOG_NOTE_MAX_SIGNATURES = 100,
	TLOG_PROOF_MAX_HASHES = 64, /* an inclusion path in a tree of 2^63 leaves; one to spare */
	TLOG_RECEIPT_MAX_BYTES = 131072,
	TLOG_PATH_BYTES = 64, /* the longest tile path, with its NUL */
	TLOG_LEVELS = 8,      /* tile levels of a tree of less than 2^64 leaves */
};

/* ---- Hashes (RFC 6962 section 2.1) ---- */

struct tlog_hash {
	uint8_t bytes[TLOG_HASH_BYTES];
};

/* A SHA-256 that was fetched once and is used again and again. */
struct tlog_hasher;
struct tlog_hasher *tlog_hasher_new(void) MUST_USE; /* NULL: no memory, or no SHA-256 */
void tlog_hasher_free(struct tlog_hasher *h);
#define AUTO_TLOG_HASHER CLEANUP(tlog_hasher_cleanup) struct tlog_hasher *
static inline void tlog_hasher_cleanup(struct tlog_hasher **h)
{
	tlog_hasher_free(*h);
}

struct tlog_hash tlog_leaf_hash(struct tlog_hasher *h, struct str leaf);
struct tlog_hash tlog_node_hash(struct tlog_hasher *h, const struct tlog_hash *left,
				const struct tlog_hash *right);
struct tlog_hash tlog_empty_root(struct tlog_hasher *h);
bool tlog_hash_eq(const struct tlog_hash *a, const struct tlog_hash *b);

/* The right edge of a growing tree: all that is needed to append and to know the root. Zero is
 * the empty tree. hashes[i] is the root of a perfect subtree; the largest comes first. */
struct tlog_frontier {
	uint64_t size;
	uint32_t n;
	struct tlog_hash hashes[64];
};

void tlog_frontier_append(struct tlog_frontier *f, struct tlog_hasher *h,
			  const struct tlog_hash *leaf_hash);
struct tlog_hash tlog_frontier_root(const struct tlog_frontier *f, struct tlog_hasher *h);

/* ---- Proofs ---- */

struct tlog_proof {
	uint32_t n;
	struct tlog_hash hashes[TLOG_PROOF_MAX_HASHES];
};

/* Where makers of proofs get the hash of a perfect subtree: the one of 2^level leaves that begins
 * at leaf index << level. */
struct tlog_nodes {
	enum rc (*node)(void *ctx, unsigned level, uint64_t index, struct tlog_hash *ret,
			struct err *e);
	void *ctx;
};

/* The root of the first size leaves. */
enum rc tlog_root_at(struct tlog_hasher *h, const struct tlog_nodes *nodes, uint64_t size,
		     struct tlog_hash *ret, struct err *e);
/* RC_INPUT unless index < size. Leaf's sibling first. */
enum rc tlog_prove_inclusion(struct tlog_hasher *h, const struct tlog_nodes *nodes, uint64_t index,
			     uint64_t size, struct tlog_proof *ret, struct err *e);
/* RC_INPUT unless old_size <= size. Empty for old_size 0 and for equal sizes. */
enum rc tlog_prove_consistency(struct tlog_hasher *h, const struct tlog_nodes *nodes,
			       uint64_t old_size, uint64_t size, struct tlog_proof *ret,
			       struct err *e);
/* Does the proof show that leaf_hash is leaf `index` of the tree of that size and root? */
bool tlog_inclusion_holds(struct tlog_hasher *h, const struct tlog_proof *proof, uint64_t index,
			  uint64_t size, const struct tlog_hash *leaf_hash,
			  const struct tlog_hash *root) MUST_USE;
/* Does the proof show that the old tree is the beginning of the new one? old_size 0 needs the
 * empty proof and holds for any root. */
bool tlog_consistency_holds(struct tlog_hasher *h, const struct tlog_proof *proof,
			    uint64_t old_size, const struct tlog_hash *old_root, uint64_t size,
			    const struct tlog_hash *root) MUST_USE;

/* ---- Tiles and bundles (tlog-tiles) ---- */

/* How many hashes tile n of that level has in a tree of that size: 0 = no such tile, 256 = full.
 * Level 0 counts for entry bundles too. */
unsigned tlog_tile_width(uint64_t size, unsigned level, uint64_t n);
/* "tile/0/x001/067", or "tile/1/000.p/17" for a width below 256. width is 1..256. */
void tlog_tile_path(unsigned level, uint64_t n, unsigned width, char ret[TLOG_PATH_BYTES]);
/* "tile/entries/000.p/3". */
void tlog_bundle_path(uint64_t n, unsigned width, char ret[TLOG_PATH_BYTES]);
/* The other way round, from the log's directory; false for any other spelling. */
struct tlog_resource {
	bool is_bundle;
	unsigned level;
	uint64_t n;
	unsigned width; /* 256 for a full one */
};
bool tlog_path_parse(struct str path, struct tlog_resource *ret) MUST_USE;

/* Appends one entry to a bundle. RC_LIMIT past TLOG_LEAF_MAX_BYTES or b's maximum. */
enum rc tlog_bundle_add(struct buf *b, struct str leaf);
/* Takes the next entry; false at a malformed one (and at the end: look at r->n). */
bool tlog_bundle_next(struct reader *r, struct str *ret_leaf) MUST_USE;

/* ---- Signed notes ---- */

enum tlog_key_type {
	TLOG_KEY_NONE = 0,
	TLOG_KEY_ED25519 = 1,	  /* signs the text */
	TLOG_KEY_COSIGNATURE = 4, /* Ed25519 over "cosignature/v1", the time and the text */
};

/* A verifier key: what its owner publishes as one line, the vkey. */
struct tlog_vkey {
	char name[TLOG_NAME_MAX_BYTES + 1];
	enum tlog_key_type type;
	uint32_t id;
	uint8_t key[32];
};

/* May this be the name of a key or an origin? UTF-8, 1..255 bytes, no Unicode space, no control
 * character, no '+'. */
bool tlog_name_is_valid(struct str name);
/* Builds a key and computes its id. RC_INPUT for a bad name. */
enum rc tlog_vkey_init(struct tlog_vkey *ret, struct str name, enum tlog_key_type type,
		       const uint8_t key[32], struct err *e);
/* As above from the 32-byte private seed. */
enum rc tlog_vkey_from_seed(struct tlog_vkey *ret, struct str name, enum tlog_key_type type,
			    const uint8_t seed[32], struct err *e);
/* "name+a9d7d3ed+AQOh..."; the id must match. */
enum rc tlog_vkey_parse(struct str text, struct tlog_vkey *ret, struct err *e);
enum rc tlog_vkey_print(const struct tlog_vkey *key, struct buf *b);

struct tlog_signature {
	struct str name;
	struct str base64; /* canonical; id and signature */
	uint32_t id;
};

/* Borrows from the text that was parsed. */
struct tlog_note {
	struct str text; /* what was signed, final newline included */
	size_t n_signatures;
	struct tlog_signature signatures[TLOG_NOTE_MAX_SIGNATURES];
};

enum rc tlog_note_parse(struct str bytes, struct tlog_note *ret, struct err *e);

struct tlog_verdict {
	bool is_signed;
	uint64_t unix_s; /* a cosignature's time; 0 for a plain signature */
};
/* Checks every signature of a known key: one that fails refuses the note; lines of unknown keys
 * are ignored; none known is RC_DENIED. verdicts (n_keys of them) may be NULL. */
enum rc tlog_note_verify(const struct tlog_note *note, const struct tlog_vkey *keys, size_t n_keys,
			 struct tlog_verdict *verdicts, struct err *e);

/* The 64-byte Ed25519 signature of text, for a holder of the seed. */
enum rc tlog_sign(struct str text, const uint8_t seed[32], uint8_t ret_signature[64],
		  struct err *e);
/* Appends the signature line of a plain key. */
enum rc tlog_note_add_signature(struct buf *b, const struct tlog_vkey *key,
				const uint8_t signature[64], struct err *e);
/* Appends text, the empty line and one signature line. text ends with a newline. */
enum rc tlog_note_sign(struct buf *b, struct str text, const struct tlog_vkey *key,
		       const uint8_t seed[32], struct err *e);
/* Appends a witness's signature line over text. unix_s is not 0. */
enum rc tlog_note_cosign(struct buf *b, struct str text, const struct tlog_vkey *key,
			 const uint8_t seed[32], uint64_t unix_s, struct err *e);

/* What a witness said of a text: Ed25519 over "cosignature/v1", this time and the text. */
struct tlog_cosignature {
	uint64_t unix_s; /* never 0 */
	uint8_t signature[64];
};

/* Finds key's among one or more signature lines, as a witness answers them; lines of other keys are
 * passed over. RC_INPUT malformed, RC_DENIED none of that key, or one that does not verify. */
enum rc tlog_cosignature_find(struct str lines, struct str text, const struct tlog_vkey *key,
			      struct tlog_cosignature *ret, struct err *e);
/* RC_DENIED: it is not key's for this text. */
enum rc tlog_cosignature_verify(const struct tlog_cosignature *c, struct str text,
				const struct tlog_vkey *key, struct err *e);
/* Appends its line to a note. */
enum rc tlog_note_add_cosignature(struct buf *b, const struct tlog_vkey *key,
				  const struct tlog_cosignature *c, struct err *e);

/* ---- Checkpoints ---- */

struct tlog_checkpoint {
	struct str origin; /* borrowed from the text */
	uint64_t size;
	struct tlog_hash root;
};

/* The three lines, nothing else. */
enum rc tlog_checkpoint_parse(struct str text, struct tlog_checkpoint *ret, struct err *e);
enum rc tlog_checkpoint_print(const struct tlog_checkpoint *c, struct buf *b, struct err *e);
/* Parses a note, checks the log's signature, parses its text; origin must be the key's name. */
enum rc tlog_checkpoint_open(struct str note, const struct tlog_vkey *key,
			     struct tlog_checkpoint *ret, struct err *e);

/* ---- Witness policies (tlog-policy) ---- */

enum {
	TLOG_POLICY_MAX_BYTES = 65536,
	TLOG_POLICY_MAX_LOGS = 32, /* what the specification asks for at least */
	TLOG_POLICY_MAX_WITNESSES = 64,
	TLOG_POLICY_MAX_NAMES = 128, /* witnesses and groups */
};

/* Borrows from the policy. */
struct tlog_witness {
	struct str name;
	struct tlog_vkey key;
	struct str url; /* submission prefix; n == 0: none */
};

/* Which logs are known, who witnesses, and how many of them must. */
struct tlog_policy;
/* e says the line: "3: ...". RC_INPUT malformed, RC_LIMIT too much of something. */
enum rc tlog_policy_parse(struct str text, struct tlog_policy **ret, struct err *e);
void tlog_policy_free(struct tlog_policy *p);
#define AUTO_TLOG_POLICY CLEANUP(tlog_policy_cleanup) struct tlog_policy *
static inline void tlog_policy_cleanup(struct tlog_policy **p)
{
	tlog_policy_free(*p);
}
size_t tlog_policy_logs(const struct tlog_policy *p);
const struct tlog_vkey *tlog_policy_log(const struct tlog_policy *p, size_t i);
/* At most TLOG_POLICY_MAX_WITNESSES. */
size_t tlog_policy_witnesses(const struct tlog_policy *p);
const struct tlog_witness *tlog_policy_witness(const struct tlog_policy *p, size_t i);
/* Is the quorum reached when these witnesses have cosigned? One bool per witness. */
bool tlog_policy_is_met(const struct tlog_policy *p, const bool *has_cosigned);

struct tlog_witnessed {
	size_t n; /* witnesses of the policy that cosigned */
	struct tlog_verdict by[TLOG_POLICY_MAX_WITNESSES];
};
/* Does the policy accept this checkpoint? It must be signed by key, if that is given, and else by
 * one of the policy's logs, be of that log, and cosigned by a quorum; a line of a known key that
 * does not verify refuses it. RC_DENIED says what is missing. ret's origin borrows from note;
 * ret_by may be NULL and is filled, as far as it is known, on RC_DENIED too. */
enum rc tlog_policy_check(const struct tlog_policy *p, struct str note, const struct tlog_vkey *key,
			  struct tlog_checkpoint *ret, struct tlog_witnessed *ret_by,
			  struct err *e);

/* ---- Receipts (tlog-proof) ---- */

/* Borrows from the text that was parsed. */
struct tlog_receipt {
	struct str extra; /* base64 as it stands, unauthenticated; p == NULL: none */
	uint64_t index;
	struct tlog_proof path;
	struct str checkpoint; /* the signed note */
};

enum rc tlog_receipt_parse(struct str text, struct tlog_receipt *ret, struct err *e);
enum rc tlog_receipt_print(const struct tlog_receipt *r, struct buf *b, struct err *e);
/* Is the leaf in the log that key signs for? RC_DENIED says what does not hold. ret may be NULL;
 * its origin borrows from r. */
enum rc tlog_receipt_check(const struct tlog_receipt *r, struct str leaf,
			   const struct tlog_vkey *key, struct tlog_checkpoint *ret, struct err *e);

/* ---- A log in a directory ---- */

/* Reads tiles and bundles of the tree of one size, from <dir>/tile. A partial that is gone is
 * looked for in the full one, as the format allows. Holds one tile per level. */
struct tlog_dir;
enum rc tlog_dir_open(const char *path, struct tlog_dir **ret, struct err *e);
void tlog_dir_free(struct tlog_dir *d);
#define AUTO_TLOG_DIR CLEANUP(tlog_dir_cleanup) struct tlog_dir *
static inline void tlog_dir_cleanup(struct tlog_dir **d)
{
	tlog_dir_free(*d);
}
/* Everything read from now on is of this size; forgets what was held. */
void tlog_dir_set_size(struct tlog_dir *d, uint64_t size);
/* For makers of proofs; lives as long as d. */
struct tlog_nodes tlog_dir_nodes(struct tlog_dir *d);
/* width hashes of a tile into ret. */
enum rc tlog_dir_read_tile(struct tlog_dir *d, unsigned level, uint64_t n, unsigned width,
			   uint8_t ret[TLOG_TILE_BYTES], struct err *e);
/* Appends at least width entries to b; of a full bundle all 256. */
enum rc tlog_dir_read_bundle(struct tlog_dir *d, uint64_t n, unsigned width, struct buf *b,
			     struct err *e);
/* Appends the leaf's bytes to b. */
enum rc tlog_dir_read_leaf(struct tlog_dir *d, uint64_t index, struct buf *b, struct err *e);
/* Appends the signed note; RC_ABSENT before the first. */
enum rc tlog_dir_read_checkpoint(struct tlog_dir *d, struct buf *b, struct err *e);

enum { TLOG_FAULTS = 16 };

struct tlog_fault {
	char file[TLOG_PATH_BYTES]; /* from the log's directory */
	uint64_t offset;	    /* first wrong byte in it */
	uint64_t index;		    /* first leaf concerned; UINT64_MAX: none in particular */
	char what[200];
};

struct tlog_report {
	uint64_t size; /* of the checkpoint */
	struct tlog_hash root;
	uint64_t minimum; /* entries below may be gone, and are not looked at */
	uint64_t leaves;  /* hashed */
	uint64_t tiles;	  /* read, bundles not counted */
	uint64_t bundles;
	uint64_t partials;  /* of older checkpoints, also checked */
	uint64_t uncovered; /* files beyond the checkpoint: not checked, not wrong */
	size_t n_faults;
	struct tlog_fault faults[TLOG_FAULTS]; /* the first ones */
};

/* Called now and then; returning false stops with RC_AGAIN. */
typedef bool (*tlog_progress)(void *ctx, uint64_t done, uint64_t size);

/* Checks a whole log from its files with the public key alone: the checkpoint's signature, every
 * leaf hash, every tile, the root, every partial left from earlier checkpoints, and that nothing
 * else lies there. RC_OK: all of it holds. RC_BROKEN: report says what does not, e the first. */
enum rc tlog_verify_dir(const char *path, const struct tlog_vkey *key, tlog_progress progress,
			void *ctx, struct tlog_report *ret, struct err *e);
/* The same for a log that was pruned: of bundles that end at or below the minimum index nothing is
 * asked. Their hashes are checked as all others. */
enum rc tlog_verify_pruned(const char *path, const struct tlog_vkey *key, uint64_t minimum,
			   tlog_progress progress, void *ctx, struct tlog_report *ret,
			   struct err *e);
/* The part of it that covers leaves from..size-1 and the root, without the checkpoint: what a log
 * does before it has a new size signed. Faults are added to ret. */
enum rc tlog_verify_range(struct tlog_dir *d, uint64_t from, uint64_t size,
			  const struct tlog_hash *root, tlog_progress progress, void *ctx,
			  struct tlog_report *ret, struct err *e);

/* ---- Writing a log into a directory ---- */

/* Appends leaves after those of the published checkpoint. Files are written to a temporary name,
 * synced and renamed; a file that is already there must be what would be written, so an
 * interrupted run is repeated from the published size and gives the same bytes. */
struct tlog_writer;
/* published_size is the size of <path>/checkpoint (0 when there is none); the tree up to it is
 * read back from the tiles. */
enum rc tlog_writer_open(const char *path, uint64_t published_size, struct tlog_writer **ret,
			 struct err *e);
void tlog_writer_free(struct tlog_writer *w);
#define AUTO_TLOG_WRITER CLEANUP(tlog_writer_cleanup) struct tlog_writer *
static inline void tlog_writer_cleanup(struct tlog_writer **w)
{
	tlog_writer_free(*w);
}
/* Full tiles and bundles are written as they fill. After an error w refuses everything. */
enum rc tlog_writer_append(struct tlog_writer *w, struct str leaf, struct err *e);
uint64_t tlog_writer_size(const struct tlog_writer *w);
/* Writes the partial tiles and the partial bundle of the present size; gives the root. */
enum rc tlog_writer_flush(struct tlog_writer *w, struct tlog_hash *ret_root, struct err *e);
/* Makes a signed note the log's checkpoint. It must be of the size and root last flushed and
 * signed by key. Then removes partials whose full tile now exists. */
enum rc tlog_writer_publish(struct tlog_writer *w, struct str note, const struct tlog_vkey *key,
			    struct err *e);
/* A checkpoint that was published before, now with cosignatures: becomes
 * <path>/checkpoint.witnessed, and <path>/checkpoint too while that is of the same size and root.
 */
enum rc tlog_writer_publish_witnessed(struct tlog_writer *w, struct str note,
				      const struct tlog_vkey *key, struct err *e);

/* ---- Pruning ---- */

/* Removes the bundles that end at or below the minimum index, and whatever is left of their
 * partials, from bundle *at on, at most so many in one call; *at is then the next one. Tiles stay,
 * and with them the root and every proof. RC_OK: all are gone, durably. RC_AGAIN: there are more.
 * Anything else stopped it: it may be called again as it was. A writer may be at work. */
enum rc tlog_prune(const char *path, uint64_t minimum, uint64_t *at, unsigned most, struct err *e);
