import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import { prepareHome } from '../runs/home.ts';
import { createRun } from '../runs/runs.ts';
import { register } from './explain.ts';
import { runJson, runText } from './testing/run-json.ts';

/** "<think> it is A </think> <answer> B </answer>", roughly: the tokens of the tiny model. */
const TOKENS = [14, 16, 17, 8, 15, 12, 9, 13];
let tiny: Tiny;
let id: string;
const explain = (...args: string[]) => runJson([register], ['explain', args[0], id, ...args.slice(1)]);

beforeAll(async () => {
  tiny = await makeTiny();
  const home = prepareHome(join(tiny.directory, 'home'));
  vi.stubEnv('MEDR1_HOME', home);
  const loadItems = () => Promise.resolve({ root: tiny.directory, items: tiny.items, left_out: 0, hash: 'h' });
  using store = await createRun(home, tiny.config({ max_steps: 3, model_name_or_path: tiny.model, dataset_name: tiny.directory }), {
    loadItems,
  });
  ({ id } = store.row());
  const [first, second] = [1, 2].map((step) => fakeStep(step, undefined, 1, 1));
  const options = ['cyst', 'polyp', 'none'];
  const asStored = (step: typeof first) => ({
    ...step,
    groups: step.groups.map((group) => ({
      ...{ ...group, image: tiny.items[0].image, options, answer: 'B', prompt: 'it is A' },
      completions: group.completions.map((one) => ({ ...one, token_ids: TOKENS, logprobs: TOKENS.map(() => -1), entropy: null, kl: null })),
    })),
  });
  for (const step of [first, second]) store.commitStep(asStored(step));
});
afterAll(() => tiny[Symbol.asyncDispose]());

it('names the likeliest tokens at each place, and the policy that was asked', async () => {
  const found = await explain('alternatives', '2', '0', '0', '--top', '3');
  expect(found).toMatchObject({ run: id, step: 0, wanted_step: 1, live: false, token_ids: TOKENS }); // step 2 was sampled after one update
  expect(found.places).toHaveLength(TOKENS.length);
  for (const { top, rank, logprob } of found.places) {
    expect(top).toHaveLength(3);
    if (rank === 1) expect(top[0].logprob).toBeCloseTo(logprob, 5);
  }
  expect((await explain('alternatives', '2', '0', '0', '--policy', 'newest')).wanted_step).toBeNull();
});

it('says when it decided, also with the options in another order and without the image', async () => {
  const found = await explain('decision', '1', '0', '0');
  expect(found.options.map(({ text }: { text: string }) => text)).toEqual(['cyst', 'polyp', 'none']);
  expect(found.cuts.length).toBeGreaterThan(1);
  for (const { probabilities, other } of found.cuts)
    expect(probabilities.reduce((sum: number, one: number) => sum + one, other)).toBeCloseTo(1, 4);
  const turned = await explain('decision', '1', '0', '0', '--order', '2,0,1', '--blank');
  expect(turned.options.map(({ text }: { text: string }) => text)).toEqual(['none', 'cyst', 'polyp']);
  const cut = await explain('decision', '1', '0', '0', '--text', '<answer> A </answer>');
  expect(cut.tokens.join('').trim()).toMatch(/^<answer>/);
});

it('maps the image for a token', async () => {
  const found = await explain('attribution', '1', '0', '0', '--token', '3', '--method', 'gradient');
  expect(found).toMatchObject({ token: { index: 3, id: TOKENS[3] }, method: 'gradient' });
  expect(found.image.flat().every(Number.isFinite)).toBe(true);
  expect(found.check.random).toHaveLength(10);
  const lines = (await runText([register], ['explain', 'attribution', id, '1', '0', '0', '--token', '3', '--method', 'gradient'])).split(
    '\n',
  );
  expect(lines.slice(-3)).toEqual([expect.stringMatching(/^probability .* a grey one$/), expect.stringMatching(/^deletion /), '']);
});

it('refuses what there is not', async () => {
  await expect(explain('decision', '1', '0', '9')).rejects.toMatchObject({ code: 'EXPLAIN_COMPLETION' });
  await expect(explain('decision', '1', '0', '0', '--order', '2,0')).rejects.toMatchObject({
    code: 'EXPLAIN_ORDER',
    remedy: 'Name all of them by their places, for example 2,1,0.',
  });
  await expect(explain('attribution', '1', '0', '0', '--token', '99')).rejects.toMatchObject({ code: 'EXPLAIN_TOKEN' });
  await expect(explain('decision', '1', '0', '0', '--order', 'a')).rejects.toMatchObject({ code: 'commander.invalidArgument' });
});
