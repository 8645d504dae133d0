import { describe, expect, it } from 'vitest';
import { batchOf } from '../../../kernel-bridge/src/rewards/batch.ts';
import { CONTEXT, offersAt, TEMPLATE } from './source.ts';

/** Labels offered at the | of a source. */
const at = (marked: string): string[] | null => {
  const place = marked.indexOf('|');
  return offersAt(marked.slice(0, place) + marked.slice(place + 1), place)?.offers.map(({ label }) => label) ?? null;
};
const FIELDS = CONTEXT.map(({ name }) => name);

it('names all that a function is given, in the order of the guide, and the template runs with them', () => {
  const { columns, constants } = batchOf([], null, { variant: 'think', maxCompletionLength: 8 });
  expect(FIELDS).toEqual([...Object.keys(columns), ...Object.keys(constants)]);
  for (const { name, type } of CONTEXT) expect(TEMPLATE).toContain(`  ${name}: ${type};`);
});

describe('what is offered', () => {
  it.each([
    ['between the braces that take the context apart', 'export default (completions, { | }) => []'],
    ['there, after a name', 'export default function f(completions: string[], { answer, ste| }: Context) {'],
    ['after the name of the context', 'export default (texts, ctx) => texts.map((t, i) => ctx.|)'],
    ['after it, in a function', 'export default async function reward(c: string[], all: Context) {\n  all.ans|'],
    ['after context', 'context.|'],
  ])('the fields %s', (_, source) => expect(at(source)).toEqual(FIELDS));

  it('all of these and the words of the source, where a name is begun', () => {
    const offered = at('const threshold = 3;\nexport default (completions) => completions.map(() => thr|)')!;
    expect(offered).toEqual(expect.arrayContaining(['completions', ...FIELDS, 'threshold', 'map']));
    expect(offered).not.toContain('thr');
    expect(new Set(offered).size).toBe(offered.length);
  });

  it.each(['const a = "ans|', "f('x', `ans|", '// ans|', '/* a\n ans|', 'text.|', 'texts[0].inc|', 'const a = |', '1.|'])(
    'nothing in %j',
    (source) => expect(at(source)).toBeNull(),
  );

  it('is one of the name that is being written', () => expect(offersAt('  answ', 6)?.from).toBe(2));
  it('a text that is closed is none', () => expect(at('f("a", answ|')).toContain('answer'));
});
