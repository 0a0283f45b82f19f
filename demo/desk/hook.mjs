// SPDX-License-Identifier: Apache-2.0
// hook.mjs - receives webhooks and appends each body as a line: node hook.mjs PORT FILE

import { createServer } from 'node:http';
import { appendFileSync } from 'node:fs';

const [port, file] = process.argv.slice(2);

createServer((req, res) => {
	let body = '';
	req.on('data', (chunk) => { body += chunk; });
	req.on('end', () => {
		appendFileSync(file, body.replaceAll('\n', ' ') + '\n');
		res.writeHead(204).end();
	});
}).listen(Number(port), '127.0.0.1');
