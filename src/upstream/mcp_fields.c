/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/mcp_fields.c - say in HTTP what an intermediary or a server may want to know early.
 *
 * Holds:  a secret is a value here and nowhere else; http_out refuses values with control bytes,
 *         so it cannot become a second field.
 */
#include "upstream/mcp_fields.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"

static enum rc add(struct mcp_fields *f, struct str name, struct str value, struct err *e)
{
	MUST(f->n < MCP_FIELDS_MAX);
	if (!value.p) {
		FAIL(e, RC_NOMEM, "no memory for the fields of a request");
	}
	f->f[f->n++] = (struct http_field){.name = name, .value = value};
	return RC_OK;
}

/* May s stand in a field as it is (modern transports, "value encoding")? */
static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7e) {
			return false;
		}
	}
	return s.n > 0 && s.p[0] != ' ' && s.p[s.n - 1] != ' ' &&
	       !str_has_prefix(s, STR("=?base64?"));
}

static struct str encoded(struct arena *arena, struct str s)
{
	AUTO_BUF b = BUF_INIT(LIMIT_HTTP_HEAD_BYTES);

	if (is_plain(s)) {
		return arena_str(arena, s);
	}
	if (base64_encode(&b, s) != RC_OK) {
		return STR_NULL;
	}
	return arena_strf(arena, "=?base64?" STR_FMT "?=", STR_ARG(buf_view(&b)));
}

static enum rc add_secret(struct mcp_fields *f, struct str fields, struct arena *arena,
			  struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct str own = arena_str(arena, fields);
	const struct json *j;
	struct str name;
	struct str value;

	if (!own.p) {
		FAIL(e, RC_NOMEM, "no memory for a credential");
	}
	TRY(json_parse(arena, own, &limits, &j, e));
	if (json_str(json_get(j, STR("token")), &value)) {
		return add(f, STR("Authorization"),
			   arena_strf(arena, "Bearer " STR_FMT, STR_ARG(value)), e);
	}
	if (json_str(json_get(j, STR("header")), &name) &&
	    json_str(json_get(j, STR("value")), &value)) {
		return add(f, name, arena_str(arena, value), e);
	}
	FAIL(e, RC_INPUT, "the credential is neither a header nor a token");
}

enum rc mcp_fields_of(const struct mcp_request_line *line, struct arena *arena,
		      struct mcp_fields *ret, struct err *e)
{
	const struct desk_call *c = line->call;

	*ret = (struct mcp_fields){0};
	if (line->version != MCP_VERSION_NONE) {
		TRY(add(ret, STR("MCP-Protocol-Version"), mcp_version_name(line->version), e));
	}
	if (line->session_id.n > 0) {
		TRY(add(ret, STR("Mcp-Session-Id"), line->session_id, e));
	}
	if (mcp_version_era(line->version) == MCP_MODERN && line->method.n > 0) {
		TRY(add(ret, STR("Mcp-Method"), line->method, e));
		if (c) {
			TRY(add(ret, STR("Mcp-Name"), encoded(arena, c->tool), e));
		}
	}
	if (c) {
		TRY(add(ret, STR("Remit-Call-Id"),
			arena_strf(arena, "c%llu", (unsigned long long)c->call), e));
		if (c->trace.n > 0) {
			TRY(add(ret, STR("traceparent"), c->trace, e));
		}
		if (c->trace_state.n > 0) {
			TRY(add(ret, STR("tracestate"), c->trace_state, e));
		}
	}
	return line->secret.n > 0 ? add_secret(ret, line->secret, arena, e) : RC_OK;
}
