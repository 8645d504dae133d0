// @vitest-environment jsdom
import { expect, it, vi } from 'vitest';
import type { FakeOptions } from '../../testing/fake-connector.ts';
import { fakeMatrix } from '../../testing/fake-evals.ts';
import { openView } from '../../testing/open-view.ts';
import { settled, until } from '../../testing/until.ts';
import './view.ts';

const view = (options: FakeOptions) => openView('medr1-evaluation', options);

const two = [
  { id: 'b', name: 'second', variant: 'no-think' as const, rate: 0.8, controls: ['blank-image' as const, 'options-permuted' as const] },
  { id: 'a', name: 'first', rate: 0.5 },
];

it('an empty list says what an evaluation is and offers the form', async () => {
  const { find, click } = await view({});
  expect(find('empty').textContent).toContain('medr1 eval');
  await click('first-evaluation');
  expect(find('eval-start')).toBeDefined();
});

it('loading and failing have their states; a failure can be tried again', async () => {
  expect((await view({ silent: true })).find('loading')).toBeDefined();
  const { connector, find, click } = await view({ failure: { code: 'X', message: 'The backend is down.', remedy: 'Start it.' } });
  expect(find('error').textContent).toContain('The backend is down.');
  delete connector.options.failure;
  await click('retry');
  expect(find('empty')).toBeDefined();
});

it('questions that had to be left out are told', async () => {
  const { all, find, click } = await view({ evals: [{ id: 'a', items: 20, left_out: 3 }] });
  await click('open-evaluation');
  expect(find('left-out').textContent).toMatch(/3 of the split left out/);
  expect(all('[data-testid=left-out]')).toHaveLength(1);
});

it('one evaluation shows both readings with intervals, controls beside them, and where the answer stays', async () => {
  const { all, find, click } = await view({ evals: two });
  await click('open-evaluation');
  const row = (name: string) => all(`[data-testid=accuracy][data-name="${name}"]`)[0];
  expect(row('All').querySelectorAll('[data-testid=share]')).toHaveLength(2);
  expect(row('All').querySelector('[data-testid=share]')!.getAttribute('title')).toMatch(/of 200 right; 95 % Wilson interval/);
  expect(row('CT').querySelectorAll('.control')).toHaveLength(2);
  expect(row('Lesion Grading')).toBeDefined();
  expect(find('follows').textContent).toContain("stays with the option's text");
});

it('controls that were asked for and have no answers yet are named', async () => {
  const note = async (change: (controls: object) => object) => {
    const { connector, find, click } = await view({ evals: two });
    const { get } = connector.evals;
    connector.evals.get = async (id) => {
      const detail = await get(id);
      return { ...detail, report: { ...detail.report, controls: change(detail.report.controls) } };
    };
    await click('open-evaluation');
    return find('controls-note').textContent;
  };
  expect(await note((all) => all)).toBe('Controls are by the reading strict.');
  expect(await note(() => ({}))).toBe('No answers yet under blank-image, options-permuted.');
});

it('answers are filtered by the backend and come a page at a time', async () => {
  const { all, find, click, choose, last } = await view({ evals: two });
  await click('open-evaluation');
  expect(all('[data-testid=answer]')).toHaveLength(20);
  await choose('answers-show', 'differing');
  expect(last('evals.answers')).toMatchObject(['evals.answers', 'b', { filter: 'differing', reading: 'strict', offset: 0 }]);
  const total = Number(find('answers-total').textContent!.match(/\d+/)![0]);
  expect(total).toBeGreaterThan(0);
  expect(all('[data-testid=answer]')[0].textContent).toContain('tolerant');
  await choose('answers-show', 'all');
  await click('answers-more');
  expect(all('[data-testid=answer]')).toHaveLength(40);
});

it('a new evaluation leaves the elements of the others as they are, under the pointer and the focus', async () => {
  const { connector, all } = await view({ evals: two });
  const stays = all('[data-id=a]')[0];
  stays.querySelector<HTMLElement>('[data-testid=open-evaluation]')!.focus();
  connector.tellEvals({ summary: { ...connector.evals.summary(connector.evals.evals[0]), id: 'new', created_at: Date.now() } });
  await settled();
  expect(all('[data-testid=evaluation]').map((row) => row.dataset.id)).toEqual(['new', 'b', 'a']);
  expect(all('[data-id=a]')[0]).toBe(stays);
  expect((stays.getRootNode() as ShadowRoot).activeElement).toBe(stays.querySelector('[data-testid=open-evaluation]'));
});

it('one that goes on keeps the answers that are on the page', async () => {
  const { connector, all, click, last } = await view({ evals: two });
  await click('open-evaluation');
  await click('answers-more');
  const third = all('[data-testid=answer]')[2];
  const summary = connector.evals.summary(connector.evals.evals[0]);
  connector.tellEvals({ summary: { ...summary, done: summary.done + 1 } });
  await settled();
  expect(last('evals.answers')).toMatchObject(['evals.answers', 'b', { offset: 0, limit: 40 }]);
  expect(all('[data-testid=answer]')).toHaveLength(40);
  expect(all('[data-testid=answer]')[2]).toBe(third);
});

it('a run that begins leaves the chosen one chosen in the form', async () => {
  const { connector, control, click, choose, workbench } = await view({
    evals: two,
    runs: [
      { id: 'x', steps: 4 },
      { id: 'y', steps: 4 },
    ],
  });
  await click('go-new');
  for (const id of ['x', 'y']) await choose(control<HTMLSelectElement>('run'), id);
  connector.tellRuns({ summary: { ...workbench.runs.get('y')!, id: 'z', created_at: Date.now() } });
  await settled();
  expect(control<HTMLSelectElement>('run').value).toBe('y');
});

it('ticked evaluations are what the Compare view compares', async () => {
  const { element, all, find, click, workbench } = await view({ evals: two });
  for (const box of all('[data-testid=pick]')) box.click();
  await settled();
  expect(workbench.selection.value.evaluations).toEqual(['b', 'a']);
  expect(find('go-compare').textContent).toContain('(2)');
  const asked = vi.fn();
  element.addEventListener('medr1-command', (event) => asked((event as CustomEvent).detail.id));
  await click('go-compare');
  expect(asked).toHaveBeenCalledWith('open-compare');
});

it('matrices hold the number in each cell, its size on hover, the means apart, and no-think minus think', async () => {
  const { all, find, click } = await view({ evals: fakeMatrix() });
  await click('go-matrices');
  const names = all('[data-testid=matrix]').map((section) => section.dataset.name);
  expect(names).toEqual(['grpo no-think minus grpo think', 'Published: no-think minus think', 'grpo no-think', 'grpo think']);
  const paper = [...all('[data-testid=matrix]')[1].querySelectorAll('td')];
  expect(paper[0].textContent!.trim()).toBe('+1.2'); // CT on CT: 1.24 points
  expect(find('published-source').textContent).toContain('arXiv 2503.13939');
  const cells = [...all('[data-testid=matrix]')[2].querySelectorAll('td')];
  expect(cells).toHaveLength(64);
  expect(cells[0].textContent!.trim()).toMatch(/^\d+\.\d$/);
  expect(cells[1].title).toMatch(/^trained on CT, tested on MRI: \d+ of 10 right/);
  expect(all('[data-testid=matrix] .own')).toHaveLength(32);
  await click('matrix-tolerant');
  expect(find('matrix').textContent).toContain('tolerant, points');
});

it('a cell opens its evaluation', async () => {
  const { all } = await view({ evals: fakeMatrix() });
  all('[data-testid=go-matrices]')[0].click();
  await settled();
  all('[data-testid=matrix]')[2].querySelector('button')!.click();
  await settled();
  expect(all('[data-testid=accuracy]').length).toBeGreaterThan(5);
});

it('the form starts an evaluation of the run that is looked at, and shows why it was refused', async () => {
  const { connector, find, control, all, click } = await view({
    runs: [{ id: 'r1', name: 'Demo', steps: 100 }],
    data: { datasets: [{ name: 'omnimedvqa', items: 20 }] },
  });
  await click('go-new');
  expect(control<HTMLSelectElement>('step').value).toBe('60');
  const limit = control<HTMLInputElement>('limit');
  limit.value = '50';
  limit.dispatchEvent(new Event('input'));
  all('[data-choice=text-only]')[0].click();
  await settled();
  connector.evals.start = () => Promise.reject({ code: 'EVAL_SPLIT_CHANGED', message: 'The split changed.', remedy: 'Evaluate anew.' });
  await click('eval-start');
  expect(find('error').textContent).toContain('Evaluate anew.');
  const started = vi.fn().mockResolvedValue({ id: 'new' });
  connector.evals.start = started;
  await click('eval-start');
  expect(started).toHaveBeenCalledWith(
    expect.objectContaining({
      run: 'r1',
      step: 60,
      limit: 50,
      split: 'modality/test',
      controls: ['blank-image', 'text-only', 'option-prior'],
    }),
  );
});

it('text of models and data sets reaches the page as text', async () => {
  const hostile = '<img src=x onerror="document.title=1"><script>1</script>';
  const { all, click } = await view({ evals: [{ id: 'h', name: hostile, items: 3, text: `${hostile}<answer>${hostile}</answer>` }] });
  await click('open-evaluation');
  expect(all('[data-testid=answer]')).toHaveLength(3);
  expect(all('img, script')).toEqual([]);
});

it('a running one follows its progress and can be stopped', async () => {
  const { connector, find, click, last } = await view({ evals: [{ id: 'r', state: 'running', items: 100, answered: 10 }] });
  expect(find('evaluation-progress').textContent).toContain('10 of 100 answers');
  connector.evals.evals[0].answered = 30;
  connector.tellEvals({ summary: connector.evals.summary(connector.evals.evals[0]) });
  await settled();
  expect(find('evaluation-progress').textContent).toContain('30 of 100 answers');
  await click('stop-evaluation');
  expect(last('evals.action')).toEqual(['evals.action', 'r', { action: 'stop' }]);
});

it('leaves nothing subscribed when it leaves the page', async () => {
  const { connector, element } = await view({ evals: two });
  element.remove();
  expect(connector.evalsFollowers).toBe(0);
});

it('what is removed can be taken back: the host offers it, and the trash is told', async () => {
  const { element, click, last, workbench } = await view({ evals: two });
  const told: unknown[] = [];
  element.addEventListener('medr1-command', (event) => told.push((event as CustomEvent).detail));
  const before = workbench.removals.value;
  await click('delete-evaluation');
  const [, id] = last('evals.remove')!;
  expect(told).toEqual([{ id: 'offer-undo', args: { id: `evaluation-${String(id)}`, name: expect.any(String) } }]);
  expect(workbench.removals.value).toBe(before + 1);
});

it('what was open is open again, and what is gone since is left', async () => {
  const first = await view({ evals: two });
  await first.click('open-evaluation');
  const kept = first.workbench.evaluation.toJSON();
  expect(kept.place).toEqual({ at: 'one', id: 'b' });
  const again = await openView('medr1-evaluation', { evals: two }, ({ evaluation }) => evaluation.restore(kept));
  expect(again.all('[data-testid=accuracy]').length).toBeGreaterThan(0);
  const { workbench } = await openView('medr1-evaluation', { evals: [two[1]] }, ({ evaluation }) => evaluation.restore(kept));
  await until(() => expect(workbench.evaluation.toJSON()).toEqual({ place: { at: 'list' } }));
});

it('a run without an evaluation is told, with the way to one', async () => {
  const { find, workbench } = await view({ evals: two, runs: [{ id: 'r', name: 'Lonely', steps: 3 }] });
  workbench.evaluation.place.set({ at: 'list', of: 'r' });
  await settled();
  expect(find('no-evaluation-of').textContent).toContain('Lonely has no evaluation yet');
  find('no-evaluation-of').querySelector('button')!.click();
  await settled();
  expect(workbench.selection.value.runs[0]).toBe('r');
  expect(find('eval-start')).toBeDefined();
});

it('answers whose data set is not indexed offer to index it, and open once it is', async () => {
  const { connector, all, find, click } = await view({ evals: two });
  await click('open-evaluation');
  const { settings } = (await connector.evals.list())[0];
  expect(find('unindexed').textContent).toContain('not indexed yet');
  expect(all('.question')[0].hasAttribute('disabled')).toBe(true);
  await click('index-evaluated');
  expect(JSON.stringify(connector.calls)).toContain(JSON.stringify({ dir: settings.root }));
  await settled();
});
