/* SPDX-License-Identifier: Apache-2.0 */
/* cli/init.c - write a deployment directory, certificates for trying it out, and check it. */
#include "cli/init.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "config/deployment.h"
#include "config/init.h"
#include "identity/ca.h"

enum {
	PACKS_MAX = 16,
	NAMES_MAX = 16,
	DAY_S = 86400,
	CA_DAYS = 365,
	SERVER_DAYS = 90,
	AGENT_DAYS = 30
};

struct arguments {
	struct init_options o;
	const char *dir;
	struct str packs[PACKS_MAX];
	struct str names[NAMES_MAX];
	size_t n_names;
};

/* ---- Arguments ---- */

static int parse_option(const struct cli_command *c, struct arguments *a, const char *option,
			const char *value)
{
	if (!value) {
		return cli_misuse(c, "%s needs a value", option);
	}
	if (!strcmp(option, "--pack") && a->o.n_packs < PACKS_MAX) {
		a->packs[a->o.n_packs++] = str_from(value);
	} else if (!strcmp(option, "--name") && a->n_names < NAMES_MAX) {
		a->names[a->n_names++] = str_from(value);
	} else if (!strcmp(option, "--origin")) {
		a->o.origin = str_from(value);
	} else if (!strcmp(option, "--trust-domain")) {
		a->o.trust_domain = str_from(value);
	} else if (!strcmp(option, "--user")) {
		a->o.user = str_from(value);
	} else {
		return cli_misuse(c, "unknown option '%s', or too many of them", option);
	}
	return 0;
}

static int parse(const struct cli_command *c, int argc, char **argv, struct arguments *a)
{
	for (int i = 0; i < argc; i++) {
		int bad = 0;

		if (argv[i][0] == '-') {
			bad = parse_option(c, a, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
			i++;
		} else if (a->dir) {
			bad = cli_misuse(c, "unexpected argument '%s'", argv[i]);
		} else {
			a->dir = argv[i];
		}
		if (bad) {
			return bad;
		}
	}
	if (!a->dir) {
		return cli_misuse(c, "which directory?");
	}
	if (a->n_names == 0) {
		a->names[0] = STR("localhost");
		a->names[1] = STR("127.0.0.1");
		a->names[2] = STR("::1");
		a->n_names = 3;
	}
	return 0;
}

/* ---- Certificates ---- */

static enum rc path_of(char out[PATH_MAX], const char *dir, const char *name, struct err *e)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

	if (n < 0 || n >= PATH_MAX) {
		FAIL(e, RC_LIMIT, "the path '%s' is too long", dir);
	}
	return RC_OK;
}

static enum rc issue(const struct ca *ca, const struct arguments *a, const char *workload,
		     const char *name, bool is_server, struct err *e)
{
	struct clock clock = clock_system();
	char id[600];
	char cert[PATH_MAX];
	char key[PATH_MAX];
	char file[100];
	struct ca_request r = {.cert_path = cert,
			       .key_path = key,
			       .names = a->names,
			       .n_names = is_server ? a->n_names : 0,
			       .valid_s = (is_server ? SERVER_DAYS : AGENT_DAYS) * (uint64_t)DAY_S};

	(void)snprintf(id, sizeof(id), "spiffe://" STR_FMT "/%s", STR_ARG(ca_trust_domain(ca)),
		       workload); /* a cut id is refused as malformed */
	(void)snprintf(file, sizeof(file), "%s.pem", name);
	TRY(path_of(cert, a->dir, file, e));
	(void)snprintf(file, sizeof(file), "%s.key", name);
	TRY(path_of(key, a->dir, file, e));
	r.spiffe_id = str_from(id);
	return ca_issue(ca, &clock, &r, e);
}

static enum rc save(const struct ca *ca, const struct arguments *a, struct err *e)
{
	AUTO_BUF pem = BUF_INIT(65536);
	char cert[PATH_MAX];
	char key[PATH_MAX];
	char bundle[PATH_MAX];

	TRY(path_of(bundle, a->dir, "ca", e));
	TRY(file_mkdirs(bundle, 0755, e));
	TRY(path_of(bundle, a->dir, "identities", e));
	TRY(file_mkdirs(bundle, 0700, e));
	TRY(path_of(cert, a->dir, "ca/ca.pem", e));
	TRY(path_of(key, a->dir, "ca/ca.key", e));
	TRY(path_of(bundle, a->dir, "ca/bundle.pem", e));
	TRY(ca_save(ca, cert, key, e));
	TRY(ca_bundle(ca, &pem, e));
	return file_replace(bundle, buf_view(&pem), 0644, e);
}

static enum rc make_identities(const struct arguments *a, struct err *e)
{
	struct clock clock = clock_system();
	struct str domain = a->o.trust_domain.n > 0 ? a->o.trust_domain : STR("remit.example");
	struct ca *ca = NULL;
	enum rc rc;

	TRY(ca_create(domain, &clock, CA_DAYS * (uint64_t)DAY_S, &ca, e));
	rc = save(ca, a, e);
	if (rc == RC_OK) {
		rc = issue(ca, a, "remit", "ca/server", true, e);
	}
	if (rc == RC_OK) {
		rc = issue(ca, a, "agent/responder", "identities/responder", false, e);
	}
	ca_free(ca);
	return rc;
}

/* ---- The command ---- */

/* The roles make the socket as that user; everything else in the directory stays ours. */
static enum rc hand_over(const struct arguments *a, struct err *e)
{
	char name[200];
	char path[PATH_MAX];
	const struct passwd *user;

	if (a->o.user.n == 0 || geteuid() != 0) {
		return RC_OK;
	}
	(void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(a->o.user)); /* cut: no such user */
	user = getpwnam(name);
	if (!user) {
		FAIL(e, RC_ABSENT, "no user '%s' on this machine", name);
	}
	TRY(path_of(path, a->dir, "run", e));
	if (chown(path, user->pw_uid, user->pw_gid) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot give '%s' to '%s'", path, name);
	}
	return RC_OK;
}

static enum rc init(const struct arguments *a, struct findings *found, struct err *e)
{
	AUTO_DEPLOYMENT d = NULL;

	TRY(config_init(a->dir, &a->o, e));
	TRY(hand_over(a, e));
	TRY(make_identities(a, e));
	return deployment_load(a->dir, &d, found, e);
}

int cli_init(const struct cli_command *c, int argc, char **argv)
{
	struct clock clock = clock_system();
	AUTO_FINDINGS found = FINDINGS_INIT;
	AUTO_BUF out = BUF_INIT(1 << 20);
	struct arguments a = {0};
	struct err e = ERR_INIT;
	int bad = parse(c, argc, argv, &a);

	if (bad) {
		return bad;
	}
	a.o.packs = a.packs;
	a.o.uid = getuid();
	a.o.now_unix_ms = clock_unix_ms(&clock);
	if (init(&a, &found, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	if (found.n_warnings > 0 && findings_print(&found, &out) != RC_OK) {
		return rc_exit_status(RC_NOMEM);
	}
	if (buf_addf(&out,
		     "%s is a deployment that passes `remit check`.\n"
		     "  people.yaml             uid %u speaks as carol; put your people there\n"
		     "  identities/responder.*  certificate and key of the first agent\n"
		     "  ca/                     a CA for trying things out; its key lies there\n"
		     "  secrets/                the sources' tokens\n"
		     "Next: remit serve %s\n",
		     a.dir, a.o.uid, a.dir) != RC_OK) {
		return rc_exit_status(RC_NOMEM);
	}
	return cli_print(buf_view(&out));
}
