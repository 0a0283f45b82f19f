/* SPDX-License-Identifier: Apache-2.0 */
/* stdio_server.c - an MCP server for tests of the runner, a program of its own.
 *
 * Tools: echo (its arguments and the call id), secret (what the file $SECRET_FILE holds), pid,
 * die, hang, noise (asks for sampling first, and tells how that was answered), modern (an answer
 * that asks for input).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/json.h"
#include "mcp/outgoing.h"

static struct arena arena = ARENA_INIT(64 << 20);

static void print(struct buf *b)
{
	if (buf_add_char(b, '\n') != RC_OK || file_write_all(1, buf_view(b), NULL) != RC_OK) {
		exit(1);
	}
	buf_fini(b);
}

static void answer(struct str id, const char *fmt, struct str a, struct str c)
{
	struct buf b = BUF_INIT(1 << 20);
	enum rc rc =
	    buf_addf(&b, "{\"jsonrpc\":\"2.0\",\"id\":" STR_FMT ",\"result\":", STR_ARG(id));

	for (; rc == RC_OK && *fmt; fmt++) {
		if (*fmt == '@') {
			rc = buf_add(&b, a);
		} else if (*fmt == '#') {
			rc = buf_add(&b, c);
		} else {
			rc = buf_add_char(&b, *fmt);
		}
	}
	if (rc != RC_OK || buf_add_char(&b, '}') != RC_OK) {
		exit(1);
	}
	print(&b);
}

static void answer_text(struct str id, struct str text)
{
	struct buf quoted = BUF_INIT(1 << 20);
	struct json_out w = json_out_to(&quoted);

	json_out_str(&w, text);
	if (json_out_end(&w, NULL) != RC_OK) {
		exit(1);
	}
	answer(id, "{\"content\":[{\"type\":\"text\",\"text\":@}]}", buf_view(&quoted), STR(""));
	buf_fini(&quoted);
}

/* The next message; exits at the end of input. */
static const struct json *next_message(void)
{
	static char line[1 << 20];
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j;
	struct str kept;

	if (!fgets(line, sizeof(line), stdin)) {
		exit(0);
	}
	kept = arena_str(&arena, str_slice(str_from(line), 0, strlen(line) - 1));
	if (json_parse(&arena, kept, &limits, &j, NULL) != RC_OK) {
		exit(1);
	}
	return j;
}

static void tell_secret(struct str id)
{
	AUTO_BUF b = BUF_INIT(4096);
	const char *path = getenv("SECRET_FILE");

	if (!path || file_read(path, &b, NULL) != RC_OK) {
		answer_text(id, STR("none"));
		return;
	}
	answer_text(id, buf_view(&b));
}

static void make_noise(struct str id)
{
	struct buf b = BUF_INIT(4096);
	const struct json *heard;

	if (buf_add(&b, STR("not a message\n{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":"
			    "\"sampling/createMessage\",\"params\":{}}")) != RC_OK) {
		exit(1);
	}
	print(&b);
	heard = next_message();
	answer_text(id, json_get(heard, STR("error"))->raw);
}

static void call(const struct json *m, struct str id)
{
	struct str tool = STR("");
	char pid[32];

	if (!json_str(json_pointer(m, STR("/params/name")), &tool) || str_eq(tool, STR("die"))) {
		exit(1);
	}
	if (str_eq(tool, STR("echo"))) {
		answer(id, "{\"content\":[],\"structuredContent\":{\"args\":@,\"call\":#}}",
		       json_pointer(m, STR("/params/arguments"))->raw,
		       json_pointer(m, STR("/params/_meta/io.remit~1call"))->raw);
	} else if (str_eq(tool, STR("secret"))) {
		tell_secret(id);
	} else if (str_eq(tool, STR("pid"))) {
		if (snprintf(pid, sizeof(pid), "%d", (int)getpid()) < 0) {
			exit(1);
		}
		answer_text(id, str_from(pid));
	} else if (str_eq(tool, STR("noise"))) {
		make_noise(id);
	} else if (str_eq(tool, STR("modern"))) {
		answer(id, "{\"resultType\":\"input_required\",\"requestState\":\"x\"}", STR(""),
		       STR(""));
	}
	/* hang: no answer */
}

int main(void)
{
	for (;;) {
		const struct json *m = next_message();
		const struct json *id = json_get(m, STR("id"));
		struct str method = STR("");

		if (!json_str(json_get(m, STR("method")), &method) || !id) {
			continue;
		}
		if (str_eq(method, STR("initialize"))) {
			answer(id->raw,
			       "{\"protocolVersion\":@,\"capabilities\":{},\"serverInfo\":{}}",
			       json_pointer(m, STR("/params/protocolVersion"))->raw, STR(""));
		} else if (str_eq(method, STR("tools/list"))) {
			answer(id->raw,
			       json_pointer(m, STR("/params/cursor"))
				   ? "{\"tools\":[{\"name\":\"hang\"}]}"
				   : "{\"tools\":[{\"name\":\"echo\"}],\"nextCursor\":\"2\"}",
			       STR(""), STR(""));
		} else if (str_eq(method, STR("tools/call"))) {
			call(m, id->raw);
		}
		arena_reset(&arena);
	}
}
