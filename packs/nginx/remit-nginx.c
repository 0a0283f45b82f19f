/* SPDX-License-Identifier: Apache-2.0 */
/* remit-nginx - an MCP server (stdio) that searches nginx's access log and blocks addresses.
 *
 *	remit-nginx --log FILE --blocked FILE --pid FILE [--config FILE] [--nginx PROGRAM]
 *		    [--protect ADDRESS]... [--wait MILLISECONDS]
 *
 * Tools, as packs/nginx/upstreams/nginx.yaml has them: log_search, blocked, block, unblock. The
 *file of --blocked holds `deny` lines; nginx must include it. A change is tested, made in one step,
 * signalled to nginx's master, and answered when its new workers serve; if they do not, it is taken
 * back. Each line names the call of Remit that it comes from.
 *
 * Trust:  requests come from Remit, arguments from an agent.
 * Holds:  (1) one change at a time, over all processes: an exclusive lock beside the file.
 *         (2) a change that nginx does not take is undone before it is reported.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "access_log.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "codec/json.h"
#include "deny_list.h"
#include "reload.h"
#include "tool_server.h"

enum {
	SEARCH_LIMIT = 50,
	SEARCH_LIMIT_MAX = 200,
	PATTERN_MAX = 200,
	LOCK_MS = 5000,
	WAIT_MS = 5000,
};

struct options {
	const char *log;
	const char *blocked;
	struct reload_conf reload;
	struct deny_protected protected;
	char addresses[DENY_PROTECTED_MAX][DENY_ADDRESS_BYTES];
};

/* The definitions, byte for byte what the catalog pins by digest. */
#define ADDRESS_SCHEMA                                                                             \
	"{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"address\"],"          \
	"\"properties\":{\"address\":{\"type\":\"string\",\"description\":"                        \
	"\"An IPv4 or IPv6 address.\",\"minLength\":2,\"maxLength\":45}}}"
static const char definitions[] =
    "[{\"name\":\"log_search\",\"title\":\"Search the access log\",\"description\":"
    "\"Finds the newest lines of the access log that contain a text.\",\"inputSchema\":"
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"pattern\"],"
    "\"properties\":{\"pattern\":{\"type\":\"string\",\"description\":"
    "\"A text to look for. Not a regular expression.\",\"minLength\":1,\"maxLength\":200},"
    "\"since\":{\"type\":\"string\",\"description\":"
    "\"Only lines from then on: 2026-11-22T21:08:26Z.\",\"minLength\":20,\"maxLength\":20},"
    "\"limit\":{\"type\":\"integer\",\"description\":\"How many lines at most.\",\"minimum\":1,"
    "\"maximum\":200}}}},"
    "{\"name\":\"blocked\",\"title\":\"Is an address blocked?\",\"description\":"
    "\"Says whether requests from an address are refused.\",\"inputSchema\":" ADDRESS_SCHEMA "},"
    "{\"name\":\"block\",\"title\":\"Block an address\",\"description\":"
    "\"Refuses requests from one address, for four hours unless it is ended before.\","
    "\"inputSchema\":" ADDRESS_SCHEMA "},"
    "{\"name\":\"unblock\",\"title\":\"Unblock an address\",\"description\":"
    "\"Lets requests from one address through again.\",\"inputSchema\":" ADDRESS_SCHEMA "}]";

/* ---- the deny list ---- */

static enum rc read_list(const struct options *o, struct buf *b, struct err *e)
{
	enum rc rc = file_read(o->blocked, b, e);

	return rc == RC_ABSENT ? RC_OK : rc; /* nothing was blocked yet */
}

/* Invariant (1). */
static enum rc lock_list(const struct options *o, int *ret, struct err *e)
{
	static const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
	char path[4096];
	AUTO_FD fd = -1;

	if (snprintf(path, sizeof(path), "%s.lock", o->blocked) >= (int)sizeof(path)) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", o->blocked);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot open '%s'", path);
	}
	for (int ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; ms += 20) {
		if (errno != EWOULDBLOCK || ms >= LOCK_MS) {
			return err_set_sys(e, RC_AGAIN, __func__, "'%s' is locked", path);
		}
		(void)nanosleep(&nap, NULL);
	}
	*ret = fd;
	fd = -1;
	return RC_OK;
}

/* Tests new content before it is in place. */
static enum rc test_candidate(const struct options *o, struct str content, struct err *e)
{
	char path[4096];
	enum rc rc;

	if (snprintf(path, sizeof(path), "%s.candidate", o->blocked) >= (int)sizeof(path)) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", o->blocked);
	}
	TRY(file_replace(path, content, 0644, e));
	rc = reload_test_include(&o->reload, path, o->blocked, e);
	(void)unlink(path); /* left behind it harms nobody */
	return rc;
}

static enum rc put_in_force(const struct options *o, struct str content, struct err *e)
{
	TRY(file_replace(o->blocked, content, 0644, e));
	TRY(reload_test_all(&o->reload, e));
	return reload_now(&o->reload, e);
}

/* Invariant (2). */
static enum rc change_list(const struct options *o, struct str before, struct str after,
			   struct err *e)
{
	struct err undo = ERR_INIT;
	enum rc rc;

	TRY(test_candidate(o, after, e));
	rc = put_in_force(o, after, e);
	if (rc == RC_OK) {
		return RC_OK;
	}
	if (file_replace(o->blocked, before, 0644, &undo) != RC_OK) {
		return err_wrap(e, rc, "not undone either (%s)", undo.msg);
	}
	/* nginx may have taken the new list late: it is told again, and if it cannot hear, it has
	 * not heard the change either. */
	(void)reload_now(&o->reload, &undo);
	return err_wrap(e, rc, "undone");
}

/* ---- tools: each writes its structuredContent ---- */

static const struct options *options_of(const struct tool_call *a)
{
	return a->ctx;
}

static enum rc address_of(const struct tool_call *a, char ret[DENY_ADDRESS_BYTES], struct err *e)
{
	struct str text;

	if (!json_str(json_get(a->args, STR("address")), &text)) {
		FAIL(e, RC_INPUT, "'address' is missing");
	}
	return deny_canonical(text, ret, e);
}

static void out_address(struct json_out *w, const char *address, bool is_blocked)
{
	json_out_key_str(w, "address", str_from(address));
	json_out_key_bool(w, "blocked", is_blocked);
}

static enum rc tool_blocked(const struct tool_call *a, struct json_out *w, struct err *e)
{
	AUTO_BUF list = BUF_INIT(DENY_FILE_BYTES);
	char address[DENY_ADDRESS_BYTES];

	TRY(address_of(a, address, e));
	TRY(read_list(options_of(a), &list, e));
	out_address(w, address, deny_has(buf_view(&list), address));
	return RC_OK;
}

static enum rc change(const struct tool_call *a, bool block, struct json_out *w, struct err *e)
{
	AUTO_BUF before = BUF_INIT(DENY_FILE_BYTES);
	AUTO_BUF after = BUF_INIT(DENY_FILE_BYTES);
	AUTO_FD lock = -1;
	struct clock clock = clock_system();
	char address[DENY_ADDRESS_BYTES];
	char now[25];
	char note[64];
	bool is_blocked;

	TRY(address_of(a, address, e));
	if (block) {
		TRY(deny_check(address, &options_of(a)->protected, e));
	}
	TRY(lock_list(options_of(a), &lock, e));
	TRY(read_list(options_of(a), &before, e));
	is_blocked = deny_has(buf_view(&before), address);
	if (is_blocked != block) {
		clock_format_unix_ms(clock_unix_ms(&clock), now);
		(void)snprintf(note, sizeof(note), "%s %s", a->call, now); /* both are short */
		TRY(block ? deny_add(buf_view(&before), address, note, &after)
			  : deny_remove(buf_view(&before), address, &after));
		TRY(change_list(options_of(a), buf_view(&before), buf_view(&after), e));
	}
	out_address(w, address, block);
	json_out_key_bool(w, "changed", is_blocked != block);
	return RC_OK;
}

static enum rc tool_block(const struct tool_call *a, struct json_out *w, struct err *e)
{
	return change(a, true, w, e);
}

static enum rc tool_unblock(const struct tool_call *a, struct json_out *w, struct err *e)
{
	return change(a, false, w, e);
}

static enum rc read_query(const struct tool_call *a, struct access_query *q, struct err *e)
{
	const struct json *since = json_get(a->args, STR("since"));
	const struct json *limit = json_get(a->args, STR("limit"));
	struct str text = STR("");
	uint64_t n = SEARCH_LIMIT;

	if (!json_str(json_get(a->args, STR("pattern")), &q->pattern) || q->pattern.n == 0 ||
	    q->pattern.n > PATTERN_MAX) {
		FAIL(e, RC_INPUT, "'pattern' must be a text of 1 to %d bytes", PATTERN_MAX);
	}
	if (since && (!json_str(since, &text) || !access_since(text, &q->since_unix_s))) {
		FAIL(e, RC_INPUT, "'since' must look like 2026-11-22T21:08:26Z");
	}
	if (limit && (!json_u64(limit, &n) || n == 0 || n > SEARCH_LIMIT_MAX)) {
		FAIL(e, RC_INPUT, "'limit' must be 1 to %d", SEARCH_LIMIT_MAX);
	}
	q->limit = n;
	return RC_OK;
}

/* The end of the log, from its first whole line on. */
static enum rc read_log(const struct options *o, struct buf *b, struct err *e)
{
	AUTO_FD fd = open(o->log, O_RDONLY | O_CLOEXEC);
	struct stat st;
	off_t from = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot open '%s'", o->log);
	}
	if (st.st_size > ACCESS_LOG_BYTES) {
		from = st.st_size - ACCESS_LOG_BYTES;
	}
	TRY(buf_reserve(b, ACCESS_LOG_BYTES));
	while (b->n < ACCESS_LOG_BYTES &&
	       (n = pread(fd, b->p + b->n, ACCESS_LOG_BYTES - b->n, from + (off_t)b->n)) > 0) {
		b->n += (size_t)n;
	}
	if (from > 0) {
		buf_consume(b, str_find(buf_view(b), '\n'));
	}
	return RC_OK;
}

static void out_line(struct json_out *w, struct str line)
{
	char clean[ACCESS_LINE_BYTES];

	if (str_is_utf8(line)) {
		json_out_str(w, line);
		return;
	}
	for (size_t i = 0; i < line.n; i++) {
		clean[i] = (unsigned char)line.p[i] < 0x80 ? line.p[i] : '?';
	}
	json_out_str(w, str_of(clean, line.n));
}

static enum rc tool_log_search(const struct tool_call *a, struct json_out *w, struct err *e)
{
	AUTO_BUF log = BUF_INIT(ACCESS_LOG_BYTES);
	struct access_query q = {0};
	struct access_lines found = {0};
	enum rc rc;

	TRY(read_query(a, &q, e));
	TRY(read_log(options_of(a), &log, e));
	rc = access_log_find(buf_view(&log), &q, &found);
	json_out_key_u64(w, "matched", found.matched);
	json_out_key(w, STR("lines"));
	json_out_array(w);
	for (size_t i = 0; i < found.n; i++) {
		out_line(w, found.p[i]);
	}
	json_out_close(w);
	vec_fini(&found);
	return rc;
}

static const struct server_tool tools[] = {
    {"log_search", tool_log_search},
    {"blocked", tool_blocked},
    {"block", tool_block},
    {"unblock", tool_unblock},
};

/* ---- start ---- */

static bool take_value(const char *name, const char *value, struct options *o)
{
	struct err e = ERR_INIT;
	uint64_t ms;

	if (strcmp(name, "--log") == 0) {
		o->log = value;
	} else if (strcmp(name, "--blocked") == 0) {
		o->blocked = value;
	} else if (strcmp(name, "--pid") == 0) {
		o->reload.pid_file = value;
	} else if (strcmp(name, "--config") == 0) {
		o->reload.config = value;
	} else if (strcmp(name, "--nginx") == 0) {
		o->reload.program = value;
	} else if (strcmp(name, "--wait") == 0) {
		if (!num_u64(str_from(value), 60000, &ms)) {
			return false;
		}
		o->reload.wait_ms = (unsigned)ms;
	} else if (strcmp(name, "--protect") == 0) {
		char *to = o->addresses[o->protected.n];

		if (o->protected.n == DENY_PROTECTED_MAX ||
		    deny_canonical(str_from(value), to, &e) != RC_OK) {
			return false;
		}
		o->protected.addresses[o->protected.n++] = to;
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct options o = {.reload = {.program = "/usr/sbin/nginx", .wait_ms = WAIT_MS}};
	const struct tool_server server = {.name = "remit-nginx",
					   .definitions = definitions,
					   .tools = tools,
					   .n_tools = ARRAY_LEN(tools),
					   .ctx = &o};
	struct err e = ERR_INIT;
	bool is_good = argc % 2 == 1;

	for (int i = 1; is_good && i + 1 < argc; i += 2) {
		is_good = take_value(argv[i], argv[i + 1], &o);
	}
	if (!is_good || !o.log || !o.blocked || !o.reload.pid_file) {
		fprintf(stderr, "usage: remit-nginx --log FILE --blocked FILE --pid FILE "
				"[--config FILE] [--nginx PROGRAM] [--protect ADDRESS]... "
				"[--wait MILLISECONDS]\n");
		return 2;
	}
	if (tool_server_run(&server, STDIN_FILENO, STDOUT_FILENO, &e) != RC_OK) {
		fprintf(stderr, "remit-nginx: %s\n", e.msg);
		return 1;
	}
	return 0;
}
