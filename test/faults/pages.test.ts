/** Hostile text in every field of a run, in the views of a JupyterLab in Chromium. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { annotate } from '../../kernel-bridge/src/runs/annotations.ts';
import { completeConfig } from '../../kernel-bridge/src/runs/config.ts';
import { newRunId, runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { editRewards } from '../../kernel-bridge/src/runs/rewards.ts';
import { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { openBrowser, openJupyterLab, openLab, openPage, plainStart, runCommand, type Lab } from '../e2e/lab.ts';
import { fakeStep } from '../server/fake-trainer.ts';
import { until } from '../server/harness.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';

/** Text that does something where it is taken for markup: it adds to `hits`, asks another host, or makes an element with data-hostile. */
const PAYLOADS = [
  '<img src=x onerror="hits.push(1)" data-hostile>',
  '<svg onload="hits.push(1)" data-hostile></svg>',
  '<script data-hostile>hits.push(1)</script>',
  '<iframe srcdoc="<script>parent.hits.push(1)</script>" data-hostile></iframe>',
  '<a href="javascript:hits.push(1)" data-hostile>a</a>',
  '"><img src=x onerror=hits.push(1) data-hostile>',
  "' onmouseover='hits.push(1)' data-hostile x='",
  '<details open ontoggle="hits.push(1)" data-hostile>a</details>',
  '<form id=hits data-hostile><input name=push></form>',
  '<button data-commandlinker-command="medr1:delete-run" data-hostile>a</button>',
  '<style data-hostile>@import url(http://evil.invalid/a)</style>',
  '<link rel=stylesheet href="http://evil.invalid/a" data-hostile>',
  '<math><mtext><table><mglyph><style><img src=x onerror="hits.push(1)" data-hostile>',
  '![a](http://evil.invalid/a) [a](javascript:hits.push(1)) <b data-hostile>a</b>',
  '$\\href{javascript:hits.push(1)}{a}$ <b data-hostile>a</b>',
  '${hits.push(1)} {{constructor.constructor("hits.push(1)")()}} <b data-hostile>a</b>',
  '</textarea></title></template><img src=x onerror="hits.push(1)" data-hostile>',
  '<medr1-runs data-hostile onclick="hits.push(1)">\u202e\u200b\u0000</medr1-runs>',
] as const;

/** Views by their commands and elements, with whether they show what the run says. */
const VIEWS = [
  ['medr1:open-runs-table', 'medr1-runs-table', true],
  ['medr1:open-rollouts', 'medr1-rollouts', true],
  ['medr1:open-curves', 'medr1-curves', false],
  ['medr1:open-rewards', 'medr1-rewards', true],
  ['medr1:open-trash', 'medr1-trash', true],
  ['medr1:open-search', 'medr1-search', false],
  ['medr1:show-inspector', 'medr1-inspector', false],
] as const;

let lab: Lab;
let browser: Browser;
let page: Page;
let errors: string[];

/** A run all of whose texts are hostile; `word` tells them from others. */
function hostileRun(home: string, random: Random, word: string): string {
  const id = newRunId();
  const text = (): string => `${word} ${oneOf(random, PAYLOADS)}`;
  mkdirSync(runDirectory(home, id), { recursive: true });
  const config = completeConfig({ model_name_or_path: text(), dataset_name: text(), run_name: text(), per_device_train_batch_size: 8 });
  using run = RunStore.create(runDirectory(home, id), { id, name: text(), parent: null, config, root: text(), data_hash: text() });
  const made = fakeStep(1);
  const groups = made.groups.map((group) => ({
    ...group,
    ...{ item_id: text(), dataset: text(), image: text(), question: text(), options: [text(), text()], answer: text() },
    ...{ modality: text(), question_type: text(), prompt: text() },
    completions: group.completions.map((one) => ({
      ...one,
      text: `<think> ${text()} </think> <answer> ${text()} </answer>`,
      prediction: text(),
    })),
  }));
  run.commitStep({ ...made, groups, metrics: { ...made.metrics, [text()]: 1 } }, run.dueRewards());
  const edit = { weights: { accuracy: 2 }, reason: text(), author: text(), base_revision: 1, time: Date.now() };
  editRewards(run.db, edit);
  annotate(run.db, { tags: [word], notes: text() });
  run.alert({ code: 'X', message: text(), remedy: text() });
  run.setState('failed', { code: 'X', message: text(), remedy: text() });
  return id;
}

/** What the page did that it was not to do. */
const harm = (): Promise<string[]> =>
  page.evaluate(() => {
    const found: string[] = (globalThis as unknown as { hits: unknown }).hits instanceof Array ? [] : ['hits is another thing'];
    if ((globalThis as unknown as { hits: unknown[] }).hits.length > 0) found.push('a script ran');
    const look = (root: Document | ShadowRoot): void => {
      for (const element of root.querySelectorAll('*')) {
        if (element.hasAttribute('data-hostile')) found.push(`there is an element ${element.tagName}`);
        if (element.shadowRoot) look(element.shadowRoot);
      }
    };
    look(document);
    return found;
  });

/** Whether the view, or what lies in it, shows the word. */
const shows = (element: string, word: string): Promise<boolean> =>
  page.evaluate(
    ([name, wanted]) => {
      const textOf = (node: Node): string => {
        if (node.nodeType === Node.TEXT_NODE) return node.nodeValue ?? '';
        if (node instanceof HTMLInputElement || node instanceof HTMLTextAreaElement) return node.value;
        const inner = node instanceof Element && node.shadowRoot ? textOf(node.shadowRoot) : '';
        return inner + [...node.childNodes].map(textOf).join('');
      };
      return [...document.querySelectorAll(name)].some((one) => textOf(one).includes(wanted));
    },
    [element, word] as const,
  );

/** Takes the texts of the page that hold the word for markup, as a careless view would. */
const takenForMarkup = (word: string): Promise<void> =>
  page.evaluate((wanted) => {
    const look = (root: Node): void => {
      for (const node of [...root.childNodes]) {
        if (node.nodeType === Node.TEXT_NODE && node.nodeValue!.includes(wanted)) {
          const made = document.createElement('div');
          made.innerHTML = node.nodeValue!;
          document.body.append(made);
        }
        if (node instanceof Element && node.shadowRoot) look(node.shadowRoot);
        look(node);
      }
    };
    look(document.body);
  }, word);

async function shown(random: Random, meanwhile: (word: string) => Promise<void> = async () => {}): Promise<string> {
  const word = `w${below(random, 1e9).toString(36)}`;
  const home = dirname(lab.command);
  const [id, removed] = [hostileRun(home, random, word), hostileRun(home, random, word)];
  await until(async () => ((await lab.api(`api/runs/${id}`)).status === 200 ? true : 'the run is not known'));
  const gone = await fetch(`${lab.base}medr1/api/runs/${removed}`, {
    method: 'DELETE',
    headers: { Authorization: `token ${new URL(lab.url).searchParams.get('token')}` },
  });
  holds(gone.ok, `the run was not removed: ${gone.status}`);
  await openJupyterLab(page, lab);
  await runCommand(page, 'medr1:open-link', { link: `medr1:?runs=${id}&step=1&group=0&completion=0` });
  for (const [command, element, says] of VIEWS) {
    await runCommand(page, command);
    await page.locator(element).first().waitFor({ state: 'attached' });
    if (says) await until(async () => ((await shows(element, word)) ? true : `${element} does not show the run`), 120_000);
    await meanwhile(word);
    const found = [...(await harm()), ...errors.filter((one) => one.startsWith('request to the outside'))];
    holds(found.length === 0, `${element}: ${found.join(', ')}`);
  }
  return `${VIEWS.length} views`;
}

fault('X1', {
  setUp: async () => {
    lab = await openLab('/');
    await until(async () => ((await lab.api('api/server')).status === 200 ? true : 'the backend is not there'), 120_000);
    browser = await openBrowser();
    ({ page, errors } = await openPage(browser, lab));
    await page.addInitScript('globalThis.hits = []');
    await plainStart(lab);
  },
  tearDown: async () => {
    await browser?.close();
    await lab?.[Symbol.asyncDispose]();
  },
  attempt: (random) => shown(random),
  control: (random) => shown(random, takenForMarkup),
});
