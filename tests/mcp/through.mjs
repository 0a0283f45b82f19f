// SPDX-License-Identifier: Apache-2.0
// A call from a real client through the front to a real server, and back.
import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const client = new Client({ name: 'test', version: '1' });
await client.connect(new StreamableHTTPClientTransport(new URL('/mcp/t/t1', process.argv[2])));
const call = (name, args = {}) => client.callTool({ name: `upstream___${name}`, arguments: args });
const text = async (name, args) => (await call(name, args)).content[0].text;

const first = await call('echo', { text: 'hello' });
assert.equal(first.content[0].text, 'hello c1 c1');
assert.deepEqual(first._meta, { 'example.org/own': 1 });
assert.equal(await text('echo', { text: 'again' }), 'again c2 c2');
const failed = await call('fail');
assert.equal(failed.isError, true);
assert.match(failed.content[0].text, /it broke/);
assert.equal((await call('echo', { text: 1 })).isError, true);
assert.match(await text('nothing'), /not found/);
// The server refuses to ask what no client declared, or is refused: in no case is it answered.
assert.match(await text('ask'), /refused|not support/);
assert.equal(await text('forget'), 'forgotten');
assert.match(await text('echo', { text: 'anew' }), /^anew c8 c8$/);
console.log('ok - through the front to a server of the SDK');
process.exit();
