// SPDX-License-Identifier: Apache-2.0
// hook.mjs - receives webhooks: POST /NAME appends the body as a line to DIRECTORY/NAME.log.
//
//	node hook.mjs PORT DIRECTORY

import { createServer } from 'node:http';
import { appendFileSync } from 'node:fs';

const [port, directory] = process.argv.slice(2);

createServer((req, res) => {
	let body = '';
	req.on('data', (chunk) => { body += chunk; });
	req.on('end', () => {
		const name = req.url.replace(/[^a-z]/g, '');
		appendFileSync(`${directory}/${name}.log`, body.replaceAll('\n', ' ') + '\n');
		res.writeHead(204).end();
	});
}).listen(Number(port), '127.0.0.1');
