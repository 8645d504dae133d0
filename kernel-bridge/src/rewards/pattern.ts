import { createHash } from 'node:crypto';
import Type from 'typebox';
import { thinkOf } from './think.ts';
import { exactText } from '../answers/index.ts';
import type { Parameters, RewardDefinition, RewardInput } from './types.ts';
import { UserReward } from './user-reward.ts';

const WHERE = {
  whole: (completion: string) => completion,
  think: (completion: string) => thinkOf(completion) ?? '',
  answer: exactText,
};

const escaped = (word: string): string => word.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** The expression that is looked for. */
function expressionOf({ pattern, kind, ignore_case }: Parameters): RegExp {
  const words = String(pattern)
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
  const source = kind === 'regexp' ? String(pattern) : `(?<![\\p{L}\\p{N}_])(?:${words.map(escaped).join('|')})(?![\\p{L}\\p{N}_])`;
  return new RegExp(source, `${ignore_case === true ? 'iu' : 'u'}`);
}

/** Ours. Evaluated in the sandbox: an expression that would run for ever is stopped, as a function of a user's own is (REWARD_TIMEOUT). */
export const pattern: RewardDefinition = {
  name: 'pattern',
  description: 'found where a word or a regular expression occurs, absent where it does not.',
  formula:
    'found where pattern occurs in the part that where names, else absent; kind words: one of the words, as a whole word; kind regexp: a JavaScript regular expression with the flag u',
  known_failure: 'The policy writes the word and means nothing by it. It is a probe and a spur for form, not a measure of content.',
  range: [0, 1],
  parameters: Type.Object({
    pattern: Type.String({
      default: '',
      maxLength: 2000,
      title: 'Words or expression',
      description: 'Words with commas between them, or a regular expression. It must be given.',
    }),
    kind: Type.String({
      enum: ['words', 'regexp'],
      default: 'words',
      title: 'Kind',
      description: 'Whole words, any of them, or a regular expression.',
    }),
    where: Type.String({
      enum: ['whole', 'think', 'answer'],
      default: 'whole',
      title: 'Where',
      description: 'The whole completion, its think tag or its answer tag.',
    }),
    ignore_case: Type.Boolean({ default: true, title: 'Ignore case', description: 'Capital and small letters are the same.' }),
    found: Type.Number({ default: 1, title: 'Earns where it is found', description: 'May be negative.' }),
    absent: Type.Number({ default: 0, title: 'Earns where it is not', description: 'May be negative.' }),
  }),
  problem(parameters) {
    if (String(parameters.pattern).replaceAll(',', '').trim() === '') return 'must hold a pattern to look for';
    try {
      expressionOf(parameters);
      return null;
    } catch (error) {
      return `holds no regular expression: ${(error as Error).message}`;
    }
  },
  create(context, parameters) {
    const { source: expression, flags } = expressionOf(parameters);
    const [found, absent] = [parameters.found, parameters.absent].map(Number);
    const source = `const looked = new RegExp(${JSON.stringify(expression)}, ${JSON.stringify(flags)});
export default (completions: string[]) => completions.map((text) => (looked.test(text) ? ${found} : ${absent}));\n`;
    const sha256 = createHash('sha256').update(source).digest('hex');
    const sandbox = new UserReward('pattern', { file: 'pattern.ts', source, sha256 }, context);
    const part = WHERE[parameters.where as keyof typeof WHERE];
    return Object.assign(
      (inputs: readonly RewardInput[], step: number | null) =>
        sandbox.score(
          inputs.map((input) => ({ ...input, completion: part(input.completion) })),
          step,
        ),
      { [Symbol.dispose]: () => sandbox[Symbol.dispose]() },
    );
  },
};
