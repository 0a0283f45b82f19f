// SPDX-License-Identifier: Apache-2.0
// Who an agent is, is what its certificate says, at every request.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';

const [, , port, dir] = process.argv;
const ca = fs.readFileSync(`${dir}/ca/bundle.pem`);
const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };

function connection(name) {
	return new https.Agent({ keepAlive: true, maxSockets: 1, ca, servername: 'localhost',
		...(name && { cert: fs.readFileSync(`${dir}/id/${name}.pem`), key: fs.readFileSync(`${dir}/id/${name}.key`) }) });
}

function call(agent, tool) {
	const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: {}, _meta: meta } };

	return new Promise((resolve, reject) => {
		const req = https.request({ agent, host: '127.0.0.1', port, path: '/mcp', method: 'POST', headers: {
			'Content-Type': 'application/json', Accept: 'application/json, text/event-stream',
			'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': tool } }, (res) => {
			let text = '';
			res.on('data', (d) => { text += d; });
			res.on('end', () => resolve({ status: res.statusCode, reused: req.reusedSocket,
				text: text && JSON.parse(text).result?.content[0].text }));
		});
		req.on('error', reject);
		req.end(JSON.stringify(body));
	});
}

const good = connection('responder');
assert.match((await call(good, 'echo')).text, /^spiffe:\/\/example\.org\/agent\/responder\|/);
const again = await call(good, 'echo');
assert.equal(again.status, 200);
assert.ok(again.reused);

const brief = connection('brief');
assert.match((await call(brief, 'echo')).text, /agent\/brief\|/);

await assert.rejects(call(connection(), 'echo'));
await assert.rejects(call(connection('forged'), 'echo'));
// A certificate of no kind at all is refused by the handshake; the one that names an agent is reported.
assert.ok(Number((await call(good, 'refused')).text) >= 1);
console.log('ok - only agents of the trust domain are let in');

await new Promise((r) => { setTimeout(r, 6000); });
const late = await call(brief, 'echo').catch((e) => ({ status: e.code }));
assert.ok([401, 'ECONNRESET', 'EPIPE'].includes(late.status), String(late.status));
await assert.rejects(call(connection('brief'), 'echo'));
console.log('ok - a certificate that has ended is refused on its open connection, too');

// Stopping the agent cuts what it waits for and its other connections, but nobody else.
const idle = connection('responder');
await call(idle, 'echo');
const hanging = call(good, 'hang').then((r) => r.status, (e) => e.code);
const killer = connection('responder');
await assert.rejects(call(killer, 'kill'));
assert.equal(await hanging, 'ECONNRESET');
assert.equal((await call(idle, 'echo')).status, 403);
assert.equal((await call(idle, 'echo')).status, 200); // a new connection: whether it may act is the governor's to say
console.log('ok - a stopped agent loses its connections');
process.exit();
