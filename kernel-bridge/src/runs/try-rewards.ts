/** Reward functions tried on the rollouts that a run has stored. */
import { rewardName, type RewardSet, type TriedRewards, type TryRewards } from '../protocol/rewards.ts';
import { OptionPrior } from '../data/prior.ts';
import { changedParameters, contextOf, groupInputs, rewardSource, tryReward, type AskKernel, type RewardInput } from '../rewards/index.ts';
import { groupSteps, sampleGroups } from './groups.ts';
import { configInForce, revisions } from './rewards.ts';
import type { RunStore } from './store.ts';

/** Groups looked at, at most. */
const MOST_GROUPS = 640;

/** Values by function for a fair sample of the groups of the `steps` steps that end with `to`; a function that fails says so in its report. `parameters`: of built-in functions, in place of those in force. Throws REWARD_NAME, REWARD_FILE, REWARD_UNKNOWN, REWARD_PARAMETER. */
export async function tryRewards(
  run: RunStore,
  { files = {}, built_in = [], parameters = {}, steps = 20, to }: Omit<TryRewards, 'kernel'>,
  served: RewardSet['sources'] = {},
  askKernel?: AskKernel,
): Promise<TriedRewards> {
  const last = to ?? groupSteps(run.db)[1];
  const groups = sampleGroups(run.db, { from: last - steps + 1, to: last, most: MOST_GROUPS });
  const byStep = [...Map.groupBy(groups, ({ step }) => step)];
  const batches = byStep.map(([step, of]) => ({ step, inputs: of.flatMap(groupInputs) }));
  const { config } = run.row();
  const prior = new OptionPrior([...new Map(groups.map((group) => [group.item_id, { ...group, id: group.item_id }])).values()]);
  const context = { ...contextOf(configInForce(run.db, config)), optionChance: (item: RewardInput['item']) => prior.chanceOfRight(item) };
  const inForce = revisions(run.db).at(-1)?.parameters ?? {};
  const given = changedParameters(inForce, parameters, [...new Set([...Object.keys(inForce), ...built_in])], last + 1);
  const functions = [
    ...Object.entries(files).map(([file, text]) => ({ name: rewardName(file), source: rewardSource(file, text) })),
    ...Object.entries(served).map(([name, source]) => ({ name, source })),
    ...built_in.map((name) => ({ name, source: null })),
  ];
  const tried: Awaited<ReturnType<typeof tryReward>>[] = [];
  for (const { name, source } of functions) tried.push(await tryReward(name, source, context, batches, askKernel, given[name]));
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
        const failing = tried.flatMap(({ report: { name }, failing: of }) => {
          const here = (of[at] ?? []).filter((index) => index >= from && index < row).map((index) => index - from);
          return here.length > 0 ? [[name, here] as const] : [];
        });
        return { step, group, rewards: Object.fromEntries(rewards), stored, failing: Object.fromEntries(failing) };
      });
    }),
  };
}
