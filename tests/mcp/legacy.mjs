// SPDX-License-Identifier: Apache-2.0
// The official SDK of the legacy era, unmodified.
import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const url = new URL('/mcp/t/t1', process.argv[2]);
const transport = new StreamableHTTPClientTransport(url);
const client = new Client({ name: 'test', version: '1' });

await client.connect(transport);
assert.equal(client.getServerVersion().name, 'remit');
assert.ok(transport.sessionId);
await client.ping();
const { tools } = await client.listTools();
assert.deepEqual(tools.map((t) => t.name), ['echo', 'slow']);
assert.deepEqual(tools[0].inputSchema.$defs, { x: { type: 'string' } });

const denied = await client.callTool({ name: 'denied', arguments: {} });
assert.equal(denied.isError, true);
assert.equal(denied._meta['io.remit/decision'].reason, 'never_list');
// slow has no output schema: a plain text result
let progress = 0;
const slow = await client.callTool({ name: 'slow', arguments: { a: 1 } }, undefined,
	{ onprogress: () => { progress++; } });
assert.equal(slow.content[0].text, '{"a":1}');
assert.ok(progress >= 1);
await assert.rejects(client.callTool({ name: 'nothing', arguments: {} }), /-32602/);

const abort = new AbortController();
setTimeout(() => abort.abort('enough'), 300);
await assert.rejects(client.callTool({ name: 'hang', arguments: {} }, undefined, { signal: abort.signal }));
await new Promise((r) => { setTimeout(r, 200); });
const withdrawn = await client.callTool({ name: 'withdrawn', arguments: {} });
assert.equal(withdrawn.content[0].text, '1');

await client.setLoggingLevel('info');
await transport.terminateSession();
await client.close();
console.log('ok - legacy SDK');
process.exit();
