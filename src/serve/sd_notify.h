/* SPDX-License-Identifier: Apache-2.0 */
/* serve/sd_notify.h - tells systemd how we are, if it wants to know (sd_notify(3)). */
#pragma once

#include "base/base.h"

/* Sends state ("READY=1") to $NOTIFY_SOCKET. Best effort: false when there is none or it fails. */
bool sd_notify_send(const char *state);
