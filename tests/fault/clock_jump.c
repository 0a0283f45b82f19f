/* SPDX-License-Identifier: Apache-2.0 */
/* clock_jump.c - loaded before a program (LD_PRELOAD), its wall clock is off by so many nanoseconds
 * as the file that CLOCK_JUMP names says in its first eight bytes, at any moment. The boot clock
 * and what waits by it are as they are: that is what setting the clock does. The file is mapped
 * before the program has begun to give anything up.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { S_NS = 1000000000 };

typedef int gettime_fn(clockid_t clock, struct timespec *ret);

static gettime_fn *real;
static const volatile int64_t *offset_ns;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("CLOCK_JUMP");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map;

	real = (gettime_fn *)(uintptr_t)dlsym(RTLD_NEXT, "clock_gettime");
	if (fd < 0 || !real) {
		abort(); /* a test whose clock cannot jump must not pass */
	}
	map = mmap(NULL, sizeof(*offset_ns), PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (map == MAP_FAILED) {
		abort();
	}
	offset_ns = map;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int result = real(clock, ret);
	int64_t ns;

	if (result != 0 || clock != CLOCK_REALTIME) {
		return result;
	}
	ns = ret->tv_sec * (int64_t)S_NS + ret->tv_nsec + *offset_ns;
	ret->tv_sec = ns / S_NS;
	ret->tv_nsec = ns % S_NS;
	return 0;
}
