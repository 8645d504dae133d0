import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Batch, Failure, Outcome } from './messages.ts';
import { Sandbox } from './sandbox.ts';

const batch = (...completions: string[]): Batch => ({
  completions,
  columns: { answer: completions.map(() => 'A') },
  constants: { step: 7 },
});
const open: Sandbox[] = [];
const sandbox = (source: string, file = 'mine.ts'): Sandbox => {
  const made = new Sandbox({ file, source }, { cpuMs: 200, wallMs: 20_000, memoryBytes: 32 << 20 });
  open.push(made);
  return made;
};
afterEach(() => open.splice(0).forEach((one) => one[Symbol.dispose]()));

const run = (source: string, given = batch('one', 'two'), file?: string): Promise<Outcome> =>
  sandbox(source, file).ask({ kind: 'score', batch: given });
const failure = async (source: string, given?: Batch, file?: string): Promise<Failure> => {
  const outcome = await run(source, given, file);
  if (!('failure' in outcome)) throw new Error(`it gave ${JSON.stringify(outcome)}`);
  return outcome.failure;
};
/** The body of a function of `completions` and `context`. */
const body = (text: string): string => `export default function reward(completions, context) {\n${text}\n}`;

describe('a call', () => {
  it('gets completions and context, and gives a number or null for each', async () => {
    const outcome = await run(
      `interface Context { answer: string[]; step: number }
       export default (completions: string[], { answer, step }: Context): (number | null)[] => {
         console.log('at', step, { n: completions.length });
         return completions.map((text, i) => (text === '' ? null : text.startsWith(answer[i]) ? 1 : -0.5));
       };`,
      batch('A cyst', 'B', ''),
    );
    expect(outcome).toEqual({ values: [1, -0.5, null], log: ['at 7 {"n":3}'] });
  });

  it('what cannot be written as JSON costs a line of the log, not the call', async () => {
    const source = body(`const cyclic = {};
      cyclic.self = cyclic;
      console.log(cyclic, 5n, { toJSON() { throw new Error('no'); } }, Symbol('s'));
      return completions.map(() => 1);`);
    expect(await run(source)).toEqual({ values: [1, 1], log: ['(object) 5 (object) Symbol(s)'] });
  });

  it('takes undefined for null, a boolean for a number, and waits for a promise', async () => {
    expect(await run(`export default async () => [undefined, true];`)).toMatchObject({ values: [null, 1] });
  });

  it('is the same whenever it is made: no memory, a clock that stands still, random numbers that begin anew', async () => {
    const mine = sandbox(
      `let calls = 0; export default (all) => { globalThis.seen = (globalThis.seen ?? 0) + 1;
       return all.map((_, i) => [++calls, globalThis.seen, Date.now(), new Date().getTimezoneOffset(), performance.now(), Math.random()][i]); }`,
    );
    const given = batch('1', '2', '3', '4', '5', '6');
    const first = await mine.ask({ kind: 'score', batch: given });
    expect(await mine.ask({ kind: 'score', batch: given })).toEqual(first);
    expect(first).toMatchObject({ values: [1, 1, Date.UTC(2000, 0, 1), 0, expect.any(Number), expect.any(Number)] });
  });

  it('says which line threw, and on which completion', async () => {
    const source = body(`return completions.map((text) => {\n  if (text === 'bad') throw new TypeError('no tag');\n  return 1;\n});`);
    expect(await failure(source, batch('one', 'two', 'bad', 'bad'))).toEqual({
      kind: 'threw',
      what: 'TypeError: no tag',
      line: 3,
      completion: 2,
    });
  });

  it('says on which completion it hangs', async () => {
    const source = body(`return completions.map((text) => { while (text === 'bad'); return 1; });`);
    expect(await failure(source, batch('one', 'two', 'bad'))).toMatchObject({ kind: 'time', completion: 2 });
  });
});

describe('what is no reward', () => {
  it.each<[string, string, Partial<Failure>]>([
    ['an enum', `type A = 1;\nenum B { C }\nexport default () => [];`, { kind: 'syntax', line: 2 }],
    ['a broken line', `export default () => {\n  return [;\n};`, { kind: 'syntax', line: 2 }],
    ['an import', `import fs from 'node:fs';\nexport default () => [];`, { kind: 'syntax' }],
    ['no function', `export const reward = () => [];`, { kind: 'export' }],
    ['an error while it loads', `const a = 1;\nmissing();\nexport default () => [];`, { kind: 'threw', line: 2, completion: null }],
    ['a promise without an end', `await new Promise(() => {}); export default () => [];`, { kind: 'threw' }],
    ['one value too few', body('return [1];'), { kind: 'length', what: '1 values' }],
    ['no list', body('return 1;'), { kind: 'length', what: 'number' }],
    ['NaN', body('return [1, 0 / 0];'), { kind: 'value', what: 'NaN', completion: 1 }],
    ['infinity', body('return [1 / 0, 0];'), { kind: 'value', what: 'Infinity', completion: 0 }],
    ['text', body(`return [0, '1'];`), { kind: 'value', what: '"1"', completion: 1 }],
  ])('%s', async (_, source, expected) => expect(await failure(source)).toMatchObject(expected));

  it('JavaScript is read as it stands, its line numbers too', async () => {
    expect(await failure(`export default () => {\n  return [;\n};`, batch('one'), 'mine.js')).toMatchObject({ kind: 'syntax', line: 2 });
  });
});

/** Each ends as a failure of one of these kinds, or as harmless values; after it the host answers and the next call works. */
const HOSTILE: Record<string, [source: string, kinds: Failure['kind'][] | 'values']> = {
  'endless loop': [body('for (;;);'), ['time']],
  'endless loop while it loads': ['for (;;); export default () => [];', ['time']],
  'endless recursion': [body('const f = () => f() + 1; return f();'), ['threw']],
  'endless promises': [body('const f = () => Promise.resolve().then(f); f(); return new Promise(() => {});'), ['time']],
  'endless promises while it loads': [
    'const f = () => Promise.resolve().then(f); f(); await new Promise(() => {}); export default () => [];',
    ['time'],
  ],
  'backtracking expression': [body(`return [/^(a+)+$/.test('a'.repeat(40) + 'b') ? 1 : 0];`), ['time']],
  'array of 3e8': [body('return new Array(3e8).fill(0);'), ['memory']],
  'array that grows': [body('const a = []; for (;;) a.push(a.slice());'), ['memory', 'time']],
  'text that doubles': [body(`let s = 'x'; for (;;) s += s;`), ['memory', 'threw']],
  'text of 512 MB': [body(`return 'x'.repeat(2 ** 29).length;`), ['memory', 'threw']],
  'typed array of 2 GB': [body('return new Uint8Array(2 ** 31);'), ['memory', 'threw']],
  'huge integer': [body('return [Number(10n ** 1000000n % 7n)];'), ['time', 'threw', 'memory', 'value']],
  'deep JSON': [body(`return JSON.parse('['.repeat(1e6) + ']'.repeat(1e6));`), ['threw', 'length', 'memory']],
  'deep object to text': [
    body('let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return [JSON.stringify(o).length];'),
    ['threw', 'memory', 'time'],
  ],
  'getter that never returns': [body('return Object.defineProperty([0], 0, { get() { for (;;); } });'), ['time']],
  'proxy for a list': [body('return new Proxy([], { get: () => { for (;;); } });'), ['time']],
  'list with a lying length': [body('const a = [1]; a.length = 4294967295; return a;'), ['length', 'memory']],
  'error whose message never returns': [body('throw { get message() { for (;;); }, get name() { for (;;); } };'), ['threw', 'time']],
  'error of 100 MB': [body(`throw new Error('x'.repeat(2e7));`), ['threw', 'memory']],
  'wait that blocks': [body('return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);'), ['threw', 'time']],
  'log without an end': [body(`for (let i = 0; i < 1e3; i++) console.log('x'.repeat(1e3)); return [0];`), 'values'],
  'intrinsics replaced': [
    `JSON.stringify = () => '{"values":[9]}'; Array.isArray = () => true; Number.isFinite = () => true; ${body('return [0 / 0];')}`,
    ['value'],
  ],
  'prototype poisoned': [
    `Object.prototype.values = [9, 9]; Object.defineProperty(Object.prototype, 'bad', { value: 'x' }); ${body('return 5;')}`,
    ['length', 'value'],
  ],
  'a way to the host': [
    body(`const host = Function('return this')();
      const names = ['process', 'require', 'fetch', 'WebAssembly', 'Worker', 'setTimeout', 'navigator', 'XMLHttpRequest', 'Deno', 'Bun'];
      return [names.filter((name) => name in host).length];`),
    'values',
  ],
  'an import at run time': [body(`return import('node:fs').then(() => [1]);`), ['threw']],
};

describe('a hostile reward hurts nobody', () => {
  const bystander = new Sandbox({ file: 'other.js', source: 'export default (all) => all.map(() => 1);' });
  afterAll(() => bystander[Symbol.dispose]());

  it.each(Object.entries(HOSTILE))('%s', async (_, [source, kinds]) => {
    const mine = sandbox(source);
    const outcome = await mine.ask({ kind: 'score', batch: batch('one') });
    if (kinds === 'values') expect(outcome).toMatchObject({ values: [0] });
    else expect(kinds, JSON.stringify(outcome).slice(0, 300)).toContain('failure' in outcome ? outcome.failure.kind : 'values');
    expect(JSON.stringify(outcome).length).toBeLessThan(20_000);
    expect(await mine.ask({ kind: 'tests' }), 'it can be asked again').toBeDefined();
    expect(await bystander.ask({ kind: 'score', batch: batch('one') }), 'and others are as they were').toMatchObject({ values: [1] });
  });

  it('a thread that does not answer is ended, and started anew for the next call', async () => {
    const source = body('while (completions.length > 1); return [1];');
    const mine = new Sandbox({ file: 'mine.js', source }, { cpuMs: 60_000, wallMs: 4_000 });
    open.push(mine);
    expect(await mine.ask({ kind: 'score', batch: batch('one', 'two') })).toMatchObject({ failure: { kind: 'time' } });
    expect(await mine.ask({ kind: 'score', batch: batch('one') })).toMatchObject({ values: [1] });
  });
});

describe("a file's own tests", () => {
  const tests = (list: string) =>
    sandbox(`export const tests = ${list}; export default (all, { answer }) => all.map((text, i) => (text === answer[i] ? 1 : 0));`).ask({
      kind: 'tests',
    });

  it('pass', async () => {
    const list = `[{ completion: 'A', answer: 'A', expected: 1 }, { completion: 'A', answer: 'B', expected: 0 }]`;
    expect(await tests(list)).toEqual({ log: [], tests: { passed: 2, total: 2 } });
  });
  it('fail by number, with what came out', async () => {
    const list = `[{ completion: 'A', answer: 'A', expected: 1 }, { completion: 'A', answer: 'A', expected: 0.5 }]`;
    expect(await tests(list)).toMatchObject({ failure: { kind: 'tests', what: 'test 2 expects 0.5 and got 1', line: 1 } });
  });
  it('are a list of completions and what is expected', async () =>
    expect(await tests(`[{ completion: 1 }]`)).toMatchObject({ failure: { kind: 'tests' } }));
  it('may be left out', async () =>
    expect(await sandbox(`export default () => [];`).ask({ kind: 'tests' })).toMatchObject({ tests: null }));
});
