/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor with small roles of the test's own: this binary execs itself as the supervisor,
 * which execs it as the roles, exactly as the product does. Files in the deployment directory
 * tell the roles how to behave; they write what they see into it. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "serve/args.h"
#include "serve/serve.h"

/* ---- The roles ---- */

static void path_in(const char *dir, const char *name, char out[256])
{
	(void)snprintf(out, 256, "%s/%s", dir, name);
}

static bool is_told(const struct role_env *env, const char *what)
{
	char name[128];
	char path[256];

	(void)snprintf(name, sizeof(name), "%s.%s", role_name(env->role), what);
	path_in(env->deployment, name, path);
	return access(path, F_OK) == 0;
}

enum { LOOP_FDS = 2 }; /* epoll and what wakes it */

static size_t open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (d && readdir(d)) {
		n++;
	}
	(void)closedir(d);
	return n - 3; /* ".", "..", and the directory itself */
}

static void append(const struct role_env *env, const char *name, struct str line)
{
	char path[256];
	int fd;

	path_in(env->deployment, name, path);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, line.p, line.n) != (ssize_t)line.n) {
		_exit(99);
	}
	(void)close(fd);
}

/* One line: role, name, generation, pid, descriptors beyond what was to be inherited. */
static void sign_in(const struct role_env *env, size_t n_fds)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "%s[%s] generation=%llu pid=%d extra=%d\n",
			 role_name(env->role), env->name, (unsigned long long)env->generation,
			 (int)getpid(), (int)n_fds - 3 - (int)env->n_peers - LOOP_FDS);

	append(env, "seen", str_of(line, (size_t)n));
}

static void on_message(void *ctx, struct channel *c, const struct message *m)
{
	const struct role_env *env = ctx;

	if (m->kind == MESSAGE_LEASE_SWEEP && env->role == R_BACKEND) {
		const struct message found = {
		    .kind = MESSAGE_LEASE_FOUND,
		    .lease_found = {.backend = str_from(env->name), .ok = 1}};

		assert_ok(channel_send(c, &found));
	} else if (m->kind == MESSAGE_LEASE_FOUND) {
		char path[256];
		char name[64];

		(void)snprintf(name, sizeof(name), "heard-" STR_FMT,
			       STR_ARG(m->lease_found.backend));
		path_in(env->deployment, name, path);
		assert_ok(file_replace(path, STR("yes"), 0644, NULL));
	} else if (m->kind == MESSAGE_REFUSED || m->kind == MESSAGE_TOKEN_KEY) {
		char line[64];
		struct str from = m->kind == MESSAGE_REFUSED ? m->refused.source : m->token_key.key;

		(void)snprintf(line, sizeof(line), "%s heard " STR_FMT "\n", role_name(env->role),
			       STR_ARG(from));
		append(env, "links", str_from(line));
	}
}

/* The people's front and the keeper are restarted alone, and tell who they are. */
static struct channel *links[LIMIT_ROLE_PEERS];

static void say_who_i_am(const struct role_env *env, enum role to, struct channel *c)
{
	char text[32];
	struct message m = {.kind = MESSAGE_NONE};

	(void)snprintf(text, sizeof(text), "%s-%llu", role_name(env->role),
		       (unsigned long long)env->generation);
	if (env->role == R_PEOPLE && to == R_GOVERNOR) {
		m.kind = MESSAGE_REFUSED;
		m.refused.source = str_from(text);
	} else if (env->role == R_KEEPER && to == R_PEOPLE) {
		m.kind = MESSAGE_TOKEN_KEY;
		m.token_key.key = str_from(text);
	}
	if (m.kind != MESSAGE_NONE) {
		assert_ok(channel_send(c, &m));
	}
}

/* One of two that are linked may be started before the other is there. */
static void people_are_found(void *ctx)
{
	const struct role_env *env = ctx;

	if (env->role == R_KEEPER) {
		say_who_i_am(env, R_PEOPLE, links[R_PEOPLE % LIMIT_ROLE_PEERS]);
	}
}

/* Of the people's front only: no other row has told_ms. */
static void people_are_silent(void *ctx, bool is_silent)
{
	const struct role_env *env = ctx;
	char line[64];

	(void)snprintf(line, sizeof(line), "%s finds people %s\n", role_name(env->role),
		       is_silent ? "silent" : "there");
	append(env, "links", str_from(line));
}

static void on_gone(void *ctx, struct channel *c, const char *why)
{
	const struct role_env *env = ctx;

	(void)c;
	(void)why;
	loop_stop(env->loop);
}

/* The governor says that the agents' fronts are silent, or the people's lost, once, when told so.
 */
static void complain(struct loop_timer *t)
{
	const struct role_env *env = t->ctx;
	const struct message m = {.kind = MESSAGE_SILENT, .silent = {.role = R_AGENTS}};

	const struct message lost = {
	    .kind = MESSAGE_LOST,
	    .lost = {.role = R_PEOPLE, .name = STR(""), .generation = 1, .why = STR("told so")}};

	if (is_told(env, "lose")) {
		assert_ok(channel_send(env->supervisor, &lost));
	} else if (is_told(env, "complain")) {
		assert_ok(channel_send(env->supervisor, &m));
	} else {
		assert_ok(loop_timer_in(env->loop, t, 20));
	}
}

static enum rc test_role_main(const struct role_env *env, struct err *e)
{
	static struct role_env me; /* outlives the channels, which nobody frees */
	struct channel *c;
	size_t n_fds = open_descriptors();
	/* Its own channels are taken out of the list as it goes; supervisor is the first. */
	static const enum role all[] = {R_AGENTS, R_PEOPLE, R_GOVERNOR, R_KEEPER, R_BACKEND};

	static const struct role_link link = {
	    .on_message = on_message, .found = people_are_found, .silent = people_are_silent};

	me = *env;
	sign_in(env, n_fds);
	if (is_told(env, "fail")) {
		FAIL(e, RC_INPUT, "told to fail");
	}
	if (is_told(env, "disk")) {
		FAIL(e, RC_IO, "told of a disk");
	}
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		while (role_has_peer(env, all[i], NULL)) {
			char name[LIMIT_ID_BYTES + 1] = "";

			for (size_t k = 0; k < env->n_peers; k++) {
				if (env->peers[k].role == all[i] && env->peers[k].fd >= 0) {
					memcpy(name, env->peers[k].name, sizeof(name));
					break;
				}
			}
			if (all[i] == R_PEOPLE || all[i] == R_KEEPER) {
				TRY(role_link(env, all[i], name, &link, &me,
					      &links[all[i] % LIMIT_ROLE_PEERS], e));
				say_who_i_am(env, all[i], links[all[i] % LIMIT_ROLE_PEERS]);
				continue;
			}
			TRY(role_channel(env, all[i], name, on_message, on_gone, &me, &c, e));
			say_who_i_am(env, all[i], c);
			if (env->role == R_KEEPER && all[i] == R_BACKEND) {
				const struct message m = {
				    .kind = MESSAGE_LEASE_SWEEP,
				    .lease_sweep = {.backend = str_from(name)}};

				TRY(channel_send(c, &m));
			}
		}
	}
	if (is_told(env, "stubborn")) {
		const struct message ready = {.kind = MESSAGE_READY};

		TRY(channel_send(env->supervisor, &ready));
		channel_flush(env->supervisor);
		for (;;) {
			(void)pause();
		}
	}
	if (env->role == R_GOVERNOR && env->generation == 1) {
		static struct loop_timer again;

		again = (struct loop_timer){.fire = complain, .ctx = &me};
		TRY(loop_timer_in(env->loop, &again, 20));
	}
	TRY(role_run(env, e));
	return RC_OK;
}

static enum rc test_plan(const char *deployment, struct serve_plan *ret, struct err *e)
{
	(void)e;
	*ret = (struct serve_plan){.n_agents = 2, .n_backends = 2};
	path_in(deployment, "pid", ret->pid_file);
	memcpy(ret->backends[0], "orders", 7);
	memcpy(ret->backends[1], "users", 6);
	return RC_OK;
}

/* What file "bundle" begins with. */
static enum rc test_digest(const char *deployment, uint8_t ret[32], struct err *e)
{
	AUTO_BUF b = BUF_INIT(8191);
	char path[256];

	(void)e;
	memset(ret, 0, 32);
	path_in(deployment, "bundle", path);
	if (file_read(path, &b, NULL) == RC_OK && b.n) {
		ret[0] = (uint8_t)b.p[0];
	}
	return RC_OK;
}

static const struct serve_role test_roles[] = {
    {.role = R_AGENTS, .main = test_role_main},
    {.role = R_PEOPLE,
     .main = test_role_main,
     .restarts_alone = true,
     .silent_ms = 3000,
     .told_ms = 500},
    {.role = R_GOVERNOR, .main = test_role_main},
    {.role = R_KEEPER, .main = test_role_main, .restarts_alone = true},
    {.role = R_BACKEND, .main = test_role_main},
};
enum { N_CHILDREN = 7 }; /* two agents' fronts and two backends */

static const struct serve_table test_table = {.roles = test_roles,
					      .n_roles = ARRAY_LEN(test_roles),
					      .plan = test_plan,
					      .digest = test_digest};

/* ---- The tests ---- */

static char dir[64];
static pid_t supervisor;

static void touch(const char *name)
{
	char path[256];

	path_in(dir, name, path);
	assert_ok(file_replace(path, STR("x"), 0644, NULL));
}

static void contents(const char *name, char out[8192])
{
	char path[256];
	AUTO_BUF b = BUF_INIT(8191);

	path_in(dir, name, path);
	out[0] = '\0';
	if (file_read(path, &b, NULL) == RC_OK && b.n) {
		memcpy(out, b.p, b.n);
		out[b.n] = '\0';
	}
}

static size_t count(const char *in, const char *what)
{
	size_t n = 0;

	for (const char *p = strstr(in, what); p; p = strstr(p + 1, what)) {
		n++;
	}
	return n;
}

static void start_supervisor(void)
{
	char log[256];

	path_in(dir, "log", log);
	supervisor = fork();
	assert_true(supervisor >= 0);
	if (supervisor == 0) {
		char exe[] = "remit";
		char serve[] = "serve";
		char *argv[] = {exe, serve, dir, NULL};
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

		/* A test that fails leaves nothing behind. */
		if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 ||
		    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
			_exit(125);
		}
		(void)execv("/proc/self/exe", argv);
		_exit(125);
	}
}

/* Waits until file `name` has n times `what`. */
static void wait_for(const char *name, const char *what, size_t n)
{
	char text[8192];

	for (int i = 0; i < 1000; i++) {
		contents(name, text);
		if (count(text, what) >= n) {
			return;
		}
		(void)usleep(10000);
	}
	contents("log", text);
	fail_msg("no %zu '%s' in '%s'; log:\n%s", n, what, name, text);
}

static int end_status(void)
{
	int status;

	assert_int_equal(waitpid(supervisor, &status, 0), supervisor);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The nth pid in "seen" with that role and generation. */
static pid_t pid_of(const char *role, unsigned generation)
{
	char text[8192];
	char what[128];
	const char *p;
	uint64_t pid = 0;
	struct str digits;

	(void)snprintf(what, sizeof(what), "%s generation=%u pid=", role, generation);
	contents("seen", text);
	p = strstr(text, what);
	assert_non_null(p);
	digits = str_from(p + strlen(what));
	assert_true(num_u64(str_cut(&digits, ' '), 1 << 30, &pid));
	return (pid_t)pid;
}

static bool is_running(pid_t pid)
{
	return kill(pid, 0) == 0;
}

static int make_place(void **state)
{
	(void)state;
	memcpy(dir, "/tmp/remit-serve-XXXXXX", 24);
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_place(void **state)
{
	(void)state;
	DIR *d = opendir(dir);
	struct dirent *entry;
	char path[512];

	while (d && (entry = readdir(d))) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		(void)unlink(path);
	}
	(void)closedir(d);
	return rmdir(dir);
}

static void all_roles_start_talk_and_stop(void **state)
{
	(void)state;
	char seen[8192];
	char log[8192];
	pid_t governor;

	start_supervisor();
	wait_for("log", "ready roles=7 generation=1", 1);
	wait_for("heard-orders", "yes", 1); /* the keeper and each backend, by name */
	wait_for("heard-users", "yes", 1);
	contents("seen", seen);
	assert_int_equal(count(seen, "generation=1"), N_CHILDREN);
	assert_int_equal(count(seen, "agents[1]"), 1);
	assert_int_equal(count(seen, "agents[2]"), 1);
	assert_int_equal(count(seen, "extra=0"), N_CHILDREN); /* no descriptor too many */
	wait_for("pid", "\n", 1);
	governor = pid_of("governor[]", 1);
	assert_true(is_running(governor));
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
	assert_false(is_running(governor));
	contents("log", log);
	assert_int_equal(count(log, "error"), 0);
	contents("pid", log);
	assert_string_equal(log, "");
}

static void a_role_that_dies_takes_all_with_it_and_all_come_back(void **state)
{
	(void)state;
	pid_t keeper;
	pid_t backend;

	start_supervisor();
	wait_for("log", "generation=1", 1);
	keeper = pid_of("keeper[]", 1);
	backend = pid_of("backend[users]", 1);
	assert_int_equal(kill(backend, SIGKILL), 0);
	wait_for("log", "ready roles=7 generation=2", 1);
	assert_false(is_running(keeper));
	assert_true(is_running(pid_of("keeper[]", 2)));
	assert_int_not_equal(pid_of("keeper[]", 2), keeper);
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
}

static void a_role_is_restarted_alone_and_its_neighbours_hear_the_new_one(void **state)
{
	(void)state;
	static const char *const others[] = {"agents[1]", "agents[2]",	    "governor[]",
					     "keeper[]",  "backend[users]", "backend[orders]"};
	pid_t pids[ARRAY_LEN(others)];
	char seen[8192];

	start_supervisor();
	wait_for("log", "ready roles=7 generation=1", 1);
	wait_for("links", "governor heard people-1", 1);
	wait_for("links", "people heard keeper-1", 1);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		pids[i] = pid_of(others[i], 1);
	}
	assert_int_equal(kill(pid_of("people[]", 1), SIGKILL), 0);
	wait_for("log", "the people is back generation=2", 1);
	wait_for("links", "governor heard people-2", 1);
	wait_for("links", "people heard keeper-1", 2); /* before and after */
	/* And again: what was made anew is made anew. */
	assert_int_equal(kill(pid_of("people[]", 2), SIGKILL), 0);
	wait_for("links", "governor heard people-3", 1);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_true(is_running(pids[i]));
	}
	contents("seen", seen);
	assert_int_equal(count(seen, "generation="), N_CHILDREN + 2);
	assert_int_equal(count(seen, "extra=0"), N_CHILDREN + 2);
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
	assert_false(is_running(pid_of("people[]", 3)));
}

static void two_that_die_at_once_find_each_other(void **state)
{
	(void)state;
	pid_t governor;

	start_supervisor();
	wait_for("log", "ready roles=7 generation=1", 1);
	governor = pid_of("governor[]", 1);
	wait_for("links", "people heard keeper-1", 1);
	assert_int_equal(kill(pid_of("people[]", 1), SIGSTOP), 0); /* neither sees the other end */
	assert_int_equal(kill(pid_of("keeper[]", 1), SIGKILL), 0);
	assert_int_equal(kill(pid_of("people[]", 1), SIGKILL), 0);
	wait_for("log", "the people is back", 1);
	wait_for("log", "the keeper is back", 1);
	/* Whichever was first, the young people's front hears the young keeper. */
	wait_for("links", "people heard keeper-", 2);
	assert_true(is_running(governor));
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
}

static void a_role_that_does_not_stay_takes_all_with_it(void **state)
{
	(void)state;
	pid_t governor;
	char path[256];

	start_supervisor();
	wait_for("log", "ready roles=7 generation=1", 1);
	governor = pid_of("governor[]", 1);
	touch("people.fail");
	assert_int_equal(kill(pid_of("people[]", 1), SIGKILL), 0);
	wait_for("log", "the people does not stay: all roles are restarted", 1);
	wait_for("log", "starting again in 200 ms", 1);
	assert_false(is_running(governor));
	path_in(dir, "people.fail", path);
	assert_int_equal(unlink(path), 0);
	wait_for("log", "ready roles=7", 2);
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
}

static void a_role_that_fails_by_the_disk_is_tried_for_ever_while_the_others_run(void **state)
{
	(void)state;
	pid_t governor;
	char path[256];

	start_supervisor();
	wait_for("log", "ready roles=7 generation=1", 1);
	governor = pid_of("governor[]", 1);
	touch("people.disk");
	assert_int_equal(kill(pid_of("people[]", 1), SIGKILL), 0);
	wait_for("log", "told of a disk", 7); /* another failure would have ended all by now */
	assert_true(is_running(governor));
	path_in(dir, "people.disk", path);
	assert_int_equal(unlink(path), 0);
	wait_for("log", "the people is back", 1);
	assert_true(is_running(governor));
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
}

static void a_changed_deployment_is_activated_for_all_or_for_none(void **state)
{
	(void)state;
	pid_t governor;

	start_supervisor();
	wait_for("log", "ready roles=7 generation=1", 1);
	governor = pid_of("governor[]", 1);
	touch("bundle");
	assert_int_equal(kill(pid_of("people[]", 1), SIGKILL), 0);
	wait_for("log", "the deployment was changed: all roles are restarted", 1);
	wait_for("log", "ready roles=7 generation=2", 1);
	assert_false(is_running(governor));
	/* From there on it is the one that all have. */
	assert_int_equal(kill(pid_of("people[]", 2), SIGKILL), 0);
	wait_for("log", "the people is back generation=3", 1);
	assert_true(is_running(pid_of("governor[]", 2)));
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
}

static void a_role_that_its_neighbour_calls_lost_is_ended_and_comes_back(void **state)
{
	(void)state;
	pid_t people;

	start_supervisor();
	wait_for("log", "ready roles=7 generation=1", 1);
	people = pid_of("people[]", 1);
	touch("governor.lose");
	wait_for("log", "the governor has lost the people (told so), which is ended", 1);
	wait_for("links", "governor heard people-2", 1);
	assert_false(is_running(people));
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
}

static void a_role_that_is_there_but_silent_is_ended_and_comes_back(void **state)
{
	(void)state;
	pid_t people;
	pid_t keeper;

	start_supervisor();
	wait_for("log", "ready roles=7 generation=1", 1);
	people = pid_of("people[]", 1);
	keeper = pid_of("keeper[]", 1);
	wait_for("links", "people heard keeper-1", 1);
	assert_int_equal(kill(keeper, SIGSTOP), 0); /* nobody minds: its row says so */
	assert_int_equal(kill(people, SIGSTOP), 0);
	wait_for("links", "governor finds people silent", 1); /* before */
	wait_for("log", "the people has been silent for 3000 ms: killed", 1);
	wait_for("links", "governor heard people-2", 1);
	assert_false(is_running(people));
	assert_true(is_running(keeper));
	assert_int_equal(kill(keeper, SIGCONT), 0);
	wait_for("links", "people heard keeper-1", 2); /* by the old and the new */
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
}

static void a_role_that_answers_again_goes_on_and_its_neighbours_know(void **state)
{
	(void)state;
	pid_t people;

	start_supervisor();
	wait_for("log", "ready roles=7 generation=1", 1);
	people = pid_of("people[]", 1);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(kill(people, SIGSTOP), 0);
		wait_for("links", "governor finds people silent", i);
		assert_int_equal(kill(people, SIGCONT), 0);
		wait_for("links", "governor finds people there", i);
	}
	assert_true(is_running(people));
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
}

static void a_sender_that_the_governor_calls_silent_is_killed(void **state)
{
	(void)state;
	pid_t agents;
	pid_t keeper;

	start_supervisor();
	wait_for("log", "ready roles=7 generation=1", 1);
	agents = pid_of("agents[1]", 1);
	keeper = pid_of("keeper[]", 1);
	touch("governor.complain");
	wait_for("log", "did not answer a stop: killed", 2);
	wait_for("log", "ready roles=7 generation=2", 1);
	assert_false(is_running(agents));
	assert_false(is_running(keeper));
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
}

static void a_role_that_cannot_start_is_an_error_and_no_loop(void **state)
{
	(void)state;
	char seen[8192];

	touch("keeper.fail");
	start_supervisor();
	assert_int_not_equal(end_status(), 0);
	wait_for("log", "told to fail", 1);
	contents("seen", seen);
	assert_int_equal(count(seen, "generation=2"), 0);
}

static void a_role_that_does_not_stop_is_killed(void **state)
{
	(void)state;
	pid_t people;

	touch("people.stubborn");
	start_supervisor();
	wait_for("log", "ready", 1);
	people = pid_of("people[]", 1);
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
	wait_for("log", "people does not stop: killed", 1);
	assert_false(is_running(people));
}

static void no_role_outlives_its_supervisor(void **state)
{
	(void)state;
	pid_t governor;

	start_supervisor();
	wait_for("log", "ready", 1);
	governor = pid_of("governor[]", 1);
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	assert_int_equal(waitpid(supervisor, NULL, 0), supervisor);
	for (int i = 0; i < 500 && is_running(governor); i++) {
		(void)usleep(10000);
	}
	assert_false(is_running(governor));
}

static void systemd_is_told(void **state)
{
	(void)state;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char got[64] = "";

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", at.sun_path, 1), 0);
	start_supervisor();
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(recv(fd, got, sizeof(got) - 1, 0), 7);
	assert_string_equal(got, "READY=1");
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
	(void)close(fd);
}

static void the_command_line_of_a_role_reads_back(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(65536);
	struct serve_args in = {.role = R_BACKEND,
				.name = "orders",
				.generation = 9,
				.unsafe_no_sandbox = true,
				.n_peers = 1,
				.ids = {.is_set = true, .uid = 12, .gid = 34}};
	struct serve_args out;
	char *argv[SERVE_ARGV_MAX];
	int argc = 0;

	memcpy(in.deployment, dir, sizeof(dir));
	in.peers[0] = (struct role_peer){.role = R_KEEPER, .fd = 5};
	assert_ok(serve_args_print(&in, &arena, argv, NULL));
	while (argv[argc]) {
		argc++;
	}
	assert_ok(serve_args_parse(argc - 1, argv + 1, &out, NULL));
	assert_true(out.is_role && out.unsafe_no_sandbox && out.ids.is_set);
	assert_int_equal(out.role, R_BACKEND);
	assert_string_equal(out.name, "orders");
	assert_string_equal(out.deployment, dir);
	assert_int_equal(out.generation, 9);
	assert_int_equal(out.ids.uid, 12);
	assert_int_equal(out.ids.gid, 34);
	assert_int_equal(out.n_peers, 1);
	assert_int_equal(out.peers[0].fd, 5);
}

static void words_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"--role=x", "--nonsense", "-x", "--ids", "--generation"};
	struct serve_args out;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char word[32];
		char serve[] = "serve";
		char value[] = "zz";
		char *argv[] = {serve, dir, word, value, NULL};

		(void)snprintf(word, sizeof(word), "%s", bad[i]);
		assert_rc(serve_args_parse(4, argv, &out, &e), RC_INPUT);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(all_roles_start_talk_and_stop, make_place,
					    remove_place),
	    cmocka_unit_test_setup_teardown(a_role_that_is_there_but_silent_is_ended_and_comes_back,
					    make_place, remove_place),
	    cmocka_unit_test_setup_teardown(
		a_role_that_answers_again_goes_on_and_its_neighbours_know, make_place,
		remove_place),
	    cmocka_unit_test_setup_teardown(a_sender_that_the_governor_calls_silent_is_killed,
					    make_place, remove_place),
	    cmocka_unit_test_setup_teardown(a_role_that_dies_takes_all_with_it_and_all_come_back,
					    make_place, remove_place),
	    cmocka_unit_test_setup_teardown(
		a_role_is_restarted_alone_and_its_neighbours_hear_the_new_one, make_place,
		remove_place),
	    cmocka_unit_test_setup_teardown(two_that_die_at_once_find_each_other, make_place,
					    remove_place),
	    cmocka_unit_test_setup_teardown(a_changed_deployment_is_activated_for_all_or_for_none,
					    make_place, remove_place),
	    cmocka_unit_test_setup_teardown(
		a_role_that_fails_by_the_disk_is_tried_for_ever_while_the_others_run, make_place,
		remove_place),
	    cmocka_unit_test_setup_teardown(a_role_that_does_not_stay_takes_all_with_it, make_place,
					    remove_place),
	    cmocka_unit_test_setup_teardown(
		a_role_that_its_neighbour_calls_lost_is_ended_and_comes_back, make_place,
		remove_place),
	    cmocka_unit_test_setup_teardown(a_role_that_cannot_start_is_an_error_and_no_loop,
					    make_place, remove_place),
	    cmocka_unit_test_setup_teardown(a_role_that_does_not_stop_is_killed, make_place,
					    remove_place),
	    cmocka_unit_test_setup_teardown(no_role_outlives_its_supervisor, make_place,
					    remove_place),
	    cmocka_unit_test_setup_teardown(systemd_is_told, make_place, remove_place),
	    cmocka_unit_test_setup_teardown(the_command_line_of_a_role_reads_back, make_place,
					    remove_place),
	    cmocka_unit_test_setup_teardown(words_that_make_no_sense_are_refused, make_place,
					    remove_place),
	};

	if (argc > 1 && strcmp(argv[1], "serve") == 0) {
		return serve_main(&test_table, argc - 1, argv + 1);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
