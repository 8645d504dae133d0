/**
 * Med-R1's prompts, letter by letter (its grpo_vqa*.py and eval scripts). Training and evaluation prompts differ there, so they differ
 * here. Think-after has no published text: ours says the same in the same words, answer first.
 */
import type { Variant } from '../protocol/config.ts';
import type { VqaItem } from '../protocol/data.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import type { ReadingName } from '../protocol/readings.ts';
import { choicesOf } from './letters.ts';

const LETTER_IN_TAG = 'the correct single-letter choice (A, B, C, D,...) inside <answer>...</answer> tags.';

/** Text of the user's turn; `{question}` stands for question and options. */
export const PROMPTS: Record<Variant, { train: string; eval: string }> = {
  think: {
    train:
      '{question} Your task: 1. Think through the question step by step, enclose your reasoning process in <think>...</think> tags. ' +
      `2. Then provide ${LETTER_IN_TAG} 3. No extra information or text outside of these tags.`,
    eval: `{question} Think through the question step by step in <think>...</think> tags. Then provide ${LETTER_IN_TAG}`,
  },
  'no-think': {
    train: `{question} Your task: 1. Provide ${LETTER_IN_TAG} 2. No extra information or text outside of this tag.`,
    eval: `{question} Provide ${LETTER_IN_TAG}`,
  },
  'think-after': {
    train:
      `{question} Your task: 1. Provide ${LETTER_IN_TAG} ` +
      '2. Then explain the choice step by step, enclose your reasoning process in <think>...</think> tags. ' +
      '3. No extra information or text outside of these tags.',
    eval: `{question} Provide ${LETTER_IN_TAG} Then explain the choice step by step in <think>...</think> tags.`,
  },
};

/** Med-R1's evaluation prompt for models that were not trained: it asks for no tags, and its script reads the bare letter. */
export const ZERO_SHOT_PROMPT = '{question} Provide the correct single-letter choice (A, B, C, D,...).';

/** As published: the evaluation scripts read the tag that their prompt asks for, and the bare letter where it asks for none. */
export const publishedReading = (variant: Variant, template: string | null): ReadingName =>
  (template ?? PROMPTS[variant].eval).includes('<answer>') ? 'strict' : 'bare';

/** Med-R1's `problem` string: "What is shown? A)cyst, B)tumor". An option that is empty is left out, with its letter. */
export function formatQuestion({ question, options }: Pick<VqaItem, 'question' | 'options'>): string {
  const listed = choicesOf(options).map(({ letter, text }) => `${letter})${text}`);
  return listed.length === 0 ? question : `${question} ${listed.join(', ')}`;
}

/** The user's turn for a question already formatted; `template` replaces the variant's own text and must hold `{question}`. */
export function applyVariant(question: string, variant: Variant, options: { template?: string | null; eval?: boolean } = {}): string {
  const template = options.template ?? PROMPTS[variant][options.eval ? 'eval' : 'train'];
  if (!template.includes('{question}')) {
    throw new WorkbenchError({
      code: 'PROMPT_TEMPLATE',
      message: `the prompt template ${JSON.stringify(template.slice(0, 80))} has no place for the question`,
      remedy: 'Write {question} where question and options belong, or leave prompt_template empty.',
    });
  }
  return template.replaceAll('{question}', () => question); // a function, so that $& in a question stays as it is
}
