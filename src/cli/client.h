/* SPDX-License-Identifier: Apache-2.0 */
/* cli/client.h - one request to Remit's local socket, and its answer. Blocking: commands wait. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Sends the request and reads the whole answer into ret_body. method and path as in
 * core/command.def with its ids filled in; body may be empty. Errors: RC_ABSENT when there is no
 * socket, RC_IO when it breaks off, RC_LIMIT for an answer past ret_body's maximum. */
enum rc client_ask(const char *socket_path, const char *method, struct str path, struct str body,
		   unsigned *ret_status, struct buf *ret_body, struct err *e);
