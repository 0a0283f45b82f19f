// SPDX-License-Identifier: Apache-2.0
// differ_whole.mjs - random schemas with policies, entities and requests that are made for them, put to us and to the reference.
//
// usage: differ_whole.mjs ASK-WHOLE-BINARY [COUNT [SEED]]
// Skips (77) without the reference; see reference.mjs. Everything is made along the schema, with a mistake here and there. Compared
// are the strict verdict on the policies with its classes of findings, and, with data read and checked by the schema, refusal of
// the data, or the decision, determining policies, failing policies and the classes of their errors.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { seeded } from "./random.mjs";
import { loadReference } from "./reference.mjs";

const [ask, countArg, seedArg] = process.argv.slice(2);
const cedar = loadReference();
const count = Number(countArg ?? 2000);
const seed = Number(seedArg ?? 1);

const { below, pick, maybe } = seeded(seed);
// Mistakes that people make, in some of the cases only: most should be good throughout.
let isSloppy = false;
const slips = (p) => isSloppy && maybe(p);
const some = (list, p) => list.filter(() => maybe(p));

// ---- a schema: entity types, common types, actions ----

const simple = ["Long", "String", "Bool", "ipaddr", "decimal", "datetime", "duration"];
const names = ["n", "name", "in", "a-b", "owner", "x", "like", "ip"];
const word = (name) => /^[A-Za-z_]\w*$/.test(name) && !["in", "like"].includes(name) ? name : JSON.stringify(name);

function someType(depth, world) {
	if (depth > 0 && maybe(0.15)) return { set: someType(depth - 1, world) };
	if (depth > 0 && maybe(0.2)) return { record: someFields(depth - 1, world) };
	return maybe(0.3) ? { entity: pick(...world.types) } : pick(...simple);
}
function someFields(depth, world) {
	return some(names, 0.35).map((name) => ({ name, is_optional: maybe(0.3), type: someType(depth, world) }));
}
const orNone = (list, world) => list.length || maybe(0.1) ? list : [world.types[0]];
function someSchema() {
	const world = { types: ["U", "G", "N::R", "E"].slice(0, 2 + below(3)), actions: [] };
	world.entities = Object.fromEntries(world.types.map((type) => [type, {
		fields: someFields(2, world), parents: some(world.types, 0.4).filter((t) => t !== "E"),
		tags: maybe(0.3) ? someType(1, world) : null,
	}]));
	if (world.entities.E) world.entities.E = { fields: [], parents: [], tags: null, ids: ["on", "off"] };
	for (const [i, id] of ["read", "do it", "N::write"].entries()) {
		if (i && maybe(0.3)) continue;
		world.actions.push({
			id, groups: i ? [] : some(["all"], 0.5), principals: orNone(some(world.types, 0.7), world), resources: orNone(some(world.types, 0.7), world),
			context: someFields(2, world),
		});
	}
	return world;
}
function typeText(t) {
	if (typeof t === "string") return t;
	if (t.entity) return t.entity;
	return t.set ? `Set<${typeText(t.set)}>` : fieldsText(t.record);
}
const fieldsText = (list) => `{ ${list.map((f) => `${word(f.name)}${f.is_optional ? "?" : ""}: ${typeText(f.type)}`).join(", ")} }`;
function entityText(type, e) {
	const name = type.replace("N::", "");
	if (e.ids) return `entity ${name} enum [${e.ids.map((id) => JSON.stringify(id)).join(", ")}];`;
	return `entity ${name}${e.parents.length ? ` in [${e.parents.join(", ")}]` : ""} = ${fieldsText(e.fields)}${
		e.tags ? ` tags ${typeText(e.tags)}` : ""};`;
}
function actionText(a) {
	const groups = a.groups.length ? ` in [${a.groups.join(", ")}]` : "";
	const id = a.id.replace("N::", "");
	if (!a.principals.length || !a.resources.length) return `action ${JSON.stringify(id)}${groups};`;
	return `action ${JSON.stringify(id)}${groups} appliesTo { principal: [${a.principals.join(", ")}], resource: [${
		a.resources.join(", ")}], context: ${fieldsText(a.context)} };`;
}
function schemaText(w) {
	const inside = (name) => name.startsWith("N::");
	const lines = [...w.types.map((t) => [t, entityText(t, w.entities[t])]), ...w.actions.map((a) => [a.id, actionText(a)])];
	return [`action all;`, ...lines.filter(([n]) => !inside(n)).map(([, x]) => x), "namespace N {",
		...lines.filter(([n]) => inside(n)).map(([, x]) => x), "}"].join("\n");
}
const actionUid = (id) => id.startsWith("N::") ? { type: "N::Action", id: id.slice(3) } : { type: "Action", id };

// ---- data ----

const texts = {
	ipaddr: ["10.0.0.1", "10.0.0.0/8", "::1", "1.2.3"], decimal: ["1.5", "-0.0001", "922337203685477.5807", "1"],
	datetime: ["2024-02-29", "1969-12-31T23:59:59.999Z", "2024-01-01T00:00:00+0100", "2023-02-29"],
	duration: ["1h", "-1d2h3m4s5ms", "0ms", "1h1d"],
};
const constructor = { ipaddr: "ip", decimal: "decimal", datetime: "datetime", duration: "duration" };
const good = (list) => slips(0.03) ? list.at(-1) : pick(...list.slice(0, -1));
const someId = (type) => type === "E" ? pick("on", "off", ...(slips(0.05) ? ["no"] : [])) : pick("a", "b", "c");
function value(t, w) {
	if (slips(0.01)) t = pick(...simple);
	if (t.entity) {
		const uid = { type: slips(0.02) ? pick(...w.types) : t.entity, id: someId(t.entity) };
		return maybe(0.5) ? uid : { __entity: uid };
	}
	if (t.set) return Array.from({ length: below(4) }, () => value(t.set, w));
	if (t.record) return record(t.record, w);
	if (t === "Long") return pick(0, 1, -1, 7, 9007199254740991);
	if (t === "String") return pick("", "a", "abc", "10.0.0.1", "é");
	if (t === "Bool") return maybe(0.5);
	const arg = good(texts[t]);
	return maybe(0.4) ? arg : { __extn: { fn: slips(0.01) ? "ip" : constructor[t], arg } };
}
function record(fields, w) {
	const all = {};
	for (const f of fields) {
		if (f.is_optional ? maybe(0.6) : !slips(0.01)) all[f.name] = value(f.type, w);
	}
	if (slips(0.01)) all[pick(...names)] = 1;
	return all;
}
function entities(w) {
	const list = [];
	for (const type of w.types) {
		for (const id of w.entities[type].ids ?? ["a", "b", "c"]) {
			if (maybe(0.2)) continue;
			const e = w.entities[type];
			const one = { uid: { type, id }, attrs: record(e.fields, w), parents: [] };
			// Parents have later names or types: no circles.
			for (const p of e.parents) {
				if (maybe(0.4) && w.types.indexOf(p) > w.types.indexOf(type)) one.parents.push({ type: p, id: someId(p) });
			}
			if (slips(0.005)) one.parents.push({ type: pick(...w.types), id: "z" });
			if (e.tags && maybe(0.7)) one.tags = Object.fromEntries(some(["t", "u"], 0.6).map((k) => [k, value(e.tags, w)]));
			if (!e.tags && slips(0.005)) one.tags = { t: 1 };
			list.push(one);
		}
	}
	return list;
}
function request(w) {
	const a = maybe(0.6) ? w.actions[0] : pick(...w.actions);
	const type = (list) => list.length && !slips(0.02) ? pick(...list) : pick(...w.types);
	const uid = (t) => ({ type: t, id: someId(t) });
	return {
		principal: uid(type(a.principals)), action: actionUid(a.id), resource: uid(type(a.resources)), context: record(a.context, w),
		entities: entities(w),
	};
}

// ---- policies, along the types ----

// A scene is what a policy's expressions can start from: name and type, and what was tested with has.
const literalUid = (type) => `${type}::"${someId(type)}"`;
function fieldsOf(t, w) {
	return t.record ?? (t.entity && w.entities[t.entity].fields) ?? [];
}
const member = (on, name) => word(name) === name ? `${on}.${name}` : `${on}[${JSON.stringify(name)}]`;
// All that can be read from a scene in up to three steps: [text, type, the tests that make it safe].
function reads(scene, w) {
	const out = scene.map(([text, type]) => [text, type, []]);
	for (let i = 0; i < out.length && out.length < 120; i++) {
		const [text, type, tests] = out[i];
		if (text.split(/[.[]/).length > 3) continue;
		for (const f of fieldsOf(type, w)) {
			const test = `${text} has ${word(f.name) === f.name ? f.name : JSON.stringify(f.name)}`;
			out.push([member(text, f.name), f.type, f.is_optional ? [...tests, test] : tests]);
		}
		const tags = type.entity && w.entities[type.entity].tags;
		if (tags) out.push([`${text}.getTag("t")`, tags, [...tests, `${text}.hasTag("t")`]]);
	}
	return out;
}
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
function literal(t, w) {
	if (t.entity) return literalUid(t.entity);
	if (t.set) return `[${literal(t.set, w)}, ${literal(t.set, w)}]`;
	if (t.record) return `{${t.record.filter((f) => !f.is_optional || maybe(0.5)).map((f) => `${JSON.stringify(f.name)}: ${literal(f.type, w)}`).join(", ")}}`;
	if (t === "Long") return pick("0", "1", "7", "-1", "9223372036854775807");
	if (t === "String") return pick('""', '"a"', '"abc"', '"10.0.0.1"');
	if (t === "Bool") return pick("true", "false");
	return `${constructor[t]}(${JSON.stringify(good(texts[t]))})`;
}
function term(t, scene, w, depth, tests) {
	const fitting = scene.filter(([, type]) => same(type, t));
	if (fitting.length && maybe(0.75)) {
		const [text, , needs] = pick(...fitting);
		tests.push(...needs);
		return text;
	}
	if (t === "Long" && depth > 0 && maybe(0.5)) {
		return `(${term(t, scene, w, depth - 1, tests)} ${pick("+", "-", "*")} ${term(t, scene, w, depth - 1, tests)})`;
	}
	if (t === "datetime" && depth > 0 && maybe(0.3)) {
		return `${term(t, scene, w, 0, tests)}.offset(${term("duration", scene, w, 0, tests)})`;
	}
	return slips(0.02) ? literal(pick(...simple), w) : literal(t, w);
}
function test(scene, w, depth) {
	const tests = [];
	const [text, t, needs] = pick(...scene);
	tests.push(...needs);
	const other = (type) => term(type, scene, w, depth, tests);
	let said;
	if (slips(0.02)) said = `${text} ${pick("<", "in", "like", "==")} ${pick('"a"', "1", "principal")}`;
	else if (maybe(0.1)) said = `${text} ${pick("==", "!=")} ${other(t)}`;
	else if (t === "Long") said = `${other(t)} ${pick("<", "<=", ">", ">=", "==", "!=")} ${text}`;
	else if (t === "String") said = pick(`${text} like "a*"`, `${text} == ${other(t)}`);
	else if (t === "Bool") said = text;
	else if (t === "ipaddr") said = pick(`${text}.isIpv4()`, `${text}.isInRange(${other(t)})`, `${text}.isLoopback()`);
	else if (t === "decimal") said = `${text}.${pick("lessThan", "greaterThanOrEqual")}(${other(t)})`;
	else if (t === "datetime") said = pick(`${text} < ${other(t)}`, `${text}.toTime() > ${other("duration")}`, `${text}.toDate() <= ${other(t)}`,
		`${text}.durationSince(${other(t)}).toDays() > ${other("Long")}`);
	else if (t === "duration") said = pick(`${text} >= ${other(t)}`, `${text}.toHours() < ${other("Long")}`);
	else if (t.set) said = pick(`${text}.contains(${other(t.set)})`, `${text}.${pick("containsAll", "containsAny")}(${other(t)})`, `${text}.isEmpty()`);
	else if (t.record) said = `${text} has ${(([n]) => word(n) === n ? n : JSON.stringify(n))([pick(...names)])}`;
	else said = pick(`${text} in ${literalUid(pick(...w.types))}`, `${text} is ${pick(...w.types)}`, `${text} == ${other(t)}`,
		`${text} in [${other(t)}, ${other(t)}]`, `${text} has ${pick("n", "owner", "x", "owner.x")}`, `${text}.hasTag("t")`,
		`${text} is ${pick(...w.types)} in ${literalUid(pick(...w.types))}`);
	const safe = slips(0.05) ? [] : [...new Set(tests)];
	return [...safe, said].join(" && ");
}
function condition(scene, w, depth) {
	if (depth <= 0 || maybe(0.4)) return test(scene, w, depth);
	const one = () => condition(scene, w, depth - 1);
	return pick(() => `(${one()}) && (${one()})`, () => `(${one()}) || (${one()})`, () => `!(${one()})`,
		() => `if ${one()} then ${one()} else ${one()}`)();
}
function policy(w) {
	const a = maybe(0.6) ? w.actions[0] : pick(...w.actions);
	const principal = a.principals.length ? pick(...a.principals) : "U";
	const resource = a.resources.length ? pick(...a.resources) : "U";
	const scene = reads([["principal", { entity: principal }], ["resource", { entity: resource }], ["context", { record: a.context }]], w);
	const uid = actionUid(a.id);
	const action = `${uid.type}::${JSON.stringify(uid.id)}`;
	const scope = (name, type) => pick(name, `${name} is ${type}`, `${name} is ${type}`, `${name} == ${literalUid(type)}`,
		`${name} is ${type} in ${literalUid(pick(...w.types))}`);
	const on = slips(0.05) ? pick("action", 'action in Action::"all"', 'action == Action::"nope"') : pick(`action == ${action}`, `action in [${action}]`);
	let text = `${maybe(0.7) ? "permit" : "forbid"}(${scope("principal", principal)}, ${on}, ${scope("resource", resource)})`;
	for (let i = below(3); i > 0 && maybe(0.8); i--) text += `\n\t${maybe(0.8) ? "when" : "unless"} { ${condition(scene, w, below(3))} }`;
	return `${text};\n`;
}

// ---- comparing ----

const evaluation = [
	["type error", "type"], ["integer overflow", "overflow"], ["does not have the tag", "tag"],
	["does not have the attribute", "attr"], ["wrong number of arguments", "arity"],
	["error while evaluating", "extension"], ["does not exist", "entity"], ["recursion limit", "limit"],
];
const validation = [
	["empty set literals", "empty_set"], ["extension function argument validation", "argument"],
	["safety of access to tag", "unsafe_tag"], ["safety of access to optional attribute", "unsafe_attr"],
	["wrong number of arguments", "arity"], ["unrecognized entity type", "unknown_type"],
	["unrecognized action", "unknown_action"], ["find an applicable action", "no_action"],
	["non-literal expressions", "not_literal"], ["are not compatible", "incompatible"],
	["unexpected type", "type"], ["is of an enumerated entity type", "unknown_id"], ["not found", "no_attr"],
	["does not have tags", "no_tags"], ["cannot have tags", "no_tags"], ["may not exist", "no_attr"],
];
const classOf = (classes, text) => classes.find(([words]) => text.includes(words))?.[1] ?? `? ${text}`;
const byNumber = (list) => list.sort((a, b) => Number(a.slice(6).split(":")[0]) - Number(b.slice(6).split(":")[0]));
function reference(schema, policies, r) {
	const parsed = cedar.checkParseSchema(schema);
	if (parsed.type !== "success") return ["schema", JSON.stringify(parsed)];
	const v = cedar.validate({ validationSettings: { mode: "strict" }, schema, policies: { staticPolicies: policies } });
	if (v.type !== "success") return ["policies", JSON.stringify(v.errors)];
	const found = new Set(v.validationErrors.map((e) => classOf(validation, e.error.message)));
	if (v.validationWarnings.some((x) => x.error.message.includes("impossible"))) found.add("impossible");
	const verdict = [v.validationErrors.length ? "invalid" : "valid", ...[...found].sort()].join(" ");
	const got = cedar.isAuthorized({ ...r, schema, validateRequest: true, policies: { staticPolicies: policies } });
	if (got.type === "failure") return [`${verdict} | data`, JSON.stringify(got.errors)];
	const { decision, diagnostics } = got.response;
	const errors = diagnostics.errors.map((e) => `${e.policyId}:${classOf(evaluation, e.error.message)}`);
	return [`${verdict} | ${decision} [${byNumber(diagnostics.reason)}] {${byNumber(errors)}}`, JSON.stringify(diagnostics.errors)];
}

const child = spawn(ask, [], { stdio: ["pipe", "pipe", "inherit"] });
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
const seen = {};
let different = 0;
for (let i = 0; i < count; i++) {
	isSloppy = false;
	const w = someSchema();
	const schema = schemaText(w);
	isSloppy = maybe(0.4);
	let policies = "";
	for (let k = pick(1, 2, 3); k > 0; k--) policies += policy(w);
	isSloppy = maybe(0.3);
	const r = request(w);
	child.stdin.write(JSON.stringify({ schema, policies, ...r }) + "\n");
	const ours = (await lines.next()).value ?? "no answer";
	const [theirs, detail] = reference(schema, policies, r);
	const kind = theirs.replace(/^(\w+)[^|]*/, "$1 ").replace(/\[.*\{\}/, "").replace(/\[.*/, "with errors").trim();
	seen[kind] = (seen[kind] ?? 0) + 1;
	if (ours.replace(/ \|: .*$/, " | data") !== theirs && ++different <= 10) {
		console.log(`different: case ${i}\n${schema}\n${policies}${JSON.stringify(r)}\nours   ${ours}\ntheirs ${theirs} ${detail}\n`);
	}
}
child.stdin.end();
console.log(`seed ${seed}: ${count} cases, ${different} different; answers of the reference: ${JSON.stringify(seen)}`);
process.exit(different ? 1 : 0);
