/** Whether the program behind an address is one that holds a store of c10d, where the processes of a run meet. */
import { createConnection } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** What a client of c10d sends first (TCPStoreBackend.hpp): VALIDATE with its number, then PING with a number of its own, which comes back. */
const VALIDATE = 0;
const VALIDATION_NUMBER = 0x3c85f7ce;
const PING = 13;

/** A store answers within milliseconds. */
const SILENT_MS = 5000;
const AGAIN_MS = 200;

/**
 * Resolves to true as soon as a store answers there, and to null where nobody has listened for `timeout_s`. False where another program has taken the
 * port: a client of c10d would wait for it as long as for a store that is to come.
 */
export async function storeAnswers(host: string, port: number, timeout_s: number): Promise<boolean | null> {
  for (const until = performance.now() + timeout_s * 1000; ; await wait(AGAIN_MS)) {
    const answered = await greeted(host, port);
    if (answered !== null || performance.now() > until) return answered;
  }
}

function greeted(host: string, port: number): Promise<boolean | null> {
  return new Promise((resolve) => {
    let connected = false;
    let answer = Buffer.alloc(0);
    const socket = createConnection({ host, port, timeout: SILENT_MS });
    const end = (what: boolean | null): void => {
      socket.destroy();
      resolve(what);
    };
    socket.on('connect', () => {
      connected = true;
      socket.write(greeting(process.pid));
    });
    socket.on('data', (part) => {
      answer = Buffer.concat([answer, part]);
      if (answer.length >= 4) end(answer.length === 4 && answer.readUInt32LE() === process.pid);
    });
    for (const event of ['timeout', 'error', 'close']) socket.on(event, () => end(connected ? false : null));
  });
}

function greeting(number: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.writeUInt8(VALIDATE, 0);
  bytes.writeUInt32LE(VALIDATION_NUMBER, 1);
  bytes.writeUInt8(PING, 5);
  bytes.writeUInt32LE(number, 6);
  return bytes;
}
