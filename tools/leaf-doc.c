/* SPDX-License-Identifier: Apache-2.0 */
/* leaf-doc.c - writes docs/formats/leaves.md from the table of leaves.
 *
 *	leaf-doc		to standard output
 *	leaf-doc --check FILE	is FILE what it would write?
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "core/leaf.h"

enum { MAX_BYTES = 1 << 20 };

static const char intro[] =
    "# The leaves of the log\n"
    "\n"
    "Made by `leaf-doc` from `src/core/leaf.def`, which says what the fields mean; do not edit.\n"
    "\n"
    "A leaf is one JSON object in canonical form (RFC 8785): no blanks, members sorted by name, "
    "at\n"
    "most 32768 bytes. Every leaf has\n"
    "\n"
    "| member | value |\n"
    "| --- | --- |\n"
    "| `t` | when it became a fact: Unix time in milliseconds |\n"
    "| `type` | its kind, below |\n"
    "| `v` | the version of its kind, below |\n"
    "\n"
    "and the fields of its kind and version. A kind that was changed stands here once for each of\n"
    "its versions, the newest last: leaves of all of them are read, the newest is written. A field "
    "that is zero, false, empty or none is left out and never\n"
    "written as such, so absence has exactly one meaning and every fact exactly one form. A "
    "reader\n"
    "refuses everything else.\n"
    "\n"
    "| type of field | form |\n"
    "| --- | --- |\n"
    "| number | integer from 1 to 2^53 - 1; absent: 0 |\n"
    "| flag | `true`; absent: false |\n"
    "| text | string of UTF-8, at most so many bytes; absent: empty |\n"
    "| list | array of strings, at most so many; absent: empty |\n"
    "| index | index of an earlier leaf, of the kinds that are named, from 1; absent: none (leaf 0 "
    "is `log.opened`) |\n"
    "| commitment | 64 lower-case hexadecimal digits: salted commitment to the sealed value in\n"
    "  that slot beside the leaf; absent: none |\n"
    "| digest | 64 lower-case hexadecimal digits, SHA-256 or keyed; absent: none |\n";

/* What it may cite. */
static enum rc add_causes(struct buf *b, const struct leaf_field *f)
{
	for (size_t i = 0; i < LEAF_CAUSE_KINDS && f->causes[i] != LEAF_NONE; i++) {
		TRY(buf_add(b, i ? STR(", ") : STR(" of ")));
		TRY(f->causes[i] == LEAF_KINDS
			? buf_add(b, STR("any leaf"))
			: buf_addf(b, "`" STR_FMT "`",
				   STR_ARG(leaf_kind_name((enum leaf_kind)f->causes[i]))));
	}
	return buf_add(b, STR(" |\n"));
}

static enum rc add_field(struct buf *b, const struct leaf_field *f, unsigned *slot)
{
	TRY(buf_addf(b, "| `" STR_FMT "` | ", STR_ARG(f->name)));
	switch (f->type) {
	case LEAF_TYPE_U64:
		return buf_add(b, STR("number |\n"));
	case LEAF_TYPE_BOOL:
		return buf_add(b, STR("flag |\n"));
	case LEAF_TYPE_STR:
		return buf_addf(b, "text, %zu bytes |\n", f->max);
	case LEAF_TYPE_STRS:
		return buf_addf(b, "list, %zu elements |\n", f->max);
	case LEAF_TYPE_IX:
		TRY(buf_add(b, STR("index")));
		return add_causes(b, f);
	case LEAF_TYPE_COMMIT:
		return buf_addf(b, "commitment, slot %u |\n", (*slot)++);
	case LEAF_TYPE_DIGEST:
		return buf_add(b, STR("digest |\n"));
	}
	return RC_BROKEN;
}

static enum rc write_all(struct buf *b)
{
	TRY(buf_add(b, str_from(intro)));
	for (unsigned k = LEAF_NONE + 1; k < LEAF_KINDS; k++) {
		unsigned slot = 0;
		size_t n;
		const struct leaf_field *f = leaf_fields((enum leaf_kind)k, &n);

		TRY(buf_addf(b, "\n## %.*s\n\nversion %u\n\n| field | type |\n| --- | --- |\n",
			     STR_ARG(leaf_kind_name((enum leaf_kind)k)),
			     leaf_kind_version((enum leaf_kind)k)));
		for (size_t i = 0; i < n; i++) {
			TRY(add_field(b, &f[i], &slot));
		}
	}
	return RC_OK;
}

int main(int argc, char **argv)
{
	AUTO_BUF doc = BUF_INIT(MAX_BYTES);
	AUTO_BUF file = BUF_INIT(MAX_BYTES);
	struct err e = ERR_INIT;

	if (write_all(&doc) != RC_OK) {
		fprintf(stderr, "leaf-doc: no memory\n");
		return 1;
	}
	if (argc == 1) {
		return fwrite(doc.p, 1, doc.n, stdout) == doc.n ? 0 : 1;
	}
	if (argc != 3 || strcmp(argv[1], "--check") != 0) {
		fprintf(stderr, "usage: leaf-doc [--check FILE]\n");
		return 2;
	}
	if (file_read(argv[2], &file, &e) != RC_OK) {
		fprintf(stderr, "leaf-doc: %s\n", e.msg);
		return 1;
	}
	if (!str_eq(buf_view(&file), buf_view(&doc))) {
		fprintf(stderr, "leaf-doc: %s is not what the table of leaves says\n", argv[2]);
		return 1;
	}
	return 0;
}
