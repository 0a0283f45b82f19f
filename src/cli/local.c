/* SPDX-License-Identifier: Apache-2.0 */
/* cli/local.c - the commands that work on files, without a running Remit. */
#include "cli/cli.h"

#include "cli/catalog.h"
#include "cli/connect.h"
#include "cli/deployment.h"
#include "cli/evidence.h"
#include "cli/drill.h"
#include "cli/identity.h"
#include "cli/init.h"
#include "cli/log.h"
#include "cli/log_lint.h"
#include "cli/policy_explain.h"
#include "cli/reconcile.h"

#define LOG_HELP                                                                                   \
	"--log is the directory of checkpoint and tile/ (state/log of a deployment; REMIT_LOG).\n" \
	"--key is the log's public key; default: log.vkey beside that directory.\n"
#define LOG_FOLLOW_HELP                                                                            \
	LOG_HELP                                                                                   \
	"--since goes on at a leaf, that one included; with its hash, another log is refused.\n"   \
	"--follow waits for more, and ends when the log is no longer the one that was shown.\n"    \
	"--checkpoints adds a line for each signed size: indices without a gap, and hashes that\n" \
	"give its root, are proof that nothing is missing.\n"

static const char log_help[] = LOG_HELP;
static const char log_follow_help[] = LOG_FOLLOW_HELP;
static const char log_grep_help[] =
    "A field of docs/formats/leaves.md that equals VALUE, or is a list that has it, or contains\n"
    "TEXT. All must match. An index may be written as an id, such as task=t5.\n" LOG_FOLLOW_HELP;

static const char lint_help[] =
    "Every cause is an earlier leaf of the right kind, every allowed call has an outcome, every\n"
    "approval one use, every lease an end; what is open at the end is counted. Then every "
    "decision\n"
    "is made again from the leaves before it, the stored bundle and the sealed arguments. --state\n"
    "(default: the directory that the log is in) has segments, keys, keeper and bundles; without\n"
    "them, or after an erasure, a decision is not recomputable, and that is said. Exit status 8\n"
    "when something is wrong. Signatures and hashes are checked by remit log verify.\n";

const struct cli_command cli_local_commands[] = {
    {"init", cli_init,
     "DIRECTORY [--pack postgresql] [--pack nginx] [--origin NAME] [--trust-domain NAME] "
     "[--user USER] [--name NAME-OR-ADDRESS]...",
     "write a deployment directory that works",
     "Commented files, a CA for trying things out, the server's certificate (for --name;\n"
     "default: localhost) and the first agent's. Nothing that exists is overwritten.\n"},
    {"check", cli_check, "DIRECTORY [--json]", "validate a deployment directory",
     "Every error with file, line and column; exit status 2 when there are any.\n"},
    {"policy schema", cli_policy_schema, "DIRECTORY [--json]",
     "what the policies of a deployment may speak about",
     "The Cedar schema that policies are validated against, made of the catalog: for editors and\n"
     "other tools. --json: in Cedar's JSON form.\n"},
    {"catalog import", cli_catalog_import,
     "NAME (--url URL [--ca-file FILE] | -- PROGRAM ARGUMENT...) [--out FILE]",
     "propose a catalog from what an upstream lists",
     "Starts the MCP server (in a sandbox without network) or connects to it, reads its list of\n"
     "tools, calls none, and writes upstreams/NAME.yaml for a person to edit: every tool is\n"
     "destroy; what names and hints suggest stands in comments. --out comes before --.\n"},
    {"catalog diff", cli_catalog_diff, "NAME --dir DIRECTORY",
     "what an upstream lists beside the catalog",
     "Exit status 3 when a tool is new, gone or another one than the catalog has pinned.\n"},
    {"drill", cli_drill, "FILE... [--dir DIRECTORY] [--no-ablation] [--seed N] [--json]",
     "replay scenarios against policies, in a simulator",
     "Plays each scenario (docs/scenarios.md) with the real governor in a made-up world, and says\n"
     "what was expected beside what came. Then it removes each defence in turn: where one alone\n"
     "stood between an attack and its effect, it is named. With --dir the deployment's own files\n"
     "come first. Exit status 1 when a step is not as expected, 2 when a file is not valid.\n"},
    {"serve", cli_serve, "[--foreground] [--unsafe-no-sandbox] DIRECTORY", "run Remit", NULL},
    {"ca create", cli_ca_create, "--dir DIRECTORY --trust-domain NAME [--valid 365d]",
     "make a development CA for a deployment",
     "Its key lies in a file: for trying things out. In production use SPIRE or the like.\n"},
    {"ca server", cli_ca_server, "--dir DIRECTORY --name NAME-OR-ADDRESS... [--valid 90d]",
     "issue the server certificate of the listeners", NULL},
    {"ca issue", cli_ca_issue, "--dir DIRECTORY --id PATH --out PREFIX [--valid 30d]",
     "issue an X.509-SVID: PREFIX.pem and PREFIX.key",
     "PATH is what follows the trust domain in the SPIFFE ID, such as agent/responder.\n"},
    {"keys create", cli_keys_create, "--state DIRECTORY --origin NAME",
     "make the keys of a new log",
     "Writes DIRECTORY/keeper (secret) and DIRECTORY/log.vkey (public). Never overwrites.\n"},
    {"agent add", cli_agent_add,
     "NAME --dir DIRECTORY --owner PERSON --deputy PERSON --environment ENV --class CLASS... "
     "[--purpose TEXT] [--team TEAM] [--out DIRECTORY] [--valid 30d]",
     "register an agent and make its identity",
     "Writes agents/NAME.yaml, a first envelope (declare intents, read) and an X.509-SVID with\n"
     "its key in --out (default: the deployment directory).\n"},
    {"connect", cli_connect, "https://HOST:PORT --cert FILE --key FILE --ca FILE [--task ID]",
     "a stdio MCP server that speaks mTLS to Remit",
     "For clients that start MCP servers as programs: it holds the key, they see plain MCP.\n"},
    {"log verify", cli_log_verify,
     "--log DIRECTORY [--key FILE] [--policy FILE] [--json] | --receipt FILE --leaf FILE "
     "(--key | --policy) FILE",
     "check the whole log, or one receipt, with public keys alone", log_help},
    {"log lint", cli_log_lint, "--log DIRECTORY [--state DIRECTORY] [--key FILE] [--json]",
     "is the log whole, and was every decision as it had to be?", lint_help},
    {"policy explain", cli_policy_explain,
     "CALL --log DIRECTORY [--state DIRECTORY] [--key FILE] [--json]",
     "which policies said what of a past call, and what they looked at",
     "CALL is c17, or the question a18. The call is decided again from the log, as remit log lint\n"
     "does it, and each policy that is about it is listed: satisfied or not, its gate, whether it\n"
     "is enforced, and the value of every attribute that it looked at. Arguments are among them:\n"
     "only who may read the keys in --state (default: the directory that the log is in) sees "
     "them.\n"},
    {"log tail", cli_log_tail,
     "--log DIRECTORY [--key FILE] [-n N | --since INDEX[:HASH]] [--follow] [--checkpoints]",
     "print the last leaves as JSON lines, with index and hash", log_follow_help},
    {"log grep", cli_log_grep,
     "FIELD=VALUE... | FIELD~TEXT... --log DIRECTORY [--key FILE] [--since INDEX[:HASH]] "
     "[--follow] [--checkpoints]",
     "print the leaves that match, as JSON lines", log_grep_help},
    {"log show", cli_log_show, "INDEX --log DIRECTORY [--key FILE] [--json]",
     "print one leaf, byte for byte", log_help},
    {"reconcile", cli_reconcile,
     "--log DIRECTORY (--postgresql | --nginx | --jsonl) FILE [--mapping FILE] [--upstream NAME] "
     "[--principal PATTERN]... [--since T] [--skew 2s] [--key FILE] [--json]",
     "what a target saw beside what Remit let through",
     "Reads a target's own log (csvlog of PostgreSQL, nginx's combined format with\n"
     "\"$http_remit_call_id\" at its end, or JSON lines by a mapping) and matches each row with "
     "an\n"
     "allowed call: its id, its time (give or take --skew), its credential. Exit status 3 when a\n"
     "row went round Remit. Asked about are leased roles and whom --principal names ('*' at the "
     "end\n"
     "stands for any rest); in nginx's and JSON logs everybody, if it names nobody. --upstream "
     "lists\n"
     "those of its calls that the target never saw. Check the log itself with remit log verify.\n"},
    {"log prove", cli_log_prove, "INDEX-OR-CALL --log DIRECTORY [--key FILE]",
     "print the receipt of a leaf (C2SP tlog-proof)", log_help},
    {"evidence verify", cli_evidence_verify, "[ID|INCIDENT]... [--socket PATH]",
     "read evidence whole, decrypt it and compare it with the log",
     "Without ids: all there is. What was found is on the record.\n"},
    {"evidence export", cli_evidence_export,
     "ID|INCIDENT... --to DIRECTORY --purpose TEXT [--recipient TEXT] [--log DIRECTORY] "
     "[--key FILE] [--socket PATH]",
     "write evidence, custody, receipts and how to check them as a bag",
     "A BagIt 1.0 bag in a new directory; VERIFY.txt in it has five commands. Needs the log's\n"
     "files beside the socket (--log or REMIT_LOG).\n"},
    {"evidence audit", cli_evidence_audit, "[--log DIRECTORY] [--key FILE] [--json]",
     "say from the log whether any remediation ran without evidence",
     "Also: evidence lost without authority, custody that is no chain. Exit status 0: none.\n"},
};
const size_t cli_n_local_commands = ARRAY_LEN(cli_local_commands);
