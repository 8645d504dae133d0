/** Each call that writes of an evaluation, refused by the disk. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { evalDirectory, prepareEvaluation } from '../../kernel-bridge/src/evals/evals.ts';
import { EvalStore } from '../../kernel-bridge/src/evals/store.ts';
import { makeHome } from '../server/harness.ts';
import { printed } from './bundle.ts';
import { callsIn, lacksDisk, namesTheDisk, REFUSALS, type Faults } from './disk.ts';
import { evaluate, loadItems } from './evaluator.ts';
import { Broken, fault, holds, oneOf } from './fault.ts';

let made: ReturnType<typeof makeHome>;
let scratch: string;
let id: string;
/** What it comes to when nothing disturbs it, and every call that writes until then. */
let whole: unknown;
let calls: string[];
let copies = 0;

function copy(): string {
  const home = join(scratch, String(copies++));
  mkdirSync(home);
  cpSync(join(made.home, 'evals'), join(home, 'evals'), { recursive: true });
  return home;
}

/** As a process that goes on with it opens it. */
function opened(home: string): EvalStore {
  try {
    return EvalStore.open(evalDirectory(home, id), { check: true });
  } catch (error) {
    throw new Broken(String(error));
  }
}

/** All that was asked and answered. */
function contentOf(home: string): unknown {
  using store = opened(home);
  return [store.items(), store.answers('image'), store.answers('text-only'), store.marks()];
}

interface Ended {
  /** Answers that it told of. */
  told: number;
  code: number | null;
  errors: string;
}

async function evaluated(home: string, faults: Omit<Faults, 'dir'>): Promise<Ended> {
  const { said, errors, code } = await printed('evaluator', [home, id], { dir: evalDirectory(home, id), ...faults });
  return { told: Number(said.trimEnd().split('\n').at(-1)), code, errors };
}

/** What was told of is there, and the evaluation goes on to the answers of one that was not disturbed. */
async function goesOn(home: string, told: number): Promise<{ state: string; error: string }> {
  let found: { state: string; error: string };
  {
    using store = opened(home);
    const { state, error, done } = store.summary();
    holds(done >= told, `${told} answers were told of, and ${done} are there`);
    found = { state, error: JSON.stringify(error) };
  }
  holds((await evaluate(home, id)) === 'finished', 'it does not go on to its end');
  holds(isDeepStrictEqual(contentOf(home), whole), 'it goes on to other answers');
  rmSync(home, { recursive: true });
  return found;
}

fault('V1', {
  lacks: lacksDisk(),
  setUp: async () => {
    made = makeHome();
    scratch = mkdtempSync(join(tmpdir(), 'medr1-evaluations-'));
    const asked = { model: made.model, dataset: 'made', split: 'modality/test', batch_size: 3, controls: ['text-only' as const] };
    const { store } = await prepareEvaluation(made.home, asked, { loadItems });
    id = store.row().id;
    store[Symbol.dispose]();
    const home = copy();
    const count = join(home, 'calls');
    const { code, errors } = await evaluated(home, { count });
    holds(code === 0, `the evaluation did not come to its end: ${errors}`);
    whole = contentOf(home);
    calls = callsIn(count);
  },
  tearDown: async () => {
    made?.remove();
    if (scratch) rmSync(scratch, { recursive: true, force: true });
  },
  places: async () => calls.length * REFUSALS.length,
  attempt: async (_, place) => {
    const home = copy();
    const how = REFUSALS[place % REFUSALS.length];
    const struck = join(home, 'struck');
    const { told, code, errors } = await evaluated(home, { at: Math.floor(place / REFUSALS.length) + 1, how, struck });
    const call = existsSync(struck) ? callsIn(struck)[0] : 'none';
    const { state, error } = await goesOn(home, told || 0);
    if (code === 0) return `${how}: finished`;
    holds(namesTheDisk(`${error} ${errors}`), `nothing says that the disk refused ${call}: ${state}, ${error}, ${errors}`);
    return `${how}: ${state === 'failed' ? 'named in it' : 'the process ended'}, went on`;
  },
  controls: 5,
  control: async (random) => {
    const home = copy();
    const pages = calls.flatMap((call, at) => (call.startsWith('pwrite') && call.endsWith('-wal') ? [at + 1] : []));
    const { told } = await evaluated(home, { at: oneOf(random, pages.slice(-8)), how: 'lie' });
    await goesOn(home, told || 0);
  },
});
