/** The slice that a run is evaluated on stays the same, or there is no evaluation. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { forkRun, rollbackRun } from '../../kernel-bridge/src/runs/lineage.ts';
import { createRun, openRun, type LoadItems } from '../../kernel-bridge/src/runs/runs.ts';
import { ALWAYS } from '../../kernel-bridge/src/worker/turn.ts';
import { runWorker } from '../../kernel-bridge/src/worker/worker.ts';
import { createFakeTrainer, fakeLoadItems } from './fake-trainer.ts';
import { fakeConfig, makeHome } from './harness.ts';

let made: ReturnType<typeof makeHome>;
beforeEach(() => {
  made = makeHome();
});
afterEach(() => made.remove());

const testHash =
  (hash: string): LoadItems =>
  async (name, filter) => ({
    ...(await fakeLoadItems(name, {})),
    ...(filter.split?.includes('/test') && { hash }),
  });

/** Trains two steps more; the number of questions that the trainer was given to evaluate on. */
async function train(id: string, loadItems: LoadItems): Promise<number> {
  {
    using run = openRun(made.home, id);
    run.enqueue();
  }
  const abort = new AbortController();
  let [given, commits] = [-1, 0];
  const state = await runWorker({
    directory: runDirectory(made.home, id),
    home: made.home,
    loadItems,
    createTrainer: (init) => {
      given = init.evalItems.length;
      return createFakeTrainer(init);
    },
    committed: () => void (++commits > 2 && abort.abort('stop')),
    log: () => {},
    signal: abort.signal,
    nudge: async () => {},
    turn: ALWAYS,
    answerAsked: async () => {},
  });
  expect(state).toBe('stopped');
  return given;
}

it('through resume, rollback and fork; a split that changed is an alert and is not evaluated on', async () => {
  const changes = { max_steps: 100, save_steps: 1, save_total_limit: 50, eval_steps: 1, dataset_test_split: 'modality/test' };
  using run = await createRun(made.home, fakeConfig(made.model, changes), { loadItems: testHash('one') });
  const { id } = run.row();
  expect(await train(id, testHash('one'))).toBe(4);
  expect(await train(id, testHash('one'))).toBe(4);
  expect(await train(id, testHash('two'))).toBe(0);
  expect(run.events(0, 10_000).flatMap((event) => (event.kind === 'alert' ? event.code : []))).toEqual(['EVAL_SPLIT_CHANGED']);
  await rollbackRun(run, 1);
  expect(await train(id, testHash('two'))).toBe(0);
  expect(await train(id, testHash('one'))).toBe(4);
  using same = await forkRun(made.home, run, 1, {});
  expect(await train(same.row().id, testHash('two'))).toBe(0);
  using other = await forkRun(made.home, run, 1, { dataset_test_split: 'question_type/test' });
  expect(await train(other.row().id, testHash('two'))).toBe(4);
});
