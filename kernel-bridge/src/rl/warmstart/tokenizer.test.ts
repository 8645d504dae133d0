import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe as group, expect, it } from 'vitest';
import { QUESTION_TYPES } from '../../data/sample/world.ts';
import { applyVariant } from '../../answers/index.ts';
import { pretokens, trainBpe } from './bpe.ts';
import { CHAT_TEMPLATE, makeTokenizer } from './tokenizer.ts';
import { describe, reply } from './traces.ts';

const { tokenizer: json, config, ids } = makeTokenizer();
const tokenizer = new Tokenizer(json as never, config as never);
const tokens = (text: string) => tokenizer.encode(text).tokens;
const OPTIONS = Object.values(QUESTION_TYPES).flatMap((type) => [...type.pool] as string[]);

group('byte-pair training', () => {
  it('merges until every word is one token, the commonest pair first, ties by alphabet', () => {
    expect(trainBpe(['ab', 'abc', 'xy']).merges).toEqual([
      ['a', 'b'],
      ['ab', 'c'],
      ['x', 'y'],
    ]);
  });

  it('merges every occurrence of a pair in a word', () => {
    expect(trainBpe(['aaaa']).merges).toEqual([
      ['a', 'a'],
      ['aa', 'aa'],
    ]);
  });

  it("splits as Qwen2 does: a bracket stays with the word, a comma doesn't take the next one", () => {
    expect(pretokens('Which? A)lung, B)CT.')).toEqual(['Which', '?', ' A', ')lung', ',', ' B', ')CT', '.']);
  });
});

group("the tiny model's tokenizer", () => {
  it.each(OPTIONS)('has the option %s as the same one token in the question and in the trace', (option) => {
    const asked = tokens(`? A)${option}, B)x`);
    const traced = tokens(`So the answer is (${option} A).`);
    expect(asked.slice(0, 4)).toEqual(['?', 'ĠA', ')', option]);
    expect(traced).toEqual(['So', 'Ġthe', 'Ġanswer', 'Ġis', 'Ġ(', option, 'ĠA', ').']);
  });

  it.each(['think', 'no-think', 'think-after'] as const)("has Med-R1's %s instructions as one token each", (variant) => {
    for (const evaluation of [false, true]) expect(tokens(applyVariant('?', variant, { eval: evaluation }))).toHaveLength(2);
  });

  it('keeps a reply to some thirty tokens, one for each word', () => {
    const scene = { modality: 'CT', anatomy: 'lung', lesion: { finding: 'tumor', size: 'small', place: 'left' } } as const;
    const text = `${reply('think', describe(scene), 'mild', 'A')}<|im_end|>`;
    expect(text).toBe(
      '<think>This CT image shows the lung with a small red star at the left. So the answer is (mild A).</think><answer> A </answer><|im_end|>',
    );
    expect(tokens(text)).toHaveLength(30);
  });

  it.each(['Größe 5 µm — naïve?', "it's  two\n\nlines", '患者 🩺', '<|im_end|> and <think>'])(
    'takes any text apart and together again: %j',
    (text) => {
      expect(tokenizer.decode(tokenizer.encode(text).ids, { skip_special_tokens: false })).toBe(text.normalize('NFC'));
    },
  );

  it('numbers its tokens without gaps', () => {
    expect([...ids.values()].sort((a, b) => a - b)).toEqual([...Array(ids.size).keys()]);
  });

  it('is the one that ships', async () => {
    const shipped = (name: string) =>
      readFile(fileURLToPath(new URL(`../../../../examples/sample/model/${name}`, import.meta.url)), 'utf8').then(JSON.parse);
    expect(await shipped('tokenizer.json')).toEqual(JSON.parse(JSON.stringify(json)));
    expect((await shipped('tokenizer_config.json')).chat_template).toBe(CHAT_TEMPLATE);
  });
});
