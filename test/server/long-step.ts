/** A step as long as real ones: 8 groups of 16 completions, each of so many tokens. */
import type { StepResult } from '../../kernel-bridge/src/protocol/step.ts';
import { fakeStep } from './fake-trainer.ts';

export function longStep(step: number, tokens: number): StepResult {
  const made = fakeStep(step, undefined, 8, 16);
  for (const one of made.groups.flatMap(({ completions }) => completions)) {
    one.token_ids = Array.from({ length: tokens }, (_, i) => (i * 37) % 150_000);
    one.logprobs = one.token_ids.map(() => -Math.random());
    one.entropy = one.token_ids.map(() => Math.random());
    one.kl = one.token_ids.map(() => Math.random());
    one.text = 'four '.repeat(tokens * 0.8);
  }
  return made;
}
