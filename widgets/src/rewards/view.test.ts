// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import type { CodeEditorOptions } from '../code-editor.ts';
import type { RewardRevision } from '../connector.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { SourceEditor } from '../source-editor.ts';
import type { RewardsView } from './view.ts';

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function view(
  state: 'running' | 'finished' = 'running',
  options: FakeOptions = {},
  properties: Partial<RewardsView> = {},
  prepare = (_: FakeConnector): void => {},
) {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 40, state }], ...options });
  prepare(connector);
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-rewards') as RewardsView, { workbench, ...properties });
  document.body.append(element);
  await settled();
  const find = <T extends HTMLElement>(selector: string): T => element.shadowRoot!.querySelector<T>(selector)!;
  const type = async (name: string, weight: string): Promise<void> => {
    const input = find<HTMLInputElement>(`[data-reward=${name}] [data-testid=reward-weight]`);
    input.value = weight;
    input.dispatchEvent(new Event('change'));
    await settled();
  };
  return { connector, element, find, type };
}
const APPLY = '[data-testid=reward-apply]';

it('of a run of another trainer there is nothing to edit, and no settings are asked for', async () => {
  const imported = { from: '/output/trainer_state.json', keys: [], stride: 1, weights: {}, lacks: [] };
  const { element, find } = await view('finished', {}, {}, (connector) => {
    const { run } = connector;
    connector.run = async (id) => {
      const detail = await run(id);
      return { ...detail, rewards: [], summary: { ...detail.summary, imported } };
    };
  });
  expect(element.shadowRoot!.textContent).toContain('Rewards of another trainer');
  expect(find('medr1-run-settings')).toBeNull();
  expect(find(APPLY)).toBeNull();
});

it('an edit is sent on the revision it was made on, and waits for the next step', async () => {
  const { connector, find, type } = await view();
  await type('format', '0.5');
  find(APPLY).click();
  await settled();
  expect(connector.calls.find(([name]) => name === 'editRewards')).toEqual([
    'editRewards',
    'a',
    { weights: { accuracy: 1, format: 0.5 }, base_revision: 1 },
  ]);
  expect(find('[data-testid=revision]').textContent).toMatch(/revision 2\s+◔ from the next step/);
});

it('nothing can be applied before something was changed, nor with every reward off', async () => {
  const { find, type } = await view();
  expect(find<HTMLButtonElement>(APPLY).disabled).toBe(true);
  await type('format', '0.5');
  expect(find<HTMLButtonElement>(APPLY).disabled).toBe(false);
  await type('format', '0');
  await type('accuracy', '0');
  expect(find<HTMLButtonElement>(APPLY).disabled).toBe(true);
});

it('an edit that another one overtook is refused, said, and kept to be sent again', async () => {
  const { connector, element, find, type } = await view();
  connector.editRewards = () =>
    Promise.reject({ code: 'CONFLICT', message: 'Revision 2 came first.', remedy: 'Look at it and apply again.' });
  await type('format', '0.5');
  find(APPLY).click();
  await settled();
  expect(element.shadowRoot!.textContent).toMatch(/Revision 2 came first\..*Look at it/s);
  expect(find<HTMLInputElement>('[data-reward=format] [data-testid=reward-weight]').value).toBe('0.5');
});

it('a reward switched off and on again has its weight back', async () => {
  const { find, type } = await view();
  await type('format', '0.7');
  const tick = find<HTMLInputElement>('[data-reward=format] input[type=checkbox]');
  tick.click();
  await settled();
  expect(find<HTMLInputElement>('[data-reward=format] [data-testid=reward-weight]').value).toBe('0');
  tick.click();
  await settled();
  expect(find<HTMLInputElement>('[data-reward=format] [data-testid=reward-weight]').value).toBe('0.7');
});

it('the preview tells what the new weights would do to stored rollouts', async () => {
  const { find, type } = await view();
  await type('format', '0');
  find('[data-testid=reward-preview]').click();
  await settled();
  expect(find('[data-testid=preview-result]').textContent).toMatch(/groups that teach/);
});

it('a function written here is tried on stored rollouts with its tests, and sent with its source', async () => {
  const { connector, element, find } = await view();
  find('[data-testid=add-typescript]').click();
  await settled();
  const editor = find('medr1-source-editor');
  const field = editor.shadowRoot!.querySelector('textarea')!;
  expect(field.value).toContain('export default function reward');
  field.value = 'export default (all) => all.map(() => 1);';
  field.dispatchEvent(new Event('input'));
  const file = find<HTMLInputElement>('[data-testid=reward-file]');
  file.value = 'always.ts';
  file.dispatchEvent(new Event('change'));
  await settled();
  find('[data-testid=reward-preview]').click();
  await settled();
  const files = { 'always.ts': 'export default (all) => all.map(() => 1);' };
  expect(connector.calls.find(([name]) => name === 'tryRewards')).toEqual(['tryRewards', 'a', { files, built_in: [], steps: 20, to: 40 }]);
  expect(find('[data-testid=reward-report]').textContent).toMatch(/always\s+✓ tests 3\/3/);
  expect(find('[data-testid=preview-result]').textContent).toMatch(/groups that teach/);
  find(APPLY).click();
  await settled();
  expect(connector.calls.find(([name]) => name === 'editRewards')).toEqual([
    'editRewards',
    'a',
    { weights: { accuracy: 1, format: 1, always: 1 }, files, base_revision: 1 },
  ]);
  expect(element.draft).toBeNull();
});

/** The view after a preview of a new function that throws. */
async function failing() {
  const opened = await view();
  const { find } = opened;
  find('[data-testid=add-typescript]').click();
  await settled();
  const field = find('medr1-source-editor').shadowRoot!.querySelector('textarea')!;
  field.value = 'export default () => { throw 1; };';
  field.dispatchEvent(new Event('input'));
  await settled();
  find('[data-testid=reward-preview]').click();
  await settled();
  return opened;
}

it('a function that fails on stored rollouts says so, and shows no preview', async () => {
  const { element, find } = await failing();
  expect(find('[data-testid=reward-report]').textContent).toMatch(/my_reward\.ts:4.*Mend the function/s);
  expect(element.shadowRoot!.querySelector('[data-testid=preview-result]')).toBeNull();
});

it('a function can be left out, and a built-in one added', async () => {
  const { connector, find } = await view();
  find('[data-reward=format] [data-testid=remove-reward]').click();
  await settled();
  const add = find<HTMLSelectElement>('[data-testid=add-built-in]');
  add.value = 'accuracy_tolerant';
  add.dispatchEvent(new Event('change'));
  await settled();
  find(APPLY).click();
  await settled();
  expect(connector.calls.find(([name]) => name === 'editRewards')?.[2]).toEqual({
    weights: { accuracy: 1, accuracy_tolerant: 1 },
    remove: ['format'],
    base_revision: 1,
  });
});

it('Tab indents, and leaves the field after Escape', async () => {
  const { find } = await view();
  find('[data-testid=add-typescript]').click();
  await settled();
  const field = find('medr1-source-editor').shadowRoot!.querySelector('textarea')!;
  const before = field.value;
  field.setSelectionRange(0, 0);
  const press = (key: string): boolean => field.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }));
  expect(press('Tab')).toBe(false);
  expect(field.value).toBe(`  ${before}`);
  press('Escape');
  expect(press('Tab')).toBe(true);
});

describe('distributions', () => {
  const texts = (element: RewardsView) =>
    [...element.shadowRoot!.querySelectorAll('[data-testid=histogram]')].map((one) =>
      [...one.children]
        .filter((part) => !part.matches('.heard')) // which says again what is drawn
        .map((part) => part.textContent)
        .join(' ')
        .replace(/\s+/g, ' ')
        .trim(),
    );

  it('of the functions in force show without an edit', async () => {
    const { connector, element, find } = await view();
    find('[data-testid=reward-preview]').click();
    await settled();
    expect(texts(element)).toEqual([
      expect.stringMatching(/^accuracy 0\.00 ?1\.00 mean 0\.\d+ not applicable 0 errors 0 read$/),
      expect.stringMatching(/^format .* not applicable 0 errors 0 read$/),
    ]);
    expect(connector.calls.find(([name]) => name === 'tryRewards')).toEqual(['tryRewards', 'a', { steps: 20, to: 40 }]);
    expect(find('[data-testid=preview-result]')).toBeNull();
  });

  it('of a new one stand beside them, with the share that does not apply; each column says its count', async () => {
    const { element, find } = await view();
    find('[data-testid=add-typescript]').click();
    await settled();
    find('[data-testid=reward-preview]').click();
    await settled();
    expect(texts(element)[2]).toMatch(/^my_reward 0\.00 ?1\.00 mean 0\.\d+ not applicable \d+ \(\d+ %\) errors 0 read$/);
    const columns = element.shadowRoot!.querySelectorAll('[data-testid=histogram]')[2].querySelectorAll<HTMLElement>('.column');
    expect([...columns].map(({ title }) => title)).toEqual([expect.stringMatching(/^0\.00: \d+$/), expect.stringMatching(/^1\.00: \d+$/)]);
    const heard = [...columns].map(
      (_, at) => element.shadowRoot!.querySelectorAll('[data-testid=histogram]')[2].querySelectorAll('tbody tr')[at],
    );
    expect(heard.map((row) => row.textContent!.replace(/\s+/g, ': ').slice(2, -2))).toEqual([...columns].map(({ title }) => title));
    expect(texts(element).slice(3)).toEqual([expect.stringMatching(/^reward/), expect.stringMatching(/^advantage/)]);
  });

  it('of one that fails count the completions that it fails on', async () => {
    const { element } = await failing();
    expect(texts(element)[2]).toMatch(/errors 2 read$/);
  });
});

it('a column of values lists its completions, and a click on one goes to it; by keyboard all are listed', async () => {
  const { element, find } = await view();
  find('[data-testid=add-typescript]').click();
  await settled();
  find('[data-testid=reward-preview]').click();
  await settled();
  const mine = element.shadowRoot!.querySelectorAll('[data-testid=histogram]')[2];
  const [zeros, ones] = mine.querySelectorAll<HTMLElement>('.column');
  const count = (column: HTMLElement): number => Number(column.title.split(': ')[1]);
  ones.click();
  await settled();
  expect(find('[data-testid=listing] h4').textContent!.replace(/\s+/g, ' ')).toContain(`my_reward 1.00 ${count(ones)} completions`);
  const entries = () => [...element.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=listed]')];
  expect(entries().every((one) => one.textContent!.includes('1.00'))).toBe(true);
  mine.querySelector<HTMLElement>('[data-testid=read-values]')!.click();
  await settled();
  expect(find('[data-testid=listing] h4').textContent).toContain(`${count(zeros) + count(ones)} completions`);
  const [, step, group, completion] = /step (\d+), group (\d+), completion (\d+): +0.00/
    .exec(entries()[0].textContent!.replace(/\s+/g, ' '))!
    .map(Number);
  entries()[0].click();
  expect(workbench.selection.value).toMatchObject({ step, group, completion });
});

it('the past is drawn as it was rewarded and, dashed, as it would be', async () => {
  const { element, find, type } = await view();
  await type('format', '0.5');
  find('[data-testid=reward-preview]').click();
  await settled();
  const past = find('[data-testid=past]');
  expect([...past.querySelectorAll('path')].map((path) => path.getAttribute('stroke-dasharray'))).toEqual([null, '5 3']);
  expect([...past.querySelectorAll('tbody th')].map((cell) => cell.textContent)).toEqual(['37', '38', '39', '40']);
  await type('format', '0.4');
  expect(element.shadowRoot!.querySelector('[data-testid=past]')).toBeNull();
});

it('a completion whose advantage changes sign is one click away', async () => {
  const { element, find, type } = await view();
  await type('accuracy', '-1');
  find('[data-testid=reward-preview]').click();
  await settled();
  const told: string[] = [];
  element.addEventListener('medr1-command', (event) => told.push((event as CustomEvent).detail.id));
  const flip = find('[data-testid=flip]');
  const [, step, group, completion] = /step (\d+), group (\d+), completion (\d+)/.exec(flip.textContent!)!.map(Number);
  flip.click();
  expect(workbench.selection.value).toMatchObject({ step, group, completion });
  expect(told).toEqual(['open-rollouts']);
});

const revision = (number: number, step: number | null, source: string): RewardRevision => ({
  ...{ revision: number, step, weights: { mine: 1 }, reason: '', author: '', created_at: 0 },
  sources: { mine: { file: 'mine.ts', source, sha256: `sha of ${source}` } },
});
const SOURCE = 'const a = 1;\nexport default (all) => all.map(() => a);\n';
const rewards = [revision(1, 1, SOURCE), revision(2, 11, SOURCE.replace('1;', '2;')), revision(3, null, SOURCE.replace('1;', '3;'))];

it('says of an edit that came too late that it never counted', async () => {
  const { element, find } = await view('finished', { rewards });
  expect(element.shadowRoot!.querySelector('[data-testid=revision-steps]')!.textContent).toBe('never counted: the run was over');
  expect(find('[data-testid=revision]').textContent).toMatch(/revision 3\s+never counted/);
});

it('the history tells the steps of each revision and what changed in its sources', async () => {
  const { element } = await view('running', { rewards });
  const entries = [...element.shadowRoot!.querySelectorAll('[data-testid=revision-entry]')];
  expect(entries.map((one) => one.querySelector('[data-testid=revision-steps]')!.textContent)).toEqual([
    'waits',
    'since step 11',
    'steps 1 to 10',
  ]);
  expect(entries.map((one) => one.querySelector('summary')!.textContent!.replace(/\s+/g, ' ').trim())).toEqual([
    expect.stringMatching(/^mine\.ts .* \+1 −1$/),
    expect.stringMatching(/^mine\.ts .* \+1 −1$/),
    expect.stringMatching(/^mine\.ts .* new$/),
  ]);
  const removed = [...entries[1].querySelectorAll('.removed code')].map((one) => one.textContent);
  expect(removed).toEqual(['const a = 1;']);
});

it('a changed source is held against what runs', async () => {
  const { element, find } = await view('running', { rewards });
  find('[data-testid=edit-source]').click();
  await settled();
  expect(find('[data-testid=source-changes]')).toBeNull();
  const field = find('medr1-source-editor').shadowRoot!.querySelector('textarea')!;
  field.value = field.value.replace('3;', '4;');
  field.dispatchEvent(new Event('input'));
  await settled();
  expect(find('[data-testid=source-changes] summary').textContent).toMatch(/\+1 −1/);
  expect(element.shadowRoot!.querySelector('[data-testid=source-changes] .added code')!.textContent).toBe('const a = 4;');
});

it('what Apply adds, changes and removes is one diff, weights, parameters and sources in it', async () => {
  const { element, find, type } = await view('running', { rewards: [{ ...rewards[0], weights: { mine: 1, format: 1, accuracy: 1 } }] });
  const row = (name: string) => element.shadowRoot!.querySelector<HTMLElement>(`[data-reward=${name}]`)!;
  row('format').querySelector<HTMLElement>('[data-testid=remove-reward]')!.click();
  await settled();
  await type('accuracy', '0.5');
  find('[data-testid=add-typescript]').click();
  await settled();
  const lines = (kind: string) =>
    [...element.shadowRoot!.querySelectorAll(`[data-testid=source-changes] .${kind} code`)].map((one) => one.textContent);
  expect(lines('removed')).toEqual(['format: weight 1', 'accuracy: weight 1']);
  expect(lines('added').slice(0, 2)).toEqual(['accuracy: weight 0.5', 'my_reward: weight 1, my_reward.ts']);
  expect(lines('added')).toContain("export const tests = [{ completion: '<answer>A</answer>', answer: 'A', expected: 1 }];");
});

it('marks the line of an error in the editor while it is written, after a preview too', async () => {
  vi.useFakeTimers();
  const marked: unknown[] = [];
  const createEditor = (options: CodeEditorOptions) => {
    type = options.onChange;
    return { setSource: () => {}, setProblems: (problems: unknown) => void marked.push(problems), showLine: () => {}, dispose: () => {} };
  };
  let type: (source: string) => void = () => {};
  const { connector, find } = await view('running', { rewards }, { createEditor });
  const message = 'reward mine (mine.ts:2) cannot be read as a program: unexpected token';
  connector.checkRewards = () =>
    Promise.resolve([{ entry: 'mine.ts', name: 'mine', sha256: null, tests: null, error: { code: 'REWARD_SYNTAX', message, remedy: '' } }]);
  find('[data-testid=edit-source]').click();
  await vi.advanceTimersByTimeAsync(0);
  type('export default (all) =>\n all.map(');
  await vi.advanceTimersByTimeAsync(100);
  expect(marked.at(-1)).toEqual([]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(marked.at(-1)).toEqual([{ line: 2, message }]);
  type(SOURCE);
  await vi.advanceTimersByTimeAsync(0);
  expect(marked.at(-1)).toEqual([]); // what was said of the text before
  vi.useRealTimers();
});

it('marks the line of an error in a kept edit as soon as it is opened', async () => {
  vi.useFakeTimers();
  const { connector, find } = await view('running', { rewards });
  const message = 'reward mine (mine.ts:1) cannot be read as a program: unexpected token';
  connector.checkRewards = () =>
    Promise.resolve([{ entry: 'mine.ts', name: 'mine', sha256: null, tests: null, error: { code: 'REWARD_SYNTAX', message, remedy: '' } }]);
  workbench.rewardDrafts.put('a', { weights: { mine: 1 }, files: { mine: { file: 'mine.ts', source: 'export' } }, reason: '' });
  find('[data-testid=edit-source]').click();
  await vi.advanceTimersByTimeAsync(2000);
  expect(find('medr1-source-editor').shadowRoot!.querySelector('[role=note]')!.textContent).toContain(message);
  vi.useRealTimers();
});

it("tells the run's curves what a preview found, while the edit stands as it was previewed", async () => {
  const { element, find, type } = await view();
  const previewed = async (): Promise<void> => {
    find('[data-testid=reward-preview]').click();
    await settled();
  };
  await previewed();
  expect(workbench.rewardTrial.value).toBeNull(); // nothing is edited
  await type('format', '0.5');
  await previewed();
  expect(workbench.rewardTrial.value).toEqual({ run: 'a', steps: element.outcome!.preview!.steps });
  await type('format', '0.25');
  expect(workbench.rewardTrial.value).toBeNull();
  await previewed();
  expect(workbench.rewardTrial.value).not.toBeNull();
  find(APPLY).click();
  await settled();
  expect(workbench.rewardTrial.value).toBeNull();
  await type('format', '0.75');
  await previewed();
  expect(workbench.rewardTrial.value).not.toBeNull();
  element.remove();
  await settled();
  expect(workbench.rewardTrial.value).toBeNull();
});

it('the completions that a function fails on are counted, and can be read', async () => {
  const { element, find } = await view('running', { rewards });
  find('[data-testid=edit-source]').click();
  await settled();
  const field = find('medr1-source-editor').shadowRoot!.querySelector('textarea')!;
  field.value = 'export default () => { throw 1; };';
  field.dispatchEvent(new Event('input'));
  await settled();
  find('[data-testid=reward-preview]').click();
  await settled();
  expect(find('[data-testid=reward-report]').textContent).toMatch(/fails on 2 of 98 completions\.\s+Here the others/);
  find('[data-testid=reward-errors] button').click();
  await settled();
  const read = [...element.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=listed]')];
  expect(read.map((one) => one.textContent!.replace(/\s+/g, ' ').trim())).toEqual([
    expect.stringMatching(/completion 1: no value$/),
    expect.stringMatching(/completion 3: no value$/),
  ]);
});

describe('a Python function of a notebook', () => {
  const python = (number: number, step: number | null, source: string): RewardRevision => ({
    ...{ revision: number, step, weights: { mine: 1 }, reason: '', author: 'notebook', created_at: 0 },
    sources: {
      mine: { file: 'mine.py', source, sha256: `sha of ${source}`, runtime: 'kernel', timeout_s: 30, on_timeout: 'pause' },
    },
  });
  const [BEFORE, NOW] = ['def mine(completions, **_):\n    return [1.0]\n', 'def mine(completions, **_):\n    return [2.0]\n'];
  const served = [python(1, 1, BEFORE), python(2, 11, NOW)];

  it('is shown, with how long a step waits for it, and cannot be edited here', async () => {
    const { element, find } = await view('running', { rewards: served });
    expect(find('[data-testid=edit-source]').textContent).toContain('show code');
    find('[data-testid=edit-source]').click();
    await settled();
    expect(find('medr1-source-editor')).toBeNull();
    expect(find('[data-testid=served-source]').textContent).toMatch(
      /mine\.py, evaluated in the kernel.*waits 30 s for it, then the run pauses/s,
    );
    const lines = [...element.shadowRoot!.querySelectorAll('[data-testid=served-source] .added code')].map((one) => one.textContent);
    expect(lines).toEqual(['def mine(completions, **_):', '    return [2.0]']);
  });

  it('of an earlier revision is asked for by its hash, in a preview and in an edit', async () => {
    const { connector, element, find } = await view('running', { rewards: served });
    const [, use] = [...element.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=revision-entry] button')];
    use.click();
    await settled();
    find('[data-testid=reward-preview]').click();
    await settled();
    const kernel = { mine: `sha of ${BEFORE}` };
    expect(connector.calls.find(([name]) => name === 'tryRewards')![2]).toMatchObject({ files: {}, kernel });
    find(APPLY).click();
    await settled();
    expect(connector.calls.find(([name]) => name === 'editRewards')![2]).toMatchObject({ weights: { mine: 1 }, kernel });
    expect(connector.calls.find(([name]) => name === 'editRewards')![2]).not.toHaveProperty('files');
  });
});

it("a file of the host becomes a function, and one of the run's name gets its text", async () => {
  const files = {
    chooseRewards: () => Promise.resolve(['work/mine.ts', 'work/other.ts']),
    read: (path: string) => Promise.resolve(`// ${path}`),
    onSaved: () => ({ close: () => {} }),
  };
  const { element, find } = await view('running', { rewards }, { files });
  find('[data-testid=add-files]').click();
  await settled();
  expect(element.draft).toEqual({
    reason: '',
    weights: { mine: 1, other: 1 },
    files: { mine: { file: 'mine.ts', source: '// work/mine.ts' }, other: { file: 'other.ts', source: '// work/other.ts' } },
  });
});

it("the host's editor takes the place of the field: it tells what is typed, and is told of what comes from elsewhere", async () => {
  const made: (CodeEditorOptions & { sources: string[]; disposed: boolean })[] = [];
  const createEditor = (options: CodeEditorOptions) => {
    const one = { ...options, sources: [] as string[], disposed: false };
    made.push(one);
    return {
      setSource: (source: string) => void one.sources.push(source),
      setProblems: () => {},
      showLine: () => {},
      dispose: () => void (one.disposed = true),
    };
  };
  const { element, find } = await view('running', { rewards }, { createEditor });
  find('[data-testid=edit-source]').click();
  await settled();
  expect(made[0]).toMatchObject({ source: rewards[2].sources.mine.source, file: 'mine.ts' });
  const keys: string[] = [];
  const inside = made[0].host.appendChild(document.createElement('div'));
  inside.addEventListener('keydown', ({ key }) => keys.push(key));
  for (const key of ['Tab', 'Escape', 'Tab', 'Tab']) inside.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  expect(keys).toEqual(['Tab', 'Escape', 'Tab']);
  made[0].onChange('typed');
  await settled();
  expect(element.draft!.files.mine.source).toBe('typed');
  expect(made[0].sources).toEqual([]);
  find('[data-testid=reward-revert]').click();
  await settled();
  expect(made[0].sources).toEqual([rewards[2].sources.mine.source]);
  find('[data-testid=edit-source]').click();
  await settled();
  expect(made.map(({ disposed }) => disposed)).toEqual([true]);
});

it('weights of a run that ended cannot be applied', async () => {
  const { find, type } = await view('finished');
  await type('format', '0.5');
  expect(find<HTMLButtonElement>(APPLY).disabled).toBe(true);
});

describe('an edit that is not applied', () => {
  const twoRuns: FakeOptions = {
    runs: [
      { id: 'a', steps: 40, state: 'running' },
      { id: 'b', steps: 40, state: 'running', seed: 2 },
    ],
  };

  it('stays with its run while another is looked at, in another view, and through a reload', async () => {
    const { element, find, type } = await view('running', twoRuns);
    workbench.selection.move({ runs: ['a'] });
    await settled();
    find('[data-testid=add-typescript]').click();
    await type('format', '0.3');
    const reason = find<HTMLInputElement>('[aria-label=Reason]');
    reason.value = 'format is learnt';
    reason.dispatchEvent(new Event('input'));
    await settled();
    const edited = structuredClone(element.draft)!;
    expect(Object.keys(edited.files)).toEqual(['my_reward']);
    workbench.selection.move({ runs: ['b'] });
    await settled();
    expect(element.draft).toBeNull();
    expect(find('[data-reward=my_reward]')).toBeNull();
    workbench.selection.move({ runs: ['a'] });
    await settled();
    expect(element.draft).toEqual(edited);
    expect(find('[data-testid=dirty]').textContent).toContain('not applied');
    element.remove();
    const page = new Workbench(new FakeConnector(twoRuns));
    page.rewardDrafts.restore(JSON.parse(JSON.stringify(workbench.rewardDrafts)));
    expect(page.rewardDrafts.of('a')).toEqual(edited);
    page.dispose();
  });

  it('comes back after Revert', async () => {
    const { element, find, type } = await view();
    await type('format', '0.3');
    const edited = structuredClone(element.draft);
    find('[data-testid=reward-revert]').click();
    await settled();
    expect(element.draft).toBeNull();
    find('[data-testid=undo-revert]').click();
    await settled();
    expect(element.draft).toEqual(edited);
  });

  it('keeps the keyboard in the view when what had it goes or is greyed for good', async () => {
    const { element, find, type } = await view();
    const press = async (selector: string): Promise<string | undefined> => {
      find(selector).focus();
      find(selector).click();
      await settled();
      return (element.shadowRoot!.activeElement as HTMLElement | null)?.dataset.testid;
    };
    await type('format', '0.3');
    expect(await press('[data-testid=reward-revert]')).toBe('reward-preview');
    await type('format', '0.4');
    expect(await press(APPLY)).toBe('reward-preview');
    expect(await press('[data-reward=format] [data-testid=remove-reward]')).toBe('remove-reward'); // that of the function before
    expect(await press('[data-testid=add-typescript]')).toBe('reward-file');
    const file = find<HTMLInputElement>('[data-testid=reward-file]');
    file.value = 'other.ts';
    file.dispatchEvent(new Event('change'));
    await settled();
    expect(find('[data-reward=other]')).not.toBeNull();
    expect((element.shadowRoot!.activeElement as HTMLElement).dataset.testid).toBe('reward-file');
  });

  it('says what Apply will change, and what it will take away, which can be kept', async () => {
    const { find, type } = await view();
    await type('accuracy', '2');
    find('[data-reward=format] [data-testid=remove-reward]').click();
    await settled();
    expect(find('[data-testid=changes]').textContent).toMatch(/accuracy 1 → 2; format removed/);
    find('[data-testid=reward-removed] [data-testid=keep-reward]').click();
    await settled();
    expect(find('[data-testid=changes]').textContent).toMatch(/accuracy 1 → 2$/);
  });
});

it('a weight counts with each key, and its text stays as it is typed', async () => {
  const { element, find } = await view();
  const field = find<HTMLInputElement>('[data-reward=format] [data-testid=reward-weight]');
  for (const [text, weight] of [
    ['0', 0],
    ['0.5', 0.5],
    ['0.50', 0.5],
    ['', 0.5],
  ] as const) {
    field.value = text;
    field.dispatchEvent(new Event('input'));
    await settled();
    expect([field.value, element.draft!.weights.format]).toEqual([text, weight]);
    expect(find<HTMLButtonElement>(APPLY).disabled).toBe(false);
  }
  field.dispatchEvent(new Event('change'));
  await settled();
  expect(field.value).toBe('0.5');
});

it('the shares of the variance follow the weight that is moved', async () => {
  const { find, type } = await view();
  const share = () => find('[data-reward=format] .share b').textContent;
  const before = share();
  await type('format', '0');
  expect(before).not.toBe('0 %');
  expect(share()).toBe('0 %');
});

it('an error leads to its line in the editor', async () => {
  const { element, find } = await failing();
  find('[data-testid=edit-source]').click();
  await settled();
  find('[data-testid=to-line]').click();
  await settled();
  await settled();
  const editor = find<SourceEditor>('medr1-source-editor');
  const field = editor.shadowRoot!.querySelector('textarea')!;
  expect(editor.shadowRoot!.activeElement).toBe(field);
  expect(element.editing).toBe('my_reward');
});

it('what the preview found stays after Apply, and an error of both is said once', async () => {
  const { connector, element, find, type } = await view();
  await type('format', '0');
  find('[data-testid=reward-preview]').click();
  await settled();
  find(APPLY).click();
  await settled();
  expect(find('[data-testid=preview-result]')).not.toBeNull();
  const broken = await failing();
  connector.options.failure = undefined;
  broken.connector.editRewards = () => Promise.reject(broken.element.outcome!.reports[0].error);
  broken.find(APPLY).click();
  await settled();
  expect(broken.element.shadowRoot!.querySelectorAll('[data-testid=error]')).toHaveLength(1);
  expect(element.draft).toBeNull();
});

const press = async (element: HTMLElement): Promise<void> => {
  element.click();
  await settled();
};
const change = async (field: HTMLInputElement | HTMLSelectElement, value: string): Promise<void> => {
  field.value = value;
  field.dispatchEvent(new Event('change'));
  await settled();
};
const sent = (connector: FakeConnector, name: string) => connector.calls.find(([one]) => one === name)?.[2];

it('a parameter of a built-in function is edited beside its formula, tried, and sent; the default takes it back', async () => {
  const { connector, find } = await view();
  const add = find<HTMLSelectElement>('[data-testid=add-built-in]');
  await change(add, 'soft_overlong_punishment');
  const row = '[data-reward=soft_overlong_punishment] ';
  await press(find(`${row}[data-testid=open-parameters]`));
  expect(find(`${row}[data-testid=parameters]`).textContent).toMatch(/Earns.*what soft_overlong_punishment earns.*Known failure/s);
  const cache = `${row}[data-parameter=soft_punish_cache] [data-testid=parameter-value]`;
  expect(find<HTMLInputElement>(cache).value).toBe('51');
  await change(find<HTMLInputElement>(cache), '20');
  await press(find('[data-testid=reward-preview]'));
  const parameters = { soft_overlong_punishment: { soft_punish_cache: 20 } };
  expect(sent(connector, 'tryRewards')).toEqual({ files: {}, built_in: ['soft_overlong_punishment'], parameters, steps: 20, to: 40 });
  await press(find(APPLY));
  expect(sent(connector, 'editRewards')).toEqual({
    weights: { accuracy: 1, format: 1, soft_overlong_punishment: 1 },
    parameters,
    base_revision: 1,
  });
});

it('a second pattern has a label, and all other built-in functions are offered once', async () => {
  const { connector } = await view();
  const known = await connector.builtInRewards();
  connector.builtInRewards = async () => [...known, { ...known[0], name: 'pattern' }];
  document.body.replaceChildren();
  const element = Object.assign(document.createElement('medr1-rewards') as RewardsView, { workbench });
  document.body.append(element);
  await settled();
  const add = () => element.shadowRoot!.querySelector<HTMLSelectElement>('[data-testid=add-built-in]')!;
  const offered = () => [...add().options].map(({ value }) => value).filter(Boolean);
  expect(offered()).toEqual(['accuracy_tolerant', 'soft_overlong_punishment', 'pattern']);
  await change(add(), 'pattern');
  expect(offered()).toEqual(['accuracy_tolerant', 'soft_overlong_punishment', 'pattern:2']);
  await change(add(), 'pattern:2');
  expect(offered()).toContain('pattern:3');
  expect(element.shadowRoot!.querySelector('[data-reward="pattern:2"] [data-testid=open-parameters]')).not.toBeNull();
});

it('a weight follows the step as its chart shows, and is held still again', async () => {
  const { connector, element, find } = await view();
  const row = '[data-reward=format] ';
  await press(find(`${row}[data-testid=follow-step]`));
  expect(find<HTMLInputElement>(`${row}[data-testid=reward-weight]`).disabled).toBe(true);
  await change(find(`${row}[data-testid=schedule-to]`) as HTMLInputElement, '0');
  await change(find(`${row}[data-testid=schedule-end]`) as HTMLInputElement, '61');
  expect(find(`${row}[data-testid=schedule-chart]`).getAttribute('aria-label')).toBe(
    'Weight of format: 1 → 0 over steps 41 to 61 (linear)',
  );
  await change(find(`${row}[data-testid=schedule-end]`) as HTMLInputElement, '3'); // before its start: not taken
  expect(find('[data-testid=changes]').textContent).toContain('format: 1 → 0 over steps 41 to 61 (linear)');
  await press(find(APPLY));
  expect(sent(connector, 'editRewards')).toEqual({
    weights: { accuracy: 1, format: 1 },
    weight_schedules: { format: { schedule: 'linear', from: 1, to: 0, start: 41, end: 61 } },
    base_revision: 1,
  });
  await press(find(`${row}[data-testid=follow-step]`));
  await press(find(`${row}[data-testid=follow-step]`));
  expect(element.draft).toBeNull();
});

describe('a pair', () => {
  const PAIR = [
    { id: 'a', steps: 40, state: 'running' as const, pair: { id: 'p', with: 'b', variant: 'no-think' } },
    { id: 'b', name: 'Demo · no-think', steps: 40, state: 'running' as const, pair: { id: 'p', with: 'a', variant: 'think' } },
  ];
  const ofPair = async () => {
    const seen = await view('running', { runs: structuredClone(PAIR) });
    workbench.selection.move({ runs: ['a'] });
    await settled();
    return seen;
  };
  const edits = (connector: FakeConnector, name: string) => connector.calls.filter(([one]) => one === name).map(([, id]) => id);

  it('has an edit of rewards and of settings made in both runs, and in one where that is chosen', async () => {
    const { connector, find, type } = await ofPair();
    await type('format', '0.5');
    expect(find('.both').textContent).toMatch(/in\s+Demo · no-think too/);
    await press(find(APPLY));
    const weights = { accuracy: 1, format: 0.5 };
    expect(connector.calls.filter(([name]) => name === 'editRewards').map(([, ...call]) => call)).toEqual([
      ['a', { weights, base_revision: 1 }],
      ['b', { weights, base_revision: 1 }],
    ]);
    find<HTMLInputElement>('[data-testid=both]').click();
    await type('format', '0.25');
    await press(find(APPLY));
    expect(edits(connector, 'editRewards')).toEqual(['a', 'b', 'a']);
    const settings = find('medr1-run-settings').shadowRoot!;
    const rate = settings.querySelector<HTMLInputElement>('[data-setting=learning_rate] input')!;
    rate.value = '5e-7';
    rate.dispatchEvent(new Event('input'));
    await settled();
    await press(settings.querySelector('[data-testid=settings-apply]')!);
    expect(edits(connector, 'editSettings')).toEqual(['a', 'b']);
  });

  it('goes back in both, to the revision that is the same there, whatever its number', async () => {
    const { connector, element, find, type } = await ofPair();
    await type('format', '0.5');
    await press(find(APPLY));
    const detail = connector.run;
    const [first] = (await detail('a')).rewards;
    const there = (rewards: RewardRevision[]) => (connector.run = async (id) => ({ ...(await detail(id)), rewards }));
    there([
      { ...first, revision: 1, weights: { accuracy: 2 } },
      { ...first, revision: 4 },
    ]);
    await press(find('[data-testid=go-back]'));
    const reverts = () => connector.calls.filter(([name]) => name === 'revert').map(([, ...call]) => call);
    expect(reverts()).toEqual([
      ['a', { revision: 1 }],
      ['b', { revision: 4 }],
    ]);
    there([{ ...first, weights: { accuracy: 2 } }]);
    await press(find('[data-testid=go-back]'));
    expect(element.shadowRoot!.textContent).toContain('not in Demo · no-think: it never had these rewards and settings.');
  });

  it('says so where the other run refuses, and offers nothing where it has ended', async () => {
    const { connector, element, type, find } = await ofPair();
    const edit = connector.editRewards;
    connector.editRewards = (id, body) => (id === 'b' ? Promise.reject({ code: 'X', message: 'no.', remedy: 'Mend it.' }) : edit(id, body));
    await type('format', '0.5');
    await press(find(APPLY));
    expect(element.shadowRoot!.textContent).toContain('The edit was made here, and not in Demo · no-think: no.');
    workbench.runs.apply({ summary: { ...workbench.runs.get('b')!, state: 'finished' } });
    await settled();
    expect(find('[data-testid=both]')).toBeNull();
  });
});

describe('settings', () => {
  async function settings(options: FakeOptions = {}, state: 'running' | 'finished' = 'running') {
    const properties = { beta: { type: 'number', title: 'KL coefficient' }, delta: { anyOf: [{ type: 'number' }, { type: 'null' }] } };
    const seen = await view(state, { schema: { properties }, ...options });
    await settled();
    const root = seen.find('medr1-run-settings').shadowRoot!;
    const field = (key: string) => root.querySelector<HTMLInputElement>(`[data-setting=${key}] input`)!;
    const type = async (key: string, text: string): Promise<void> => {
      field(key).value = text;
      field(key).dispatchEvent(new Event('input'));
      await settled();
    };
    return { ...seen, root, field, type, apply: root.querySelector<HTMLButtonElement>('[data-testid=settings-apply]')! };
  }

  it('are edited together, and what makes a new revision is told', async () => {
    const { connector, find, field, type, apply } = await settings();
    expect(field('learning_rate').value).toBe('0.000001');
    expect(apply.disabled).toBe(true);
    await type('learning_rate', '5e-7');
    await type('epsilon_high', '0.28');
    await type('beta', '');
    expect(apply.disabled).toBe(true); // beta needs a value
    await type('beta', '0.04'); // as it was
    await press(apply);
    expect(sent(connector, 'editSettings')).toEqual({ settings: { learning_rate: 5e-7, epsilon_high: 0.28 } });
    expect(find('[data-testid=revision]').textContent).toMatch(/revision 2\s+◔ from the next step/);
  });

  it('take over what an alert proposes, beside what was typed, and apply it by hand alone', async () => {
    const { connector, field, type, apply, root } = await settings();
    await type('epsilon_high', '0.28');
    workbench.settingDrafts.set({ a: { beta: '0.08' } });
    await settled();
    expect([root.querySelector('details')!.open, field('beta').value, field('epsilon_high').value]).toEqual([true, '0.08', '0.28']);
    expect(connector.calls.some(([name]) => name === 'editSettings')).toBe(false);
    expect(workbench.settingDrafts.value).toEqual({});
    await press(apply);
    expect(sent(connector, 'editSettings')).toEqual({ settings: { epsilon_high: 0.28, beta: 0.08 } });
  });

  it('say why one cannot be changed, and offer the fork', async () => {
    const usual = { type: 'number', default: 0.08 };
    const { element, root, field } = await settings({ fixed: { beta: 'it began with beta 0' }, schema: { properties: { beta: usual } } });
    expect(field('beta').disabled).toBe(true);
    expect(root.querySelector('[data-setting=beta]')!.textContent).toMatch(/cannot be changed: it began with beta 0\./);
    const heard: unknown[] = [];
    element.addEventListener('medr1-command', (event) => heard.push((event as CustomEvent).detail));
    root.querySelector<HTMLElement>('[data-testid=fork]')!.click();
    expect(heard).toEqual([{ id: 'fork-run', args: { id: 'a', settings: 'beta = 0.08' } }]);
  });

  it('say what a value does that is most often a slip of the pen, and take it', async () => {
    const doubted = { type: 'number', doubtful: { above: 0.01, why: 'the model is lost' } };
    const { root, type, apply } = await settings({ schema: { properties: { learning_rate: doubted } } });
    expect(root.querySelector('[data-testid=doubt]')).toBeNull();
    await type('learning_rate', '1e9');
    expect(root.querySelector('[data-setting=learning_rate] [data-testid=doubt]')!.textContent).toBe('⚠ above 0.01 the model is lost');
    expect(apply.disabled).toBe(false);
  });

  it('that are refused are kept to be mended', async () => {
    const { connector, root, field, type, apply } = await settings();
    connector.editSettings = () => Promise.reject({ code: 'CONFIG_INVALID', message: 'delta is 1.', remedy: 'Give another.' });
    await type('delta', '1');
    await press(apply);
    expect(root.textContent).toMatch(/delta is 1\./);
    expect(field('delta').value).toBe('1');
  });
});
