/** Clients that ask for much and do not read it: of a run with a log that is long, and grows. */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { MAX_BODY_BYTES } from '../../kernel-bridge/src/protocol/routes.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import type { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { evalDirectory } from '../../kernel-bridge/src/evals/evals.ts';
import { madeItem, madeStore } from '../../kernel-bridge/src/evals/fixtures.ts';
import { fakeStep } from '../server/fake-trainer.ts';
import { longStep } from '../server/long-step.ts';
import { deaf, endless, text, type Door, type Flood } from './flood.ts';
import { makeRun } from './writer.ts';

/** As long as the entry of an edit that puts a reward function of the longest kind in the place of another. */
const ENTRY_BYTES = 64 << 10;

/** Adds so many long entries to a run's log. */
export function lengthen(run: RunStore, count: number): void {
  const reason = 'x'.repeat(ENTRY_BYTES);
  for (let k = 0; k < count; k++) run.addCheckpoint({ step: 1, created_at: 1, reason, pinned: false, bytes: 1 });
}

/** Gives a run so many steps of 128 completions of 256 tokens, and ends it: nobody takes it up. */
function fill(run: RunStore, steps: number): void {
  for (let step = run.step + 1; step <= steps; step++) run.commitStep(longStep(step, 256));
  run.setState('finished');
}

const follow = (run: string): Buffer => text({ type: 'subscribe', topic: `run:${run}`, since: 0 });

const gone = (socket: Socket): Promise<unknown> => (socket.destroyed ? Promise.resolve() : once(socket, 'close'));

/** Follows the run over a websocket that is read by `read`, and anew once it is closed. */
const follower = (run: string, read: (socket: Socket) => Promise<void>): Flood =>
  endless(async (door) => {
    const socket = await deaf(door);
    socket.write(follow(run));
    return { socket, done: Promise.race([read(socket), gone(socket)]) };
  });

/** Reads so little that the server never has sent it all. */
async function sip(socket: Socket): Promise<void> {
  while (!socket.destroyed) {
    for (let part: Buffer | null, had = 0; had < 16 << 10 && (part = socket.read() as Buffer | null) !== null;) had += part.length;
    await wait(100);
  }
}

/** Asks eight times over one connection and reads no answer, or each. */
const asker = (path: string, { takes = false } = {}): Flood =>
  endless(async ({ port, authorization }: Door) => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    if (takes) socket.resume();
    else socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: ${authorization}\r\n\r\n`.repeat(8));
    return { socket, done: gone(socket) };
  });

/** Sends this body again and again. */
const sender = (path: string, body: Buffer): Flood =>
  endless(async ({ port, authorization }: Door) => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\n` +
        `Connection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    socket.resume().write(body);
    return { socket, done: gone(socket) };
  });

export const readers = (run: string): Record<string, Flood> => ({
  'followers that read nothing': follower(run, () => new Promise(() => {})),
  'followers that read little': follower(run, sip),
  'logs that nobody takes': asker(`/api/runs/${run}/events?limit=10000`),
  'polls that nobody takes': asker(`/api/follow?topics=${encodeURIComponent(`run:${run}@@0`)}`),
  'followers that ask again': endless(async (door) => {
    const socket = await deaf(door);
    socket.write(Buffer.concat(Array.from({ length: 50 }, () => follow(run))));
    return { socket, done: wait(500) };
  }),
});

const bodyOf = (sign: string): Buffer => {
  const [before, after] = ['{"config":"', '"}'];
  return Buffer.from(before + sign.repeat((MAX_BODY_BYTES - before.length - after.length) / Buffer.byteLength(sign)) + after);
};
/** As many of these as a body has room for. */
const filled = (before: string, part: string, after: string): Buffer =>
  Buffer.from(before + part.repeat((MAX_BODY_BYTES - before.length - after.length) / part.length) + after);
const LISTS = filled('{"config":[', '[],', '[]]}');
const NESTED = filled('{"config":', '[', '');
const WRONG_ROWS = Buffer.from(`{"tables":[${'"x",'.repeat(390_000)}"x"]}`);
const KEYS = Buffer.from(`{"config":{${Array.from({ length: 200_000 }, (_, k) => `"k${k}":1`).join(',')}}}`);
const SOME_KEYS = Buffer.from(`{"config":{${Array.from({ length: 19_000 }, (_, k) => `"k${k}":1`).join(',')}}}`);
/** The longest text that is read as YAML. */
const YAML = Buffer.from(JSON.stringify({ text: `[${'1,'.repeat((1 << 19) - 10)}1]` }));

/** A run of so many steps, of 40 metrics each; nobody looks whether its digests hold. */
function lengthenMetrics(run: RunStore, steps: number): void {
  run.commitStep(fakeStep(1, undefined, 1, 1));
  const series = `WITH RECURSIVE n (step) AS (SELECT 2 UNION ALL SELECT step + 1 FROM n WHERE step < ${steps})`;
  run.db.exec(`BEGIN;
    ${series} INSERT INTO step (step, time, groups) SELECT step, 1700000000000 + step, 0 FROM n;
    ${series}, m (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM m WHERE id < 40)
      INSERT OR IGNORE INTO metric_name (name) SELECT 'metric/of_some_kind/' || id FROM m;
    ${series} INSERT INTO metric (name_id, step, value) SELECT id, step, step / (id + 0.7) FROM n, metric_name WHERE name LIKE 'metric/%';
    COMMIT`);
  run.setState('finished');
}

/** An evaluation of so many questions, of answers of 5 kB each; its id. */
function lengthyEvaluation(home: string, questions: number): string {
  const items = Array.from({ length: questions }, (_, n) => madeItem(`q${n}`));
  const id = '20260101-000000-aaaa';
  const directory = evalDirectory(home, id);
  mkdirSync(directory, { recursive: true });
  using store = madeStore(directory, items, []);
  const text = `<think>${'It is shown. '.repeat(400)}</think><answer>A</answer>`;
  store.addAnswers(
    'image',
    items.map((_, index) => ({ index, text, tokens: 1000, finish_reason: 'stop', strict: 'A', tolerant: 'A' })),
  );
  return id;
}

/** What is long: of one run many long completions, of another many steps, of an evaluation many answers. */
export interface Long {
  run: string;
  steps: string;
  evaluation: string;
}

export async function makeLong({ home, model }: { home: string; model: string }): Promise<Long> {
  const [run, steps] = [await makeRun(home, model), await makeRun(home, model)];
  using one = openRun(home, run);
  fill(one, 8);
  using other = openRun(home, steps);
  lengthenMetrics(other, 12_000);
  return { run, steps, evaluation: lengthyEvaluation(home, 2000) };
}

/** What is as long as it may be. */
export const long = ({ run, steps, evaluation }: Long): Record<string, Flood> => ({
  'groups that nobody takes': asker(`/api/runs/${run}/groups?limit=1024`),
  'groups that are taken': asker(`/api/runs/${run}/groups?limit=1024`, { takes: true }),
  'exports that nobody takes': asker(`/api/runs/${run}/export?format=jsonl`),
  'exports that are taken': asker(`/api/runs/${run}/export?format=jsonl`, { takes: true }),
  'metrics that nobody takes': asker(`/api/runs/${steps}/metrics`),
  'metrics that are taken': asker(`/api/runs/${steps}/metrics`, { takes: true }),
  'tables of metrics that are taken': asker(`/api/runs/${steps}/export?format=csv`, { takes: true }),
  'evaluations that nobody takes': asker(`/api/evals/${evaluation}/export`),
  'evaluations that are taken': asker(`/api/evals/${evaluation}/export`, { takes: true }),
  'long bodies': sender('/api/config', bodyOf('x')),
  'long bodies of another alphabet': sender('/api/config', bodyOf('\u0436')),
  'bodies of many lists': sender('/api/config', LISTS),
  'bodies of lists in lists': sender('/api/config', NESTED),
  'bodies of many keys': sender('/api/config', KEYS),
  'bodies of fewer keys': sender('/api/config', SOME_KEYS),
  'bodies of rows that are none': sender(`/api/reports/${run}`, WRONG_ROWS),
  'long texts to be read as YAML': sender('/api/config/read', YAML),
});
