/* SPDX-License-Identifier: Apache-2.0 */
/* core/never.h - what no agent may act on, whoever approves.
 *
 * Two lists. The never-list is the deployment's: nothing on it is acted on or read. The control
 *plane is what decides, records, restores and wakes people (Remit's own addresses and files, kinds
 *such as backup, whatever the inventory marks): nothing changes it, reading is left to policies.
 *
 * Entries are texts, compared with canonical targets:
 *
 *	kind:value	that asset; ip: every address or range that shares an address with it
 *	kind:*		all of a kind
 *	kind:pre*f?x	a pattern of the whole value: * any characters, ? one
 *	@group		all members of that group of the inventory
 */
#pragma once

#include "core/bundle.h"
#include "core/reason.h"

/* Does an entry of such a list cover the target? */
bool never_covers(const struct inventory *i, struct str entry, struct str target);
/* REASON_NEVER_LIST, REASON_CONTROL_PLANE (only when something changes), or REASON_NONE. */
enum reason never_reason(const struct bundle *b, struct str target, bool only_reads);

/* An entry in the form above from what people write: a group when is_group, else
 * "kind:value", "kind:*" or a pattern. False when it is none. */
bool never_parse(struct str text, bool is_group, struct arena *arena, struct str *ret);
