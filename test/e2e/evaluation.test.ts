/** Evaluations as a user makes them: started from the form, read, compared question by question, laid out as a matrix. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { axeFindsNothingNow } from './accessible.ts';
import { eventually, output, runCommand, setTheme } from './lab.ts';
import { errors, lab, page, visit } from './visit.ts';

visit();

const view = () => page.locator('medr1-evaluation');
const comparison = () => page.locator('medr1-compare');
const shot = (name: string) => page.screenshot({ path: join(output, `evaluation-${name}.png`) });
const finished = (id: string) =>
  eventually(
    async () => (await lab.api(`api/evals/${id}`)).json.summary,
    ({ state }) => state === 'finished',
    `evaluation ${id} finishes`,
    180_000,
  );

it('starts an evaluation from the empty view and shows its tables when it is done', async () => {
  await runCommand(page, 'medr1:open-evaluation');
  await view().getByTestId('first-evaluation').click();
  await eventually(
    () => view().locator('#field-model').inputValue(),
    (model) => model.endsWith('model'),
    'the tiny model is offered',
  );
  await view().locator('#field-limit').fill('32');
  await view().locator('[data-choice=options-permuted]').check();
  await view().getByTestId('eval-start').click();
  await view().getByTestId('evaluation').waitFor();
  const id = (await view().getByTestId('evaluation').getAttribute('data-id'))!;
  const { strict, controls } = await finished(id);
  expect(strict.total).toBe(32);
  expect(controls.toSorted()).toEqual(['blank-image', 'option-prior', 'options-permuted']);
  await view().locator('[data-testid=evaluation][data-state=finished]').waitFor();
  await view().locator('[data-testid=accuracy][data-name=All]').waitFor();
  await view().getByTestId('follows').waitFor();
  await eventually(
    () => view().getByTestId('answer').count(),
    (count) => count === 20,
    'a page of answers',
  );
  await shot('one-light');
  await axeFindsNothingNow(view());
});

it('compares two, and opens a question that flips', async () => {
  const { dataset, models } = (await lab.api('api/server')).json.sample;
  await lab.api('api/data', { dir: dataset, name: 'sample' });
  const model = Object.values(models)[0];
  const second = await lab.api('api/evals', { model, dataset, split: 'modality/test', limit: 32, variant: 'no-think', max_new_tokens: 48 });
  expect(second.status).toBe(202);
  await finished(second.json.id);
  await eventually(
    async () => (await lab.api('api/data/sample')).json.job?.state ?? 'done',
    (state) => state === 'done',
    'the sample is indexed',
    120_000,
  );
  await view().getByTestId('go-list').click();
  const boxes = await eventually(
    () => view().getByTestId('pick').all(),
    ({ length }) => length === 2,
    'both are listed',
  );
  for (const box of boxes) await box.check();
  await view().getByTestId('go-compare').click();
  await comparison().getByTestId('pair').first().waitFor();
  expect(await comparison().getByTestId('compared').textContent()).toContain('32 questions');
  expect(await comparison().getByTestId('p').first().textContent()).toMatch(/^\s*(< )?[01]\.\d{3}\s*$/);
  await comparison().getByTestId('scatter').waitFor();
  const [csv] = await Promise.all([page.waitForEvent('download'), comparison().getByTestId('compare-csv').click()]);
  expect((await readFile(await csv.path(), 'utf8')).split('\n')[0]).toContain('"B_strict_right"');
  await comparison().locator('medr1-evaluation-answers').scrollIntoViewIfNeeded(); // drawn once it can be seen
  const flip = comparison().getByTestId('answer').first();
  await flip.waitFor();
  await shot('compare-light');
  await setTheme(page, 'JupyterLab Dark');
  await shot('compare-dark');
  const item = await flip.getAttribute('data-item');
  await flip.locator('.question').click();
  await page.locator('medr1-sample').filter({ hasText: item! }).waitFor();
});

it('tests how far answers follow from their reasoning, beside those that have none', async () => {
  await runCommand(page, 'medr1:open-compare');
  const reasoning = comparison().locator('medr1-evaluation-reasoning');
  await reasoning.scrollIntoViewIfNeeded();
  await reasoning.getByTestId('reasoning-mistakes').uncheck(); // takes longest
  for (const name of ['A', 'B']) {
    await reasoning.getByRole('button', { name: `Test ${name}` }).click();
    await eventually(
      () => reasoning.getByTestId('reasoning-state').allTextContents(),
      (states) => states['AB'.indexOf(name)].includes('32 of 32 answers looked at') && states.every((state) => !state.includes('testing')),
      `${name} is tested`,
      180_000,
    );
  }
  await reasoning.getByTestId('reasoning-early').waitFor();
  expect(await reasoning.getByTestId('reasoning-area').count()).toBe(3);
  // with reasoning, without it, and the answers that have none
  expect(await reasoning.getByTestId('reasoning-pair').count()).toBe(3);
  for (const theme of ['Light', 'Dark'] as const) {
    await setTheme(page, `JupyterLab ${theme}`);
    await shot(`reasoning-${theme.toLowerCase()}`);
  }
});

it('a link opens the comparison again', async () => {
  await page.locator('medr1-compare').waitFor({ state: 'attached' });
  const link = await page.evaluate(() => {
    const { workbench } = document.querySelector('medr1-compare') as unknown as {
      workbench: { selection: { value: { evaluations: string[] } } };
    };
    return `medr1:?evaluations=${workbench.selection.value.evaluations.toReversed().join(',')}`;
  });
  await runCommand(page, 'medr1:open-link', { link });
  const columns = comparison().getByTestId('column-choice');
  await eventually(
    async () => Promise.all((await columns.all()).map((one) => one.inputValue())),
    (ids) => link.endsWith(ids.join(',')),
    'the columns are those of the link',
  );
});

it('lays evaluated checkpoints out as a matrix', async () => {
  const { dataset, models } = (await lab.api('api/server')).json.sample;
  const run = await lab.api('api/runs', {
    config: {
      ...{ model_name_or_path: Object.values(models)[0], dataset_name: dataset, dataset_train_split: 'modality/train/CT' },
      ...{ num_generations: 2, per_device_train_batch_size: 4, max_completion_length: 16, max_steps: 1, learning_rate: 1e-6 },
    },
  });
  await eventually(
    async () => (await lab.api(`api/runs/${run.json.id}`)).json.summary.state,
    (state) => state === 'finished',
    'the run finishes',
    180_000,
  );
  const { json } = await lab.api('api/evals', { run: run.json.id, dataset, split: 'modality/test', limit: 64, max_new_tokens: 48 });
  await finished(json.id);
  await runCommand(page, 'medr1:open-evaluation');
  await view().getByTestId('go-matrices').click();
  const matrix = view().locator('[data-testid=matrix][data-name="grpo think"]');
  await matrix.waitFor();
  const cell = matrix.locator('tbody tr').first().locator('td').first();
  expect(await cell.textContent()).toMatch(/^\s*\d+\.\d\s*$/);
  expect(await cell.getAttribute('title')).toMatch(/^trained on CT, tested on CT: \d+ of \d+ right/);
  await shot('matrix-dark');
});

it('the list tells the step of each model at any width', async () => {
  await runCommand(page, 'medr1:open-evaluation');
  await view().getByTestId('go-list').click();
  await view().locator('article').first().waitFor();
  const cut = await view().evaluate((list) => {
    const at = (width: number): { width: number; over: number }[] => {
      list.style.width = `${width}px`;
      return [...list.shadowRoot!.querySelectorAll('article .name b')].map((name) => ({
        width,
        over: name.scrollWidth - name.clientWidth,
      }));
    };
    const found = Array.from({ length: 14 }, (_, n) => 340 + 50 * n).flatMap(at);
    list.style.width = '';
    return found.filter(({ over }) => over > 1);
  });
  expect(cut).toEqual([]);
});

it('logged no error in the browser and asked nothing of the outside', () => {
  expect(errors).toEqual([]);
});
