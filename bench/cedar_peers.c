/* SPDX-License-Identifier: Apache-2.0 */
/* bench/cedar_peers.c - hands the workload to cedar_peers/run. */
#include "cedar_peers.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cedar_load.h"

enum { TEXT_BYTES = 16 << 20, ARENA_BYTES = 1 << 24, PATH_BYTES = 256 };

static void put_file(const char *dir, const char *name, struct str bytes)
{
	char path[PATH_BYTES];
	int fd;

	MUST((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) < sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n && close(fd) == 0);
}

static void put_requests(const char *dir)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	AUTO_BUF all = BUF_INIT(TEXT_BYTES);
	struct load_request r;

	for (unsigned i = 0; i < LOAD_REQUESTS; i++) {
		MUST(load_request(&arena, i, &r) == RC_OK);
		MUST(buf_add(&all, i ? STR(",\n") : STR("[")) == RC_OK);
		MUST(buf_add(&all, r.json) == RC_OK);
	}
	MUST(buf_add(&all, STR("]")) == RC_OK);
	put_file(dir, "requests.json", buf_view(&all));
}

/* Our answers, in an array. */
static void put_decisions(const char *dir, unsigned n, struct str policies,
			  const struct cedar_entities *world)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	AUTO_BUF all = BUF_INIT(TEXT_BYTES);
	struct cedar_policies *set = load_set(policies);
	char name[PATH_BYTES];

	for (unsigned i = 0; i < LOAD_REQUESTS; i++) {
		struct cedar_response response;
		struct load_request r;

		MUST(load_request(&arena, i, &r) == RC_OK);
		MUST(cedar_authorize(set, world, &r.request, &arena, &response, NULL) == RC_OK);
		MUST(buf_add(&all, i ? STR(",\n") : STR("[")) == RC_OK);
		MUST(load_write_response(&all, set, &response) == RC_OK);
	}
	MUST(buf_add(&all, STR("]")) == RC_OK);
	(void)snprintf(name, sizeof(name), "%u.decisions", n); /* short */
	put_file(dir, name, buf_view(&all));
	cedar_policies_unref(set);
}

static void put_all(const char *dir, const unsigned *sizes, const uint64_t *p50, size_t n_sizes,
		    const struct cedar_entities *world)
{
	AUTO_BUF json = BUF_INIT(TEXT_BYTES);
	AUTO_BUF ours = BUF_INIT(TEXT_BYTES);

	MUST(load_world(&json) == RC_OK);
	put_file(dir, "entities.json", buf_view(&json));
	put_requests(dir);
	for (size_t i = 0; i < n_sizes; i++) {
		AUTO_BUF text = BUF_INIT(TEXT_BYTES);
		char name[PATH_BYTES];

		MUST(load_policies(&text, LOAD_AGENTS_MIX, sizes[i]) == RC_OK);
		(void)snprintf(name, sizeof(name), "%u.cedar", sizes[i]); /* short */
		put_file(dir, name, buf_view(&text));
		put_decisions(dir, sizes[i], buf_view(&text), world);
		MUST(buf_addf(&ours, "%s\"%u\": %" PRIu64, i ? ", " : "{", sizes[i], p50[i]) ==
		     RC_OK);
	}
	MUST(buf_add(&ours, STR("}")) == RC_OK);
	put_file(dir, "p50.json", buf_view(&ours));
}

void peers_run(const unsigned *sizes, const uint64_t *p50, size_t n_sizes,
	       const struct cedar_entities *world)
{
	char dir[] = "/tmp/bench-cedar-XXXXXX";
	pid_t child;

	MUST(mkdtemp(dir));
	put_all(dir, sizes, p50, n_sizes, world);
	MUST(fflush(stdout) == 0);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		execl(PEERS_SCRIPT, PEERS_SCRIPT, dir, (char *)NULL);
		_exit(127);
	}
	MUST(waitpid(child, NULL, 0) == child);
	printf("what was compared is in %s\n", dir);
}
