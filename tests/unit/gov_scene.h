/* SPDX-License-Identifier: Apache-2.0 */
/* gov_scene.h - the governor as the process it is, with everybody around it played by the test.
 *
 * The governor runs in a child, without its walls (role_sandbox.c is about those), on a log, a
 * deployment and keys in a directory of its own. The test holds the other ends of its channels: it
 * is the keeper, both fronts, the runner, the courier and the store, and the target that the tools
 * act on.
 * Time is the machine's plus what the test has added (scene_pass), so no test waits for a deadline.
 */
#pragma once

#include "state_bytes.h"
#include "test.h"

#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/sha.h>
#include <tlog.h>

#include "audit/files.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/num.h"
#include "core/command.h"
#include "core/leaf.h"
#include "core/log_lint.h"
#include "governor/governor.h"
#include "governor/log_io.h"
#include "governor/segment.h"

#define SCENE_ORIGIN "scene.example/remit"
#define RESPONDER    "spiffe://scene.example/agent/responder"
#define WATCHER	     "spiffe://scene.example/agent/watcher"
#define LOGIN	     "{\"login\":\"app\"}"

enum { ALICE = 64001, BOB, CAROL, DAVE, ERIN }; /* their user ids */
enum { KEEPER, AGENTS, PEOPLE, RUNNER, COURIER, STORE, SUPERVISOR, PARTIES };
enum { SCENE_MANY = 128, SCENE_OBJECTS = 64, SCENE_TEXT = 3000, SCENE_PATIENCE = 1000 };

struct heard_reply {
	uint64_t req;
	uint32_t code; /* rpc_code or HTTP status */
	char text[SCENE_TEXT];
};

struct heard_admission {
	uint64_t call;
	size_t party; /* AGENTS or RUNNER */
	char tool[64];
	uint64_t lease;
	bool is_answered;
};

/* What the store keeps: in memory, as it was given. */
struct kept_object {
	uint8_t name[32];
	uint8_t plain[32];
	uint8_t key[32];
	uint64_t size;
	char bytes[1024];
	bool is_there;
};

struct scene {
	pid_t pid;
	struct loop *l;
	struct channel *c[PARTIES];
	bool is_gone;
	uint64_t generation; /* the last one given to a process */
	uint64_t link_generation[PARTIES];
	uint64_t born[PARTIES]; /* generations of their processes */
	uint64_t next_req;
	uint64_t task;
	uint64_t incident;

	/* what was heard */
	size_t n_heard;				/* messages but signings and answers to commands */
	struct heard_reply replies[SCENE_MANY]; /* of calls */
	size_t n_replies;
	struct heard_reply answers[SCENE_MANY]; /* of commands */
	size_t n_answers;
	struct heard_admission admissions[SCENE_MANY];
	size_t n_admissions;
	size_t n_fences[PARTIES];
	uint64_t last_fence[PARTIES];
	size_t n_notes;	      /* to people */
	uint32_t to_be_ended; /* role that the supervisor was told to end */
	char notes[SCENE_MANY][SCENE_TEXT];
	uint64_t delivered_generation; /* of the sender that the last secret was for */
	size_t n_delivered;
	size_t n_to_sign;
	size_t n_proven;
	size_t n_opened; /* stored data keys */
	size_t n_issued;
	size_t n_revoked;
	uint64_t last_revoked;

	/* the store: objects outlive a governor */
	struct kept_object objects[SCENE_OBJECTS];
	size_t n_objects;
	uint64_t put_req;
	struct kept_object put; /* under way */
	uint64_t put_at;
	struct message held_stored; /* the answer that is held back; kind 0 = none */

	/* how the others behave */
	bool holds_stored;   /* the store does not answer a put until scene_release_stored */
	bool refuses_puts;   /* the store's disk is full */
	bool refuses_checks; /* what it has is damaged */
	bool ignores_removals;
	void (*as_witness)(struct scene *s,
			   const struct msg_witness_ask *m); /* NULL: nobody answers */
	uint64_t anchor_size; /* what the keeper says that it signed last */
	uint8_t anchor_root[32];
	const char *held_tool;	 /* its calls are not answered by themselves */
	const char *broken_tool; /* its calls end like this, and do nothing */
	enum outcome_kind broken_kind;
	size_t stale_reads;	 /* so many reads do not show the last change yet */
	bool is_silent[PARTIES]; /* does not answer fences */
	bool refuses_leases;
	uint64_t refused_key;  /* its serial; 0 = none */
	char log_health[17];   /* as the people's front was told last */
	bool clock_jumped;     /* the same */
	bool holds_signatures; /* the keeper is asked, and says nothing until scene_sign_held */
	uint64_t held_size;    /* 0 = none was asked for */
	uint8_t held_root[32];
	bool refuses_notes;
	bool holds_notes; /* the courier says nothing about them */

	/* the target: a login */
	bool can_login;
	bool is_muted;
	size_t n_changes;
};

static char scene_place[64];
static uint64_t
    *scene_added_ns;	    /* to both clocks, and ms to the wall clock; shared with the child */
static pid_t scene_running; /* the child; 0 = none. A test that fails leaves it behind */
static const uint8_t scene_seed[32] = {7};
static const uint8_t scene_data_key[32] = {1, 2, 3}; /* all of them */

/* ---- time ---- */

static uint64_t scene_unix_ms(void *ctx)
{
	struct clock real = clock_system();

	(void)ctx;
	return clock_unix_ms(&real) + __atomic_load_n(scene_added_ns, __ATOMIC_ACQUIRE) / 1000000 +
	       __atomic_load_n(scene_added_ns + 1, __ATOMIC_ACQUIRE);
}

static uint64_t scene_boot_ns(void *ctx)
{
	struct clock real = clock_system();

	(void)ctx;
	return clock_boot_ns(&real) + __atomic_load_n(scene_added_ns, __ATOMIC_ACQUIRE);
}

/* The wall clock alone is set; back when negative. */
static inline void scene_jump(int64_t ms)
{
	__atomic_add_fetch(scene_added_ns + 1, (uint64_t)ms, __ATOMIC_ACQ_REL);
}

static const struct clock scene_clock = {.unix_ms = scene_unix_ms, .boot_ns = scene_boot_ns};

static inline void scene_pass(uint64_t ms)
{
	__atomic_add_fetch(scene_added_ns, ms * 1000000, __ATOMIC_ACQ_REL);
}

/* ---- the deployment ---- */

#define SCENE_TOOL(effect)                                                                         \
	"    effect: " effect                                                                      \
	"\n    targets: [{kind: pg-role, pointer: /login}]\n    data: [accounts]\n"
#define SCENE_COMMAND                                                                              \
	"    command: [/bin/true]\n    output: json\n    definition:\n      description: does "    \
	"it\n"                                                                                     \
	"      inputSchema:\n        type: object\n        additionalProperties: false\n"          \
	"        required: [login]\n        properties: {login: {type: string}}\n"
#define SCENE_LOOK "    capture: {tool: look, arguments: {login: {$args: /login}}}\n"
#define SCENE_UNDO(tool, pointer, value)                                                           \
	"    inverse:\n      tool: " tool "\n      arguments: {login: {$args: /login}}\n"          \
	"      when: {pointer: " pointer ", equals: " value "}\n"
#define SCENE_CHECK(pointer, value)                                                                \
	"    verify: {tool: look, arguments: {login: {$args: /login}}, pointer: " pointer          \
	", equals: " value                                                                         \
	", within: 30s}\n    rehearsed: 2026-11-01\n    evidence: {what: the login, keep: 90d}\n"

#define SCENE_NEEDS(how)                                                                           \
	"    inverse: {not_needed_by: alice, reason: it comes back}\n"                             \
	"    verify: {tool: look, arguments: {login: {$args: /login}}, pointer: /can_login, "      \
	"equals: true}\n    evidence: {what: memory, keep: 90d, requires: [memory], "              \
	"max_age: 1h" how "}\n"

static const struct {
	const char *path;
	const char *text;
} scene_files[] = {
    {"a.crt", ""}, /* of the front; only looked for here */
    {"a.key", ""},
    {"ca.crt", ""},
    {"password", "secret"},
    {"token", "0123456789abcdef"},
    {"remit.yaml", "origin: " SCENE_ORIGIN "\n"
		   "trust_domain: scene.example\n"
		   "state: ../state\n"
		   "listen:\n"
		   "  agents: {address: \"127.0.0.1:8443\", tls: {certificate: a.crt, key: a.key, "
		   "clients: {scene.example: ca.crt}}}\n"
		   "  people: {socket: people.sock, mode: \"0660\"}\n"
		   "sources:\n"
		   "  siem: {type: generic, secret_file: token, environment: production, "
		   "classes: [abuse, theft], signals: [{name: login_abused, value: /x}]}\n"
		   "  probe: {type: signals, secret_file: token, signals: [login_abused]}\n"
		   "  rival: {type: generic, secret_file: token, environment: production, "
		   "classes: [abuse]}\n"
		   "notifiers:\n"
		   "  pager: {command: [/bin/true]}\n"
		   "backends:\n"
		   "  database: {type: postgresql, host: 127.0.0.1, dbname: app, user: broker, "
		   "password_file: password, ttl: 30m}\n"},
    {"people.yaml", "people:\n"
		    "  alice: {uid: 64001, groups: [secops]}\n"
		    "  bob: {uid: 64002, groups: [secops]}\n"
		    "  carol: {uid: 64003, groups: [secops]}\n"
		    "  dave: {uid: 64004, groups: [secops]}\n"
		    "  erin: {uid: 64005, groups: [others]}\n"
		    "groups:\n"
		    "  secops: {rota: [alice, bob], notifiers: [pager]}\n"
		    "  others: {rota: [erin]}\n"},
    {"gates.yaml", "gates:\n"
		   "  on-call: {group: secops, quorum: 1, decide_by: 5m, execute_by: 5m}\n"
		   "default_gate: on-call\n"
		   "never: [\"pg-role:broker\"]\n"},
    {"agents/responder.yaml", "id: " RESPONDER "\n"
			      "owner: carol\n"
			      "deputy: dave\n"
			      "purpose: contain\n"
			      "environment: production\n"
			      "review_by: 2099-12-31\n"
			      "autonomy: {read: act, contain: act, destroy: approve}\n"
			      "classes: [abuse]\n"
			      "severity: {from: 1, to: 5}\n"},
    {"agents/watcher.yaml", "id: " WATCHER "\n"
			    "owner: carol\n"
			    "deputy: dave\n"
			    "purpose: watch\n"
			    "environment: production\n"
			    "review_by: 2099-12-31\n"
			    "autonomy: {read: act, contain: act, destroy: approve}\n"
			    "classes: [abuse]\n"
			    "severity: {from: 1, to: 5}\n"},
    {"playbooks/abuse.yaml", "classes: [abuse]\n"
			     "accountable: secops\n"
			     "phases:\n"
			     "  - name: all\n"
			     "    tools: [db___look, db___peek, db___lock, db___unlock, db___mute, "
			     "db___unmute, db___dump, db___scrub, db___purge]\n"
			     "limits: {calls: 60, targets: 8, duration: 2h, deviations: 3}\n"
			     "data: [accounts]\nreads: [{class: unknown, bytes: 20000}]\n"},
    {"policies/agents/responder/envelope.cedar",
     "@id(\"all\")\npermit (principal == Remit::Agent::\"responder\", action, resource);\n"},
    {"policies/agents/watcher/envelope.cedar",
     "@id(\"reads\")\npermit (principal == Remit::Agent::\"watcher\", action, resource);\n"},
    {"policies/base/guardrails.cedar",
     "@id(\"root\")\nforbid (principal, action, resource == Remit::Asset::\"pg-role:root\");\n"},
    {"upstreams/db.yaml",
     "transport: command\n"
     "tools:\n"
     "  look:\n" SCENE_TOOL("read") SCENE_COMMAND "  peek:\n" SCENE_TOOL(
	 "read") "    credential: {backend: database, scope: reading}\n" SCENE_COMMAND
		 "  lock:\n" SCENE_TOOL("destroy")
		     SCENE_LOOK SCENE_UNDO("unlock", "/can_login", "true")
			 SCENE_CHECK("/can_login", "false") SCENE_COMMAND
     "  unlock:\n" SCENE_TOOL("destroy") SCENE_LOOK SCENE_UNDO("lock", "/can_login", "false")
	 SCENE_CHECK("/can_login", "true") SCENE_COMMAND
     "  mute:\n" SCENE_TOOL("contain") SCENE_LOOK SCENE_UNDO("unmute", "/muted", "false")
	 SCENE_CHECK("/muted", "true") "    term: {length: 10m, end: revert}\n"
				       "    rehearsal: {targets: [\"pg-role:dummy\"], arguments: "
				       "{login: {$args: /value}}}\n" SCENE_COMMAND
				       "  unmute:\n" SCENE_TOOL("contain")
					   SCENE_LOOK SCENE_UNDO("mute", "/muted", "true")
					       SCENE_CHECK("/muted", "false") SCENE_COMMAND
     "  dump:\n" SCENE_TOOL("read") "    captures: {kind: memory, keep: 30d}\n" SCENE_COMMAND
				    "  scrub:\n" SCENE_TOOL("contain") SCENE_NEEDS("") SCENE_COMMAND
     "  purge:\n" SCENE_TOOL("contain") SCENE_NEEDS(
	 ", preserve: [{tool: dump, arguments: {login: {$args: /login}}}]") SCENE_COMMAND},
};

static void scene_path(char out[256], const char *name)
{
	(void)snprintf(out, 256, "%s/%s", scene_place, name);
}

static void scene_write(const char *name, struct str text)
{
	char path[256];
	FILE *f;

	scene_path(path, name);
	for (char *slash = strchr(path + strlen(scene_place) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700); /* it may be there already */
		*slash = '/';
	}
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	assert_int_equal(fclose(f), 0);
}

/* The inverses were tried some weeks ago, whenever the tests run. */
static void scene_write_dated(const char *name, const char *text)
{
	static const char date[] = "2026-11-01";
	struct clock real = clock_system();
	AUTO_BUF out = BUF_INIT(65536);
	char weeks_ago[25];
	const char *at;

	clock_format_unix_ms(clock_unix_ms(&real) - UINT64_C(27) * 86400000, weeks_ago);
	while ((at = strstr(text, date))) {
		assert_ok(buf_add(&out, str_of(text, (size_t)(at - text))));
		assert_ok(buf_add(&out, str_of(weeks_ago, strlen(date))));
		text = at + strlen(date);
	}
	assert_ok(buf_add(&out, str_from(text)));
	scene_write(name, buf_view(&out));
}

static void scene_key(struct tlog_vkey *ret)
{
	assert_ok(tlog_vkey_from_seed(ret, STR(SCENE_ORIGIN), TLOG_KEY_ED25519, scene_seed, NULL));
}

static inline int scene_make_place(void **state)
{
	AUTO_BUF vkey = BUF_INIT(1024);
	struct tlog_vkey key;

	(void)state;
	memcpy(scene_place, "/tmp/remit-governor-XXXXXX", 27);
	scene_added_ns = mmap(NULL, 2 * sizeof(*scene_added_ns), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!mkdtemp(scene_place) || scene_added_ns == MAP_FAILED) {
		return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(scene_files); i++) {
		char name[128];

		(void)snprintf(name, sizeof(name), "deployment/%s", scene_files[i].path);
		scene_write_dated(name, scene_files[i].text);
	}
	scene_key(&key);
	assert_ok(tlog_vkey_print(&key, &vkey));
	scene_write("state/log.vkey", buf_view(&vkey));
	return 0;
}

static int scene_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void scene_audit(void);

static inline int scene_remove_place(void **state)
{
	(void)state;
	if (scene_running) {
		(void)kill(scene_running, SIGKILL);
		(void)waitpid(scene_running, NULL, 0);
		scene_running = 0;
	}
	scene_audit();
	(void)munmap(scene_added_ns, 2 * sizeof(*scene_added_ns));
	return nftw(scene_place, scene_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the others ---- */

static void scene_send(struct scene *s, size_t party, const struct message *m)
{
	(void)channel_send(s->c[party], m); /* a governor that is gone shows in is_gone */
}

static void scene_copy(char *out, size_t size, struct str text)
{
	size_t n = text.n < size ? text.n : size - 1;

	if (n) {
		memcpy(out, text.p, n);
	}
	out[n] = '\0';
}

static inline void scene_outcome(struct scene *s, struct heard_admission *a, enum outcome_kind kind,
				 const char *result)
{
	struct message m = {
	    .kind = MESSAGE_OUTCOME,
	    .outcome = {.call = a->call, .kind = (uint8_t)kind, .result = str_from(result)}};

	a->is_answered = true;
	scene_send(s, a->party, &m);
}

/* What the tool does to the login, and what it says. */
static inline void scene_do(struct scene *s, struct heard_admission *a)
{
	char text[256];

	bool is_read = strcmp(a->tool, "look") == 0 || strcmp(a->tool, "peek") == 0 ||
		       strcmp(a->tool, "dump") == 0;
	bool is_stale = is_read && s->stale_reads > 0;

	if (s->broken_tool && strcmp(a->tool, s->broken_tool) == 0) {
		scene_outcome(s, a, s->broken_kind, "");
		return;
	}
	s->stale_reads -= is_stale;
	s->n_changes += !is_read;
	if (strcmp(a->tool, "lock") == 0 || strcmp(a->tool, "unlock") == 0) {
		s->can_login = a->tool[0] == 'u';
	}
	if (strcmp(a->tool, "mute") == 0 || strcmp(a->tool, "unmute") == 0) {
		s->is_muted = a->tool[0] == 'm';
	}
	(void)snprintf(text, sizeof(text),
		       "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"can_login\\\":%s,"
		       "\\\"muted\\\":%s}\"}],\"isError\":false}",
		       s->can_login ? "true" : "false", s->is_muted != is_stale ? "true" : "false");
	scene_outcome(s, a, OUTCOME_OK, text);
}

static void heard_admission(struct scene *s, size_t party, const struct msg_admission *m)
{
	struct heard_admission *a = &s->admissions[s->n_admissions++];

	assert_true(s->n_admissions < SCENE_MANY);
	*a = (struct heard_admission){.call = m->call, .party = party, .lease = m->lease};
	assert_int_equal(m->generation, s->link_generation[party]);
	scene_copy(a->tool, sizeof(a->tool), m->tool);
	if (!s->held_tool || strcmp(a->tool, s->held_tool) != 0) {
		scene_do(s, a);
	}
}

static void heard_fence(struct scene *s, size_t party, const struct msg_fence *m)
{
	struct message fenced = {.kind = MESSAGE_FENCED, .fenced = {.fence = m->fence}};

	s->n_fences[party]++;
	s->last_fence[party] = m->fence;
	if (!s->is_silent[party]) {
		scene_send(s, party, &fenced);
	}
}

static void as_keeper(struct scene *s, const struct message *m)
{
	struct tlog_vkey vkey;
	struct tlog_checkpoint cp = {.origin = STR(SCENE_ORIGIN)};
	AUTO_BUF text = BUF_INIT(2048);
	AUTO_BUF note = BUF_INIT(4096);
	struct message r = {0};
	char refused[24];

	switch ((int)m->kind) {
	case MESSAGE_KEY_NEW:
	case MESSAGE_KEY_OPEN:
		r.kind = MESSAGE_KEY_READY;
		r.key_ready.task = m->kind == MESSAGE_KEY_NEW ? m->key_new.task : m->key_open.task;
		s->n_opened += m->kind == MESSAGE_KEY_OPEN;
		(void)snprintf(refused, sizeof(refused), "k%llu",
			       (unsigned long long)s->refused_key);
		r.key_ready.ok = !str_eq(r.key_ready.task, str_from(refused));
		r.key_ready.key = str_of(scene_data_key, 32);
		r.key_ready.wrapped = STR("wrapped");
		break;
	case MESSAGE_SIGN:
		s->n_to_sign++;
		if (s->holds_signatures) {
			s->held_size = m->sign.size;
			memcpy(s->held_root, m->sign.root.p, 32);
			return;
		}
		cp.size = m->sign.size;
		memcpy(cp.root.bytes, m->sign.root.p, 32);
		scene_key(&vkey);
		assert_ok(tlog_checkpoint_print(&cp, &text, NULL));
		assert_ok(tlog_note_sign(&note, buf_view(&text), &vkey, scene_seed, NULL));
		r.kind = MESSAGE_SIGNATURE;
		r.signature.size = m->sign.size;
		r.signature.ok = 1;
		r.signature.note = buf_view(&note);
		break;
	case MESSAGE_LEASE_ISSUE:
		s->n_issued++;
		r.kind = MESSAGE_LEASE_ISSUED;
		r.lease_issued.lease = m->lease_issue.lease;
		r.lease_issued.ok = !s->refuses_leases;
		break;
	case MESSAGE_LEASE_DELIVER:
		s->delivered_generation = m->lease_deliver.generation;
		s->n_delivered++;
		return;
	case MESSAGE_LEASE_PROOF:
		s->n_proven++;
		return;
	case MESSAGE_LEASE_REVOKE:
		s->n_revoked++;
		s->last_revoked = m->lease_revoke.lease;
		r.kind = MESSAGE_LEASE_REVOKED;
		r.lease_revoked.lease = m->lease_revoke.lease;
		r.lease_revoked.gone = 1;
		r.lease_revoked.detail = STR("0 rows");
		break;
	case MESSAGE_LEASE_SWEEP:
		r.kind = MESSAGE_LEASE_FOUND;
		r.lease_found.backend = m->lease_sweep.backend;
		r.lease_found.ok = 1;
		r.lease_found.names = STR("[]");
		break;
	default:
		return;
	}
	scene_send(s, KEEPER, &r);
}

static struct kept_object *scene_object(struct scene *s, struct str name)
{
	for (size_t i = 0; i < s->n_objects; i++) {
		if (s->objects[i].is_there && str_eq(str_of(s->objects[i].name, 32), name)) {
			return &s->objects[i];
		}
	}
	return NULL;
}

static void scene_stored(struct scene *s, const struct kept_object *o, uint64_t req, bool ok)
{
	struct message r = {.kind = MESSAGE_STORED, .stored = {.req = req, .ok = ok}};

	if (ok) {
		r.stored.object = str_of(o->name, 32);
		r.stored.plain_sha256 = str_of(o->plain, 32);
		r.stored.size = o->size;
		r.stored.stored_size = o->size + 48;
	} else {
		r.stored.detail = STR("the disk is full");
	}
	if (s->holds_stored) {
		s->held_stored = r;
	} else {
		scene_send(s, STORE, &r);
	}
}

/* The keeper answers what it was asked last, and goes on. */
static inline void scene_sign_held(struct scene *s)
{
	struct message asked = {.kind = MESSAGE_SIGN};

	assert_true(s->held_size > 0);
	s->holds_signatures = false;
	asked.sign.size = s->held_size;
	asked.sign.root = str_of(s->held_root, sizeof(s->held_root));
	as_keeper(s, &asked);
}

static inline void scene_release_stored(struct scene *s)
{
	s->holds_stored = false;
	assert_int_equal(s->held_stored.kind, MESSAGE_STORED);
	scene_send(s, STORE, &s->held_stored);
	s->held_stored.kind = MESSAGE_NONE;
}

/* All of it is here: it gets its name. */
static void scene_put_ends(struct scene *s)
{
	struct kept_object *o = &s->objects[s->n_objects];
	uint8_t named[64];

	SHA256((const uint8_t *)s->put.bytes, s->put.size, s->put.plain);
	if (s->refuses_puts) {
		scene_stored(s, NULL, s->put_req, false);
		return;
	}
	assert_true(s->n_objects < SCENE_OBJECTS);
	*o = s->put;
	memcpy(named, o->plain, 32);
	memset(named + 32, (int)s->n_objects++, 32); /* no two have one name */
	SHA256(named, sizeof(named), o->name);
	o->is_there = true;
	scene_stored(s, o, s->put_req, true);
}

static void scene_piece(struct scene *s, const struct msg_store_piece *m)
{
	assert_true(s->put_at + m->bytes.n <= sizeof(s->put.bytes));
	memcpy(s->put.bytes + s->put_at, m->bytes.p, m->bytes.n);
	s->put_at += m->bytes.n;
	assert_int_equal(m->req, s->put_req);
	if (s->put_at == s->put.size) {
		scene_put_ends(s);
	}
}

static int scene_order(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static void scene_names(struct scene *s)
{
	uint8_t names[SCENE_OBJECTS][32];
	size_t n = 0;
	struct message r = {.kind = MESSAGE_STORE_NAMES, .store_names = {.ok = 1}};

	for (size_t i = 0; i < s->n_objects; i++) {
		if (s->objects[i].is_there) {
			memcpy(names[n++], s->objects[i].name, 32);
		}
	}
	qsort(names, n, 32, scene_order);
	r.store_names.names = str_of(names, 32 * n);
	scene_send(s, STORE, &r);
}

static void as_store(struct scene *s, const struct message *m)
{
	struct kept_object *o;
	struct message r = {0};

	switch ((int)m->kind) {
	case MESSAGE_STORE_PUT:
		s->put = (struct kept_object){.size = m->store_put.size};
		s->put_req = m->store_put.req;
		s->put_at = 0;
		assert_int_equal(m->store_put.key.n, 32);
		memcpy(s->put.key, m->store_put.key.p, 32);
		break;
	case MESSAGE_STORE_PIECE:
		scene_piece(s, &m->store_piece);
		break;
	case MESSAGE_STORE_CHECK:
		o = scene_object(s, m->store_check.object);
		scene_stored(s, o, m->store_check.req, o && !s->refuses_checks);
		break;
	case MESSAGE_STORE_GET:
		o = scene_object(s, m->store_get.object);
		r.kind = MESSAGE_STORE_GOT;
		r.store_got.req = m->store_get.req;
		r.store_got.ok = o != NULL;
		r.store_got.bytes = o ? str_of(o->bytes, o->size) : STR("");
		scene_send(s, STORE, &r);
		break;
	case MESSAGE_STORE_REMOVE:
		if (s->ignores_removals) {
			break;
		}
		o = scene_object(s, m->store_remove.object);
		if (o) {
			o->is_there = false;
		}
		r.kind = MESSAGE_STORE_REMOVED;
		r.store_removed.req = m->store_remove.req;
		r.store_removed.gone = 1;
		scene_send(s, STORE, &r);
		break;
	case MESSAGE_STORE_LIST:
		scene_names(s);
		break;
	default:
		break;
	}
}

static void scene_heard(void *ctx, struct channel *c, const struct message *m)
{
	struct scene *s = ctx;
	struct message told = {.kind = MESSAGE_NOTIFIED};
	struct heard_reply *r;
	size_t party = 0;

	s->n_heard += m->kind != MESSAGE_SIGN && m->kind != MESSAGE_COMMAND_REPLY &&
		      m->kind != MESSAGE_WITNESS_ASK && m->kind != MESSAGE_LOG_HEALTH &&
		      m->kind != MESSAGE_WITNESS_SEEN;
	while (s->c[party] != c) {
		party++;
	}
	switch ((int)m->kind) {
	case MESSAGE_ADMISSION:
		heard_admission(s, party, &m->admission);
		break;
	case MESSAGE_FENCE:
		heard_fence(s, party, &m->fence);
		break;
	case MESSAGE_CALL_REPLY:
		r = &s->replies[s->n_replies++];
		assert_true(s->n_replies < SCENE_MANY);
		r->req = m->call_reply.req;
		r->code = m->call_reply.rpc_code;
		scene_copy(r->text, sizeof(r->text), m->call_reply.result);
		break;
	case MESSAGE_LOG_HEALTH:
		scene_copy(s->log_health, sizeof(s->log_health), m->log_health.why);
		s->clock_jumped = m->log_health.clock_jumped != 0;
		break;
	case MESSAGE_COMMAND_REPLY:
		r = &s->answers[s->n_answers++];
		assert_true(s->n_answers < SCENE_MANY);
		r->req = m->command_reply.req;
		r->code = m->command_reply.status;
		scene_copy(r->text, sizeof(r->text), m->command_reply.body);
		break;
	case MESSAGE_WITNESS_ASK:
		if (s->as_witness) {
			s->as_witness(s, &m->witness_ask);
		}
		break;
	case MESSAGE_SILENT:
		s->to_be_ended = m->silent.role;
		break;
	case MESSAGE_NOTIFY:
		assert_true(s->n_notes < SCENE_MANY);
		scene_copy(s->notes[s->n_notes++], SCENE_TEXT, m->notify.body);
		told.notified.id = m->notify.id;
		told.notified.ok = !s->refuses_notes;
		if (!s->holds_notes) {
			scene_send(s, COURIER, &told);
		}
		break;
	default:
		if (party == KEEPER) {
			as_keeper(s, m);
		} else if (party == STORE) {
			as_store(s, m);
		}
		break;
	}
}

static void scene_gone(void *ctx, struct channel *c, const char *why)
{
	struct scene *s = ctx;

	(void)c;
	(void)why;
	s->is_gone = true;
}

/* ---- the governor ---- */

static const enum role scene_roles[PARTIES] = {R_KEEPER,  R_AGENTS, R_PEOPLE,	 R_RUNNER,
					       R_COURIER, R_STORE,  R_SUPERVISOR};

/* What the supervisor says to the governor. */
static void scene_supervised(void *ctx, struct channel *c, const struct message *m)
{
	if (m->kind == MESSAGE_PLUG) {
		role_replug(ctx, &m->plug, channel_take_fd(c));
	}
}

static void scene_unsupervised(void *ctx, struct channel *c, const char *why)
{
	struct role_env *env = ctx;

	(void)c;
	(void)why;
	env->is_stopping = true;
	loop_stop(env->loop);
}

static int scene_child(int fds[PARTIES], uint64_t generation, const uint64_t born[PARTIES])
{
	struct role_peer peers[PARTIES] = {0};
	static struct role_plug plugs[PARTIES]; /* of this process only */
	struct role_env env = {.role = R_GOVERNOR,
			       .name = "",
			       .generation = generation,
			       .unsafe_no_sandbox = true,
			       .clock = scene_clock,
			       .peers = peers,
			       .plugs = plugs,
			       .n_peers = PARTIES};
	char deployment[256];
	struct err e = ERR_INIT;
	enum rc rc;

	(void)alarm(60);
	(void)signal(SIGXFSZ, SIG_IGN); /* a full disk is an error of the write */
	scene_path(deployment, "deployment");
	env.deployment = deployment;
	for (size_t i = 0; i < PARTIES; i++) {
		peers[i] =
		    (struct role_peer){.role = scene_roles[i], .fd = fds[i], .born = born[i]};
	}
	if (loop_new(&env.clock, &env.loop, &e) != RC_OK ||
	    role_channel(&env, R_SUPERVISOR, NULL, scene_supervised, scene_unsupervised, &env,
			 &env.supervisor, &e) != RC_OK) {
		return 3;
	}
	channel_allow_fds(env.supervisor);
	rc = role_governor_main(&env, &e);
	channel_free(env.supervisor);
	loop_free(env.loop);
	if (rc != RC_OK && !getenv("GOV_SCENE_QUIET")) {
		(void)dprintf(STDERR_FILENO, "governor: %s\n", e.msg);
	}
	return rc == RC_OK ? 0 : 1;
}

static void scene_step(struct scene *s, int ms)
{
	assert_ok(loop_step(s->l, ms, NULL));
}

/* The first word of a keeper. */
static void scene_say_anchor(struct scene *s)
{
	const struct message m = {
	    .kind = MESSAGE_ANCHOR,
	    .anchor = {.size = s->anchor_size,
		       .root = str_of(s->anchor_root, sizeof(s->anchor_root))}};

	scene_send(s, KEEPER, &m);
}

/* A governor is started on what there is in the place; the others live on. */
static inline void scene_start_alone(struct scene *s)
{
	int fds[PARTIES][2];
	int theirs[PARTIES];

	s->is_gone = false;
	s->generation++;
	for (size_t i = 0; i < PARTIES; i++) {
		assert_ok(channel_pair(fds[i], NULL));
		theirs[i] = fds[i][1];
	}
	(void)fflush(NULL);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		for (size_t i = 0; i < PARTIES; i++) {
			(void)close(fds[i][0]);
		}
		exit(scene_child(theirs, s->generation,
				 s->born)); /* not _exit: leaks are looked for */
	}
	scene_running = s->pid;
	assert_ok(loop_new(&scene_clock, &s->l, NULL));
	for (size_t i = 0; i < PARTIES; i++) {
		(void)close(fds[i][1]);
		assert_ok(channel_new(s->l, fds[i][0], scene_roles[i], R_GOVERNOR, scene_heard,
				      scene_gone, s, &s->c[i], NULL));
		s->link_generation[i] = s->generation;
	}
	scene_say_anchor(s);
}

/* All are started. */
static inline void scene_start(struct scene *s)
{
	for (size_t i = 0; i < PARTIES; i++) {
		s->born[i] = s->generation + 1;
	}
	scene_start_alone(s);
}

static int scene_reap(struct scene *s)
{
	int status;

	channel_free(s->c[SUPERVISOR]); /* first, so that it does not see the others go */
	s->c[SUPERVISOR] = NULL;
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	scene_running = 0;
	for (size_t i = 0; i < PARTIES; i++) {
		channel_free(s->c[i]);
		s->c[i] = NULL;
	}
	loop_free(s->l);
	s->l = NULL;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* The process of that party dies; what it had said is heard. */
static inline void scene_lose(struct scene *s, size_t party)
{
	channel_flush(s->c[party]);
	channel_free(s->c[party]);
	s->c[party] = NULL;
	s->held_stored.kind = party == STORE ? MESSAGE_NONE : s->held_stored.kind;
}

/* The supervisor has started it again. */
static inline void scene_replug(struct scene *s, size_t party)
{
	struct message m = {
	    .kind = MESSAGE_PLUG,
	    .plug = {.role = scene_roles[party], .name = STR(""), .generation = ++s->generation}};
	int fds[2];

	assert_ok(channel_pair(fds, NULL));
	assert_ok(channel_new(s->l, fds[0], scene_roles[party], R_GOVERNOR, scene_heard, scene_gone,
			      s, &s->c[party], NULL));
	s->link_generation[party] = s->generation;
	s->born[party] = s->generation;
	assert_ok(channel_send_fd(s->c[SUPERVISOR], &m, fds[1]));
	if (party == KEEPER) {
		scene_say_anchor(s);
	}
}

/* As power does it. */
static inline void scene_kill(struct scene *s)
{
	assert_int_equal(kill(s->pid, SIGKILL), 0);
	assert_int_equal(scene_reap(s), 1000 + SIGKILL);
}

/* ---- speaking ---- */

static inline const struct heard_reply *scene_reply(struct scene *s, uint64_t req)
{
	for (size_t i = 0; i < s->n_replies; i++) {
		if (s->replies[i].req == req) {
			return &s->replies[i];
		}
	}
	return NULL;
}

static inline uint64_t scene_ask(struct scene *s, const char *agent, uint64_t task,
				 const char *tool, const char *args, uint32_t hold_ms)
{
	static const uint8_t key[32] = {9};
	char id[24];
	struct message m = {
	    .kind = MESSAGE_CALL,
	    .call = {.req = ++s->next_req,
		     .agent = str_from(agent),
		     .key_sha256 = str_of(key, 32),
		     .task = task ? id_text('t', task, id) : STR(""),
		     .tool = str_from(tool),
		     .args = str_from(args),
		     .hold_ms = hold_ms,
		     .source = STR("test")},
	};

	scene_send(s, AGENTS, &m);
	return s->next_req;
}

/* The text of the answer to that call. */
static inline const char *scene_wait(struct scene *s, uint64_t req)
{
	const struct heard_reply *r = NULL;

	for (int i = 0; i < SCENE_PATIENCE && !r && !s->is_gone; i++) {
		scene_step(s, 20);
		r = scene_reply(s, req);
	}
	assert_non_null(r);
	return r->text;
}

static inline const char *scene_call(struct scene *s, const char *tool, const char *args,
				     uint32_t hold_ms)
{
	return scene_wait(s, scene_ask(s, RESPONDER, s->task, tool, args, hold_ms));
}

static inline uint64_t scene_tell(struct scene *s, uint32_t uid, enum command_verb verb,
				  const char *body)
{
	struct message m = {
	    .kind = MESSAGE_COMMAND,
	    .command = {
		.req = ++s->next_req, .uid = uid, .verb = (uint8_t)verb, .body = str_from(body)}};

	scene_send(s, PEOPLE, &m);
	return s->next_req;
}

static inline const struct heard_reply *scene_answer(struct scene *s, uint64_t req)
{
	for (int i = 0; i < SCENE_PATIENCE && !s->is_gone; i++) {
		for (size_t k = 0; k < s->n_answers; k++) {
			if (s->answers[k].req == req) {
				return &s->answers[k];
			}
		}
		scene_step(s, 20);
	}
	fail_msg("command %llu was not answered%s", (unsigned long long)req,
		 s->is_gone ? ": the governor is gone" : "");
	return NULL;
}

static inline const struct heard_reply *scene_command(struct scene *s, uint32_t uid,
						      enum command_verb verb, const char *body)
{
	return scene_answer(s, scene_tell(s, uid, verb, body));
}

/* Everything asked so far has had its effect, the ticks included: until two rounds, with a tick of
 * the governor in each however busy the machine is, bring nothing new. */
static inline void scene_settle(struct scene *s)
{
	int quiet = 0;

	for (int i = 0; i < 40 && quiet < 2 && !s->is_gone; i++) {
		struct clock real = clock_system();
		uint64_t until = clock_boot_ns(&real) + 60 * 1000000;
		size_t n_heard = s->n_heard;

		while (clock_boot_ns(&real) < until && !s->is_gone) {
			scene_step(s, 10);
		}
		(void)scene_command(s, ALICE, COMMAND_STATUS, "{}");
		quiet = s->n_heard == n_heard ? quiet + 1 : 0;
	}
}

/* What the people's front has heard from an authenticated source, in the normal form. */
static inline const struct heard_reply *scene_event(struct scene *s, const char *source,
						    const char *body)
{
	struct message m = {
	    .kind = MESSAGE_INCIDENT,
	    .incident = {.req = ++s->next_req, .source = str_from(source), .body = str_from(body)}};

	scene_send(s, PEOPLE, &m);
	return scene_answer(s, s->next_req);
}

static inline size_t scene_admitted(const struct scene *s, const char *tool)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_admissions; i++) {
		n += strcmp(s->admissions[i].tool, tool) == 0;
	}
	return n;
}

/* The last admission of that tool. */
static inline struct heard_admission *scene_wait_admission(struct scene *s, const char *tool,
							   size_t n)
{
	for (int i = 0; i < SCENE_PATIENCE && scene_admitted(s, tool) < n && !s->is_gone; i++) {
		scene_step(s, 20);
	}
	assert_int_equal(scene_admitted(s, tool), n);
	for (size_t i = s->n_admissions; i > 0; i--) {
		if (strcmp(s->admissions[i - 1].tool, tool) == 0) {
			return &s->admissions[i - 1];
		}
	}
	fail_msg("no admission of %s", tool);
	return NULL;
}

#define assert_says(text, part)                                                                    \
	do {                                                                                       \
		const char *said_ = (text);                                                        \
		if (!strstr(said_, (part))) {                                                      \
			fail_msg("'%s' is not in: %s", (part), said_);                             \
		}                                                                                  \
	} while (0)

/* The number behind `"key":"<letter>` in an answer. */
static inline uint64_t scene_id(const char *text, const char *key, char letter)
{
	char pattern[64];
	const char *at;
	uint64_t ix;
	size_t n = 0;

	(void)snprintf(pattern, sizeof(pattern), "\"%s\":\"%c", key, letter);
	at = strstr(text, pattern);
	if (!at) {
		/* inside the text of a tool's result the quotes are escaped */
		(void)snprintf(pattern, sizeof(pattern), "\\\"%s\\\":\\\"%c", key, letter);
		at = strstr(text, pattern);
	}
	if (!at) {
		fail_msg("no %s in: %s", key, text);
	}
	at += strlen(pattern);
	while (at[n] >= '0' && at[n] <= '9') {
		n++;
	}
	assert_true(num_u64(str_of(at, n), UINT64_MAX, &ix));
	return ix;
}

static inline const struct heard_reply *scene_decide(struct scene *s, uint32_t uid, bool grants,
						     uint64_t approval)
{
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"id\":\"a%llu\"}", (unsigned long long)approval);
	return scene_command(s, uid, grants ? COMMAND_APPROVE : COMMAND_DENY, body);
}

static inline void scene_open_task(struct scene *s)
{
	char args[256];

	(void)snprintf(args, sizeof(args),
		       "{\"incident\":\"i%llu\",\"playbook\":\"abuse\",\"goal\":\"contain it\","
		       "\"targets\":[\"pg-role:app\"]}",
		       (unsigned long long)s->incident);
	s->task =
	    scene_id(scene_wait(s, scene_ask(s, RESPONDER, 0, "remit___declare_intent", args, 0)),
		     "task", 't');
}

/* A governor with an open incident and a running task of the responder, accountable: alice. */
static inline void scene_open(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->can_login = true;
	scene_start(s);
	s->incident = scene_id(scene_command(s, ERIN, COMMAND_INCIDENT_OPEN,
					     "{\"class\":\"abuse\",\"severity\":3,\"service\":"
					     "\"shop\",\"environment\":\"production\",\"assets\":"
					     "[\"pg-role:app\",\"pg-role:root\"]}")
				   ->text,
			       "incident", 'i');
	scene_open_task(s);
}

/* Ends the governor as the supervisor does; whatever was wrong with its memory shows in its status.
 */
static inline void scene_close(struct scene *s)
{
	assert_int_equal(scene_reap(s), 0);
}

/* ---- the log ---- */

struct scene_log {
	struct arena arena;
	struct leaf leaves[1024];
	size_t n;
};

static enum rc scene_leaf(void *ctx, const struct segment_leaf *leaf, struct err *e)
{
	struct scene_log *log = ctx;
	struct str bytes = arena_str(&log->arena, leaf->bytes);

	assert_true(log->n < ARRAY_LEN(log->leaves));
	return leaf_decode(&log->arena, bytes, &log->leaves[log->n++], e);
}

/* The state that these leaves give, which must be what its bytes are read back as. */
static inline void scene_check_bytes(const struct scene_log *log)
{
	struct state *s;
	struct state *again = NULL;
	struct err e = ERR_INIT;

	assert_ok(state_new(&s, &e));
	for (size_t i = 0; i < log->n; i++) {
		assert_ok(state_reserve(s, &log->leaves[i], &e));
		state_apply(s, i, &log->leaves[i]);
		if (i % 5 == 4 || i + 1 == log->n) {
			if (state_again(s, &again, &e) != RC_OK) {
				fail_msg("%s", e.msg);
			}
			state_free(s);
			s = again;
		}
	}
	state_free(s);
}

/* What is on disk, read when no governor runs. */
static inline void scene_read_log(struct scene_log *log)
{
	struct segment_options options = {.origin = STR(SCENE_ORIGIN)};
	struct log_io_system *files;
	struct segment_log *segments;
	struct err e = ERR_INIT;
	struct log_io io;
	char path[256];

	memset(log, 0, sizeof(*log));
	log->arena = (struct arena)ARENA_INIT(64 * 1024 * 1024);
	scene_path(path, "state/segments");
	assert_ok(log_io_system_new(path, &files, &e));
	io = log_io_system_table(files);
	if (segment_open(&io, &options, scene_leaf, log, &segments, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	segment_free(segments);
	log_io_system_free(files);
	scene_check_bytes(log);
}

static inline void scene_free_log(struct scene_log *log)
{
	arena_fini(&log->arena);
}

static inline size_t scene_count(const struct scene_log *log, enum leaf_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < log->n; i++) {
		n += log->leaves[i].kind == kind;
	}
	return n;
}

/* The last leaf of that kind. */
static inline const struct leaf *scene_last(const struct scene_log *log, enum leaf_kind kind)
{
	for (size_t i = log->n; i > 0; i--) {
		if (log->leaves[i - 1].kind == kind) {
			return &log->leaves[i - 1];
		}
	}
	fail_msg("no such leaf");
	return NULL;
}

/* ---- every decision once more ---- */

static enum rc scene_unwrap(void *ctx, struct str name, struct str wrapped, uint8_t ret[32],
			    struct err *e)
{
	(void)ctx;
	(void)name;
	(void)wrapped;
	(void)e;
	memcpy(ret, scene_data_key, 32);
	return RC_OK;
}

/* The test erased what some decisions were made by. */
static bool scene_may_be_erased;

static enum rc scene_decided(void *ctx, const struct audit_decision *d, struct err *e)
{
	(void)e;
	(void)ctx;
	if (d->outcome != AUDIT_EQUAL && !(d->outcome == AUDIT_ERASED && scene_may_be_erased)) {
		fail_msg("leaf %llu, decided again: %s: %.*s", (unsigned long long)d->ix,
			 audit_outcome_name(d->outcome), STR_ARG(d->why));
	}
	return RC_OK;
}

static enum rc scene_lints(void *ctx, uint64_t ix, const struct leaf *l, struct err *e)
{
	return log_lint_take(ctx, ix, l, e);
}

/* Whatever a scene was about: what its governor decided, it had to decide (core/recompute.h). */
static void scene_audit(void)
{
	static const char *const names[] = {"segments", "keys", "bundles"};
	struct audit_files_options o = {.origin = STR(SCENE_ORIGIN), .unwrap = scene_unwrap};
	struct segment_options options = {.origin = STR(SCENE_ORIGIN)};
	struct log_io_system *files[ARRAY_LEN(names)] = {NULL};
	struct log_io io[ARRAY_LEN(names)];
	struct log_lint *lint;
	const struct log_lint_fault *faults;
	size_t n;
	struct audit_watch watch = {.leaf = scene_lints, .decision = scene_decided};
	AUTO_AUDIT_FILES audit = NULL;
	struct segment_log *segments;
	struct audit_source source;
	struct err e = ERR_INIT;
	char path[256];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "state/%s", names[i]);
		scene_path(path, name);
		if (log_io_system_new(path, &files[i], NULL) != RC_OK) {
			return; /* no governor ran here */
		}
		io[i] = log_io_system_table(files[i]);
	}
	if (segment_open(&io[0], &options, NULL, NULL, &segments, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	o.size = segment_durable_size(segments);
	segment_free(segments);
	o.segments = &io[0];
	o.keys = &io[1];
	o.bundles = &io[2];
	assert_ok(audit_files_new(&o, &audit, &e));
	source = audit_files_source(audit);
	assert_ok(log_lint_new(&lint, &e));
	watch.ctx = lint;
	if (audit_walk(&source, UINT64_MAX, &watch, &o.size, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	faults = log_lint_faults(lint, &n);
	if (n > 0) {
		fail_msg("leaf %llu: %.*s", (unsigned long long)faults[0].leaf,
			 STR_ARG(faults[0].what));
	}
	log_lint_free(lint);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		log_io_system_free(files[i]);
	}
}
