/** `--trace FILE` of the commands that compute, as users call them. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SPLIT, writeRunFile, writeSplit } from '../rl/testing/tiny-split.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
let tiny: Tiny;
let home: string;
let config: string;
let batch: string;

beforeAll(async () => {
  tiny = await makeTiny();
  home = join(tiny.directory, 'home');
  await writeSplit(tiny);
  config = await writeRunFile(tiny, { max_steps: 3 });
  batch = join(tiny.directory, 'batch.jsonl');
  await writeFile(
    batch,
    JSON.stringify({ image: 'Images/0.png', prompt: 'it is', completions: ['A B', 'C'], rewards: { accuracy: [1, 0] } }),
  );
});
afterAll(() => tiny[Symbol.asyncDispose]());

/** The command in a process of its own: what it printed, or how it failed. */
async function medr1(...args: string[]): Promise<{ json: Record<string, unknown> | unknown[] | null; error: string }> {
  const env = { ...process.env, MEDR1_HOME: home };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...args, '--json'], { env }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return { json: stdout === '' ? null : JSON.parse(stdout), error: stderr };
}

/** Names in a trace, with how often each is there. */
async function namesIn(file: string): Promise<Map<string, number>> {
  const { traceEvents } = JSON.parse(await readFile(file, 'utf8')) as { traceEvents: { name: string; ph: string }[] };
  const names = new Map<string, number>();
  for (const { name, ph } of traceEvents) if (ph === 'X') names.set(name, (names.get(name) ?? 0) + 1);
  return names;
}

const EVAL = () => ['eval', '--model', tiny.model, '--dataset', tiny.directory, '--split', SPLIT, '--max-new-tokens', '4'];
const COMMANDS: Record<string, () => string[]> = {
  train: () => ['train', config],
  generate: () => ['generate', '--model', tiny.model, '--prompt', 'it is', '--max-new-tokens', '4', '--seed', '1'],
  score: () => ['score', '--model', tiny.model, '--batch', batch],
  eval: () => [...EVAL(), '--limit', '2'],
};

it('a file that it could not write is refused by each command, before anything is computed or stored', async () => {
  const before = await stored();
  const commands = Object.values(COMMANDS).map((command) => command());
  const refused = await oneAfterAnother(
    commands.flatMap((argv) => [absent(), '/proc/trace.json'].map((file) => [...argv, '--trace', file])),
  );
  expect(refused).toHaveLength(2 * commands.length);
  refused.forEach(({ code, printed }, i) => {
    expect(code, printed).not.toBe(0);
    // Nothing else: no line of what is computed, and no answer.
    expect(printed).toMatch(
      i % 2 === 0
        ? /^medr1: The trace .*absent.trace\.json cannot be written: there is no folder[\s\S]*mkdir -p/
        : /^medr1: The trace .proc.trace\.json cannot be written/,
    );
  });
  expect(await stored()).toEqual(before);
});

const EACH = fileURLToPath(new URL('testing/each.ts', import.meta.url));
const absent = (): string => join(tiny.directory, 'absent/trace.json');

/** Commands in one process: with what code each ended, and all that it printed. */
async function oneAfterAnother(commands: string[][]): Promise<{ code: number; printed: string }[]> {
  const list = join(tiny.directory, 'commands.json');
  await writeFile(list, JSON.stringify(commands));
  await using out = await open(join(tiny.directory, 'printed.txt'), 'w+'); // one file for both streams keeps their order
  const child = spawn(process.execPath, [EACH, list], { env: { ...process.env, MEDR1_HOME: home }, stdio: ['ignore', out.fd, out.fd] });
  await once(child, 'close');
  const printed = await readFile(join(tiny.directory, 'printed.txt'), 'utf8');
  return [...printed.matchAll(/^\{"argv":.*\n([\s\S]*?)^\{"code":(\d+)\}$/gm)].map(([, text, code]) => ({
    code: Number(code),
    printed: text,
  }));
}

describe.each([
  ['train', ['step 2', 'sampling', 'rewards', 'update', 'backward', 'optimizer', 'commit']],
  ['generate', ['encode', 'sampling', 'prefill', 'decode step']],
  ['score', ['encode', 'log-probabilities', 'vocabulary']],
  ['eval', ['prefill', 'decode step']],
])('medr1 %s --trace', (command, spans) => {
  it('records the parts of the work, each with the operators that PyTorch ran', async () => {
    const file = join(tiny.directory, `${command}.json`);
    const { json, error } = await medr1(...COMMANDS[command](), '--trace', file);
    expect(json, error).not.toBeNull(); // the answer is printed as without a trace
    const names = await namesIn(file);
    for (const span of spans) expect(names.get(span) ?? 0, span).toBeGreaterThan(0);
    expect([...names.keys()].filter((name) => name.startsWith('aten::')).length).toBeGreaterThan(10);
  });
});

/** Runs and evaluations of the home. */
async function stored(): Promise<string[]> {
  const kinds = ['runs', 'evals'].map((kind) => join(home, kind)).filter((path) => existsSync(path));
  return (await Promise.all(kinds.map((path) => readdir(path)))).flat();
}

describe('medr1 train --trace', () => {
  it('takes the first of trace_steps, and leaves the others with the run', async () => {
    const file = join(tiny.directory, 'third.json');
    const { json, error } = await medr1('train', config, '--set', 'trace_steps=[3]', '--trace', file);
    expect(json, error).not.toBeNull();
    expect((await namesIn(file)).get('step 3')).toBe(1);
    expect(await readdir(join((json as { directory: string }).directory, 'traces'))).toEqual(['step-3.json']);
  });

  it('says so when the run made none of the steps to be traced', async () => {
    const file = join(tiny.directory, 'none.json');
    const { error } = await medr1('train', config, '--set', 'trace_steps=[9]', '--trace', file);
    expect(error).toMatch(/The run traced no step[\s\S]*trace_steps/);
    expect(existsSync(file)).toBe(false);
  });
});
