/* SPDX-License-Identifier: Apache-2.0 */
/* deny_list.h - the file of `deny ADDRESS;` lines that nginx includes.
 *
 * Addresses are canonical (inet_pton, then inet_ntop), single, and never one that is protected.
 * What the file holds besides such lines is kept as it is. Pure, but for the file functions of its
 * users.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { DENY_ADDRESS_BYTES = 46, DENY_FILE_BYTES = 1024 * 1024, DENY_PROTECTED_MAX = 64 };

/* What may never be denied, beside 0.0.0.0, ::, multicast, broadcast and this machine itself. */
struct deny_protected {
	const char *addresses[DENY_PROTECTED_MAX]; /* canonical */
	size_t n;
};

/* One address in canonical form. RC_INPUT when it is none (a prefix is none), or an IPv4 address
 * written as IPv6. */
enum rc deny_canonical(struct str text, char ret[DENY_ADDRESS_BYTES], struct err *e);
/* RC_DENIED when address (canonical) must not be denied. */
enum rc deny_check(const char *address, const struct deny_protected *p, struct err *e);
/* Is address (canonical) denied by this file? */
bool deny_has(struct str file, const char *address);
/* The file with a line for address added at its end / with all its lines gone. note becomes a
 * comment: the call and the time. */
enum rc deny_add(struct str file, const char *address, const char *note, struct buf *out);
enum rc deny_remove(struct str file, const char *address, struct buf *out);
