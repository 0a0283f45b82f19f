/* SPDX-License-Identifier: Apache-2.0 */
/* identity/ca.h - a small CA for trying things out: `remit init` and tests.
 *
 * It signs X.509-SVIDs of one trust domain. Its key lies in a file, so production uses SPIRE or the
 * like instead. Keys are EC P-256, written with mode 0600.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct ca;

/* A new CA for a trust domain, constrained to SPIFFE IDs of it. */
enum rc ca_create(struct str trust_domain, const struct clock *clock, uint64_t valid_s,
		  struct ca **ret, struct err *e);
enum rc ca_load(const char *cert_path, const char *key_path, struct ca **ret, struct err *e);
enum rc ca_save(const struct ca *ca, const char *cert_path, const char *key_path, struct err *e);
void ca_free(struct ca *ca); /* NULL is fine */
/* Borrowed from ca. */
struct str ca_trust_domain(const struct ca *ca);
/* Its certificate, which is the trust domain's bundle, appended to pem. */
struct buf;
enum rc ca_bundle(const struct ca *ca, struct buf *pem, struct err *e);

struct ca_request {
	struct str spiffe_id;	 /* a workload of the CA's trust domain */
	const struct str *names; /* DNS names and IP addresses, for a server */
	size_t n_names;
	uint64_t valid_s; /* from now, and never beyond the CA's own end */
	const char *cert_path;
	const char *key_path;
};

/* Makes a key and an X.509-SVID for it and writes both. RC_INPUT for an ID that is not of this
 * trust domain, or a malformed name. */
enum rc ca_issue(const struct ca *ca, const struct clock *clock, const struct ca_request *request,
		 struct err *e);
