// SPDX-License-Identifier: Apache-2.0
// An MCP server made with the official SDK: sessions, answers on event streams.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CreateMessageResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

let transports = new Map();

async function begin() {
	const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID(),
		onsessioninitialized: (id) => { transports.set(id, transport); } });
	const server = new McpServer({ name: 'upstream', version: '1' });

	server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }, extra) => ({
		content: [{ type: 'text', text: `${text} ${extra._meta['io.remit/call']} `
			+ `${extra.requestInfo.headers['remit-call-id']}` }],
		_meta: { 'io.remit/decision': 'faked', 'example.org/own': 1 },
	}));
	server.registerTool('fail', {}, () => { throw new Error('it broke'); });
	server.registerTool('forget', {}, () => {
		transports = new Map();
		return { content: [{ type: 'text', text: 'forgotten' }] };
	});
	server.registerTool('ask', {}, async (extra) => {
		try {
			await extra.sendRequest({ method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
				CreateMessageResultSchema);
		} catch (e) {
			return { content: [{ type: 'text', text: `refused: ${e.code ?? e.message}` }] };
		}
		return { content: [{ type: 'text', text: 'answered' }] };
	});
	await server.connect(transport);
	return transport;
}

const server = http.createServer(async (req, res) => {
	const id = req.headers['mcp-session-id'];

	if (id && !transports.has(id)) {
		res.writeHead(404).end('{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}');
		return;
	}
	await (transports.get(id) ?? await begin()).handleRequest(req, res);
});
server.listen(0, '127.0.0.1', () => { console.log(`ready ${server.address().port}`); });
