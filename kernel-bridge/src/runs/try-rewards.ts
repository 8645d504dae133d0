/** Reward functions tried on the rollouts that a run has stored. */
import { rewardName, type RewardSet, type TriedRewards, type TryRewards } from '../protocol/rewards.ts';
import { contextOf, groupInputs, rewardSource, tryReward, type AskKernel } from '../rewards/index.ts';
import { groupSteps, sampleGroups } from './groups.ts';
import type { RunStore } from './store.ts';

/** Groups looked at, at most. */
const MOST_GROUPS = 640;

/** Values by function for a fair sample of the groups of the `steps` steps that end with `to`; a function that fails says so in its report. Throws REWARD_NAME, REWARD_FILE, REWARD_UNKNOWN. */
export async function tryRewards(
  run: RunStore,
  { files = {}, built_in = [], steps = 20, to }: Omit<TryRewards, 'kernel'>,
  served: RewardSet['sources'] = {},
  askKernel?: AskKernel,
): Promise<TriedRewards> {
  const last = to ?? groupSteps(run.db)[1];
  const groups = sampleGroups(run.db, { from: last - steps + 1, to: last, most: MOST_GROUPS });
  const byStep = [...Map.groupBy(groups, ({ step }) => step)];
  const batches = byStep.map(([step, of]) => ({ step, inputs: of.flatMap(groupInputs) }));
  const context = contextOf(run.row().config);
  const functions = [
    ...Object.entries(files).map(([file, text]) => ({ name: rewardName(file), source: rewardSource(file, text) })),
    ...Object.entries(served).map(([name, source]) => ({ name, source })),
    ...built_in.map((name) => ({ name, source: null })),
  ];
  const tried: Awaited<ReturnType<typeof tryReward>>[] = [];
  for (const { name, source } of functions) tried.push(await tryReward(name, source, context, batches, askKernel));
  return {
    reports: tried.map(({ report }) => report),
    groups: byStep.flatMap(([step, of], at) => {
      let row = 0;
      return of.map(({ group, completions }) => {
        const from = row;
        row += completions.length;
        const rewards = tried.flatMap(({ report, values }) => (values[at] ? [[report.name, values[at].slice(from, row)] as const] : []));
        const names = Object.keys(completions[0]?.rewards ?? {});
        const stored = Object.fromEntries(names.map((name) => [name, completions.map((one) => one.rewards[name])]));
        return { step, group, rewards: Object.fromEntries(rewards), stored };
      });
    }),
  };
}
