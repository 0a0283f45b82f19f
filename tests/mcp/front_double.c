/* SPDX-License-Identifier: Apache-2.0 */
/* front_double.c - the agents' front with somebody else at the other end of its channels.
 *
 * For tests with real MCP clients: the role itself, as the product runs it (but for the sandbox),
 * and a governor and keeper that are made of a few rules. DIR/remit.yaml is made from
 * DIR/remit.yaml.in with a free port in place of @PORT@; "ready <port>" is printed when it listens.
 *
 * Tools by name: echo answers its arguments, slow does so after 1.6 s, denied is refused, hang
 * never answers, approve is pending three times and then done, never is always pending, withdrawn
 * tells how many calls were withdrawn, unknown is unknown; upstream___x is admitted, sent to the
 * HTTP upstream `upstream`, and its outcome is the answer; kill stops the agent that calls it;
 * refused tells how many connections were.
 */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/vec.h"
#include "codec/json.h"
#include "free_port.h"
#include "front/agents.h"
#include "mcp/outgoing.h"

struct later {
	struct loop_timer timer;
	uint64_t req;
	char args[4096];
};

static struct loop *loop;
static struct channel *front;
static struct channel *keeper;
static unsigned withdrawn;
static unsigned asked_to_approve;
static unsigned refused;
static uint64_t last_call;
static struct {
	uint64_t call;
	uint64_t req;
} admitted[1024];

static void must(enum rc rc, const struct err *e)
{
	if (rc != RC_OK) {
		fprintf(stderr, "front double: %s %s\n", rc_text(rc), e ? e->msg : "");
		exit(1);
	}
}

static void reply(uint64_t req, uint32_t code, struct str result)
{
	struct message m = {.kind = MESSAGE_CALL_REPLY};

	m.call_reply = (struct msg_call_reply){.req = req, .rpc_code = code, .result = result};
	must(channel_send(front, &m), NULL);
}

static void reply_text(uint64_t req, struct str text, bool is_error)
{
	AUTO_BUF b = BUF_INIT(1 << 20);

	must(mcp_text_result(&b, text, is_error, NULL), NULL);
	reply(req, 0, buf_view(&b));
}

static void reply_later(struct loop_timer *t)
{
	struct later *l = t->ctx;

	reply_text(l->req, str_from(l->args), false);
	mem_free(l);
}

static void on_slow(const struct msg_call *c)
{
	struct later *l = mem_calloc(1, sizeof(*l));

	if (!l || c->args.n >= sizeof(l->args)) {
		exit(1);
	}
	memcpy(l->args, c->args.p, c->args.n);
	l->req = c->req;
	l->timer = (struct loop_timer){.fire = reply_later, .ctx = l};
	must(loop_timer_in(loop, &l->timer, 1600), NULL);
}

static void on_upstream(const struct msg_call *c)
{
	static uint8_t digest[SHA256_DIGEST_LENGTH];
	struct message m = {.kind = MESSAGE_ADMISSION};

	(void)SHA256((const uint8_t *)c->args.p, c->args.n, digest);
	m.admission = (struct msg_admission){
	    .call = ++last_call,
	    .generation = 1,
	    .send_by_boot_ns = clock_boot_ns(loop_clock(loop)) + 2000000000,
	    .agent = c->agent,
	    .task = c->task,
	    .upstream = STR("upstream"),
	    .tool = str_slice(c->tool, strlen("upstream___"), c->tool.n),
	    .args = c->args,
	    .args_sha256 = str_of(digest, sizeof(digest)),
	    .trace = c->trace,
	    .trace_state = c->trace_state,
	};
	admitted[last_call % 1024].call = last_call;
	admitted[last_call % 1024].req = c->req;
	must(channel_send(front, &m), NULL);
}

/* The agent is stopped, as the governor does it. */
static void on_kill(const struct msg_call *c)
{
	struct message m = {.kind = MESSAGE_FENCE};

	m.fence = (struct msg_fence){.fence = 1, .scope = 1, .name = c->agent};
	must(channel_send(front, &m), NULL);
}

static void on_call(const struct msg_call *c)
{
	char text[64];

	if (str_eq(c->tool, STR("echo"))) {
		AUTO_BUF b = BUF_INIT(1 << 20);

		must(buf_addf(&b, STR_FMT "|" STR_FMT "|" STR_FMT "|" STR_FMT, STR_ARG(c->agent),
			      STR_ARG(c->task), STR_ARG(c->trace), STR_ARG(c->args)),
		     NULL);
		reply_text(c->req, buf_view(&b), false);
	} else if (str_eq(c->tool, STR("kill"))) {
		on_kill(c);
	} else if (str_eq(c->tool, STR("refused"))) {
		(void)snprintf(text, sizeof(text), "%u", refused);
		reply_text(c->req, str_from(text), false);
	} else if (str_eq(c->tool, STR("slow"))) {
		on_slow(c);
	} else if (str_eq(c->tool, STR("denied"))) {
		reply(c->req, 0,
		      STR("{\"content\":[{\"type\":\"text\",\"text\":\"Denied (never_list).\"}],"
			  "\"isError\":true,\"_meta\":{\"io.remit/decision\":{\"verdict\":\"deny\","
			  "\"reason\":\"never_list\"}}}"));
	} else if (str_eq(c->tool, STR("never")) ||
		   (str_eq(c->tool, STR("approve")) && ++asked_to_approve <= 3)) {
		reply(c->req, 0,
		      STR("{\"content\":[{\"type\":\"text\",\"text\":\"Pending.\"}],"
			  "\"isError\":true,\"_meta\":{\"io.remit/approval\":{\"id\":\"a1\","
			  "\"state\":\"pending\"}}}"));
	} else if (str_eq(c->tool, STR("approve"))) {
		reply_text(c->req, c->args, false);
	} else if (str_eq(c->tool, STR("withdrawn"))) {
		(void)snprintf(text, sizeof(text), "%u", withdrawn);
		reply_text(c->req, str_from(text), false);
	} else if (str_has_prefix(c->tool, STR("upstream___"))) {
		on_upstream(c);
	} else if (!str_eq(c->tool, STR("hang"))) {
		reply(c->req, 32602, STR("unknown tool"));
	}
}

static void on_outcome(const struct msg_outcome *o)
{
	char text[400];
	uint64_t req = admitted[o->call % 1024].req;

	if (o->kind == OUTCOME_OK || o->kind == OUTCOME_TOOL_ERROR) {
		reply(req, 0, o->result);
		return;
	}
	(void)snprintf(text, sizeof(text), "outcome %d: " STR_FMT, o->kind, STR_ARG(o->detail));
	reply_text(req, str_from(text), true);
}

static void on_tools(const struct msg_tools *t)
{
	struct message m = {.kind = MESSAGE_TOOLS_REPLY};

	m.tools_reply = (struct msg_tools_reply){
	    .req = t->req,
	    .tools = STR("[{\"name\":\"echo\",\"description\":\"Echo\",\"inputSchema\":"
			 "{\"type\":\"object\",\"$defs\":{\"x\":{\"type\":\"string\"}},"
			 "\"properties\":{\"text\":{\"$ref\":\"#/$defs/x\"}}},\"outputSchema\":"
			 "{\"type\":\"object\",\"properties\":{}}},"
			 "{\"name\":\"slow\",\"inputSchema\":{\"type\":\"object\"}}]"),
	};
	must(channel_send(front, &m), NULL);
}

static void on_message(void *ctx, struct channel *c, const struct message *m)
{
	(void)ctx;
	(void)c;
	if (m->kind == MESSAGE_CALL) {
		on_call(&m->call);
	} else if (m->kind == MESSAGE_TOOLS) {
		on_tools(&m->tools);
	} else if (m->kind == MESSAGE_WITHDRAW) {
		withdrawn++;
	} else if (m->kind == MESSAGE_REFUSED) {
		refused++;
	} else if (m->kind == MESSAGE_OUTCOME) {
		on_outcome(&m->outcome);
	}
}

static void on_gone(void *ctx, struct channel *c, const char *why)
{
	(void)ctx;
	(void)c;
	fprintf(stderr, "front double: %s\n", why);
	loop_stop(loop);
}

static void write_config(const char *dir, unsigned port)
{
	AUTO_BUF in = BUF_INIT(1 << 16);
	AUTO_BUF out = BUF_INIT(1 << 16);
	char path[4096];
	struct err e = ERR_INIT;
	struct str mark = STR("@PORT@");

	(void)snprintf(path, sizeof(path), "%s/remit.yaml.in", dir);
	must(file_read(path, &in, &e), &e);
	for (struct str s = buf_view(&in); s.n > 0;) {
		if (str_has_prefix(s, mark)) {
			must(buf_addf(&out, "%u", port), NULL);
			s = str_slice(s, mark.n, s.n);
		} else {
			must(buf_add_char(&out, s.p[0]), NULL);
			s = str_slice(s, 1, s.n);
		}
	}
	(void)snprintf(path, sizeof(path), "%s/remit.yaml", dir);
	must(file_replace(path, buf_view(&out), 0644, &e), &e);
}

static void plug(struct role_peer *peer, enum role role, struct channel **ours)
{
	struct err e = ERR_INIT;
	int fds[2];

	must(channel_pair(fds, &e), &e);
	*peer = (struct role_peer){.role = role, .fd = fds[0]};
	must(channel_new(loop, fds[1], role, R_AGENTS, on_message, on_gone, NULL, ours, &e), &e);
}

/* The first round of the loop: everything before it went well. */
static void say_ready(struct loop_timer *t)
{
	printf("ready %u\n", *(unsigned *)t->ctx);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct role_peer peers[2] = {0};
	static struct role_plug plugs[2];
	struct role_env env = {.role = R_AGENTS,
			       .name = "",
			       .generation = 1,
			       .unsafe_no_sandbox = true,
			       .clock = clock_system(),
			       .peers = peers,
			       .plugs = plugs,
			       .n_peers = 2};
	struct message key = {.kind = MESSAGE_TOKEN_KEY, .token_key = {.key = STR_NULL}};
	struct err e = ERR_INIT;
	unsigned port;
	struct loop_timer ready = {.fire = say_ready, .ctx = &port};

	if (argc != 2) {
		return 2;
	}
	port = free_port();
	write_config(argv[1], port);
	env.deployment = argv[1];
	must(loop_new(&env.clock, &loop, &e), &e);
	env.loop = loop;
	plug(&peers[0], R_GOVERNOR, &front);
	plug(&peers[1], R_KEEPER, &keeper);
	key.token_key.key = STR("0123456789abcdef0123456789abcdef");
	must(channel_send(keeper, &key), NULL);
	must(loop_timer_in(loop, &ready, 0), NULL);
	must(role_agents_main(&env, &e), &e);
	channel_free(front);
	channel_free(keeper);
	loop_free(loop);
	return 0;
}
