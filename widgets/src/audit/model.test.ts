import { describe, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import type { Audit, AuditFinding, SplitSummary } from '../connector.ts';
import { AuditModel, bars, confounded, crossing, findingGroups, matrices, shortName } from './model.ts';

const SET = 'omnimedvqa';
const make = () => {
  const connector = new FakeConnector({
    data: {
      datasets: [
        { name: SET, items: 400 },
        { name: 'other', items: 50 },
      ],
    },
  });
  return { connector, model: new AuditModel(connector) };
};
const audits = (connector: FakeConnector) => connector.calls.filter(([name]) => name === 'data.audit').length;

describe('AuditModel', () => {
  it('audits a data set once, and again when its index grew', async () => {
    const { connector, model } = make();
    model.show(SET, 1);
    model.show(SET, 1);
    expect(model.state.value.status).toBe('loading');
    await settled();
    expect(model.state.value).toMatchObject({ status: 'ready', audit: { dataset: SET, items: 400 } });
    model.show(SET, 2);
    await settled();
    expect(audits(connector)).toBe(2);
  });

  it('shows the data set asked for last, whichever audit ends last', async () => {
    const { connector, model } = make();
    const slow = Promise.withResolvers<Audit>();
    const { audit } = connector.data;
    connector.data.audit = (name) => (name === SET ? slow.promise : audit(name));
    model.show(SET, 1);
    model.show('other', 1);
    await settled();
    slow.resolve(await audit(SET));
    await settled();
    expect(model.state.value).toMatchObject({ status: 'ready', audit: { dataset: 'other' } });
  });

  it('a failure has its remedy and can be tried again', async () => {
    const { connector, model } = make();
    connector.options.failure = { code: 'X', message: 'gone', remedy: 'come back' };
    model.show(SET, 1);
    await settled();
    expect(model.state.value).toMatchObject({ status: 'error', error: { remedy: 'come back' } });
    connector.options.failure = undefined;
    model.reload();
    await settled();
    expect(model.state.value.status).toBe('ready');
  });

  it('draws a split as its draft says; the name is left to the backend when empty', async () => {
    const { connector, model } = make();
    model.show(SET, 1);
    model.setDraft({ kind: 'question', seed: 7, test_fraction: 0.1, name: ' ' });
    await model.makeSplit();
    expect(connector.calls.find(([name]) => name === 'data.makeSplit')).toEqual([
      'data.makeSplit',
      SET,
      { kind: 'question', seed: 7, test_fraction: 0.1 },
    ]);
    expect(model.state.value).toMatchObject({
      making: false,
      made: { kind: 'question', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    });
  });

  it('a refused split says why and leaves the audit', async () => {
    const { connector, model } = make();
    model.show(SET, 1);
    await settled();
    connector.data.makeSplit = () => Promise.reject<SplitSummary>(Object.assign(new Error('taken'), { remedy: 'Choose another name.' }));
    await model.makeSplit();
    expect(model.state.value).toMatchObject({ status: 'ready', making: false, made: null, refusal: { remedy: 'Choose another name.' } });
  });
});

const finding = (code: string, count: number, query: AuditFinding['query'] = {}): AuditFinding => ({ code, count, text: code, query });
const split = (name: string, prior_accuracy: number, chance: number): Audit['splits'][number] => ({
  train: `modality/train/${name}`,
  test: `modality/test/${name}`,
  train_items: 1,
  test_items: 1,
  image_overlap: 0,
  near_overlap: null,
  prior_accuracy,
  chance,
});

it('leaks come first, then shortcuts by what they gain, then what cannot be used', () => {
  const audit = {
    splits: [split('OCT', 100, 25), split('Fundus', 94.8, 50)],
    findings: [
      finding('image-missing', 9000),
      finding('option-prior', 5000, { facets: { split: ['modality/test/Fundus'] } }),
      finding('option-prior', 10, { facets: { split: ['modality/test/OCT'] } }),
      finding('near-overlap', 3),
      finding('confounding', 10_000),
      finding('image-overlap', 4),
    ],
  } as Audit;
  const said = findingGroups(audit).map(({ severity, findings }) => [severity, findings.map(({ code, count }) => `${code} ${count}`)]);
  expect(said).toEqual([
    ['leak', ['image-overlap 4', 'near-overlap 3']],
    ['shortcut', ['option-prior 10', 'option-prior 5000']],
    ['unusable', ['image-missing 9000']],
    ['note', ['confounding 10000']],
  ]);
});

it('the prior has a matrix for each draw, with the chance of each test set', () => {
  const audit = {
    splits: [split('OCT', 100, 25), split('Fundus', 94.8, 26)],
    prior_matrix: {
      'modality/train/OCT': { 'modality/test/Fundus': 38.6, 'modality/test/OCT': 100 },
      'modality/train/Fundus': { 'modality/test/Fundus': 94.8, 'modality/test/OCT': 54.4 },
      'question_type/train/Grading': { 'question_type/test/Grading': 88 },
    },
  } as unknown as Audit;
  const [modality, type, ...rest] = matrices(audit);
  expect(rest).toEqual([]);
  expect(modality.rows.map(({ label }) => label)).toEqual(['Fundus', 'OCT']);
  expect(modality.columns.map(({ label, chance }) => [label, chance])).toEqual([
    ['Fundus', 26],
    ['OCT', 25],
  ]);
  expect(modality.cell('modality/train/Fundus', 'modality/test/OCT')).toBe(54.4);
  expect(type).toMatchObject({ draw: 'question_type', rows: [{ label: 'Grading' }], columns: [{ label: 'Grading', chance: null }] });
});

it.each([
  ['modality/train/OCT', 'OCT'],
  ['question_type/test/Lesion Grading', 'Lesion Grading'],
  ['leak-free-42/test', 'leak-free-42/test'],
  ['train', 'train'],
])('%s is called %s', (name, short) => expect(shortName(name)).toBe(short));

it('bars share out their sum, numbers in their own order', () => {
  expect(bars({ '10': 1, '2': 3 })).toEqual([
    { name: '2', count: 3, share: 0.75 },
    { name: '10', count: 1, share: 0.25 },
  ]);
});

it('modality by type: the largest first, and nothing where they never meet', () => {
  expect(crossing({ CT: { Grading: 1 }, OCT: { Grading: 2, Diagnosis: 5 } })).toEqual({
    rows: [
      { name: 'OCT', total: 7, counts: [5, 2] },
      { name: 'CT', total: 1, counts: [0, 1] },
    ],
    columns: [
      { name: 'Diagnosis', total: 5 },
      { name: 'Grading', total: 3 },
    ],
    most: 5,
  });
});

it.each([
  [0.05, 'hardly'],
  [0.2, 'weakly'],
  [0.41, 'clearly'],
  [0.9, 'strongly'],
])("Cramer's V %s: %s confounded", (v, word) => expect(confounded(v)).toBe(word));
