/** What happened at a step and shows on every curve: reward edits, checkpoints, alerts, pauses. */
import type { Checkpoint, MetricTable, RewardRevision, RunDetail, RunEvent } from '../connector.ts';

export interface Mark {
  kind: 'rewards' | 'checkpoint' | 'alert' | 'pause' | 'fork';
  step: number;
  time: number;
  title: string;
  detail: string;
}

type Functions = Pick<RewardRevision, 'weights' | 'sources'>;

/** Reward edits, checkpoints and where a fork left its parent, by step. */
export function marksOf(detail: RunDetail): Mark[] {
  const rewards = detail.rewards.flatMap((revision, index) =>
    index > 0 && revision.step !== null ? [rewardMark(revision, detail.rewards[index - 1])] : [],
  );
  return [...rewards, ...detail.checkpoints.map(checkpointMark), ...forkMarks(detail)].sort((a, b) => a.step - b.step);
}

function forkMarks({ summary }: RunDetail): Mark[] {
  return summary.inherited.map(({ name, to }) => ({
    kind: 'fork',
    step: to,
    time: summary.created_at,
    title: `Forked from ${name}`,
    detail: 'Steps up to here are those of that run.',
  }));
}

/** Values that no chart can draw: one mark a step, so that a gap says why it is one. */
export function notFinite({ step, time, non_finite = {} }: MetricTable): Mark[] {
  const values = Object.entries(non_finite).flatMap(([name, found]) => found.map(([at, value]) => ({ at, text: `${name} ${value}` })));
  return [...Map.groupBy(values, ({ at }) => at)].map(([at, found]) => ({
    kind: 'alert' as const,
    step: at,
    time: time[step.findLastIndex((one) => one <= at)] ?? 0,
    title: 'Not a finite number',
    detail: found.map(({ text }) => text).join(', '),
  }));
}

/** Alerts, and where the run stood still. */
export function markOf(event: RunEvent): Mark[] {
  const { step, time } = event;
  if (event.kind === 'alert') return [{ kind: 'alert', step, time, title: event.message, detail: event.remedy }];
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
  return { kind: 'rewards', step: revision.step ?? 0, time: revision.created_at, title: `Rewards, revision ${revision.revision}`, detail };
}

/** What differs, a phrase each: weights, functions that came, went or have another source. */
export function rewardChanges(before: Functions, after: Functions): string[] {
  const came = Object.keys(after.weights).filter((name) => !(name in before.weights));
  const went = Object.keys(before.weights).filter((name) => !(name in after.weights));
  const stayed = Object.keys(after.weights).filter((name) => name in before.weights);
  return [
    ...stayed
      .filter((name) => after.weights[name] !== before.weights[name])
      .map((name) => `${name} ${before.weights[name]} → ${after.weights[name]}`),
    ...stayed.filter((name) => after.sources[name]?.sha256 !== before.sources[name]?.sha256).map((name) => `${name}: new source`),
    ...came.map((name) => `${name} added, ${after.weights[name]}`),
    ...went.map((name) => `${name} removed`),
  ];
}
