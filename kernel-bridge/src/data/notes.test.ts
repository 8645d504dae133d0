import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { restoreTrash, trashed } from '../files/trash.ts';
import { omni, temporary, write } from './fixtures.ts';
import { datasetDir } from './home.ts';
import { buildIndex } from './index/build.ts';
import { Dataset } from './index/dataset.ts';
import { removeDataset } from './index/list.ts';
import { QuestionNotes } from './notes.ts';

async function indexed(path: string, count = 4): Promise<{ home: string; dir: string }> {
  const [home, dir] = [join(path, 'home'), join(path, 'eyes')];
  write(dir, { 'all.json': Array.from({ length: count }, (_, n) => omni(n, { image_path: 'a.png' })) });
  await buildIndex(dir, { name: 'eyes', home, images: false });
  return { home, dir };
}
const NONE = { author: '', updated_at: 5 };

it('adds and takes tags, sets a note, and keeps nothing where neither is left', async () => {
  using made = temporary();
  const { home } = await indexed(made.path);
  using notes = new QuestionNotes('eyes', home);
  expect([notes.all.size, notes.stamp]).toEqual([0, 0]);
  expect(existsSync(join(datasetDir('eyes', home), 'notes.db'))).toBe(false); // until something is noted
  notes.write(['a', 'b'], { add_tags: [' hard ', 'hard'] }, 5);
  notes.write(['a'], { add_tags: ['odd'], note: 'glare at the rim', author: 'me' }, 5);
  expect([...notes.all.values()]).toEqual([
    { item: 'a', tags: ['hard', 'odd'], note: 'glare at the rim', author: 'me', updated_at: 5 },
    { item: 'b', tags: ['hard'], note: '', ...NONE },
  ]);
  notes.write(['a', 'b'], { remove_tags: ['hard'] }, 5);
  expect([...notes.all.keys()]).toEqual(['a']);
  notes.write(['a'], { tags: [], note: ' ' }, 5);
  expect(notes.all.size).toBe(0);
});

it('are a facet of their data set at once, for a second reader too', async () => {
  using made = temporary();
  const { home } = await indexed(made.path);
  const [one, other] = [new Dataset('eyes', home), new Dataset('eyes', home)];
  const [first] = one.ids({});
  expect(other.page({}).facets.tag).toEqual({});
  one.notes.write([first, 'of another day'], { add_tags: ['hard'] });
  expect(other.page({}).facets.tag).toEqual({ hard: 1 });
  expect(other.page({ q: 'tag:hard' }).items.map(({ id, tags }) => [id, tags])).toEqual([[first, ['hard']]]);
  expect(other.page({ q: '-tag:hard' }).total).toBe(3);
  one.close();
  other.close();
});

it('stay when the data set is read anew, and go with it into the trash and back', async () => {
  using made = temporary();
  const { home, dir } = await indexed(made.path);
  const before = new Dataset('eyes', home);
  const [first] = before.ids({});
  before.notes.write([first], { add_tags: ['hard'] });
  before.close();
  await buildIndex(dir, { name: 'eyes', home, images: false });
  const count = (): number => {
    const set = new Dataset('eyes', home);
    const { total } = set.page({ facets: { tag: ['hard'] } });
    set.close();
    return total;
  };
  expect(count()).toBe(1);
  removeDataset('eyes', home);
  const [id] = readdirSync(join(home, 'trash'));
  await buildIndex(dir, { name: 'eyes', home, images: false });
  expect(count()).toBe(0);
  removeDataset('eyes', home);
  restoreTrash(home, id, datasetDir(trashed(home, id).of, home));
  expect(count()).toBe(1);
});
