// SPDX-License-Identifier: Apache-2.0
// wasm.mjs - the workload of bench-cedar through npm @cedar-policy/cedar-wasm.
//
// usage: wasm.mjs DIRECTORY
//
// bench-cedar --peers writes the directory: N.cedar for each size, entities.json, requests.json and
// N.decisions, our own answers, which must be the same. The policy set is parsed once
// (preparsePolicySet); entities cannot be, so both are measured: with them in each call, and
// without any.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";

const [dir] = process.argv.slice(2);
const cedar = createRequire(process.argv[3] + "/")("@cedar-policy/cedar-wasm/nodejs");
const read = (name) => JSON.parse(readFileSync(`${dir}/${name}`, "utf8"));
const entities = read("entities.json");
const ours = read("p50.json");
const requests = read("requests.json");
const sizes = readdirSync(dir)
	.filter((name) => name.endsWith(".cedar"))
	.map((name) => parseInt(name, 10))
	.sort((a, b) => a - b);
const BUDGET_MS = 2000;

function measure(id, world) {
	const samples = [];
	const until = performance.now() + BUDGET_MS;
	for (let i = 0; performance.now() < until || i < requests.length; i++) {
		const call = { ...requests[i % requests.length], preparsedPolicySetId: id, entities: world };
		const start = process.hrtime.bigint();
		cedar.statefulIsAuthorized(call);
		samples.push(Number(process.hrtime.bigint() - start));
	}
	samples.sort((a, b) => a - b);
	const at = (p) => String(samples[Math.floor((samples.length - 1) * p)]).padStart(11);
	return [at(0.5) + at(0.99), samples[Math.floor((samples.length - 1) / 2)]];
}

function differing(id, want) {
	let n = 0;
	for (const [i, request] of requests.entries()) {
		const answer = cedar.statefulIsAuthorized({ ...request, preparsedPolicySetId: id, entities });
		const got = answer.response;
		const reasons = [...got.diagnostics.reason].sort();
		if (got.decision !== want[i].decision ||
			JSON.stringify(reasons) !== JSON.stringify([...want[i].policies].sort())) {
			n++;
		}
	}
	return n;
}

console.log(`\n@cedar-policy/cedar-wasm ${cedar.getCedarSDKVersion?.() ?? ""}, statefulIsAuthorized, ns`);
console.log("policies   with entities p50, p99   without p50, p99   answers that differ from ours");
for (const n of sizes) {
	const id = `set${n}`;
	const answer = cedar.preparsePolicySet(id, { staticPolicies: readFileSync(`${dir}/${n}.cedar`, "utf8") });
	if (answer.type !== "success") {
		throw new Error(JSON.stringify(answer));
	}
	const [with_, p50] = measure(id, entities);
	const [without] = measure(id, []);
	console.log(`${String(n).padStart(8)}${with_}${without}${String(differing(id, read(`${n}.decisions`))).padStart(8)}  ${
		Math.round(p50 / ours[n])} times ours`);
}
