import fc from 'fast-check';
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataItem, ItemQuery } from '../../protocol/data.ts';
import { medr1, omni, picture, temporary, write } from '../fixtures.ts';
import { loadItems } from '../load.ts';
import { addDataset } from './add.ts';
import { buildIndex } from './build.ts';
import { Dataset } from './dataset.ts';
import { FACETS, type Facet } from './search.ts';
import { hasQuestions, listDatasets, removeDataset } from './list.ts';

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
  all = set.page({ limit: 500 }).items;
}, 60_000);

afterAll(() => {
  set.close();
  made[Symbol.dispose]();
});

const options = (record: Record<string, unknown>) =>
  ['A', 'B', 'C', 'D'].flatMap((l) => (record[`option_${l}`] as string | undefined) ?? []);

const valuesOf: Record<Facet, (item: DataItem) => string[]> = {
  modality: (item) => [item.modality],
  question_type: (item) => [item.question_type],
  dataset: (item) => [item.dataset],
  split: (item) => item.splits,
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
const sort = fc.constantFrom('file', 'id', 'dataset', 'modality', 'question_type', 'question', 'image');

describe('paging', () => {
  it('gives every item that passes exactly once, in any order, by cursor and by offset', () => {
    fc.assert(
      fc.property(
        facets,
        sort,
        fc.boolean(),
        fc.integer({ min: 1, max: 25 }),
        fc.boolean(),
        (chosen, order, descending, limit, byCursor) => {
          const seen: string[] = [];
          for (let page = set.page({ facets: chosen, sort: order, descending, limit }); ;) {
            seen.push(...page.items.map((item) => item.id));
            if (!page.cursor || page.items.length === 0) break;
            const from: ItemQuery = byCursor ? { cursor: page.cursor } : { offset: seen.length };
            page = set.page({ facets: chosen, sort: order, descending, limit, ...from });
          }
          const expected = all.filter((item) => passes(item, chosen)).map((item) => item.id);
          expect(seen.toSorted()).toEqual(expected.toSorted());
          if (order === 'file' && !descending) expect(seen).toEqual(expected);
        },
      ),
      { numRuns: 80 },
    );
  });

  it('grouped by image gives every image once with all its questions that pass', () => {
    fc.assert(
      fc.property(facets, fc.integer({ min: 1, max: 5 }), (chosen, limit) => {
        const groups: string[][] = [];
        let images: number | undefined;
        for (let cursor: string | undefined, first = true; first || cursor; first = false) {
          const page = set.page({ facets: chosen, group: 'image', limit, cursor });
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
      }),
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
  expect(byName).toEqual(byFolder);
  expect((await loadItems('made', { home, split: 'modality/test/CT' })).items).toEqual(
    (await loadItems(data, { split: 'modality/test/CT' })).items,
  );
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
