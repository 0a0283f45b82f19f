/* SPDX-License-Identifier: Apache-2.0 */
/* config/init.h - a deployment directory to begin with.
 *
 * Everything that `remit check` wants but certificates, which the caller makes (src/identity):
 * ca/server.pem, ca/server.key and ca/bundle.pem. The files come from packs/ and are part of the
 * program.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct init_options {
	struct str origin;	 /* "" = remit.<trust domain>/log */
	struct str trust_domain; /* "" = remit.example */
	struct str user;	 /* to run as when started by root; "" = none */
	uint32_t uid;		 /* of the person who approves */
	const struct str *packs; /* "postgresql", "nginx" */
	size_t n_packs;
	uint64_t now_unix_ms; /* the first review is 180 days later */
};

/* A file of the packs that are part of the program ("policies/base/matrix.cedar"), as it is: borrowed
 * for ever. False when there is none. */
bool config_pack_file(struct str path, struct str *ret_bytes) MUST_USE;

/* RC_DENIED when dir holds a deployment already, RC_INPUT for an unknown pack or a name that does
 * not fit into a line. */
enum rc config_init(const char *dir, const struct init_options *o, struct err *e);
