/** What the rollouts of a made-up run were like. Repeatable numbers; nothing here is measured. */
import type { RolloutStatistics } from '@medr1/kernel-bridge/protocol/statistics';
import { random } from './drawing.ts';

const A_STEP = 96;
const MODALITIES = ['CT(Computed Tomography)', 'Fundus Photography', 'X-Ray'];
const TYPES = ['Disease Diagnosis', 'Lesion Grading'];
const LETTERS = ['A', 'B', 'C', 'D'];

export function fakeStatistics(run: { id: string; steps?: number; seed?: number; trainer?: string }, most: number): RolloutStatistics {
  const steps = run.trainer === 'sft' ? 0 : (run.steps ?? 0);
  const size = Math.max(1, Math.ceil(steps / most));
  const columns = Array.from({ length: Math.ceil(steps / size) }, (_, at): [number, number] => [
    at * size + 1,
    Math.min(steps, (at + 1) * size),
  ]);
  const chance = random(run.seed ?? 1);
  const grown = ([, step]: [number, number]): number => 1 - Math.exp(-step / 40);
  const completions = columns.map(([first, last]) => (last - first + 1) * A_STEP);
  /** Completions around a middle that moves, by bin. */
  const hill = (low: number, width: number, bins: number, middle: (grown: number) => number, spread: number) => ({
    low,
    width,
    counts: columns.map((column, at) => {
      const shares = Array.from(
        { length: bins },
        (_, bin) => Math.exp(-(((low + (bin + 0.5) * width - middle(grown(column))) / spread) ** 2)) * (0.7 + 0.6 * chance()),
      );
      const sum = shares.reduce((a, b) => a + b, 0);
      return shares.map((share) => Math.round((share / sum) * completions[at]));
    }),
  });
  const facet = (values: string[]) =>
    Object.fromEntries(
      values.map((value, k) => {
        const accuracy = columns.map((column) => 0.25 + (0.55 - 0.12 * k) * grown(column) + 0.06 * (chance() - 0.5));
        return [
          value,
          { completions: completions.map((all) => Math.round(all / values.length)), accuracy, reward: accuracy.map((one) => one + 0.9) },
        ];
      }),
    );
  return {
    run: run.id,
    columns,
    completions,
    distributions:
      columns.length === 0
        ? {}
        : {
            reward: hill(0, 0.125, 17, (g) => 0.8 + g, 0.35),
            advantage: hill(-3, 0.25, 24, () => 0, 0.9),
            length: hill(14, 1, 34, (g) => 24 + 6 * g, 5),
            entropy: hill(0, 0.0625, 20, (g) => 0.9 - 0.6 * g, 0.15),
          },
    facets: columns.length === 0 ? {} : { modality: facet(MODALITIES), question_type: facet(TYPES), answer: facet(LETTERS) },
    functions: {
      accuracy: columns.map((column) => 0.27 + 0.5 * grown(column)),
      format: columns.map((column) => 0.71 + 0.28 * grown(column)),
    },
    complete: true,
  };
}
