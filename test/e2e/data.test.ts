/** The data browser as a user meets it: the made sample is added, looked through, filtered, picked from and sent on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, looksAtHome, output, runCommand, setTheme } from './lab.ts';
import { errors, lab, page, visit } from './visit.ts';

type DataElement = Element & { workbench: { data: { toJSON(): { filter: object } } } };

visit();

const view = () => page.locator('medr1-data');
const tiles = () => view().getByTestId('data-item');
const count = async () => (await view().getByTestId('data-count').textContent())!.trim();
const total = async () => Number(/^[\d,]+/.exec(await count())?.[0].replaceAll(',', ''));
/** What the workspace holds of the browser. */
const kept = async () => {
  const headers = { Authorization: `token ${new URL(lab.url).searchParams.get('token')}` };
  const answer = await fetch(`${lab.base}lab/api/workspaces/default`, { headers });
  return ((await answer.json()) as { data: Record<string, { filter?: object } | undefined> }).data['medr1:data'];
};
const questions = async (query: object) => (await lab.api('api/data/sample/items', query)).json;
const loaded = () =>
  tiles()
    .locator('img')
    .evaluateAll(
      (list) => list.filter((image) => (image as HTMLImageElement).complete && (image as HTMLImageElement).naturalWidth > 0).length,
    );

describe('the data browser in JupyterLab', () => {
  it('says what to do when there is no data set, and indexes the sample at a click', async () => {
    await runCommand(page, 'medr1:open-data');
    expect(await view().getByTestId('empty').textContent()).toContain('medr1 data get omnimedvqa');
    await page.screenshot({ path: join(output, 'data-empty-light.png') });
    await view().getByTestId('add-sample').click();
    await tiles().first().waitFor();
    await view().getByTestId('job').waitFor({ state: 'detached', timeout: 120_000 });
    expect(await total()).toBe((await questions({})).total);
  });

  it('shows the pictures at their aspect, with the question under each', async () => {
    await eventually(loaded, (number) => number >= 8, 'eight thumbnails are drawn');
    const first = (await questions({ limit: 1 })).items[0];
    expect(await tiles().first().locator('.question').textContent()).toBe(first.question);
    const shape = await tiles()
      .locator('img')
      .first()
      .evaluate((image) => [
        image.clientWidth / image.clientHeight,
        (image as HTMLImageElement).naturalWidth / (image as HTMLImageElement).naturalHeight,
      ]);
    expect(shape[0]).toBeCloseTo(shape[1], 1);
  });

  it('scrolls to the last question with few rows on the page', async () => {
    await view().getByTestId('data-grid').focus();
    await page.keyboard.press('End');
    const all = (await questions({})).total as number;
    await view().locator(`[aria-posinset="${all}"]`).waitFor();
    expect(await tiles().count()).toBeLessThan(120);
    await page.keyboard.press('Home');
    await view().locator('[aria-posinset="1"]').waitFor();
    await page.keyboard.press('Escape');
  });

  it('filters by a facet bar and finds words, marked where they are', async () => {
    const bar = view().locator('[data-facet=modality] [data-testid=facet-value]').first();
    const modality = (await bar.getAttribute('data-value'))!;
    await bar.click();
    const filtered = await questions({ facets: { modality: [modality] } });
    await eventually(total, (number) => number === filtered.total, 'the facet filters');
    const word = (filtered.items[0].question as string).match(/[A-Za-z]{5,}/)![0];
    await view().getByTestId('data-search').fill(word);
    const found = await questions({ facets: { modality: [modality] }, q: word });
    await eventually(total, (number) => number === found.total, 'the search filters');
    await view().locator('mark').first().waitFor();
    expect((await view().locator('mark').first().textContent())!.toLowerCase()).toContain(word.toLowerCase());
    expect(await view().getByTestId('chip').count()).toBe(2);
  });

  it('is as it was after a reload', async () => {
    const before = await count();
    const { filter } = await page.evaluate(() => (document.querySelector('medr1-data') as DataElement).workbench.data.toJSON());
    await eventually(kept, (json) => JSON.stringify(json?.filter) === JSON.stringify(filter), 'the workspace has the filter');
    await page.reload();
    await tiles().first().waitFor();
    expect(await count()).toBe(before);
    expect(await view().getByTestId('chip').count()).toBe(2);
    await view().getByTestId('clear-filters').click();
    const all = (await questions({})).total;
    await eventually(total, (number) => number === all, 'the filters are gone');
    expect(await view().getByTestId('chip').count()).toBe(0);
    await view().locator('[data-testid=data-grid][aria-busy=false]').waitFor();
  });

  it('puts a line for the picked questions into the open notebook, and says so when none is open', async () => {
    await tiles().nth(1).click();
    await tiles()
      .nth(3)
      .click({ modifiers: ['Shift'] });
    await eventually(count, (text) => text.startsWith('3 selected'), 'three are picked');
    const none = page.getByText('No notebook is open');
    await Promise.all([none.waitFor(), view().getByTestId('data-notebook').click()]);
    await page.mouse.move(0, 0);
    await none.waitFor({ state: 'detached' }); // it lies over the buttons, and goes by itself
    await runCommand(page, 'docmanager:open', { path: 'first-run.ipynb' });
    await page.locator('.jp-Notebook .jp-Cell').first().waitFor();
    await runCommand(page, 'medr1:open-data');
    await view().getByTestId('data-notebook').click();
    const line = page.locator('.jp-Notebook .jp-CodeCell').filter({ hasText: 'wb.dataset("sample", ids=[' });
    await line.waitFor();
    expect(await line.count()).toBe(1);
    expect(await line.locator('.jp-InputPrompt').textContent()).toMatch(/\[\s*\]/); // not run
  });

  it('exports the picked questions', async () => {
    await runCommand(page, 'medr1:open-data');
    await view().getByTestId('export').click();
    const [file] = await Promise.all([page.waitForEvent('download'), view().getByTestId('export-jsonl').click()]);
    expect(file.suggestedFilename()).toBe('sample.jsonl');
    const rows = readFileSync(await file.path(), 'utf8')
      .trim()
      .split('\n');
    expect(rows).toHaveLength(3);
  });

  it('starts a run on the picked questions: the form has their split', async () => {
    await view().getByTestId('data-run').click();
    const form = page.locator('medr1-new-run');
    const split = form.locator('#field-dataset_train_split');
    await eventually(
      () => split.inputValue(),
      (text) => /^selection-\w+\/train$/.test(text),
      'the form has the split',
    );
    expect(await form.locator('#field-dataset_name').inputValue()).toBe('sample');
    const { files } = (await lab.api('api/data/sample/splits')).json;
    expect(files).toMatchObject([{ kind: 'selection', train: 3, test: 0 }]);
  });

  it.each(['Light', 'Dark'] as const)('looks at home in the %s theme, wide and narrow', async (theme) => {
    await setTheme(page, `JupyterLab ${theme}`);
    await runCommand(page, 'medr1:open-data');
    await eventually(loaded, (number) => number >= 8, 'thumbnails are drawn');
    await page.screenshot({ path: join(output, `data-grid-${theme.toLowerCase()}.png`) });
    await looksAtHome(view(), theme);
    await runCommand(page, 'application:toggle-left-area');
    await page.setViewportSize({ width: 480, height: 900 });
    await eventually(
      () => view().getByTestId('facets').count(),
      (number) => number === 0,
      'the facets make room',
    );
    await eventually(loaded, (number) => number >= 4, 'thumbnails are drawn');
    await page.screenshot({ path: join(output, `data-narrow-${theme.toLowerCase()}.png`) });
    await looksAtHome(view(), theme);
    await page.setViewportSize({ width: 1400, height: 900 });
    await runCommand(page, 'application:toggle-left-area');
  });

  it('is arranged with the Inspector at its right, the chosen question and the audit in tabs', async () => {
    await runCommand(page, 'medr1:arrange-data');
    const inspector = page.locator('medr1-inspector');
    await inspector.waitFor();
    await eventually(
      () => Promise.all([view().boundingBox(), inspector.boundingBox()]),
      ([data, beside]) => data !== null && beside !== null && beside.x > data.x + data.width - 1,
      'the Inspector is at the right',
    );
    for (const tab of ['Question', 'Audit']) await page.locator('.lm-TabBar-tab', { hasText: tab }).waitFor();
    await page.screenshot({ path: join(output, 'data-arranged-dark.png') });
  });

  it('logged no error in the browser and asked nothing of the outside', () => {
    expect(errors).toEqual([]);
  });
});
