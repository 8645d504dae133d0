/** Paths of requests that name a pipe, a device or a folder: refused, and others are served meanwhile. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadItems } from '../../kernel-bridge/src/data/load.ts';
import { testServer, TINY, type TestServer } from './harness.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer({ port: 0, loadItems });
});
afterAll(() => t.close());

const KINDS: Record<string, (path: string) => void> = {
  pipe: (path) => void execFileSync('mkfifo', [path]),
  device: (path) => symlinkSync('/dev/zero', path),
  folder: (path) => void mkdirSync(path),
};
const ENDINGS = ['', '.json', '.jsonl', '.csv', '.tsv', '.parquet', '.zip'];

async function status(path: string, body: unknown): Promise<number> {
  const { port } = t.server.address as { port: number };
  const headers = { authorization: `Bearer ${t.server.secret}`, 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(60_000); // one that waits for a pipe waits for ever
  return (await fetch(`http://127.0.0.1:${port}/api${path}`, { method: 'POST', headers, body: JSON.stringify(body), signal })).status;
}

it.each(Object.keys(KINDS))('a %s is refused wherever a request names it', { timeout: 600_000 }, async (kind) => {
  const places = ENDINGS.map((ending) => join(t.home, `${kind}${ending}`));
  places.forEach(KINDS[kind]);
  for (const place of places) {
    const asked: [string, unknown][] = [
      ['/runs', { config: t.config({ dataset_name: place }) }],
      ['/runs', { config: t.config({ dataset_train_split: `${place}#train` }) }],
      ['/runs', { config: t.config({ model_name_or_path: place }) }],
      ['/pairs', { config: t.config({ dataset_name: place }) }],
      ['/estimate', { config: t.config({ dataset_name: place, model_name_or_path: place }) }],
      ['/evals', { model: TINY, dataset: place, split: 'test' }],
      ['/evals', { model: TINY, dataset: t.home, split: place }],
      ['/evals', { model: place, dataset: t.home, split: 'test' }],
      ['/evals', { model: TINY, dataset: place, split: 'test', train_split: place, controls: ['option-prior'] }],
    ];
    for (const [path, body] of asked) {
      const answered = await status(path, body);
      expect(answered, `${path} ${JSON.stringify(body)}`).toBeGreaterThanOrEqual(400);
      expect(answered, `${path} ${JSON.stringify(body)}`).toBeLessThan(500);
      expect(answered, path).not.toBeOneOf([401, 403, 405]);
    }
    expect(await t.client.server()).toMatchObject({ pid: process.pid });
  }
  expect(await t.client.runs()).toEqual([]);
});
