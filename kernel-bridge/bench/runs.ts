/**
 * The table of runs on a made home: how long the server takes for its first page, for a page when nothing changed, when one run made a step, when
 * another column, order or search is asked for. Prints a line for each goal and one JSON document last.
 *   node kernel-bridge/bench/runs.ts [--runs N] [--steps N]   (default 1000 runs of 200 steps)
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { completeConfig } from '../src/runs/config.ts';
import { newRunId, runDirectory, runsDirectory } from '../src/runs/home.ts';
import { RunStore } from '../src/runs/store.ts';
import { connectTo } from '../src/server/connect.ts';
import { startServer } from '../src/server/server.ts';
import { readArguments } from './arguments.ts';

/** Milliseconds; the page is what a person waits for, an unchanged one comes at every change of any run. */
const GOALS = { unchanged_page_ms: 50, one_changed_ms: 100, searched_ms: 60, sorted_by_new_metric_ms: 3000, first_page_ms: 5000 };
const METRICS = ['reward', 'reward_std', 'kl', 'loss', 'grad_norm', 'entropy', 'learning_rate', 'step_time', 'completions/mean_length'];
const COLUMNS = ['state', 'step', 'created_at', 'last:reward', 'best:reward', 'mean:reward', 'learning_rate', 'tags'];
const TIMES = 7;

const args = readArguments({ runs: { type: 'string', default: '1000' }, steps: { type: 'string', default: '200' } });
const home = mkdtempSync(join(tmpdir(), 'medr1-runs-'));
const model = resolve(import.meta.dirname, '../../examples/sample/model');

/** Copies of one run, each with a name, a configuration and values of its own. */
function makeRuns(count: number, steps: number): string[] {
  const config = completeConfig({ model_name_or_path: model, dataset_name: 'made', max_steps: steps });
  const template = join(home, 'template');
  mkdirSync(template);
  {
    using first = RunStore.create(template, { id: newRunId(), name: 'run', parent: null, config, root: home, data_hash: 'made' });
    first.db.exec('PRAGMA synchronous = OFF');
    first.started({ total_steps: steps, device: 'cpu' });
    for (let step = 1; step <= steps; step++) {
      const metrics = Object.fromEntries(METRICS.map((name, at) => [name, Math.sin(step / 10 + at)]));
      first.commitStep({ step, metrics, groups: [] });
    }
    first.setState('finished');
  }
  return Array.from({ length: count }, (_, at) => {
    const id = newRunId();
    cpSync(template, runDirectory(home, id), { recursive: true });
    using run = RunStore.open(runDirectory(home, id));
    run.db.exec('PRAGMA synchronous = OFF');
    run.db
      .prepare('UPDATE run SET id = ?, name = ?, created_at = ?, config = ?')
      .run(
        id,
        `run ${at}`,
        Date.UTC(2026, 0, 1) + at * 60_000,
        JSON.stringify({ ...config, learning_rate: 1e-6 * (1 + (at % 10)), seed: at }),
      );
    run.db.prepare('UPDATE metric SET value = value + ?').run(at / count);
    return id;
  });
}

async function timed(what: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await what();
  return performance.now() - start;
}

async function median(what: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < TIMES; i++) times.push(await timed(what));
  return times.sort((a, b) => a - b)[Math.floor(TIMES / 2)];
}

try {
  mkdirSync(runsDirectory(home), { recursive: true });
  const ids = makeRuns(Number(args.runs), Number(args.steps));
  const start_ms = performance.now();
  const server = await startServer({ home, loadItems: () => Promise.reject(new Error('no run is made here')) });
  const result: Record<string, number> = { server_start_ms: performance.now() - start_ms };
  const client = connectTo(server.address, server.secret);
  const table = { columns: COLUMNS, sort: '-best:reward' };
  result.first_page_ms = await timed(() => client.runTable(table));
  result.unchanged_page_ms = await median(() => client.runTable(table));
  result.other_page_ms = await median(() => client.runTable({ ...table, offset: 500 }));
  result.searched_ms = await median(() => client.runTable({ ...table, q: 'learning_rate>3e-6 best:reward>1.5' }));
  result.sorted_by_new_metric_ms = await timed(() => client.runTable({ ...table, sort: 'mean:kl' }));
  let changes = 0;
  result.one_changed_ms = await median(async () => {
    await client.annotateRun(ids[changes], { add_tags: [`t${changes++}`] });
    await client.runTable(table);
  });
  result.runs_ms = await median(() => client.runs());
  result.server_rss_mb = process.memoryUsage().rss / 2 ** 20;
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const { user, system } = process.cpuUsage(before);
  result.idle_cpu_share = (user + system) / 5e6;
  client.close();
  await server.close();
  for (const [key, goal] of Object.entries(GOALS)) {
    const value = result[key];
    console.log(`${value <= goal ? 'ok  ' : 'MISS'} ${key.padEnd(24)} ${value.toFixed(1).padStart(8)}   goal ${goal.toFixed(1)}`);
  }
  console.log(JSON.stringify(result));
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
