/* SPDX-License-Identifier: Apache-2.0 */
/* cli/evidence_ask.c - options and requests that the evidence commands share. */
#include "cli/evidence_ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/client.h"
#include "core/leaf.h"

int evidence_parse(const struct cli_command *c, int argc, char **argv, struct evidence_options *o)
{
	const struct {
		const char *name;
		const char **into;
	} options[] = {
	    {"--socket", &o->socket}, {"--log", &o->log},	  {"--key", &o->key},
	    {"--to", &o->to},	      {"--purpose", &o->purpose}, {"--recipient", &o->recipient},
	};

	o->log = getenv("REMIT_LOG");
	o->socket = getenv("REMIT_SOCKET");
	for (int i = 0; i < argc; i++) {
		const char **into = NULL;

		if (!strcmp(argv[i], "--json")) {
			o->as_json = true;
			continue;
		}
		if (argv[i][0] != '-') {
			if (o->n_ids == EVIDENCE_IDS_MAX) {
				return cli_misuse(c, "more than %d ids", EVIDENCE_IDS_MAX);
			}
			o->ids[o->n_ids++] = argv[i];
			continue;
		}
		for (size_t k = 0; k < ARRAY_LEN(options); k++) {
			into = strcmp(argv[i], options[k].name) == 0 ? options[k].into : into;
		}
		if (!into || !strstr(c->usage, argv[i])) {
			return cli_misuse(c, "unknown option '%s'", argv[i]);
		}
		if (++i == argc) {
			return cli_misuse(c, "%s needs a value", argv[i - 1]);
		}
		*into = argv[i];
	}
	o->socket = o->socket ? o->socket : "/run/remit/people.sock";
	return 0;
}

static enum rc class_of(unsigned status)
{
	switch (status) {
	case 400:
	case 422:
		return RC_INPUT;
	case 401:
	case 403:
	case 405:
		return RC_DENIED;
	case 404:
		return RC_ABSENT;
	case 413:
	case 429:
		return RC_LIMIT;
	case 503:
		return RC_AGAIN;
	default:
		return RC_BROKEN;
	}
}

enum rc evidence_ask(const struct evidence_options *o, const char *method, struct str path,
		     struct str body, struct arena *arena, const struct json **ret, struct err *e)
{
	AUTO_BUF answer = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct str text;
	struct str copy;
	unsigned status = 0;

	TRY(client_ask(o->socket, method, path, body, &status, &answer, e));
	copy = arena_str(arena, buf_view(&answer));
	if (!copy.p) {
		FAIL(e, RC_NOMEM, "no memory for an answer");
	}
	TRY(json_parse(arena, copy, &limits, ret, e));
	if (status >= 200 && status <= 299) {
		return RC_OK;
	}
	if (!json_str(json_pointer(*ret, STR("/error/message")), &text)) {
		text = STR("no reason was given");
	}
	FAIL(e, class_of(status), STR_FMT, STR_ARG(text));
}

/* ---- which items ---- */

struct found {
	struct str *p;
	size_t n;
	size_t cap;
};

static enum rc add(struct found *f, struct arena *arena, struct str id, struct err *e)
{
	if (f->n == f->cap) {
		FAIL(e, RC_LIMIT, "more than %zu items", f->cap);
	}
	f->p[f->n] = arena_str(arena, id);
	if (!f->p[f->n++].p) {
		FAIL(e, RC_NOMEM, "no memory for an id");
	}
	return RC_OK;
}

/* Those of the incident ("" = all) that are there. */
static enum rc add_all(const struct evidence_options *o, struct str incident, struct found *f,
		       struct arena *arena, struct err *e)
{
	AUTO_BUF path = BUF_INIT(256);
	const struct json *answer;
	const struct json *list;
	uint64_t not_shown = 0;

	TRY(buf_add(&path, STR("/v1/evidence")));
	if (incident.n) {
		TRY(buf_addf(&path, "?incident=" STR_FMT, STR_ARG(incident)));
	}
	TRY(evidence_ask(o, "GET", buf_view(&path), STR(""), arena, &answer, e));
	if (json_u64(json_get(answer, STR("not_shown")), &not_shown) && not_shown > 0) {
		FAIL(e, RC_LIMIT, "there are more items than one list shows: name an incident");
	}
	list = json_get(answer, STR("evidence"));
	for (const struct json *one = list ? list->child : NULL; one; one = one->next) {
		struct str id;
		struct str state;

		if (json_str(json_get(one, STR("id")), &id) &&
		    json_str(json_get(one, STR("state")), &state) &&
		    (str_eq(state, STR("kept")) || str_eq(state, STR("damaged")))) {
			TRY(add(f, arena, id, e));
		}
	}
	return RC_OK;
}

enum rc evidence_items(const struct evidence_options *o, struct arena *arena, struct str **ret,
		       size_t *ret_n, struct err *e)
{
	struct found f = {.cap = LIMIT_EVIDENCE_OF_INCIDENT};
	uint64_t ix;

	f.p = arena_alloc_n(arena, f.cap, sizeof(*f.p));
	if (!f.p) {
		FAIL(e, RC_NOMEM, "no memory for ids");
	}
	if (o->n_ids == 0) {
		TRY(add_all(o, STR(""), &f, arena, e));
	}
	for (size_t i = 0; i < o->n_ids; i++) {
		struct str id = str_from(o->ids[i]);

		if (id_parse(id, 'e', &ix)) {
			TRY(add(&f, arena, id, e));
		} else if (id_parse(id, 'i', &ix)) {
			TRY(add_all(o, id, &f, arena, e));
		} else {
			FAIL(e, RC_INPUT, "'%s' is no id of evidence or of an incident", o->ids[i]);
		}
	}
	*ret = f.p;
	*ret_n = f.n;
	return RC_OK;
}
