/** A server with fake workers on a home of its own. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RULES } from '../../kernel-bridge/src/alerts/rules.ts';
import { changeAlertSettings } from '../../kernel-bridge/src/runs/alert-settings.ts';
import { prepareHome } from '../../kernel-bridge/src/runs/home.ts';
import { connectTo } from '../../kernel-bridge/src/server/connect.ts';
import type { Client } from '../../kernel-bridge/src/client/index.ts';
import type { RunState, RunSummary } from '../../kernel-bridge/src/protocol/run.ts';
import { startServer, type RunningServer, type ServeOptions } from '../../kernel-bridge/src/server/server.ts';
import { fakeLoadItems } from './fake-trainer.ts';

export const fakeWorker = resolve(import.meta.dirname, 'fake-worker.ts');
export const fakeGenerate = resolve(import.meta.dirname, 'fake-generate.ts');

export interface TestServer {
  home: string;
  server: RunningServer;
  client: Client;
  /** A configuration that the server takes; change what the test is about. */
  config: (changes?: Record<string, unknown>) => Record<string, unknown>;
  close: () => Promise<void>;
}

/** The tiny model that comes with the clone. */
export const TINY = resolve(import.meta.dirname, '../../examples/sample/model');

/** A home with a model directory of its own: links to the files of the tiny model. */
export function makeHome(): { home: string; model: string; remove: () => void } {
  const home = mkdtempSync(join(tmpdir(), 'medr1-test-'));
  const model = join(home, 'model');
  mkdirSync(model);
  for (const name of readdirSync(TINY)) symlinkSync(join(TINY, name), join(model, name));
  return { home, model, remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 5 }) };
}

/** `alerts`: rules look at its runs. They are off as a rule, because the figures of fake workers are such as rules are made for. */
export async function testServer({ alerts = false, ...options }: Partial<ServeOptions> & { alerts?: boolean } = {}): Promise<TestServer> {
  const made = makeHome();
  const home = options.home ?? made.home;
  if (!alerts) changeAlertSettings(prepareHome(home), { off: RULES.map(({ id }) => id) });
  const { generation, ...rest } = options;
  const parts = {
    indexesData: false,
    loadItems: fakeLoadItems,
    workerModule: fakeWorker,
    generation: { module: fakeGenerate, ...generation },
  };
  const server = await startServer({ home, ...parts, ...rest });
  const client = connectTo(server.address, server.secret);
  return {
    home,
    server,
    client,
    config: (changes = {}) => fakeConfig(made.model, changes),
    close: async () => {
      client.close();
      await server.close();
      made.remove();
    },
  };
}

/** A run that no test outlasts, however slow the machine: it trains until it is told otherwise, a step in 10 ms. */
export const ENDLESS = { max_steps: 1_000_000, learning_rate: 0.01 };

export const fakeConfig = (model: string, changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  model_name_or_path: model,
  dataset_name: model,
  num_generations: 4,
  per_device_train_batch_size: 8,
  max_steps: 5,
  ...changes,
});

/** The pid of the process that trains the run: it writes the log. */
export const workerPid = (home: string, id: string): number =>
  Number(
    /pid (\d+)/.exec(
      readFileSync(join(home, 'runs', id, 'worker.log'), 'utf8')
        .trimEnd()
        .split('\n')
        .findLast((line) => line.includes('pid '))!,
    )![1],
  );

/** The summary once the run is in one of these states; rejects after a minute with the state it is in. */
export async function reached(client: Client, id: string, ...states: RunState[]): Promise<RunSummary> {
  return until(async () => {
    const { summary } = await client.run(id);
    return states.includes(summary.state) ? summary : `run is ${summary.state} at step ${summary.step}, not ${states.join(' or ')}`;
  });
}

/** Asks until the answer is no longer text; the text says what is missing when time is up. Less often after a while, for what is waited for wants the core. */
export async function until<T>(ask: () => Promise<T | string> | T | string, limit_ms = 60_000): Promise<T> {
  const begun = Date.now();
  for (;;) {
    const answer = await ask();
    if (typeof answer !== 'string') return answer;
    const waited = Date.now() - begun;
    if (waited > limit_ms) throw new Error(answer);
    await new Promise((resolve) => setTimeout(resolve, Math.min(60, 20 + waited / 50)));
  }
}

/** A process that has ended and that nobody has waited for yet (a zombie) counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self/stat') || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** With -9; that it ended by itself a moment before is another moment to be killed at. */
export function kill9(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
