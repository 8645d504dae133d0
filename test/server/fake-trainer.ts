/** A trainer without a model: every number follows from step, seed and weights, so that tests know what a run must hold. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { makeFolder } from '../../kernel-bridge/src/files/durable.ts';
import {
  WorkbenchError,
  type Answer,
  type Ask,
  type ExplainAsk,
  type Explained,
  type VqaItem,
} from '../../kernel-bridge/src/protocol/index.ts';
import type { Group } from '../../kernel-bridge/src/protocol/run.ts';
import type { StepResult } from '../../kernel-bridge/src/protocol/step.ts';
import type { CreateTrainer, Trainer } from '../../kernel-bridge/src/rl/types.ts';
import { configuredRewards, groupInputs, RewardFunctions, REWARDS } from '../../kernel-bridge/src/rewards/index.ts';
import type { LoadItems } from '../../kernel-bridge/src/runs/runs.ts';

export const rewardAt = (step: number, accuracyWeight: number): number => accuracyWeight * (1 - 1 / step) + 1;

const fakeItems: VqaItem[] = Array.from({ length: 4 }, (_, i) => ({
  id: `item-${i}`,
  dataset: 'Made',
  image: `Images/${i}.png`,
  question: 'What is shown?',
  options: ['cyst', 'nodule'],
  answer: 'A',
  modality: 'CT',
  question_type: 'Disease Diagnosis',
  problem: null,
}));

/** Directory of the data set is the data set's name. */
export const fakeLoadItems: LoadItems = async (nameOrDir) => ({ root: nameOrDir, items: fakeItems, left_out: 0, hash: 'made' });

/** What `tells-steps` writes to its log before the number of a step that is computed and not yet written. */
export const COMPUTED = 'computed step';

/** `learning_rate` is the step's time in seconds; run_name `fail-at-N` throws there, `tells-steps` logs each step, `full` finds the disk full at its first checkpoint, `no-probabilities` and `no-image` cannot be evaluated, the reward of `bad-reward` throws. */
export const createFakeTrainer: CreateTrainer = async ({ config, rewards, resumeFrom }) => {
  let step = resumeFrom ? Number(await readFile(join(resumeFrom, 'state.txt'), 'utf8')) : 0;
  const begin = rewards ?? configuredRewards(config);
  let { weights } = begin;
  const functions = new RewardFunctions({ variant: 'think', maxCompletionLength: 8 }, begin);
  const failAt = Number(/^fail-at-(\d+)$/.exec(config.run_name ?? '')?.[1] ?? 0);
  let full = config.run_name === 'full';
  const trainer: Trainer = {
    get step() {
      return step;
    },
    totalSteps: config.max_steps,
    device: 'fake',
    async trainStep() {
      if (config.learning_rate > 1e-3) await wait(config.learning_rate * 1000);
      if (config.run_name === 'bad-reward')
        throw new WorkbenchError({ code: 'REWARD_THREW', message: 'reward mine threw boom', remedy: 'Mend it.' });
      const made = await userScored(fakeStep(step + 1, weights, config.num_generations), functions);
      step += 1;
      if (config.run_name === 'tells-steps') console.log(COMPUTED, step);
      if (step === failAt) throw new Error(`the trainer failed at step ${step}`);
      return made;
    },
    setRewards(next) {
      functions.use(next);
      weights = { ...next.weights };
    },
    setSettings() {},
    rewardWeights: () => weights,
    async evaluate() {
      if (config.run_name === 'no-probabilities')
        throw new WorkbenchError({ code: 'MODEL_LOGITS_NOT_FINITE', message: 'the model gave no probabilities', remedy: 'Go back.' });
      if (config.run_name === 'no-image') throw new Error('an image of the test split cannot be read');
      return { eval_accuracy: 0.5 };
    },
    answer: async (ask, signal) => fakeAnswer(ask, `step ${step}`, signal),
    explain: async (ask, signal) => fakeExplained(ask, `step ${step}`, signal),
    checksum: () => 0,
    async saveCheckpoint(dir) {
      if (full) {
        full = false;
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      }
      await makeFolder(dir);
      await writeFile(join(dir, 'state.txt'), String(step));
      await writeFile(join(dir, 'config.json'), '{}');
      await writeFile(join(dir, 'model.safetensors'), Buffer.alloc(20_000, step));
    },
    dispose: () => functions[Symbol.dispose](),
  };
  return trainer;
};

/** The step with the values of users' functions beside those that are made up. */
async function userScored(made: StepResult, functions: RewardFunctions): Promise<StepResult> {
  if (functions.names.every((name) => REWARDS.has(name))) return made;
  for (const group of made.groups) {
    const rows = await functions.score(groupInputs(group), made.step);
    group.completions.forEach((one, i) => (one.rewards = Object.fromEntries(functions.names.map((name, k) => [name, rows[i][k]]))));
  }
  return made;
}

/** Says who answered what. A question with the word `slow` is answered only when it is withdrawn, `die` ends the process. */
export async function fakeAnswer(ask: Ask, who: string, signal?: AbortSignal): Promise<Answer> {
  if (ask.item.question === 'die') process.exit(3);
  if (ask.item.question === 'slow') await wait(60_000, undefined, { signal });
  const text = `${who}: ${ask.item.question} as ${ask.template ?? ask.variant} ${ask.evaluation ? 'evaluated' : 'trained'}`;
  const completion = { text, token_ids: [1], tokens: [text], logprobs: [-0.5], finish_reason: 'stop', prediction: null, correct: null };
  return { prompt: { text, tokens: [], image: null }, reading: ask.reading, completions: Array(ask.num).fill(completion), seconds: 0 };
}

/** Says who was asked what about which tokens: as the text of the prompt. */
export async function fakeExplained(ask: ExplainAsk, who: string, signal?: AbortSignal): Promise<Explained> {
  const { prompt } = await fakeAnswer(
    { ...ask, reading: 'exact', crop: null, num: 0, temperature: 1, max_new_tokens: 1, seed: 0 },
    who,
    signal,
  );
  const ids = ask.token_ids ?? [];
  const facts = { prompt, token_ids: ids, tokens: ids.map(String), seconds: 0 };
  if (ask.explain.kind === 'alternatives') return { ...facts, temperature: ask.explain.temperature, places: [] };
  if (ask.explain.kind === 'decision')
    return { ...facts, options: ask.options, cuts: [], decided: 0, asked_by: ask.text ?? '', own_words: false };
  const { against, method, token } = ask.explain;
  const nothing = { baseline_score: null, gap: null, image: null, blocks: null, words: null, check: null };
  return { ...facts, ...nothing, token: { index: token ?? 0, id: 0, text: ask.blank ? 'blank' : '' }, against, method, score: 0 };
}

export function fakeStep(step: number, weights: Record<string, number> = { accuracy: 1, format: 1 }, G = 4, groupsPerStep = 2): StepResult {
  const reward = rewardAt(step, weights.accuracy ?? 1);
  const groups = Array.from({ length: groupsPerStep }, (_, group): Group => ({
    step,
    group,
    item_id: `item-${group}`,
    dataset: 'Made',
    image: `Images/${group}.png`,
    question: 'What is shown?',
    options: ['cyst', 'nodule'],
    answer: 'A',
    modality: 'CT',
    question_type: 'Disease Diagnosis',
    prompt: 'What is shown? A) cyst, B) nodule',
    reading: 'exact',
    reward_mean: reward,
    reward_std: 0.5,
    completions: Array.from({ length: G }, (_, index) => ({
      index,
      text: `<think> step ${step} </think> <answer> A </answer>`,
      token_ids: [step, group, index],
      logprobs: [-0.1, -0.25, -0.5],
      entropy: [0.5, 0, 1.5],
      kl: [0.25, null, 0],
      ratio: null,
      clipped: null,
      finish_reason: 'stop',
      rewards: { accuracy: 1, format: 1 },
      reward,
      advantage: index - 1.5,
      prediction: 'A',
      correct: true,
    })),
  }));
  return { step, metrics: { reward, loss: -reward, 'rewards/accuracy/mean': 1 - 1 / step, kl: step === 1 ? null : 0.01 }, groups };
}
