/** Every command, in a home where all that can have a name has a hostile one: a terminal obeys nothing of what they print. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { medr1 as madeRecord, picture, write } from '../data/fixtures.ts';
import { madeItem, madeSettings, madeStore } from '../evals/fixtures.ts';
import { evalDirectory } from '../evals/evals.ts';
import { completeConfig } from '../runs/config.ts';
import { prepareHome, runDirectory } from '../runs/home.ts';
import { RunStore } from '../runs/store.ts';
import { COMMANDS, medr1 } from './program.ts';

/** Clears the screen, goes to the start of the line, rings, turns the reading round, sets a colour in one byte, deletes. */
const HOSTILE = 'a\x1b[2J\rended: finished\x07\u202eb\u009b1m\x7f';
const RUN = '20260101-000000-aaaa';
const ENDED = '20260101-000000-bbbb';
const EVALS = ['20260101-000000-cccc', '20260101-000000-dddd'];

const scratch = mkdtempSync(join(tmpdir(), 'medr1-hostile-'));
const home = join(scratch, HOSTILE);
const data = join(scratch, `${HOSTILE}data`);
const reward = join(scratch, `${HOSTILE}.ts`);
const broken = join(scratch, `broken${HOSTILE}.ts`);
const batch = join(scratch, `${HOSTILE}.jsonl`);
const config = join(scratch, `${HOSTILE}.yaml`);
const log = join(scratch, `${HOSTILE}-state.json`);

const spoken = { code: HOSTILE, message: HOSTILE, remedy: HOSTILE };

function makeRun(id: string): void {
  mkdirSync(runDirectory(home, id), { recursive: true });
  const written = completeConfig({
    model_name_or_path: join(scratch, HOSTILE),
    dataset_name: HOSTILE,
    per_device_train_batch_size: 8,
    reward_funcs: [reward, 'accuracy'],
  });
  const rewards = {
    weights: { [HOSTILE]: 1 },
    sources: { [HOSTILE]: { file: `${HOSTILE}.ts`, source: 'export default (all) => all.map(() => 1);', sha256: HOSTILE } },
    parameters: {},
    weight_schedules: {},
  };
  const facts = { id, name: HOSTILE, parent: null, config: written, root: HOSTILE, data_hash: HOSTILE, rewards };
  using run = RunStore.create(runDirectory(home, id), facts);
  const step = fakeStep(1);
  const groups = step.groups.map((group) => ({ ...group, question: HOSTILE, item_id: HOSTILE }));
  run.commitStep({ ...step, groups, metrics: { ...step.metrics, [HOSTILE]: 1 } }, run.dueRewards());
  run.alert(spoken);
  run.setState('failed', spoken);
}

beforeAll(async () => {
  vi.stubEnv('MEDR1_HOME', home);
  prepareHome(home);
  writeFileSync(reward, `export default (all) => { console.log(${JSON.stringify(HOSTILE)}); return all.map(() => 1); };`);
  writeFileSync(broken, `export default () => { throw new Error(${JSON.stringify(HOSTILE)}); };`);
  writeFileSync(batch, JSON.stringify({ prompt: HOSTILE, completions: [HOSTILE, 'b'], rewards: { [HOSTILE]: [1, 0] } }));
  writeFileSync(config, JSON.stringify({ model_name_or_path: HOSTILE, dataset_name: HOSTILE, run_name: HOSTILE }));
  writeFileSync(log, JSON.stringify({ log_history: [{ step: 1, loss: 1, [HOSTILE]: 1, text: HOSTILE }] }));
  for (const id of [RUN, ENDED]) makeRun(id);
  for (const id of EVALS) {
    mkdirSync(evalDirectory(home, id), { recursive: true });
    const items = [madeItem(HOSTILE, { modality: HOSTILE, question_type: HOSTILE, dataset: HOSTILE })];
    const trained = { kind: 'modality', value: HOSTILE, trainer: 'grpo' } as never;
    using made = madeStore(evalDirectory(home, id), items, ['A'], {
      id,
      name: HOSTILE,
      settings: madeSettings({ model: HOSTILE }),
      trained,
    });
    made.setState('finished');
  }
  const one = madeRecord(`Images/${HOSTILE}.png`, `${HOSTILE}?`, ['cyst', HOSTILE], 'A');
  const gone = madeRecord(`${HOSTILE}/gone.png`, `${HOSTILE}!`, ['cyst', HOSTILE], 'A');
  write(data, { [`Images/${HOSTILE}.png`]: await picture(1) });
  write(data, {
    [`Splits/modality/train/${HOSTILE}.json`]: [one, gone, one],
    [`Splits/modality/test/${HOSTILE}.json`]: [one],
  });
});
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** What is asked of each command; one without a line here fails the test below. */
const ASKED: Record<string, string[][]> = {
  doctor: [[], ['--json'], [HOSTILE], [`--${HOSTILE}`]],
  sample: [[join(scratch, HOSTILE, HOSTILE, 'sample'), '--images', '1', '--no-model'], [reward], ['--seed', HOSTILE]],
  'data add': [
    [data, '--name', 'd'],
    [data, '--name', HOSTILE],
    [HOSTILE],
    [batch, '--name', 'b'],
    [data, '--images', HOSTILE, '--name', 'e'],
  ],
  'data list': [[], ['--json']],
  'data audit': [['d'], [data], [HOSTILE], ['d', '--json']],
  'data split': [['d', '--seed', '1'], ['d', '--name', HOSTILE], [data, '--out', join(scratch, `${HOSTILE}.split.json`)], [HOSTILE]],
  'data get': [[HOSTILE], ['OmniMedVQA', HOSTILE]],
  'data rename': [
    [HOSTILE, 'x'],
    ['d', HOSTILE],
  ],
  'data remove': [['d'], [HOSTILE]],
  train: [
    [config],
    [HOSTILE],
    ['--resume', HOSTILE],
    ['--resume', RUN],
    [config, '--set', `${HOSTILE}=1`],
    [config, '--trace', `${HOSTILE}/x`],
  ],
  launch: [
    ['torchrun', config, '--gpus', '1', '--write', '--out', join(scratch, HOSTILE)],
    ['slurm', HOSTILE, '--gpus', '1', '--write'],
    [HOSTILE, config, '--write'],
  ],
  generate: [
    ['--model', HOSTILE, '--prompt', HOSTILE],
    ['--model', HOSTILE, '--prompt', 'x', '--image', HOSTILE],
  ],
  attribute: [['--model', HOSTILE, '--image', HOSTILE, '--question', HOSTILE]],
  'explain alternatives': [
    [RUN, '1', '0', '0'],
    [RUN, '1', '0', HOSTILE],
    [HOSTILE, '1', '0', '0'],
  ],
  'explain attribution': [
    [RUN, '1', '0', '0', '--against', HOSTILE],
    [RUN, '1', '9', '0'],
  ],
  'explain decision': [
    [RUN, '1', '0', '0', '--text', HOSTILE],
    [RUN, '1', '0', '0', '--order', HOSTILE],
    [RUN, '1', '0', '0', '--image', HOSTILE],
  ],
  score: [
    ['--model', HOSTILE, '--batch', batch],
    ['--model', HOSTILE, '--batch', HOSTILE],
  ],
  replay: [
    ['--model', HOSTILE, '--batch', batch],
    ['--model', HOSTILE, '--batch', reward],
  ],
  eval: [
    ['--model', HOSTILE, '--split', HOSTILE],
    ['--model', HOSTILE, '--split', HOSTILE, '--dataset', data],
  ],
  'evals list': [[], ['--json']],
  'evals show': [[EVALS[0]], [HOSTILE], [EVALS[0], '--json']],
  'evals compare': [EVALS, [HOSTILE, 'x']],
  'evals matrix': [[], EVALS, [HOSTILE], ['--kind', HOSTILE]],
  'evals export': [[EVALS[0]], [HOSTILE]],
  'evals delete': [[EVALS[1]], [HOSTILE]],
  faithfulness: [[EVALS[0]], [EVALS[0], '--report'], [HOSTILE], [EVALS[0], '--report', '--json']],
  reproduce: [
    ['--recipe', HOSTILE],
    ['--recipe', reward, '--plan'],
    ['--variants', HOSTILE],
  ],
  'reward list': [[], ['--json']],
  'reward test': [[reward], [broken], [reward, '--batch', batch], [reward, '--run', RUN], [HOSTILE], [broken, '--run', RUN, '--json']],
  'reward set': [
    [RUN, reward, '--weight', `${HOSTILE}=2`, '--reason', HOSTILE],
    [RUN, broken],
    [RUN, '--weight', HOSTILE],
    [RUN, '--schedule', HOSTILE],
    [RUN, '--parameter', `${HOSTILE}=1`],
    [HOSTILE],
  ],
  'runs import': [[log], [HOSTILE], [config], [log, '--name', HOSTILE]],
  'runs list': [[], ['--json']],
  'runs show': [[RUN], [HOSTILE], [RUN, '--json']],
  'runs export': [
    [RUN, join(scratch, `${HOSTILE}.out`)],
    [RUN, reward],
    [RUN, join(HOSTILE, HOSTILE)],
    [RUN, HOSTILE, '--format', HOSTILE],
  ],
  'runs report': [
    [RUN, HOSTILE],
    [HOSTILE, 'http://127.0.0.1:9/?token=t'],
  ],
  'runs verify': [[RUN], [HOSTILE]],
  'runs check': [[RUN], [HOSTILE]],
  'runs rescue': [[RUN], [HOSTILE]],
  'runs fork': [
    [RUN, '1'],
    [RUN, HOSTILE],
    [RUN, '1', '--set', `${HOSTILE}=1`],
    [RUN, '1', '--start'],
  ],
  'runs metrics': [[RUN], [RUN, '--csv', join(scratch, `${HOSTILE}.csv`)], [RUN, '--csv', reward]],
  'runs pause': [[RUN], [HOSTILE]],
  'runs queue': [[], [HOSTILE], [HOSTILE, '--before', HOSTILE], ['--json']],
  'runs stop': [[RUN], [HOSTILE]],
  'runs resume': [[RUN], [HOSTILE]],
  'runs set': [[RUN], [RUN, 'temperature=0.5', '--reason', HOSTILE], [RUN, `${HOSTILE}=1`], [RUN, '--revert', HOSTILE], [HOSTILE]],
  'runs rollback': [
    [RUN, '1'],
    [RUN, HOSTILE],
  ],
  'runs delete': [[ENDED], [HOSTILE]],
  'search text': [
    [RUN, HOSTILE],
    [RUN, 'a'],
    [HOSTILE, 'x'],
    [RUN, HOSTILE, '--regexp'],
    [RUN, 'x', '--steps', HOSTILE],
  ],
  'search question': [
    [RUN, HOSTILE],
    [HOSTILE, HOSTILE],
    [RUN, HOSTILE, '--dataset', HOSTILE],
  ],
  'search phrases': [
    [RUN, '--before', '1-1', '--after', '1-1'],
    [HOSTILE, '--before', '1-1', '--after', '1-1'],
    [RUN, '--before', HOSTILE],
  ],
  'search families': [[RUN], [HOSTILE], [RUN, '--similarity', HOSTILE]],
  repl: [['--model', HOSTILE, '--dataset', HOSTILE]],
  serve: [
    ['--socket', join(reward, HOSTILE)],
    ['--port', HOSTILE],
  ],
};

/** "runs list" and so on: all that can be called. */
async function leaves(): Promise<string[]> {
  const program = new Command();
  for (const [, load] of Object.values(COMMANDS)) (await load()).register(program);
  const under = (command: Command, path: string[]): string[] =>
    command.commands.length === 0 ? [path.join(' ')] : command.commands.flatMap((one) => under(one, [...path, one.name()]));
  return under(program, []);
}

it('every command is asked for something', async () => {
  expect(Object.keys(ASKED).toSorted()).toEqual((await leaves()).toSorted());
});

/** All that it writes, on a terminal. */
async function printed(argv: string[]): Promise<string> {
  const text: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((piece) => text.push(String(piece)) > 0);
    Object.assign(stream, { isTTY: true, columns: 1000 });
  }
  vi.spyOn(console, 'log').mockImplementation((...parts) => void text.push(parts.join(' ')));
  vi.spyOn(console, 'error').mockImplementation((...parts) => void text.push(parts.join(' ')));
  try {
    await medr1(argv);
  } finally {
    for (const stream of [process.stdout, process.stderr]) Object.assign(stream, { isTTY: false });
    process.exitCode = undefined;
    vi.restoreAllMocks();
  }
  return text.join('');
}

/** A line that is drawn over is the command's own doing. */
const OWN = /\r\x1b\[K/g;

it.each(Object.entries(ASKED))('%s prints no control character that came from elsewhere', async (name, all) => {
  for (const args of all) {
    const text = await printed([...name.split(' '), ...args]);
    const found = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.exec(text.replaceAll(OWN, ''));
    expect(found && text.slice(Math.max(0, found.index - 60), found.index + 20), args.join(' ')).toBeNull();
    expect(text, args.join(' ')).not.toBe('');
  }
});
