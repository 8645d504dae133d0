/** A relay without limits, for a control: `fork('hasty-relay.ts', [PORT, SECRET])` tells the port that it listens on. */
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

const [port, secret] = process.argv.slice(2);
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (client) => {
  const backend = new WebSocket(`ws://127.0.0.1:${port}/api/ws`, { headers: { authorization: `Bearer ${secret}` } });
  const waiting: Buffer[] = [];
  client.on('message', (data: Buffer) => (backend.readyState === WebSocket.OPEN ? backend.send(String(data)) : waiting.push(data)));
  backend.on('open', () => waiting.forEach((data) => backend.send(String(data))));
  backend.on('message', (data: Buffer) => client.send(String(data)));
  for (const one of [client, backend]) one.on('error', () => {});
});
server.on('listening', () => process.send!((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
