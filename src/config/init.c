/* SPDX-License-Identifier: Apache-2.0 */
/* config/init.c - write a deployment directory from the packs.
 *
 * A file of packs/starter is a template: @name@ is replaced, and lines between "#? word" and the
 * next "#?" are kept if the word holds (a pack is wanted; "!word": does not hold). Files of the
 * other packs are written as they are: upstreams, playbooks and policies into those directories,
 * everything else under the pack's name.
 *
 * Holds:  nothing that exists is overwritten; secrets are random and nobody else's to read.
 */
#include "config/init.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/rand.h"
#include "codec/base64.h"

struct pack_file {
	struct str path;
	struct str bytes;
};

static const struct pack_file pack_files[] = {
#define PACK_FILE(path, bytes) {{path, sizeof(path) - 1}, {bytes, sizeof(bytes) - 1}},
#include "pack_files.inc"
#undef PACK_FILE
};

bool config_pack_file(struct str path, struct str *ret_bytes)
{
	for (size_t i = 0; i < ARRAY_LEN(pack_files); i++) {
		if (str_eq(pack_files[i].path, path)) {
			*ret_bytes = pack_files[i].bytes;
			return true;
		}
	}
	return false;
}

enum { REVIEW_DAYS = 180, SECRET_BYTES = 32 };

/* For people; tests/unit/init.c holds it against the files. */
#define PACKS "aws, crowdstrike-falcon, github, kubernetes, linux, nginx, okta, pagerduty, postgresql and slack"

struct init {
	const char *dir;
	const struct init_options *o;
	struct str origin;
	struct str trust_domain;
	struct err *e;
};

/* ---- Templates ---- */

static bool wants(const struct init *in, const char *pack)
{
	for (size_t i = 0; i < in->o->n_packs; i++) {
		if (str_eq(in->o->packs[i], str_from(pack))) {
			return true;
		}
	}
	return false;
}

static bool has_credential_abuse(const struct init *in)
{
	return wants(in, "postgresql") && wants(in, "nginx");
}

static bool holds(const struct init *in, struct str word)
{
	if (str_has_prefix(word, STR("!"))) {
		return !holds(in, str_slice(word, 1, word.n));
	}
	if (str_eq(word, STR("root"))) {
		return in->o->user.n > 0;
	}
	for (size_t i = 0; i < in->o->n_packs; i++) {
		if (str_eq(in->o->packs[i], word)) {
			return true;
		}
	}
	return word.n == 0; /* the end of a condition */
}

static enum rc add_review_date(const struct init *in, struct buf *b)
{
	time_t at = (time_t)(in->o->now_unix_ms / 1000 + REVIEW_DAYS * 86400ull);
	struct tm tm;
	char date[32];

	MUST(gmtime_r(&at, &tm) != NULL);
	MUST(strftime(date, sizeof(date), "%Y-%m-%d", &tm) > 0);
	return buf_add(b, str_from(date));
}

/* "<pack>/<directory>/<name>.yaml" -> name; p == NULL for every other path. */
static struct str name_in_pack(struct str path, struct str pack, const char *directory)
{
	struct str rest = path;

	if (!str_eq(str_cut(&rest, '/'), pack) ||
	    !str_eq(str_cut(&rest, '/'), str_from(directory)) ||
	    !str_has_suffix(rest, STR(".yaml"))) {
		return STR_NULL;
	}
	return str_slice(rest, 0, rest.n - 5);
}

static bool is_pack(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(pack_files); i++) {
		if (!str_eq(name, STR("starter")) &&
		    name_in_pack(pack_files[i].path, name, "upstreams").p) {
			return true;
		}
	}
	return false;
}

static enum rc add_upstreams(const struct init *in, struct buf *b)
{
	TRY(buf_add(b, STR("Remit::Action::\"host\"")));
	for (size_t i = 0; i < ARRAY_LEN(pack_files); i++) {
		for (size_t k = 0; k < in->o->n_packs; k++) {
			struct str name =
			    name_in_pack(pack_files[i].path, in->o->packs[k], "upstreams");

			if (name.p) {
				TRY(buf_addf(b, ", Remit::Action::\"" STR_FMT "\"", STR_ARG(name)));
			}
		}
	}
	return RC_OK;
}

/* What stands in the brackets of the playbook's line `classes: [...]`. */
static struct str classes_of(struct str playbook)
{
	while (playbook.n > 0) {
		struct str line = str_cut(&playbook, '\n');

		if (str_has_prefix(line, STR("classes: [")) && str_has_suffix(line, STR("]"))) {
			return str_slice(line, sizeof("classes: [") - 1, line.n - 1);
		}
	}
	return STR_NULL;
}

static enum rc add_classes(const struct init *in, struct buf *b)
{
	TRY(buf_add(b, STR("[host-alert")));
	if (has_credential_abuse(in)) {
		TRY(buf_add(b, STR(", credential-abuse")));
	}
	for (size_t i = 0; i < ARRAY_LEN(pack_files); i++) {
		for (size_t k = 0; k < in->o->n_packs; k++) {
			if (name_in_pack(pack_files[i].path, in->o->packs[k], "playbooks").p) {
				TRY(buf_addf(b, ", " STR_FMT,
					     STR_ARG(classes_of(pack_files[i].bytes))));
			}
		}
	}
	return buf_add_char(b, ']');
}

static enum rc add_variable(const struct init *in, struct str name, struct buf *b)
{
	if (str_eq(name, STR("origin"))) {
		return buf_add(b, in->origin);
	}
	if (str_eq(name, STR("trust_domain"))) {
		return buf_add(b, in->trust_domain);
	}
	if (str_eq(name, STR("user"))) {
		return buf_add(b, in->o->user);
	}
	if (str_eq(name, STR("uid"))) {
		return buf_addf(b, "%u", in->o->uid);
	}
	if (str_eq(name, STR("review_by"))) {
		return add_review_date(in, b);
	}
	if (str_eq(name, STR("upstreams"))) {
		return add_upstreams(in, b);
	}
	if (str_eq(name, STR("classes"))) {
		return add_classes(in, b);
	}
	FAIL(in->e, RC_BROKEN, "a template names '@" STR_FMT "@'", STR_ARG(name));
}

/* A variable is lower case letters and '_' between two '@'; another '@' is itself. */
static size_t variable_at(struct str s)
{
	size_t n = 1;

	while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || s.p[n] == '_')) {
		n++;
	}
	return n > 1 && n < s.n && s.p[n] == '@' ? n + 1 : 0;
}

static enum rc fill(const struct init *in, struct str text, struct buf *b)
{
	bool is_kept = true;

	while (text.n > 0) {
		struct str line = str_cut(&text, '\n');

		if (str_has_prefix(line, STR("#?"))) {
			is_kept = holds(in, str_trim(str_slice(line, 2, line.n)));
			continue;
		}
		while (is_kept && line.n > 0) {
			size_t n = line.p[0] == '@' ? variable_at(line) : 0;

			if (n > 0) {
				TRY(add_variable(in, str_slice(line, 1, n - 1), b));
			} else {
				TRY(buf_add_char(b, line.p[0]));
				n = 1;
			}
			line = str_slice(line, n, line.n);
		}
		if (is_kept) {
			TRY(buf_add_char(b, '\n'));
		}
	}
	return RC_OK;
}

/* ---- Files ---- */

static enum rc write_file(const struct init *in, struct str path, struct str bytes, unsigned mode)
{
	bool is_secret = mode == 0600;
	char whole[PATH_MAX];
	char parent[PATH_MAX];
	int n = snprintf(whole, sizeof(whole), "%s/" STR_FMT, in->dir, STR_ARG(path));

	if (n < 0 || (size_t)n >= sizeof(whole)) {
		FAIL(in->e, RC_LIMIT, "the path '%s' is too long", in->dir);
	}
	memcpy(parent, whole, (size_t)n + 1);
	*strrchr(parent, '/') = '\0';
	TRY(file_mkdirs(parent, is_secret ? 0700 : 0755, in->e));
	if (access(whole, F_OK) == 0) {
		FAIL(in->e, RC_DENIED, "'%s' is there already", whole);
	}
	return file_replace(whole, bytes, mode, in->e);
}

/* The people's socket will be there. */
static enum rc make_run_dir(const struct init *in)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/run", in->dir);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		FAIL(in->e, RC_LIMIT, "the path '%s' is too long", in->dir);
	}
	return file_mkdirs(path, 0755, in->e);
}

static enum rc write_template(const struct init *in, const struct pack_file *file)
{
	AUTO_BUF text = BUF_INIT(LIMIT_CONFIG_FILE_BYTES);
	enum rc rc = fill(in, file->bytes, &text);

	if (rc != RC_OK) {
		FAIL(in->e, rc, "cannot fill '" STR_FMT "'", STR_ARG(file->path));
	}
	return write_file(in, str_slice(file->path, sizeof("starter/") - 1, file->path.n),
			  buf_view(&text), 0644);
}

static bool is_deployment_path(struct str path)
{
	return str_has_prefix(path, STR("upstreams/")) || str_has_prefix(path, STR("playbooks/")) ||
	       str_has_prefix(path, STR("policies/"));
}

static enum rc write_pack_file(const struct init *in, const struct pack_file *file)
{
	struct str rest = file->path;
	struct str pack = str_cut(&rest, '/');

	if (str_eq(pack, STR("starter"))) {
		return write_template(in, file);
	}
	if (str_eq(pack, STR("policies"))) {
		return write_file(in, file->path, file->bytes, 0644);
	}
	if (str_eq(pack, STR("playbooks"))) {
		return has_credential_abuse(in) ? write_file(in, file->path, file->bytes, 0644)
						: RC_OK;
	}
	if (pack.n == 0 || !holds(in, pack)) {
		return RC_OK;
	}
	return write_file(in, is_deployment_path(rest) ? rest : file->path, file->bytes, 0644);
}

static enum rc write_secret(const struct init *in, const char *path)
{
	AUTO_BUF text = BUF_INIT(4 * SECRET_BYTES);
	uint8_t random[SECRET_BYTES];

	rand_bytes(random, sizeof(random));
	if (base64url_encode(&text, str_of(random, sizeof(random))) != RC_OK ||
	    buf_add_char(&text, '\n') != RC_OK) {
		FAIL(in->e, RC_NOMEM, "no memory for a secret");
	}
	return write_file(in, str_from(path), buf_view(&text), 0600);
}

/* ---- The whole ---- */

static enum rc check_line(struct str text, const char *what, struct err *e)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') &&
		    !strchr("._/-", c)) {
			FAIL(e, RC_INPUT,
			     "%s '" STR_FMT "': expected letters, digits, '.', '-', '_', '/'", what,
			     STR_ARG(text));
		}
	}
	return RC_OK;
}

static enum rc check_options(const struct init_options *o, struct err *e)
{
	TRY(check_line(o->origin, "origin", e));
	TRY(check_line(o->trust_domain, "trust domain", e));
	TRY(check_line(o->user, "user", e));
	for (size_t i = 0; i < o->n_packs; i++) {
		if (!is_pack(o->packs[i])) {
			FAIL(e, RC_INPUT, "no pack '" STR_FMT "'; there are " PACKS,
			     STR_ARG(o->packs[i]));
		}
	}
	return RC_OK;
}

static enum rc check_empty(const char *dir, struct err *e)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/remit.yaml", dir);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		FAIL(e, RC_LIMIT, "the path '%s' is too long", dir);
	}
	if (access(path, F_OK) == 0) {
		FAIL(e, RC_DENIED, "'%s' is a deployment already", dir);
	}
	return RC_OK;
}

enum rc config_init(const char *dir, const struct init_options *o, struct err *e)
{
	struct init in = {.dir = dir, .o = o, .e = e};
	AUTO_BUF origin = BUF_INIT(1024);

	TRY(check_options(o, e));
	TRY(check_empty(dir, e));
	in.trust_domain = o->trust_domain.n > 0 ? o->trust_domain : STR("remit.example");
	if (buf_addf(&origin, "remit." STR_FMT "/log", STR_ARG(in.trust_domain)) != RC_OK) {
		FAIL(e, RC_LIMIT, "the trust domain is too long");
	}
	in.origin = o->origin.n > 0 ? o->origin : buf_view(&origin);
	TRY(write_secret(&in, "secrets/alerts.token"));
	TRY(make_run_dir(&in));
	if (wants(&in, "postgresql")) {
		TRY(write_secret(&in, "secrets/database.password"));
	}
	for (size_t i = 0; i < ARRAY_LEN(pack_files); i++) {
		TRY(write_pack_file(&in, &pack_files[i]));
	}
	return RC_OK;
}
