// SPDX-License-Identifier: Apache-2.0
// forms.mjs - policies as JSON, by us and by the reference.
//
// usage: forms.mjs CEDAR-C DATA-DIRECTORY [STEP]
// Of every STEP-th policy file of the public tests (and of a list of odd ones): our JSON is the
// reference's, the reference reads our text of that JSON as the same policy, and what we lay out is
// the same policy to it. Skips (77) without the reference or the data.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { loadReference } from "./reference.mjs";

const [cedarC, data, stepArg] = process.argv.slice(2);
const cedar = loadReference();
const archive = join(process.env.REMIT_CEDAR_CORPUS ?? data, "corpus-dev.tar.gz");

const odd = [
	`@id("a b") @flag @empty("") permit(principal is A::B in G::"x", action in [Action::"r"], resource == R::"1\\n");`,
	`forbid(principal, action, resource in ?resource);`,
	`permit(principal in ?principal, action == Action::"x", resource is A in ?resource) unless { context["a b"] };`,
	`permit(principal, action in [], resource) when { !!!true && -(1) < -1 && --1 == 1 && ((1 + 2) * 3 - 4) > 5 };`,
	`permit(principal, action in Action::"g", resource) when { "" like "" && "" like "*" && "" like "**a\\*\u{41}" };`,
	`permit(principal, action, resource) when { if true then [1, {a: 2, "b c": 3}] == [] else context has a.b.c };`,
	`permit(principal, action, resource) when { (true || false) && (false || (true || false)) };`,
	`permit(principal, action, resource) when { (if context.a then principal else resource).x.contains(1) };`,
	`permit(principal, action, resource) when { principal is U && principal is U in [G::"a", resource] };`,
	`permit(principal, action, resource) when { ip("::1").isInRange(ip("::/0")) && context.d.offset(duration("1h")).toDate() > datetime("2020-01-01") };`,
	`permit(principal, action, resource) when { principal.hasTag("a" ) && principal.getTag("a").isEmpty() };`,
	`permit(principal, action, resource) when { ((1 == 2) == true) && (-5).a && "x".b["c d"] && {a: 1}.a == 1 };`,
];

// The reference writes each escaped star as a literal of its own, and one literal may be several.
function plain(x) {
	if (Array.isArray(x)) {
		const out = [];
		for (const y of x) {
			if (y?.Literal !== undefined && out.at(-1)?.Literal !== undefined) {
				out.at(-1).Literal += y.Literal;
			} else {
				out.push(plain(y));
			}
		}
		return out;
	}
	if (x && typeof x === "object") {
		return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, plain(v)]));
	}
	return x;
}

function ours(args, input) {
	return execFileSync(cedarC, args, { input, encoding: "utf8", maxBuffer: 1 << 28 });
}

// What the reference says a text is: policies and templates as JSON, in order.
function theirs(text) {
	const parts = cedar.policySetTextToParts(text);
	if (parts.type !== "success") {
		return null;
	}
	const json = (list, turn) =>
		list.map((t) => {
			const r = turn(t);
			if (r.type !== "success") {
				throw new Error(JSON.stringify(r.errors));
			}
			return plain(r.json);
		});
	return {
		policies: json(parts.policies, cedar.policyToJson),
		templates: json(parts.policy_templates, cedar.templateToJson),
	};
}

const sorted = (list) => list.map((x) => JSON.stringify(x, order)).sort();
function order(_, v) {
	return v && typeof v === "object" && !Array.isArray(v)
		? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
		: v;
}
function same(a, b) {
	return isDeepStrictEqual(sorted(a.policies), sorted(b.policies)) &&
		isDeepStrictEqual(sorted(a.templates), sorted(b.templates));
}

let checked = 0;
let different = 0;
function check(name, text) {
	const want = theirs(text);
	if (!want) {
		return; // what it refuses, we do: differ.mjs
	}
	checked++;
	const json = ours(["translate-policy"], text);
	const set = JSON.parse(json);
	const got = {
		policies: Object.values(set.staticPolicies).map(plain),
		templates: Object.values(set.templates).map(plain),
	};
	const faults = [];
	if (!same(want, got)) {
		faults.push("JSON");
	}
	if (!same(want, theirs(ours(["translate-policy"], json)) ?? { policies: [], templates: [] })) {
		faults.push("text of JSON");
	}
	if (!same(want, theirs(ours(["format"], text)) ?? { policies: [], templates: [] })) {
		faults.push("layout");
	}
	if (faults.length && different++ < 10) {
		console.log(`${name}: ${faults.join(", ")} differ`);
	}
}

odd.forEach((text, i) => check(`odd ${i}`, text));
if (existsSync(archive)) {
	const dir = mkdtempSync(join(tmpdir(), "remit-forms-"));
	try {
		execFileSync("tar", ["-xzf", archive, "-C", dir]);
		const files = readdirSync(dir, { recursive: true }).filter((f) => f.endsWith(".cedar")).sort();
		for (let i = 0; i < files.length; i += Number(stepArg ?? 100)) {
			check(files[i], readFileSync(join(dir, files[i]), "utf8"));
		}
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
}
console.log(`${checked} checked, ${different} different`);
process.exit(checked >= odd.length && different === 0 ? 0 : 1);
