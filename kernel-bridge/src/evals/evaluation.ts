/** One evaluation of a model on a split, with its controls. */
import type { VqaItem } from '../protocol/index.ts';
import { OptionPrior } from '../data/prior.ts';
import type { Processor, Qwen2VL } from '../qwen2vl/index.ts';
import { report, type Report } from './accuracy.ts';
import { answers, type AnswerOptions, type Sight } from './answers.ts';
import { wilson, type Share } from './wilson.ts';

/** What each control shows. option-prior needs training questions and no model. */
export const CONTROLS = {
  'blank-image': 'a grey image in place of each: what remains is not seen',
  'shuffled-image': "another item's image: what remains does not depend on the right image",
  'text-only': 'no image at all',
  'option-prior': 'the option whose text was most often right in training, without image, question or model',
} as const;
export type Control = keyof typeof CONTROLS;

export interface Evaluation extends Report {
  controls: Partial<Record<Exclude<Control, 'option-prior'>, Report>> & { 'option-prior'?: Share };
}

export interface EvaluationInput {
  model: Qwen2VL;
  processor: Processor;
  items: readonly VqaItem[];
  /** Questions the option prior is learnt from. */
  train: readonly VqaItem[];
  root: string;
  controls: readonly Control[];
  options: AnswerOptions;
}

export async function evaluate({ model, processor, items, train, root, controls, options }: EvaluationInput): Promise<Evaluation> {
  const look = async (sight: Sight): Promise<Report> => report(await answers(model, processor, items, root, sight, options));
  const evaluation: Evaluation = { ...(await look('image')), controls: {} };
  for (const control of controls) {
    if (control === 'option-prior') evaluation.controls[control] = priorShare(train, items);
    else evaluation.controls[control] = await look(control);
  }
  return evaluation;
}

export function priorShare(train: readonly VqaItem[], test: readonly VqaItem[]): Share {
  const prior = new OptionPrior(train);
  return wilson(test.filter((item) => prior.answer(item) === item.answer).length, test.length);
}
