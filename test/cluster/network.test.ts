/** A link that drops between two networks, which are two network namespaces of this machine: under `medr1 train --report`, and between two ranks. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listRuns, openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { reached, testServer, until, type TestServer } from '../server/harness.ts';
import { rowsOf } from '../server/whole-run.ts';

const root = resolve(import.meta.dirname, '../..');
const SECRET = 'c'.repeat(64);
const PORT = 8123;
const [LAB, CLUSTER] = [`medr1lab${process.pid}`, `medr1job${process.pid}`];
const at = mkdtempSync(join(tmpdir(), 'medr1-net-'));
const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

/** Null where namespaces can be made here. */
function whyNot(): string | null {
  try {
    ip('netns', 'add', LAB);
    ip('netns', 'del', LAB);
    return null;
  } catch (error) {
    return `network namespaces cannot be made here: ${String(error).split('\n')[0]}`;
  }
}

/** In the laboratory's network: brings what comes to the server's socket, as JupyterLab's relay does. */
const RELAY = `
import { createServer, request } from 'node:http';
createServer((incoming, outgoing) => {
  const headers = { ...incoming.headers, host: 'localhost' };
  const inner = request({ socketPath: process.argv[2], path: incoming.url, method: incoming.method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers);
    answer.pipe(outgoing);
  });
  inner.on('error', () => outgoing.destroy());
  outgoing.on('close', () => inner.destroy());
  incoming.pipe(inner);
}).listen(${PORT}, '10.77.0.1', () => console.log('listens'));
`;

const SAMPLE = { model_name_or_path: join(root, 'examples/sample/model'), dataset_name: process.env.MEDR1_SAMPLE! };

const lacks = whyNot();
const where = lacks === null ? describe : describe.skip;
where(lacks === null ? 'a link that drops' : `a link that drops, which cannot be tried: ${lacks}`, () => {
  let lab: TestServer;
  const open = new AsyncDisposableStack();
  beforeAll(async () => {
    for (const name of [LAB, CLUSTER]) {
      ip('netns', 'add', name);
      open.defer(() => ip('netns', 'del', name));
    }
    ip('link', 'add', 'medr1a', 'netns', LAB, 'type', 'veth', 'peer', 'name', 'medr1b', 'netns', CLUSTER);
    for (const [name, link, address] of [
      [LAB, 'medr1a', '10.77.0.1/24'],
      [CLUSTER, 'medr1b', '10.77.0.2/24'],
    ]) {
      ip('-n', name, 'addr', 'add', address, 'dev', link);
      for (const one of ['lo', link]) ip('-n', name, 'link', 'set', one, 'up');
    }
    lab = await testServer({ socket: join(at, 'socket'), secret: SECRET });
    open.defer(() => lab.close());
    writeFileSync(join(at, 'relay.mjs'), RELAY);
    const relay = spawn('ip', ['netns', 'exec', LAB, process.execPath, join(at, 'relay.mjs'), join(at, 'socket')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    open.defer(() => void relay.kill('SIGKILL'));
    await once(relay.stdout!, 'data');
  });
  afterAll(async () => {
    await open.disposeAsync();
    rmSync(at, { recursive: true, force: true });
  });

  const link = (state: 'up' | 'down'): void => ip('-n', CLUSTER, 'link', 'set', 'medr1b', state);

  it('loses no step of a run and no edit, and training does not wait for it', async () => {
    const home = join(at, 'home');
    const file = join(at, 'run.yaml');
    const config = {
      ...SAMPLE,
      num_generations: 4,
      per_device_train_batch_size: 8,
      max_completion_length: 8,
      max_steps: 100_000,
      save_steps: 100_000,
    };
    writeFileSync(file, JSON.stringify(config)); // JSON is YAML
    const command = [join(root, 'node_modules/.bin/medr1'), 'train', file, '--report', `http://10.77.0.1:${PORT}/api`];
    const env = { ...process.env, MEDR1_HOME: home, MEDR1_REPORT_TOKEN: SECRET, OMP_NUM_THREADS: '1' };
    const job = spawn('ip', ['netns', 'exec', CLUSTER, ...command], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    job.stderr.on('data', (data: Buffer) => (said += data));
    const ended = once(job, 'close');
    const { id } = await until(async () => (await lab.client.runs()).find(({ step }) => step > 1) ?? `no run: ${said}`);
    using there = openRun(home, id);
    const before = there.step;
    link('down');
    await until(() => (there.step > before + 5 ? true : `step ${there.step} of the run while the link is down`));
    expect((await lab.client.run(id)).summary.step).toBeLessThan(there.step);
    link('up');
    const revision = await until(() => lab.client.editRewards(id, { base_revision: 1, weights: { accuracy: 0.5 } }).catch(String));
    expect(revision).toMatchObject({ revision: 2 });
    await until(async () => ((await lab.client.rewards(id)).at(-1)!.step ? true : 'the edit is not in force'));
    await lab.client.action(id, 'stop');
    await reached(lab.client, id, 'stopped');
    await ended;
    expect(rowsOf(lab.home, id)).toEqual(rowsOf(home, id));
  });

  it('ends two ranks by name, and the run goes on to the same bits', { timeout: 600_000 }, async () => {
    const file = join(at, 'ranks.yaml');
    const settings = { num_generations: 4, per_device_train_batch_size: 8, max_completion_length: 8, max_steps: 8, save_steps: 1 };
    writeFileSync(file, JSON.stringify({ ...SAMPLE, ...settings, dp_shards: 2, ddp_timeout: 6 }));
    const homes = ['one', 'rank0', 'rank1'].map((name) => join(at, name));
    const medr1 = (home: string, env: NodeJS.ProcessEnv, words: readonly string[], inside: readonly string[] = []) => {
      const [command, ...args] = [...inside, join(root, 'node_modules/.bin/medr1'), 'train', ...words];
      const child = spawn(command, args, {
        env: { ...process.env, MEDR1_HOME: home, OMP_NUM_THREADS: '1', TORCH_CPP_LOG_LEVEL: 'FATAL', ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.on('data', (data: Buffer) => (said += data));
      return once(child, 'close').then(([code]) => ({ code: code as number, said }));
    };
    const ranks = (...words: string[]) =>
      [LAB, CLUSTER].map((network, rank) => {
        const place = { RANK: String(rank), WORLD_SIZE: '2', LOCAL_RANK: '0', MASTER_ADDR: '10.77.0.1', MASTER_PORT: '29517' };
        return medr1(homes[1 + rank], place, words, ['ip', 'netns', 'exec', network]);
      });
    expect(await medr1(homes[0], {}, [file])).toMatchObject({ code: 0 });
    const [whole] = listRuns(homes[0]);

    const cut = ranks(file);
    const stepped = until(() => {
      const id = listRuns(homes[1]).find((id) => stepOf(homes[1], id) > 0);
      return id ? { id } : 'no step';
    }, 300_000);
    const first = await Promise.race([...cut, stepped]);
    if (!('id' in first)) throw new Error(first.said);
    const { id } = first;
    link('down');
    const ended = await Promise.all(cut);
    link('up');
    for (const { code, said } of ended) {
      expect(code, said).toBe(1);
      expect(said).toMatch(/Rank \d of 2 waited 6 s \(ddp_timeout\)/);
    }
    for (const { code, said } of await Promise.all(ranks('--resume', id))) expect(code, said).toBe(0);
    expect(bitsOf(homes[1], id)).toEqual(bitsOf(homes[0], whole));
  });
});

function stepOf(home: string, id: string): number {
  using store = openRun(home, id);
  return store.step;
}

/** What a run of whatever number of processes computed: metrics but for times, what was said, and the last weights. */
function bitsOf(home: string, id: string): { metrics: string[]; said: string[]; weights: string } {
  using store = openRun(home, id);
  const rows = (query: string): string[] =>
    store.db
      .prepare(query)
      .all()
      .map((row) => inspect(row));
  const weights = readFileSync(join(store.checkpoints().at(-1)!.path, 'model.safetensors'));
  return {
    metrics: rows(
      "SELECT step, name, value FROM metric JOIN metric_name ON id = name_id WHERE name NOT LIKE '%time%' AND name <> 'rollouts_per_s' ORDER BY step, name",
    ),
    said: rows('SELECT * FROM completion'),
    weights: weights.toString('base64'),
  };
}
