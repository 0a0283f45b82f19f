/* SPDX-License-Identifier: Apache-2.0 */
/* runner/start.h - from the catalog's words to a child at the door. */
#pragma once

#include "core/tool.h"
#include "runner/child.h"
#include "runner/reaper.h"
#include "runner/template.h"
#include "sender/desk.h"

/* What commands and stdio servers share. */
struct start_host {
	struct loop *loop;
	struct reaper *reaper;
	struct desk *desk;
	bool unsafe_no_walls;
};

/* Fills the templates, makes the sandbox, forks; `fields` is the credential (JSON object), or "":
 * then the secret file is an empty line, so that a server can be asked for its tools.
 * RC_INPUT: the catalog or the arguments do not fit; nothing was started. */
enum rc start_child(const struct start_host *host, const struct upstream *u,
		    const struct str_list *command, const struct template_call *call,
		    struct str fields, uint32_t cpu_s, struct child *ret, struct err *e);
