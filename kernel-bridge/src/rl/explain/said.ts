import type { EncodedPrompt, Model, Processor } from '../../models/index.ts';
import type { PromptView } from '../../protocol/index.ts';

/** A completion with all that is needed to run it again. */
export interface Said {
  model: Model;
  processor: Processor;
  prompt: EncodedPrompt;
  view: PromptView;
  ids: number[];
  /** Of its tokens, special ones included. */
  texts: string[];
}
