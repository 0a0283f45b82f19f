// SPDX-License-Identifier: Apache-2.0
// agent.mjs - an incident-response agent without a model: a fixed script on an unmodified client
// of the MCP TypeScript SDK, speaking mTLS with its X.509-SVID.
//
//	node agent.mjs PHASE        one chapter of the story; see the bottom
//
// Environment: REMIT_URL, REMIT_CERT, REMIT_KEY, REMIT_CA (PEM files), AGENT_STATE (a directory).
// Every tool call is one line on standard output: {"phase","tool","args","isError","text","meta"};
// what the agent "thinks" goes to standard error for people to read.

import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Agent, fetch as undiciFetch } from 'undici';

const need = (name) => {
	if (!process.env[name]) {
		console.error(`agent: ${name} is not set`);
		process.exit(2);
	}
	return process.env[name];
};
const url = need('REMIT_URL');
const stateFile = `${need('AGENT_STATE')}/state.json`;
const state = existsSync(stateFile) ? JSON.parse(readFileSync(stateFile, 'utf8')) : {};
const remember = (more) => writeFileSync(stateFile, JSON.stringify(Object.assign(state, more)));

const dispatcher = new Agent({
	connect: {
		cert: readFileSync(need('REMIT_CERT')),
		key: readFileSync(need('REMIT_KEY')),
		ca: readFileSync(need('REMIT_CA')),
	},
});
const mtlsFetch = (input, init) => undiciFetch(input, { ...init, dispatcher });

const phase = process.argv[2];
const say = (text) => console.error(`   agent: ${text}`);

async function connect(path) {
	const client = new Client({ name: 'responder', version: '1.0.0' });
	await client.connect(new StreamableHTTPClientTransport(new URL(path, url), { fetch: mtlsFetch }));
	return client;
}

async function call(client, tool, args) {
	let line;
	try {
		const result = await client.callTool({ name: tool, arguments: args });
		line = {
			phase, tool, args,
			isError: result.isError === true,
			text: (result.content ?? []).map((c) => c.text ?? '').join('\n'),
			meta: result._meta ?? {},
		};
	} catch (error) {
		line = { phase, tool, args, isError: true, text: String(error.message), meta: { code: error.code } };
	}
	console.log(JSON.stringify(line));
	return line;
}

const reason = (line) => line.meta['io.remit/decision']?.reason ?? '';
const isPending = (line) => line.meta['io.remit/approval']?.state === 'pending';
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Calls again with the same arguments while a person has not decided, as the answer asks.
async function callUntilDecided(client, tool, args) {
	for (let tries = 0; tries < 20; tries++) {
		const line = await call(client, tool, args);
		if (!isPending(line)) {
			return line;
		}
		say(`pending (${line.meta['io.remit/approval'].id}), I call again`);
		await sleep(line.meta['io.remit/approval'].retry_after_ms ?? 2000);
	}
	throw new Error('nobody decided');
}

async function declare(targets, tools, goal) {
	const client = await connect('/mcp');
	const seen = (await client.listTools()).tools.map((t) => t.name).sort();
	say(`bound to no task I see ${seen.join(', ')}`);
	const { incidents } = JSON.parse((await call(client, 'remit___incidents', {})).text);
	const incident = incidents.find((i) => i.class === 'credential-abuse');
	if (!incident) {
		throw new Error('no incident for me');
	}
	say(`${incident.id}: ${incident.class}, severity ${incident.severity}, ${incident.assets.join(' ')}`);
	const line = await call(client, 'remit___declare_intent', {
		incident: incident.id, playbook: 'credential-abuse', goal, tools, targets,
	});
	if (line.isError) {
		throw new Error(`the intent was refused: ${line.text}`);
	}
	const task = JSON.parse(line.text);
	say(`my intent is approved as ${task.task}; ${task.accountable} answers for it`);
	await client.close();
	return { task: task.task, incident: incident.id, seen };
}

const TOOLS = [
	'pg___sessions', 'pg___audit', 'pg___role_state', 'pg___session_terminate', 'pg___role_disable',
	'nginx___log_search', 'nginx___blocked', 'nginx___block', 'desk___note',
];
const TARGETS = ['service:web', 'service:desk', 'pg-role:app_report', 'pg-role:app_batch', 'ip:127.0.0.9'];

const phases = {
	// Sees three tools, declares an intent, reads.
	async investigate() {
		const opened = await declare(TARGETS, TOOLS,
			'Find out who uses app_report from outside, cut them off and keep them out.');
		remember({ task: opened.task });
		const client = await connect(`/mcp/t/${opened.task}`);
		const tools = (await client.listTools()).tools.map((t) => t.name).sort();
		console.log(JSON.stringify({ phase, listed: tools, unbound: opened.seen }));
		say(`in ${opened.task} I see ${tools.length} tools`);
		await call(client, 'pg___sessions', { login: 'app_report' });
		await call(client, 'pg___audit', { login: 'app_report' });
		await call(client, 'nginx___log_search', { pattern: '/export', limit: 20 });
		await client.close();
	},
	// Ends the attacker's sessions: covered by a person's bounded pre-approval.
	async terminate() {
		const client = await connect(`/mcp/t/${state.task}`);
		const line = await call(client, 'pg___session_terminate', { login: 'app_report' });
		say(line.isError ? `refused: ${line.text}` : 'the sessions of app_report are ended');
		await client.close();
	},
	// Asks to disable logins: a person decides each.
	async disable() {
		const client = await connect(`/mcp/t/${state.task}`);
		say('may I disable app_batch as well?');
		const denied = await callUntilDecided(client, 'pg___role_disable', { login: 'app_batch' });
		say(`no: ${reason(denied)}`);
		say('may I disable app_report?');
		const granted = await callUntilDecided(client, 'pg___role_disable', { login: 'app_report' });
		say(granted.isError ? `no: ${granted.text}` : 'app_report cannot log in any more');
		await client.close();
	},
	// Blocks the attacker's address for a while.
	async block() {
		const client = await connect(`/mcp/t/${state.task}`);
		const line = await call(client, 'nginx___block', { address: '127.0.0.9' });
		say(line.isError ? `refused: ${line.text}` : '127.0.0.9 is blocked, for a time');
		await client.close();
	},
	// Leaves a note at the desk; run again after the tool's definition changed upstream.
	async note() {
		const client = await connect(`/mcp/t/${state.second}`);
		const line = await call(client, 'desk___note', { text: 'app_report is contained' });
		say(line.isError ? `the desk: ${reason(line) || line.text.slice(0, 80)}` : 'I left a note at the desk');
		await client.close();
	},
	// Tries to stretch what a person approved.
	async trespass() {
		const client = await connect(`/mcp/t/${state.task}`);
		const status = await call(client, 'remit___approval_status', { approval: process.argv[3] });
		say(`the approval is ${JSON.parse(status.text).state}`);
		const attempts = [
			['an approval a second time', 'pg___role_disable', { login: 'app_report' }],
			['arguments changed after approval', 'pg___role_disable', { login: 'app_batch' }],
		];
		for (const [what, tool, args] of attempts) {
			const line = await call(client, tool, args);
			say(`${what}: ${reason(line) || line.text.slice(0, 80)}`);
		}
		await client.close();
	},
	// Three calls that would reach everybody; the third suspends the task.
	async deviate() {
		const client = await connect(`/mcp/t/${state.task}`);
		const attempts = [
			['no target at all', 'nginx___block', { address: '' }],
			['everybody', 'nginx___block', { address: '0.0.0.0/0' }],
			['a wildcard', 'pg___session_terminate', { login: '*' }],
			['after that', 'pg___sessions', { login: 'app_report' }],
		];
		for (const [what, tool, args] of attempts) {
			const line = await call(client, tool, args);
			say(`${what}: ${reason(line) || line.text.slice(0, 80)}`);
		}
		await client.close();
	},
	// Leaves its grant, in a second task.
	async stray() {
		const client = await connect(`/mcp/t/${state.second}`);
		const attempts = [
			['a tool outside its grant', 'nginx___unblock', { address: '127.0.0.9' }],
			['an asset of another incident', 'pg___session_terminate', { login: 'app_billing' }],
		];
		for (const [what, tool, args] of attempts) {
			const line = await call(client, tool, args);
			say(`${what}: ${reason(line) || line.text.slice(0, 80)}`);
		}
		await client.close();
	},
	// Another agent's task: this runs with another agent's certificate.
	async intrude() {
		try {
			const client = await connect(`/mcp/t/${process.argv[3]}`);
			const line = await call(client, 'pg___sessions', { login: 'app_report' });
			say(`another agent's task: ${reason(line) || line.text.slice(0, 80)}`);
			await client.close();
		} catch (error) {
			console.log(JSON.stringify({ phase, tool: 'connect', isError: true, text: String(error.message), meta: {} }));
			say(`another agent's task: ${error.message}`);
		}
	},
	// A second task, for the person to kill.
	async second() {
		const opened = await declare(TARGETS, TOOLS, 'Watch whether app_report comes back.');
		remember({ second: opened.task });
		const client = await connect(`/mcp/t/${opened.task}`);
		await call(client, 'pg___sessions', { login: 'app_report' });
		await client.close();
	},
	async afterwards() {
		try {
			const client = await connect(`/mcp/t/${state.second}`);
			const line = await call(client, 'pg___sessions', { login: 'app_report' });
			say(`after the stop: ${reason(line) || line.text.slice(0, 80)}`);
			await client.close();
		} catch (error) {
			console.log(JSON.stringify({ phase, tool: 'connect', isError: true, text: String(error.message), meta: {} }));
			say(`after the stop I cannot even connect: ${error.message}`);
		}
	},
};

if (!phases[phase]) {
	console.error(`usage: agent.mjs ${Object.keys(phases).join('|')}`);
	process.exit(2);
}
try {
	await phases[phase]();
	process.exit(0);
} catch (error) {
	console.error(`agent: ${error.stack ?? error}`);
	process.exit(1);
}
