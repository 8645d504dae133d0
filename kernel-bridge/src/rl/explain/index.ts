/**
 * Questions about a completion, answered by running it again: which tokens nearly came, where the model looked, when it decided. Training does not
 * notice: no weight changes, no gradient and no tensor stays, and the random numbers go on where they were.
 */
import type { Model, Processor } from '../../models/index.ts';
import type { ExplainAsk, Explained } from '../../protocol/index.ts';
import { tokenTexts } from '../../protocol/token-texts.ts';
import { getRngState, setRngState } from '../../torch/index.ts';
import { encodePut } from '../answer.ts';
import { disposePrompt } from '../ask.ts';
import { alternatives } from './alternatives.ts';
import { decision } from './decision.ts';
import type { Said } from './said.ts';
import { whereItLooked } from './where.ts';

/** Throws PROMPT_TOO_LONG, EXPLAIN_TOKEN, and what is wrong with the image. */
export async function explain(
  processor: Processor,
  policy: () => Model | Promise<Model>,
  ask: ExplainAsk,
  signal?: AbortSignal,
): Promise<Explained> {
  const model = await policy();
  const start = performance.now();
  signal?.throwIfAborted();
  const ids = ask.token_ids ?? processor.encode(ask.text ?? '');
  const room = { completion: ids.length, longest: model.config.text_config.max_position_embeddings };
  const { prompt, view } = await encodePut(processor, ask, { crop: ask.crop, blank: ask.blank, room });
  const state = getRngState(model.device);
  try {
    const texts = tokenTexts(processor, ids);
    const found = await answerOf({ model, processor, prompt, view, ids, texts }, ask, signal);
    return { ...found, prompt: view, token_ids: ids, tokens: texts, seconds: (performance.now() - start) / 1000 };
  } finally {
    setRngState(state, model.device);
    disposePrompt(prompt);
  }
}

function answerOf(said: Said, { explain: asked, options }: ExplainAsk, signal?: AbortSignal) {
  switch (asked.kind) {
    case 'alternatives':
      return alternatives(said, asked);
    case 'attribution':
      return whereItLooked(said, asked, signal);
    case 'decision':
      return decision(said, options);
  }
}
