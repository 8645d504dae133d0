/** One selection in every view: rollouts, tokens, curves, data, the Inspector, notebooks and links move it, and all follow. */
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { demoConfig } from '../../kernel-bridge/src/protocol/presets.ts';
import { axeFindsNothingNow } from './accessible.ts';
import { looksAtHome, commandAtOnce, eventually, output, runCommand, setTheme } from './lab.ts';
import { addDataset, backend, errors, lab, page, trained, visit } from './visit.ts';

const SET = 'sample';
let run: string;

visit({
  prepare: async () => {
    const server = await backend();
    [run] = await Promise.all([trained({ ...demoConfig(server), max_steps: 3 }), addDataset(server.sample.dataset, SET)]);
  },
});
beforeAll(async () => {
  await runCommand(page, 'medr1:arrange-training');
  await runCommand(page, 'medr1:show-inspector');
});

const rollouts = () => page.locator('medr1-rollouts');
/** The popover of how rollouts are read; it stays open until a click elsewhere. */
const openView = async (): Promise<void> => {
  const button = rollouts().locator('[data-testid=rollouts-view] > button');
  if ((await button.getAttribute('aria-expanded')) === 'false') await button.click();
};
const inspector = () => page.locator('medr1-inspector');
const inspected = (subject: string) => inspector().locator(`[data-testid=inspected][data-subject=${subject}]`).waitFor();
const chart = () => page.locator('medr1-chart').filter({ has: page.locator('[data-chart=reward]') });
const told = async () => (await lab.api('api/view')).json.selection;
const isTold = (parts: object) =>
  eventually(
    told,
    (selection) => Object.entries(parts).every(([key, value]) => String(selection[key]) === String(value)),
    'the page tells',
  );
const groupOf = async (step: number, group: number) => (await lab.api(`api/runs/${run}/groups?step=${step}`)).json.groups[group];

/** What the stored workspace keeps. */
async function stored(key = 'medr1:selection'): Promise<Record<string, unknown> | undefined> {
  const token = new URL(lab.url).searchParams.get('token');
  const answer = await fetch(`${lab.base}lab/api/workspaces/default`, { headers: { Authorization: `token ${token}` } });
  return (await answer.json()).data[key];
}

describe('one selection', () => {
  it('a completion that is clicked is inspected, with its question in the data set, and notebooks can read it', async () => {
    await rollouts().getByTestId('rollouts-step').fill('2');
    await rollouts().getByTestId('rollouts-step').press('Enter');
    await rollouts().locator('[aria-label="Groups of step 2"]').waitFor();
    await rollouts().getByTestId('group').nth(3).locator('.title').click();
    await rollouts().getByTestId('group').nth(3).getByTestId('completion').nth(2).click();
    await inspected('rollout');
    const group = await groupOf(2, 3);
    expect(await inspector().getByTestId('question').textContent()).toBe(group.question);
    const sum = inspector().getByTestId('rewards').locator('tfoot td').first();
    expect(Number(await sum.textContent())).toBeCloseTo(group.completions[2].reward, 2);
    await isTold({ runs: run, step: 2, group: 3, completion: 2, dataset: SET, item: group.item_id });
    await eventually(
      () =>
        inspector()
          .locator('.picture img')
          .evaluate((image) => (image as HTMLImageElement).naturalWidth),
      (width) => width > 0,
      'the image is there',
    );
  });

  it('tokens show what is stored of them, are walked by keys, and the Inspector follows', async () => {
    await openView();
    await rollouts().getByTestId('colouring').selectOption('logprob');
    const strip = rollouts().getByTestId('group').nth(3).locator('medr1-tokens').nth(2);
    const { completions } = await groupOf(2, 3);
    await eventually(
      () => strip.getByTestId('token').count(),
      (count) => count === completions[2].token_ids.length,
      'every token is there',
    );
    expect((await strip.getByTestId('token').allTextContents()).join('')).toContain(completions[2].text.trim());
    await strip.locator('.strip').focus();
    for (let step = 0; step < 4; step++) await page.keyboard.press('ArrowRight');
    await isTold({ completion: 2, token: 3 });
    const reading = inspector().getByTestId('token-reading');
    await eventually(
      () => reading.textContent(),
      (text) => /token 4 of/.test(text ?? ''),
      'the Inspector shows the token',
    );
    const logprob = Number((await reading.textContent())!.match(/log p (−?[\d.]+(e−?\d+)?)/)![1].replaceAll('−', '-'));
    expect(Math.abs(logprob - completions[2].logprobs[3])).toBeLessThan(0.01);
  });

  it('tokens are coloured by the entropy that the trainer stored, in Rollouts and in the Inspector alike', async () => {
    await openView();
    await rollouts().getByTestId('colouring').selectOption('entropy');
    const { entropy, kl, ratio } = (await groupOf(2, 3)).completions[2];
    expect([entropy.length, kl.length, ratio]).toEqual([kl.length, entropy.length, null]);
    const shares = (strip: Locator) =>
      strip
        .getByTestId('token')
        .evaluateAll((tokens) => tokens.map((token) => Number((token as HTMLElement).style.getPropertyValue('--share'))));
    const wanted = entropy.map((nats: number) => Math.min(1, nats / 3));
    const near = (found: number[]) => found.length === wanted.length && found.every((share, at) => Math.abs(share - wanted[at]) < 0.01);
    for (const strip of [rollouts().getByTestId('group').nth(3).locator('medr1-tokens').nth(2), inspector().locator('medr1-tokens')])
      await eventually(() => shares(strip), near, 'the tokens are shaded by their entropy');
    expect(await inspector().getByTestId('token-reading').textContent()).toMatch(/H .*KL /s);
    expect(await rollouts().getByTestId('colouring').locator('option[value=ratio]').isDisabled()).toBe(true);
  });

  it.each(['Light', 'Dark'] as const)('looks at home in the %s theme', async (theme) => {
    await setTheme(page, `JupyterLab ${theme}`);
    await page.screenshot({ path: join(output, `inspector-${theme.toLowerCase()}.png`) });
    for (const view of [inspector(), rollouts()]) {
      await looksAtHome(view, theme);
      await axeFindsNothingNow(view);
    }
  });

  it('has its toolbar in one row of a narrow panel, with the search in its menu', async () => {
    const seen = await rollouts().evaluate((view) => {
      const element = view as HTMLElement;
      const bar = element.shadowRoot!.querySelector('.toolbar')!;
      const at = (width: number) => {
        element.style.width = `${width}px`;
        const shown = (id: string) => bar.querySelector<HTMLElement>(`[data-testid=${id}]`)!.offsetWidth > 0;
        return {
          rows: Math.round(bar.getBoundingClientRect().height / 33),
          over: Math.max(0, bar.scrollWidth - bar.clientWidth),
          search: shown('rollouts-search'),
        };
      };
      const found = [340, 400, 479, 480, 900].map(at);
      element.style.width = '';
      return found;
    });
    expect(seen).toEqual([false, false, false, true, true].map((search) => ({ rows: 1, over: 0, search })));
  });

  it('memory and utilisation that change move no row of the Runs panel', async () => {
    const jumps = await page.locator('medr1-runs').evaluate((panel) => {
      const header = panel.shadowRoot!.querySelector('header')!;
      const copy = panel.shadowRoot!.appendChild(header.cloneNode(true) as HTMLElement);
      const [memory, used] = copy.querySelectorAll('.number');
      const heights = (width: number) => {
        copy.style.width = `${width}px`;
        const texts = ['9.99 GiB / 23.5 GiB', '10.1 GiB / 23.5 GiB', '999 MiB / 23.5 GiB'].flatMap((one) => [`${one}|1 %`, `${one}|100 %`]);
        return texts.map((text) => {
          [memory.textContent, used.textContent] = text.split('|');
          return copy.getBoundingClientRect().height;
        });
      };
      const moving = Array.from({ length: 220 }, (_, at) => 180 + at).filter((width) => new Set(heights(width)).size > 1);
      copy.remove();
      return moving;
    });
    expect(jumps).toEqual([]);
  });

  it('? shows every key, but where text is typed', async () => {
    const search = rollouts().locator('[data-testid^=rollouts-search]').filter({ visible: true });
    if ((await search.count()) === 0) await openView(); // it is in the menu where the panel is narrow
    await search.press('?');
    expect(await search.inputValue()).toBe('?');
    await search.fill('');
    await rollouts().getByTestId('group').nth(3).locator('.title').press('?');
    const sheet = page.locator('.jp-Dialog .medr1-Keys');
    await page.locator('.jp-Dialog .medr1-Keys:focus').waitFor(); // the arrow keys scroll it
    await sheet.getByText('Rollouts', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    await page.keyboard.press('?'); // the keyboard is back at the question
    await sheet.waitFor();
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
  });

  it('keys in the Inspector walk the completions, and Rollouts follows', async () => {
    await inspector().locator('.page').focus();
    await page.keyboard.press('ArrowRight');
    await isTold({ completion: 3, token: null });
    await rollouts().getByTestId('group').nth(3).locator('li.chosen').filter({ hasText: 'tok' }).waitFor();
  });

  it('the step is a line on the curves; a click there shows the rollouts of another', async () => {
    await chart().locator('.line.step').waitFor();
    const area = (await chart().locator('.area').boundingBox())!;
    await page.mouse.click(area.x + area.width - 14, area.y + area.height / 2);
    await rollouts().locator('[aria-label="Groups of step 3"]').waitFor();
    await inspected('step');
    await isTold({ step: 3, group: null });
  });

  it('dragging with Shift runs through the steps', async () => {
    const area = (await chart().locator('.area').boundingBox())!;
    await page.keyboard.down('Shift');
    await page.mouse.move(area.x + area.width - 14, area.y + area.height / 2);
    await page.mouse.down();
    await page.mouse.move(area.x + area.width / 2, area.y + area.height / 2, { steps: 3 });
    await page.mouse.move(area.x + 48, area.y + area.height / 2, { steps: 3 });
    await page.mouse.up();
    await page.keyboard.up('Shift');
    await rollouts().locator('[aria-label="Groups of step 1"]').waitFor();
    await isTold({ step: 1 });
  });

  it('a notebook moves every view; a group that it names comes with its question', async () => {
    await lab.api('api/view', { by: 'notebook', selection: { runs: [run], step: 2, group: 0, completion: 1 } }, 'PATCH');
    await inspected('rollout');
    await isTold({ step: 2, group: 0, completion: 1, dataset: SET, item: (await groupOf(2, 0)).item_id });
    await eventually(
      () => rollouts().getByTestId('rollouts-step').inputValue(),
      (step) => step === '2',
      'Rollouts follows',
    );
  });

  it('a link to the selection brings it back, and one that makes no sense is refused', async () => {
    const toast = page.locator('.Toastify__toast').filter({ hasText: 'Copied the address' });
    const [, link] = await Promise.all([
      toast.first().waitFor(), // it goes by itself
      page.evaluate(() => {
        const { jupyterapp } = globalThis as unknown as { jupyterapp: { commands: { execute(id: string): Promise<string> } } };
        return jupyterapp.commands.execute('medr1:copy-link');
      }),
    ]);
    expect(link).toMatch(/step%3D2.*group%3D0.*completion%3D1/);
    await runCommand(page, 'medr1:select', { selection: { step: 3, dataset: null, item: null } });
    await isTold({ step: 3, group: null, item: null });
    const asked = runCommand(page, 'medr1:open-link');
    await page.locator('.jp-Dialog input').fill(link);
    await page.locator('.jp-Dialog').getByText('Open', { exact: true }).click();
    await asked;
    await isTold({ runs: run, step: 2, group: 0, completion: 1 });
    await runCommand(page, 'application:toggle-right-area');
    await inspector().waitFor({ state: 'hidden' });
    await runCommand(page, 'medr1:open-link', { link: `medr1:?runs=${run}&step=2&group=0&completion=1&token=3` });
    await inspector().getByTestId('token-reading').filter({ hasText: 'token 4 of' }).waitFor();
    await runCommand(page, 'medr1:open-link', { link: 'medr1:?step=two' });
    await page.locator('.Toastify__toast').filter({ hasText: 'not a whole number' }).waitFor();
    await runCommand(page, 'medr1:open-link', { link: 'medr1:?runs=20200101-000000-aaaa' });
    await page.locator('.Toastify__toast').filter({ hasText: 'There is no run 20200101-000000-aaaa' }).waitFor();
  });

  it('a question that is clicked in Data is inspected', async () => {
    await runCommand(page, 'medr1:arrange-data');
    const before = (await told()).item;
    await page.locator('medr1-data').getByTestId('data-item').nth(2).click();
    const { item } = await eventually(told, (selection) => selection.item !== before, 'the click chose another question');
    await inspected('question');
    await eventually(
      () => inspector().locator('[data-part=metadata]').textContent(),
      (text) => text?.includes(item) ?? false,
      'the Inspector shows it',
    );
    await page.screenshot({ path: join(output, 'arrange-data-dark.png') });
  });

  it('is all there after a reload: the Inspector with what it showed', async () => {
    const { item } = await told();
    await eventually(
      () => stored(),
      (selection) => selection?.item === item,
      'JupyterLab keeps the selection with the workspace',
    );
    await runCommand(page, 'medr1:open-rollouts');
    await openView();
    await rollouts().locator('[aria-label=Sort]').selectOption('advantage');
    await rollouts().locator('[aria-label=Show]').selectOption('mixed');
    await eventually(
      () => stored('medr1:rollouts'),
      (kept) => kept?.shown === 'mixed',
      'JupyterLab keeps how Rollouts was read',
    );
    await runCommand(page, 'medr1:open-data'); // in front when the page goes
    await eventually(
      async () => JSON.stringify(await stored('layout-restorer:data')),
      (layout) => /"current":"medr1-data:data"/.test(layout),
      'JupyterLab keeps the layout',
    );
    await page.reload();
    await commandAtOnce(page, 'medr1:open-rollouts');
    await rollouts().waitFor();
    const chosen = (name: string) => rollouts().locator(`[aria-label="${name}"]`).inputValue();
    expect([await chosen('Sort'), await chosen('Show'), await chosen('Token colouring')]).toEqual(['advantage', 'mixed', 'entropy']);
    await inspected('question');
    expect(await inspector().locator('[data-part=metadata]').textContent()).toContain(item);
    await runCommand(page, 'medr1:arrange-compare');
    await page.locator('medr1-compare').getByTestId('first-evaluation').waitFor();
    await page.screenshot({ path: join(output, 'arrange-compare-dark.png') });
  });

  it('logged no error in the browser and asked nothing of the outside', () => {
    expect(errors).toEqual([]);
  });
});
