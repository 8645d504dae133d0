import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { storeAnswers } from './store-greeting.ts';

let answer: (socket: Socket, asked: Buffer) => void;
const server = createServer((socket) => socket.on('error', () => {}).on('data', (asked) => answer(socket, asked)));
beforeEach(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));
const asked = () => storeAnswers('127.0.0.1', (server.address() as { port: number }).port, 0);

it('knows a store by the number that it sends back, in parts too', async () => {
  answer = (socket, greeting) => {
    const [first, rest] = [greeting.subarray(6, 8), greeting.subarray(8, 10)];
    socket.setNoDelay().write(first, () => socket.write(rest));
  };
  expect(await asked()).toBe(true);
});

it.each<[string, typeof answer]>([
  ['closes', (socket) => socket.end()],
  ['answers in its own way', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['breaks off', (socket) => socket.resetAndDestroy()],
])('knows that another program has the port, which %s', async (_, way) => {
  answer = way;
  expect(await asked()).toBe(false);
});

it('knows that nobody listens', async () => {
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  expect(await storeAnswers('127.0.0.1', port, 0)).toBe(null);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
