/* SPDX-License-Identifier: Apache-2.0 */
/* net/address.h - where to listen and where to connect: "127.0.0.1:8443", "[::1]:8443",
 * "unix:/run/remit/cli.sock", and for connecting "host:8443". */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* A struct sockaddr_* of any family, by value. */
struct address {
	uint32_t n;
	_Alignas(8) char bytes[124];
};

enum { ADDRESS_TEXT_BYTES = 64 };

/* Numbers and paths only; asks nobody. */
enum rc address_parse(struct str text, struct address *ret, struct err *e);
/* As address_parse, but a host may have a name, which is looked up (blocking: at start only). Up to
 * max addresses, best first. */
enum rc address_look_up(struct str text, struct address *ret, size_t max, size_t *ret_n,
			struct err *e);
/* "192.0.2.1:4711", "[2001:db8::1]:4711", "unix". */
void address_format(const struct address *a, char out[static ADDRESS_TEXT_BYTES]);
uint16_t address_port(const struct address *a); /* 0 for a Unix socket */
