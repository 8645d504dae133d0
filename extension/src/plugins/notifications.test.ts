// @vitest-environment jsdom
import { afterEach, expect, it, vi } from 'vitest';
import type { RunSummary } from '@medr1/widgets/connector';
import { NEWS_KINDS, type NewsKind } from '../news.ts';
import notifications from './notifications.ts';

interface Options {
  autoClose: number | false;
  actions: { label: string; callback: (event: { preventDefault: () => void }) => void }[];
}
const { shown, options, dialogs } = vi.hoisted(() => ({
  shown: new Map<string, string>(),
  options: [] as Options[],
  dialogs: [] as string[],
}));
let count = 0;
vi.mock('@jupyterlab/apputils', () => ({
  Notification: {
    emit: (text: string, _: string, given: Options) => {
      const id = `notification ${count++}`;
      shown.set(id, text);
      options.push(given);
      return id;
    },
    dismiss: (id: string) => shown.delete(id),
  },
  Dialog: { okButton: () => ({}) },
  showDialog: ({ body }: { body: string }) => Promise.resolve(dialogs.push(body)),
}));
vi.mock('@jupyterlab/settingregistry', () => ({ ISettingRegistry: {} }));
vi.mock('@jupyterlab/translation', () => ({ ITranslator: {}, nullTranslator: { load: () => ({ __: (text: string) => text }) } }));

const run = (id: string, change: Partial<RunSummary> = {}): RunSummary =>
  ({ id, name: id, state: 'running', step: 12, error: null, alert: null, waits_since: null, ...change }) as RunSummary;
const error = { code: 'REWARD_THREW', message: 'It threw.', remedy: 'Mend it.' };

afterEach(() => {
  shown.clear();
  options.length = 0;
});

/** The plugin on a page that was just loaded; gives what is shown after the list of runs became another one. */
async function page(settings: Partial<Record<NewsKind, boolean>> = {}) {
  let listener = (): void => {};
  const state = { value: { status: 'loading', runs: [] as RunSummary[] }, subscribe: (tell: () => void) => (listener = tell) };
  const registry = { load: () => Promise.resolve({ get: (kind: NewsKind) => ({ composite: settings[kind] }) }) };
  void notifications.activate({} as never, { runs: { state } } as never, registry as never, null);
  await Promise.resolve();
  return (...runs: RunSummary[]): string[] => {
    state.value = { status: 'ready', runs };
    listener();
    return [...shown.values()];
  };
}

const HAPPENS: Record<NewsKind, [before: RunSummary, after: RunSummary]> = {
  finished: [run('a'), run('a', { state: 'finished' })],
  trouble: [run('a'), run('a', { state: 'failed', error })],
  alert: [run('a'), run('a', { alert: { step: 12, message: 'KL is 3.', remedy: 'Lower it.' } as RunSummary['alert'] })],
  queue: [run('a', { state: 'queued' }), run('a', { state: 'starting' })],
};

it.each(NEWS_KINDS)('%s is told once, not again on a page that is loaded anew, and not where it is switched off', async (kind) => {
  const [before, after] = HAPPENS[kind];
  const first = await page({ [kind]: true });
  expect(first(before)).toEqual([]);
  expect(first(after)).toHaveLength(1);
  expect(first({ ...after })).toHaveLength(1);
  expect(options[0].autoClose).toBeLessThanOrEqual(60_000); // it lies over what stands in the corner
  shown.clear();
  expect((await page({ [kind]: true }))(after)).toEqual([]);
  const silent = await page({ [kind]: false });
  silent(before);
  expect(silent(after)).toEqual([]);
});

it('what JupyterLab would cut ends between words, and a button shows it with its remedy', async () => {
  const long = { ...error, message: `reward mine threw Error: ${'no such thing as a lesion, '.repeat(8)}here.` };
  const now = await page();
  now(run('a'));
  const [text] = now(run('a', { state: 'paused', error: long }));
  expect(text.length).toBeLessThanOrEqual(140);
  expect(text).toMatch(/^a: paused\. reward mine .*[a-z,]…$/);
  const preventDefault = vi.fn();
  options[0].actions.at(-1)!.callback({ preventDefault });
  expect(preventDefault).toHaveBeenCalled(); // it stays
  await vi.waitFor(() => expect(dialogs).toEqual([`a: paused. ${long.message} Mend it.`]));
});

it('trouble that is over is taken back: the run goes on or is removed', async () => {
  const now = await page();
  now(run('a'), run('b'));
  const paused = [run('a', { state: 'paused', error }), run('b', { state: 'paused', error })];
  expect(now(...paused)).toEqual(['a: paused. It threw. Mend it.', 'b: paused. It threw. Mend it.']);
  expect(now(paused[0], { ...paused[1], step: 13 })).toHaveLength(2);
  expect(now(run('a'), paused[1])).toEqual(['b: paused. It threw. Mend it.']);
  expect(now(run('a'), run('b', { state: 'interrupted' }))).toEqual(['b: interrupted.']);
  expect(now(run('a'))).toEqual([]);
});
