/* SPDX-License-Identifier: Apache-2.0 */
/* core/redact.c - secrets in a text.
 *
 * Trust:  the text is hostile: whoever writes it may try to make this slow, or to hide a secret.
 * Holds:  (1) every byte is looked at a bounded number of times.
 *         (2) what is not replaced is copied as it is.
 */
#include "core/redact.h"

#include <string.h>

#include "core/redact_impl.h"

enum {
	NAME_BYTES = 64,	/* longer words are no names of secrets */
	PLAIN_VALUE_BYTES = 4,	/* a value behind `name=` or `name:` counts from here */
	SPACED_VALUE_BYTES = 6, /* a value behind `name: ` */
	SEPARATOR_SPACES = 8,	/* between a name, its separator and the value */
	USERINFO_BYTES = 512,	/* of a URL */
	BEARER_BYTES = 8,	/* behind `Authorization: Bearer ` */
	PEM_LABEL_BYTES = 64,
};

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* ---- names ---- */

/* name in lower case without '-', '_', '.' and blanks; its length, 0 when it is too long. */
static size_t plain_name(struct str name, char ret[NAME_BYTES])
{
	size_t n = 0;

	if (name.n > NAME_BYTES) {
		return 0;
	}
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (is_alnum(c)) {
			ret[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
		}
	}
	return n;
}

bool redact_is_secret_name(struct str name)
{
	static const struct str ends[] = {
	    {"password", 8},	   {"passwd", 6},	  {"passphrase", 10}, {"secret", 6},
	    {"secretkey", 9},	   {"accesskey", 9},	  {"privatekey", 10}, {"apikey", 6},
	    {"signingkey", 10},	   {"encryptionkey", 13}, {"authkey", 7},     {"credential", 10},
	    {"authorization", 13}, {"token", 5},
	};
	static const struct str pages[] = {
	    {"page", 4}, {"next", 4}, {"continu", 7}, {"cursor", 6}, {"sync", 4}, {"resume", 6},
	};
	char plain[NAME_BYTES];
	struct str s = str_of(plain, plain_name(name, plain));
	bool is_secret = str_eq(s, STR("pwd")) || str_eq(s, STR("pgpassword"));

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		is_secret |= str_has_suffix(s, ends[i]);
	}
	if (str_has_suffix(s, STR("token"))) {
		for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
			is_secret &= !str_contains(s, pages[i]);
		}
	}
	return is_secret;
}

bool redact_is_placeholder(struct str value)
{
	static const struct str none[] = {
	    {"null", 4}, {"none", 4}, {"true", 4}, {"false", 5}, {"undefined", 9},
	};
	bool is_same = true;

	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		if (str_eq_nocase(value, none[i])) {
			return true;
		}
	}
	for (size_t i = 1; i < value.n; i++) {
		is_same &= value.p[i] == value.p[0];
	}
	return (is_same && value.n && !is_alnum(value.p[0])) ||
	       str_has_prefix(value, STR("[redacted")) || str_has_prefix(value, STR("${"));
}

/* ---- secrets that say what they are ---- */

enum alphabet { UPPER_DIGITS, ALNUM, URL_SAFE, TOKEN_DOTS };

static bool is_in(enum alphabet a, char c)
{
	switch (a) {
	case UPPER_DIGITS:
		return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
	case ALNUM:
		return is_alnum(c);
	case URL_SAFE:
		return is_alnum(c) || c == '_' || c == '-';
	case TOKEN_DOTS:
		return is_alnum(c) || c == '_' || c == '-' || c == '.';
	}
	return false;
}

static const struct shape {
	struct str prefix;
	enum alphabet alphabet;
	size_t least; /* characters behind the prefix */
	const char *kind;
} shapes[] = {
    {{"AKIA", 4}, UPPER_DIGITS, 16, "access key"},
    {{"ASIA", 4}, UPPER_DIGITS, 16, "access key"},
    {{"AIza", 4}, URL_SAFE, 35, "api key"},
    {{"SG.", 3}, TOKEN_DOTS, 40, "api key"},
    {{"dop_v1_", 7}, ALNUM, 32, "token"},
    {{"eyJ", 3}, TOKEN_DOTS, 40, "JWT"},
    {{"ghp_", 4}, ALNUM, 30, "token"},
    {{"gho_", 4}, ALNUM, 30, "token"},
    {{"ghs_", 4}, ALNUM, 30, "token"},
    {{"ghu_", 4}, ALNUM, 30, "token"},
    {{"ghr_", 4}, ALNUM, 30, "token"},
    {{"github_pat_", 11}, URL_SAFE, 30, "token"},
    {{"glpat-", 6}, URL_SAFE, 16, "token"},
    {{"hvs.", 4}, URL_SAFE, 20, "token"},
    {{"npm_", 4}, ALNUM, 30, "token"},
    {{"pypi-", 5}, URL_SAFE, 40, "token"},
    {{"rk_live_", 8}, ALNUM, 16, "api key"},
    {{"sk_live_", 8}, ALNUM, 16, "api key"},
    {{"sk-", 3}, URL_SAFE, 32, "api key"},
    {{"whsec_", 6}, URL_SAFE, 20, "signing secret"},
    {{"xoxa-", 5}, URL_SAFE, 16, "token"},
    {{"xoxb-", 5}, URL_SAFE, 16, "token"},
    {{"xoxp-", 5}, URL_SAFE, 16, "token"},
    {{"xoxr-", 5}, URL_SAFE, 16, "token"},
    {{"xoxs-", 5}, URL_SAFE, 16, "token"},
};

/* A JWT has three parts; "eyJ" alone begins any JSON in base64. */
static bool is_jwt(struct str s)
{
	size_t dots = 0;

	for (size_t i = 0; i < s.n; i++) {
		dots += s.p[i] == '.';
	}
	return dots >= 2;
}

static bool find_shape(struct str rest, struct redact_found *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		const struct shape *s = &shapes[i];
		size_t n = s->prefix.n;

		if (rest.p[0] != s->prefix.p[0] || !str_has_prefix(rest, s->prefix)) {
			continue;
		}
		while (n < rest.n && is_in(s->alphabet, rest.p[n])) {
			n++;
		}
		if (n - s->prefix.n < s->least ||
		    (s->alphabet == TOKEN_DOTS && s->prefix.p[0] == 'e' &&
		     !is_jwt(str_slice(rest, 0, n)))) {
			continue;
		}
		*ret = (struct redact_found){.from = 0, .to = n, .kind = s->kind};
		return true;
	}
	return false;
}

/* "-----BEGIN ... PRIVATE KEY-----" up to the end of its "-----END ...-----", or of the text. */
static bool find_pem(struct str rest, struct redact_found *ret)
{
	static const struct str begin = {"-----BEGIN ", 11};
	static const struct str end = {"-----END ", 9};
	struct str label = str_slice(rest, begin.n, begin.n + PEM_LABEL_BYTES);
	const char *at;
	size_t to;

	if (!str_has_prefix(rest, begin)) {
		return false;
	}
	at = memmem(label.p, label.n, "-----", 5);
	if (!at || !str_contains(str_of(label.p, (size_t)(at - label.p)), STR("PRIVATE KEY"))) {
		return false;
	}
	at = memmem(rest.p + begin.n, rest.n - begin.n, end.p, end.n);
	to = at ? (size_t)(at - rest.p) + end.n : rest.n;
	at = at ? memmem(rest.p + to, rest.n - to, "-----", 5) : NULL;
	*ret = (struct redact_found){
	    .from = 0,
	    .to = at ? (size_t)(at - rest.p) + 5 : rest.n,
	    .kind = "private key",
	};
	return true;
}

/* rest begins behind "://": the password of user:password@host. */
static bool find_userinfo(struct str rest, struct redact_found *ret)
{
	size_t colon = SIZE_MAX;

	for (size_t i = 0; i < rest.n && i < USERINFO_BYTES; i++) {
		char c = rest.p[i];

		if (c == '@') {
			*ret = (struct redact_found){colon + 1, i, "password"};
			return colon != SIZE_MAX && i > colon + 1 &&
			       !redact_is_placeholder(str_slice(rest, colon + 1, i));
		}
		if (c == ':' && colon == SIZE_MAX) {
			colon = i;
		}
		if (strchr("/?# \t\r\n\"'<>", c)) { /* a zero byte, too */
			return false;
		}
	}
	return false;
}

/* ---- values that are called a secret ---- */

/* How a value is quoted; escaped: in JSON within a JSON string, as seen from outside. */
struct quote {
	char sign; /* 0 = not at all */
	bool is_escaped;
};

static size_t skip_blanks(struct str s, size_t at)
{
	size_t most = at + SEPARATOR_SPACES;

	while (at < s.n && at < most && is_blank(s.p[at])) {
		at++;
	}
	return at;
}

/* The end of a value that begins at `at`: its quote, or what ends a word. */
static size_t value_end(struct str s, size_t at, struct quote q)
{
	while (at < s.n) {
		char c = s.p[at];

		if (q.is_escaped ? c == '\\' || c == q.sign
		    : q.sign	 ? c == q.sign
				 : strchr(" \t\r\n\"'`,;&(){}[]<>", c) != NULL) {
			break;
		}
		at += q.sign && c == '\\' && at + 1 < s.n ? 2 : 1;
	}
	return at < s.n ? at : s.n;
}

/* Does a word behind "name: " look like a secret rather than like prose? */
static bool is_no_prose(struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < 'a' || value.p[i] > 'z') {
			return value.n >= SPACED_VALUE_BYTES;
		}
	}
	return value.n >= 2 * (size_t)SPACED_VALUE_BYTES;
}

static bool is_scheme(struct str value)
{
	return str_eq_nocase(value, STR("bearer")) || str_eq_nocase(value, STR("basic")) ||
	       str_eq_nocase(value, STR("token"));
}

static size_t skip_quote(struct str s, size_t at, struct quote *ret)
{
	*ret = (struct quote){0};
	while (at < s.n && s.p[at] == '\\') {
		ret->is_escaped = true;
		at++;
	}
	if (at < s.n && (s.p[at] == '"' || s.p[at] == '\'' || s.p[at] == '`')) {
		ret->sign = s.p[at++];
	}
	return at;
}

/* s begins behind a secret's name. */
static bool find_value(struct str s, struct redact_found *ret)
{
	struct quote q;
	size_t at = skip_blanks(s, skip_quote(s, 0, &q));
	size_t to;
	bool has_separator = false;
	bool is_spaced;

	while (at < s.n &&
	       (s.p[at] == '=' || s.p[at] == ':' || (has_separator && s.p[at] == '>'))) {
		has_separator = true;
		at++;
	}
	is_spaced = at < s.n && is_blank(s.p[at]);
	at = skip_quote(s, skip_blanks(s, at), &q);
	if (!has_separator && q.sign != '\'') { /* PASSWORD '...' in SQL */
		return false;
	}
	to = value_end(s, at, q);
	if (!q.sign && is_scheme(str_slice(s, at, to)) && to < s.n && is_blank(s.p[to])) {
		at = skip_blanks(s, to);
		to = value_end(s, at, (struct quote){0});
		is_spaced = false;
		if (to - at < BEARER_BYTES) {
			return false;
		}
	}
	*ret = (struct redact_found){at, to, "secret"};
	if (to - at < PLAIN_VALUE_BYTES || redact_is_placeholder(str_slice(s, at, to))) {
		return false;
	}
	return q.sign || !is_spaced || is_no_prose(str_slice(s, at, to));
}

/* ---- the walk ---- */

static bool is_name_char(char c)
{
	return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

/* At `at`, which begins a word or a sign: is there a secret? *ret_next is where to look next when
 * there is none. */
static bool find_at(struct str text, size_t at, struct redact_found *ret, size_t *ret_next)
{
	struct str rest = str_slice(text, at, text.n);
	size_t n = 0;

	*ret_next = at + 1;
	if (rest.p[0] == '-') {
		return find_pem(rest, ret);
	}
	if (str_has_prefix(rest, STR("://"))) {
		bool is_found = find_userinfo(str_slice(rest, 3, rest.n), ret);

		ret->from += 3;
		ret->to += 3;
		return is_found;
	}
	if (!is_alnum(rest.p[0]) && rest.p[0] != '_') {
		return false;
	}
	if (find_shape(rest, ret)) {
		return true;
	}
	while (n < rest.n && is_name_char(rest.p[n])) {
		n++;
	}
	*ret_next = at + n;
	if (n < rest.n && redact_is_secret_name(str_slice(rest, 0, n)) &&
	    find_value(str_slice(rest, n, rest.n), ret)) {
		ret->from += n;
		ret->to += n;
		return true;
	}
	return false;
}

bool redact_next(struct str text, size_t from, struct redact_found *ret)
{
	size_t next;

	for (size_t at = from; at < text.n; at = next) {
		if (find_at(text, at, ret, &next)) {
			ret->from += at;
			ret->to += at;
			return true;
		}
	}
	return false;
}

bool redact_has_secret(struct str text, struct str *ret_kind)
{
	struct redact_found found;

	if (!redact_next(text, 0, &found)) {
		return false;
	}
	if (ret_kind) {
		*ret_kind = str_from(found.kind);
	}
	return true;
}

enum rc redact_text(struct str text, struct buf *out, size_t *ret_n, struct err *e)
{
	struct redact_found found;
	size_t at = 0;
	enum rc rc = RC_OK;

	*ret_n = 0;
	while (rc == RC_OK && redact_next(text, at, &found)) {
		rc = buf_add(out, str_slice(text, at, found.from));
		rc = rc == RC_OK ? buf_addf(out, "[redacted: %s]", found.kind) : rc;
		at = found.to;
		++*ret_n;
	}
	rc = rc == RC_OK ? buf_add(out, str_slice(text, at, text.n)) : rc;
	return rc == RC_OK ? RC_OK : err_set(e, rc, __func__, "no room for the redacted text");
}
