/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/version.c - the revisions of MCP by name. */
#include "mcp/version.h"

static const char *const names[] = {
    [MCP_VERSION_NONE] = "",	     [MCP_2024_11_05] = "2024-11-05",
    [MCP_2025_03_26] = "2025-03-26", [MCP_2025_06_18] = "2025-06-18",
    [MCP_2025_11_25] = "2025-11-25", [MCP_2026_07_28] = "2026-07-28",
};

bool mcp_version_from_name(struct str name, enum mcp_version *ret)
{
	for (size_t i = MCP_2024_11_05; i < ARRAY_LEN(names); i++) {
		if (str_eq(name, str_from(names[i]))) {
			*ret = (enum mcp_version)i;
			return true;
		}
	}
	return false;
}

struct str mcp_version_name(enum mcp_version v)
{
	return str_from(names[v]);
}

enum mcp_era mcp_version_era(enum mcp_version v)
{
	switch (v) {
	case MCP_VERSION_NONE:
		return MCP_ERA_NONE;
	case MCP_2024_11_05:
	case MCP_2025_03_26:
	case MCP_2025_06_18:
	case MCP_2025_11_25:
		return MCP_LEGACY;
	case MCP_2026_07_28:
		return MCP_MODERN;
	}
	return MCP_ERA_NONE;
}

/* YYYY-MM-DD, digits only where digits belong; the calendar is not checked. */
static bool is_date(struct str s)
{
	if (s.n != 10) {
		return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		bool dash = i == 4 || i == 7;

		if (dash ? s.p[i] != '-' : (s.p[i] < '0' || s.p[i] > '9')) {
			return false;
		}
	}
	return true;
}

bool mcp_version_claims_modern(struct str name)
{
	return is_date(name) && str_cmp(name, str_from(names[MCP_2026_07_28])) >= 0;
}
