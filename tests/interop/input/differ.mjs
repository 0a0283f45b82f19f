// SPDX-License-Identifier: Apache-2.0
// differ.mjs - the Cedar types of tools' inputs, by us and by the public generator.
//
// usage: differ.mjs ASK N FILE.yaml...
// The tools of the catalogs, a table of hard schemas and N made-up ones. Where the generator
// (npm @cedar-policy/mcp-schema-generator-wasm, as tests/clients/install brings it) gives a schema
// that the reference implementation of Cedar takes, ours is the same; where it refuses, ours is a
// schema all the same, and each class of refusal is one of docs/formats/policy-schema.md. Skips (77)
// without the two packages.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

const [ask, count, ...files] = process.argv.slice(2);
const home = process.env.REMIT_CEDAR_WASM ?? fileURLToPath(new URL("../../clients", import.meta.url));
let generator, cedar;
try {
	const require = createRequire(home + "/");
	generator = require("@cedar-policy/mcp-schema-generator-wasm");
	cedar = require("@cedar-policy/cedar-wasm/nodejs");
} catch {
	console.log("skipped: no @cedar-policy/mcp-schema-generator-wasm; see tests/clients/install");
	process.exit(77);
}

const stub = "namespace Remit { @mcp_principal entity P; @mcp_resource entity R; }";
const config = JSON.stringify({ objectsAsRecords: true, numbersAsDecimal: true });

// ---- the tools ----

const obj = (properties, more) => ({ type: "object", properties, ...more });
const hard = {
	empty: obj({}),
	nothing: {},
	scalars: obj({ a: { type: "boolean" }, b: { type: "integer" }, c: { type: "number" }, d: { type: "float" }, e: { type: "null" } }, { required: ["a", "e"] }),
	formats: obj(Object.fromEntries(["date", "date-time", "duration", "ipv4", "ipv6", "decimal", "uri", "email", "time"].map((f, i) => ["f" + i, { type: "string", format: f }]))),
	enums: obj({ a: { type: "string", enum: ["x", "y", "x y", "\"", "\u00e9"] }, b: { type: "integer", enum: [1, 2] }, c: { enum: ["x"] }, d: { const: 1 } }),
	objects: obj({ o: obj({ p: obj({ q: { type: "string", enum: ["1"] } }, { required: ["q"] }) }), e: { type: "object" } }),
	tags: obj({ a: obj({ k: { type: "string" } }, { additionalProperties: { type: "integer" } }), b: { type: "object", additionalProperties: {} }, c: { type: "object", additionalProperties: true }, d: { type: "object", additionalProperties: obj({ x: { type: "string", enum: ["y"] } }) } }),
	arrays: obj({ a: { type: "array" }, b: { type: "array", items: true }, c: { type: "array", items: { type: "array", items: { type: "string", enum: ["z"] } } }, d: { type: "array", items: obj({ k: { type: "number" } }) } }),
	tuples: obj({ a: { type: "array", prefixItems: [{ type: "string" }, obj({ x: { type: "integer" } })], items: false }, b: { type: "array", prefixItems: [{ type: "string" }], items: { type: "string" } }, c: { type: "array", prefixItems: [{ type: "string" }], items: { type: "integer" } }, d: { type: "array", prefixItems: [], items: false }, e: { type: "array", prefixItems: [{ type: "string" }] } }),
	unions: obj({ a: { type: ["string", "null"] }, b: { anyOf: [{ type: "string", enum: ["k"] }, obj({ z: { type: "string" } })] }, c: { oneOf: [{ type: "integer" }, { anyOf: [{ type: "string" }, { type: "boolean" }] }] }, d: { type: ["object", "array"], properties: { i: { type: "integer" } }, items: { type: "string" } }, e: { type: [] } }),
	mixed: obj({ a: { type: "string", anyOf: [{ minLength: 1 }] }, b: { allOf: [{ type: "string" }] }, c: { anyOf: [{ type: "string" }], oneOf: [{ type: "integer" }] }, d: { not: {} } }),
	defs: obj({ a: { $ref: "#/$defs/s" }, b: { $ref: "#/$defs/e" }, c: { type: "array", items: { $ref: "#/$defs/o" } } }, { $defs: { s: { type: "string" }, e: { type: "string", enum: ["v"] }, o: obj({ k: { $ref: "#/$defs/e" } }), u: { anyOf: [{ $ref: "#/$defs/o" }, { type: "null" }] } } }),
	tree: obj({ n: { $ref: "#/$defs/n" } }, { $defs: { n: obj({ c: { type: "array", items: { $ref: "#/$defs/n" } } }, { additionalProperties: { type: "string" } }) } }),
	shadow: obj({ duration: { type: "string", enum: ["1h"] }, d: { type: "string" } }),
	required: obj({ a: { type: "string" } }, { required: ["a", "zz"], additionalProperties: true }),
	// what the generator refuses
	"create-issue": obj({ a: { type: "string" } }),
	"files/read": obj({ path: { type: "string" } }),
	in: obj({ a: { type: "string" } }),
	dash: obj({ "file-path": { type: "string" }, $x: { type: "string" }, if: { type: "string", enum: ["then"] } }),
	booleans: obj({ a: true, b: false }),
	types: obj({ a: { type: "text" }, b: { type: 3 }, c: { type: "string", enum: ["a", 1] }, d: { type: "string", enum: [] } }),
	refs: obj({ a: { $ref: "#/$defs/none" }, b: { $ref: "http://example.org/x" } }, { $defs: { x: { type: "string" } } }),
	circle: obj({ n: { $ref: "#/$defs/n" } }, { $defs: { n: obj({ c: { $ref: "#/$defs/n" } }) } }),
	clash: obj({ f: obj({}), g: { type: "array", items: { $ref: "#/$defs/f" } } }, { $defs: { f: obj({ k: { type: "string" } }), l: { type: "array", items: { type: "string", enum: ["q"] } } } }),
	builtin: obj({ String: { type: "string", enum: ["s"] }, Set: obj({}) }),
	shadowed: obj({ duration: { type: "string", enum: ["1h"] }, e: { type: "string", format: "duration" } }),
};

let seed = 20260101;
const roll = (n) => {
	seed = (seed * 1103515245 + 12345) % 2147483648;
	return Math.floor((seed / 2147483648) * n);
};
const pick = (list) => list[roll(list.length)];
const names = ["a", "b", "target", "mode", "limit", "a_b", "filter", "inner", "x-y", "duration"];

function madeUp(depth, defs) {
	const kinds = ["boolean", "integer", "number", "string", "string", "format", "enum", "null", "ref", "none"];
	if (depth > 0) {
		kinds.push("object", "object", "tagged", "array", "array", "tuple", "types", "anyOf");
	}
	const inner = () => madeUp(depth - 1, defs);
	switch (pick(kinds)) {
	case "format": return { type: "string", format: pick(["date", "ipv4", "duration", "uri", "decimal"]) };
	case "enum": return { type: "string", enum: ["u", "v", "w"].slice(0, 1 + roll(3)) };
	case "ref": return defs.length ? { $ref: "#/$defs/" + pick(defs) } : { type: "string" };
	case "none": return pick([{}, { const: 1 }, { allOf: [{ type: "string" }] }]);
	case "object": return madeUpObject(depth, defs);
	case "tagged": return { ...madeUpObject(depth, defs), additionalProperties: inner() };
	case "array": return { type: "array", items: inner() };
	case "tuple": return { type: "array", prefixItems: [inner(), inner()], items: pick([false, false, true, { type: "string" }]) };
	case "types": return { type: ["string", pick(["null", "integer", "array"])], items: inner() };
	case "anyOf": return { [pick(["anyOf", "oneOf"])]: [inner(), inner()] };
	case "boolean": return { type: "boolean" };
	case "integer": return { type: "integer" };
	case "number": return { type: "number" };
	case "null": return { type: "null" };
	}
	return { type: "string" };
}
function madeUpObject(depth, defs) {
	const properties = {};
	for (let i = roll(4); i > 0; i--) {
		properties[pick(names.slice(0, roll(20) ? 8 : 10))] = madeUp(depth - 1, defs);
	}
	return obj(properties, roll(2) ? { required: Object.keys(properties).filter(() => roll(2)) } : {});
}
function madeUpTool(i) {
	const defs = ["d0", "d1"].slice(0, roll(3));
	const schema = madeUpObject(4, defs);
	if (defs.length) {
		schema.$defs = Object.fromEntries(defs.map((d) => [d, madeUp(2, roll(3) ? [] : defs)]));
	}
	return { name: "made_up_" + i, inputSchema: schema };
}

const fromCatalogs = execFileSync(ask, ["tools", ...files], { encoding: "utf8", maxBuffer: 1 << 26 });
const tools = fromCatalogs.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line));
const nCatalog = tools.length;
for (const [name, inputSchema] of Object.entries(hard)) {
	tools.push({ name, inputSchema });
}
for (let i = 0; i < Number(count); i++) {
	tools.push(madeUpTool(i));
}

// ---- both as one form: every name in full, sorted ----

const builtin = new Set(["Bool", "Boolean", "Long", "String", "decimal", "datetime", "duration", "ipaddr"]);

function fullType(type, space, declared) {
	const name = (n) => {
		if (n.startsWith("__cedar::")) {
			return n.slice(9);
		}
		if (declared.has(space + "::" + n)) {
			return space + "::" + n;
		}
		return n === "Boolean" ? "Bool" : n;
	};
	switch (type.type) {
	case "Set": return { set: fullType(type.element, space, declared) };
	case "Record": return {
		record: Object.fromEntries(Object.keys(type.attributes ?? {}).sort().map((k) => {
			const { required, annotations, ...rest } = type.attributes[k];
			return [k, [required ?? true, fullType(rest, space, declared)]];
		})),
	};
	case "EntityOrCommon": case "Entity": return name(type.name);
	case "Extension": return type.name;
	}
	return builtin.has(type.type) || type.type === "Boolean" ? name(type.type) : name(type.type);
}

function form(json, tool) {
	const declared = new Set();
	for (const [space, ns] of Object.entries(json)) {
		for (const k of [...Object.keys(ns.entityTypes ?? {}), ...Object.keys(ns.commonTypes ?? {})]) {
			declared.add(space + "::" + k);
		}
	}
	const out = {};
	for (const [space, ns] of Object.entries(json)) {
		for (const [k, e] of Object.entries(ns.entityTypes ?? {})) {
			out[`entity ${space}::${k}`] = e.enum ?? [
				fullType(e.shape ?? { type: "Record", attributes: {} }, space, declared),
				e.tags ? fullType(e.tags, space, declared) : null,
			];
		}
		for (const [k, t] of Object.entries(ns.commonTypes ?? {})) {
			const { annotations, ...rest } = t;
			out[`type ${space}::${k}`] = fullType(rest, space, declared);
		}
	}
	const a = json.Remit.actions[tool];
	out.action = fullType(a.appliesTo.context, "Remit", declared);
	return out;
}

const lines = tools.map((t) => JSON.stringify(t)).join("\n") + "\n";
const ours = execFileSync(ask, [], { input: lines, encoding: "utf8", maxBuffer: 1 << 30 }).trim().split("\n");
let equal = 0, escaped = 0, bad = 0;
const refusals = new Map();

function complain(i, what, ...more) {
	if (bad++ < 5) {
		console.log(`${tools[i].name}: ${what}\n  ${JSON.stringify(tools[i].inputSchema)}`, ...more);
	}
}

tools.forEach((tool, i) => {
	let theirs = JSON.parse(generator.generateSchema(stub, JSON.stringify([tool]), config));
	let why = theirs.error;
	if (theirs.isOk) {
		for (const schema of [JSON.parse(theirs.schemaJson), theirs.schema]) {
			const parsed = cedar.checkParseSchema(schema);
			if (parsed.type !== "success") {
				why = "no schema for Cedar: " + parsed.errors[0].message;
				theirs = { isOk: false };
				break;
			}
		}
	}
	if (ours[i].startsWith("null")) {
		complain(i, "ours is no schema: " + ours[i]);
		return;
	}
	const mine = JSON.parse(ours[i]);
	const taken = cedar.checkParseSchema(mine);
	if (taken.type !== "success") {
		complain(i, "the reference refuses ours: " + JSON.stringify(taken.errors[0].message));
		return;
	}
	if (!theirs.isOk) {
		refusals.set(why.replace(/["'`][^"'`]*["'`]/g, "...").slice(0, 60), tool.name);
		escaped++;
		return;
	}
	const a = form(JSON.parse(theirs.schemaJson), tool.name);
	const b = form(mine, tool.name);
	if (!isDeepStrictEqual(a, b)) {
		complain(i, "differs", "\n  theirs", JSON.stringify(a), "\n  ours  ", JSON.stringify(b));
		return;
	}
	equal++;
});

console.log(`${nCatalog} tools of catalogs, ${Object.keys(hard).length} hard schemas, ${count} made up: ` +
	`${equal} equal, ${escaped} that the generator refuses, ${bad} wrong`);
for (const [why, name] of refusals) {
	console.log(`  refused: ${why} (${name})`);
}
// Names that are no identifiers, and no more than the table says: most must be comparable.
if (equal < tools.length / 2) {
	console.log("too few were compared");
	bad++;
}
process.exit(bad ? 1 : 0);
