/* SPDX-License-Identifier: Apache-2.0 */
/* config/catalog_rehearsal.c - where a tool and its inverse may be tried, and what that is good
 * for.
 *
 * Holds:  (1) whatever changes in the entry of a tool or of its inverse makes it another form,
 *             which was never rehearsed.
 */
#include <string.h>

#include <openssl/evp.h>

#include "base/limits.h"
#include "config/catalog.h"
#include "core/target.h"

enum { REHEARSAL_TARGETS = 16, ENTRY_BYTES = 256 * 1024 };

void catalog_read_rehearsal(struct load *l, const struct json *node, struct tool *t)
{
	static const struct json no_arguments = {.type = JSON_OBJECT};
	const struct json *rehearsal = load_map(l, node, "rehearsal", OPTIONAL);
	const struct json *args;
	const struct json *list;

	if (!rehearsal || !load_keys(l, rehearsal, "rehearsal", "targets arguments")) {
		return;
	}
	t->rehearsal_targets = load_list(l, rehearsal, "targets", REQUIRED);
	args = load_map(l, rehearsal, "arguments", REQUIRED);
	t->rehearsal_args = args ? args : &no_arguments;
	list = json_get(rehearsal, STR("targets"));
	if (t->rehearsal_targets.n > REHEARSAL_TARGETS) {
		load_error(l, list, "more than %d rehearsal targets", REHEARSAL_TARGETS);
	}
	for (size_t i = 0; i < t->rehearsal_targets.n; i++) {
		struct str value = t->rehearsal_targets.p[i];
		struct str kind = str_cut(&value, ':');
		struct str canonical = STR_NULL;
		struct str given = t->rehearsal_targets.p[i];

		if (!target_kind_is_valid(kind) ||
		    target_canonical(kind, value, l->arena, &canonical) != REASON_NONE ||
		    !str_eq(canonical, given)) {
			load_error(l, json_at(list, i),
				   "'" STR_FMT "' is no single target as Remit writes it, such "
				   "as ip:192.0.2.7",
				   STR_ARG(given));
		}
	}
}

/* All of an entry but when and where it is tried. */
static enum rc add_entry(struct buf *b, const struct json *node, struct err *e)
{
	TRY(buf_add(b, node->key));
	for (const struct json *m = node->child; m; m = m->next) {
		if (str_eq(m->key, STR("rehearsed")) || str_eq(m->key, STR("rehearsal"))) {
			continue;
		}
		TRY(buf_addf(b, "\n" STR_FMT "=", STR_ARG(m->key)));
		TRY(json_canonical(b, m, e));
	}
	return buf_addf(b, "\n\n");
}

/* (1) */
static void find_entry(struct load *l, struct draft *d, const struct draft *inverse)
{
	AUTO_BUF b = BUF_INIT(ENTRY_BYTES);
	struct err e = ERR_INIT;

	if (add_entry(&b, d->node, &e) != RC_OK || add_entry(&b, inverse->node, &e) != RC_OK ||
	    EVP_Digest(b.p, b.n, d->tool.entry.bytes, NULL, EVP_sha256(), NULL) != 1) {
		load_error(l, d->node, "its entry and its inverse's are too large to rehearse");
	}
}

void catalog_check_rehearsal(struct load *l, const struct draft *drafts, size_t n, struct draft *d)
{
	const struct json *at = json_get(d->node, STR("rehearsal"));
	const struct draft *inverse = NULL;

	for (size_t i = 0; i < n; i++) {
		if (drafts[i].tool.upstream == d->tool.upstream &&
		    str_eq(drafts[i].tool.name, d->tool.inverse.tool)) {
			inverse = &drafts[i];
		}
	}
	if (at && (!inverse || d->tool.effect == EFFECT_READ)) {
		load_error(l, at, "'rehearsal': there is no inverse to try");
	}
	if (inverse) {
		find_entry(l, d, inverse);
	}
}
