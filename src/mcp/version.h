/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/version.h - the revisions of MCP that Remit speaks, oldest first, and their two eras.
 *
 * Legacy (up to 2025-11-25): initialize, sessions. Modern (2026-07-28): every request carries its
 * version and capabilities in _meta, and there are no sessions.
 */
#pragma once

#include "base/str.h"

enum mcp_version {
	MCP_VERSION_NONE = 0,
	MCP_2024_11_05,
	MCP_2025_03_26, /* the only one with batches; assumed when the header is absent */
	MCP_2025_06_18,
	MCP_2025_11_25,
	MCP_2026_07_28,
};

enum mcp_era { MCP_ERA_NONE = 0, MCP_LEGACY, MCP_MODERN };

#define MCP_LATEST_LEGACY MCP_2025_11_25
#define MCP_LATEST	  MCP_2026_07_28

bool mcp_version_from_name(struct str name, enum mcp_version *ret) MUST_USE;
struct str mcp_version_name(enum mcp_version v); /* "" for MCP_VERSION_NONE */
enum mcp_era mcp_version_era(enum mcp_version v);
/* Does name look like the date of a modern revision, known to us or not? */
bool mcp_version_claims_modern(struct str name);
