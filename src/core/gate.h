/* SPDX-License-Identifier: Apache-2.0 */
/* core/gate.h - who must approve what `ask` asks. */
#pragma once

#include "base/str.h"

struct gate {
	struct str name;
	struct str group;
	uint32_t quorum;	/* distinct persons */
	uint64_t decide_by_ms;	/* after it was asked */
	uint64_t execute_by_ms; /* after it was granted */
};
