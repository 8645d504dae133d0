/** A real process that evaluates, around a model that answers A to everything; "slow" in the prompt's template makes a batch take a second, "lingers" the process leave a second late. */
import { setTimeout as wait } from 'node:timers/promises';
import { work } from '../../kernel-bridge/src/worker/frame.ts';
import { evaluating } from '../../kernel-bridge/src/worker/work.ts';
import type { OpenAnswerer } from '../../kernel-bridge/src/worker/answerer.ts';
import { fakeLoadItems } from './fake-trainer.ts';

const lingers = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);

const openFake: OpenAnswerer = async ({ prompt_template }) => ({
  async answer(questions) {
    if (prompt_template?.includes('slow')) await wait(1000);
    return questions.map(() => ({ text: '<answer> A </answer>', tokens: 5, finish_reason: 'stop', strict: 'A', tolerant: 'A' }));
  },
  async draw(questions, { n, seed }) {
    const letter = (at: number): string => 'AB'[(seed + at) % 2];
    return questions.map(() =>
      Array.from({ length: n }, (_, at) => ({
        text: letter(at),
        tokens: 5,
        finish_reason: 'stop',
        strict: letter(at),
        tolerant: letter(at),
      })),
    );
  },
  [Symbol.dispose]() {
    if (prompt_template?.includes('lingers')) process.on('exit', lingers);
  },
});

await work(evaluating(openFake, (name) => fakeLoadItems(name, {})));
