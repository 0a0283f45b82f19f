/* SPDX-License-Identifier: Apache-2.0 */
/* core/tool.c - the digest by which a tool's definition is pinned.
 *
 * Trust:  definitions come from upstreams and are hostile.
 * Holds:  (1) what is not digested is never shown to an agent or used in a decision.
 *         (2) catalog and upstream go through this one function, so equal means equal.
 */
#include "core/tool.h"

#include <openssl/evp.h>

#include "base/limits.h"

/* Members that tell an agent what a tool is; in JCS order, which changes nothing. */
static const struct str digested[] = {
    {"annotations", 11}, {"description", 11},  {"inputSchema", 11},
    {"name", 4},	 {"outputSchema", 12}, {"title", 5},
};

enum rc tool_definition_digest(const struct json *mcp_tool, uint8_t out[32], struct err *e)
{
	struct json members[ARRAY_LEN(digested)] = {0};
	struct json object = {.type = JSON_OBJECT};
	AUTO_BUF canonical = BUF_INIT(LIMIT_RESULT_BYTES);
	struct str name;
	unsigned n = 0;

	if (!json_str(json_get(mcp_tool, STR("name")), &name)) {
		FAIL(e, RC_INPUT, "a tool definition without a name");
	}
	for (size_t i = 0; i < ARRAY_LEN(digested); i++) {
		const struct json *member = json_get(mcp_tool, digested[i]);

		if (member) {
			members[n] = *member;
			members[n].next = NULL;
			if (n > 0) {
				members[n - 1].next = &members[n];
			}
			n++;
		}
	}
	object.child = members;
	object.count = n;
	TRY(json_canonical(&canonical, &object, e));
	if (EVP_Digest(canonical.p, canonical.n, out, NULL, EVP_sha256(), NULL) != 1) {
		FAIL(e, RC_BROKEN, "cannot compute a SHA-256 digest");
	}
	return RC_OK;
}
