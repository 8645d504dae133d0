/**
 * The sandbox's thread: one user's file in QuickJS, compiled to WebAssembly. It has no files, no network, no process; its clock stands still and
 * its random numbers begin anew, and every call gets a fresh virtual machine, so that a value depends on the call's input alone.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { EvalFlags, JSException, QuickJS, type JSValueHandle } from 'quickjs-wasi';
import type { Answer, Batch, Failure, Job, Outcome, Start, TestCount } from './messages.ts';
import { lineOfTest } from './test-lines.ts';

const { file, source, limits, engine } = workerData as Start;
const driverSource = `(${readFileSync(new URL('./driver.js', import.meta.url), 'utf8')})(${JSON.stringify(limits)})`;

/** Milliseconds since 1970 that Date tells; also what Math.random starts from. */
const NOW = Date.UTC(2000, 0, 1);
/** Deep enough for recursion over a parse tree, well below the engine's own 1 MiB. */
const STACK_BYTES = 192 << 10;
/** Promises that a call may settle on its way to one that never does. */
const MANY_JOBS = 50_000;
const REJECTED = 2;
const PENDING = 0;
/** Longest text of an error, in characters. */
const TEXT = 500;
/** Values of a file's own tests may differ by this. */
const TOLERANCE = 1e-6;

const still = (memory: WebAssembly.Memory) => ({
  clock_time_get(_clock: number, _precision: bigint, at: number) {
    new DataView(memory.buffer).setBigUint64(at, BigInt(NOW) * 1_000_000n, true);
    return 0;
  },
  random_get(at: number, length: number) {
    new Uint8Array(memory.buffer, at, length).fill(7);
    return 0;
  },
});

/** A failure on its way out of the virtual machine. */
class Failed extends Error {
  readonly failure: Failure;
  /** It failed before it saw a completion. */
  loading = false;

  constructor(failure: Failure) {
    super(failure.what);
    this.failure = failure;
  }
}
const failed = (kind: Failure['kind'], what: string, line: number | null = null): Failed =>
  new Failed({ kind, what, line, completion: null });
const loading = (error: Failed): Failed => Object.assign(error, { loading: true });

/** One virtual machine with the user's file loaded. */
class Machine implements Disposable {
  readonly #vm: QuickJS;
  readonly #driver: JSValueHandle;
  readonly #module: JSValueHandle;

  private constructor(vm: QuickJS, driver: JSValueHandle, module: JSValueHandle) {
    this.#vm = vm;
    this.#driver = driver;
    this.#module = module;
  }

  static async open(code: string, clock: Clock): Promise<Machine> {
    const vm = await QuickJS.create({
      wasm: engine,
      wasi: still,
      memoryLimit: limits.memoryBytes,
      maxStackSize: STACK_BYTES,
      timezoneOffset: 0,
      interruptHandler: () => clock.interrupts(),
    });
    try {
      const driver = vm.evalCode(driverSource, 'driver.js');
      const promise = vm.evalCode(code, file, EvalFlags.TYPE_MODULE);
      const module = await settled(vm, promise);
      return new Machine(vm, driver, module);
    } catch (error) {
      throw loading(named(error, clock, 'syntax'));
    }
  }

  /** Runs a function of the driver on the module; its text, parsed. */
  async run(name: 'call' | 'tests' | 'callable', input?: string): Promise<unknown> {
    const vm = this.#vm;
    const given = input === undefined ? [] : [vm.newString(input)];
    const result = vm.callFunction(this.#driver.getProp(name), vm.undefined, this.#module, ...given);
    const value = result.isPromise ? await settled(vm, result) : result;
    return name === 'callable' ? vm.dump(value) : JSON.parse(value.toString());
  }

  log(): string[] {
    const text = this.#vm.callFunction(this.#driver.getProp('log'), this.#vm.undefined).toString();
    return (JSON.parse(text) as string[]).slice(0, limits.logLines);
  }

  [Symbol.dispose](): void {
    this.#vm.dispose();
  }
}

async function settled(vm: QuickJS, promise: JSValueHandle): Promise<JSValueHandle> {
  const jobs = vm.executePendingJobs();
  if (promise.promiseState === PENDING) {
    // a chain that filled the memory or was interrupted has ended without a word
    if (jobs > MANY_JOBS) throw failed('time', 'its promises lead to others without end');
    throw failed('threw', 'it waits for a promise that never settles');
  }
  const rejected = promise.promiseState === REJECTED;
  const result = await vm.resolvePromise(promise);
  if ('value' in result) return result.value;
  throw rejected ? thrown(vm, result.error) : failed('threw', 'it failed');
}

/** What was thrown and is no Error; an object is not looked into, which could run its code. */
const bare = (vm: QuickJS, value: JSValueHandle): Failed =>
  failed('threw', value.isObject ? 'an object that is no Error' : String(vm.dump(value)).slice(0, TEXT));

/** What a rejected promise holds. */
function thrown(vm: QuickJS, error: JSValueHandle): Failed {
  const part = (name: string): string => {
    const value = vm.dump(error.getProp(name)) as unknown;
    return typeof value === 'string' ? value : '';
  };
  if (!error.isError) return bare(vm, error);
  return failed('threw', `${part('name') || 'Error'}: ${part('message')}`.slice(0, TEXT), lineIn(part('stack')));
}

/** Line of the user's file nearest to where it was thrown. */
function lineIn(stack: string | undefined): number | null {
  const at = stack?.split('\n').find((one) => one.includes(`${file}:`));
  const line = at === undefined ? NaN : Number(at.slice(at.lastIndexOf(`${file}:`) + file.length + 1).match(/^\d+/)?.[0]);
  return Number.isNaN(line) ? null : line;
}

/** Any error that came out of the engine as a Failed. `early`: what an error of JavaScript is while the file is loaded. */
function named(error: unknown, clock: Clock, early: 'syntax' | 'threw'): Failed {
  if (clock.expired) return failed('time', `it ran for more than ${limits.cpuMs / 1000} s`);
  if (error instanceof Failed) return error;
  if (error instanceof JSException) {
    const { name, message, stack } = error;
    if (!error.handle.isError) return bare(error.handle.vm, error.handle);
    if (message === 'out of memory') return failed('memory', `it wants more than ${limits.memoryBytes >> 20} MiB`, lineIn(stack));
    const kind = name === 'SyntaxError' || /could not load module/.test(message) ? early : 'threw';
    return failed(kind, `${name}: ${message}`.slice(0, TEXT), lineIn(stack));
  }
  return failed('memory', `it broke its sandbox (${error instanceof Error ? error.message : String(error)})`);
}

/** Processor time of this thread, looked at from inside the engine's loop. */
class Clock {
  readonly #end: number;
  expired = false;

  constructor(ms: number) {
    this.#end = cpuMs() + ms;
  }

  /**
   * Whether the engine is to end what it runs. A chain of promises swallows that and goes on with the next one: the second time the virtual machine is
   * left where it stands.
   */
  interrupts(): boolean {
    if (this.expired) throw failed('time', 'it went on after its time');
    this.expired = cpuMs() > this.#end;
    return this.expired;
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** The file without its types, line for line. */
function plain(): string {
  if (!/ts$/.test(file)) return source;
  try {
    return stripTypeScriptTypes(source, { mode: 'strip' });
  } catch (error) {
    const { message, stack } = error as Error;
    const line = /^:(\d+)/.exec(stack ?? '')?.[1]; // Node puts the place before the message
    throw loading(failed('syntax', message, line === undefined ? null : Number(line)));
  }
}

const inputOf = ({ completions, columns, constants }: Batch): string =>
  JSON.stringify({ completions, context: { ...columns, ...constants } });

const only = ({ completions, columns, constants }: Batch, i: number): Batch => ({
  completions: [completions[i]],
  columns: Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, [column[i]]])),
  constants,
});

/** Values of a batch and what was logged. Throws Failed. */
async function score(batch: Batch, ms: number): Promise<{ values: (number | null)[]; log: string[] }> {
  const clock = new Clock(ms);
  using machine = await open(clock);
  const values = await called(machine, batch, clock);
  return { values, log: machine.log() };
}

/** One call. Throws Failed. */
async function called(machine: Machine, batch: Batch, clock: Clock): Promise<(number | null)[]> {
  let result: { values?: (number | null | { bad: string })[]; length?: string };
  try {
    result = (await machine.run('call', inputOf(batch))) as typeof result;
  } catch (error) {
    throw named(error, clock, 'threw');
  }
  if (result.values === undefined) throw failed('length', result.length ?? 'nothing');
  result.values.forEach((value, completion) => {
    if (value !== null && typeof value === 'object') throw new Failed({ kind: 'value', what: value.bad, line: null, completion });
  });
  return result.values as (number | null)[];
}

/** Failures after which a machine is of no use. */
const isLast = ({ kind }: Failure): boolean => kind === 'time' || kind === 'memory';

/**
 * How each completion fails when it is given alone, null where it does not. All of them in one machine, since to open one takes longer than most calls: a
 * call may see what those before it left in variables. A failure of time or memory is the last. Throws Failed.
 */
async function* alone(batch: Batch): AsyncGenerator<Failure | null> {
  const clock = new Clock(limits.cpuMs);
  using machine = await open(clock);
  for (let i = 0; i < batch.completions.length; i++) {
    const failure = await called(machine, only(batch, i), clock).then(() => null, failureOf);
    yield failure;
    if (failure && isLast(failure)) return;
  }
}

const failureOf = (error: unknown): Failure => {
  if (error instanceof Failed) return error.failure;
  throw error;
};

async function failing(batch: Batch): Promise<Outcome> {
  const found: number[] = [];
  let at = 0;
  try {
    for await (const failure of alone(batch)) {
      if (failure && isLast(failure)) return { log: [], failure };
      if (failure) found.push(at);
      at++;
    }
  } catch (error) {
    return { log: [], failure: failureOf(error) };
  }
  return { log: [], failing: found };
}

async function open(clock: Clock): Promise<Machine> {
  const machine = await Machine.open(plain(), clock);
  if (await machine.run('callable')) return machine;
  machine[Symbol.dispose]();
  throw failed('export', 'it has no default export that is a function');
}

/** The completion that fails in the same way alone, looked for as long as one call may take. */
async function culprit(batch: Batch, kind: Failure['kind']): Promise<number | null> {
  if (batch.completions.length === 1) return 0;
  if (kind === 'threw') {
    let at = 0;
    for await (const failure of alone(batch)) {
      if (failure?.kind === kind) return at;
      at++;
    }
    return null;
  }
  const end = cpuMs() + limits.cpuMs;
  const each = kind === 'time' ? Math.max(50, limits.cpuMs / Math.max(4, batch.completions.length)) : limits.cpuMs;
  for (let i = 0; i < batch.completions.length && cpuMs() < end; i++) {
    const failure = await score(only(batch, i), each).then(() => null, failureOf);
    if (failure?.kind === kind) return i;
  }
  return null;
}

async function scored(batch: Batch): Promise<Outcome> {
  try {
    return await score(batch, limits.cpuMs);
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const { failure } = error;
    const look = !error.loading && ['threw', 'time', 'memory'].includes(failure.kind);
    return { log: [], failure: look ? { ...failure, completion: await culprit(batch, failure.kind) } : failure };
  }
}

/** One test of a user's file: a completion, what it should earn, and columns of the context by name. */
interface Test {
  completion?: unknown;
  expected?: unknown;
  [column: string]: unknown;
}

async function tested(): Promise<Outcome> {
  const clock = new Clock(limits.cpuMs);
  let tests: unknown;
  try {
    using machine = await open(clock);
    tests = await machine.run('tests');
  } catch (error) {
    return { log: [], failure: named(error, clock, 'syntax').failure };
  }
  if (tests === null) return { log: [], tests: null };
  const whole = Array.isArray(tests) && tests.every((test: Test | null) => typeof test?.completion === 'string' && 'expected' in test);
  if (!whole) return { log: [], failure: failed('tests', 'tests is no list of {completion, expected, ...}').failure };
  const count: TestCount = { passed: 0, total: (tests as Test[]).length };
  for (const [index, { completion, expected, ...given }] of (tests as Test[]).entries()) {
    const columns = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, [value]]));
    const outcome = await scored({ completions: [completion as string], columns, constants: { step: null } });
    if ('failure' in outcome) return { ...outcome, failure: { ...outcome.failure, what: `test ${index + 1}: ${outcome.failure.what}` } };
    const [got] = 'values' in outcome ? outcome.values : [null];
    const equal = got === null || typeof expected !== 'number' ? got === (expected ?? null) : Math.abs(got - expected) <= TOLERANCE;
    if (!equal)
      return {
        log: outcome.log,
        failure: failed('tests', `test ${index + 1} expects ${JSON.stringify(expected)} and got ${got}`, lineOfTest(source, index)).failure,
      };
    count.passed++;
  }
  return { log: [], tests: count };
}

const done = (job: Job): Promise<Outcome> =>
  job.kind === 'tests' ? tested() : job.kind === 'failing' ? failing(job.batch) : scored(job.batch);

parentPort!.on('message', (job: Job) => {
  void done(job).then((outcome) => parentPort!.postMessage({ id: job.id, outcome } satisfies Answer));
});
