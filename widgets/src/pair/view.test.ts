// @vitest-environment jsdom
import { afterEach, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeRun } from '../../testing/fake-connector.ts';
import { until } from '../../testing/until.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { PairQuestion } from './question.ts';
import type { PairView } from './view.ts';

const RUNS: FakeRun[] = [
  { id: 'think', name: 'T', variant: 'think', steps: 40, seed: 1, pair: { id: 'p', with: 'direct', variant: 'no-think' } },
  { id: 'direct', name: 'N', variant: 'no-think', steps: 39, seed: 9, pair: { id: 'p', with: 'think', variant: 'think' } },
];
vi.stubGlobal('ResizeObserver', class { observe() {} disconnect() {} }); // prettier-ignore

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function view(runs: FakeRun[], select: object) {
  const connector = new FakeConnector({ runs });
  workbench = new Workbench(connector);
  await workbench.start();
  workbench.selection.move(select);
  const element = Object.assign(document.createElement('medr1-pair') as PairView, { workbench });
  document.body.append(element);
  const find = <T extends HTMLElement>(selector: string) => element.shadowRoot!.querySelector<T>(selector);
  const questions = () => [...element.shadowRoot!.querySelectorAll<PairQuestion>('medr1-pair-question')];
  return { connector, element, find, questions };
}
const inside = (question: PairQuestion, selector: string) => [...question.shadowRoot!.querySelectorAll<HTMLElement>(selector)];

it('the question stands above, the completions of both runs beside each other', async () => {
  const { questions } = await view(RUNS, { runs: ['direct'], step: 30 });
  await until(() => expect(questions()).toHaveLength(12));
  const [first, second] = questions();
  await until(() => expect(inside(first, '[data-testid=pair-right] [data-testid=completion]')).toHaveLength(8));
  expect(inside(first, '[data-testid=pair-left] [data-testid=completion]')).toHaveLength(8);
  expect(inside(first, '[data-testid=pair-left]')[0].getAttribute('aria-label')).toBe('think');
  expect(inside(first, '.title')[0].textContent).toContain('What abnormality');
  expect(inside(second, '[data-testid=completion]')).toHaveLength(0); // folded
  await until(() =>
    expect(inside(first, '[data-testid=pair-spark]')[0]?.getAttribute('aria-label')).toMatch(/think: step 6 .*no-think: step 6 /),
  );
});

it('follows the newest step that both have made', async () => {
  const { connector, find } = await view(RUNS.map((run) => ({ ...run })), { runs: ['think'] }); // prettier-ignore
  await until(() => expect(find<HTMLInputElement>('[data-testid=pair-step]')?.value).toBe('39'));
  connector.step('direct');
  await until(() => expect(find<HTMLInputElement>('[data-testid=pair-step]')?.value).toBe('40'));
});

it('a click on a completion brings its run to the front and keeps the pair', async () => {
  const { questions } = await view(RUNS, { runs: ['think'], step: 30 });
  await until(() => expect(inside(questions()[0], '[data-testid=pair-right] [data-testid=completion]')).toHaveLength(8));
  inside(questions()[0], '[data-testid=pair-right] [data-testid=completion]')[2].click();
  expect(workbench.selection.value).toMatchObject({ runs: ['direct', 'think'], step: 30, group: 0, completion: 2 });
  await until(() => expect(inside(questions()[0], '[data-testid=pair-right] li.chosen')).toHaveLength(1));
  expect(inside(questions()[0], '[data-testid=pair-left] li.chosen')).toHaveLength(0);
});

it('shows only what one of the two gets right', async () => {
  const { find, questions } = await view(RUNS, { runs: ['think'], step: 30 });
  await until(() => expect(questions()).toHaveLength(12));
  const select = find<HTMLSelectElement>('[data-testid=pair-outcome]')!;
  await until(() => expect(select.options[2].textContent).toMatch(/only think right \(\d+\)/));
  const wanted = Number(/\((\d+)\)/.exec(select.options[2].textContent!)![1]);
  select.value = 'left';
  select.dispatchEvent(new Event('change'));
  await until(() => expect(questions()).toHaveLength(wanted));
  for (const question of questions()) {
    await question.updateComplete;
    expect(inside(question, '[data-testid=outcome]')[0].textContent).toContain('only think');
  }
});

it('arrow keys walk questions and steps', async () => {
  const { questions } = await view(RUNS, { runs: ['think'], step: 30 });
  await until(() => expect(questions()).toHaveLength(12));
  const press = (key: string): void => void questions()[0].dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  const focused = vi.spyOn(questions()[1], 'focus');
  press('ArrowDown');
  expect(focused).toHaveBeenCalled();
  press('ArrowLeft');
  expect(workbench.selection.value.step).toBe(29);
});

it('says what to do without a pair, and when the other run was deleted', async () => {
  const alone = await view([{ id: 'r', steps: 3 }, ...RUNS], { runs: ['r'] });
  await until(() => expect(alone.find('[data-testid=choose-pair]')?.textContent).toContain('T | N'));
  alone.find('[data-testid=choose-pair]')!.click();
  expect(workbench.selection.value.runs).toEqual(['think', 'direct']);
  document.body.replaceChildren();
  workbench.dispose();
  const deleted = await view([RUNS[0]], { runs: ['think'] });
  await until(() => expect(deleted.find('[data-testid=empty]')?.textContent).toContain('which was deleted'));
});

it('text of a model stays text', async () => {
  const { element, connector, questions } = await view(RUNS, { runs: ['think'], step: 30 });
  connector.options.completionText = () => '<img src=x onerror=alert(1)> <answer> <b>C</b> </answer>';
  workbench.selection.move({ step: 29 });
  await until(() => expect(inside(questions()[0], 'ol')[0]?.textContent).toContain('onerror'));
  expect(inside(questions()[0], 'ol img, ol b')).toHaveLength(0);
  expect(element.isConnected).toBe(true);
});
