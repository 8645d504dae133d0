/** Reward functions tried on the rollouts that a run has stored. */
import { rewardName, type TriedRewards, type TryRewards } from '../protocol/rewards.ts';
import { contextOf, groupInputs, rewardSource, tryReward } from '../rewards/index.ts';
import { groupSteps, readGroups } from './groups.ts';
import type { RunStore } from './store.ts';

/** Groups looked at, at most. */
const MOST_GROUPS = 640;

/** Values by function for the groups of the last `steps` steps; a function that fails says so in its report. Throws REWARD_NAME, REWARD_FILE, REWARD_UNKNOWN. */
export async function tryRewards(run: RunStore, { files = {}, built_in = [], steps = 20 }: TryRewards): Promise<TriedRewards> {
  const [, last] = groupSteps(run.db);
  const groups = readGroups(run.db, { from: last - steps + 1, to: last, limit: MOST_GROUPS, offset: 0 });
  const byStep = [...Map.groupBy(groups, ({ step }) => step)];
  const batches = byStep.map(([step, of]) => ({ step, inputs: of.flatMap(groupInputs) }));
  const context = contextOf(run.row().config);
  const functions = [
    ...Object.entries(files).map(([file, text]) => ({ name: rewardName(file), source: rewardSource(file, text) })),
    ...built_in.map((name) => ({ name, source: null })),
  ];
  const tried: Awaited<ReturnType<typeof tryReward>>[] = [];
  for (const { name, source } of functions) tried.push(await tryReward(name, source, context, batches));
  return {
    reports: tried.map(({ report }) => report),
    groups: byStep.flatMap(([step, of], at) => {
      let row = 0;
      return of.map(({ group, completions }) => {
        const from = row;
        row += completions.length;
        const scored = tried.filter(({ values }) => values[at] !== undefined);
        return { step, group, rewards: Object.fromEntries(scored.map(({ report, values }) => [report.name, values[at].slice(from, row)])) };
      });
    }),
  };
}
