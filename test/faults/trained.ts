/** Runs that were disturbed, held to the one that was not. */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import type { RunState } from '../../kernel-bridge/src/protocol/run.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import type { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { WORKER_FLAGS } from '../../kernel-bridge/src/server/fork-worker.ts';
import { verifyRun } from '../../kernel-bridge/src/runs/verify.ts';
import { makeHome } from '../server/harness.ts';
import { bundled } from './bundle.ts';
import { Broken, holds } from './fault.ts';
import { makeRun, takeUp, train } from './writer.ts';

/** Half of what a process takes is reading its program. */
const CACHE = { NODE_COMPILE_CACHE: resolve(import.meta.dirname, '../output/faults/modules') };

/** Eight steps and three checkpoints, of which two are kept. */
export const CONFIG = { max_steps: 8, save_steps: 3, save_total_limit: 2 };

const UNTIMED = "name NOT LIKE 'time/%' AND name NOT IN ('step_time', 'rollouts_per_s')";

const tensorsOf = (checkpoint: string): [string, Buffer][] =>
  readdirSync(checkpoint)
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => [name, readFileSync(join(checkpoint, name))]);

/** What a run holds but for times and states: the same for every run of one configuration, however often it was disturbed. */
export function contentOf(home: string, id: string) {
  using store = openRun(home, id);
  const all = (sql: string): unknown[] => store.db.prepare(sql).all();
  return {
    steps: all('SELECT step, groups FROM step ORDER BY step'),
    metrics: all(`SELECT name, step, value, special FROM metric JOIN metric_name ON id = name_id WHERE ${UNTIMED} ORDER BY step, name`),
    groups: all('SELECT * FROM rollout_group ORDER BY step, "group"'),
    completions: all('SELECT * FROM completion ORDER BY step, "group", "index"'),
    checkpoints: store.checkpoints().map(({ step, path }): [number, [string, Buffer][]] => [step, tensorsOf(path)]),
  };
}

/** A home with a run that waits, copies of it for each try, and what the run holds when nothing disturbs it. */
export class Sound {
  readonly model: string;
  readonly id: string;
  readonly home: string;
  readonly content: unknown;
  readonly #remove: () => void;
  readonly #scratch = mkdtempSync(join(tmpdir(), 'medr1-tries-'));
  #copies = 0;

  private constructor(made: { home: string; model: string; remove: () => void }, id: string, content: unknown) {
    this.model = made.model;
    this.home = made.home;
    this.#remove = made.remove;
    this.id = id;
    this.content = content;
  }

  /** `changes`: of the configuration. */
  static async make(changes: Record<string, unknown> = {}): Promise<Sound> {
    const { home, model, remove } = makeHome();
    const id = await makeRun(home, model, { ...CONFIG, ...changes });
    const other = mkdtempSync(join(tmpdir(), 'medr1-undisturbed-'));
    cpSync(join(home, 'runs'), join(other, 'runs'), { recursive: true });
    await train(other, id);
    const content = contentOf(other, id);
    rmSync(other, { recursive: true });
    return new Sound({ home, model, remove }, id, content);
  }

  /** One that is to be trained itself, and held to nothing. */
  static async waiting(config: Record<string, unknown>): Promise<Sound> {
    const made = makeHome();
    return new Sound(made, await makeRun(made.home, made.model, config), null);
  }

  /** A home of its own with the run. */
  copy(): string {
    const home = join(this.#scratch, String(this.#copies++));
    mkdirSync(home);
    cpSync(join(this.home, 'runs'), join(home, 'runs'), { recursive: true });
    return home;
  }

  /** The run goes on to its end without a disturbance, and is the one that was never disturbed. */
  async goesOn(home: string, id = this.id): Promise<void> {
    if (takeUp(home, id)) {
      const state = await train(home, id);
      holds(state === 'finished', `the run that was taken up is ${state}: ${JSON.stringify(this.row(home, id).error)}`);
    }
    await this.whole(home, id);
    rmSync(home, { recursive: true, force: true });
  }

  async whole(home: string, id = this.id): Promise<void> {
    using store = openRun(home, id);
    await verifyRun(store);
    expect(contentOf(home, id)).toEqual(this.content);
  }

  row(home: string, id = this.id) {
    using store = openRun(home, id);
    return store.row();
  }

  dispose(): void {
    this.#remove();
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}

export interface Written {
  /** The last step that it told of. */
  told: number;
  code: number | null;
  signal: NodeJS.Signals | null;
  errors: string;
}

export class Writer {
  readonly process: ChildProcess;
  told = 0;
  id: string | null = null;
  /** With FAULT_SAMPLE: step, resident bytes, descriptors and bytes on the disk. */
  readonly samples: number[][] = [];
  #errors = '';

  /** `args`: those of writer.ts. */
  static async start(args: string[], env: Record<string, string>): Promise<Writer> {
    return new Writer([await bundled('writer'), ...args], env);
  }

  private constructor(args: string[], env: Record<string, string>) {
    this.process = spawn(process.execPath, [...WORKER_FLAGS, ...args], {
      env: { ...process.env, ...CACHE, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let rest = '';
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith('made ')) this.id = line.slice(5);
        else if (line.startsWith('sample ')) this.samples.push(line.slice(7).split(' ').map(Number));
        else this.told = Math.max(this.told, Number(line));
      }
    });
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
  }

  async ended(): Promise<Written> {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
      this.process.once('close', (...how) => resolve(how as [number | null, NodeJS.Signals | null])),
    );
    return { told: this.told, code, signal, errors: this.#errors };
  }
}

/** What a writer told is there, and no more than the one step that it had no time to tell of. */
export async function keptWhatWasTold(home: string, id: string, told: number): Promise<RunState> {
  using store = opened(home, id);
  await verifyRun(store).catch((error: Error) => holds(false, error.message));
  holds(store.step >= told, `step ${told} was told, the run has ${store.step}`);
  holds(store.step <= told + 1, `step ${told} was the last that was told, the run has ${store.step}`);
  return store.row().state;
}

function opened(home: string, id: string): RunStore {
  try {
    return openRun(home, id);
  } catch (error) {
    throw new Broken((error as Error).message);
  }
}
