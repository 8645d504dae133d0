import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../connector.ts';
import { FakeConnector } from '../../testing/fake-connector.ts';
import type { RunListState } from '../store/run-list.ts';
import { statusOf } from './model.ts';

const fake = new FakeConnector({ runs: [{ id: 'a', name: 'Demo', steps: 143 }] });
const server = await fake.server();
const state = (change: Partial<RunListState>): RunListState => ({
  status: 'ready',
  error: null,
  server,
  devices: null,
  runs: [],
  ...change,
});

it('says step, reward, speed and memory of the active run', () => {
  const { text } = statusOf(state({ runs: [fake.summary({ id: 'a', name: 'Demo', steps: 143 })] }), 'open');
  expect(text).toMatch(/^Med-R1 ● step 143\/240 · reward \d\.\d\d · 142 rollouts\/s · CPU 3\.10 GiB \/ 24\.0 GiB$/);
});

it('warns when the live line is down', () =>
  expect(statusOf(state({ runs: [fake.summary({ id: 'a', steps: 3 })] }), 'connecting').text).toContain('⚠ connecting'));

it('says that the page polls, and why', () => {
  const { text, title } = statusOf(state({ runs: [fake.summary({ id: 'a', steps: 3 })] }), 'polling');
  expect(text).toMatch(/ · polling$/);
  expect(title).toContain('A proxy between this page and the server lets no websocket through');
});

it('says when the backend is not reached, and the remedy on hover', () => {
  const error = { code: 'X', message: 'No answer.', remedy: 'Restart it.' };
  expect(statusOf(state({ status: 'error', error }), 'closed')).toEqual({
    text: 'Med-R1 ⚠ backend not reached',
    title: 'No answer. Restart it.',
  });
});

it('says when no run is active', () => expect(statusOf(state({}), 'open').text).toBe('Med-R1 ○ no runs'));

it('warns while an alert is on, and says which on hover', () => {
  const alert = { step: 140, message: 'The KL is high.', remedy: 'Lower the learning rate.' };
  const { text, title } = statusOf(state({ runs: [fake.summary({ id: 'a', name: 'Demo', steps: 143, alert })] }), 'open');
  expect(text).toMatch(/^Med-R1 ⚠ ● step 143/);
  expect(title).toMatch(/^Alert at step 140: The KL is high\. Lower the learning rate\. Demo\./);
});

describe('runs that were broken off', () => {
  const broken = (id: string, ended_at: number) => ({ ...fake.summary({ id, name: id, steps: 143, state: 'interrupted' }), ended_at });
  const text = (...runs: RunSummary[]) => statusOf(state({ runs }), 'open').text;

  it('are named until another is active', () => {
    expect(text(broken('Demo', 5))).toContain('⚠ Demo: interrupted at step 143');
    expect(text(fake.summary({ id: 'b', name: 'Next', steps: 3 }), broken('Demo', 5))).toMatch(/^Med-R1 ● step 3/);
  });

  it('are named beside runs that were made since, both of a pair too, until a run ended well', () => {
    const queued = { ...fake.summary({ id: 'q', steps: 0, state: 'queued' }), ended_at: null };
    const ended = (ended_at: number) => ({ ...fake.summary({ id: 'f', steps: 240, state: 'finished' }), ended_at });
    expect(text(queued, broken('Think', 6), broken('No-think', 5), ended(4))).toContain('⚠ Think: interrupted at step 143, and 1 more');
    expect(text(queued, broken('Think', 6), ended(7))).toContain('no run is active');
  });

  it('by a name that turns nothing round which stands beside it', () =>
    expect(statusOf(state({ runs: [{ ...broken('a', 1), name: 'ריצה 3' }] }), 'open').text).toContain(
      '\u2068ריצה 3\u2069: interrupted at',
    ));

  it('a run that an error paused is named beside the one that goes on', () => {
    const paused = {
      ...fake.summary({ id: 'p', name: 'Think', steps: 22, state: 'paused' }),
      error: { code: 'REWARD_THREW', message: 'It threw.', remedy: '' },
    };
    const said = /^Med-R1 ● step 30.* · ⚠ Think: paused by an error at step 22/;
    expect(text(fake.summary({ id: 'a', steps: 30 }), paused)).toMatch(said);
    expect(text(paused, fake.summary({ id: 'a', steps: 30 }))).toMatch(said);
  });
});

it('names the evaluation that is computing, beside a run or alone', async () => {
  const [evaluation] = await new FakeConnector({
    evals: [{ id: 'e', name: 'second', items: 20, answered: 7, state: 'running' }],
  }).evals.list();
  const named = `● evaluates ${evaluation.run_name ?? 'second'} ${evaluation.done}/${evaluation.total}`;
  expect(statusOf(state({}), 'open', evaluation).text).toContain(`Med-R1 · ${named}`);
  const run = fake.summary({ id: 'a', name: 'Demo', steps: 143 });
  expect(statusOf(state({ runs: [run] }), 'open', evaluation).text).toMatch(/^Med-R1 ● step 143/);
  expect(statusOf(state({ runs: [run] }), 'open', evaluation).text).toContain(named);
});
