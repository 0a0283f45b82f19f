/* SPDX-License-Identifier: Apache-2.0 */
/* linux.c - remit-linux on a host made for the test: a network namespace with nftables, a cgroup of
 * version 2 with a process in it, an etc/shadow of its own and a file. Each thing is done, read
 * back from outside, undone, and read back again.
 *
 *	test-linux REMIT_LINUX PACK_YAML SETUP_NFT
 *
 * Skipped (77) without root, nft, or a cgroup of version 2.
 */
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool_scene.h"

static const char *remit_linux;
static const char *setup_nft;

static char dir[64];
static char cgroups[128];
static char service_dir[192];
static pid_t server;
static pid_t worker; /* the service */

static const char *in_dir(const char *name)
{
	const char *path = arena_strf(&arena, "%s/%s", dir, name).p;

	assert_non_null(path);
	return path;
}

static void put(const char *path, const char *text, unsigned mode)
{
	assert_ok(file_replace(path, str_from(text), mode, NULL));
}

static bool file_has(const char *path, const char *text)
{
	AUTO_BUF b = BUF_INIT(1 << 20);

	assert_ok(file_read(path, &b, NULL));
	return str_contains(buf_view(&b), str_from(text));
}

/* Kernel files take one write and no rename. */
static void write_kernel(const char *path, const char *text)
{
	AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void lo_up(void)
{
	AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK};

	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
}

/* Does a packet from this local address arrive? Over loopback it is there, or dropped, when sending
 * returns. */
static bool arrives_from(const char *address)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct sockaddr_in to = {.sin_family = AF_INET};
	socklen_t n = sizeof(to);
	AUTO_FD in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	AUTO_FD out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char byte;

	assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
	assert_int_equal(bind(in, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(in, (struct sockaddr *)&to, &n), 0);
	assert_int_equal(bind(out, (struct sockaddr *)&from, sizeof(from)), 0);
	(void)sendto(out, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)); /* a drop may say so */
	return recv(in, &byte, 1, MSG_DONTWAIT) == 1;
}

static void make_service(void)
{
	char pid[24];

	(void)snprintf(service_dir, sizeof(service_dir), "%s/app.service", cgroups);
	assert_int_equal(mkdir(cgroups, 0755), 0);
	assert_int_equal(mkdir(service_dir, 0755), 0);
	worker = start_apart();
	if (worker == 0) {
		for (;;) {
			(void)pause();
		}
	}
	(void)snprintf(pid, sizeof(pid), "%d", (int)worker);
	write_kernel(arena_strf(&arena, "%s/cgroup.procs", service_dir).p, pid);
}

static void make_host(void)
{
	AUTO_BUF command = BUF_INIT(1024);

	lo_up();
	assert_ok(buf_addf(&command, "/usr/sbin/nft -f %s%c", setup_nft, 0));
	assert_int_equal(system(command.p), 0);
	make_service();
	assert_int_equal(mkdir(in_dir("etc"), 0755), 0);
	assert_int_equal(mkdir(in_dir("files"), 0755), 0);
	assert_int_equal(mkdir(in_dir("vault"), 0700), 0);
	put(in_dir("etc/passwd"), "root:x:0:0::/:/bin/sh\nmallory:x:2000:2000::/:/bin/sh\n", 0644);
	put(in_dir("etc/group"), "root:x:0:\nmallory:x:2000:\n", 0644);
	put(in_dir("etc/shadow"),
	    "root:*:19000:0:99999:7:::\nmallory:$6$salt$hash:19000:0:99999:7::21000:\n", 0600);
	put(in_dir("files/tool"), "#!/bin/sh\necho harm\n", 0755);
}

static void start_server(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char uid[24];

	(void)snprintf(uid, sizeof(uid), "%u", geteuid());
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", in_dir("socket"));
	server = start_apart();
	if (server == 0) {
		execl(remit_linux, remit_linux, "serve", "--socket", in_dir("socket"), "--peer",
		      uid, "--vault", in_dir("vault"), "--files", in_dir("files"), "--cgroups",
		      cgroups, "--prefix", dir, "--protect", "127.0.0.3", "--protect",
		      "sshd.service", "--protect", "admin", NULL);
		_exit(127);
	}
	for (int i = 0; i < 500; i++) {
		AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
			return;
		}
		assert_int_equal(usleep(10000), 0);
	}
	fail_msg("remit-linux does not listen");
}

static int set_up(void **state)
{
	(void)state;
	static struct str command[3];
	static struct str network[1];

	memcpy(dir, "/tmp/remit-linux-XXXXXX", 24);
	assert_non_null(mkdtemp(dir));
	make_host();
	start_server();
	command[0] = str_from(remit_linux);
	command[1] = STR("connect");
	command[2] = str_from(in_dir("socket"));
	network[0] = arena_strf(&arena, "unix:%s", in_dir("socket"));
	upstream = (struct upstream){
	    .name = STR("linux"),
	    .transport = TRANSPORT_STDIO,
	    .command = {command, 3},
	    .network = {network, 1},
	    .timeout_ms = 20000,
	};
	start_runner();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	AUTO_BUF command = BUF_INIT(512);

	stop_runner();
	(void)kill(server, SIGKILL);
	write_kernel(arena_strf(&arena, "%s/cgroup.freeze", service_dir).p, "0");
	(void)kill(worker, SIGKILL);
	for (int i = 0; i < 500 && rmdir(service_dir) != 0; i++) {
		assert_int_equal(usleep(10000), 0); /* the kernel takes its time */
	}
	assert_int_equal(rmdir(cgroups), 0);
	assert_ok(buf_addf(&command, "rm -rf %s%c", dir, 0));
	assert_int_equal(system(command.p), 0);
	arena_fini(&arena);
	return 0;
}

static void an_address_is_dropped_and_let_in_again(void **state)
{
	(void)state;
	assert_true(arrives_from("127.0.0.2"));
	call("blocked", "{\"address\":\"127.0.0.2\"}");
	outcome(OUTCOME_OK, "\"blocked\":false");
	call("block", "{\"address\":\"127.0.0.2\",\"seconds\":600}");
	outcome(OUTCOME_OK, "\"blocked\":true,\"changed\":true");
	assert_false(arrives_from("127.0.0.2"));
	assert_true(arrives_from("127.0.0.4"));
	call("block", "{\"address\":\"127.0.0.2\"}");
	outcome(OUTCOME_OK, "\"changed\":false");
	call("blocked", "{\"address\":\"127.0.0.2\"}");
	outcome(OUTCOME_OK, "\"blocked\":true");
	call("unblock", "{\"address\":\"127.0.0.2\"}");
	outcome(OUTCOME_OK, "\"blocked\":false,\"changed\":true");
	assert_true(arrives_from("127.0.0.2"));
	call("block", "{\"address\":\"127.0.0.3\"}");
	outcome(OUTCOME_TOOL_ERROR, "is protected");
	call("block", "{\"address\":\"127.0.0.1\"}");
	outcome(OUTCOME_TOOL_ERROR, "no single host");
	call("block", "{\"address\":\"127.0.0.5; flush ruleset\"}");
	outcome(OUTCOME_TOOL_ERROR, "not an IP address");
}

static void a_block_ends_by_itself(void **state)
{
	(void)state;
	AUTO_BUF command = BUF_INIT(1024);

	call("block", "{\"address\":\"2001:db8::7\",\"seconds\":600}");
	outcome(OUTCOME_OK, "\"changed\":true");
	assert_ok(buf_addf(&command,
			   "/usr/sbin/nft list set inet remit blocked6 > %s; grep -q '2001:db8::7 "
			   "timeout 10m' %s%c",
			   in_dir("set"), in_dir("set"), 0));
	assert_int_equal(system(command.p), 0);
	call("unblock", "{\"address\":\"2001:db8::7\"}");
	outcome(OUTCOME_OK, "\"changed\":true");
}

static void a_service_stands_still_and_goes_on(void **state)
{
	(void)state;
	const char *events = arena_strf(&arena, "%s/cgroup.events", service_dir).p;

	call("service", "{\"service\":\"app.service\"}");
	outcome(OUTCOME_OK, "\"frozen\":false");
	call("freeze", "{\"service\":\"app.service\"}");
	outcome(OUTCOME_OK, "\"frozen\":true,\"changed\":true");
	assert_true(file_has(events, "frozen 1"));
	call("thaw", "{\"service\":\"app.service\"}");
	outcome(OUTCOME_OK, "\"frozen\":false,\"changed\":true");
	assert_true(file_has(events, "frozen 0"));
	call("freeze", "{\"service\":\"sshd.service\"}");
	outcome(OUTCOME_TOOL_ERROR, "is protected");
	call("freeze", "{\"service\":\"../app.service\"}");
	outcome(OUTCOME_TOOL_ERROR, "no name of a service");
}

static void a_user_is_locked_and_gets_the_same_account_back(void **state)
{
	(void)state;
	const char *shadow = in_dir("etc/shadow");

	call("user", "{\"user\":\"mallory\"}");
	outcome(OUTCOME_OK, "\"locked\":false,\"changed\":false,\"expires\":\"21000\"");
	call("lock", "{\"user\":\"mallory\"}");
	outcome(OUTCOME_OK, "\"locked\":true,\"changed\":true");
	assert_true(file_has(shadow, "mallory:!$6$salt$hash:19000:0:99999:7::1:"));
	call("unlock", "{\"user\":\"mallory\",\"expires\":\"21000\"}");
	outcome(OUTCOME_OK, "\"locked\":false,\"changed\":true");
	assert_true(file_has(shadow, "mallory:$6$salt$hash:19000:0:99999:7::21000:"));
	call("lock", "{\"user\":\"root\"}");
	outcome(OUTCOME_TOOL_ERROR, "is protected");
	call("lock", "{\"user\":\"--root\"}");
	outcome(OUTCOME_TOOL_ERROR, "no name of a user");
	call("user", "{\"user\":\"nobody-here\"}");
	outcome(OUTCOME_TOOL_ERROR, "there is no user");
}

static void a_file_is_out_of_the_way_and_comes_back_as_it_was(void **state)
{
	(void)state;
	const char *tool = in_dir("files/tool");
	AUTO_BUF args = BUF_INIT(1024);
	AUTO_BUF passwd = BUF_INIT(1024);
	struct stat before;
	struct stat after;

	assert_ok(buf_addf(&args, "{\"path\":\"%s\"}%c", tool, 0));
	assert_int_equal(stat(tool, &before), 0);
	call("file", args.p);
	outcome(OUTCOME_OK, "\"quarantined\":false");
	call("quarantine", args.p);
	outcome(OUTCOME_OK, "\"quarantined\":true,\"changed\":true");
	assert_int_equal(access(tool, F_OK), -1);
	call("file", args.p);
	outcome(OUTCOME_OK, "\"quarantined\":true");
	put(tool, "another\n", 0644);
	call("restore", args.p);
	outcome(OUTCOME_TOOL_ERROR, "cannot move");
	assert_true(file_has(tool, "another"));
	assert_int_equal(unlink(tool), 0);
	call("restore", args.p);
	outcome(OUTCOME_OK, "\"quarantined\":false,\"changed\":true");
	assert_int_equal(stat(tool, &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_true(file_has(tool, "echo harm"));
	/* beside it */
	assert_int_equal(symlink(in_dir("etc/passwd"), in_dir("files/link")), 0);
	buf_reset(&args);
	assert_ok(buf_addf(&args, "{\"path\":\"%s/files/link\"}%c", dir, 0));
	call("quarantine", args.p);
	outcome(OUTCOME_TOOL_ERROR, "cannot open");
	assert_ok(buf_addf(&passwd, "{\"path\":\"%s/files/../etc/passwd\"}%c", dir, 0));
	call("quarantine", passwd.p);
	outcome(OUTCOME_TOOL_ERROR, "only files below");
	call("quarantine", "{\"path\":\"/etc/passwd\"}");
	outcome(OUTCOME_TOOL_ERROR, "only files below");
}

static bool find_cgroups(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "%s/cgroup.controllers", places[i]);
		if (access(path, R_OK) == 0) {
			(void)snprintf(cgroups, sizeof(cgroups), "%s/remit-test-%d", places[i],
				       (int)getpid());
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_catalog_pins_what_the_server_says),
	    cmocka_unit_test(an_address_is_dropped_and_let_in_again),
	    cmocka_unit_test(a_block_ends_by_itself),
	    cmocka_unit_test(a_service_stands_still_and_goes_on),
	    cmocka_unit_test(a_user_is_locked_and_gets_the_same_account_back),
	    cmocka_unit_test(a_file_is_out_of_the_way_and_comes_back_as_it_was),
	};

	if (argc != 4) {
		return 2;
	}
	remit_linux = argv[1];
	pack_yaml = argv[2];
	setup_nft = argv[3];
	if (geteuid() != 0 || access("/usr/sbin/nft", X_OK) != 0 || !find_cgroups() ||
	    unshare(CLONE_NEWNET) != 0) {
		printf("skipped: needs root, nft, cgroup v2 and a network namespace\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
