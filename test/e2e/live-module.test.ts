/**
 * The module of live cells in a page as VS Code's webview is: another origin than the server's, no cookies, a strict Content-Security-Policy with
 * a nonce, and anywidget's interface alone. What the kernel says comes from the test.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Part } from '../../widgets/src/live/messages.ts';
import { group, groupPart, imagePart, opening, pointsPart, runPart } from '../../widgets/testing/fake-live.ts';
import { axeFindsNothingNow } from './accessible.ts';
import { eventually, looksAtHome, openBrowser, output, root } from './lab.ts';

const MODULE = readFileSync(join(root, 'extension/medr1_workbench/static/live.js'), 'utf8');
const POLICY = "default-src 'none'; script-src 'nonce-n1' blob:; style-src 'nonce-n1'; img-src data:; base-uri 'none'; form-action 'none'";
const ORIGIN = 'https://webview.test/';

/** What VS Code puts into its page: the interface, and a way for the test to speak as the kernel. */
const HOST = `
const listeners = new Map();
const emit = (name, ...given) => [...(listeners.get(name) ?? [])].forEach((listener) => listener(...given));
const traits = TRAITS;
const model = {
  get: (name) => traits[name],
  set: (name, value) => { traits[name] = value; emit('change:' + name); },
  on: (name, listener) => listeners.set(name, (listeners.get(name) ?? new Set()).add(listener)),
  off: (name, listener) => listeners.get(name)?.delete(listener),
  save_changes: () => {},
  send: (content) => window.sent.push(content),
};
window.sent = [];
window.alerts = 0;
window.alert = () => window.alerts++;
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));
let number = 0;
window.tell = (parts, n = ++number) => { number = n; emit('msg:custom', { n, parts }, []); };
window.setTrait = model.set;
const url = URL.createObjectURL(new Blob([MODULE], { type: 'text/javascript' }));
const { default: widget } = await import(url);
window.close_ = await widget.render({ model, el: document.querySelector('#cell') });
window.ready = true;
`;

let browser: Browser;
let page: Page;
let errors: string[];

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

async function open(traits: object = { view: { kind: 'runs', runs: ['r1'] }, left: {} }, theme = 'vscode-light'): Promise<void> {
  const script = HOST.replace('TRAITS', JSON.stringify(traits)).replace('MODULE', () => JSON.stringify(MODULE).replaceAll('<', '\\u003c'));
  const body = `<!doctype html><meta charset="utf-8"><title>Webview</title><style nonce="n1">body.vscode-dark{background:#111}</style>
    <body class="${theme}"><div id="cell"></div><script type="module" nonce="n1">${script}</script></body>`;
  await page.unroute('**/*');
  await page.route('**/*', (route) =>
    route.request().url() === ORIGIN
      ? route.fulfill({ body, contentType: 'text/html', headers: { 'content-security-policy': POLICY } })
      : (errors.push(`request: ${route.request().url()}`), route.abort()),
  );
  await page.goto(ORIGIN);
  // A function and not a string: a string that is not true at the first look is evaluated again in the page, which its policy forbids.
  await page.waitForFunction(() => 'ready' in window);
}

beforeEach(async () => {
  errors = [];
  page = await (await browser.newContext({ viewport: { width: 1000, height: 900 } })).newPage();
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.stack ?? String(error)));
});
afterEach(async () => {
  expect(await page.evaluate('window.violations')).toEqual([]);
  expect(await page.evaluate('window.alerts')).toBe(0);
  expect(errors).toEqual([]);
  expect(await page.context().cookies()).toEqual([]);
  await page.context().close();
});

const cell = (): Locator => page.locator('medr1-live-1');
const tell = (parts: readonly Part[], n?: number): Promise<unknown> =>
  page.evaluate(([given, at]) => (window as unknown as { tell: (...all: unknown[]) => void }).tell(given, ...at), [
    parts,
    n === undefined ? [] : [n],
  ] as const);
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const sent = (type: string): Promise<Record<string, any>[]> =>
  page.evaluate((wanted) => (window as unknown as { sent: { type: string }[] }).sent.filter((each) => each.type === wanted), type);

it('shows the picture that was left until the kernel speaks, and then curves, state, weights and rollouts', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>';
  await open({ view: { kind: 'runs', runs: ['r1'] }, left: { svg, html: '', text: '' } });
  await cell().locator('img.still').waitFor();
  expect(await cell().getByTestId('standing').textContent()).toContain('without a kernel this is what was left');
  expect(await sent('ready')).toHaveLength(1);
  await tell(opening());
  await cell().getByTestId('run').waitFor();
  expect(await cell().locator('img.still').count()).toBe(0);
  expect(await cell().getByTestId('step').textContent()).toBe('40');
  for (const chart of ['reward', 'rewards', 'kl', 'length']) await cell().locator(`[data-chart="${chart}"] path`).first().waitFor();
  expect(await cell().locator('[data-chart="reward"] .mark').count()).toBe(2);
  expect(await cell().getByTestId('completion').count()).toBe(8);
  expect(
    await cell()
      .locator('img.thumb')
      .evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth),
  ).toBe(8);
});

it('curves grow with each message, and after one that was missed the page asks for all', async () => {
  await open();
  await tell(opening());
  await tell([runPart({ step: 41 }), pointsPart(41, 1)]);
  await eventually(
    () => cell().getByTestId('step').textContent(),
    (text) => text === '41',
    'the step is shown',
  );
  expect(await cell().locator('[data-chart="reward"] .steps').textContent()).toContain('step 41');
  await tell([runPart({ step: 43 })], 9);
  expect(await sent('ready')).toHaveLength(2);
});

it('buttons and weights ask the kernel, say when it is busy, and show what went wrong', async () => {
  await open();
  await tell(opening());
  await cell().getByTestId('live-pause').click();
  const [{ id, ...action }] = await sent('action');
  expect(action).toEqual({ type: 'action', run: 'r1', action: 'pause' });
  await cell().getByTestId('busy').waitFor();
  expect(await cell().getByTestId('live-pause').isDisabled()).toBe(true);
  await tell([{ part: 'done', id, error: { code: 'X', message: 'The run <b>ended</b>', remedy: 'Start another.' } }]);
  expect(await cell().getByTestId('failure').textContent()).toContain('The run <b>ended</b>');
  await cell().getByLabel('Weight of format as a number').fill('0.2');
  await cell().getByLabel('Weight of format as a number').press('Tab');
  await tell([runPart({ step: 41 })]); // what comes meanwhile leaves the draft alone
  expect(await cell().getByLabel('Weight of format as a number').inputValue()).toBe('0.2');
  await cell().getByTestId('apply').click();
  expect((await sent('weights'))[0]).toMatchObject({ run: 'r1', weights: { format: 0.2 }, base_revision: 2 });
});

it('walks through steps and questions by keyboard', async () => {
  await open();
  await tell(opening());
  await cell().getByLabel('Step before').focus();
  await page.keyboard.press('Enter');
  expect((await sent('look')).at(-1)).toMatchObject({ run: 'r1', step: 39, group: 0 });
  await cell().getByLabel('Next question').click();
  expect((await sent('look')).at(-1)).toMatchObject({ step: 39, group: 1 });
  await cell().getByTestId('rollouts').click();
  expect((await sent('look')).at(-1)).toMatchObject({ group: null });
  expect(await cell().getByTestId('looked').count()).toBe(0);
});

it('hostile text is text everywhere', async () => {
  const text = '<img src=x onerror=alert(1)><script>alert(2)</script>\u202e\u200b\x1b[31m**bold**';
  await open();
  await tell([
    { part: 'reset', run: 'r1' },
    { ...runPart({ name: text, error: { code: 'X', message: text, remedy: text } }), checkpoints: [] },
    { part: 'event', run: 'r1', event: { kind: 'alert', seq: 1, time: 0, step: 3, code: text, message: text, remedy: text } },
    { part: 'points', run: 'r1', step: [1, 2, 3], metrics: { reward: [1, 2, 3], [`rewards/${text}/mean`]: [1, 2, 3] } },
    groupPart(
      'r1',
      group(() => `<think>${text}</think><answer>${text}</answer>${text}`, { question: text, options: [text, text], item_id: text }),
    ),
    { part: 'trouble', error: { code: text, message: text, remedy: text } },
  ]);
  await cell().getByTestId('completion').first().waitFor();
  expect(await cell().locator('.run .name').textContent()).toBe(text);
  expect(await cell().locator('script, [onerror], img[src="x"]').count()).toBe(0);
});

it('two runs are side by side over the same axes, each with its rollouts', async () => {
  await open({ view: { kind: 'runs', runs: ['r1', 'r2'] }, left: {} });
  await tell([...opening({ name: 'thinking' }), ...opening({ id: 'r2', name: 'no-thinking', variant: 'no-think' }, 0.2)]);
  expect(await cell().getByTestId('run').count()).toBe(2);
  expect(await cell().getByTestId('looked').count()).toBe(2);
  expect(await cell().locator('[data-chart="reward"] .legend .name').allTextContents()).toEqual(['thinking', 'no-thinking']);
  await page.screenshot({ path: join(output, 'live-compare.png') });
});

it('a group alone, and the questions of a data set page by page', async () => {
  await open({ view: { kind: 'group', run: 'r1' }, left: {} });
  await tell([groupPart(), imagePart()]);
  await cell().locator('img.thumb').waitFor();
  expect(await cell().getByTestId('completion').count()).toBe(8);
  expect(await cell().getByTestId('run').count()).toBe(0);
  await open({ view: { kind: 'items', dataset: 'sample' }, left: {} });
  const { item_id: id, ...asked } = group(() => '');
  const items = [
    { ...asked, id, problem: null },
    { ...asked, id: 'q2', image: null, problem: 'image-missing' as const },
  ];
  await tell([{ part: 'items', dataset: 'sample', total: 1024, at: 0, more: true, items: items as never }, imagePart('sample')]);
  await cell().locator('img.thumb').waitFor();
  expect(await cell().getByTestId('item').count()).toBe(2);
  await page.screenshot({ path: join(output, 'live-items.png') });
  await cell().getByLabel('Next page').click();
  expect(await sent('items')).toMatchObject([{ at: 1 }]);
  expect(await cell().getByLabel('Page before').isDisabled()).toBe(true);
});

it('leaves nothing behind when its cell is cleared', async () => {
  await open();
  await tell(opening());
  await page.evaluate('window.close_()');
  expect(await cell().count()).toBe(0);
  expect(await sent('gone')).toHaveLength(1);
  await tell([pointsPart(41, 1)]);
});

it.each([
  ['light', 1000],
  ['dark', 1000],
  ['light', 400],
  ['dark', 400],
])('looks at home: %s, %d px wide', async (theme, width) => {
  await page.setViewportSize({ width, height: 900 });
  await open(undefined, `vscode-${theme}`);
  await tell(opening());
  await cell().getByTestId('completion').first().waitFor();
  await page.screenshot({ path: join(output, `live-${theme}-${width}.png`), fullPage: true });
  await looksAtHome(cell(), theme === 'dark' ? 'Dark' : 'Light');
  await axeFindsNothingNow(cell());
});
