import { expect, it } from 'vitest';
import type { Alternatives, ExplainTarget } from '../../connector.ts';
import { AlternativesStore } from './alternatives.ts';

const at = (completion: number): ExplainTarget => ({ run: 'r', rollout: { step: 1, group: 0, completion } });

function store() {
  const asked: { target: ExplainTarget; signal?: AbortSignal; answer: (value: Alternatives) => void; fail: (error: Error) => void }[] = [];
  const made = new AlternativesStore({
    alternatives: (target = {}, signal) =>
      new Promise((answer, fail) => {
        asked.push({ target, signal, answer, fail });
        signal?.addEventListener('abort', () => fail(new Error('aborted')));
      }),
  });
  return { made, asked };
}
const answer = { places: [] } as unknown as Alternatives;

it('asks once for a completion, whichever of its tokens is pointed at', async () => {
  const { made, asked } = store();
  expect(made.of(at(0))).toBeNull();
  const first = made.ask(at(0));
  void made.ask(at(0));
  expect(made.of(at(0))).toEqual({ status: 'loading' });
  asked[0].answer(answer);
  await first;
  await made.ask(at(0));
  expect([asked.length, made.of(at(0))]).toEqual([1, { status: 'ready', value: answer }]);
});

it('withdraws a question when another completion is pointed at, and asks anew when the first is again', async () => {
  const { made, asked } = store();
  void made.ask(at(0));
  const second = made.ask(at(1));
  expect(asked[0].signal!.aborted).toBe(true);
  expect(made.of(at(0))).toBeNull();
  asked[1].answer(answer);
  await second;
  void made.ask(at(0));
  expect(asked.map(({ target }) => target.rollout!.completion)).toEqual([0, 1, 0]);
  expect(made.of(at(1))).toMatchObject({ status: 'ready' });
});

it('keeps what went wrong until it is asked again', async () => {
  const { made, asked } = store();
  const first = made.ask(at(0));
  asked[0].fail(Object.assign(new Error('gone'), { code: 'DATA_IMAGE', remedy: 'Look.' }));
  await first;
  expect(made.of(at(0))).toMatchObject({ status: 'error', error: { message: 'gone' } });
  void made.ask(at(0));
  expect(asked).toHaveLength(2);
});
