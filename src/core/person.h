/* SPDX-License-Identifier: Apache-2.0 */
/* core/person.h - humans who own, approve and are escalated to; never agents. */
#pragma once

#include "base/str.h"
#include "core/calendar.h"
#include "core/list.h"

struct person {
	struct str name; /* "alice" */
	struct str full_name;
	uint32_t uid;		   /* Unix user at the people's socket; PERSON_NO_UID = none */
	const uint32_t *more_uids; /* further accounts: the same person, with one vote */
	size_t n_more_uids;
	struct str_list groups;
	struct str_list notifiers; /* of this person; none: those of the groups */
};
#define PERSON_NO_UID UINT32_MAX

/* A person is on duty in these hours of the week. */
struct turn {
	struct str person;
	const struct week_window *windows;
	size_t n_windows;
};

/* Whom a rung of a ladder means. */
enum rung_who { RUNG_NOBODY = 0, RUNG_ON_CALL, RUNG_GROUP, RUNG_OWNER, RUNG_DEPUTY, RUNG_PERSON };
/* What is done when nobody has answered. */
enum safe_step { SAFE_NONE = 0, SAFE_DENY, SAFE_ROLLBACK, SAFE_OBSERVE };

struct rung {
	uint64_t after_ms; /* since it began to wait */
	enum rung_who who;
	struct str person; /* RUNG_PERSON */
	enum safe_step safe;
};

struct group {
	struct str name;
	struct str deputy;	  /* on duty where no turn is; "" = none */
	const struct turn *turns; /* none: the first of the rota is always on duty */
	size_t n_turns;
	const struct rung *ladder; /* none: core/accountable.h */
	size_t n_rungs;
	struct str_list rota;	   /* persons in order of duty; the first is on call */
	struct str_list notifiers; /* told when the group is asked */
};
