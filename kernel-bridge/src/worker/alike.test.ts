import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alone, type Ranks } from '../rl/ranks.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import { requireSameFiles, requireSameOrders } from './alike.ts';

let tiny: Tiny;
beforeEach(async () => void (tiny = await makeTiny({ items: 100 })));
afterEach(() => tiny[Symbol.asyncDispose]());

/** What this machine gives the others. */
async function given(): Promise<unknown> {
  let gave: unknown;
  const listening: Ranks = { ...alone, gather: (value) => [(gave = value) as typeof value] };
  await requireSameFiles(listening, parts());
  return gave;
}
const parts = () => ({ config: tiny.config(), resumeFrom: undefined, items: tiny.items, root: tiny.directory });
/** The second of two ranks, whose first gave `first`. */
const besides = (first: unknown): Ranks => ({ ...alone, rank: 1, size: 2, gather: (value) => [first as typeof value, value] });

describe('what two machines hold', () => {
  it('may be the same', async () => {
    await expect(requireSameFiles(besides(await given()), parts())).resolves.toBeUndefined();
  });

  it.each<[string, () => void, RegExp]>([
    [
      'another image under one name',
      () => writeFileSync(join(tiny.directory, 'Images/40.png'), 'other'),
      /Images\/40\.png is another file on rank 1 than on rank 0/,
    ],
    ['no image', () => rmSync(join(tiny.directory, 'Images/40.png')), /Images\/40\.png/],
    ['other words', () => writeFileSync(join(tiny.model, 'chat_template.jinja'), 'other'), /chat_template\.jinja is another file/],
    [
      'a file of the model that the other has not',
      () => writeFileSync(join(tiny.model, 'added_tokens.json'), '{}'),
      /added_tokens\.json .*absent\)/,
    ],
  ])('may not be %s', async (_, change, message) => {
    const first = await given();
    change();
    await expect(requireSameFiles(besides(first), parts())).rejects.toMatchObject({
      code: 'RANKS_DIFFER',
      message: expect.stringMatching(message),
    });
  });

  it('may not be other code', () => {
    const first: Ranks = { ...alone, rank: 1, size: 2, gather: (value) => [{ ...value, code: '0.0.9' }, value] };
    expect(() => requireSameOrders(first, undefined)).toThrow('Rank 1 runs other code than rank 0');
  });
});
