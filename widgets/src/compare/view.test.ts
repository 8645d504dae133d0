// @vitest-environment jsdom
import { expect, it, vi } from 'vitest';
import type { FakeOptions } from '../../testing/fake-connector.ts';
import { fakeMatrix } from '../../testing/fake-evals.ts';
import { openView } from '../../testing/open-view.ts';
import { settled, until } from '../../testing/until.ts';
import './view.ts';

const view = (options: FakeOptions, evaluations: string[] = []) =>
  openView('medr1-compare', options, ({ selection }) => selection.move({ evaluations }));

const two = [
  { id: 'b', name: 'second', variant: 'no-think' as const, rate: 0.8, controls: ['blank-image' as const, 'options-permuted' as const] },
  { id: 'a', name: 'first', rate: 0.5 },
];

it('tests the pair and lists the questions that flip; a click opens the question', async () => {
  const { element, all, find, click, last, workbench } = await view(
    { evals: two, data: { datasets: [{ name: 'OmniMedVQA', items: 100 }] } },
    ['b', 'a'],
  );
  expect(find('compared').textContent).toContain('200 questions');
  expect(find('p').textContent!.trim()).toBe('< 0.001'); // .8 against .5 of 200
  expect(all('[data-testid=p-holm]')).toEqual([]);
  expect(last('evals.answers')).toMatchObject(['evals.answers', 'b', { filter: 'flips', against: 'a', shared: true }]);
  await click('flips-lost');
  expect(last('evals.answers')).toMatchObject(['evals.answers', 'b', { filter: 'lost', against: 'a' }]);
  const asked = vi.fn();
  element.addEventListener('medr1-command', (event) => asked((event as CustomEvent).detail.id));
  all('[data-testid=answer] .question')[0].click();
  expect(asked).toHaveBeenCalledWith('open-sample');
  expect(workbench.selection.value).toMatchObject({ dataset: 'OmniMedVQA', item: all('[data-testid=answer]')[0].dataset.item });
});

it('three compared: a row has an answer of each, p is corrected, and what all did not answer is left out and counted', async () => {
  const three = [...two, { ...two[0], id: 'c', name: 'Third', rate: 0.6, answered: 150 }];
  const { connector, all, find, last } = await view({ evals: three }, ['b', 'a', 'c']);
  expect(last('evals.answers')).toMatchObject(['evals.answers', 'b', { filter: 'split', against: 'a', beside: ['c'] }]);
  const saidIn = (row: HTMLElement) =>
    [...row.querySelectorAll('[data-testid=said]')].map((one) => one.textContent!.replace(/\s+/g, ' ').trim());
  for (const row of all('[data-testid=answer]')) {
    const said = saidIn(row);
    expect(said.map((text) => text[0])).toEqual(['A', 'B', 'C']);
    expect(new Set(said.map((text) => /[✓✗]/.exec(text)![0])).size).toBe(2);
  }
  const first = all('[data-testid=answer]')[0];
  const answer = connector.evals.answersOf(three[2]).find(({ item }) => item.id === first.dataset.item)!;
  expect(saidIn(first)[2]).toContain(`${answer.strict === answer.answer ? '✓' : '✗'} ${answer.strict ?? '–'}`);
  const [, secondPair] = all('[data-testid=flips-gained]').filter((_, i) => i % 2 === 0); // A and C, strict
  secondPair.click();
  await settled();
  expect(last('evals.answers')).toMatchObject(['evals.answers', 'b', { filter: 'gained', against: 'c', beside: ['a'] }]);
  expect(find('compared').textContent).toContain('150 questions');
  expect(find('left-out').textContent).toBe(
    'Left out of A: 50 not answered by all others. Left out of B: 50 not answered by all others. Left out of C: 50 not answered yet.',
  );
  const chosen = (all('[data-testid=column-choice]')[0] as HTMLSelectElement).selectedOptions[0];
  expect(chosen.textContent, 'as the list of evaluations counts them').toMatch(/200 questions\s*$/);
  const p = (testid: string) => all(`[data-testid=${testid}]`).map((cell) => Number(cell.textContent!.replace('<', '')));
  expect(p('p-holm')).toHaveLength(6);
  p('p-holm').forEach((corrected, at) => expect(corrected).toBeGreaterThanOrEqual(p('p')[at]));
});

it('evaluations of two splits meet on the questions that both have', async () => {
  const { find } = await view({ evals: [two[0], { ...two[1], split: 'other', from: 120 }] }, ['b', 'a']);
  expect(find('compared').textContent).toContain('80 questions');
  expect(find('left-out').textContent).toContain('Left out of B: 120 not answered by all others.');
});

it('agreement, and accuracy by modality and type, follow the reading that is chosen', async () => {
  const { all, find, click } = await view({ evals: two }, ['b', 'a']);
  const kappas = () => [...find('agreement-letter').querySelectorAll('td')].map((cell) => cell.textContent!.trim());
  const strict = kappas();
  expect(strict[1]).toBe(strict[2]);
  expect(strict[0]).toBe('');
  expect(Number(strict[1])).toBeGreaterThan(0);
  expect(all('[data-testid=slice]')).toHaveLength(8);
  expect(find('scatter').getAttribute('aria-label')).toContain('strict accuracy of A across, of B upwards, by modality');
  await click('slices-question_type');
  expect(all('[data-testid=slice]')).toHaveLength(5);
  await click('compare-tolerant');
  expect(find('scatter').getAttribute('aria-label')).toContain('tolerant accuracy');
  expect(kappas()[1]).not.toBe(strict[1]);
});

it('answers are narrowed to a modality and a question type', async () => {
  const { all, last, choose } = await view({ evals: two }, ['b', 'a']);
  await choose('answers-modality', 'MRI');
  await choose('answers-question-type', 'Disease Diagnosis');
  expect(last('evals.answers')).toMatchObject(['evals.answers', 'b', { modality: 'MRI', question_type: 'Disease Diagnosis' }]);
  expect(all('[data-testid=answers-modality]')).toHaveLength(1);
});

it('says what is not there yet: no evaluation, nothing chosen, one alone', async () => {
  const first = await view({});
  expect(first.find('empty').textContent).toContain('No evaluation yet');
  const asked = vi.fn();
  first.element.addEventListener('medr1-command', (event) => asked((event as CustomEvent).detail.id));
  await first.click('first-evaluation');
  expect(asked).toHaveBeenCalledWith('open-evaluation');
  expect(first.workbench.evaluation.place.value).toEqual({ at: 'new' });
  const { find, all, choose, workbench } = await view({ evals: two });
  expect(find('empty').textContent).toContain('Nothing is chosen yet');
  await choose('column-add', 'a');
  expect(find('empty').textContent).toContain('Choose one more');
  await choose('column-add', 'b');
  expect(workbench.selection.value.evaluations).toEqual(['a', 'b']);
  expect(all('[data-testid=pair]')).toHaveLength(2);
});

it('columns are exchanged and left out; four are the most', async () => {
  const { all, find, choose, click, workbench } = await view(
    { evals: fakeMatrix().slice(0, 5) },
    fakeMatrix()
      .slice(0, 4)
      .map(({ id }) => id),
  );
  expect(find('column-add')).toBeUndefined();
  const [, , , fourth, fifth] = fakeMatrix();
  await choose(all('[data-testid=column-choice]')[3] as HTMLSelectElement, fifth.id);
  expect(workbench.selection.value.evaluations[3]).toBe(fifth.id);
  await click('column-remove');
  expect(workbench.selection.value.evaluations).toHaveLength(3);
  await choose('column-add', fourth.id);
  expect(workbench.selection.value.evaluations[3]).toBe(fourth.id);
});

it('runs may be named; one that was never evaluated is told, and can be left out', async () => {
  const { find, all, click } = await view({ evals: two, runs: [{ id: 'r9', name: 'Lonely', steps: 3 }] }, ['r9@3', 'a']);
  expect(find('error').textContent).toContain('"r9@3" is neither an evaluation nor a run');
  expect((all('[data-testid=column-choice]')[0] as HTMLSelectElement).selectedOptions[0].textContent).toBe('Lonely@3');
  await click('column-remove');
  expect(find('empty').textContent).toContain('Choose one more');
});

it('loading and failing have their states; a failure can be tried again', async () => {
  expect((await view({ silent: true })).find('loading')).toBeDefined();
  const { connector, find, click } = await view({ failure: { code: 'X', message: 'The backend is down.', remedy: 'Start it.' } });
  expect(find('error').textContent).toContain('The backend is down.');
  delete connector.options.failure;
  await click('retry');
  expect(find('empty')).toBeDefined();
});

it('one that still runs is followed, and what goes meanwhile leaves the comparison', async () => {
  const running = { id: 'r', state: 'running' as const, items: 100, answered: 10 };
  const { connector, find } = await view({ evals: [running, two[1]] }, ['r', 'a']);
  expect(find('compared').textContent).toContain('10 questions');
  connector.evals.evals[0].answered = 30;
  connector.tellEvals({ summary: connector.evals.summary(connector.evals.evals[0]) });
  await until(() => expect(find('compared').textContent).toContain('30 questions'));
  connector.tellEvals({ removed: 'r' });
  await until(() => expect(find('empty').textContent).toContain('Choose one more'));
});

it('the paper stands beside ours, and empty cells say why they are empty', async () => {
  const { all, find } = await view({ evals: fakeMatrix().filter(({ id }) => id.startsWith('CT') || id.startsWith('MRI')) }, [
    'CT-think',
    'CT-no-think',
  ]);
  const [ours, paper] = all('[data-testid=matrix]');
  expect([ours.dataset.name, paper.dataset.name]).toEqual(['grpo no-think minus grpo think', 'Published: no-think minus think']);
  const cells = [...ours.querySelectorAll('td')];
  expect(cells).toHaveLength(64);
  expect(cells[0].textContent!.trim()).toMatch(/^[+−]?\d/);
  expect([cells[63].textContent!.trim(), cells[63].title]).toEqual(['', 'trained on Microscopy, tested on Microscopy: not evaluated here']);
  expect(paper.querySelectorAll('td')[63].textContent!.trim()).toBe('+5.0');
  expect(find('published-source').textContent).toContain('Empty cells');
});

it('text of models and data sets reaches the page as text', async () => {
  const hostile = '<img src=x onerror="document.title=1"><script>1</script>';
  const evals = ['h', 'i'].map((id) => ({
    id,
    name: hostile,
    items: 3,
    rate: id === 'h' ? 1 : 0,
    split: hostile,
    text: `${hostile}<answer>${hostile}</answer>`,
  }));
  const { all, find } = await view({ evals }, ['h', 'i']);
  expect(find('compared').textContent).toContain('3 questions');
  expect(all('img, script')).toEqual([]);
});

it('leaves nothing subscribed when it leaves the page', async () => {
  const { connector, element } = await view({ evals: two }, ['b', 'a']);
  element.remove();
  expect(connector.evalsFollowers).toBe(0);
});

it('majorities of samples stand against N and tokens; samples that are missing are offered and drawn', async () => {
  const { connector, all, find, click, last } = await view({ evals: [{ ...two[0], samples: 8 }, two[1]] }, ['b', 'a']);
  const rows = all('[data-testid=votes]').map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent!.trim()));
  expect(rows.map(([n]) => n)).toEqual(['1', '2', '4', '8']);
  expect(rows.map((row) => row[4])).toEqual(['6.00', '12.0', '24.0', '48.0']);
  expect(Number(rows[3][1])).toBeGreaterThan(Number(rows[0][1]));
  await click('votes-tokens');
  expect(find('votes-tokens').getAttribute('aria-pressed')).toBe('true');
  expect(find('votes-missing').textContent).toContain('B has one greedy answer a question');
  const [forA, forB] = all('[data-testid=draw-samples]');
  expect([forA.hasAttribute('disabled'), forB.hasAttribute('disabled')]).toEqual([true, false]);
  forB.click();
  await settled();
  expect(last('evals.start')![1]).toMatchObject({
    run: 'r1',
    step: 240,
    dataset: 'OmniMedVQA',
    split: 'modality/test',
    variant: 'think',
    samples: 8,
    temperature: 1,
  });
  connector.evals.start = () => Promise.reject({ code: 'MODEL_MISSING', message: 'The checkpoint is gone.', remedy: 'Evaluate another.' });
  all('[data-testid=draw-samples]')[1].click();
  await settled();
  expect(find('error').textContent).toContain('The checkpoint is gone.');
});

it('shows how far answers follow from their reasoning, against answers without any, and tests more', async () => {
  const [direct, thinking] = two;
  const { all, find, click, last, choose } = await view(
    {
      evals: [
        { ...direct, tested: 60 },
        { ...thinking, tested: 60 },
      ],
    },
    ['a', 'b'],
  );
  const states = all('[data-testid=reasoning-state]').map((one) => one.textContent!.replace(/\s+/g, ' '));
  expect(states[0]).toContain('60 of 200 answers looked at: 60 tested');
  expect(states[1]).toContain('60 without reasoning before the letter; nothing to change in them');
  const heights = () =>
    [...find('reasoning-early').querySelectorAll('.heard tbody tr td:nth-child(3)')].map((cell) => Number(cell.textContent));
  const same = heights();
  expect(same).toHaveLength(6);
  expect(same.at(-1)).toBe(100); // all of the reasoning is the answer as it stands
  expect(same.toSorted((x, y) => x - y)).toEqual(same);
  await click('reasoning-right');
  expect(heights()).not.toEqual(same);
  const area = all('[data-testid=reasoning-area]').map((row) => [...row.querySelectorAll('td.number')].map((cell) => cell.textContent));
  expect(area).toHaveLength(4);
  expect(area.every(([ofA, ofB]) => Number(ofA) > 0 && ofB === '–')).toBe(true);
  // A, A without its reasoning, B: each two
  expect(all('[data-testid=reasoning-pair] th').map((one) => one.textContent!.replace(/\s+/g, ' '))).toEqual([
    'A → A without its reasoning',
    'A → B',
    'A without its reasoning → B',
  ]);
  await choose('reasoning-limit', '100');
  await click('reasoning-test');
  expect(last('evals.testFaithfulness')).toEqual(['evals.testFaithfulness', 'a', { limit: 100, mistakes: true }]);
  await until(() => expect(find('reasoning-stop')).toBeDefined());
  await click('reasoning-stop');
  expect(last('evals.action')).toEqual(['evals.action', 'a', { action: 'stop' }]);
});

it('says that nothing was tested yet', async () => {
  const { find, all } = await view({ evals: two }, ['a', 'b']);
  expect(find('reasoning-state').textContent).toContain('none of 200 answers was looked at yet');
  expect(all('[data-testid=reasoning-pair], [data-testid=reasoning-area]')).toEqual([]);
});
