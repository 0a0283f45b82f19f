/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/policy.c - which witnesses must have cosigned (C2SP tlog-policy).
 *
 * Trust:  texts and notes are hostile; whoever gives the text decides whom to believe.
 * Holds:  (1) members of a group were defined on lines before it: there are no circles, and one
 * walk in the order of the file knows every group. (2) a name is a member of one group at most, and
 * a key is there once: each witness counts once.
 */
#include <tlog.h>

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/num.h"

enum {
	ARENA_BYTES = 1 << 20,			    /* a text of the longest size, and its keys */
	LINE_MAX_WORDS = 3 + TLOG_POLICY_MAX_NAMES, /* a group of everything */
	NONE = SIZE_MAX,
};

/* A witness or a group, in the order of the file. */
struct named {
	struct str name;
	bool is_group;
	bool is_member; /* of a group already, (2) */
	size_t witness; /* index, of a witness */
	size_t threshold;
	size_t n_members;
	uint8_t
	    members[TLOG_POLICY_MAX_NAMES]; /* indexes into names, all lower than its own, (1) */
};

struct tlog_policy {
	struct arena arena; /* texts */
	size_t n_logs;
	struct tlog_vkey logs[TLOG_POLICY_MAX_LOGS];
	size_t n_witnesses;
	struct tlog_witness witnesses[TLOG_POLICY_MAX_WITNESSES];
	size_t n_names;
	struct named names[TLOG_POLICY_MAX_NAMES];
	bool has_quorum;
	size_t quorum; /* index into names; NONE: no cosignature is needed */
};

struct line {
	size_t n;
	struct str words[LINE_MAX_WORDS];
};

void tlog_policy_free(struct tlog_policy *p)
{
	if (p) {
		arena_fini(&p->arena);
		mem_free(p);
	}
}

/* ---- Lines ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static enum rc split(struct str text, struct line *ret, struct err *e)
{
	ret->n = 0;
	for (size_t i = 0; i < text.n;) {
		size_t from = i;

		if (is_blank(text.p[i])) {
			i++;
			continue;
		}
		while (i < text.n && !is_blank(text.p[i])) {
			i++;
		}
		if (ret->n == LINE_MAX_WORDS) {
			FAIL(e, RC_LIMIT, "more than %d words", (int)LINE_MAX_WORDS);
		}
		ret->words[ret->n++] = str_slice(text, from, i);
	}
	return RC_OK;
}

static enum rc check_octets(struct str text, struct err *e)
{
	if (text.n > TLOG_POLICY_MAX_BYTES) {
		FAIL(e, RC_LIMIT, "a policy of more than %d bytes", (int)TLOG_POLICY_MAX_BYTES);
	}
	if (text.n == 0 || text.p[text.n - 1] != '\n') {
		FAIL(e, RC_INPUT, "the policy does not end in a newline");
	}
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f) {
			FAIL(e, RC_INPUT, "the policy has a control character at byte %zu", i);
		}
	}
	return RC_OK;
}

static size_t find_name(const struct tlog_policy *p, struct str name)
{
	size_t i = 0;

	while (i < p->n_names && !str_eq(p->names[i].name, name)) {
		i++;
	}
	return i;
}

static enum rc new_name(struct tlog_policy *p, struct str name, struct named **ret, struct err *e)
{
	struct str kept = arena_str(&p->arena, name);

	if (str_eq(name, STR("none")) || find_name(p, name) < p->n_names) {
		FAIL(e, RC_INPUT, "the name '" STR_FMT "' is taken",
		     STR_ARG(str_slice(name, 0, 64)));
	}
	if (p->n_names == TLOG_POLICY_MAX_NAMES) {
		FAIL(e, RC_LIMIT, "more than %d witnesses and groups", (int)TLOG_POLICY_MAX_NAMES);
	}
	if (!kept.p) {
		FAIL(e, RC_NOMEM, "no memory for a policy");
	}
	p->names[p->n_names] = (struct named){.name = kept};
	*ret = &p->names[p->n_names++];
	return RC_OK;
}

/* log <vkey> [<url>] */
static enum rc take_log(struct tlog_policy *p, const struct line *l, struct err *e)
{
	struct tlog_vkey key;

	if (l->n < 2 || l->n > 3) {
		FAIL(e, RC_INPUT, "expected 'log <key> [<url>]'");
	}
	TRY(tlog_vkey_parse(l->words[1], &key, e));
	if (key.type != TLOG_KEY_ED25519) {
		FAIL(e, RC_INPUT, "key '%s' is not one that logs sign with", key.name);
	}
	for (size_t i = 0; i < p->n_logs; i++) {
		if (memcmp(p->logs[i].key, key.key, sizeof(key.key)) == 0) {
			FAIL(e, RC_INPUT, "the key of log '%s' is there twice", key.name);
		}
	}
	if (p->n_logs == TLOG_POLICY_MAX_LOGS) {
		FAIL(e, RC_LIMIT, "more than %d logs", (int)TLOG_POLICY_MAX_LOGS);
	}
	p->logs[p->n_logs++] = key;
	return RC_OK;
}

/* witness <name> <vkey> [<url>] */
static enum rc take_witness(struct tlog_policy *p, const struct line *l, struct err *e)
{
	struct tlog_witness *w = &p->witnesses[p->n_witnesses];
	struct named *named;
	struct tlog_vkey key;

	if (l->n < 3 || l->n > 4) {
		FAIL(e, RC_INPUT, "expected 'witness <name> <key> [<url>]'");
	}
	TRY(tlog_vkey_parse(l->words[2], &key, e));
	if (key.type != TLOG_KEY_COSIGNATURE) {
		FAIL(e, RC_INPUT, "key '%s' is not one that witnesses cosign with", key.name);
	}
	for (size_t i = 0; i < p->n_witnesses; i++) {
		if (memcmp(p->witnesses[i].key.key, key.key, sizeof(key.key)) == 0) {
			FAIL(e, RC_INPUT, "the key of witness '%s' is there twice", key.name);
		}
	}
	if (p->n_witnesses == TLOG_POLICY_MAX_WITNESSES) {
		FAIL(e, RC_LIMIT, "more than %d witnesses", (int)TLOG_POLICY_MAX_WITNESSES);
	}
	TRY(new_name(p, l->words[1], &named, e));
	named->witness = p->n_witnesses;
	*w = (struct tlog_witness){.name = named->name, .key = key};
	if (l->n == 4) {
		w->url = arena_str(&p->arena, l->words[3]);
		if (!w->url.p) {
			FAIL(e, RC_NOMEM, "no memory for a policy");
		}
	}
	p->n_witnesses++;
	return RC_OK;
}

/* group <name> all|any|<k> <name>... */
static enum rc take_group(struct tlog_policy *p, const struct line *l, struct err *e)
{
	size_t n = l->n > 3 ? l->n - 3 : 0;
	uint8_t members[TLOG_POLICY_MAX_NAMES];
	struct named *group;
	uint64_t k = n;

	if (n == 0) {
		FAIL(e, RC_INPUT, "expected 'group <name> all|any|<number> <member>...'");
	}
	if (str_eq(l->words[2], STR("any"))) {
		k = 1;
	} else if (!str_eq(l->words[2], STR("all")) && !num_u64(l->words[2], n, &k)) {
		FAIL(e, RC_INPUT, "expected 'all', 'any' or a number from 1 to %zu", n);
	}
	if (k == 0) {
		FAIL(e, RC_INPUT, "a group that needs nobody");
	}
	if (n > TLOG_POLICY_MAX_NAMES) {
		FAIL(e, RC_LIMIT, "more than %d members", (int)TLOG_POLICY_MAX_NAMES);
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = find_name(p, l->words[3 + i]);

		if (at == p->n_names) {
			FAIL(e, RC_INPUT, "no witness or group '" STR_FMT "' on a line before",
			     STR_ARG(str_slice(l->words[3 + i], 0, 64)));
		}
		if (p->names[at].is_member) {
			FAIL(e, RC_INPUT, "'" STR_FMT "' is a member of a group already",
			     STR_ARG(str_slice(l->words[3 + i], 0, 64)));
		}
		p->names[at].is_member = true;
		members[i] = (uint8_t)at;
	}
	TRY(new_name(p, l->words[1], &group, e));
	group->is_group = true;
	group->threshold = (size_t)k;
	group->n_members = n;
	memcpy(group->members, members, n);
	return RC_OK;
}

/* quorum <name>|none */
static enum rc take_quorum(struct tlog_policy *p, const struct line *l, struct err *e)
{
	size_t at;

	if (l->n != 2) {
		FAIL(e, RC_INPUT, "expected 'quorum <name>' or 'quorum none'");
	}
	if (p->has_quorum) {
		FAIL(e, RC_INPUT, "a second quorum");
	}
	p->has_quorum = true;
	if (str_eq(l->words[1], STR("none"))) {
		p->quorum = NONE;
		return RC_OK;
	}
	at = find_name(p, l->words[1]);
	if (at == p->n_names) {
		FAIL(e, RC_INPUT, "no witness or group '" STR_FMT "' on a line before",
		     STR_ARG(str_slice(l->words[1], 0, 64)));
	}
	p->quorum = at;
	return RC_OK;
}

static enum rc take_line(struct tlog_policy *p, struct str text, struct err *e)
{
	static const struct {
		struct str word;
		enum rc (*take)(struct tlog_policy *, const struct line *, struct err *);
	} kinds[] = {
	    {{"log", 3}, take_log},
	    {{"witness", 7}, take_witness},
	    {{"group", 5}, take_group},
	    {{"quorum", 6}, take_quorum},
	};
	struct line l;

	if (str_has_prefix(str_trim(text), STR("#"))) {
		return RC_OK;
	}
	TRY(split(text, &l, e));
	for (size_t i = 0; l.n > 0 && i < ARRAY_LEN(kinds); i++) {
		if (str_eq(l.words[0], kinds[i].word)) {
			return kinds[i].take(p, &l, e);
		}
	}
	if (l.n > 0) {
		FAIL(e, RC_INPUT, "expected 'log', 'witness', 'group' or 'quorum'");
	}
	return RC_OK;
}

enum rc tlog_policy_parse(struct str text, struct tlog_policy **ret, struct err *e)
{
	AUTO_TLOG_POLICY p = mem_calloc(1, sizeof(*p));
	struct str rest = text;
	struct err why = ERR_INIT;

	if (!p) {
		FAIL(e, RC_NOMEM, "no memory for a policy");
	}
	p->arena = (struct arena)ARENA_INIT(ARENA_BYTES);
	TRY(check_octets(text, e));
	for (unsigned number = 1; rest.n > 0; number++) {
		enum rc rc = take_line(p, str_cut(&rest, '\n'), &why);

		if (rc != RC_OK) {
			FAIL(e, rc, "%u: %s", number, why.msg);
		}
	}
	if (!p->has_quorum) {
		FAIL(e, RC_INPUT, "the policy has no 'quorum'");
	}
	*ret = TAKE(p);
	return RC_OK;
}

/* ---- What it says ---- */

size_t tlog_policy_logs(const struct tlog_policy *p)
{
	return p->n_logs;
}

const struct tlog_vkey *tlog_policy_log(const struct tlog_policy *p, size_t i)
{
	MUST(i < p->n_logs);
	return &p->logs[i];
}

size_t tlog_policy_witnesses(const struct tlog_policy *p)
{
	return p->n_witnesses;
}

const struct tlog_witness *tlog_policy_witness(const struct tlog_policy *p, size_t i)
{
	MUST(i < p->n_witnesses);
	return &p->witnesses[i];
}

bool tlog_policy_is_met(const struct tlog_policy *p, const bool *has_cosigned)
{
	bool is_met[TLOG_POLICY_MAX_NAMES] = {false};

	for (size_t i = 0; i < p->n_names; i++) { /* (1) */
		const struct named *x = &p->names[i];
		size_t n = 0;

		for (size_t k = 0; k < x->n_members; k++) {
			n += is_met[x->members[k]];
		}
		is_met[i] = x->is_group ? n >= x->threshold : has_cosigned[x->witness];
	}
	return p->quorum == NONE || is_met[p->quorum];
}

/* ---- Checkpoints ---- */

/* The key that note must be signed with: that of its origin. */
static enum rc find_log(const struct tlog_policy *p, struct str origin, const struct tlog_vkey *key,
			const struct tlog_vkey **ret, struct err *e)
{
	if (key) {
		*ret = key;
		return RC_OK;
	}
	for (size_t i = 0; i < p->n_logs; i++) {
		if (str_eq(origin, str_from(p->logs[i].name))) {
			*ret = &p->logs[i];
			return RC_OK;
		}
	}
	FAIL(e, RC_DENIED, "the policy knows no log '" STR_FMT "'",
	     STR_ARG(str_slice(origin, 0, 64)));
}

static enum rc check_cosigners(const struct tlog_policy *p, const struct tlog_note *note,
			       struct tlog_witnessed *ret, struct err *e)
{
	bool has[TLOG_POLICY_MAX_WITNESSES] = {false};

	*ret = (struct tlog_witnessed){0};
	for (size_t i = 0; i < p->n_witnesses; i++) {
		struct err why = ERR_INIT;
		bool is_there = false;

		for (size_t k = 0; k < note->n_signatures; k++) {
			const struct tlog_signature *s = &note->signatures[k];

			is_there |= s->id == p->witnesses[i].key.id &&
				    str_eq(s->name, str_from(p->witnesses[i].key.name));
		}
		if (!is_there) {
			continue;
		}
		if (tlog_note_verify(note, &p->witnesses[i].key, 1, &ret->by[i], &why) != RC_OK) {
			FAIL(e, why.code, "%s", why.msg);
		}
		has[i] = true;
		ret->n++;
	}
	if (!tlog_policy_is_met(p, has)) {
		FAIL(
		    e, RC_DENIED,
		    "no quorum: %zu of the policy's %zu witnesses cosigned, and that is not enough",
		    ret->n, p->n_witnesses);
	}
	return RC_OK;
}

enum rc tlog_policy_check(const struct tlog_policy *p, struct str note, const struct tlog_vkey *key,
			  struct tlog_checkpoint *ret, struct tlog_witnessed *ret_by, struct err *e)
{
	struct tlog_witnessed by;
	struct tlog_checkpoint c;
	struct tlog_note parsed;
	const struct tlog_vkey *log;
	enum rc rc;

	TRY(tlog_note_parse(note, &parsed, e));
	TRY(tlog_checkpoint_parse(parsed.text, &c, e));
	TRY(find_log(p, c.origin, key, &log, e));
	TRY(tlog_checkpoint_open(note, log, &c, e));
	rc = check_cosigners(p, &parsed, &by, e);
	if (ret_by) {
		*ret_by = by;
	}
	if (rc == RC_OK) {
		*ret = c;
	}
	return rc;
}
