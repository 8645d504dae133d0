/** What happened at a step and shows on every curve: reward edits, checkpoints, alerts, pauses. */
import { scheduleText } from '@medr1/kernel-bridge/protocol/schedule-text';
import type { ParameterValue } from '@medr1/kernel-bridge/protocol/rewards';
import { inSentence } from '../format.ts';
import { lowerBound } from '../sorted.ts';
import type { Checkpoint, MetricTable, RewardRevision, RunDetail, RunEvent } from '../connector.ts';

export interface Mark {
  kind: 'rewards' | 'checkpoint' | 'alert' | 'pause' | 'fork';
  step: number;
  time: number;
  title: string;
  detail: string;
}

type Functions = Pick<RewardRevision, 'weights' | 'sources' | 'parameters' | 'weight_schedules' | 'settings'>;

/** Reward edits, checkpoints and where a fork left its parent, by step. */
export function marksOf(detail: Pick<RunDetail, 'rewards' | 'checkpoints'> & { summary: Forked }): Mark[] {
  const rewards = detail.rewards.flatMap((revision, index) =>
    index > 0 && revision.step !== null ? [rewardMark(revision, detail.rewards[index - 1])] : [],
  );
  return [...rewards, ...detail.checkpoints.map(checkpointMark), ...forkMarks(detail)].sort((a, b) => a.step - b.step);
}

type Forked = Pick<RunDetail['summary'], 'inherited' | 'created_at'>;

function forkMarks({ summary }: { summary: Forked }): Mark[] {
  return summary.inherited.map(({ name, to }) => ({
    kind: 'fork',
    step: to,
    time: summary.created_at,
    title: `Forked from ${inSentence(name)}`,
    detail: 'Steps up to here are those of that run.',
  }));
}

/** Values that no chart can draw: a mark where a metric's first one stands, so that a gap says why it is one. A loss that stays NaN has one mark. */
export function notFinite({ step, time, non_finite = {} }: MetricTable): Mark[] {
  const stretches = Object.entries(non_finite).flatMap(([name, found]) =>
    stretchesOf(found, step).map((stretch) => ({ name, ...stretch })),
  );
  return [...Map.groupBy(stretches, ({ from }) => from)].map(([at, found]) => ({
    kind: 'alert' as const,
    step: at,
    time: time[step.findLastIndex((one) => one <= at)] ?? 0,
    title: 'Not a finite number',
    detail: found.map(({ name, value, from, to }) => `${name} ${value}${to > from ? ` in steps ${from} to ${to}` : ''}`).join(', '),
  }));
}

/** Stretches of the same value, between which no stored step has another one. */
function stretchesOf(found: readonly (readonly [step: number, value: string])[], steps: readonly number[]) {
  const stretches: { from: number; to: number; value: string }[] = [];
  for (const [at, value] of found) {
    const last = stretches.at(-1);
    const next = last && (steps[lowerBound(steps, last.to + 1)] ?? Infinity);
    if (last && last.value === value && at <= next!) last.to = at;
    else stretches.push({ from: at, to: at, value });
  }
  return stretches;
}

/** Alerts, and where the run stood still. */
export function markOf(event: RunEvent): Mark[] {
  const { step, time } = event;
  if (event.kind === 'alert') return [{ kind: 'alert', step: event.since ?? step, time, title: event.message, detail: event.remedy }];
  if (event.kind === 'state' && (event.state === 'paused' || event.state === 'interrupted'))
    return [{ kind: 'pause', step, time, title: event.state, detail: event.error?.message ?? '' }];
  return [];
}

export function checkpointMark(checkpoint: Checkpoint): Mark {
  const title = `Checkpoint (${checkpoint.reason})`;
  return { kind: 'checkpoint', step: checkpoint.step, time: checkpoint.created_at, title, detail: checkpoint.path };
}

/** The edit as its diff: "format 1 → 0.2". */
export function rewardMark(revision: RewardRevision, previous: Functions): Mark {
  const detail = [rewardChanges(previous, revision).join(', '), revision.reason].filter(Boolean).join('. ');
  const title = `${changesSettingsAlone(previous, revision) ? 'Settings' : 'Rewards'}, revision ${revision.revision}`;
  return { kind: 'rewards', step: revision.step ?? 0, time: revision.created_at, title, detail };
}

/** What was in force before an edit, as its event tells. */
export const previousOf = (event: Extract<RunEvent, { kind: 'rewards' }>): Functions => ({
  weights: event.previous ?? {},
  sources: event.previous_sources ?? {},
  parameters: event.previous_parameters,
  weight_schedules: event.previous_weight_schedules,
  settings: event.previous_settings,
});

const changesSettingsAlone = (before: Functions, after: Functions): boolean =>
  settingChanges(before, after).length > 0 && rewardChanges({ ...before, settings: after.settings }, after).length === 0;

/** "beta 0.04 → 0.02". */
function settingChanges({ settings: before }: Functions, { settings: after }: Functions): string[] {
  if (!before || !after) return [];
  return Object.entries(after)
    .filter(([key, value]) => value !== before[key as keyof typeof after])
    .map(([key, value]) => `${key} ${valueText(before[key as keyof typeof after])} → ${valueText(value)}`);
}

/** A weight or parameter in words: a number, or how it follows the step. */
export const valueText = (value: ParameterValue | null | undefined): string =>
  value === null ? 'none' : value === undefined ? 'default' : typeof value === 'object' ? scheduleText(value) : String(value);

/** What differs, a phrase each: weights, parameters, functions that came, went or have another source, and settings. */
export function rewardChanges(before: Functions, after: Functions): string[] {
  const came = Object.keys(after.weights).filter((name) => !(name in before.weights));
  const went = Object.keys(before.weights).filter((name) => !(name in after.weights));
  const stayed = Object.keys(after.weights).filter((name) => name in before.weights);
  const weightOf = ({ weights, weight_schedules = {} }: Functions, name: string): string =>
    valueText(weight_schedules[name] ?? weights[name]);
  return [
    ...stayed
      .filter((name) => weightOf(after, name) !== weightOf(before, name))
      .map((name) => {
        const moves = after.weight_schedules?.[name];
        return moves ? `${name}: ${scheduleText(moves)}` : `${name} ${weightOf(before, name)} → ${weightOf(after, name)}`;
      }),
    ...stayed.flatMap((name) => parameterChanges(name, before.parameters?.[name] ?? {}, after.parameters?.[name] ?? {})),
    ...stayed.filter((name) => after.sources[name]?.sha256 !== before.sources[name]?.sha256).map((name) => `${name}: new source`),
    ...came.map((name) => `${name} added, ${weightOf(after, name)}`),
    ...went.map((name) => `${name} removed`),
    ...settingChanges(before, after),
  ];
}

/** "length_band low default → 40". */
function parameterChanges(name: string, before: Record<string, ParameterValue>, after: Record<string, ParameterValue>): string[] {
  return Object.keys({ ...before, ...after })
    .filter((key) => valueText(before[key]) !== valueText(after[key]))
    .map((key) => `${name} ${key} ${valueText(before[key])} → ${valueText(after[key])}`);
}
