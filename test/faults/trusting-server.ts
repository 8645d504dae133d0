/** A backend that believes what comes, for a control: `fork('trusting-server.ts', [HOME])`; its address lies in server.json as that of a real one. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => (body += String(part)));
  request.on('end', () => {
    const { config } = JSON.parse(body || '{"config":{}}') as { config: { run_name?: string } };
    response.end(JSON.stringify({ name: config.run_name?.trim() }));
  });
});
new WebSocketServer({ server }).on('connection', (socket) =>
  socket.on('message', (data: Buffer) => socket.send((JSON.parse(String(data)) as { type: string }).type.toUpperCase())),
);
server.listen(0, '127.0.0.1', () =>
  writeFileSync(join(process.argv[2], 'server.json'), JSON.stringify({ port: (server.address() as AddressInfo).port, secret: '' })),
);
process.once('disconnect', () => process.exit());
