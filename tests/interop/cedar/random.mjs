// SPDX-License-Identifier: Apache-2.0
// random.mjs - draws for made-up cases, by a small generator of our own (mulberry32),
// so that a seed means the same everywhere. pick() draws from its arguments.
export function seeded(seed) {
	let state = seed >>> 0;
	function random() {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	}
	const below = (n) => Math.floor(random() * n);
	return { below, pick: (...list) => list[below(list.length)], maybe: (p) => random() < p };
}
