/** Where the model looked for one token of a completion: a map of the image, values of the words, and whether the map says more than chance. */
import { LETTERS, letterToken } from '../../answers/index.ts';
import { attribution, type Processor } from '../../models/index.ts';
import type { Attribution, ExplainAsk } from '../../protocol/index.ts';
import { errors } from '../errors.ts';
import type { Said } from './said.ts';

type Asked = Extract<ExplainAsk['explain'], { kind: 'attribution' }>;
type Found = Pick<
  Attribution,
  'token' | 'against' | 'method' | 'score' | 'baseline_score' | 'gap' | 'image' | 'blocks' | 'words' | 'check'
>;

/** Throws EXPLAIN_TOKEN where there is no such token, letter or image. */
export async function whereItLooked(said: Said, asked: Asked, signal?: AbortSignal): Promise<Found> {
  const { model, processor, prompt, ids, texts } = said;
  const index = asked.token ?? letterToken(texts);
  if (index === null) throw errors.explainToken('no token of the completion is a letter', 'Name the token to explain by its number.');
  if (index >= ids.length)
    throw errors.explainToken(`the completion has ${ids.length} tokens, and token ${index} was asked for`, 'The first token is 0.');
  if (prompt.images.length === 0 && asked.method !== 'gradient')
    throw errors.explainToken(`the question has no image, and ${asked.method} explains what the image did`, 'Take the method gradient.');
  const question: attribution.Question = {
    prompt,
    imageConfig: processor.imageConfig,
    before: ids.slice(0, index),
    token: ids[index],
    against: [...new Set(asked.against)].map((letter) => otherThan(ids[index], sameForm(processor, ids[index], letter), letter)),
  };
  const found = mapOf(said, question, asked);
  signal?.throwIfAborted();
  const isChecked = found.image !== null && asked.orders > 0;
  const check = isChecked ? await attribution.faithfulness(model, question, found.image!, { orders: asked.orders, signal }) : null;
  return {
    ...found,
    token: { index, id: ids[index], text: texts[index] },
    against: asked.against,
    method: asked.method,
    check,
  };
}

type MapOf = Pick<Found, 'score' | 'baseline_score' | 'gap' | 'image' | 'blocks' | 'words'>;

function mapOf(said: Said, question: attribution.Question, { method, steps, blocks: [rows, columns] }: Asked): MapOf {
  const { model, prompt } = said;
  if (method === 'occlusion') {
    const size = attribution.cellsOf(model, prompt, 0);
    const { score, blocks } = attribution.occlusion(model, question, {
      rows: Math.min(rows, size[0]),
      columns: Math.min(columns, size[1]),
    });
    return { score, baseline_score: null, gap: null, image: attribution.overTokens(blocks, size), blocks, words: null };
  }
  const found =
    method === 'gradient' ? attribution.gradientTimesInput(model, question) : attribution.integratedGradients(model, question, steps);
  return {
    score: found.score,
    baseline_score: found.baselineScore,
    gap: found.gap,
    image: found.images[0] ?? null,
    blocks: null,
    // along the path of integrated gradients the words stay the same, so that it says nothing of them
    words: method === 'gradient' ? wordsOf(said, found.tokens) : null,
  };
}

/** Values by the entries of the prompt that people see, where the image is one entry, and by the completion's tokens before the one explained. */
function wordsOf({ prompt, view }: Said, values: readonly number[]): NonNullable<Found['words']> {
  let next = 0;
  const ofPrompt = view.tokens.map(({ image = 1 }) => values.slice(next, (next += image)).reduce((sum, value) => sum + value, 0));
  return { prompt: ofPrompt, completion: values.slice(prompt.inputIds.length) };
}

function otherThan(own: number, token: number, letter: string): number {
  if (token === own)
    throw errors.explainToken(`the token is ${letter} itself, and ${letter} is set against it`, 'Set other letters against it, or none.');
  return token;
}

/** The token of another letter, written as this one is, with or without a space before it. */
export function sameForm(processor: Processor, token: number, letter: string): number {
  const text = processor.decode([token]);
  const own = text.trim();
  if (!LETTERS.includes(own))
    throw errors.explainToken(
      `letters are set against a letter, and the token is ${JSON.stringify(text)}`,
      'Explain the token that is the letter, or set nothing against it.',
    );
  const ids = processor.encode(text.replace(own, letter));
  if (ids.length !== 1)
    throw errors.explainToken(
      `the tokenizer has no single token for ${JSON.stringify(text.replace(own, letter))}`,
      'Set another letter against it.',
    );
  return ids[0];
}
