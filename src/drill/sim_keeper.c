/* SPDX-License-Identifier: Apache-2.0 */
/* drill/sim_keeper.c - the keeper and its backends, as far as the governor can tell.
 *
 * A key is a function of its name, so that it opens again after a crash; a credential exists from
 * the moment it is issued until it is revoked, whatever becomes of the governor. Who signs is not
 * here: struct sim_publishing.
 */
#include <openssl/sha.h>
#include <string.h>

#include "codec/json.h"
#include "drill/sim_impl.h"

static void give_key(struct sim *s, struct str name)
{
	struct message m = {.kind = MESSAGE_KEY_READY};
	uint8_t key[32];

	SHA256((const unsigned char *)name.p, name.n, key);
	m.key_ready.task = name;
	m.key_ready.ok = 1;
	m.key_ready.key = str_of(key, sizeof(key));
	m.key_ready.wrapped = name;
	sim_say(s, SIM_KEEPER, &m);
}

static void issue(struct sim *s, const struct msg_lease_issue *m)
{
	struct message r = {.kind = MESSAGE_LEASE_ISSUED, .lease_issued = {.lease = m->lease}};
	struct sim_credential c = {.lease = m->lease,
				   .backend = sim_keep(s, m->backend),
				   .name = sim_keep(s, m->name),
				   .task = sim_keep(s, m->task)};

	if (s->refuses_leases) {
		r.lease_issued.detail = STR("the backend refuses");
	} else {
		MUST(vec_push(&s->credentials, c) == RC_OK);
		r.lease_issued.ok = 1;
	}
	sim_say(s, SIM_KEEPER, &r);
}

static void deliver(struct sim *s, const struct msg_lease_deliver *m)
{
	struct message secret = {.kind = MESSAGE_SECRET,
				 .secret = {.lease = m->lease, .fields = STR("{}")}};

	for (size_t i = 0; i < s->credentials.n; i++) {
		if (s->credentials.p[i].lease == m->lease) {
			secret.secret.task = s->credentials.p[i].task;
			MUST(desk_hear(s->senders[m->to == 2].desk, &secret));
		}
	}
}

static void revoke(struct sim *s, const struct msg_lease_revoke *m)
{
	struct message drop = {.kind = MESSAGE_SECRET_DROP, .secret_drop = {.lease = m->lease}};
	struct message r = {.kind = MESSAGE_LEASE_REVOKED, .lease_revoked = {.lease = m->lease}};

	if (s->refuses_revocation) {
		r.lease_revoked.detail = STR("the backend is away");
	} else {
		for (size_t i = 0; i < s->credentials.n;) {
			if (str_eq(s->credentials.p[i].name, m->name)) {
				vec_remove(&s->credentials, i);
			} else {
				i++;
			}
		}
		for (size_t i = 0; i < ARRAY_LEN(s->senders); i++) {
			MUST(desk_hear(s->senders[i].desk, &drop));
		}
		r.lease_revoked.gone = 1;
		r.lease_revoked.detail = STR("read back: absent");
	}
	sim_say(s, SIM_KEEPER, &r);
}

static void sweep(struct sim *s, const struct msg_lease_sweep *m)
{
	AUTO_BUF names = BUF_INIT(65536);
	struct json_out w = json_out_to(&names);
	struct message r = {.kind = MESSAGE_LEASE_FOUND,
			    .lease_found = {.backend = m->backend, .ok = 1}};

	json_out_array(&w);
	for (size_t i = 0; i < s->credentials.n; i++) {
		if (str_eq(s->credentials.p[i].backend, m->backend)) {
			json_out_str(&w, s->credentials.p[i].name);
		}
	}
	json_out_close(&w);
	if (json_out_end(&w, NULL) != RC_OK) {
		r.lease_found.ok = 0;
	}
	r.lease_found.names = buf_view(&names);
	sim_say(s, SIM_KEEPER, &r);
}

void sim_keeper_begins(struct sim *s)
{
	static const uint8_t nothing[32];
	struct message m = {.kind = MESSAGE_ANCHOR, .anchor = {.root = str_of(nothing, 32)}};

	if (s->o.publishing) {
		s->o.publishing->begins(s->o.publishing->ctx, &m.anchor);
	}
	sim_say(s, SIM_KEEPER, &m);
}

static void tell_signer(struct sim *s, const struct message *m)
{
	struct message r = {.kind = MESSAGE_NONE};

	if (s->o.publishing && s->o.publishing->hears(s->o.publishing->ctx, m, &r)) {
		sim_say(s, SIM_KEEPER, &r);
	}
}

static void sign(struct sim *s, const struct message *m)
{
	const struct message later = {.kind = MESSAGE_SIGNATURE,
				      .signature = {.size = m->sign.old_size,
						    .is_later = 1,
						    .detail = STR("its disk fails")}};

	if (s->refuses_signing) {
		sim_say(s, SIM_KEEPER, &later);
	} else {
		tell_signer(s, m);
	}
}

void sim_keeper_hears(struct sim *s, const struct message *m)
{
	switch ((int)m->kind) {
	case MESSAGE_KEY_NEW:
		give_key(s, m->key_new.task);
		break;
	case MESSAGE_KEY_OPEN:
		give_key(s, m->key_open.task);
		break;
	case MESSAGE_LEASE_ISSUE:
		tell_signer(s, m);
		issue(s, &m->lease_issue);
		break;
	case MESSAGE_LEASE_PROOF:
		tell_signer(s, m);
		break;
	case MESSAGE_SIGN:
		sign(s, m);
		break;
	case MESSAGE_LEASE_DELIVER:
		deliver(s, &m->lease_deliver);
		break;
	case MESSAGE_LEASE_REVOKE:
		revoke(s, &m->lease_revoke);
		break;
	case MESSAGE_LEASE_SWEEP:
		sweep(s, &m->lease_sweep);
		break;
	default:
		break;
	}
}
