/* SPDX-License-Identifier: Apache-2.0 */
/* freeze.c - services that stand still: cgroup v2's freezer.
 *
 * Holds:  (1) an answer says what the kernel says (cgroup.events), not what was asked of it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "linux_tools.h"

enum { SERVICE_BYTES = 128, WAIT_MS = 5000, NAP_MS = 10 };

struct service {
	char name[SERVICE_BYTES];
	char dir[LINUX_PATH_BYTES];
};

static bool name_is_valid(const char *name)
{
	for (const char *p = name; *p; p++) {
		if (!((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') && !(*p >= '0' && *p <= '9') &&
		    !strchr("@_.-", *p)) {
			return false;
		}
	}
	return name[0] != '.' && str_has_suffix(str_from(name), STR(".service"));
}

static enum rc service_of(const struct tool_call *a, struct service *ret, struct err *e)
{
	const struct linux_options *o = a->ctx;

	TRY(linux_text(a, "service", ret->name, sizeof(ret->name), e));
	if (!name_is_valid(ret->name)) {
		FAIL(e, RC_INPUT, "'service' is no name of a service");
	}
	if (snprintf(ret->dir, sizeof(ret->dir), "%s/%s", o->cgroups, ret->name) >=
	    (int)sizeof(ret->dir)) {
		FAIL(e, RC_LIMIT, "the path of '%s' is too long", ret->name);
	}
	return RC_OK;
}

static enum rc is_frozen(const struct service *s, bool *ret, struct err *e)
{
	AUTO_BUF text = BUF_INIT(4096);
	char path[LINUX_PATH_BYTES + 32];
	struct str rest;

	(void)snprintf(path, sizeof(path), "%s/cgroup.events", s->dir); /* it fits */
	TRY(file_read(path, &text, e));
	rest = buf_view(&text);
	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');

		if (str_has_prefix(line, STR("frozen "))) {
			*ret = str_eq(line, STR("frozen 1"));
			return RC_OK;
		}
	}
	FAIL(e, RC_BROKEN, "'%s' has no freezer: is this cgroup v2?", s->name);
}

static void answer(struct json_out *w, const struct service *s, bool frozen, bool changed)
{
	json_out_key_str(w, "service", str_from(s->name));
	json_out_key_bool(w, "frozen", frozen);
	json_out_key_bool(w, "changed", changed);
}

enum rc linux_service(const struct tool_call *a, struct json_out *w, struct err *e)
{
	struct service s;
	bool now = false;

	TRY(service_of(a, &s, e));
	TRY(is_frozen(&s, &now, e));
	answer(w, &s, now, false);
	return RC_OK;
}

static enum rc write_freeze(const struct service *s, bool frozen, struct err *e)
{
	char path[LINUX_PATH_BYTES + 32];
	FILE *f;
	bool ok;

	(void)snprintf(path, sizeof(path), "%s/cgroup.freeze", s->dir); /* it fits */
	f = fopen(path, "we");
	if (!f) {
		return err_set_sys(e, RC_IO, __func__, "cannot open '%s'", path);
	}
	ok = fputs(frozen ? "1" : "0", f) >= 0;
	if (fclose(f) != 0 || !ok) {
		return err_set_sys(e, RC_IO, __func__, "cannot write '%s'", path);
	}
	return RC_OK;
}

static enum rc change(const struct tool_call *a, bool wanted, struct json_out *w, struct err *e)
{
	static const struct timespec nap = {.tv_nsec = NAP_MS * 1000 * 1000};
	const struct linux_options *o = a->ctx;
	struct service s;
	bool before = false;
	bool now;

	TRY(service_of(a, &s, e));
	if (wanted && linux_list_has(&o->protected, s.name)) {
		FAIL(e, RC_DENIED, "%s is protected", s.name);
	}
	TRY(is_frozen(&s, &before, e));
	now = before;
	if (before != wanted) {
		TRY(write_freeze(&s, wanted, e));
		for (int ms = 0; now != wanted && ms < WAIT_MS; ms += NAP_MS) {
			(void)nanosleep(&nap, NULL); /* a short one is no harm */
			TRY(is_frozen(&s, &now, e));
		}
	}
	if (now != wanted) {
		FAIL(e, RC_AGAIN, "%s is not %s yet", s.name, wanted ? "frozen" : "thawed");
	}
	answer(w, &s, now, before != wanted);
	return RC_OK;
}

enum rc linux_freeze(const struct tool_call *a, struct json_out *w, struct err *e)
{
	return change(a, true, w, e);
}

enum rc linux_thaw(const struct tool_call *a, struct json_out *w, struct err *e)
{
	return change(a, false, w, e);
}
