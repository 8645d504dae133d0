// @vitest-environment jsdom
import { afterEach, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import type { Audit } from '../connector.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { AuditView } from './view.ts';

const SET = 'omnimedvqa';
const HOSTILE = `<img src=x onerror="globalThis.broken = true"><script>globalThis.broken = true</script>`;

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
  vi.restoreAllMocks();
});

async function view(options: FakeOptions = {}, change: (audit: Audit) => Audit = (audit) => audit) {
  const connector = new FakeConnector({ data: { datasets: [{ name: SET, items: 400 }] }, ...options });
  const { audit } = connector.data;
  connector.data.audit = async (name) => change(await audit(name));
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-audit') as AuditView, { workbench });
  const opened: string[] = [];
  element.addEventListener('medr1-command', (event) => opened.push((event as CustomEvent<{ id: string }>).detail.id));
  document.body.append(element);
  const root = element.shadowRoot!;
  await settled();
  const get = (testid: string): HTMLElement => root.querySelector<HTMLElement>(`[data-testid=${testid}]`)!;
  const all = (testid: string): HTMLElement[] => [...root.querySelectorAll<HTMLElement>(`[data-testid=${testid}]`)];
  return { connector, element, root, opened, get, all };
}

it('says the most serious first, and shows the questions of a finding in the Data view', async () => {
  const { all, opened } = await view();
  expect(all('finding-group').map(({ dataset }) => dataset.severity)).toEqual(['leak', 'shortcut', 'unusable']);
  expect(all('finding')[0].textContent).toContain('253 of 848');
  all('show-finding')[1].click();
  expect(opened).toEqual(['open-data']);
  expect(workbench.data.state.value).toMatchObject({ dataset: SET, filter: { facets: { split: ['modality/test/Dermoscopy'] } } });
});

it('each split has its overlaps, the prior and chance; what was not looked at is a question mark', async () => {
  const { get } = await view();
  const cells = [...get('splits').querySelectorAll('tbody tr')].map((row) =>
    [...row.querySelectorAll('th, td')].map((cell) => cell.textContent!.replace(/\s+/g, ' ').trim()),
  );
  expect(cells[0]).toEqual(['Dermoscopy', '3,392', '848', '253 30 %', '31 4 %', '100 %', '25.0 %']);
  expect(cells[1][4]).toBe('?');
});

it('the matrix has a number in each cell and chance below', async () => {
  const { get } = await view();
  const rows = [...get('prior-matrix').querySelectorAll('tbody tr')].map((row) =>
    [...row.querySelectorAll('td')].map((cell) => cell.textContent!.trim()),
  );
  expect(rows).toHaveLength(4);
  expect(rows.map((row) => row.length)).toEqual([3, 3, 3, 3]);
  expect([rows[0][0], rows[1][1], rows[3][0]]).toEqual(['100', '94.8', '25.0']);
  const scrolls = get('prior-matrix').parentElement!; // no button is in it: the keyboard scrolls it by its own focus
  expect([scrolls.tabIndex, scrolls.getAttribute('aria-label')]).toEqual([0, expect.stringMatching(/^Option prior, /)]);
});

it('a bar, a cell and a split open what they count', async () => {
  const { get } = await view();
  const filter = () => workbench.data.state.value.filter;
  get('letters').querySelector<HTMLElement>('[data-testid=bar]')!.click();
  expect(filter()).toEqual({ facets: { answer: ['A'] } });
  get('crossing-table').querySelector<HTMLElement>('td button')!.click();
  expect(Object.keys(filter().facets!)).toEqual(['modality', 'question_type']);
  get('problems').querySelector<HTMLElement>('[data-testid=bar]')!.click();
  expect(filter()).toEqual({ facets: { problem: [expect.stringMatching(/^image-/)] } });
});

it('an image of a pair opens a question on it', async () => {
  const { all, opened, connector } = await view();
  const button = all('pair')[0].querySelector<HTMLElement>('button')!;
  button.click();
  await settled();
  expect(opened).toEqual(['open-sample']);
  expect(connector.data.item(SET, workbench.selection.value.item!).image).toBe(button.title);
});

it('says that near-duplicates are unknown when images were not decoded', async () => {
  const { get } = await view({}, (audit) => ({ ...audit, near_duplicates: { looked: false, pairs: 0, examples: [] } }));
  expect(get('not-decoded').textContent).toContain('Images were not decoded');
  expect(get('splits').textContent).toContain('near-duplicates are unknown');
});

it('draws a split and names it with its hash; nonsense cannot be drawn', async () => {
  const { get } = await view();
  const type = async (testid: string, value: string): Promise<void> => {
    (get(testid) as HTMLInputElement).value = value;
    get(testid).dispatchEvent(new Event('input'));
    await settled();
  };
  await type('split-fraction', '1.5');
  expect((get('draw-split') as HTMLButtonElement).disabled).toBe(true);
  await type('split-fraction', '0.25');
  await type('split-seed', '7');
  get('make-split')
    .querySelector('form')!
    .dispatchEvent(new Event('submit', { cancelable: true }));
  await settled();
  expect(get('made-split').textContent).toMatch(/leak-free-7: 320 questions in train, 80 in test\.\s+sha256\s+[0-9a-f]{12}/);
  expect(get('made-split').textContent).toContain('dataset_train_split: leak-free-7/train');
});

it('exports the audit as JSON', async () => {
  const { get } = await view();
  const saved: Blob[] = [];
  Object.assign(URL, { createObjectURL: (blob: Blob) => `blob:${saved.push(blob)}`, revokeObjectURL: () => {} });
  const click = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => {});
  get('export-audit').click();
  expect((click.mock.contexts[0] as HTMLAnchorElement).download).toBe('omnimedvqa-audit.json');
  expect(JSON.parse(await saved[0].text())).toMatchObject({ dataset: SET, items: 400 });
});

it('follows the selected data set', async () => {
  const { get } = await view({
    data: {
      datasets: [
        { name: SET, items: 400 },
        { name: 'other', items: 50 },
      ],
    },
  });
  expect(get('audit-size').textContent).toContain('400 questions');
  workbench.selection.move({ dataset: 'other' });
  await settled();
  expect(get('audit-size').textContent).toContain('50 questions');
});

it('has words for no data set, for waiting and for failure', async () => {
  const none = await view({ data: { datasets: [] } });
  expect(none.get('empty').textContent).toContain('Open Data');
  none.element.remove();
  const waiting = await view({}, () => new Promise<never>(() => {}) as never);
  expect(waiting.get('loading').textContent).toContain(`Auditing ${SET}`);
  waiting.element.remove();
  const failed = await view({}, () => {
    throw Object.assign(new Error('The audit ran out of memory.'), { remedy: 'Close other programs.' });
  });
  expect(failed.get('error').textContent).toContain('Close other programs.');
});

it('markup in names of splits, modalities and findings stays text', async () => {
  const { root } = await view(
    { data: { datasets: [{ name: SET, items: 40 }], item: (item) => ({ ...item, modality: HOSTILE, question_type: HOSTILE }) } },
    (audit) => ({
      ...audit,
      findings: [{ code: 'image-overlap', count: 1, text: HOSTILE, query: {} }],
      splits: [{ ...audit.splits[0], train: `${HOSTILE}/train/x`, test: `${HOSTILE}/test/x` }],
      prior_matrix: { [`train/${HOSTILE}`]: { [`test/${HOSTILE}`]: 50 } },
      problems: { [HOSTILE]: 3 },
    }),
  );
  expect(root.textContent).toContain(HOSTILE);
  expect(root.querySelectorAll('script, img[onerror]')).toHaveLength(0);
});
