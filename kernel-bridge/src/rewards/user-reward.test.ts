import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RewardSet } from '../protocol/index.ts';
import { checkRewards, configuredRewards, RewardFunctions, rewardSource, tryReward, UserReward, type RewardInput } from './index.ts';

const context = { variant: 'think' as const, maxCompletionLength: 40 };
const input = (completion: string): RewardInput => ({
  completion,
  tokenIds: [3, 1, 4],
  finishReason: 'stop',
  prompt: 'Look.',
  item: { id: 'q1', dataset: 'Made', question: 'What?', options: ['cyst', 'nodule'], answer: 'B', modality: 'CT', question_type: 'DD' },
});
const mine = (source: string, limits = {}): UserReward => new UserReward('mine', rewardSource('mine.ts', source), context, limits);
const scored = async (source: string, ...completions: string[]) => {
  using reward = mine(source);
  return reward.score(completions.map(input), 5);
};

describe("a user's function", () => {
  it('logs one line that a terminal shows and does not obey', async () => {
    using reward = mine(String.raw`export default () => { console.log('a\x1b[2J\nended: finished\r\u202eb\u0085'); return [1]; }`);
    await reward.score([input('x')], 1);
    expect(reward.log).toEqual([String.raw`a\u001b[2J\u000aended: finished\u000d\u202eb\u0085`]);
  });

  it("is told what TRL's are, by column, and what holds for the run", async () => {
    using reward = mine('export default (completions, context) => { console.log(JSON.stringify(context)); return [1]; }');
    await reward.score([input('x')], 5);
    expect(reward.log.join('')).toContain('"prompts":["Look."]');
    using long = mine(
      `export default (_, c) => { for (const [name, value] of Object.entries(c)) console.log(name, JSON.stringify(value)); return [1]; }`,
    );
    await long.score([input('x')], 5);
    expect(long.log).toEqual([
      'prompts ["Look."]',
      'answer ["B"]',
      'solution ["nodule"]',
      'question ["What?"]',
      'options [["cyst","nodule"]]',
      'modality ["CT"]',
      'question_type ["DD"]',
      'dataset ["Made"]',
      'item_id ["q1"]',
      'completion_ids [[3,1,4]]',
      'completion_length [3]',
      'finish_reason ["stop"]',
      'step 5',
      'variant "think"',
      'max_completion_length 40',
    ]);
  });

  it.each([
    [
      `export default (all) => all.map((text) => { if (text === 'bad') throw new Error('no'); return 1; });`,
      'REWARD_THREW',
      /mine\.ts:1.*completion 1 of 2, item q1, completion "bad"/,
    ],
    [`export default (all) => [1];`, 'REWARD_LENGTH', /returned 1 values for 2 completions.*"good"/],
    [`export default (all) => all.map((text) => (text === 'bad' ? NaN : 1));`, 'REWARD_VALUE', /NaN for completion 1 of 2.*"bad"/],
    [
      `export default (all) => all.map((text) => { while (text === 'bad'); return 1; });`,
      'REWARD_TIMEOUT',
      /more than 0\.2 s for completion 1 of 2.*"bad"/,
    ],
    [`export default (all) => [`, 'REWARD_SYNTAX', /mine\.ts:1/],
    [`export const x = 1`, 'REWARD_EXPORT', /default export/],
  ])('%s is %s', async (source, code, message) => {
    using reward = mine(source, { cpuMs: 200 });
    const error = await reward.score(['good', 'bad'].map(input), 1).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^reward mine /), remedy: expect.stringMatching(/.../) });
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
  });

  it('a long completion is quoted by its beginning', async () => {
    const error = await scored('export default () => [NaN]', 'y'.repeat(5000)).catch((thrown: Error) => thrown);
    expect((error as Error).message.length).toBeLessThan(400);
  });
});

describe('a set of functions', () => {
  const sources = (source: string): RewardSet['sources'] => ({ mine: rewardSource('mine.js', source) });

  it('scores each completion by all, in the order of the weights', async () => {
    using set = new RewardFunctions(context, {
      weights: { mine: 1, accuracy: 1 },
      sources: sources('export default (all) => all.map(() => 0.25);'),
    });
    expect(set.names).toEqual(['mine', 'accuracy']);
    expect(await set.score([input('B'), input('A')], 1)).toEqual([
      [0.25, 1],
      [0.25, 0],
    ]);
  });

  it('tells another source from another weight', () => {
    using set = new RewardFunctions(context, { weights: { mine: 1 }, sources: sources('export default () => [1]') });
    const { key } = set;
    set.use({ weights: { mine: 2 }, sources: sources('export default () => [1]') });
    expect(set.key).toBe(key);
    set.use({ weights: { mine: 2 }, sources: sources('export default () => [2]') });
    expect(set.key).not.toBe(key);
  });

  it("hands the first lines that are logged to the run's log", async () => {
    const lines: string[] = [];
    const source = 'export default (all) => { for (let i = 0; i < 9; i++) console.log(i); return all.map(() => 1); }';
    using set = new RewardFunctions(context, { weights: { mine: 1 }, sources: sources(source) }, (line) => lines.push(line));
    await set.score([input('B')], 1);
    expect(lines).toEqual(['reward mine: 0', 'reward mine: 1', 'reward mine: 2']);
  });

  it('keeps what it has when the next cannot be', async () => {
    using set = new RewardFunctions(context, { weights: { accuracy: 1 }, sources: {} });
    expect(() => set.use({ weights: { acuracy: 1 }, sources: {} })).toThrow(/no reward function "acuracy"/);
    expect(await set.score([input('B')], 1)).toEqual([[1]]);
  });
});

describe('a try over several calls', () => {
  const tried = async (source: string) => {
    const batches = [1, 2, 3].map((step) => ({ step, inputs: [input('A'), input('B')] }));
    const { report, values } = await tryReward('mine', rewardSource('mine.js', source), context, batches);
    return { values, error: report.error?.code, failed: report.failed, completions: report.completions };
  };

  it('goes on after one that failed, and keeps the first error', async () => {
    const source = 'export default (all, { step }) => all.map(() => { if (step < 3) throw new Error(`at ${step}`); return step; });';
    expect(await tried(source)).toEqual({
      values: [
        [null, null],
        [null, null],
        [3, 3],
      ],
      error: 'REWARD_THREW',
      failed: 4,
      completions: 2,
    });
  });

  const batches = [1, 2].map((step) => ({ step, inputs: ['A', 'B', 'A', 'C'].map((letter) => input(letter)) }));

  it('says on which completions it fails, and scores the others of their step without them', async () => {
    const picky =
      'export default (all, { step }) => all.map((text) => { if (step === 2 && text.includes("A")) throw new Error("no"); return 1; });';
    const { report, values, failing } = await tryReward('mine', rewardSource('mine.js', picky), context, batches);
    expect({ values, failing }).toEqual({
      values: [
        [1, 1, 1, 1],
        [null, 1, null, 1],
      ],
      failing: [undefined, [0, 2]],
    });
    expect(report).toMatchObject({ failed: 2, failing: 2, completions: 6, not_applicable: 0, histogram: [{ from: 1, to: 1, count: 6 }] });
    expect(report.error).toMatchObject({ message: expect.stringContaining('completion 0 of 4') });
  });

  it('says only how many have no value where none of them fails by itself', async () => {
    const crowd = 'export default (all) => { if (all.length > 2) throw new Error("a crowd"); return [1]; };';
    const { report: other } = await tryReward('mine', rewardSource('mine.js', crowd), context, batches);
    expect({ failed: other.failed, failing: other.failing }).toEqual({ failed: 8, failing: null });
  });

  it('ends with one that ran out of memory: the next would take as long and fail alike', async () => {
    const source = "export default (all) => { const kept = []; for (;;) kept.push('x'.repeat(1e6) + kept.length); };";
    expect(await tried(source)).toEqual({ values: [null], error: 'REWARD_MEMORY', failed: 2, completions: 0 });
  });
});

describe('reward_funcs', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'medr1-rewards-'));
    writeFileSync(join(directory, 'mine.ts'), 'export default (all: string[]) => all.map(() => 1);');
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const configured = (reward_funcs: string[], given = {}, reward_weights: number[] | null = null) =>
    configuredRewards({ reward_funcs, reward_weights }, given);

  it('a file goes by its name, with its text and hash', () => {
    const set = configured(['accuracy', join(directory, 'mine.ts')], {}, [1, 0.5]);
    expect(set.weights).toEqual({ accuracy: 1, mine: 0.5 });
    expect(set.sources.mine).toMatchObject({
      file: 'mine.ts',
      source: expect.stringContaining('string[]'),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('a text that was sent wins over the file', () =>
    expect(configured([join(directory, 'mine.ts')], { 'mine.ts': 'sent' }).sources.mine.source).toBe('sent'));

  it.each<[string, string[], Record<string, string>, RegExp]>([
    ['REWARD_UNKNOWN', ['acuracy'], {}, /acuracy/],
    ['REWARD_FILE', ['./missing.ts'], {}, /missing\.ts cannot be read/],
    ['REWARD_FILE', ['long.ts'], { 'long.ts': 'x'.repeat(70_000) }, /70000 bytes/],
    ['REWARD_NAME', ['9lives.ts'], { '9lives.ts': '' }, /9lives\.ts/],
    ['REWARD_NAME', ['toString.ts'], { 'toString.ts': 'export default (all) => all.map(() => 1);' }, /"toString\.ts"/],
    ['REWARD_NAME', ['accuracy.ts'], { 'accuracy.ts': '' }, /name of the built-in reward accuracy/],
    ['REWARD_NAME', ['a/mine.ts', 'b/mine.js'], { 'mine.ts': '' }, /two functions with the name mine/],
  ])('%s: %j', (code, entries, given, message) => {
    let error: unknown;
    try {
      configured(entries, given);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each([
    ['REWARD_TESTS', `export const tests = [{ completion: '', expected: 1 }]; export default (all) => all.map(() => 0);`],
    ['REWARD_THREW', `export default (all) => all.map((text) => /<answer>(.)/.exec(text)[1] === 'A' ? 1 : 0);`],
  ])('%s before a run depends on it', async (code, source) => {
    const set = configured(['mine.ts'], { 'mine.ts': source });
    await expect(checkRewards(set, context)).rejects.toMatchObject({ code });
  });
});
