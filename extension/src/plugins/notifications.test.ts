import { expect, it, vi } from 'vitest';
import type { RunSummary } from '@medr1/widgets/connector';
import notifications from './notifications.ts';

const { shown } = vi.hoisted(() => ({ shown: new Map<string, string>() }));
let count = 0;
vi.mock('@jupyterlab/apputils', () => ({
  Notification: {
    emit: (text: string) => {
      const id = `notification ${count++}`;
      shown.set(id, text);
      return id;
    },
    dismiss: (id: string) => shown.delete(id),
  },
}));
vi.mock('@jupyterlab/settingregistry', () => ({ ISettingRegistry: {} }));
vi.mock('@jupyterlab/translation', () => ({ ITranslator: {}, nullTranslator: { load: () => ({ __: (text: string) => text }) } }));

const run = (id: string, change: Partial<RunSummary> = {}): RunSummary =>
  ({ id, name: id, state: 'running', step: 12, error: null, alert: null, waits_since: null, ...change }) as RunSummary;
const error = { code: 'REWARD_THREW', message: 'It threw.', remedy: 'Mend it.' };

it('what stays until it is closed goes when the run goes on or is removed', () => {
  let listener = (): void => {};
  const state = { value: { status: 'ready', runs: [] as RunSummary[] }, subscribe: (tell: () => void) => (listener = tell) };
  const now = (...runs: RunSummary[]): string[] => {
    state.value = { status: 'ready', runs };
    listener();
    return [...shown.values()];
  };
  void notifications.activate({} as never, { runs: { state } }, null, null);
  now(run('a'), run('b'));
  const paused = [run('a', { state: 'paused', error }), run('b', { state: 'paused', error })];
  expect(now(...paused)).toEqual(['a: paused. It threw. Mend it.', 'b: paused. It threw. Mend it.']);
  expect(now(paused[0], { ...paused[1], step: 13 })).toHaveLength(2);
  expect(now(run('a'), paused[1])).toEqual(['b: paused. It threw. Mend it.']);
  expect(now(run('a'), run('b', { state: 'interrupted' }))).toEqual(['b: interrupted.']);
  expect(now(run('a'))).toEqual([]);
});
