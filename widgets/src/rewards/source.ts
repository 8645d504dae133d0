/** Sources of reward functions: what a new one begins with, and what an editor offers while one is written. */
import type { Offer, OffersAt } from '../code-editor.ts';

/** What a function is given beside the completions (docs/guides/rewards.md); a list has one entry for each completion. */
export const CONTEXT: readonly { name: string; type: string; doc: string }[] = [
  { name: 'prompts', type: 'string[]', doc: "Text of the user's turn." },
  { name: 'answer', type: '(string | null)[]', doc: 'Letter of the right option; null where the item has none.' },
  { name: 'solution', type: '(string | null)[]', doc: 'Text of the right option; null where the item has none.' },
  { name: 'question', type: 'string[]', doc: 'The question without its options.' },
  { name: 'options', type: 'string[][]', doc: 'Texts of the options, in the order of their letters.' },
  { name: 'modality', type: 'string[]', doc: 'CT, MRI, ...' },
  { name: 'question_type', type: 'string[]', doc: 'Disease Diagnosis, Lesion Grading, ...' },
  { name: 'dataset', type: 'string[]', doc: 'Data set of origin.' },
  { name: 'item_id', type: 'string[]', doc: 'Id of the question.' },
  { name: 'completion_ids', type: 'number[][]', doc: 'Ids of the tokens of each completion.' },
  { name: 'completion_length', type: 'number[]', doc: 'Tokens of each completion.' },
  { name: 'finish_reason', type: "('stop' | 'length')[]", doc: 'Whether it ended by itself, or was cut off.' },
  { name: 'step', type: 'number | null', doc: 'Of all: the step that they were sampled for; null outside training.' },
  { name: 'variant', type: "'think' | 'no-think' | 'think-after'", doc: 'Of all: which prompt they answer.' },
  { name: 'max_completion_length', type: 'number', doc: 'Of all: the longest completion, in tokens.' },
];

/** A function that runs as it stands. */
export const TEMPLATE: string = `/** A list has one entry for each completion. */
interface Context {
${CONTEXT.map(({ name, type, doc }) => `  /** ${doc} */\n  ${name}: ${type};`).join('\n')}
}

export const tests = [{ completion: '<answer>A</answer>', answer: 'A', expected: 1 }];

/** One number a completion, or null where the reward does not apply. */
export default function reward(completions: string[], { answer }: Context): (number | null)[] {
  return completions.map((text, i) => (text.includes(\`<answer>\${answer[i]}</answer>\`) ? 1 : 0));
}
`;

const FIELDS: readonly Offer[] = CONTEXT.map(({ name, type, doc }) => ({ label: name, kind: 'property', detail: type, info: doc }));
const GIVEN: Offer = {
  label: 'completions',
  kind: 'variable',
  detail: 'string[]',
  info: 'Texts of the completions, special tokens left out.',
};
/** Words of the source that are worth offering. */
const LEAST_WORD = 3;

/**
 * What can stand at a place of a source: fields of the context after its name and a dot, or between the braces that take it apart; elsewhere
 * these, `completions`, and the words of the source. `from`: where the name begins that is being written. Null where nothing is offered: in
 * a comment, in a text, after the dot of anything else.
 */
export const offersAt: OffersAt = (source, at) => {
  const before = source.slice(0, at);
  const word = /[\w$]*$/.exec(before)![0];
  const from = at - word.length;
  const lead = before.slice(0, from);
  if (isInText(lead)) return null;
  const owner = /([\w$]+)\s*\??\.\s*$/.exec(lead)?.[1];
  if (owner !== undefined) return contextNames(source).has(owner) ? { from, offers: FIELDS } : null;
  if (/\.\s*$/.test(lead)) return null;
  if (word === '' && !isTakenApart(lead)) return null;
  if (isTakenApart(lead)) return { from, offers: FIELDS };
  const known = new Set([GIVEN, ...FIELDS].map(({ label }) => label));
  const words = new Set(source.match(/[A-Za-z_$][\w$]*/g)?.filter((one) => one.length >= LEAST_WORD && one !== word && !known.has(one)));
  return { from, offers: [GIVEN, ...FIELDS, ...[...words].map((label): Offer => ({ label, kind: 'text' }))] };
};

/** Names that the exported function gives its context. */
function contextNames(source: string): Set<string> {
  const [, plain, arrow] =
    /export\s+default\s+(?:async\s+)?(?:function\b[^(]*\(\s*[\w$]+[^,)]*,\s*([\w$]+)|\(\s*[\w$]+[^,)]*,\s*([\w$]+))/.exec(source) ?? [];
  return new Set(['context', plain ?? arrow].filter((name) => name !== undefined));
}

/** Between the braces of the second parameter: `(completions, { answer, `. */
const isTakenApart = (lead: string): boolean => /\(\s*[\w$]+\s*(?::[^,(){}]*)?,\s*\{[^{}()]*$/.test(lead);

/** Whether the line so far opens a text or a comment that it does not close. */
function isInText(lead: string): boolean {
  if (lead.lastIndexOf('/*') > lead.lastIndexOf('*/')) return true;
  const line = lead.slice(lead.lastIndexOf('\n') + 1);
  let open: string | null = null;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\') i++;
    else if (open !== null) open = line[i] === open ? null : open;
    else if (/['"`]/.test(line[i])) open = line[i];
    else if (line.startsWith('//', i)) return true;
  }
  return open !== null;
}

/** The place that an error names, as "my_reward.ts:12"; null where it names none. */
export function placeOf(message: string): { file: string; line: number } | null {
  const found = /([\w-]+\.[tj]s):(\d+)/.exec(message);
  return found && { file: found[1], line: Number(found[2]) };
}
