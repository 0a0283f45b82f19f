// SPDX-License-Identifier: Apache-2.0
// What the front answers to requests that no well-behaved client sends. Needs node only.
import assert from 'node:assert/strict';
import http from 'node:http';

const base = new URL(process.argv[2]);
const V = 'io.modelcontextprotocol/protocolVersion';
const C = 'io.modelcontextprotocol/clientCapabilities';

function send(method, path, headers, body) {
	return new Promise((resolve, reject) => {
		const req = http.request({ host: base.hostname, port: base.port, method, path,
			headers: { Host: base.host, ...headers } }, (res) => {
			let text = '';
			res.on('data', (d) => { text += d; });
			res.on('end', () => {
				let json;
				try { json = JSON.parse(text); } catch { /* not JSON */ }
				resolve({ status: res.statusCode, headers: res.headers, text, json });
			});
		});
		req.on('error', reject);
		if (body !== undefined) {
			req.write(typeof body === 'string' ? body : JSON.stringify(body));
		}
		req.end();
	});
}

const post = (body, headers = {}, path = '/mcp') => send('POST', path, {
	'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers,
}, body);
const rpc = (method, params, id = 1) => ({ jsonrpc: '2.0', id, method, params });
const modern = (method, params = {}, over = {}) => rpc(method, {
	...params, _meta: { [V]: '2026-07-28', [C]: {}, ...over } });
const modernHeaders = (method, name) => ({ 'MCP-Protocol-Version': '2026-07-28',
	'Mcp-Method': method, ...(name ? { 'Mcp-Name': name } : {}) });

async function initialize(version = '2025-11-25', path = '/mcp') {
	const r = await post(rpc('initialize', { protocolVersion: version, capabilities: {},
		clientInfo: { name: 't', version: '1' } }), {}, path);
	assert.equal(r.status, 200);
	assert.equal(r.json.result.protocolVersion, version);
	return { 'Mcp-Session-Id': r.headers['mcp-session-id'], 'MCP-Protocol-Version': version };
}

const tests = {
	async 'the head is checked first'() {
		const body = rpc('initialize', {});
		assert.equal((await post(body, { 'Content-Type': 'text/plain' })).status, 415);
		assert.equal((await post(body, { Accept: 'application/json' })).status, 406);
		assert.equal((await post(body, { Origin: 'http://evil.example' })).status, 403);
		assert.equal((await post(body, { Host: 'evil.example' })).status, 403);
		assert.equal((await post(body, { Origin: `http://${base.host}` })).status, 200);
		assert.equal((await post(body, {}, '/other')).status, 404);
		assert.equal((await post(body, {}, '/mcp/t/a%2fb')).status, 404);
		assert.equal((await send('GET', '/mcp', { Accept: 'text/event-stream' })).status, 405);
		assert.equal((await send('PUT', '/mcp', {})).status, 405);
	},
	async 'what is not JSON-RPC'() {
		assert.equal((await post('{')).json.error.code, -32700);
		assert.equal((await post('{"a":1,"a":2}')).json.error.code, -32700);
		assert.equal((await post('{}')).json.error.code, -32600);
		assert.equal((await post('[]', await initialize())).json.error.code, -32600);
	},
	async 'the oldest versions are spoken too'() {
		for (const v of ['2024-11-05', '2025-03-26', '2025-06-18']) {
			await initialize(v);
		}
		const r = await post(rpc('initialize', { protocolVersion: '1999-01-01' }));
		assert.equal(r.json.result.protocolVersion, '2025-11-25');
	},
	async 'a session is needed, and ends'() {
		const s = await initialize();
		assert.equal((await post(rpc('ping'))).status, 400);
		assert.equal((await post(rpc('ping'), { 'Mcp-Session-Id': 'x' })).status, 404);
		assert.deepEqual((await post(rpc('ping'), s)).json.result, {});
		assert.equal((await post({ jsonrpc: '2.0', method: 'notifications/initialized' }, s)).status, 202);
		assert.equal((await send('DELETE', '/mcp', s)).status, 204);
		assert.equal((await post(rpc('ping'), s)).status, 404);
		assert.equal((await send('DELETE', '/mcp', s)).status, 404);
		assert.equal((await send('DELETE', '/mcp', {})).status, 400);
	},
	async 'a session is bound to the task of its URL'() {
		const s = await initialize('2025-11-25', '/mcp/t/t1');
		assert.equal((await post(rpc('ping'), s)).status, 404);
		assert.equal((await post(rpc('ping'), s, '/mcp/t/t2')).status, 404);
		const r = await post(rpc('tools/call', { name: 'echo' }), s, '/mcp/t/t1');
		assert.equal(r.json.result.content[0].text, 'spiffe://example.org/agent/responder|t1||{}');
	},
	async 'arguments travel in canonical form'() {
		const s = await initialize();
		const body = '{"jsonrpc":"2.0","id":"i","method":"tools/call","params":{"name":"echo",'
			+ '"arguments":{"b": 1.50, "a":"\\u0041"},"_meta":{"traceparent":'
			+ '"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}}';
		const r = await post(body, s);
		assert.equal(r.json.id, 'i');
		assert.equal(r.json.result.content[0].text, 'spiffe://example.org/agent/responder||'
			+ '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01|{"a":"A","b":1.5}');
		const big = await post(rpc('tools/call', { name: 'echo', arguments: { a: 'x'.repeat(30000) } }), s);
		assert.equal(big.json.error.code, -32602);
		const huge = await post(rpc('tools/call', { name: 'echo', arguments: { a: 'x'.repeat(1100000) } }), s);
		assert.equal(huge.status, 413);
	},
	async 'errors of methods are answers in a session'() {
		const s = await initialize();
		assert.equal((await post(rpc('nonsense'), s)).json.error.code, -32601);
		assert.equal((await post(rpc('tools/call', {}), s)).json.error.code, -32602);
		assert.equal((await post(rpc('tools/call', { name: 'no' }), s)).json.error.code, -32602);
		assert.equal((await post(rpc('tools/list', { cursor: 'x' }), s)).json.error.code, -32602);
		assert.equal((await post(rpc('logging/setLevel', { level: 'loud' }), s)).json.error.code, -32602);
		assert.deepEqual((await post(rpc('logging/setLevel', { level: 'info' }), s)).json.result, {});
		assert.equal((await post(rpc('ping'), { ...s, 'MCP-Protocol-Version': '1.0' })).status, 400);
	},
	async 'batches are for 2025-03-26 only'() {
		const batch = [rpc('ping', {}, 1), rpc('tools/call', { name: 'echo' }, 2),
			{ jsonrpc: '2.0', method: 'notifications/x' }, rpc('nonsense', {}, 3)];
		assert.equal((await post(batch, await initialize())).status, 400);
		const r = await post(batch, await initialize('2025-03-26'));
		assert.deepEqual(r.json.map((m) => m.id).sort(), [1, 2, 3]);
		const many = Array.from({ length: 17 }, (_, i) => rpc('ping', {}, i));
		assert.equal((await post(many, await initialize('2025-03-26'))).status, 400);
		const only = await post([{ jsonrpc: '2.0', method: 'notifications/x' }], await initialize('2025-03-26'));
		assert.equal(only.status, 202);
	},
	async 'modern: discover and the envelope'() {
		const r = await post(modern('server/discover'), modernHeaders('server/discover'));
		assert.deepEqual(r.json.result.supportedVersions, ['2026-07-28']);
		assert.equal(r.json.result.resultType, 'complete');
		assert.equal(r.json.result.cacheScope, 'private');
		const missing = await post(rpc('tools/list', { _meta: { [V]: '2026-07-28' } }), modernHeaders('tools/list'));
		assert.equal(missing.status, 400);
		assert.equal(missing.json.error.code, -32602);
		const future = await post(modern('tools/list', {}, { [V]: '2031-01-01' }),
			{ ...modernHeaders('tools/list'), 'MCP-Protocol-Version': '2031-01-01' });
		assert.equal(future.status, 400);
		assert.equal(future.json.error.code, -32022);
		assert.deepEqual(future.json.error.data, { supported: ['2026-07-28'], requested: '2031-01-01' });
	},
	async 'modern: headers must agree with the body'() {
		const call = modern('tools/call', { name: 'echo', arguments: {} });
		for (const h of [modernHeaders('tools/call'), modernHeaders('tools/list', 'echo'),
			modernHeaders('tools/call', 'slow'), { ...modernHeaders('tools/call', 'echo'), 'MCP-Protocol-Version': '2025-11-25' }]) {
			const r = await post(call, h);
			assert.equal(r.status, 400);
			assert.equal(r.json.error.code, -32020);
			assert.equal(r.json.id, 1);
		}
		const r = await post(call, modernHeaders('tools/call', 'echo'));
		assert.equal(r.status, 200);
		assert.equal(r.json.result.resultType, 'complete');
		const unknown = await post(modern('ping'), modernHeaders('ping'));
		assert.equal(unknown.status, 404);
		assert.equal(unknown.json.error.code, -32601);
		assert.equal((await post(modern('initialize'), modernHeaders('initialize'))).status, 404);
	},
	async 'modern: the task of URL and _meta'() {
		const call = modern('tools/call', { name: 'echo' }, { 'io.remit/task': 't9' });
		const h = modernHeaders('tools/call', 'echo');
		assert.match((await post(call, h)).json.result.content[0].text, /\|t9\|/);
		assert.match((await post(call, h, '/mcp/t/t9')).json.result.content[0].text, /\|t9\|/);
		assert.equal((await post(call, h, '/mcp/t/t8')).status, 400);
	},
	async 'modern: a requestState belongs to one call'() {
		const h = modernHeaders('tools/call', 'never');
		const first = await post(modern('tools/call', { name: 'never', arguments: { a: 1 } }), h);
		assert.equal(first.json.result.resultType, 'input_required');
		const { requestState } = first.json.result;
		const next = await post(modern('tools/call', { name: 'never', arguments: { a: 1 }, requestState }), h);
		assert.notEqual(next.json.result.requestState, requestState);
		for (const params of [{ name: 'never', arguments: { a: 2 }, requestState },
			{ name: 'never', arguments: { a: 1 }, requestState: `${requestState}A` }]) {
			const r = await post(modern('tools/call', params), h);
			assert.equal(r.status, 400);
			assert.equal(r.json.error.code, -32602);
		}
		const other = await post(modern('tools/call', { name: 'never', arguments: { a: 1 }, requestState }), h, '/mcp/t/t5');
		assert.equal(other.status, 400);
	},
	async 'a repeated field is refused'() {
		const r = await send('POST', '/mcp', { 'Content-Type': 'application/json',
			Accept: '*/*', 'Mcp-Method': ['tools/list', 'tools/call'], 'MCP-Protocol-Version': '2026-07-28' },
			modern('tools/list'));
		// node joins or repeats: either way it is not the body's method
		assert.equal(r.status, 400);
	},
	async 'waiting with a progress token becomes a stream'() {
		const s = await initialize();
		const r = await post(rpc('tools/call', { name: 'slow', arguments: {}, _meta: { progressToken: 'p' } }), s);
		assert.match(r.headers['content-type'], /text\/event-stream/);
		const events = r.text.split('\n\n').filter((e) => e.includes('data:'))
			.map((e) => JSON.parse(e.split('\n').find((l) => l.startsWith('data:')).slice(5)));
		assert.equal(events[0].method, 'notifications/progress');
		assert.equal(events[0].params.progressToken, 'p');
		assert.equal(events.at(-1).id, 1);
		assert.equal(events.at(-1).result.content[0].text, '{}');
		const plain = await post(rpc('tools/call', { name: 'slow', arguments: {} }), s);
		assert.match(plain.headers['content-type'], /application\/json/);
	},
	async 'cancelling: by notification in legacy, by closing in modern'() {
		const s = await initialize();
		const count = async () => Number((await post(rpc('tools/call', { name: 'withdrawn' }), s)).json.result.content[0].text);
		const before = await count();
		const hanging = post(rpc('tools/call', { name: 'hang' }, 77), s);
		await new Promise((r) => { setTimeout(r, 200); });
		const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 77 } };
		const other = await initialize();
		assert.equal((await post(cancel, other)).status, 202);
		assert.equal(await count(), before);
		assert.equal((await post(cancel, s)).status, 202);
		assert.equal((await hanging).status, 202);
		assert.equal(await count(), before + 1);
		const close = (headers, body) => new Promise((resolve) => {
			const req = http.request({ host: base.hostname, port: base.port, method: 'POST', path: '/mcp',
				headers: { Host: base.host, 'Content-Type': 'application/json',
					Accept: 'application/json, text/event-stream', ...headers } });
			req.on('error', () => {});
			req.end(JSON.stringify(body));
			setTimeout(() => { req.destroy(); setTimeout(resolve, 200); }, 200);
		});
		await close(s, rpc('tools/call', { name: 'hang' }, 78));
		assert.equal(await count(), before + 1);
		await close(modernHeaders('tools/call', 'hang'), modern('tools/call', { name: 'hang' }));
		assert.equal(await count(), before + 2);
	},
};

for (const [name, test] of Object.entries(tests)) {
	try {
		await test();
		console.log(`ok - ${name}`);
	} catch (e) {
		console.log(`not ok - ${name}`);
		console.log(e);
		process.exitCode = 1;
	}
}
process.exit();
