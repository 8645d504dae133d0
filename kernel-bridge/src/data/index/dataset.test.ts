import fc from 'fast-check';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataItem, ItemQuery } from '../../protocol/data.ts';
import { medr1, omni, picture, temporary, write } from '../fixtures.ts';
import { loadItems } from '../load.ts';
import { addDataset } from './add.ts';
import { buildIndex } from './build.ts';
import { Dataset } from './dataset.ts';
import { FACETS, type Facet } from '../../protocol/facets.ts';
import { hasQuestions, indexedName, listDatasets, removeDataset, renameDataset, summary } from './list.ts';
import { lockDataset } from './dataset-lock.ts';
import { makeSplit } from '../splits/make.ts';
import { splitPath, writeSplit } from '../splits/files.ts';
import { openForWriting, setMeta } from './schema.ts';
import { readIndexed } from './read-indexed.ts';

const made = temporary();
const data = join(made.path, 'data');
const home = join(made.path, 'home');
let set: Dataset;
let all: DataItem[];

const MODALITIES = ['CT(Computed Tomography)', 'OCT (Optical Coherence Tomography', 'X-Ray'];
const TYPES = ['Disease Diagnosis', 'Lesion Grading'];

beforeAll(async () => {
  const records = Array.from({ length: 60 }, (_, n) =>
    omni(n, {
      dataset: n % 4 === 0 ? 'Retina & disc' : 'ACRIMA',
      modality_type: MODALITIES[n % 3],
      question_type: TYPES[n % 2],
      image_path: `Images/${n % 17}.png`,
      gt_answer: n % 13 === 0 ? 'none of these' : ['No finding.', 'GLAUCOMA', 'drusen'][n % 3],
      question: `What ${n % 2 ? 'lesion' : 'disease'} is seen, <b>case</b> "${n % 5}"?`,
      ...(n % 7 === 0 && { option_C: undefined, option_D: undefined }),
    }),
  );
  const images = Object.fromEntries(
    await Promise.all(Array.from({ length: 16 }, async (_, n) => [`Images/${n}.png`, await picture(n % 12)] as const)),
  );
  const split = records.slice(0, 20).map((r) => medr1(r['image_path'] as string, r['question'] as string, options(r), 'A'));
  write(data, {
    ...images,
    'QA_information/Open-access/all.json': records,
    'Splits/modality/train/CT(Computed Tomography)_train.json': split.slice(0, 12),
    'Splits/modality/test/CT(Computed Tomography)_test.json': split.slice(10),
  });
  await buildIndex(data, { name: 'made', home });
  set = new Dataset('made', home);
  set.notes.write(set.ids({ q: 'lesion' }), { add_tags: ['hard'] });
  set.notes.write(set.ids({ facets: { answer: ['A'] } }), { add_tags: ['odd'], note: 'looked at' });
  all = set.page({ limit: 500 }).items;
});

afterAll(() => {
  set.close();
  made[Symbol.dispose]();
});

const omniLine = (n: number, changes?: Record<string, unknown>) => JSON.stringify(omni(n, changes));
const options = (record: Record<string, unknown>) =>
  ['A', 'B', 'C', 'D'].flatMap((l) => (record[`option_${l}`] as string | undefined) ?? []);

const valuesOf: Record<Facet, (item: DataItem) => string[]> = {
  modality: (item) => [item.modality],
  question_type: (item) => [item.question_type],
  dataset: (item) => [item.dataset],
  split: (item) => item.splits,
  tag: (item) => item.tags ?? [],
  options: (item) => [String(item.options.length)],
  answer: (item) => [item.answer ?? 'none'],
  problem: (item) => [item.problem ?? 'none'],
};
const passes = (item: DataItem, facets: Partial<Record<Facet, string[]>>, except?: Facet) =>
  FACETS.every(
    (facet) => facet === except || !facets[facet]?.length || valuesOf[facet](item).some((value) => facets[facet]!.includes(value)),
  );

const value: Record<Facet, fc.Arbitrary<string>> = {
  modality: fc.constantFrom('CT', 'OCT', 'X-Ray', 'MRI'),
  question_type: fc.constantFrom(...TYPES),
  dataset: fc.constantFrom('ACRIMA', 'Retina & disc'),
  split: fc.constantFrom('modality/train/CT', 'modality/test/CT'),
  tag: fc.constantFrom('hard', 'odd', 'nobody has this'),
  options: fc.constantFrom('2', '4'),
  answer: fc.constantFrom('A', 'B', 'C', 'none'),
  problem: fc.constantFrom('none', 'image-missing', 'answer-no-option'),
};
const facets = fc.record(
  Object.fromEntries(FACETS.map((facet) => [facet, fc.uniqueArray(value[facet], { maxLength: 2 })])) as Record<
    Facet,
    fc.Arbitrary<string[]>
  >,
  {
    requiredKeys: [],
  },
);
/** Searches and what passes them. */
const search = fc.constantFrom<[string | undefined, (item: DataItem) => boolean]>(
  [undefined, () => true],
  ['lesion', (item) => item.question.includes('lesion')],
  ['-lesion', (item) => !item.question.includes('lesion')],
  ['"disease is seen" -options:2', (item) => item.question.includes('disease') && item.options.length !== 2],
  ['modality:X-Ray', (item) => item.modality === 'X-Ray'],
  ['nothing has this', () => false],
);
const sort = fc.constantFrom('file', 'id', 'dataset', 'modality', 'question_type', 'question', 'image');

describe('paging', () => {
  it('gives every item that passes exactly once, in any order, by cursor and by offset', () => {
    fc.assert(
      fc.property(
        fc.tuple(facets, search),
        sort,
        fc.boolean(),
        fc.integer({ min: 1, max: 25 }),
        fc.boolean(),
        ([narrowed, [q, found]], order, descending, limit, byCursor) => {
          const chosen = q?.startsWith('modality') ? { ...narrowed, modality: undefined } : narrowed; // of two choices the bars' counts
          const query: ItemQuery = { facets: chosen, q, sort: order, descending, limit };
          const seen: string[] = [];
          for (let page = set.page(query); ;) {
            seen.push(...page.items.map((item) => item.id));
            if (!page.cursor || page.items.length === 0) break;
            page = set.page({ ...query, ...(byCursor ? { cursor: page.cursor } : { offset: seen.length }) });
          }
          const expected = all.filter((item) => passes(item, chosen) && found(item)).map((item) => item.id);
          expect(seen.toSorted()).toEqual(expected.toSorted());
          if (order === 'file' && !descending) expect(seen).toEqual(expected);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('grouped by image gives every image once with all its questions that pass', () => {
    fc.assert(
      fc.property(
        facets,
        sort,
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        (chosen, order, descending, byCursor, limit) => {
          const groups: string[][] = [];
          let images: number | undefined;
          for (let cursor: string | undefined, first = true; first || cursor; first = false) {
            const from: ItemQuery = byCursor ? { cursor } : { offset: groups.length };
            const page = set.page({ facets: chosen, sort: order, descending, group: 'image', limit, ...from });
            groups.push(...page.items.map((item) => item.group!));
            images = page.images;
            cursor = page.cursor ?? undefined;
          }
          const expected = Map.groupBy(
            all.filter((item) => passes(item, chosen)),
            (item) => item.image,
          );
          expect(images).toBe(expected.size);
          expect(groups.map((ids) => ids.toSorted().join()).toSorted()).toEqual(
            [...expected.values()]
              .map((items) =>
                items
                  .map((i) => i.id)
                  .toSorted()
                  .join(),
              )
              .toSorted(),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('a question knows its place: its neighbours are those beside it in the pages, or those that would be', () => {
    fc.assert(
      fc.property(facets, sort, fc.boolean(), fc.nat(59), (chosen, order, descending, at) => {
        const query: ItemQuery = { facets: chosen, sort: order, descending };
        const list = set.page({ ...query, limit: 500 }).items.map((item) => item.id);
        const { id } = all[at];
        const { index, total, previous, next } = set.place(id, query);
        expect(total).toBe(list.length);
        expect(index).toBe(list.includes(id) ? list.indexOf(id) : null);
        const whole = set.page({ sort: order, descending, limit: 500 }).items.map((item) => item.id);
        const here = whole.indexOf(id);
        expect(previous).toBe(whole.slice(0, here).findLast((one) => list.includes(one)) ?? null);
        expect(next).toBe(whole.slice(here + 1).find((one) => list.includes(one)) ?? null);
      }),
      { numRuns: 80 },
    );
  });

  it('counts each value as if its own facet were open', () => {
    fc.assert(
      fc.property(facets, (chosen) => {
        const { facets: counts, total } = set.page({ facets: chosen, limit: 1 });
        expect(total).toBe(all.filter((item) => passes(item, chosen)).length);
        for (const facet of FACETS) {
          for (const [name, count] of Object.entries(counts[facet])) {
            const expected = all.filter((item) => passes(item, chosen, facet) && valuesOf[facet](item).includes(name)).length;
            expect([facet, name, count]).toEqual([facet, name, expected]);
          }
        }
      }),
      { numRuns: 80 },
    );
  });

  it('refuses a cursor of another revision and an order that there is not', () => {
    expect(() => set.page({ cursor: '0.3' })).toThrow(expect.objectContaining({ code: 'DATA_CURSOR', http: 409 }) as Error);
    expect(() => set.page({ sort: 'n; DROP TABLE items' })).toThrow(expect.objectContaining({ code: 'DATA_SORT' }) as Error);
  });
});

describe('while the index changes under a reader', () => {
  const row = (n: number) => JSON.stringify({ id: `q${n}`, image: `${n % 3}.png`, question: `Q${n}`, options: ['a', 'b'], answer: 'A' });

  it('a walk by cursor ends or starts again, and never skips or repeats', async () => {
    using dir = temporary();
    const [folder, own] = [join(dir.path, 'set'), join(dir.path, 'home')];
    const make = async (from: number, to: number) => {
      write(folder, { 'list.jsonl': Array.from({ length: to - from }, (_, i) => row(from + i)).join('\n') });
      await buildIndex(folder, { home: own, name: 'set', images: false });
    };
    await make(0, 20);
    const open = new Dataset('set', own);
    for (const [step, group] of [
      [1, undefined],
      [2, 'image'],
    ] as const) {
      const first = open.page({ limit: 2, group });
      await make(step, 20 + step); // one at the start is gone, one at the end is new
      expect(() => open.page({ limit: 2, group, cursor: first.cursor! })).toThrow(
        expect.objectContaining({ code: 'DATA_CURSOR' }) as Error,
      );
      const ids = open.page({ limit: 500, group }).items.flatMap((item) => item.group ?? [item.id]);
      expect(ids.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => `q${i + step}`).toSorted());
    }
    open.close();
  });

  it('a page is of one revision from its first look to its last', async () => {
    using dir = temporary();
    const [folder, own] = [join(dir.path, 'set'), join(dir.path, 'home')];
    write(folder, { 'list.jsonl': Array.from({ length: 9 }, (_, n) => row(n)).join('\n') });
    await buildIndex(folder, { home: own, name: 'set', images: false });
    const open = new Dataset('set', own);
    const { revision } = open;
    const prepare = open.db.prepare.bind(open.db);
    let changed = false;
    open.db.prepare = (sql) => {
      if (sql.includes('json_each') && !changed) {
        changed = true; // counted and sorted, not read yet: now another process empties the index
        using other = Object.assign(openForWriting('set', own), { [Symbol.dispose]: () => other.close() });
        other.exec('DELETE FROM items');
        setMeta(other, { revision: revision + 1 });
      }
      return prepare(sql);
    };
    const page = open.page({ sort: 'question', descending: true });
    expect(changed).toBe(true);
    expect(page).toMatchObject({ total: 9, revision });
    expect(page.items.map((item) => item.id)).toEqual(['q8', 'q7', 'q6', 'q5', 'q4', 'q3', 'q2', 'q1', 'q0']);
    expect(open.page()).toMatchObject({ total: 0, revision: revision + 1 });
    open.close();
  });
});

describe('search', () => {
  const ids = (q: string) => set.page({ q, limit: 500 }).items.map((item) => item.id);
  const where = (test: (item: DataItem) => boolean) => all.filter(test).map((item) => item.id);

  it('finds words in question and options, phrases, and what lacks a word', () => {
    expect(ids('lesion')).toEqual(where((item) => item.question.includes('lesion')));
    expect(ids('les')).toEqual(ids('lesion'));
    expect(ids('myopia lesion')).toEqual(where((item) => item.options.includes('Myopia') && item.question.includes('lesion')));
    expect(ids('"lesion is seen"')).toEqual(ids('lesion'));
    expect(ids('-lesion')).toEqual(where((item) => !item.question.includes('lesion')));
    expect(ids('question:glaucoma')).toEqual([]);
    expect(ids('option:glaucoma')).toHaveLength(60);
  });

  it('understands field:value and its opposite', () => {
    expect(ids('modality:OCT lesion')).toEqual(where((item) => item.modality === 'OCT' && item.question.includes('lesion')));
    expect(ids('dataset:"Retina & disc"')).toEqual(where((item) => item.dataset === 'Retina & disc'));
    expect(ids('-modality:CT')).toEqual(where((item) => item.modality !== 'CT'));
    expect(ids('id:ACRIMA_0007')).toEqual(['ACRIMA_0007']);
    expect(ids('image:Images/3.png')).toEqual(where((item) => item.image === 'Images/3.png'));
  });

  it('takes anything a person may type', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (q) => void set.page({ q, limit: 1 })),
      { numRuns: 300, examples: [['"'], ['NEAR('], ["' OR 1=1 --"], ['a AND'], ['split:'], ['*'], ['-'], ['col:x']] },
    );
  });
});

it('a sample has its record, the other questions on its image, and images like it', () => {
  const sample = set.sample('ACRIMA_0001');
  expect(sample.raw).toMatchObject({ question_id: 'ACRIMA_0001', gt_answer: 'GLAUCOMA' });
  expect([sample.file, sample.row]).toEqual(['QA_information/Open-access/all.json', 1]);
  expect(sample.same_image.map((item) => item.id)).toEqual(
    all.filter((item) => item.image === 'Images/1.png' && item.id !== 'ACRIMA_0001').map((item) => item.id),
  );
  expect(sample.near).toMatchObject([{ path: 'Images/13.png', distance: 0 }]); // made from the same seed
  expect(() => set.sample('nobody')).toThrow(expect.objectContaining({ code: 'DATA_ITEM_UNKNOWN', http: 404 }) as Error);
});

it('loading by name gives what loading the folder gives', async () => {
  const [byName, byFolder] = await Promise.all([loadItems('made', { home }), loadItems(data, { home })]);
  expect({ ...byName, images: byFolder.images }).toEqual(byFolder);
  expect([byName.images!.size > 0, byFolder.images!.size]).toEqual([true, 0]); // an index alone knows their hashes
  expect((await loadItems('made', { home, split: 'modality/test/CT' })).items).toEqual(
    (await loadItems(data, { split: 'modality/test/CT' })).items,
  );
});

it('a split that was drawn is counted, found and told of its questions, as soon as it is there and as long as it is sound', () => {
  const open = new Dataset('made', home);
  try {
    expect(Object.keys(open.page().facets.split)).not.toContain('mine/train');
    const split = makeSplit(readIndexed('made', home), { kind: 'leak-free', name: 'mine' });
    const path = splitPath('made', 'mine', home);
    writeSplit(path, split);
    expect(open.page().facets.split).toMatchObject({ 'mine/train': split.train.length, 'mine/test': split.test.length });
    expect(open.page({ q: 'split:mine/test', limit: 500 }).items.map(({ id }) => id)).toEqual(split.test);
    expect(open.item(split.test[0]).splits).toContain('mine/test');
    expect(open.item(split.train[0]).splits).not.toContain('mine/test');
    writeFileSync(path, JSON.stringify({ ...split, test: [] }));
    expect(Object.keys(open.page().facets.split)).not.toContain('mine/train');
    rmSync(path);
    expect(open.page().items).toEqual(set.page().items);
  } finally {
    open.close();
  }
});

describe('indexing again', () => {
  it('reads only what changed, and forgets what is gone', async () => {
    using dir = temporary();
    const [folder, own] = [join(dir.path, 'set'), join(dir.path, 'home')];
    const list = join(folder, 'list.jsonl');
    const row = (n: number) => JSON.stringify({ image: `${n}.png`, question: `Q${n}`, options: ['a', 'b'], answer: 'A' });
    write(folder, { 'list.jsonl': [row(0), row(1)].join('\n'), '0.png': await picture(0), '1.png': await picture(1) });
    await buildIndex(folder, { home: own, name: 'set' });
    const hashes = () => {
      const open = new Dataset('set', own);
      const rows = open.db.prepare('SELECT path, sha256, mtime_ns FROM images ORDER BY path').all() as {
        path: string;
        sha256: string;
        mtime_ns: string;
      }[];
      open.close();
      return rows.map((r) => ({ ...r }));
    };
    const before = hashes();
    const revision = () => {
      const open = new Dataset('set', own);
      try {
        return open.revision;
      } finally {
        open.close();
      }
    };
    const first = revision();
    await buildIndex(folder, { home: own, name: 'set' });
    expect(hashes()).toEqual(before);

    writeFileSync(list, [row(1), row(2)].join('\n'));
    write(folder, { '1.png': await picture(9), '2.png': await picture(2) });
    utimesSync(join(folder, '1.png'), new Date(), new Date(statSync(list).mtimeMs + 5000));
    await buildIndex(folder, { home: own, name: 'set' });
    const after = hashes();
    expect(after.map(({ path }) => path)).toEqual(['1.png', '2.png']);
    expect(after[0].sha256).not.toBe(before[1].sha256);
    expect(revision()).toBeGreaterThan(first);
  });

  it('an image that has come is there, though no file of questions changed', async () => {
    using dir = temporary();
    const [folder, own] = [join(dir.path, 'set'), join(dir.path, 'home')];
    const row = (n: number) => JSON.stringify({ image: `i/${n}.png`, question: `Q${n}`, options: ['a', 'b'], answer: 'A' });
    write(folder, { 'list.jsonl': [row(0), row(1)].join('\n'), 'i/0.png': await picture(0) });
    await addDataset(folder, { home: own, name: 'set' });
    expect(summary('set', own)).toMatchObject({ usable: 1, hashed: 1 });
    write(folder, { 'i/1.png': await picture(1) });
    await addDataset(folder, { home: own, name: 'set' });
    expect(summary('set', own)).toMatchObject({ usable: 2, hashed: 2 });
    rmSync(join(folder, 'i'), { recursive: true });
    await addDataset(folder, { home: own, name: 'set' });
    expect(summary('set', own)).toMatchObject({ usable: 0, items: 2 });
  });

  it('a folder that vanishes while it is read leaves the index as it was', async () => {
    using dir = temporary();
    const [folder, own] = [join(dir.path, 'set'), join(dir.path, 'home')];
    write(folder, { 'a.jsonl': omniLine(0), 'b.jsonl': omniLine(1) });
    await buildIndex(folder, { home: own, name: 'set', images: false });
    write(folder, { 'a.jsonl': Array.from({ length: 1500 }, (_, n) => omniLine(n)).join('\n') });
    const gone = buildIndex(folder, {
      home: own,
      name: 'set',
      images: false,
      progress: () => rmSync(folder, { recursive: true, force: true }),
    });
    await expect(gone).rejects.toMatchObject({ code: 'DATA_UNREADABLE', message: expect.stringContaining('b.jsonl') as string });
    expect(summary('set', own)).toMatchObject({ items: 2 });
  });

  it('a name stays with its folder, unless that is gone', async () => {
    using dir = temporary();
    const [here, there, own] = [join(dir.path, 'a/set'), join(dir.path, 'b/set'), join(dir.path, 'home')];
    for (const folder of [here, there]) write(folder, { 'a.jsonl': omniLine(0) });
    await addDataset(here, { home: own, images: false });
    await expect(addDataset(there, { home: own, images: false })).rejects.toMatchObject({
      code: 'DATA_NAME_TAKEN',
      message: expect.stringContaining(here) as string,
    });
    expect(summary('set', own).dir).toBe(here);
    rmSync(here, { recursive: true });
    await addDataset(there, { home: own, images: false });
    expect(summary('set', own).dir).toBe(there);
  });

  it('killed at any moment it loses and doubles nothing', async () => {
    using dir = temporary();
    const [folder, own] = [join(dir.path, 'set'), join(dir.path, 'home')];
    const rows = Array.from({ length: 6000 }, (_, n) => omniLine(n, { image_path: `i/${n % 150}.png` }));
    const images = await Promise.all(Array.from({ length: 150 }, async (_, n) => [`i/${n}.png`, await picture(n, 200)] as const));
    write(folder, { 'list.jsonl': rows.join('\n'), ...Object.fromEntries(images) });
    const content = (home: string) => {
      const open = new Dataset('set', home);
      const all = (sql: string) => open.db.prepare(sql).all();
      const found = [
        all('SELECT id, image, question FROM items ORDER BY n'),
        all('SELECT path, sha256, dhash, problem FROM images ORDER BY path'),
      ];
      open.close();
      return found;
    };
    await buildIndex(folder, { home: join(dir.path, 'clean'), name: 'set' });
    for (const ms of [150, 250, 350, 450, 600, 800]) {
      const child = fork(join(import.meta.dirname, 'build-main.ts'), { serialization: 'advanced', execArgv: [], stdio: 'ignore' });
      child.send({ dir: folder, name: 'set', home: own });
      setTimeout(() => child.kill('SIGKILL'), ms);
      await once(child, 'exit');
      if (hasQuestions('set', own)) expect(summary('set', own).items).toBe(6000); // all of the questions or none of them
    }
    await addDataset(folder, { home: own, name: 'set' });
    expect(content(own)).toEqual(content(join(dir.path, 'clean')));
  });

  it('is one at a time: the second is told, and harms nothing', async () => {
    using dir = temporary();
    const own = join(dir.path, 'home');
    await addDataset(data, { home: own, name: 'x' });
    using _held = lockDataset('x', own);
    const busy = { code: 'DATA_BUSY', remedy: expect.stringContaining('Wait') as string };
    await expect(addDataset(data, { home: own, name: 'x' })).rejects.toMatchObject(busy);
    expect(listDatasets(own)).toMatchObject([{ name: 'x', items: 60, hashed: 16 }]);
    expect(() => removeDataset('x', own)).toThrow(expect.objectContaining({ code: 'DATA_BUSY' }) as Error);
    expect(hasQuestions('x', own)).toBe(true);
  });

  it('given up in a process of its own it leaves nothing, or what was there', async () => {
    using dir = temporary();
    const own = join(dir.path, 'home');
    const stopped = new Error('given up');
    const abort = new AbortController();
    const adding = addDataset(data, { home: own, name: 'x', signal: abort.signal });
    abort.abort(stopped);
    await expect(adding).rejects.toBe(stopped);
    expect(listDatasets(own)).toEqual([]);
    const second = new AbortController();
    await expect(addDataset(data, { home: own, name: 'x', signal: second.signal, progress: () => second.abort(stopped) })).rejects.toBe(
      stopped,
    );
    expect(listDatasets(own)).toMatchObject([{ name: 'x', items: 60 }]); // the questions were in
  });
});

it('forgetting a data set leaves its folder alone, and no name reaches another folder', async () => {
  using dir = temporary();
  write(join(dir.path, 'set'), { 'a.jsonl': '{"image":"x.png","question":"q","options":["a","b"],"answer":"A"}' });
  const own = join(dir.path, 'home');
  await buildIndex(join(dir.path, 'set'), { home: own, name: 'set' });
  removeDataset('set', own);
  expect(hasQuestions('set', own)).toBe(false);
  expect(statSync(join(dir.path, 'set/a.jsonl')).isFile()).toBe(true);
  for (const name of ['..', '../set', '/', '', 'a/b', '.']) {
    await expect(addDataset(join(dir.path, 'set'), { home: own, name })).rejects.toMatchObject({ code: 'DATA_NAME' });
    expect(() => removeDataset(name, own)).toThrow();
  }
});

it('renamed, a data set takes its notes along, is found by the name of before, and leaves a name that is taken', async () => {
  using dir = temporary();
  const own = join(dir.path, 'home');
  for (const name of ['a', 'b']) {
    write(join(dir.path, name), { 'q.jsonl': '{"image":"x.png","question":"q","options":["a","b"],"answer":"A"}' });
    await buildIndex(join(dir.path, name), { home: own, name });
  }
  new Dataset('a', own).notes.write([readIndexed('a', own).items[0].id], { tags: ['hard'] });
  expect(() => renameDataset('a', 'b', own)).toThrow(expect.objectContaining({ code: 'DATA_NAME_TAKEN', http: 409 }) as Error);
  expect(() => renameDataset('gone', 'c', own)).toThrow(expect.objectContaining({ code: 'DATA_UNKNOWN' }) as Error);
  renameDataset('a', 'c', own);
  expect(renameDataset('c', 'd', own)).toMatchObject({ name: 'd', dir: join(dir.path, 'a'), items: 1 });
  expect(listDatasets(own).map(({ name }) => name)).toEqual(['b', 'd']);
  expect([...new Dataset('d', own).notes.all.values()]).toMatchObject([{ tags: ['hard'] }]);
  expect([indexedName('a', own), indexedName('c', own), (await loadItems('a', { home: own })).items.length]).toEqual(['d', 'd', 1]);
  renameDataset('b', 'a', own); // the name is another's now
  expect(indexedName('a', own)).toBe('a');
});
