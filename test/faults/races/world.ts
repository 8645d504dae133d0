/** A real server over real run stores, four clients, and what they may have done. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isActive } from '../../../kernel-bridge/src/protocol/run.ts';
import { openRun } from '../../../kernel-bridge/src/runs/runs.ts';
import { verifyRun } from '../../../kernel-bridge/src/runs/verify.ts';
import { fakeConfig, testServer, TINY, until, type TestServer } from '../../server/harness.ts';
import { Broken } from '../fault.ts';
import { agree, orders, restarted, type Answer, type Done, type Operation, type Seen, type State, type Summary } from './model.ts';
import { Workers } from './workers.ts';

/** In memory where there is such a folder: a race needs no disk that is waited for. */
const ROOM = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export type Request = { operation: Operation; method: string; path: string; body?: unknown } | { operation: Operation; steps: number };

export class World implements AsyncDisposable {
  readonly home: string;
  readonly workers = new Workers();
  /** Every run and every entry of the trash that there ever was, oldest first. */
  readonly ids: string[] = [];
  readonly entries: string[] = [];
  states: State[] = [];
  /** What was done, for the message of a failure. */
  readonly told: string[] = [];
  #server!: TestServer;

  readonly #lost: boolean;

  private constructor(home: string, lost: boolean) {
    this.home = home;
    this.#lost = lost;
  }

  /** A copy of the home `from`. `lost`: of what is noted of runs nothing arrives, though it is answered as if it had. */
  static async open(from: string, { lost = false } = {}): Promise<World> {
    const world = new World(mkdtempSync(join(ROOM, 'medr1-races-')), lost);
    for (const part of ['runs', 'trash']) cpSync(join(from, part), join(world.home, part), { recursive: true });
    await world.#start();
    const seen = await world.#look();
    for (const id of Object.keys(seen.runs).sort()) world.ids.push(id);
    world.states = [stateOf(seen)];
    return world;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }

  async #start(): Promise<void> {
    this.#server = await testServer({ home: this.home, fork: this.workers.fork });
  }

  config(changes: Record<string, unknown>): Record<string, unknown> {
    return fakeConfig(TINY, changes);
  }

  async restart(): Promise<void> {
    this.told.push('restart');
    await this.#server.close();
    await this.#start();
    this.states = this.states.map(restarted);
    await this.settle();
  }

  /** All at once, each by a client of its own. Throws where no order of them explains the answers and what is found afterwards. */
  async together(requests: readonly Request[]): Promise<void> {
    const locking = new Map<string, number>();
    for (const { operation } of requests)
      if (LOCKING.has(operation.kind)) locking.set(operation.run, (locking.get(operation.run) ?? 0) + 1);
    const lanes = await Promise.all(
      requests.map(async (request) => {
        const { operation } = request;
        const contended = (locking.get(operation.run) ?? 0) > (LOCKING.has(operation.kind) ? 1 : 0);
        const answers =
          'steps' in request ? await this.#train(operation, request.steps) : [await this.ask(request.method, request.path, request.body)];
        return answers.map((answer): Done => ({ operation, answer, contended }));
      }),
    );
    const short = ({ operation, answer: { status, body } }: Done): string =>
      `  ${JSON.stringify(operation)} -> ${status} ${JSON.stringify(body.code ?? body.id ?? body.revision ?? '')} ${status >= 500 ? JSON.stringify(body) : ''}`;
    this.told.push('together:', ...lanes.flat().map(short));
    const broken = lanes.flat().find(({ answer }) => answer.status >= 500);
    if (broken) this.fail(`an answer of ${broken.answer.status}`);
    for (const { answer, operation } of lanes.flat()) {
      if (answer.status !== 200) continue;
      if (operation.kind === 'delete') this.entries.push(answer.body.id as string);
      else if ((operation.kind === 'create' || operation.kind === 'fork') && !this.ids.includes(answer.body.id as string))
        this.ids.push(answer.body.id as string);
    }
    const after = orders(this.states, lanes);
    if (after.length === 0) this.fail(`no order of these explains their answers; before: ${JSON.stringify(this.states)}`);
    this.states = after;
    await this.settle();
  }

  async #train(operation: Operation, steps: number): Promise<Answer[]> {
    const made = await this.workers.train(operation.run, steps);
    return Array.from({ length: made }, () => ({ status: 200, body: {} }));
  }

  /** Waits until nothing moves any more, and holds what is there to what may be. */
  async settle(): Promise<void> {
    await until(() => this.#moving()).catch((error: Error) => this.fail(error.message));
    const seen = await this.#look();
    const agreed = this.states.map((state) => agree(state, seen));
    const states = agreed.filter((one) => typeof one !== 'string');
    if (states.length === 0) this.fail(`found ${agreed.join('; or ')}`);
    this.states = [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
  }

  /** True, or what is on its way. */
  async #moving(): Promise<true | string> {
    const { runs } = (await this.ask('GET', '/runs')).body as { runs: Summary[] };
    const onItsWay = runs.find(({ state }) => ['starting', 'pausing', 'stopping'].includes(state));
    if (onItsWay) return `${onItsWay.id} stays ${onItsWay.state}`;
    const waits = runs.find(({ waits_since }) => waits_since !== null);
    if (waits && !runs.some(({ state }) => state === 'running')) return `${waits.id} waits, though none trains`;
    for (const { id, state } of runs.filter((one) => isActive(one.state))) {
      using store = openRun(this.home, id);
      if (store.pending().length > 0) return `${id} is ${state} and does not take up ${store.pending()[0].action}`;
    }
    return this.workers.idle || 'a worker is busy';
  }

  async #look(): Promise<Seen> {
    const { runs } = (await this.ask('GET', '/runs')).body as { runs: Summary[] };
    const { entries } = (await this.ask('GET', '/trash')).body as { entries: { id: string; of: string }[] };
    const seen: Seen = { runs: {}, trash: Object.fromEntries(entries.map(({ id, of }) => [id, of])) };
    for (const { id } of runs) {
      const { summary, checkpoints, rewards } = (await this.ask('GET', `/runs/${id}`)).body as {
        summary: Summary;
        checkpoints: { step: number; pinned: boolean }[];
        rewards: { revision: number }[];
      };
      const { notes } = (await this.ask('GET', `/runs/${id}/notes`)).body as { notes: { step: number; note: string }[] };
      const noted = Object.fromEntries(notes.map(({ step, note }) => [step, note]));
      seen.runs[id] = { summary, checkpoints, noted, revision: rewards.at(-1)!.revision };
    }
    return seen;
  }

  /** At the end of a history: every run holds what was written to it, and nothing is left half made. */
  async check(): Promise<void> {
    for (const name of readdirSync(join(this.home, 'runs'))) {
      if (name.startsWith('.')) this.fail(`${name} is left`);
      using store = openRun(this.home, name);
      await verifyRun(store).catch((error: Error) => this.fail(error.message));
      const seqs = store.events(0, 10_000).map(({ seq }) => seq);
      if (seqs.some((seq, i) => seq !== i + 1)) this.fail(`the log of ${name} is not dense: ${seqs.join()}`);
    }
  }

  fail(what: string): never {
    throw new Broken([...this.told, what].join('\n'));
  }

  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    if (this.#lost && method === 'PATCH')
      return this.ask('GET', path).then(({ status, body: told }) => ({ status, body: { ...told, ...(told.summary as object) } }));
    const { port } = this.#server.server.address as { port: number };
    const headers = { authorization: `Bearer ${this.#server.server.secret}`, 'content-type': 'application/json' };
    const answer = await fetch(`http://127.0.0.1:${port}/api${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }
}

/** What holds a run's lock while it is at work. */
const LOCKING = new Set(['rollback', 'delete']);

function stateOf(seen: Seen): State {
  const runs = Object.entries(seen.runs).map(([id, { summary, checkpoints, noted, revision }]) => [
    id,
    {
      place: 'home',
      phase: summary.state === 'queued' ? 'new' : 'ended',
      paused: false,
      finished: summary.state === 'finished',
      step: summary.step,
      total: TOTAL,
      checkpoints: Object.fromEntries(checkpoints.map(({ step, pinned }) => [step, pinned ? 'pinned' : 'kept'])),
      askedCheckpoints: [],
      facts: { name: summary.name, ...pick(summary) },
      noted,
      revision,
      requests: {},
    },
  ]);
  return { runs: Object.fromEntries(runs), trash: {}, made: {} };
}

const pick = ({ annotations: { tags, notes, pinned, archived } }: Summary) => ({ tags, notes, pinned, archived });

/** Steps of a run that is no fork. */
export const TOTAL = 4;

/** A home with a finished run, one that was stopped after two steps and one that was never started. */
export async function template(): Promise<string> {
  const home = mkdtempSync(join(ROOM, 'medr1-races-'));
  const workers = new Workers();
  const server = await testServer({ home, fork: workers.fork });
  for (const steps of [TOTAL, 2, 0]) {
    const { id } = await server.client.createRun(server.config({ ...SMALL, run_name: `made ${steps}` }), { start: steps > 0 });
    if (steps === 0) continue;
    await until(async () => (await server.client.run(id)).summary.state === 'running' || 'not running');
    await workers.train(id, steps);
    await server.client.action(id, 'stop');
    await until(async () => ['stopped', 'finished'].includes((await server.client.run(id)).summary.state) || 'not ended');
  }
  await server.close();
  mkdirSync(join(home, 'trash'), { recursive: true });
  return home;
}

/** Each step writes a checkpoint, so that no run loses a step when it goes on. */
export const SMALL = { max_steps: TOTAL, save_steps: 1, save_total_limit: 2, num_generations: 2, per_device_train_batch_size: 2 };
