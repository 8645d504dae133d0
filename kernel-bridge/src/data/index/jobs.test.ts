import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { omni, picture, temporary, write } from '../fixtures.ts';
import { IndexJobs } from './jobs.ts';
import { addDataset } from './add.ts';
import { listDatasets, renameDataset } from './list.ts';

const records = (count: number): object[] => Array.from({ length: count }, (_, n) => omni(n, { image_path: 'a.png' }));

async function folder(path: string, count = 3): Promise<string> {
  return write(path, { 'all.json': records(count), 'a.png': await picture(1) });
}

const indexed = (home: string) => listDatasets(home).map(({ name, items, hashed }) => ({ name, items, hashed }));

it('indexes what a run trains on once, its images too', async () => {
  using made = temporary();
  const home = join(made.path, 'home');
  const dir = await folder(join(made.path, 'eyes'));
  const jobs = new IndexJobs(home);
  const [first, again] = await Promise.all([jobs.ensure(dir), jobs.ensure(dir)]);
  expect(again?.name).toBe(first!.name);
  await vi.waitFor(() => expect(first!.state).toBe('done'), 30_000);
  expect(indexed(home)).toEqual([{ name: 'eyes', items: 3, hashed: 1 }]);
  expect(await jobs.ensure(dir)).toBeNull();
  expect(await jobs.ensure('eyes')).toBeNull(); // by its name
  symlinkSync(dir, join(made.path, 'link'));
  expect(await jobs.ensure(join(made.path, 'link'))).toBeNull();
});

it('gives a number to a name that another folder has', async () => {
  using made = temporary();
  const home = join(made.path, 'home');
  const jobs = new IndexJobs(home);
  const both = [await folder(join(made.path, 'a', 'eyes'), 2), await folder(join(made.path, 'b', 'eyes'), 5)];
  const started = await Promise.all(both.map((dir) => jobs.ensure(dir)));
  await vi.waitFor(() => expect(started.map((job) => job!.state)).toEqual(['done', 'done']), 30_000);
  expect(indexed(home)).toEqual([
    { name: 'eyes', items: 2, hashed: 1 },
    { name: 'eyes-2', items: 5, hashed: 1 },
  ]);
});

it('a folder that is added again without a name keeps the one that it was given since, by whatever way to it', async () => {
  using made = temporary();
  const home = join(made.path, 'home');
  const dir = await folder(join(made.path, 'eyes'), 2);
  symlinkSync(dir, join(made.path, 'link'));
  const jobs = new IndexJobs(home);
  expect((await addDataset(dir, { home })).name).toBe('eyes');
  renameDataset('eyes', 'fundus', home);
  const job = await jobs.start(dir);
  expect(job.name).toBe('fundus');
  await vi.waitFor(() => expect(job.state).toBe('done'), 30_000);
  expect((await addDataset(join(made.path, 'link'), { home })).name).toBe('fundus');
  expect((await addDataset(dir, { home, name: 'other' })).name).toBe('other'); // who gives a name means it
  expect(indexed(home).map(({ name }) => name)).toEqual(['fundus', 'other']);
});

it('starts nothing for what is no data, and never rejects', async () => {
  using made = temporary();
  const jobs = new IndexJobs(join(made.path, 'home'));
  mkdirSync(join(made.path, 'empty'));
  expect(await jobs.ensure(join(made.path, 'empty'))).toBeNull();
  expect(await jobs.ensure('no such name')).toBeNull();
  expect(jobs.all()).toEqual([]);
});

it('ends what is under way when it is closed', async () => {
  using made = temporary();
  const jobs = new IndexJobs(join(made.path, 'home'));
  const job = await jobs.ensure(await folder(join(made.path, 'eyes'), 20_000));
  await jobs.close();
  expect(job!.state).toBe('stopped');
});
