/* SPDX-License-Identifier: Apache-2.0 */
/* core/target.h - which assets a call acts on, each under one name.
 *
 * A target is written "kind:value". Every way to write one asset becomes the same text, so that
 * grants, never-lists, caps and approvals compare bytes. Whatever is not one asset (a wildcard,
 * everything, a range too wide to mean anything) is refused, not interpreted.
 *
 *   ip	    IPv4 or IPv6 in the shortest text, from any spelling that resolvers take (10.1,
 *	    0x7f000001, 0177.0.0.1), with port, brackets or as the host of a URL; IPv4 within IPv6
 *	    becomes IPv4; a range (strictly written) only when its prefix is longer than /8 (IPv4)
 *	    or /32 (IPv6), cut to its network; a range of one address is that address
 *   host   a DNS name in lower case without the trailing dot, port and URL; names in other scripts
 *	    by IDNA in their "xn--" spelling; an address becomes a target of kind ip
 *   user   in lower case; DOMAIN\user and user@domain both are user@domain
 *   file   an absolute path without "//", "/./" and a slash at its end; no ".."
 *   else   the text as it is: no wildcard characters (* ? %), no control, invisible or wide
 *	    characters, no blanks at the ends, not "/", ".", "..", "~", "all", "any", "default", ...
 *
 * Results live in the caller's arena. REASON_NONE means success; REASON_LIMIT that memory ran out.
 */
#pragma once

#include "base/arena.h"
#include "codec/json.h"
#include "core/inventory.h"
#include "core/list.h"
#include "core/reason.h"
#include "core/tool.h"

enum {
	TARGET_KIND_BYTES = 32,
	TARGET_VALUE_BYTES = 512, /* a Kubernetes namespace and name fit twice */
};

/* A lower case letter, then lower case letters, digits and '-'; at most TARGET_KIND_BYTES. */
bool target_kind_is_valid(struct str kind);
/* Nothing, everything, or a pattern? */
bool target_is_wildcard(struct str value);
/* UTF-8 without what nobody sees or what looks like something else, and without blanks around? */
bool target_text_is_plain(struct str value);

/* One asset in its canonical form. REASON_SELECTOR_EMPTY_OR_WILDCARD, REASON_TARGET_TYPE_MISMATCH
 * when the value is none of that kind, REASON_TARGET_LIMIT when it is too long. */
enum reason target_canonical(struct str kind, struct str value, struct arena *arena,
			     struct str *ret);
/* The same from "kind:value". */
enum reason target_parse(struct str text, struct arena *arena, struct str *ret);
/* "ip:<range>" of any width, for lists of what is off limits. */
enum reason target_network(struct str value, struct arena *arena, struct str *ret);
/* Do these two targets of kind ip (or target_network's) share an address? */
bool target_networks_overlap(struct str a, struct str b);

/* All assets of a call: sorted, without duplicates. A tool without target rules has none, which is
 * right for reads only (the loader sees to that); with rules, at least one asset must be named.
 * REASON_TARGET_TYPE_MISMATCH when a pointer finds anything but what its rule reads,
 * REASON_TARGET_LIMIT above LIMIT_TARGETS. args and inventory may be NULL; results may point into
 * the inventory too. */
enum reason target_resolve(const struct tool *tool, const struct json *args,
			   const struct inventory *inventory, struct arena *arena,
			   struct str_list *ret);
/* Did the caller write something where a target belongs? */
bool target_is_named(const struct tool *tool, const struct json *args);

/* Is a canonical target in a list of canonical targets and "kind:*"? */
bool target_in_list(const struct str_list *list, struct str target);
