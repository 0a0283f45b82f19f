/* SPDX-License-Identifier: Apache-2.0 */
/* remit-linux - an MCP server that blocks addresses, freezes services, locks users and quarantines
 * files on a Linux host; and each the other way round.
 *
 *	remit-linux serve --socket PATH --peer UID --vault DIRECTORY [--files DIRECTORY]...
 *		[--cgroups DIRECTORY] [--prefix DIRECTORY] [--table NAME] [--protect NAME]...
 *		[--nft PROGRAM] [--usermod PROGRAM]
 *	remit-linux connect PATH
 *
 * These things need root, and Remit's own programs run in a sandbox without it. So `serve` runs as
 * a service of the host (root, nothing but a Unix socket), and Remit starts `connect`, which
 *carries lines between its standard input and output and that socket. The kernel says who is
 *connected: only --peer's user id is heard. What an agent can reach is these twelve tools and no
 *more.
 *
 * Trust:  requests come from Remit, arguments from an agent.
 * Holds:  (1) nobody but --peer and root is answered.
 *         (2) one process per connection, at most CONNECTIONS of them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "linux_tools.h"

enum { CONNECTIONS = 64, COPY_BYTES = 65536 };

/* The definitions, byte for byte what the catalog pins by digest. */
#define OBJECT(required, properties)                                                               \
	"{\"type\":\"object\",\"additionalProperties\":false,\"required\":[" required              \
	"],\"properties\":{" properties "}}"
#define ADDRESS                                                                                    \
	"\"address\":{\"type\":\"string\",\"description\":\"An IPv4 or IPv6 address.\","           \
	"\"minLength\":2,\"maxLength\":45}"
#define SERVICE                                                                                    \
	"\"service\":{\"type\":\"string\",\"description\":\"A service, such as app.service.\","    \
	"\"pattern\":\"^[A-Za-z0-9@_-][A-Za-z0-9@_.-]*[.]service$\",\"maxLength\":127}"
#define USER                                                                                       \
	"\"user\":{\"type\":\"string\",\"description\":\"A user of this host.\","                  \
	"\"pattern\":\"^[a-z_][a-z0-9_-]{0,31}$\"}"
#define PATH                                                                                       \
	"\"path\":{\"type\":\"string\",\"description\":\"The file's whole path.\","                \
	"\"pattern\":\"^/\",\"maxLength\":1000}"
#define TOOL(name, title, description, schema)                                                     \
	"{\"name\":\"" name "\",\"title\":\"" title "\",\"description\":\"" description            \
	"\",\"inputSchema\":" schema "}"
static const char definitions[] =
    "[" TOOL(
	"blocked", "Is an address blocked?", "Says whether packets from an address are dropped.",
	OBJECT("\"address\"",
	       ADDRESS)) "," TOOL("block", "Block an address",
				  "Drops packets from one "
				  "address, for at most four "
				  "hours; it ends by itself.",
				  OBJECT("\"address\"", ADDRESS
					 ","
					 "\""
					 "se"
					 "co"
					 "nd"
					 "s"
					 "\""
					 ":{"
					 "\""
					 "ty"
					 "pe"
					 "\""
					 ":"
					 "\""
					 "in"
					 "te"
					 "ge"
					 "r"
					 "\""
					 ","
					 "\""
					 "de"
					 "sc"
					 "ri"
					 "pt"
					 "io"
					 "n"
					 "\""
					 ":"
					 "\""
					 "Ho"
					 "w "
					 "lo"
					 "ng"
					 "."
					 "\""
					 ","
					 "\""
					 "mi"
					 "ni"
					 "mu"
					 "m"
					 "\""
					 ":1"
					 ","
					 "\""
					 "ma"
					 "xi"
					 "mu"
					 "m"
					 "\""
					 ":1"
					 "44"
					 "00"
					 "}")) "," TOOL("unblock", "Unblock an address",
							"Lets packets from one address in again.", OBJECT("\"address\"", ADDRESS)) "," TOOL("service",
																	    "Does a service stand still?", "Says whether a service is frozen.", OBJECT("\"service\"", SERVICE)) "," TOOL("freeze", "Freeze a service", "Makes all processes of a service stand still, with their memory as it is.", OBJECT("\"service\"", SERVICE)) "," TOOL("thaw",
																																																	     "Thaw a service", "Lets a frozen service go on.", OBJECT("\"service\"", SERVICE)) "," TOOL("user",
																																																													"Is a user locked?",
																																																													"Says whether a user can log in.", OBJECT("\"user\"", USER)) "," TOOL("lock",
																																																																					      "Lock a user",
																																																																					      "Locks the password and ends the account of a user; who is logged in stays so.", OBJECT("\"user\"", USER)) "," TOOL("unlock",
																																																																																				  "Unlock a user",
																																																																																				  "Unlocks a user and gives the account its earlier end.",
																																																																																				  OBJECT(
																																																																																				      "\"user\",\"expires\"", USER ",\"expires\":{\"type\":\"string\",\"description\":\"Days since 1970, empty: "
																																																																																								   "never.\",\"pattern\":\"^[0-9]{0,9}$\"}")) "," TOOL("file",
																																																																																														       "Is a file in quarantine?",
																																																																																														       "Says where a file is, and its SHA-256.", OBJECT("\"path\"", PATH)) "," TOOL("quarantine", "Quarantine a file", "Moves a file where nobody can read or run it, unchanged.", OBJECT("\"path\"", PATH)) "," TOOL("restore",
																																																																																																																								      "Restore a file",
																																																																																																																								      "Moves a file from quarantine back, as it was.",
																																																																																																																								      OBJECT(
																																																																																																																									  "\"path\"",
																																																																																																																									  PATH)) "]";

static const struct server_tool tools[] = {
    {"blocked", linux_blocked},
    {"block", linux_block},
    {"unblock", linux_unblock},
    {"service", linux_service},
    {"freeze", linux_freeze},
    {"thaw", linux_thaw},
    {"user", linux_user},
    {"lock", linux_lock},
    {"unlock", linux_unlock},
    {"file", linux_file},
    {"quarantine", linux_quarantine},
    {"restore", linux_restore},
};

/* ---- the socket ---- */

static bool fill_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	return snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", path) <
	       (int)sizeof(ret->sun_path);
}

/* (1) */
static bool is_peer(int fd, uid_t peer)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
	       (who.uid == peer || who.uid == 0);
}

static void answer_connection(int fd, struct linux_options *o)
{
	const struct tool_server server = {.name = "remit-linux",
					   .definitions = definitions,
					   .tools = tools,
					   .n_tools = ARRAY_LEN(tools),
					   .ctx = o};
	struct err e = ERR_INIT;

	if (tool_server_run(&server, fd, fd, &e) != RC_OK) {
		fprintf(stderr, "remit-linux: %s\n", e.msg);
		_exit(1);
	}
	_exit(0);
}

static enum rc listen_at(const char *path, uid_t peer, int *ret, struct err *e)
{
	struct sockaddr_un address;
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !fill_address(path, &address)) {
		FAIL(e, RC_INPUT, "no socket can be at '%s'", path);
	}
	(void)unlink(path); /* of an earlier life */
	(void)umask(0177);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, CONNECTIONS) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot listen at '%s'", path);
	}
	if (geteuid() == 0 && chown(path, peer, (gid_t)-1) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot give '%s' to its user", path);
	}
	(void)umask(077);
	*ret = fd;
	fd = -1;
	return RC_OK;
}

static enum rc serve(const char *path, uid_t peer, struct linux_options *o, struct err *e)
{
	AUTO_FD listener = -1;
	unsigned n = 0;

	TRY(listen_at(path, peer, &listener, e));
	for (;;) {
		AUTO_FD fd = -1;
		pid_t pid;

		while (n > 0 && waitpid(-1, NULL, n < CONNECTIONS ? WNOHANG : 0) > 0) { /* (2) */
			n--;
		}
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED) {
				continue;
			}
			return err_set_sys(e, RC_IO, __func__, "cannot accept");
		}
		if (!is_peer(fd, peer)) {
			continue;
		}
		pid = fork();
		if (pid == 0) {
			file_close(listener);
			answer_connection(fd, o);
		}
		n += pid > 0;
	}
}

/* ---- connect ---- */

/* One read's worth from one end to the other; false at the end. */
static bool carry(int from, int to)
{
	static char bytes[COPY_BYTES];
	struct err e = ERR_INIT;
	ssize_t n = read(from, bytes, sizeof(bytes));

	return (n < 0 && errno == EINTR) ||
	       (n > 0 && file_write_all(to, str_of(bytes, (size_t)n), &e) == RC_OK);
}

static int carry_lines(const char *path)
{
	struct sockaddr_un address;
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd ends[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				 {.fd = fd, .events = POLLIN}};

	if (fd < 0 || !fill_address(path, &address) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		fprintf(stderr, "remit-linux: nobody answers at '%s': %s\n", path, strerror(errno));
		return 1;
	}
	for (;;) {
		if (poll(ends, 2, -1) < 0 && errno != EINTR) {
			return 1;
		}
		if (ends[1].revents && !carry(fd, STDOUT_FILENO)) {
			return 0;
		}
		if (ends[0].revents && !carry(STDIN_FILENO, fd)) {
			return 0; /* whoever asked is gone */
		}
	}
}

/* ---- start ---- */

struct serving {
	const char *socket;
	uint64_t peer;
	bool has_peer;
	struct linux_options o;
};

static bool add_to(struct linux_list *l, const char *value)
{
	if (l->n == LINUX_LIST_MAX) {
		return false;
	}
	l->items[l->n++] = value;
	return true;
}

static bool take_value(const char *name, const char *value, struct serving *s)
{
	const struct {
		const char *name;
		const char **into;
	} texts[] = {{"--socket", &s->socket},	   {"--nft", &s->o.nft},
		     {"--usermod", &s->o.usermod}, {"--table", &s->o.table},
		     {"--cgroups", &s->o.cgroups}, {"--prefix", &s->o.prefix},
		     {"--vault", &s->o.vault}};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(name, texts[i].name) == 0) {
			*texts[i].into = value;
			return true;
		}
	}
	if (strcmp(name, "--peer") == 0) {
		s->has_peer = num_u64(str_from(value), UINT32_MAX - 1, &s->peer);
		return s->has_peer;
	}
	if (strcmp(name, "--files") == 0) {
		return add_to(&s->o.files, value);
	}
	return strcmp(name, "--protect") == 0 && add_to(&s->o.protected, value);
}

int main(int argc, char **argv)
{
	static struct serving s = {.o = {.nft = "/usr/sbin/nft",
					 .usermod = "/usr/sbin/usermod",
					 .family = "inet",
					 .table = "remit",
					 .cgroups = "/sys/fs/cgroup/system.slice",
					 .prefix = ""}};
	struct err e = ERR_INIT;
	bool is_good = argc % 2 == 0;

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && strcmp(argv[1], "connect") == 0) {
		return carry_lines(argv[2]);
	}
	for (int i = 2; is_good && i + 1 < argc; i += 2) {
		is_good = take_value(argv[i], argv[i + 1], &s);
	}
	if (!is_good || argc < 2 || strcmp(argv[1], "serve") != 0 || !s.socket || !s.has_peer ||
	    !s.o.vault) {
		fprintf(stderr,
			"usage: remit-linux serve --socket PATH --peer UID --vault DIRECTORY\n"
			"       [--files DIRECTORY]... [--cgroups DIRECTORY] [--prefix DIRECTORY]\n"
			"       [--table NAME] [--protect NAME]... [--nft PROGRAM] [--usermod "
			"PROGRAM]\n"
			"       remit-linux connect PATH\n");
		return 2;
	}
	if (serve(s.socket, (uid_t)s.peer, &s.o, &e) != RC_OK) {
		fprintf(stderr, "remit-linux: %s\n", e.msg);
		return 1;
	}
	return 0;
}
