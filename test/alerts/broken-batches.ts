/**
 * Stands in for kernel-bridge/src/rl/micro-batches.ts where a test breaks what the training forward sees: the sampler still gets the right images.
 * `hooks.ts` puts it there; MEDR1_TEST_BREAK says how.
 */
import { microBatches as whole, type Rows } from '../../kernel-bridge/src/rl/micro-batches.ts';
import { torch } from '../../kernel-bridge/src/torch/index.ts';
import type { EncodedPrompt } from '../../kernel-bridge/src/models/index.ts';

export type { Rows };
/** Ways in which images go wrong on their way into the training forward. */
export const BREAKS = {
  /** None arrives. */
  grey: (groups) => groups.map(withGrey),
  /** Those of every second question do not. */
  half: (groups) => groups.map((group, i) => (i % 2 ? withGrey(group) : group)),
  /** Each question has that of the one before it. */
  rolled: (groups) => groups.map((group, i) => withImagesOf(groups.at(i - 1)!, group)),
  /** In the opposite order. */
  reversed: (groups) => groups.map((group, i) => withImagesOf(groups.at(-1 - i)!, group)),
  /** All questions have that of the first. */
  first: (groups) => groups.map((group) => withImagesOf(groups[0], group)),
} satisfies Record<string, (groups: Groups) => Groups>;
export type Break = keyof typeof BREAKS;

type Groups = Parameters<typeof whole>[0];

/** Patches of an even image, whose normalised value is near 0. */
const grey = (prompt: EncodedPrompt): EncodedPrompt => ({
  ...prompt,
  images: prompt.images.map((image) => ({ ...image, pixelValues: torch.mul(image.pixelValues, 0) })),
});

const withGrey = ({ prompt, completions }: Groups[number]) => ({ prompt: grey(prompt), completions });
const withImagesOf = (other: Groups[number], { prompt, completions }: Groups[number]) => ({
  prompt: { ...prompt, images: other.prompt.images },
  completions,
});

export const microBatches = (groups: Groups, size: number, first = 0): Rows[] =>
  whole(BREAKS[process.env.MEDR1_TEST_BREAK as Break](groups), size, first);
