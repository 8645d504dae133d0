/** The processes of a JupyterLab with a backend and its workers, to be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Client } from '../../kernel-bridge/src/client/index.ts';
import { hasEnded } from '../../kernel-bridge/src/protocol/run.ts';
import { connectHome } from '../../kernel-bridge/src/server/connect.ts';
import { isAlive, kill9, until, workerPid } from '../server/harness.ts';
import { holdFile } from './held-worker.ts';

/** The processes of a JupyterLab with a backend, on a home of its own. */
export class Lab {
  readonly home: string;
  #sidecar: ChildProcess;
  #client: Client | null = null;

  constructor(home: string) {
    this.home = home;
    mkdirSync(home, { recursive: true });
    this.#sidecar = this.#start();
  }

  #start(): ChildProcess {
    const args = [resolve(import.meta.dirname, 'sidecar.py'), process.execPath, resolve(import.meta.dirname, 'serve.ts'), this.home];
    return spawn('python', args, { stdio: ['pipe', 'ignore', 'ignore'] });
  }

  /** Asks the backend of now; one that was killed is looked for anew. */
  ask<T>(what: (client: Client) => Promise<T>): Promise<T> {
    return until(async () => {
      try {
        this.#client ??= await connectHome(this.home);
        return await what(this.#client);
      } catch (error) {
        const { code } = error as { code?: string };
        if (!/^(SERVER_|ECONN|ENOENT|EPIPE|UNREACHABLE)/.test(code ?? '') && !/socket hang up|ECONN/.test(String(error))) throw error;
        this.#client?.close();
        this.#client = null;
        return `no backend: ${String(error)}`;
      }
    }, 600_000);
  }

  serverPid(): number | null {
    try {
      return (JSON.parse(readFileSync(join(this.home, 'server.json'), 'utf8')) as { pid: number }).pid;
    } catch {
      return null;
    }
  }

  /** Until something was killed no run goes on from this step: a run that has ended has nothing to kill. */
  hold(step: number): void {
    writeFileSync(holdFile(this.home), String(step));
  }

  /** Kills, and starts again what nobody else does. */
  async kill(what: Target, id: string): Promise<void> {
    const worker = pidOf(this.home, id);
    const targets = {
      worker: [worker],
      rank: worker === null ? [] : childrenOf(worker),
      server: [this.serverPid()],
      sidecar: [this.#sidecar.pid!],
      all: [this.#sidecar.pid!, this.serverPid(), worker],
      none: [],
    }[what];
    for (const pid of targets) if (pid !== null) kill9(pid);
    rmSync(holdFile(this.home), { force: true });
    if (what !== 'sidecar' && what !== 'all') return;
    const server = this.serverPid();
    await until(() => (server !== null && isAlive(server) ? 'the backend outlives the process that started it' : true), 120_000);
    this.#sidecar = this.#start();
  }

  async close(): Promise<void> {
    this.#client?.close();
    const gone = new Promise((resolve) => this.#sidecar.once('exit', resolve));
    this.#sidecar.stdin!.end();
    await gone;
  }
}

export const TARGETS = ['worker', 'rank', 'server', 'sidecar', 'all'] as const;
export type Target = (typeof TARGETS)[number] | 'none';

function pidOf(home: string, id: string): number | null {
  try {
    return workerPid(home, id);
  } catch {
    return null; // none was started yet
  }
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];
}

/** The state in which the run ended, and why. */
export const ended = (lab: Lab, id: string) =>
  until(async () => {
    const { state, error } = (await lab.ask((client) => client.run(id))).summary;
    return hasEnded(state) ? { state, error } : `the run is ${state}`;
  }, 300_000);
