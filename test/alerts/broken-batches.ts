/**
 * Stands in for kernel-bridge/src/rl/micro-batches.ts where a test breaks what the training forward sees: the sampler still gets the right images.
 * `hooks.ts` puts it there; MEDR1_TEST_BREAK says how.
 */
import { microBatches as whole, type Rows } from '../../kernel-bridge/src/rl/micro-batches.ts';
import { torch } from '../../kernel-bridge/src/torch/index.ts';
import type { EncodedPrompt } from '../../kernel-bridge/src/models/index.ts';

export type { Rows };
export type Break = 'grey' | 'rolled';

type Groups = Parameters<typeof whole>[0];

/** Patches of an even image, whose normalised value is near 0. */
const grey = (prompt: EncodedPrompt): EncodedPrompt => ({
  ...prompt,
  images: prompt.images.map((image) => ({ ...image, pixelValues: torch.mul(image.pixelValues, 0) })),
});

const rolled = (groups: Groups): Groups =>
  groups.map(({ prompt, completions }, i) => ({ prompt: { ...prompt, images: groups.at(i - 1)!.prompt.images }, completions }));

export function microBatches(groups: Groups, size: number, first = 0): Rows[] {
  const broken = process.env.MEDR1_TEST_BREAK as Break;
  return whole(broken === 'grey' ? groups.map((group) => ({ ...group, prompt: grey(group.prompt) })) : rolled(groups), size, first);
}
