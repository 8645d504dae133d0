import { expect, it } from 'vitest';
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

it('says that the newest run was broken off, until another is active', () => {
  const broken = fake.summary({ id: 'a', name: 'Demo', steps: 143, state: 'interrupted' });
  expect(statusOf(state({ runs: [broken] }), 'open').text).toContain('⚠ Demo: interrupted at step 143');
  const next = fake.summary({ id: 'b', name: 'Next', steps: 3 });
  expect(statusOf(state({ runs: [next, broken] }), 'open').text).toMatch(/^Med-R1 ● step 3/);
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
