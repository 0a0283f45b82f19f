// SPDX-License-Identifier: Apache-2.0
// differ_validate.mjs - random schemas and policies, validated by us and by the reference.
//
// usage: differ_validate.mjs ASK-VALIDATE-BINARY [COUNT [SEED]]
// Skips (77) without the reference; see reference.mjs. Compared are refusal of the schema, the strict verdict, the
// classes of errors and the warning of impossible policies.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { seeded } from "./random.mjs";
import { loadReference } from "./reference.mjs";

const [ask, countArg, seedArg] = process.argv.slice(2);
const cedar = loadReference();
const count = Number(countArg ?? 2000);
const seed = Number(seedArg ?? 1);

const { below, pick, maybe } = seeded(seed);

// ---- policies over one schema that has everything ----

const full = `
type Rec = { k: Long, o?: Long, deep?: { z?: String } };
entity G in [G];
entity U in [G] = { x: Long, y?: Long, name: String, boss?: U, r: Rec, opt?: Rec, fs: Set<U>, b: Bool,
	dec?: decimal, act?: Action } tags Long;
entity R in [R, G] = { owner: U, e?: E, ip: ipaddr, at: datetime, du: duration, ls: Set<Long> } tags Set<String>;
entity E enum ["on", "off"];
action all;
action read, list in all appliesTo { principal: U, resource: R, context: { n: Long, s?: String, who?: U, rec: Rec } };
action write in [all] appliesTo { principal: [U, G], resource: [R, E] };
action never in write;
namespace N { entity X in [U] = { x: String }; action do appliesTo { principal: [X, U], resource: X, context: Rec }; }
`;
const names = ["x", "y", "name", "boss", "r", "opt", "k", "o", "deep", "z", "owner", "e", "ip", "at", "n", "s",
	"who", "rec", "fs", "nope", "b", "dec", "ls", "du", "act"];
const uids = ['U::"a"', 'U::"b"', 'G::"g"', 'R::"r"', 'E::"on"', 'E::"no"', 'Action::"read"', 'Action::"all"',
	'Action::"nope"', 'N::X::"x"', 'N::Action::"do"', 'Zz::"z"', 'Action::"write"', 'Action::"never"'];
const types = ["U", "G", "R", "E", "N::X", "Zz", "Action", "N::Action"];

const paths = ["principal.x", "principal.y", "principal.name", "principal.boss", "principal.boss.y", "principal.r",
	"principal.r.o", "principal.opt", "principal.opt.deep.z", "principal.fs", "principal.b", "principal.dec",
	"resource.owner", "resource.owner.y", "resource.e", "resource.ip", "resource.at", "resource.du", "resource.ls",
	"context.n", "context.s", "context.who", "context.who.y", "context.rec", "context.rec.deep.z", "context.k",
	"principal.act", "action"];

function guard(path) { // the has-chain that makes the path safe, or something near it
	const parts = path.split(".");
	if (maybe(0.15)) return "true";
	const root = parts[0];
	if (parts.length < 2) return "true";
	if (maybe(0.6)) return `${root} has ${parts.slice(1).join(".")}`;
	return parts.slice(1).map((_, i) => `${parts.slice(0, i + 1).join(".")} has ${parts[i + 1]}`).join(" && ");
}
function atom(depth) {
	const r = below(10);
	if (r < 4) return pick(...paths);
	if (r < 5) return pick("principal", "action", "resource", "context");
	if (r < 6) return pick(...uids);
	if (r < 7) return pick("1", "-2", "true", "false", '"a"', '""');
	if (r < 8) return pick('ip("1.1.1.1")', 'decimal("1.5")', 'datetime("2024-01-01")', 'duration("1h")', 'ip("x")',
		"ip(principal.name)", 'duration("1h", "2h")', 'decimal("1")');
	if (depth > 0) return `(${any(depth - 1)})`;
	return pick("[]", "[1, 2]", '["a"]', "[principal]", "[principal, resource]", "{}", "{k: 1}", "{k: 1, o: 2}",
		'[Action::"read", Action::"write"]');
}
function any(depth) {
	if (depth <= 0) return atom(0);
	switch (below(9)) {
	case 0: return `[${any(depth - 1)}, ${any(depth - 1)}]`;
	case 1: return `{k: ${any(depth - 1)}, "o": ${any(depth - 1)}}`;
	case 2: return `(if ${bool(depth - 1)} then ${any(depth - 1)} else ${any(depth - 1)})`;
	case 3: return `(${any(depth - 1)}).${pick(...names)}`;
	case 4: return `${pick("principal", "resource", "principal.boss")}.getTag(${pick('"t"', "principal.name")})`;
	case 5: return `${num(depth - 1)} ${pick("+", "-", "*")} ${num(depth - 1)}`;
	case 6: return bool(depth - 1);
	case 7: return `${atom(1)}.${pick("toDate()", "toTime()", "toDays()", "offset(resource.du)",
		"durationSince(resource.at)")}`;
	default: return atom(depth);
	}
}
function num(depth) {
	return maybe(0.8) ? pick("1", "context.n", "principal.x", "principal.r.k", "context.k", "resource.owner.x") : `(${any(depth)})`;
}
function bool(depth) {
	if (depth <= 0) return pick("true", "false", "principal.b", "principal.x == 1", guard(pick(...paths)), "context.n < 3",
		`principal is ${pick(...types)}`, `action == ${pick(...uids)}`, `principal in ${pick(...uids)}`);
	switch (below(17)) {
	case 0: return `${bool(depth - 1)} && ${bool(depth - 1)}`;
	case 1: return `(${bool(depth - 1)} || ${bool(depth - 1)})`;
	case 2: return `!(${bool(depth - 1)})`;
	case 3: { const p = pick(...paths); return `${guard(p)} && ${p} == ${maybe(0.5) ? p : atom(1)}`; }
	case 4: { const p = pick(...paths); return `(${guard(p)} ${pick("&&", "||")} ${bool(depth - 1)}) && ${p} == ${atom(1)}`; }
	case 5: return `(if ${guard(pick(...paths))} then ${bool(depth - 1)} else ${bool(depth - 1)})`;
	case 6: return `${atom(1)} == ${atom(1)}`;
	case 7: return `${atom(1)} != ${atom(1)}`;
	case 8: return `${num(1)} ${pick("<", "<=", ">", ">=")} ${maybe(0.7) ? num(1) : atom(1)}`;
	case 9: return `${pick("principal", "resource", "action", atom(1))} in ${pick(...uids, "[" + uids.slice(0, 3).join(", ") + "]", "principal.fs",
		'[Action::"read", Action::"write"]', "resource", "[resource, resource.owner]", "[]")}`;
	case 10: return `${pick("principal", "resource", "action", atom(1))} is ${pick(...types)}${maybe(0.4) ? " in " + pick(...uids) : ""}`;
	case 11: return `${pick("[1, 2]", "principal.fs", "resource.ls", atom(1))}.${pick("contains", "containsAll", "containsAny")}(${pick("1", "[1]", "principal", "[principal]", atom(1))})`;
	case 12: return `${pick("principal", "resource", "context", "principal.r", "principal.boss", "resource.owner", atom(1))} has ${pick(...names)}`;
	case 13: { const t = pick('"t"', "principal.name", '"u"'); const on = pick("principal", "resource", "resource.owner");
		return `${on}.hasTag(${t}) && ${on}.getTag(${maybe(0.8) ? t : '"t"'}) == ${pick("1", '["a"]', atom(1))}`; }
	case 14: return `${pick("principal.name", "context.s", atom(1))} like "a*"`;
	case 15: return `${pick("resource.ip", atom(1))}.${pick("isIpv4()", 'isInRange(ip("1.0.0.0/8"))', "isLoopback()")}`;
	default: return `${pick("resource.ls", "principal.fs", atom(1))}.isEmpty()`;
	}
}
function scope(name) {
	const own = name === "action" ? ['Action::"read"', 'Action::"write"', 'Action::"nope"', 'Action::"all"', 'N::Action::"do"', 'Action::"never"'] : uids.filter((u) => !u.includes("Action"));
	const r = below(10);
	if (r < 5) return name;
	if (r < 7) return `${name} == ${pick(...own)}`;
	if (r < 8) return `${name} in ${pick(...own)}`;
	if (name === "action") return `action in [${[pick(...own), pick(...own)].slice(0, 1 + below(2)).join(", ")}]`;
	const type = pick("U", "G", "R", "E", "N::X", "Zz");
	return maybe(0.5) ? `${name} is ${type}` : `${name} is ${type} in ${pick(...own)}`;
}
function policy() {
	const typed = maybe(0.6);
	const head = typed ? 'principal is U, action == Action::"read", resource' : ["principal", "action", "resource"].map(scope).join(", ");
	let text = `${pick("permit", "forbid")}(${head})`;
	for (let i = below(3); i >= 0; i--) text += ` ${pick("when", "when", "unless")} { ${bool(1 + below(3))} }`;
	return text + ";";
}

// ---- schemas with something wrong ----

const tokens = ["entity", "type", "action", "namespace", "N", "U", "G", "Long", "String", "Set", "<", ">", "{", "}", "[", "]", ",", ";",
	":", "::", "?", "=", "in", "tags", "enum", '"a"', "appliesTo", "principal", "resource", "context", "@x", '("v")', "Action", "__cedar", "Bool", "ipaddr", "E", "Rec"];
function mutate() {
	const list = full.match(/"[^"]*"|[A-Za-z_][A-Za-z0-9_]*|::|[^\s]/g);
	for (let i = below(3); i >= 0; i--) {
		const at = below(list.length);
		const r = below(4);
		if (r === 0) list.splice(at, 1);
		else if (r === 1) list.splice(at, 0, pick(...tokens));
		else if (r === 2) list[at] = pick(...tokens);
		else list.splice(at, 0, list[below(list.length)]);
	}
	return list.join(" ");
}
// Small ones from scratch: names that clash, shadow, refer around.
const name = () => pick("A", "B", "C", "N::A", "N::B", "Long", "__cedar::Long", "Action", "Missing");
const type = (d) => d > 0 && maybe(0.4) ? pick(`Set<${type(d - 1)}>`, `{ a: ${type(d - 1)}, b?: ${type(d - 1)} }`) : name();
function declare() {
	const id = pick("A", "B", "C", "D", "Long", "Action");
	switch (below(4)) {
	case 0: return `type ${id} = ${type(2)};`;
	case 1: return `entity ${id}${maybe(0.3) ? ` in [${name()}]` : ""}${maybe(0.5) ? ` = { a: ${type(1)} }` : ""}${maybe(0.2) ? ` tags ${type(1)}` : ""};`;
	case 2: return `entity ${id} enum ["a"];`;
	default: return `action ${pick("a", "b", '"c"')}${maybe(0.4) ? ` in [${pick("a", "b", 'Action::"a"', 'N::Action::"b"')}]` : ""}${maybe(0.5) ? ` appliesTo { principal: [${name()}], resource: [${name()}], context: ${pick("{}", "{ a: A }", name())} }` : ""};`;
	}
}
function small() {
	let text = "";
	for (let i = below(3); i > 0; i--) text += declare() + " ";
	if (maybe(0.6)) { text += "namespace N { "; for (let i = below(4); i > 0; i--) text += declare() + " "; text += "} "; }
	return text;
}

// ---- comparing ----

const classes = [
	["empty set literals", "empty_set"], ["extension function argument validation", "argument"],
	["safety of access to tag", "unsafe_tag"], ["safety of access to optional attribute", "unsafe_attr"],
	["wrong number of arguments", "arity"], ["unrecognized entity type", "unknown_type"],
	["unrecognized action", "unknown_action"], ["find an applicable action", "no_action"],
	["non-literal expressions", "not_literal"], ["are not compatible", "incompatible"],
	["unexpected type", "type"], ["is of an enumerated entity type", "unknown_id"], ["not found", "no_attr"],
	["does not have tags", "no_tags"], ["cannot have tags", "no_tags"], ["may not exist", "no_attr"],
];
const order = ["unknown_type", "unknown_action", "unknown_id", "no_action", "type", "incompatible", "no_attr", "unsafe_attr",
	"unsafe_tag", "no_tags", "empty_set", "not_literal", "argument", "arity", "impossible"];
function reference(schema, policies) {
	if (cedar.checkParseSchema(schema).type !== "success") return "schema";
	const r = cedar.validate({ validationSettings: { mode: "strict" }, schema, policies: { staticPolicies: policies } });
	if (r.type !== "success") return r.errors.some((e) => /schema/.test(e.message)) ? "schema" : "policies";
	const found = new Set();
	for (const e of r.validationErrors) {
		const c = classes.find(([words]) => e.error.message.includes(words));
		found.add(c ? c[1] : "? " + e.error.message);
	}
	const valid = r.validationErrors.length ? "invalid" : "valid";
	if (r.validationWarnings.some((w) => w.error.message.includes("impossible"))) found.add("impossible");
	return [valid, ...order.filter((c) => found.has(c)), ...[...found].filter((c) => !order.includes(c))].join(" ");
}

const child = spawn(ask, { stdio: ["pipe", "pipe", "inherit"] });
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
let different = 0;
const seen = {};
for (let i = 0; i < count; i++) {
	const r = below(10);
	const schema = r < 7 ? full : r < 9 ? mutate() : small();
	const policies = r < 7 ? policy() : "permit(principal, action, resource);";
	const want = reference(schema, policies);
	child.stdin.write(JSON.stringify({ schema, policies }) + "\n");
	const answer = (await lines.next()).value ?? "no answer";
	const got = /^(schema|policies)/.test(answer) ? answer.split(" ")[0] : answer;
	seen[want.split(" ")[0]] = (seen[want.split(" ")[0]] ?? 0) + 1;
	// Two declarations of an attribute are refused here; the reference takes the last.
	if (got !== want && !/is there twice/.test(answer)) {
		if (different++ < 10) console.log(`${r < 7 ? policies : schema}\n  want ${want}\n  got  ${answer}`);
	}
}
child.stdin.end();
console.log(`${count} cases (seed ${seed}): ${different} different;`, JSON.stringify(seen));
process.exit(different ? 1 : 0);
