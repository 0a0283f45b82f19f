/* SPDX-License-Identifier: Apache-2.0 */
/* test.h - the includes of every unit test. Test names are sentences. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define assert_ok(call)                                                                            \
	do {                                                                                       \
		enum rc test_rc_ = (call);                                                         \
		if (test_rc_ != RC_OK) {                                                           \
			fail_msg("%s: %s", #call, rc_text(test_rc_));                              \
		}                                                                                  \
	} while (0)
#define assert_rc(call, want) assert_int_equal((int)(call), (int)(want))
#define assert_str(got, want)                                                                      \
	do {                                                                                       \
		struct str test_got_ = (got);                                                      \
		struct str test_want_ = str_from(want);                                            \
		if (!str_eq(test_got_, test_want_)) {                                              \
			fail_msg("got '" STR_FMT "', want '" STR_FMT "'", STR_ARG(test_got_),      \
				 STR_ARG(test_want_));                                             \
		}                                                                                  \
	} while (0)
