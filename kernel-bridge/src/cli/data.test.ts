import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { medr1, omni, picture, temporary, write, zip } from '../data/fixtures.ts';
import { register } from './data.ts';

let made: ReturnType<typeof temporary>;
beforeEach(() => {
  made = temporary();
  vi.stubEnv('MEDR1_HOME', join(made.path, 'home'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  made[Symbol.dispose]();
});

/** What the command writes on standard output. */
async function medr1Data(...words: string[]): Promise<string> {
  const out: string[] = [];
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean(out.push(String(text))));
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  register(program);
  try {
    await program.parseAsync(['data', ...words], { from: 'user' });
  } finally {
    stdout.mockRestore();
  }
  return out.join('');
}

async function sample(): Promise<string> {
  const q = (n: number) => medr1(`Images/S/${n}.png`, `What is ${n}?`, ['cyst', 'mass'], 'A');
  const dir = join(made.path, 'set');
  for (let n = 0; n < 4; n++) write(dir, { [`Images/S/${n}.png`]: await picture(n) });
  return write(dir, {
    'Splits/modality/train/CT_train.json': [q(0), q(1), q(2)],
    'Splits/modality/test/CT_test.json': [{ ...q(2), problem: 'Else? A)cyst, B)mass' }, q(3)],
  });
}

it('add, list, split, audit and remove, with one JSON document each', async () => {
  const dir = await sample();
  expect(JSON.parse(await medr1Data('add', dir, '--json'))).toMatchObject({ name: 'set', items: 5, usable: 5, images: 4, hashed: 4 });
  expect(statSync(join(made.path, 'home')).mode & 0o777).toBe(0o700); // made here, by a command that starts no server
  expect(JSON.parse(await medr1Data('list', '--json'))).toMatchObject({ datasets: [{ name: 'set', dir }] });
  expect(JSON.parse(await medr1Data('audit', 'set', '--json'))).toMatchObject({
    splits: [{ train: 'modality/train/CT', test: 'modality/test/CT', test_items: 2, image_overlap: 1, prior_accuracy: 100 }],
    prior_matrix: { 'modality/train/CT': { 'modality/test/CT': 100 } },
    problems: {},
  });
  expect(JSON.parse(await medr1Data('split', 'set', '--seed', '7', '--json'))).toMatchObject({
    name: 'leak-free-7',
    kind: 'leak-free',
    seed: 7,
  });
  expect(await medr1Data('list')).toMatch(/name\s+kind.*\nset\s+medr1\s+5\s+5\s+4/);
  expect(JSON.parse(await medr1Data('remove', 'set', '--json'))).toEqual({ removed: 'set' });
  expect(existsSync(join(dir, 'Splits'))).toBe(true);
  expect(readdirSync(join(made.path, 'home/datasets'))).toEqual([]);
}, 120_000);

it('get fetches an archive, unpacks it and indexes what is in it', async () => {
  const archive = zip({
    'OmniMedVQA/QA_information/Open-access/ACRIMA.json': JSON.stringify([omni(1), omni(2, { gt_answer: 'none of these' })]),
    'OmniMedVQA/Images/ACRIMA/1.png': await picture(1),
    'OmniMedVQA/Images/ACRIMA/2.png': await picture(2),
  });
  const hub = createServer((request, answer) => {
    const file = { type: 'file', path: 'OmniMedVQA.zip', size: archive.length, oid: 'x' };
    if (request.url!.startsWith('/api/')) return answer.setHeader('content-type', 'application/json').end(JSON.stringify([file]));
    const probe = request.headers.range !== undefined; // how the client asks for a file's size
    answer.writeHead(probe ? 206 : 200, { etag: '"x"', ...(probe && { 'content-range': `bytes 0-0/${archive.length}` }) });
    return answer.end(probe ? archive.subarray(0, 1) : archive);
  });
  await new Promise<void>((ready) => hub.listen(0, '127.0.0.1', ready));
  const { port } = hub.address() as AddressInfo;
  const text = await medr1Data('get', 'omnimedvqa', join(made.path, 'down'), '--yes', '--hub-url', `http://127.0.0.1:${port}`);
  hub.closeAllConnections();
  hub.close();
  expect(text).toContain('research only');
  expect(text).toContain('omnimedvqa: 2 questions (1 usable), 2 images');
  expect(JSON.parse(await medr1Data('list', '--json'))).toMatchObject({ datasets: [{ name: 'omnimedvqa', hashed: 2 }] });
}, 120_000);

describe('audit', () => {
  it('works on a folder that was never added, and says it in words', async () => {
    const text = await medr1Data('audit', await sample());
    expect(text).toContain('5 questions (5 usable) on 4 images');
    expect(text).toContain('image-overlap (1): 1 of 2 (50 %) questions of modality/test/CT show an image of modality/train/CT.');
    expect(existsSync(join(made.path, 'home'))).toBe(false);
  });

  it('fails with the remedy on what is no data set', async () => {
    await expect(medr1Data('audit', join(made.path, 'none'), '--json')).rejects.toMatchObject({ code: 'DATA_NOT_FOUND', exit: 1 });
  });
});

describe('wrong usage is told before anything is done', () => {
  it.each([
    [['split', 'set', '--kind', 'random']],
    [['split', 'set', '--test', '1.5']],
    [['split', 'set', '--seed', '-1']],
    [['get', 'imagenet']],
    [['add']],
  ])('%j', async (words) => {
    await expect(medr1Data(...words)).rejects.toMatchObject({ exitCode: 1 });
    expect(existsSync(join(made.path, 'home'))).toBe(false);
  });

  it('another split of a name that is taken is refused; the same one, or one by force, is written', async () => {
    const split = (...more: string[]) =>
      medr1Data('split', 'set', '--name', 'lf', ...more, '--json').then((text) => JSON.parse(text) as { seed: number });
    await medr1Data('add', await sample(), '--name', 'set');
    await split('--seed', '1');
    await split('--seed', '1');
    await expect(split('--seed', '2')).rejects.toMatchObject({ code: 'DATA_SPLIT_TAKEN', message: expect.stringContaining('lf.json') });
    expect((await split('--seed', '2', '--force')).seed).toBe(2);
    await expect(medr1Data('split', 'set', '--seed', '3', '--out', join(made.path, 'out.json'), '--json')).resolves.toBeDefined();
    await expect(medr1Data('split', 'set', '--seed', '4', '--out', join(made.path, 'out.json'))).rejects.toMatchObject({
      code: 'DATA_SPLIT_TAKEN',
    });
  });

  it.each([
    ['run.yaml', /medr1 train run\.yaml/],
    ['run.YML', /medr1 train/],
    ['notes.txt', /\.json, \.jsonl/],
  ])('a file that holds no questions is not added: %s', async (name, remedy) => {
    writeFileSync(join(made.path, name), 'model_name_or_path: x\n');
    await expect(medr1Data('add', join(made.path, name))).rejects.toMatchObject({
      code: 'DATA_NOT_QUESTIONS',
      remedy: expect.stringMatching(remedy),
    });
  });

  it('a split of a folder that is not indexed needs a file to go to', async () => {
    const dir = write(join(made.path, 'omni'), {
      'QA_information/Open-access/a.json': [omni(0), omni(1)],
      'Images/ACRIMA/0.png': 'x',
      'Images/ACRIMA/1.png': 'x',
    });
    await expect(medr1Data('split', dir)).rejects.toMatchObject({ exit: 2 });
    expect(await medr1Data('split', dir, '--kind', 'question', '--out', join(made.path, 's.json'))).toContain(
      `${join(made.path, 's.json')}#train`,
    );
  });

  it('a licence that is not accepted ends a download before it starts', async () => {
    const target = join(made.path, 'down');
    await expect(medr1Data('get', 'omnimedvqa', target, '--hub-url', 'http://127.0.0.1:9')).rejects.toMatchObject({ exit: 2 });
    expect(existsSync(target)).toBe(false);
  });
});
