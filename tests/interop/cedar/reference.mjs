// SPDX-License-Identifier: Apache-2.0
// reference.mjs - the reference implementation of Cedar: npm @cedar-policy/cedar-wasm, 4.12.0, as
// tests/clients/install brings it, or from the node_modules of the directory REMIT_CEDAR_WASM.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export function loadReference() {
	const home = process.env.REMIT_CEDAR_WASM ?? fileURLToPath(new URL("../../clients", import.meta.url));
	try {
		return createRequire(home + "/")("@cedar-policy/cedar-wasm/nodejs");
	} catch {
		console.log("skipped: no @cedar-policy/cedar-wasm; see tests/clients/install");
		process.exit(77);
	}
}
