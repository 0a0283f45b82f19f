// SPDX-License-Identifier: Apache-2.0
// The official client of the modern era, unmodified, letting it find the era by itself.
import assert from 'node:assert/strict';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

for (const mode of ['auto', undefined]) {
	const transport = new StreamableHTTPClientTransport(new URL('/mcp', process.argv[2]));
	const client = new Client({ name: 'test', version: '1' },
		mode ? { versionNegotiation: { mode } } : {});

	await client.connect(transport);
	assert.equal(client.getServerVersion().name, 'remit');
	assert.equal(client.getNegotiatedProtocolVersion(), mode ? '2026-07-28' : '2025-11-25');
	const { tools } = await client.listTools();
	assert.deepEqual(tools.map((t) => t.name), ['echo', 'slow']);
	const denied = await client.callTool({ name: 'denied', arguments: {} });
	assert.equal(denied.isError, true);
	assert.equal(denied._meta['io.remit/decision'].verdict, 'deny');
	let progress = 0;
	const slow = await client.callTool({ name: 'slow', arguments: { a: 1 } },
		{ onprogress: () => { progress++; } });
	assert.equal(slow.content[0].text, '{"a":1}');
	assert.ok(progress >= 1);
	await assert.rejects(client.callTool({ name: 'nothing', arguments: {} }));

	if (mode) {
		// Pending three times: the client asks again by itself, then has the result.
		const approved = await client.callTool({ name: 'approve', arguments: { b: 2 } });
		assert.equal(approved.content[0].text, '{"b":2}');
		// Pending for ever: in the end it is told so, instead of failing.
		const pending = await client.callTool({ name: 'never', arguments: {} });
		assert.equal(pending._meta['io.remit/approval'].state, 'pending');
	}

	const before = Number((await client.callTool({ name: 'withdrawn', arguments: {} })).content[0].text);
	const abort = new AbortController();
	setTimeout(() => abort.abort(), 300);
	await assert.rejects(client.callTool({ name: 'hang', arguments: {} }, { signal: abort.signal }));
	await new Promise((r) => { setTimeout(r, 300); });
	const after = Number((await client.callTool({ name: 'withdrawn', arguments: {} })).content[0].text);
	assert.equal(after, before + 1);
	await client.close();
	console.log(`ok - modern client, ${mode ?? 'default'}`);
}
process.exit();
