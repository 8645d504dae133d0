import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { inSips } from './sips.ts';

const bytes = (n: number): Buffer => Buffer.from(Array.from({ length: n }, (_, i) => i % 251));

it('all that comes is given in order, what came first first, and then the end', async () => {
  const from = new PassThrough();
  const sips = inSips(from, bytes(3000));
  from.end(bytes(200_000));
  const got = await sips.toArray();
  expect(Math.max(...got.map(({ length }) => length))).toBeLessThanOrEqual(2048);
  expect(Buffer.compare(Buffer.concat(got), Buffer.concat([bytes(3000), bytes(200_000)]))).toBe(0);
});

it('no more is given than is taken, and what is written goes through', async () => {
  const read: number[] = [];
  const written: string[] = [];
  const from = new Duplex({
    read: () => void from.push((read.push(1), bytes(64 << 10))), // without end
    write: (chunk, _, done) => (written.push(String(chunk)), done()),
  });
  const sips = inSips(from, Buffer.alloc(0));
  let given = 0;
  sips.on('data', ({ length }: Buffer) => {
    given += length;
    sips.pause();
  });
  await once(sips, 'data');
  await new Promise((resolve) => setImmediate(resolve));
  expect(given).toBe(2048);
  expect(read.length).toBeLessThan(5);
  sips.write('answer');
  expect(written).toEqual(['answer']);
  sips.destroy();
  await once(from, 'close');
});
