/* SPDX-License-Identifier: Apache-2.0 */
/* core/person.h - humans who own, approve and are escalated to; never agents. */
#pragma once

#include "base/str.h"
#include "core/list.h"

struct person {
	struct str name; /* "alice" */
	struct str full_name;
	uint32_t uid; /* Unix user at the people's socket; PERSON_NO_UID = none */
	struct str_list groups;
};
#define PERSON_NO_UID UINT32_MAX

struct group {
	struct str name;
	struct str_list rota;	   /* persons in order of duty; the first is on call */
	struct str_list notifiers; /* told when the group is asked */
};
