/* SPDX-License-Identifier: Apache-2.0 */
/* base/sandbox_filter.h - the system call half of base/sandbox.h; not for others. */
#pragma once

#include "base/sandbox.h"

/* Loads the policy's seccomp filter and reads back that one is in force. NO_NEW_PRIVS must be on.
 */
enum rc sandbox_filter_load(const struct sandbox_policy *p, struct err *e);
