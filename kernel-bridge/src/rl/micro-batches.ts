import type { EncodedPrompt } from '../models/index.ts';

/** Rows of a step that go through the model together, by prompt. */
export interface Rows {
  prompts: EncodedPrompt[];
  /** [prompt][completion] token ids. */
  completions: number[][][];
  /** Numbers of the first row and the one after the last, counted over the step. */
  from: number;
  to: number;
}

/**
 * Cuts N completions, in groups by prompt, into runs of `size` rows, the first of them numbered `first`. A prompt is run once per micro-batch, so whole groups are cheapest,
 * but any size that divides N will do.
 */
export function microBatches(groups: readonly { prompt: EncodedPrompt; completions: number[][] }[], size: number, first = 0): Rows[] {
  const rows = groups.flatMap(({ prompt, completions }) => completions.map((ids) => ({ prompt, ids })));
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, index) => {
    const from = index * size;
    const to = Math.min(rows.length, from + size);
    const part = rows.slice(from, to);
    const starts = part.flatMap((row, i) => (i === 0 || row.prompt !== part[i - 1].prompt ? [i] : []));
    return {
      prompts: starts.map((start) => part[start].prompt),
      completions: starts.map((start, g) => part.slice(start, starts[g + 1]).map(({ ids }) => ids)),
      from: first + from,
      to: first + to,
    };
  });
}
