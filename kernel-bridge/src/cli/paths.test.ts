/** Every argument of a command that is a path, naming a pipe, a device, a folder, or a file without end: refused by name, never waited for. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { medr1 as madeRecord, picture, write } from '../data/fixtures.ts';
import { completeConfig } from '../runs/config.ts';
import { prepareHome, runDirectory } from '../runs/home.ts';
import { RunStore } from '../runs/store.ts';

const TINY = resolve(import.meta.dirname, '../../../examples/sample/model');
const RUN = '20260101-000000-aaaa';
const scratch = mkdtempSync(join(tmpdir(), 'medr1-paths-'));
const home = join(scratch, 'home');
const at = (name: string): string => join(scratch, name);

/** What a path may name in place of a file. */
const KINDS: Record<string, (path: string) => void> = {
  pipe: (path) => void execFileSync('mkfifo', [path]),
  device: (path) => symlinkSync('/dev/zero', path),
  folder: (path) => void mkdirSync(path),
  huge: (path) => {
    writeFileSync(path, '');
    truncateSync(path, 8 * 2 ** 30);
  },
};

/** Names that a reader tells the kind of a file by. */
const ENDINGS = ['', '.json', '.jsonl', '.csv', '.tsv', '.parquet', '.zip', '.yaml', '.ts', '.png', '.safetensors'];

beforeAll(async () => {
  prepareHome(home);
  symlinkSync(process.env.MEDR1_SAMPLE ?? resolve(import.meta.dirname, '../../../.medr1/sample'), join(home, 'sample')); // or one is drawn
  for (const [kind, make] of Object.entries(KINDS)) {
    for (const ending of ENDINGS) make(at(`${kind}${ending}`));
    for (const file of readdirSync(TINY)) {
      const folder = at(`model-${kind}-${file}`);
      cpSync(TINY, folder, { recursive: true });
      rmSync(join(folder, file));
      make(join(folder, file));
    }
    for (const ending of ENDINGS.slice(1)) {
      mkdirSync(at(`data-${kind}${ending}`));
      make(join(at(`data-${kind}${ending}`), `questions${ending}`));
    }
    mkdirSync(at(`splits-${kind}/Splits/modality/train`), { recursive: true });
    make(at(`splits-${kind}/Splits/modality/train/CT.json`));
    write(at(`images-${kind}`), { 'Splits/modality/train/CT.json': [madeRecord('Images/1.png', 'What?', ['cyst', 'mass'], 'A')] });
    mkdirSync(at(`images-${kind}/Images`));
    make(at(`images-${kind}/Images/1.png`));
  }
  write(at('data'), { 'Images/1.png': await picture(1) });
  write(at('data'), { 'Splits/modality/train/CT.json': [madeRecord('Images/1.png', 'What?', ['cyst', 'mass'], 'A')] });
  writeFileSync(at('batch.jsonl'), JSON.stringify({ prompt: 'x', completions: ['a', 'b'], rewards: { accuracy: [1, 0] } }));
  mkdirSync(runDirectory(home, RUN), { recursive: true });
  const config = completeConfig({ model_name_or_path: TINY, dataset_name: at('data'), per_device_train_batch_size: 8 });
  using run = RunStore.create(runDirectory(home, RUN), { id: RUN, name: 'x', parent: null, config, root: at('data'), data_hash: 'h' });
  run.commitStep(fakeStep(1), run.dueRewards());
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A configuration that names it. */
function configured(changes: Record<string, unknown>): string {
  const file = at(`config-${readdirSync(scratch).length}.yaml`);
  writeFileSync(file, JSON.stringify({ model_name_or_path: TINY, dataset_name: at('data'), max_steps: 1, num_generations: 2, ...changes }));
  return file;
}

/** Commands with a path of this kind, in each place where a path may stand. */
function commands(kind: string): string[][] {
  const bad = (ending = ''): string => at(`${kind}${ending}`);
  const model = (file: string): string => at(`model-${kind}-${file}`);
  const folders = [...ENDINGS.slice(1).map((ending) => at(`data-${kind}${ending}`)), at(`splits-${kind}`)];
  const files = ENDINGS.filter((ending) => !['.yaml', '.ts', '.safetensors'].includes(ending)).map(bad);
  // Commands share their readers: one or two are given all that a reader takes, the others some of it.
  const someFiles = [bad(), bad('.json'), at(`data-${kind}.json`), at(`splits-${kind}`)];
  const someModels = [bad(), model('config.json'), model('model.safetensors')];
  const place = kind === 'folder' ? at('batch.jsonl') : bad(); // a folder may be written into
  return [
    ...[...files, ...folders].flatMap((path) => [
      ['data', 'add', path, '--name', 'x'],
      ['data', 'audit', path],
    ]),
    ...someFiles.flatMap((path) => [
      ['data', 'split', path, '--out', at('never.json')],
      ['eval', '--model', TINY, '--split', path],
      ['train', configured({ dataset_name: path })],
    ]),
    ['data', 'split', at('data'), '--out', bad('.json')],
    ['data', 'add', at('data'), '--images', kind === 'folder' ? at('batch.jsonl') : bad(), '--name', 'x'],
    ['sample', place, '--images', '1'],
    ...[bad(), ...readdirSync(TINY).map(model)].map((path) => ['generate', '--model', path, '--prompt', 'x']),
    ...someModels.flatMap((path) => [
      ['score', '--model', path, '--batch', at('batch.jsonl')],
      ['eval', '--model', path, '--split', 'modality/train/CT', '--dataset', at('data')],
      ['train', configured({ model_name_or_path: path })],
    ]),
    ['attribute', '--model', bad(), '--image', bad('.png'), '--question', 'x'],
    ['replay', '--model', bad(), '--batch', at('batch.jsonl')],
    ['repl', '--model', bad(), '--dataset', at('data')],
    ['repl', '--model', TINY, '--dataset', bad('.json')],
    ['generate', '--model', TINY, '--image', bad('.png'), '--prompt', 'x'],
    ['attribute', '--model', TINY, '--image', bad('.png'), '--question', 'x'],
    ['score', '--model', TINY, '--batch', bad('.jsonl')],
    ['replay', '--model', TINY, '--batch', bad('.jsonl')],
    ['replay', '--model', TINY, '--batch', at('batch.jsonl'), '--config', bad('.yaml')],
    ['eval', '--model', TINY, '--dataset', at('data'), '--split', bad('.json')],
    ['train', bad('.yaml')],
    ['train', configured({ reward_funcs: [bad('.ts')] })],
    ['train', configured({ dataset_train_split: `${bad('.json')}#train` })],
    // A trace takes the place of an ordinary file, of whatever size.
    ...(kind === 'huge'
      ? []
      : [
          ['generate', '--model', TINY, '--prompt', 'x', '--trace', bad()],
          ['train', configured({}), '--trace', bad()],
        ]),
    ['reproduce', '--recipe', bad('.yaml')],
    ['reproduce', '--sample', '--dataset', bad('.json'), '--plan'],
    ['reward', 'test', bad('.ts')],
    ['reward', 'test', at('batch.jsonl'), '--batch', bad('.jsonl')],
    ['reward', 'set', RUN, bad('.ts')],
    ['runs', 'export', RUN, bad()],
    ['runs', 'export', RUN, bad('.csv'), '--format', 'csv'],
    ['runs', 'metrics', RUN, '--csv', bad('.csv')],
    ['serve', '--socket', place],
  ];
}

const EACH = resolve(import.meta.dirname, 'testing/each.ts');
/** One that waits for a pipe waits for ever. */
const PATIENCE_MS = 60_000;

interface Ended {
  argv: string[];
  /** Null where it was waited for in vain. */
  code: number | null;
  said: string;
}

/** All in one process; after one that hangs, or takes the process with it, the others go on in another. */
async function each(all: string[][]): Promise<Ended[]> {
  const ended: Ended[] = [];
  while (ended.length < all.length) {
    const list = at('list.json');
    writeFileSync(list, JSON.stringify(all.slice(ended.length)));
    const child = spawn(process.execPath, ['--max-old-space-size=512', EACH, list], {
      env: { ...process.env, MEDR1_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const kill = (): void => void child.kill('SIGKILL');
    let timer = setTimeout(kill, PATIENCE_MS);
    let said = '';
    let before = ended.length;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      clearTimeout(timer);
      timer = setTimeout(kill, PATIENCE_MS);
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines.filter((one) => one.startsWith('{"code"'))) {
        const { code } = JSON.parse(line) as { code: number };
        ended.push({ argv: all[before++], code, said });
        said = '';
      }
    });
    await new Promise((resolve) => child.once('close', resolve));
    clearTimeout(timer);
    if (ended.length < all.length) ended.push({ argv: all[before], code: null, said });
  }
  return ended;
}

it.each(Object.keys(KINDS))('%s: each is refused', { timeout: 900_000 }, async (kind) => {
  const all = await each(commands(kind));
  const short = (argv: string[]): string => argv.join(' ').replaceAll(`${scratch}/`, '').replaceAll(TINY, 'TINY');
  // A file without end is a data set with one record that cannot be read, and it is listed and audited as that.
  const readable = ([command, action]: string[]): boolean => kind === 'huge' && command === 'data' && ['add', 'audit'].includes(action);
  const wrong = all.flatMap(({ argv, code, said }) => {
    const how =
      code === null
        ? 'hangs or ends its process'
        : code === 0 && !readable(argv)
          ? 'is taken'
          : /\n {4}at /.test(said)
            ? 'ends in a stack'
            : null;
    return how ? [`${short(argv)} ${how}: ${said.slice(-600)}`] : [];
  });
  expect(wrong.join('\n')).toBe('');
});
