/* SPDX-License-Identifier: Apache-2.0 */
/* cli/identity.c - the development CA, and registering an agent in one command.
 *
 * agent add writes three things: the agent's registration (agents/<name>.yaml), an envelope that
 * permits it to declare intents and to read (policies/agents/<name>/envelope.cedar), and an
 * X.509-SVID with its key. Nothing that exists is overwritten.
 */
#include "cli/identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "identity/ca.h"

enum { MAX_NAMES = 16, PATH_BYTES = 4096 };

struct identity_options {
	const char *dir; /* the deployment directory */
	const char *trust_domain;
	const char *valid;
	const char *owner;
	const char *deputy;
	const char *purpose;
	const char *environment;
	const char *team;
	const char *out;
	const char *id; /* path of a SPIFFE ID */
	const char *positional;
	struct str names[MAX_NAMES];
	size_t n_names;
	const char *classes[MAX_NAMES];
	size_t n_classes;
};

static int parse(const struct cli_command *c, int argc, char **argv, struct identity_options *o)
{
	const struct {
		const char *name;
		const char **into;
	} options[] = {
	    {"--dir", &o->dir},
	    {"--trust-domain", &o->trust_domain},
	    {"--valid", &o->valid},
	    {"--owner", &o->owner},
	    {"--deputy", &o->deputy},
	    {"--purpose", &o->purpose},
	    {"--environment", &o->environment},
	    {"--team", &o->team},
	    {"--out", &o->out},
	    {"--id", &o->id},
	};

	for (int i = 0; i < argc; i++) {
		const char **into = NULL;

		if (argv[i][0] != '-') {
			if (o->positional) {
				return cli_misuse(c, "unexpected argument '%s'", argv[i]);
			}
			o->positional = argv[i];
			continue;
		}
		for (size_t k = 0; k < ARRAY_LEN(options); k++) {
			into = !strcmp(argv[i], options[k].name) ? options[k].into : into;
		}
		if (i + 1 == argc) {
			return cli_misuse(c, "%s needs a value, or is no option", argv[i]);
		}
		if (!strcmp(argv[i], "--name") && o->n_names < MAX_NAMES) {
			o->names[o->n_names++] = str_from(argv[++i]);
		} else if (!strcmp(argv[i], "--class") && o->n_classes < MAX_NAMES) {
			o->classes[o->n_classes++] = argv[++i];
		} else if (into) {
			*into = argv[++i];
		} else {
			return cli_misuse(c, "unknown option '%s'", argv[i]);
		}
	}
	if (!o->dir) {
		return cli_misuse(c, "--dir DIRECTORY (of the deployment) is missing");
	}
	return 0;
}

static enum rc join(char out[PATH_BYTES], const char *dir, const char *rest, struct err *e)
{
	int n = snprintf(out, PATH_BYTES, "%s/%s", dir, rest);

	if (n < 0 || n >= PATH_BYTES) {
		FAIL(e, RC_INPUT, "the path is too long: '%s'", dir);
	}
	return RC_OK;
}

static enum rc valid_seconds(const struct identity_options *o, uint64_t otherwise, uint64_t *ret,
			     struct err *e)
{
	uint64_t ms;

	*ret = otherwise;
	if (!o->valid) {
		return RC_OK;
	}
	if (!num_duration_ms(str_from(o->valid), &ms) || ms < 1000) {
		FAIL(e, RC_INPUT, "--valid must be a duration such as 12h or 30d");
	}
	*ret = ms / 1000;
	return RC_OK;
}

/* ---- ca ---- */

static enum rc create(const struct identity_options *o, struct err *e)
{
	struct clock clock = clock_system();
	AUTO_BUF pem = BUF_INIT(65536);
	char cert[PATH_BYTES];
	char key[PATH_BYTES];
	char bundle[PATH_BYTES];
	uint64_t valid_s;
	struct ca *ca;
	enum rc rc;

	TRY(valid_seconds(o, 365ull * 86400, &valid_s, e));
	TRY(join(cert, o->dir, "ca/ca.pem", e));
	TRY(join(key, o->dir, "ca/ca.key", e));
	TRY(join(bundle, o->dir, "ca/bundle.pem", e));
	if (access(key, F_OK) == 0) {
		FAIL(e, RC_DENIED, "'%s' exists already", key);
	}
	*strrchr(cert, '/') = '\0';
	TRY(file_mkdirs(cert, 0755, e));
	TRY(join(cert, o->dir, "ca/ca.pem", e));
	TRY(ca_create(str_from(o->trust_domain), &clock, valid_s, &ca, e));
	rc = ca_save(ca, cert, key, e);
	if (rc == RC_OK) {
		rc = ca_bundle(ca, &pem, e);
	}
	if (rc == RC_OK) {
		rc = file_replace(bundle, buf_view(&pem), 0644, e);
	}
	ca_free(ca);
	return rc;
}

int cli_ca_create(const struct cli_command *c, int argc, char **argv)
{
	struct identity_options o = {0};
	struct err e = ERR_INIT;
	int bad = parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	if (!o.trust_domain) {
		return cli_misuse(c, "--trust-domain NAME is missing");
	}
	if (create(&o, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	printf("%s/ca/ca.pem signs identities of %s; %s/ca/bundle.pem is what verifiers trust\n",
	       o.dir, o.trust_domain, o.dir);
	return 0;
}

static enum rc load_ca(const struct identity_options *o, struct ca **ret, struct err *e)
{
	char cert[PATH_BYTES];
	char key[PATH_BYTES];

	TRY(join(cert, o->dir, "ca/ca.pem", e));
	TRY(join(key, o->dir, "ca/ca.key", e));
	return ca_load(cert, key, ret, e);
}

static enum rc issue(const struct identity_options *o, const char *path, const char *cert_path,
		     const char *key_path, uint64_t otherwise_s, struct err *e)
{
	struct clock clock = clock_system();
	struct ca *ca;
	char id[512];
	struct ca_request r = {
	    .names = o->names,
	    .n_names = o->n_names,
	    .cert_path = cert_path,
	    .key_path = key_path,
	};
	enum rc rc;

	TRY(valid_seconds(o, otherwise_s, &r.valid_s, e));
	TRY(load_ca(o, &ca, e));
	(void)snprintf(id, sizeof(id), "spiffe://" STR_FMT "/%s", STR_ARG(ca_trust_domain(ca)),
		       path); /* a cut id is refused as malformed */
	r.spiffe_id = str_from(id);
	rc = ca_issue(ca, &clock, &r, e);
	ca_free(ca);
	return rc;
}

int cli_ca_server(const struct cli_command *c, int argc, char **argv)
{
	struct identity_options o = {0};
	struct err e = ERR_INIT;
	char cert[PATH_BYTES];
	char key[PATH_BYTES];
	int bad = parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	if (!o.n_names) {
		return cli_misuse(c, "--name NAME-OR-ADDRESS is missing");
	}
	if (join(cert, o.dir, "ca/server.pem", &e) != RC_OK ||
	    join(key, o.dir, "ca/server.key", &e) != RC_OK ||
	    issue(&o, "remit", cert, key, 90ull * 86400, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	printf("%s and %s\n", cert, key);
	return 0;
}

int cli_ca_issue(const struct cli_command *c, int argc, char **argv)
{
	struct identity_options o = {0};
	struct err e = ERR_INIT;
	char cert[PATH_BYTES];
	char key[PATH_BYTES];
	int bad = parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	if (!o.id || !o.out) {
		return cli_misuse(c, "--id PATH and --out PREFIX are needed");
	}
	(void)snprintf(cert, sizeof(cert), "%s.pem", o.out); /* a cut path cannot be written */
	(void)snprintf(key, sizeof(key), "%s.key", o.out);
	if (issue(&o, o.id, cert, key, 30ull * 86400, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	printf("%s and %s\n", cert, key);
	return 0;
}

/* ---- agent add ---- */

static bool is_name(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++) {
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') ||
		      (s[i] == '-' && i > 0))) {
			return false;
		}
	}
	return n > 0 && n <= 64;
}

static enum rc write_new(const char *path, struct str text, struct err *e)
{
	if (access(path, F_OK) == 0) {
		FAIL(e, RC_DENIED, "'%s' exists already", path);
	}
	return file_replace(path, text, 0644, e);
}

static enum rc write_registration(const struct identity_options *o, struct str trust_domain,
				  struct err *e)
{
	AUTO_BUF text = BUF_INIT(16384);
	char path[PATH_BYTES];
	char rest[256];
	char date[32];
	time_t in_90_days;
	struct tm tm;
	struct clock clock = clock_system();

	in_90_days = (time_t)(clock_unix_ms(&clock) / 1000 + 90ull * 86400);
	MUST(gmtime_r(&in_90_days, &tm) != NULL);
	MUST(strftime(date, sizeof(date), "%Y-%m-%d", &tm) > 0);
	TRY(buf_addf(&text, "# %s: registered by remit agent add; review it before it acts.\n",
		     o->positional));
	TRY(buf_addf(&text, "id: spiffe://" STR_FMT "/agent/%s\n", STR_ARG(trust_domain),
		     o->positional));
	TRY(buf_addf(&text, "owner: %s\ndeputy: %s\npurpose: \"%s\"\n", o->owner, o->deputy,
		     o->purpose ? o->purpose : "incident response"));
	if (o->team) {
		TRY(buf_addf(&text, "team: %s\n", o->team));
	}
	TRY(buf_addf(&text, "environment: %s\nreview_by: %s\n", o->environment, date));
	TRY(buf_addf(&text, "autonomy: {read: act, contain: act, destroy: approve}\n"));
	TRY(buf_addf(&text, "classes:\n"));
	for (size_t i = 0; i < o->n_classes; i++) {
		TRY(buf_addf(&text, "  - %s\n", o->classes[i]));
	}
	TRY(buf_addf(&text, "severity: {from: 1, to: 5}\n"));
	(void)snprintf(rest, sizeof(rest), "agents/%s.yaml", o->positional);
	TRY(join(path, o->dir, rest, e));
	return write_new(path, buf_view(&text), e);
}

static enum rc write_envelope(const struct identity_options *o, struct err *e)
{
	AUTO_BUF text = BUF_INIT(16384);
	char dir[PATH_BYTES];
	char path[PATH_BYTES];
	char rest[256];

	TRY(buf_addf(
	    &text,
	    "// What %s may do, and no other agent. Guardrails in policies/base hold "
	    "besides.\n\n"
	    "@id(\"%s-declares\")\npermit (\n\tprincipal == Remit::Agent::\"%s\",\n"
	    "\taction == Remit::Action::\"remit___declare_intent\",\n\tresource\n);\n\n"
	    "@id(\"%s-reads\")\npermit (\n\tprincipal == Remit::Agent::\"%s\",\n\taction,\n"
	    "\tresource\n) when { context has effect && context.effect == \"read\" };\n",
	    o->positional, o->positional, o->positional, o->positional, o->positional));
	(void)snprintf(rest, sizeof(rest), "policies/agents/%s", o->positional);
	TRY(join(dir, o->dir, rest, e));
	TRY(file_mkdirs(dir, 0755, e));
	TRY(join(path, dir, "envelope.cedar", e));
	return write_new(path, buf_view(&text), e);
}

static enum rc add(const struct identity_options *o, char cert[PATH_BYTES], char key[PATH_BYTES],
		   struct err *e)
{
	const char *out = o->out ? o->out : o->dir;
	char path[128];
	char rest[256];
	struct ca *ca;
	enum rc rc;

	TRY(load_ca(o, &ca, e));
	rc = write_registration(o, ca_trust_domain(ca), e);
	ca_free(ca);
	TRY(rc);
	TRY(write_envelope(o, e));
	(void)snprintf(path, sizeof(path), "agent/%s", o->positional);
	TRY(file_mkdirs(out, 0755, e));
	(void)snprintf(rest, sizeof(rest), "%s.pem", o->positional);
	TRY(join(cert, out, rest, e));
	(void)snprintf(rest, sizeof(rest), "%s.key", o->positional);
	TRY(join(key, out, rest, e));
	return issue(o, path, cert, key, 30ull * 86400, e);
}

int cli_agent_add(const struct cli_command *c, int argc, char **argv)
{
	struct identity_options o = {0};
	struct err e = ERR_INIT;
	char cert[PATH_BYTES];
	char key[PATH_BYTES];
	int bad = parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	if (!o.positional || !is_name(o.positional)) {
		return cli_misuse(c, "the agent's name: lower case letters, digits and '-'");
	}
	if (!o.owner || !o.deputy || !o.environment || !o.n_classes) {
		return cli_misuse(c, "--owner, --deputy, --environment and --class are needed");
	}
	if (add(&o, cert, key, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	printf("registered: %s/agents/%s.yaml\nenvelope:   %s/policies/agents/%s/envelope.cedar\n"
	       "identity:   %s, %s\nRestart Remit to activate it.\n",
	       o.dir, o.positional, o.dir, o.positional, cert, key);
	return 0;
}
