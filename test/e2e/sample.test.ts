/** One question and the audit as a user meets them: walked by keys, its prompt, a model asked, a CT windowed; leaks shown in the grid, a split drawn. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dicom, temporary, write } from '../../kernel-bridge/src/data/fixtures.ts';
import { axeFindsNothingNow } from './accessible.ts';
import { eventually, looksAtHome, output, runCommand, setTheme } from './lab.ts';
import { addDataset, backend, errors, lab, page, visit } from './visit.ts';

const SET = 'sample';
const scans = temporary();
let ids: string[];

visit({
  prepare: async () => {
    const { sample: made } = await backend();
    await addDataset(made.dataset, SET);
    write(scans.path, {
      'ct.dcm': dicom({ width: 64, height: 48, window: { level: 40, width: 400 } }),
      'scans.jsonl': JSON.stringify({ image: 'ct.dcm', question: 'Which organ?', options: ['Liver', 'Lung'], answer: 'B', modality: 'CT' }),
    });
    await addDataset(scans.path, 'scans');
    ids = (await items({ limit: 5 })).items.map(({ id }: { id: string }) => id);
  },
});
beforeAll(() => select({ dataset: SET, item: ids[0] }));
afterAll(() => scans[Symbol.dispose]());

const items = async (query: object) => (await lab.api(`api/data/${SET}/items`, query)).json;
const select = (selection: object) => runCommand(page, 'medr1:select', { selection });
const sample = () => page.locator('medr1-sample');
const audit = () => page.locator('medr1-audit');
const shown = (id: string) => sample().locator(`[data-testid=sample][data-item="${id}"]:not(.stale)`).waitFor();
const percent = async () => parseInt((await sample().getByTestId('zoom').textContent())!, 10);

describe('the Question view in JupyterLab', () => {
  it('shows the question with its right option, its image and its place', async () => {
    await runCommand(page, 'medr1:open-sample');
    await shown(ids[0]);
    const [item] = (await items({ limit: 1 })).items;
    expect(await sample().getByTestId('question').locator('h2').textContent()).toBe(item.question);
    expect(await sample().getByTestId('right-option').textContent()).toContain(item.options['ABCDEF'.indexOf(item.answer)]);
    expect(await sample().getByTestId('place').textContent()).toBe('1 of 3,840');
    await eventually(
      () =>
        sample()
          .getByTestId('image-stage')
          .locator('img')
          .evaluate((image) => (image as HTMLImageElement).naturalWidth),
      (width) => width === 112,
      'the image is drawn',
    );
  });

  it('is walked by keys as soon as its tab is chosen', async () => {
    await page.keyboard.press('j');
    await shown(ids[1]);
    await page.keyboard.press('ArrowRight');
    await shown(ids[2]);
    await page.keyboard.press('k');
    await shown(ids[1]);
  });

  it('zooms by wheel and keys, and shows all of the image again', async () => {
    const stage = sample().getByTestId('image-stage');
    const before = await percent();
    const box = (await stage.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.wheel(0, -200);
    await eventually(percent, (now) => now > before, 'the wheel enlarges');
    await stage.focus();
    await page.keyboard.press('1');
    await eventually(percent, (now) => now === 100, 'one pixel on one');
    await page.keyboard.press('0');
    await eventually(percent, (now) => now === before, 'all of it');
  });

  it("shows the prompt with the image's tokens as one, at the size that the model sees", async () => {
    await sample().getByTestId('prompt').locator('summary').click();
    await sample().getByTestId('image-tokens').waitFor();
    expect(await sample().getByTestId('image-tokens').count()).toBe(1);
    const text = (await sample().getByTestId('prompt-tokens').textContent())!.replaceAll('·', ' ');
    expect(text).toContain('<|vision_start|>');
    expect(await sample().getByTestId('seen-size').textContent()).toMatch(/^\d+ × \d+ px$/);
  });

  it('asks a model with and without thinking, and judges what it answers', async () => {
    await sample().getByTestId('try-max_new_tokens').fill('96');
    await sample().getByTestId('try-run').click();
    const completions = sample().getByTestId('try-completion');
    await eventually(
      () => completions.count(),
      (count) => count === 2,
      'both variants answered',
      120_000,
    );
    expect(await completions.first().locator('.chip').first().textContent()).toMatch(/[✓✗?]/);
    await sample().getByTestId('as-tokens').check();
    await sample().getByTestId('token').nth(2).hover();
    await eventually(
      () => sample().getByTestId('token-reading').first().textContent(),
      (text) => /token 3 of \d+.*log p/s.test(text ?? ''),
      'the token is read',
    );
    await sample().getByTestId('alternatives').first().waitFor(); // the pointer rests there
    expect(await sample().getByTestId('alternatives').first().locator('li').count()).toBe(5);
    await page.screenshot({ path: join(output, 'explain-tokens-light.png') });
    await sample().getByTestId('as-tokens').uncheck();
  });

  it('shows where the model looked for its letter and when it decided, and asks again with the image grey', async () => {
    const about = sample().getByTestId('try-about').first();
    await about.locator('> summary').click();
    await about.locator('[data-testid=explain-where] > summary').click();
    await about.getByTestId('map-method').selectOption('gradient');
    await about.getByTestId('map-ask').click();
    await about.getByTestId('heat-map').waitFor();
    expect(await about.getByTestId('heat-map').locator('rect').count()).toBeGreaterThan(0);
    await about.locator('[data-testid=map-verdict]:is([data-verdict=better], [data-verdict=chance], [data-verdict=no-image])').waitFor();
    await about.locator('[data-testid=explain-when] > summary').click();
    await about.getByTestId('decision-ask').click();
    await about.getByTestId('decision').waitFor();
    await about.getByTestId('change').click();
    await about.getByTestId('change-image').selectOption('grey');
    await about.getByTestId('change-ask').click();
    await about.getByTestId('compared').waitFor();
    for (const theme of ['Light', 'Dark'] as const) {
      await setTheme(page, `JupyterLab ${theme}`);
      await about.scrollIntoViewIfNeeded();
      await page.screenshot({ path: join(output, `explain-${theme.toLowerCase()}.png`) });
    }
    await setTheme(page, 'JupyterLab Light');
    await about.locator('> summary').click();
  });

  it.each(['Light', 'Dark'] as const)('looks at home in the %s theme', async (theme) => {
    await setTheme(page, `JupyterLab ${theme}`);
    await sample().getByTestId('place').scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(output, `sample-${theme.toLowerCase()}.png`) });
    await looksAtHome(sample(), theme);
    await axeFindsNothingNow(sample());
  });

  it('a CT has a window: a preset and a drag with Shift change what is seen', async () => {
    await select({ dataset: 'scans', item: (await lab.api('api/data/scans/items', {})).json.items[0].id });
    const width = () => sample().getByTestId('window').inputValue();
    await eventually(width, (value) => value === '400', "the file's own window");
    await sample().getByLabel('Window preset').selectOption('all values');
    await eventually(width, (value) => value !== '400', 'another window');
    await sample().getByLabel('Window preset').selectOption('as in the file');
    const box = (await sample().getByTestId('image-stage').boundingBox())!;
    await page.keyboard.down('Shift');
    await page.mouse.move(box.x + 60, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 188, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.keyboard.up('Shift');
    await eventually(width, (value) => value === '800', '128 pixels to the right double the window');
  });
});

describe('the Audit view in JupyterLab', () => {
  it('says what is wrong and opens the questions of a finding in the grid', async () => {
    await select({ dataset: SET, item: ids[0] });
    await runCommand(page, 'medr1:open-audit');
    await audit().getByTestId('finding').first().waitFor({ timeout: 120_000 });
    const { findings, splits } = (await lab.api(`api/data/${SET}/audit`)).json;
    expect(await audit().getByTestId('findings').locator('.count').textContent()).toBe(String(findings.length));
    expect(await audit().getByTestId('splits').locator('tbody tr').count()).toBe(splits.length);
    const missing = audit().locator('[data-code=image-missing]');
    await missing.getByTestId('show-finding').click();
    const grid = page.locator('medr1-data');
    const { total } = await items({ facets: { problem: ['image-missing'] } });
    await eventually(
      () => grid.getByTestId('data-item').count(),
      (count) => count === total,
      'the grid shows them alone',
    );
  });

  it('draws a leak-free split that the backend then knows by its hash', async () => {
    await runCommand(page, 'medr1:open-audit');
    await audit().getByTestId('draw-split').click();
    await audit().getByTestId('made-split').waitFor({ timeout: 120_000 });
    const { files } = (await lab.api(`api/data/${SET}/splits`)).json;
    expect(files).toMatchObject([{ kind: 'leak-free', seed: 42 }]);
    expect(await audit().getByTestId('made-split').textContent()).toContain(files[0].sha256.slice(0, 12));
    await audit().getByTestId('split-files').getByText(files[0].name).waitFor();
  });

  it.each(['Light', 'Dark'] as const)('looks at home in the %s theme', async (theme) => {
    await setTheme(page, `JupyterLab ${theme}`);
    await audit().getByTestId('findings').scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(output, `audit-${theme.toLowerCase()}.png`) });
    await looksAtHome(audit(), theme);
    await axeFindsNothingNow(audit());
  });

  it('logged no error in the browser and asked nothing of the outside', () => {
    expect(errors).toEqual([]);
  });
});
