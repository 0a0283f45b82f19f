/* SPDX-License-Identifier: Apache-2.0 */
/* block.c - addresses in nftables sets, each with a timeout.
 *
 * Holds:  (1) a set that is not there is an error, never "not blocked".
 */
#include <stdio.h>
#include <string.h>

#include "deny_list.h"
#include "linux_tools.h"

enum { BLOCK_SECONDS = 4 * 3600 };

struct element {
	const struct linux_options *o;
	char address[DENY_ADDRESS_BYTES];
	const char *set;
};

static enum rc element_of(const struct tool_call *a, struct element *ret, struct err *e)
{
	char text[DENY_ADDRESS_BYTES];

	ret->o = a->ctx;
	TRY(linux_text(a, "address", text, sizeof(text), e));
	TRY(deny_canonical(str_from(text), ret->address, e));
	ret->set = strchr(ret->address, ':') ? "blocked6" : "blocked4";
	return RC_OK;
}

static enum rc nft(const struct element *el, const char *verb, const char *what, const char *text,
		   struct err *e)
{
	const char *const argv[] = {el->o->nft,	  verb,	   what, el->o->family,
				    el->o->table, el->set, text, NULL};

	return linux_run(argv, e);
}

static enum rc is_blocked(const struct element *el, bool *ret, struct err *e)
{
	char text[DENY_ADDRESS_BYTES + 8];
	struct err missing = ERR_INIT;

	TRY(nft(el, "list", "set", NULL, e));			   /* (1) */
	(void)snprintf(text, sizeof(text), "{ %s }", el->address); /* it fits */
	*ret = nft(el, "get", "element", text, &missing) == RC_OK;
	return RC_OK;
}

static void answer(struct json_out *w, const struct element *el, bool is_blocked, bool changed)
{
	json_out_key_str(w, "address", str_from(el->address));
	json_out_key_bool(w, "blocked", is_blocked);
	json_out_key_bool(w, "changed", changed);
}

enum rc linux_blocked(const struct tool_call *a, struct json_out *w, struct err *e)
{
	struct element el;
	bool now = false;

	TRY(element_of(a, &el, e));
	TRY(is_blocked(&el, &now, e));
	answer(w, &el, now, false);
	return RC_OK;
}

enum rc linux_block(const struct tool_call *a, struct json_out *w, struct err *e)
{
	const struct json *wanted = json_get(a->args, STR("seconds"));
	uint64_t seconds = BLOCK_SECONDS;
	struct deny_protected none = {0};
	char text[DENY_ADDRESS_BYTES + 40];
	struct element el;
	bool before = false;

	TRY(element_of(a, &el, e));
	TRY(deny_check(el.address, &none, e));
	if (linux_list_has(&el.o->protected, el.address)) {
		FAIL(e, RC_DENIED, "%s is protected", el.address);
	}
	if (wanted && (!json_u64(wanted, &seconds) || seconds == 0 || seconds > BLOCK_SECONDS)) {
		FAIL(e, RC_INPUT, "'seconds' must be 1 to %d", BLOCK_SECONDS);
	}
	TRY(is_blocked(&el, &before, e));
	if (!before) {
		(void)snprintf(text, sizeof(text), "{ %s timeout %llus }", el.address,
			       (unsigned long long)seconds); /* it fits */
		TRY(nft(&el, "add", "element", text, e));
	}
	answer(w, &el, true, !before);
	return RC_OK;
}

enum rc linux_unblock(const struct tool_call *a, struct json_out *w, struct err *e)
{
	char text[DENY_ADDRESS_BYTES + 8];
	struct element el;
	bool before = false;

	TRY(element_of(a, &el, e));
	TRY(is_blocked(&el, &before, e));
	if (before) {
		(void)snprintf(text, sizeof(text), "{ %s }", el.address); /* it fits */
		TRY(nft(&el, "delete", "element", text, e));
	}
	answer(w, &el, false, before);
	return RC_OK;
}
