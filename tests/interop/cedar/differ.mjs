// SPDX-License-Identifier: Apache-2.0
// differ.mjs - random policies and requests, answered by us and by the reference.
//
// usage: differ.mjs ASK-BINARY [COUNT [SEED]]
// Skips (77) without the reference; see reference.mjs. Compared are refusal, decision, determining policies, failing policies
// and the classes of their errors.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { seeded } from "./random.mjs";
import { loadReference } from "./reference.mjs";

const [ask, countArg, seedArg] = process.argv.slice(2);
const cedar = loadReference();
const count = Number(countArg ?? 2000);
const seed = Number(seedArg ?? 1);

const { below, pick, maybe } = seeded(seed);

const uids = ['U::"a"', 'U::"b"', 'G::"g"', 'G::"h"', 'N::R::"r"', 'Action::"do"', 'Z::"missing"'];
const attrs = ["n", "s", "b", "e", "l", "r", "ip", "dec", "dt", "du", "nope", "principal", "when"];
const strings = ['""', '"a"', '"abc"', '"a*c"', '"\\u{1F600}"', '"\\x41\\t"', '"t"', '"1.5"', '"10.0.0.1"',
	'"2024-02-29"', '"1h"', '"n"'];
const longs = ["0", "1", "2", "5", "-1", "9223372036854775807", "-9223372036854775808", "007"];
const patterns = ['"*"', '"a*"', '"*c"', '"a\\*c"', '"a*b*c"', '""', '"**"', '"*\\u{1F600}"'];
const ips = ['"10.0.0.0/8"', '"10.0.0.1"', '"::1"', '"ff00::/8"', '"127.0.0.1/7"', '"0.0.0.0/0"', '"1.2.3"',
	'"::/0"', '"1:2:3:4:5:6:7::"', '"::1:2:3:4:5:6:7:8"', '"1::2::3"', '"224.0.0.1"', '"01.2.3.4"', '"::ffff"',
	'"1.2.3.4/"', '"1.2.3.4/032"'];
const decimals = ['"1.5"', '"-0.0001"', '"1"', '"00.10"', '"922337203685477.5807"', '"-922337203685477.5808"',
	'"922337203685477.5808"', '"1.23456"', '".5"', '"1."', '"+1.0"', '"-0.0"'];
const datetimes = ['"2024-02-29"', '"1969-12-31T23:59:59.999Z"', '"0000-01-01"', '"9999-12-31T23:59:59.999-2359"',
	'"2023-02-29"', '"2024-01-01T00:00:00+0100"', '"2024-01-01T24:00:00Z"', '"2024-01-01T00:00:00"', '"x"'];
const durations = ['"1d2h3m4s5ms"', '"-1h"', '"0ms"', '"9223372036854775807ms"', '"-9223372036854775808ms"',
	'"1h1d"', '""', '"106751991168d"', '"-106751991167d"', '"1m"', '"-1ms"'];

function literal() {
	return pick(() => pick(...longs), () => pick(...strings), () => pick("true", "false"), () => pick(...uids))();
}
function variable() {
	return pick("principal", "resource", "context", "context", "action", 'U::"a"');
}
function path(depth) {
	let x = maybe(0.8) ? variable() : primary(depth - 1);
	for (let i = below(3); i >= 0; i--) {
		x += maybe(0.85) ? "." + pick(...attrs) : `[${pick(...strings)}]`;
	}
	return x;
}
function extension(depth) {
	return pick(
		() => `ip(${pick(...ips)})`,
		() => `decimal(${pick(...decimals)})`,
		() => `datetime(${pick(...datetimes)})`,
		() => `duration(${pick(...durations)})`,
		() => `${pick("ip", "decimal", "datetime", "duration")}(${expr(depth - 1)})`,
		() => path(depth),
	)();
}
function method(depth) {
	return pick(
		() => `${expr1(depth)}.contains(${expr(depth - 1)})`,
		() => `${expr1(depth)}.${pick("containsAll", "containsAny")}(${expr(depth - 1)})`,
		() => `${set(depth)}.${pick("containsAll", "containsAny")}(${set(depth)})`,
		() => `${expr1(depth)}.isEmpty()`,
		() => `${variable()}.${pick("getTag", "hasTag")}(${pick(...strings)})`,
		() => `${extension(depth)}.${pick("isIpv4", "isIpv6", "isLoopback", "isMulticast")}()`,
		() => `${extension(depth)}.isInRange(${extension(depth)})`,
		() => `ip(${pick(...ips)}).isInRange(ip(${pick(...ips)}))`,
		() => `${extension(depth)}.${pick("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual")}(${extension(depth)})`,
		() => `decimal(${pick(...decimals)}).${pick("lessThan", "greaterThanOrEqual")}(decimal(${pick(...decimals)}))`,
		() => `datetime(${pick(...datetimes)}).offset(duration(${pick(...durations)}))`,
		() => `datetime(${pick(...datetimes)}).durationSince(datetime(${pick(...datetimes)}))`,
		() => `${extension(depth)}.${pick("toDate", "toTime", "toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays")}()`,
		() => `datetime(${pick(...datetimes)}).offset(duration(${pick(...durations)})).${pick("toDate", "toTime")}()`,
		() => `duration(${pick(...durations)}).${pick("toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays")}()`,
	)();
}
function set(depth) {
	const items = [];
	for (let i = below(4); i > 0; i--) items.push(expr(depth - 1));
	return `[${items.join(", ")}${items.length && maybe(0.1) ? "," : ""}]`;
}
function record(depth) {
	const items = [];
	for (let i = below(3); i > 0; i--) {
		items.push(`${maybe(0.7) ? pick(...attrs) : pick(...strings)}: ${expr(depth - 1)}`);
	}
	return `{${items.join(", ")}}`;
}
function primary(depth) {
	if (depth <= 0) return maybe(0.6) ? literal() : variable();
	return pick(literal, () => path(depth), () => set(depth), () => record(depth), () => `(${expr(depth - 1)})`,
		() => method(depth), () => extension(depth))();
}
const expr1 = (depth) => maybe(0.5) ? path(depth) : primary(depth);
function operand(depth) {
	const x = primary(depth);
	return maybe(0.1) ? pick("-", "--", "!", "!!") + x : x;
}
function relation(depth) {
	return pick(
		() => `${operand(depth)} ${pick("==", "!=", "<", "<=", ">", ">=")} ${operand(depth)}`,
		() => `${variable()} ${pick("==", "in")} ${pick(...uids)}`,
		() => `${operand(depth)} in ${operand(depth)}`,
		() => `${variable()} in [${pick(...uids)}, ${pick(...uids)}]`,
		() => `${operand(depth)} ${pick("+", "-", "*")} ${operand(depth)} ${pick("<", "==", ">")} ${operand(depth)}`,
		() => `${expr1(depth)} has ${pick(...attrs)}${maybe(0.4) ? "." + pick(...attrs) : ""}`,
		() => `${variable()} has ${pick(...strings)}`,
		() => `${expr1(depth)} like ${pick(...patterns)}`,
		() => `${expr1(depth)} is ${pick("U", "G", "N::R", "Action")}${maybe(0.4) ? " in " + operand(depth) : ""}`,
		() => method(depth),
		() => "true",
	)();
}
function expr(depth) {
	if (depth <= 0) return primary(0);
	return pick(
		() => relation(depth),
		() => relation(depth),
		() => `${relation(depth)} ${pick("&&", "||")} ${relation(depth - 1)}`,
		() => `${relation(depth)} && ${relation(depth - 1)} || ${relation(depth - 1)}`,
		() => `(if ${relation(depth)} then ${expr(depth - 1)} else ${expr(depth - 1)})`,
		() => operand(depth),
		() => `${operand(depth)} ${pick("+", "-", "*")} ${operand(depth)}`,
	)();
}
// Mostly well-typed, so that evaluation goes deep instead of failing at once.
const typed = {
	long: (d) => d <= 0 ? pick("context.n", "principal.n", pick(...longs)) : pick(
		() => `(${typed.long(d - 1)} ${pick("+", "-", "*")} ${typed.long(d - 1)})`, () => "-" + typed.long(0),
		() => `${typed.duration(d - 1)}.${pick("toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays")}()`,
		() => `(if ${typed.bool(d - 1)} then ${typed.long(d - 1)} else ${typed.long(d - 1)})`,
		() => `${typed.record(d - 1)}.n`)(),
	string: (d) => d <= 0 ? pick("context.s", "principal.s", pick(...strings))
		: pick(() => `(if ${typed.bool(d - 1)} then ${typed.string(d - 1)} else ${typed.string(d - 1)})`,
			() => `${typed.entity(d - 1)}.getTag("t")`, () => typed.string(0))(),
	entity: (d) => d <= 0 ? pick("principal", "resource", "action", "context.e", "principal.e", "context.r.e", pick(...uids))
		: pick(() => `${typed.entity(d - 1)}.e`, () => typed.entity(0))(),
	record: (d) => pick(() => "context", () => "context.r", () => "context.r.r",
		() => `{n: ${typed.long(d - 1)}, s: ${typed.string(d - 1)}, "e": ${typed.entity(d - 1)}}`)(),
	duration: (d) => d <= 0 ? pick("context.du", `duration(${pick(...durations.slice(0, 4))})`)
		: `${typed.datetime(d - 1)}.${pick("toTime()", `durationSince(${typed.datetime(d - 1)})`)}`,
	datetime: (d) => d <= 0 ? pick("context.dt", `datetime(${pick(...datetimes.slice(0, 4))})`)
		: `${typed.datetime(d - 1)}.${pick("toDate()", `offset(${typed.duration(d - 1)})`)}`,
	decimal: () => pick("context.dec", "principal.dec", `decimal(${pick(...decimals.slice(0, 6))})`),
	ip: () => pick("context.ip", "principal.ip", `ip(${pick(...ips.slice(0, 9))})`),
	set: (d) => pick(() => "context.l", () => `[${typed.long(d - 1)}, ${typed.long(d - 1)}, 1]`,
		() => `[${typed.string(d - 1)}, "a"]`, () => `[${typed.entity(d - 1)}]`, () => `[${typed.set(0)}]`, () => "[]",
		() => `[${typed.record(d - 1)}, ${typed.record(d - 1)}]`)(),
	any: (d) => typed[pick("long", "string", "entity", "record", "duration", "datetime", "decimal", "ip", "set", "bool")](d),
	bool: (d) => d <= 0 ? pick("true", "false", "context.b", "context has n", "principal has e.n") : pick(
		() => `${typed.long(d - 1)} ${pick("==", "!=", "<", "<=", ">", ">=")} ${typed.long(d - 1)}`,
		() => `${typed.duration(d - 1)} ${pick("<", "==", ">=")} ${typed.duration(d - 1)}`,
		() => `${typed.datetime(d - 1)} ${pick("<=", "!=", ">")} ${typed.datetime(d - 1)}`,
		() => `${typed.any(d - 1)} ${pick("==", "!=")} ${typed.any(d - 1)}`,
		() => `${typed.string(d - 1)} like ${pick(...patterns)}`,
		() => `${typed.string(d - 1)} == ${typed.string(d - 1)}`,
		() => `${typed.entity(d - 1)} in ${pick(typed.entity(d - 1), `[${typed.entity(d - 1)}, ${typed.entity(0)}]`)}`,
		() => `${typed.entity(d - 1)} is ${pick("U", "G", "N::R")}${maybe(0.5) ? " in " + typed.entity(0) : ""}`,
		() => `${pick("context", "principal", "context.r", "resource")} has ${pick(...attrs)}${maybe(0.3) ? "." + pick(...attrs) : ""}`,
		() => `${typed.decimal()}.${pick("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual")}(${typed.decimal()})`,
		() => `${typed.ip()}.${pick("isIpv4()", "isIpv6()", "isLoopback()", "isMulticast()", `isInRange(${typed.ip()})`)}`,
		() => `${typed.set(d - 1)}.contains(${typed.any(d - 1)})`,
		() => `${typed.set(d - 1)}.${pick("containsAll", "containsAny")}(${typed.set(d - 1)})`,
		() => `${typed.set(d - 1)}.isEmpty()`,
		() => `${typed.entity(d - 1)}.hasTag(${typed.string(0)})`,
		() => `(${typed.bool(d - 1)} ${pick("&&", "||")} ${typed.bool(d - 1)})`,
		() => `!(${typed.bool(d - 1)})`,
	)(),
};
function condition() {
	return maybe(0.6) ? typed.bool(1 + below(4)) : expr(1 + below(3));
}
function scope(name) {
	return pick(
		() => name,
		() => `${name} == ${name === "action" ? 'Action::"do"' : pick('U::"a"', 'N::R::"r"', 'Z::"missing"')}`,
		() => `${name} in ${name === "action" ? pick('Action::"do"', '[Action::"do", Action::"x"]', "[]") : pick('G::"g"', 'G::"h"')}`,
		() => name === "action" ? name : `${name} is ${pick("U", "N::R")}${maybe(0.5) ? " in " + pick('G::"g"', 'G::"h"') : ""}`,
	)();
}
function policy() {
	const head = maybe(0.6) ? ["principal", "action", "resource"]
		: [scope("principal"), scope("action"), scope("resource")];
	let text = `${maybe(0.1) ? '@id("x")\n' : ""}${maybe(0.7) ? "permit" : "forbid"}(${head.join(", ")})`;
	for (let i = maybe(0.9) ? 1 + below(2) : 0; i > 0; i--) {
		text += ` ${maybe(0.8) ? "when" : "unless"} { ${condition()} }`;
	}
	return text + ";\n";
}
const tokens = ["(", ")", "{", "}", "[", "]", ",", ";", ".", "::", ":", "==", "=", "!", "-", "&&", "in", "has", "is",
	"if", "then", "else", "like", '"x"', "1", "principal", "?principal", "@a", "/", "%", "\\", "\u00a0", "//x\n", "true",
	"when", "__cedar", "ip", "?x", "&", "|", "<", "'", "\ufeff", "\u2003", "\r", "'\\''", '"\\', "99999999999999999999"];
function mutated(text) {
	const pieces = text.match(/"(\\.|[^"\\])*"|\w+|\s+|::|==|&&|\|\||./gsu) ?? [];
	for (let i = 1 + below(2); i > 0 && pieces.length; i--) {
		const at = below(pieces.length);
		if (maybe(0.5)) {
			// Often harmless.
			pieces.splice(at, 0, pick(" ", "\n", "//x\n", "\u00a0", "\u2003", "\u0085", "\r\n", ",", "!", "-", "\u200b"));
			continue;
		}
		pick(() => pieces.splice(at, 1), () => pieces.splice(at, 0, pick(...tokens)),
			() => pieces.splice(at, 1, pick(...tokens)),
			() => pieces.splice(at, 0, pieces[below(pieces.length)]))();
	}
	return pieces.join("");
}

const extn = (fn, arg) => ({ __extn: { fn, arg } });
const entity = (type, id) => ({ __entity: { type, id } });
function fields() {
	const all = {
		n: pick(1, 5, -3, 9007199254740991), s: pick("a", "abc", "a*c", "1.5", "10.0.0.1", "😀", ""), b: maybe(0.5),
		e: entity(...pick(["U", "b"], ["G", "g"], ["Z", "missing"], ["N::R", "r"])),
		l: pick([], [1, 2], ["a", "abc"], [true, 1], [entity("G", "g")], [[1], [1]]),
		r: { n: 1, r: { n: 2, s: "x" }, e: entity("U", "a") },
		ip: extn("ip", pick("10.0.0.1", "::1", "10.0.0.0/8")), dec: extn("decimal", pick("1.5", "-0.0001")),
		dt: extn("datetime", pick("2024-02-29", "1969-12-31T23:00:00Z")), du: extn("duration", pick("1h", "-1ms")),
		principal: 1, when: "x",
	};
	for (const name of Object.keys(all)) if (maybe(0.3)) delete all[name];
	return all;
}
const uid = (type, id) => ({ type, id });
function request() {
	const entities = [
		{ uid: uid("U", "a"), attrs: fields(), parents: [uid("G", "g")], tags: { t: "v", a: 1 } },
		{ uid: uid("U", "b"), attrs: fields(), parents: [uid("U", "a")] },
		{ uid: uid("G", "g"), attrs: {}, parents: maybe(0.5) ? [uid("G", "h")] : [] },
		{ uid: uid("N::R", "r"), attrs: fields(), parents: maybe(0.5) ? [uid("G", "h")] : [] },
		{ uid: uid("Action", "do"), attrs: {}, parents: [uid("Action", "x")] },
	].filter(() => maybe(0.9));
	return {
		entities, principal: pick(uid("U", "a"), uid("U", "b")), action: uid("Action", "do"),
		resource: pick(uid("N::R", "r"), uid("U", "b"), uid("Z", "missing")), context: fields(),
	};
}
function testCase(i) {
	let policies = "";
	for (let k = pick(1, 1, 2, 3, 8); k > 0; k--) policies += policy();
	if (i % 4 === 0) policies = mutated(policies);
	return { policies, ...request() };
}

const classes = [
	["type error", "type"], ["integer overflow", "overflow"], ["does not have the tag", "tag"],
	["does not have the attribute", "attr"], ["wrong number of arguments", "arity"],
	["error while evaluating", "extension"], ["does not exist", "entity"], ["recursion limit", "limit"],
];
const classOf = (error) => {
	// The first line of the error's own text, behind the name of the policy.
	return classes.find(([words]) => error.includes(words))?.[1] ?? "?";
};
const order = (list) => list.sort((a, b) => Number(a.slice(6).split(":")[0]) - Number(b.slice(6).split(":")[0]));
function reference(c) {
	const got = cedar.isAuthorized({ ...c, policies: { staticPolicies: c.policies } });
	if (got.type === "failure") {
		const text = JSON.stringify(got.errors);
		return [/polic(y|ies)/.test(text) ? "refused" : "failed", text];
	}
	const { decision, diagnostics } = got.response;
	const errors = diagnostics.errors.map((e) => `${e.policyId}:${classOf(e.error.message)}`);
	return [`${decision} [${order(diagnostics.reason)}] {${order(errors)}}`, JSON.stringify(diagnostics.errors)];
}

const child = spawn(ask, [], { stdio: ["pipe", "pipe", "inherit"] });
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
const seen = {};
let different = 0;
for (let i = 0; i < count; i++) {
	const c = testCase(i);
	child.stdin.write(JSON.stringify(c) + "\n");
	const ours = (await lines.next()).value;
	const [theirs, detail] = reference(c);
	const kind = theirs.split(" ")[0] + (theirs.includes(":") ? " with errors" : "");
	seen[kind] = (seen[kind] ?? 0) + 1;
	if (ours !== theirs && ++different <= 20) {
		console.log(`different: case ${i}\n${JSON.stringify(c, null, 0)}\n${c.policies}ours   ${ours}\ntheirs ${theirs} ${detail}\n`);
	}
}
child.stdin.end();
console.log(`seed ${seed}: ${count} cases, ${different} different; answers of the reference: ${JSON.stringify(seen)}`);
process.exit(different ? 1 : 0);
