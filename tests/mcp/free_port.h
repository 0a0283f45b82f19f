/* SPDX-License-Identifier: Apache-2.0 */
/* tests/mcp/free_port.h - a port of the loopback address that nobody listens at. */
#pragma once

#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "net/listen.h"

/* Below 32768: what is above, the kernel gives to whoever connects somewhere. Where the search
 * begins is the process's own, so tests beside each other seldom meet. 0: there is none. */
static inline unsigned free_port(void)
{
	for (unsigned i = 0; i < 1000; i++) {
		unsigned port = 10000 + ((unsigned)getpid() + i) % 22000;
		AUTO_BUF at = BUF_INIT(64);
		struct err e = ERR_INIT;
		int fd = -1;

		if (buf_addf(&at, "127.0.0.1:%u", port) == RC_OK &&
		    listen_open(buf_view(&at), 0, &fd, &e) == RC_OK) {
			file_close(fd);
			return port;
		}
	}
	return 0;
}
