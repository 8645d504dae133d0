/** Answers outside training under the reward functions of a run, as they are in force. */
import { applyVariant, formatQuestion } from '../answers/index.ts';
import { OptionPrior } from '../data/prior.ts';
import type { Ask, Generation } from '../protocol/generate.ts';
import { contextOf, tryReward, weightsAt, type AskKernel, type RewardInput } from '../rewards/index.ts';
import { errors } from './errors.ts';
import { groupSteps, sampleGroups } from './groups.ts';
import { configInForce, revisions } from './rewards.ts';
import type { RunStore } from './store.ts';

/** Groups that tell how likely an option is by its text, at most. */
const PRIOR_GROUPS = 640;

/**
 * The generation with the rewards of its completions. They are scored together, as a group of training is, at the step that the run is at. A
 * function that fails is named in `scored_by.errors`. Throws where the run has no reward functions.
 */
export async function scoreGeneration(run: RunStore, ask: Ask, generation: Generation, askKernel?: AskKernel): Promise<Generation> {
  const current = revisions(run.db).at(-1);
  if (!current) throw errors.noRevisions(run.row().id);
  const { item, variant, template, evaluation } = ask;
  const prompt = applyVariant(formatQuestion(item), variant, { template, eval: evaluation });
  const inputs = generation.completions.map(({ text, token_ids, finish_reason }): RewardInput => ({
    completion: text,
    tokenIds: token_ids,
    finishReason: finish_reason,
    prompt,
    item,
  }));
  let prior: OptionPrior | undefined; // only functions that ask for it pay for it
  const context = {
    ...contextOf(configInForce(run.db, run.row().config)),
    optionChance: (of: RewardInput['item']) => (prior ??= new OptionPrior(asked(run))).chanceOfRight(of),
  };
  const weights = weightsAt(current, run.step);
  const values: Record<string, (number | null)[]> = {};
  const failures: Record<string, string> = {};
  for (const name of Object.keys(weights)) {
    const source = current.sources[name] ?? null;
    const { report, values: scored } = await tryReward(
      name,
      source,
      context,
      [{ step: run.step, inputs }],
      askKernel,
      current.parameters?.[name],
    );
    if (report.error) failures[name] = report.error.message;
    else values[name] = scored[0] ?? [];
  }
  const failed = Object.keys(failures).length > 0;
  const completions = generation.completions.map((completion, at) => {
    const rewards = Object.fromEntries(Object.entries(values).map(([name, each]) => [name, each[at]]));
    return { ...completion, rewards, reward: failed ? null : weighted(rewards, weights) };
  });
  return { ...generation, completions, scored_by: { run: run.row().id, revision: current.revision, errors: failures } };
}

/** Questions that the run was asked, each once. */
function asked(run: RunStore) {
  const [from, to] = groupSteps(run.db);
  const groups = sampleGroups(run.db, { from, to, most: PRIOR_GROUPS });
  return [...new Map(groups.map((group) => [group.item_id, { ...group, id: group.item_id }])).values()];
}

/** As training sums them: what does not apply counts nothing; null where nothing applies. */
function weighted(rewards: Record<string, number | null>, weights: Record<string, number>): number | null {
  const applies = Object.entries(rewards).filter((entry): entry is [string, number] => entry[1] !== null);
  return applies.length === 0 ? null : applies.reduce((sum, [name, value]) => sum + value * weights[name], 0);
}
