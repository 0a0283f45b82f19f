/* SPDX-License-Identifier: Apache-2.0 */
/* config/deployment.h - the deployment directory: what governs (the bundle) and where it runs.
 *
 *   remit.yaml			 listeners, sources, notifiers, backends, defaults
 *   people.yaml		 people and groups
 *   gates.yaml			 gates, the default gate, the never-list
 *   witnesses.policy		 optional: who cosigns the log
 *   freezes.yaml		 optional: times in which nothing is changed
 *   autonomy.yaml		 optional: what raises and lowers agents' levels
 *   agents/<agent>.yaml	 one registered agent each
 *   inventory/<x>.yaml		 assets, their groups and kinds
 *   upstreams/<upstream>.yaml	 the catalog
 *   playbooks/<playbook>.yaml
 *   policies/base/<x>.cedar	 guardrails: forbid only
 *   policies/agents/<agent>/<x>.cedar  that agent's envelope
 *
 * Every key is described in docs/formats/deployment.md. Loading collects all errors; a directory
 * with one error is not loaded. All paths in struct deployment are absolute.
 */
#pragma once

#include "config/findings.h"
#include "config/source.h"
#include "core/bundle.h"

struct tree;

enum {
	REHEARSAL_MAX_DAYS = 90, /* an inverse rehearsed longer ago does not count */
	PUBLIC_NAME_BYTES = 64,	 /* "<upstream>___<tool>": what every model API takes */
};

/* host is a name or a literal address, without brackets; "" = no such listener */
struct listen_address {
	struct str host;
	uint16_t port;
};

struct trust_anchor {
	struct str trust_domain;
	struct str ca_file; /* PEM */
};

struct agents_listener {
	struct listen_address address;
	uint32_t fronts; /* how many processes */
	/* TLS; without it (benchmarks only, loopback only) the agent is assume_agent. */
	bool is_plain;
	struct str assume_agent; /* SPIFFE ID */
	struct str certificate_file;
	struct str key_file;
	const struct trust_anchor *clients;
	size_t n_clients;
};

struct people_listener {
	struct str socket; /* path */
	uint32_t socket_mode;
	struct listen_address http;  /* webhooks, health, metrics */
	bool serves_log;	     /* and the published log, at /log/ */
	struct str certificate_file; /* "" = plain HTTP */
	struct str key_file;
};

enum notifier_type { NOTIFIER_NONE = 0, NOTIFIER_COMMAND, NOTIFIER_WEBHOOK, NOTIFIER_SMTP };

struct notifier {
	struct str name;
	enum notifier_type type;
	struct str_list command; /* program (absolute) and arguments */
	struct str url;
	struct str secret_file; /* "" = none: sent as bearer token */
	/* SMTP: url is smtp[s]://host[:port], secret_file the password */
	struct str from;
	struct str_list to;
	struct str user;    /* "" = nobody signs in */
	struct str ca_file; /* "" = the system's authorities */
};

enum backend_type { BACKEND_NONE = 0, BACKEND_POSTGRESQL };

/* Where leases come from. The secret file is read by that backend's child only. */
struct backend {
	struct str name;
	enum backend_type type;
	struct str host; /* name, address, or directory of a Unix socket */
	uint16_t port;
	struct str dbname;
	struct str user;
	struct str password_file;
	struct str ca_file; /* "" = a local connection without TLS */
	uint64_t ttl_ms;    /* longest life of a lease */
};

/* Who cosigns the log. */
struct witnesses_conf {
	struct str policy;	/* C2SP tlog-policy, valid; "" = nobody */
	uint64_t every_ms;	/* least time between two checkpoints that they are shown */
	uint64_t away_after_ms; /* so long nobody has seen what is published: they are away */
	struct str ca_file;	/* "" = the system's authorities */
};

struct deployment {
	struct arena arena;    /* all below but the bundle */
	struct bundle *bundle; /* owned; take it and leave NULL to keep it longer */

	uint64_t read_unix_ms; /* dates in it were seen from then */
	struct str dir;
	struct str state_dir;
	struct str anchor_dir;	  /* of the keeper's record; "" = with its keys */
	struct str emergency_dir; /* where the log goes on when it must; "" = <state>/emergency */
	uint64_t shard_ms;	  /* of the log */
	uint64_t keep_ms;	  /* the same; 0 = for ever */
	struct str user;	  /* "" = stay who started it */
	struct str pid_file;	  /* "" = none */
	struct agents_listener agents;
	struct people_listener people;
	const struct source *sources;
	size_t n_sources;
	const struct notifier *notifiers;
	size_t n_notifiers;
	const struct backend *backends;
	size_t n_backends;
	struct witnesses_conf witnesses;

	/* The bytes that bundle->digest is the SHA-256 of: every file that governs, sorted by path,
	 * each as "<path>\n<decimal length>\n<bytes>\n". remit.yaml stands there as the canonical
	 * JSON of its keys other than listen, state, keeper, user and pid_file. */
	struct str canonical;
	/* What its policies can speak about, in Cedar's syntax (config/policy_schema.h). */
	struct str policy_schema;
};

void deployment_free(struct deployment *d);
#define AUTO_DEPLOYMENT CLEANUP(deployment_cleanup) struct deployment *
static inline void deployment_cleanup(struct deployment **d)
{
	deployment_free(*d);
}

/* Reads and validates dir. Everything found is in f, warnings also on success. RC_INPUT when there
 * are errors ("3 errors, the first: ..."), RC_ABSENT without a directory, RC_IO, RC_NOMEM. */
enum rc deployment_load(const char *dir, struct deployment **ret, struct findings *f,
			struct err *e);

/* The same of files that are in memory already. dir may be NULL: then paths stay relative and are
 * not looked at. */
enum rc deployment_build(const struct tree *tree, const char *dir, uint64_t now_unix_ms,
			 struct deployment **ret, struct findings *f, struct err *e);

/* The same of a tree without what only says where it runs (config/stored.h). */
enum rc deployment_rebuild(const struct tree *tree, uint64_t now_unix_ms, struct deployment **ret,
			   struct findings *f, struct err *e);

/* By name; NULL when absent. */
const struct source *deployment_source(const struct deployment *d, struct str name);
const struct notifier *deployment_notifier(const struct deployment *d, struct str name);
const struct backend *deployment_backend(const struct deployment *d, struct str name);
