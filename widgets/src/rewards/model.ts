/** Live rewards: what a change of weights would do, told from groups that were sampled already. No DOM, no tensors. */
import type { ParameterChanges, RewardParameters } from '@medr1/kernel-bridge/protocol/rewards';
import { valueAt, type Schedule } from '@medr1/kernel-bridge/protocol/scheduled';
import type { Group, RewardReport, RewardRevision, RewardSource, TriedRewards } from '../connector.ts';
import type { FollowedRun } from '../store/followed-run.ts';

export type Weights = Record<string, number>;

/** Slider range; the number beside it takes any finite weight. */
export const SLIDER = { min: 0, max: 2, step: 0.05 };
/** A reward whose spread stayed below this for this many steps tells completions apart no more. */
const SATURATED = { std: 0.01, steps: 20 };

/** Weights in force: those of the newest revision. */
export const inForce = (revisions: readonly RewardRevision[]): Weights => revisions.at(-1)?.weights ?? {};

export type Functions = Pick<RewardRevision, 'weights' | 'sources' | 'parameters' | 'weight_schedules'>;

/** The rewards as edited: weights of all, and sources by function that are new or changed. */
export interface Draft {
  weights: Weights;
  files: Record<string, DraftSource>;
  /** Of built-in functions, those that are given; as in force where left out, as the schedules. */
  parameters?: RewardParameters;
  /** Of weights that follow the step. */
  weight_schedules?: Record<string, Schedule>;
}

export interface DraftSource {
  file: string;
  source: string;
  /** Of a Python function, which its kernel serves: its SHA-256. It is chosen here, and edited in its notebook. */
  served?: string;
}

export const draftOf = ({ weights }: Pick<Functions, 'weights'>): Draft => ({ weights: { ...weights }, files: {} });

/** Parameters and schedules of a draft: of its functions alone. */
export function liveOf(draft: Draft, current: Functions): Required<Pick<Draft, 'parameters' | 'weight_schedules'>> {
  const here = <T>(all: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(all).filter(([name]) => name in draft.weights));
  const parameters = here(draft.parameters ?? current.parameters ?? {});
  return {
    parameters: Object.fromEntries(Object.entries(parameters).filter(([, given]) => Object.keys(given).length > 0)),
    weight_schedules: here(draft.weight_schedules ?? current.weight_schedules ?? {}),
  };
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Functions whose parameters are edited. */
const reparametrised = (draft: Draft, current: Functions): string[] => {
  const { parameters } = liveOf(draft, current);
  return Object.keys(draft.weights).filter((name) => !same(sorted(parameters[name]), sorted(current.parameters?.[name])));
};
const sorted = (given: object = {}): [string, unknown][] => Object.entries(given).sort(([a], [b]) => a.localeCompare(b));

/** Weights as they count for a step. */
export function weightsAt(weights: Weights, schedules: Record<string, Schedule> = {}, step: number): Weights {
  return Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [name, name in schedules ? valueAt(schedules[name], step) : weight]),
  );
}

/** A draft that makes the rewards of another revision out of those in force. */
export function draftTo(target: Functions, current: Functions): Draft {
  const differs = Object.entries(target.sources).filter(([name, { sha256 }]) => current.sources[name]?.sha256 !== sha256);
  const files = differs.map(
    ([name, { file, source, sha256, runtime }]) => [name, { file, source, ...(runtime && { served: sha256 }) }] as const,
  );
  const { parameters, weight_schedules } = target;
  return {
    weights: { ...target.weights },
    files: Object.fromEntries(files),
    ...((parameters ?? current.parameters) && { parameters: parameters ?? {} }),
    ...((weight_schedules ?? current.weight_schedules) && { weight_schedules: weight_schedules ?? {} }),
  };
}

export const isDirty = (draft: Draft, current: Functions): boolean =>
  Object.keys(draft.files).length > 0 ||
  Object.keys({ ...draft.weights, ...current.weights }).some((name) => draft.weights[name] !== current.weights[name]) ||
  reparametrised(draft, current).length > 0 ||
  !same(sorted(liveOf(draft, current).weight_schedules), sorted(current.weight_schedules));

/** What has to be asked of the backend to preview a draft; null where stored values are enough. */
export function toTry(draft: Draft, current: Functions): (Sources & { built_in: string[]; parameters?: ParameterChanges }) | null {
  const { weights, files } = draft;
  const changed = reparametrised(draft, current);
  const built_in = Object.keys(weights).filter((name) => (!(name in current.weights) && !(name in files)) || changed.includes(name));
  if (built_in.length === 0 && Object.keys(files).length === 0) return null;
  return { ...sourcesIn(files), built_in, ...(changed.length > 0 && { parameters: parameterChanges(draft, current, changed) }) };
}

/** What is given anew, and null for what goes back to its default. */
function parameterChanges(draft: Draft, current: Functions, names: readonly string[]): ParameterChanges {
  const { parameters } = liveOf(draft, current);
  const gone = (name: string) => Object.keys(current.parameters?.[name] ?? {}).map((key) => [key, null] as const);
  return Object.fromEntries(names.map((name) => [name, { ...Object.fromEntries(gone(name)), ...parameters[name] }]));
}

interface Sources {
  files: Record<string, string>;
  kernel?: Record<string, string>;
}

/** Sources by file name, and functions of kernels by their hash. */
function sourcesIn(all: Draft['files']): Sources {
  const files = Object.values(all).filter(({ served }) => served === undefined);
  const kernel = Object.entries(all).flatMap(([name, { served }]) => (served === undefined ? [] : [[name, served] as const]));
  return {
    files: Object.fromEntries(files.map(({ file, source }) => [file, source])),
    ...(kernel.length > 0 && { kernel: Object.fromEntries(kernel) }),
  };
}

/** The edit that a draft asks for. */
export function editOf(draft: Draft, current: Functions) {
  const { weights, files } = draft;
  const changed = reparametrised(draft, current);
  const { weight_schedules } = liveOf(draft, current);
  const ended = Object.keys(current.weight_schedules ?? {}).filter((name) => name in weights && !(name in weight_schedules));
  const schedules = { ...Object.fromEntries(ended.map((name) => [name, null])), ...weight_schedules };
  const remove = Object.keys(current.weights).filter((name) => !(name in weights));
  const { files: sources, kernel } = sourcesIn(files);
  return {
    weights,
    ...(Object.keys(sources).length > 0 && { files: sources }),
    ...(kernel && { kernel }),
    ...(Object.keys(schedules).length > 0 && { weight_schedules: schedules }),
    ...(changed.length > 0 && { parameters: parameterChanges(draft, current, changed) }),
    ...(remove.length > 0 && { remove }),
  };
}

/** What a preview needs of a group. */
export type Scored = Pick<Group, 'step' | 'group'> & { completions: { rewards: Record<string, number | null> }[] };

/**
 * The groups on which functions are tried, twice: `stored` has the rewards that the run stored; in `tried` the functions under trial have their
 * new rewards. Completions that a function failed on have no reward of it in `tried`.
 */
export function scoredGroups({ groups, reports }: TriedRewards): { stored: Scored[]; tried: Scored[] } {
  const under = new Set(reports.map(({ name }) => name));
  const scored = (
    { step, group, stored, rewards }: TriedRewards['groups'][number],
    columns: Record<string, (number | null)[]>,
    failing: Record<string, readonly number[]> = {},
  ): Scored => {
    const count = Math.max(0, ...[...Object.values(stored), ...Object.values(rewards)].map(({ length }) => length));
    const row = (i: number) => {
      const there = Object.entries(columns).filter(([name]) => !failing[name]?.includes(i));
      return Object.fromEntries(there.map(([name, column]) => [name, column[i] ?? null]));
    };
    return { step, group, completions: Array.from({ length: count }, (_, i) => ({ rewards: row(i) })) };
  };
  const kept = (stored: Record<string, (number | null)[]>) => Object.entries(stored).filter(([name]) => !under.has(name));
  return {
    stored: groups.map((one) => scored(one, one.stored)),
    tried: groups.map((one) => scored(one, { ...Object.fromEntries(kept(one.stored)), ...one.rewards }, one.failing)),
  };
}

/** First and last step that a revision counted for: no last one while it does, none at all while it waits or where it was replaced before any. */
export function stepsOf(revisions: readonly Pick<RewardRevision, 'step'>[], at: number): { from: number; to: number | null } | null {
  const from = revisions[at].step;
  if (from === null) return null;
  const next = revisions.slice(at + 1).find(({ step }) => step !== null)?.step ?? null;
  if (next === null) return { from, to: null };
  return next > from ? { from, to: next - 1 } : null;
}

/** A name that is not taken: my_reward, my_reward_2, ... */
export function freshName(taken: Iterable<string>): string {
  const names = new Set(taken);
  for (let n = 1; ; n++) {
    const name = n === 1 ? 'my_reward' : `my_reward_${n}`;
    if (!names.has(name)) return name;
  }
}

/** The source as edited, else as in force; null for a built-in function. */
export const sourceOf = (name: string, draft: Draft, sources: Record<string, RewardSource>): { file: string; source: string } | null =>
  draft.files[name] ?? sources[name] ?? null;

/** Why a function teaches nothing, and since which step: its values hardly vary, or it applied to no completion. */
export interface Idle {
  why: 'saturated' | 'not applicable';
  since: number;
}

/** Null while the function tells completions apart. */
export function idleSince(run: FollowedRun, name: string): Idle | null {
  const stretch = (column: string, idle: (value: number | null) => boolean): number | null => {
    const values = run.metrics.get(column);
    if (!values) return null;
    let since = values.length;
    while (since > 0 && idle(values[since - 1])) since--;
    return values.length - since >= SATURATED.steps ? run.steps[since] : null;
  };
  const absent = stretch(`rewards/${name}/mean`, (value) => value === null);
  if (absent !== null) return { why: 'not applicable', since: absent };
  const flat = stretch(`rewards/${name}/std`, (value) => value === null || value < SATURATED.std);
  return flat === null ? null : { why: 'saturated', since: flat };
}

/**
 * Share of each function in the variance of the weighted rewards within groups, covariances left out; empty when nothing varies. A function that
 * the groups were not scored by has none.
 */
export function varianceShares(groups: readonly Scored[], weights: Weights): Record<string, number> {
  const known = Object.keys(weights).filter((name) => groups.some(({ completions }) => completions.some(({ rewards }) => name in rewards)));
  const parts = known.map((name) => {
    const within = groups.map(({ completions }) => variance(completions.map(({ rewards }) => weights[name] * (rewards[name] ?? 0))));
    return [name, within.reduce((sum, one) => sum + one, 0)] as const;
  });
  const total = parts.reduce((sum, [, part]) => sum + part, 0);
  return total > 0 ? Object.fromEntries(parts.map(([name, part]) => [name, part / total])) : {};
}

/** A completion with a value that it got: what a function gave it, its reward or its advantage. */
export interface Read {
  step: number;
  group: number;
  completion: number;
  /** NaN where the function failed. */
  value: number;
}

/** The completions of groups with their values, in the order of the groups; those without one are left out. */
export const readsOf = (groups: readonly Scored[], values: (group: Scored, at: number) => (number | null | undefined)[]): Read[] =>
  groups.flatMap((group, at) =>
    values(group, at).flatMap((value, completion) =>
      value === null || value === undefined ? [] : [{ step: group.step, group: group.group, completion, value }],
    ),
  );

/** The completions that a function fails on. */
export const failuresOf = (name: string, groups: TriedRewards['groups']): Read[] =>
  groups.flatMap(({ step, group, failing }) => (failing[name] ?? []).map((completion) => ({ step, group, completion, value: NaN })));

/** Those whose value passes, the lowest first. */
export const listed = (reads: readonly Read[], isIn: (value: number) => boolean): Read[] =>
  reads.filter(({ value }) => isIn(value)).sort((a, b) => a.value - b.value || a.step - b.step || a.group - b.group);

/** Values that one function gave, as they are drawn. */
export interface Values {
  name: string;
  values: number[];
  notApplicable: number;
  /** Completions that got no value, since the function failed. */
  failed: number;
  /** Those of them that it is known to fail on; null where it was not found out of every step. */
  failing: number | null;
}

/** What each function gave for the groups; `tried`: of the functions that had to be tried. */
export function valuesOf(names: readonly string[], groups: readonly Scored[], tried: readonly RewardReport[] = []): Values[] {
  const completions = groups.flatMap((group) => group.completions);
  return names.map((name) => {
    const all = completions.map(({ rewards }) => rewards[name]).filter((value) => value !== undefined);
    const values = all.filter((value) => value !== null);
    const { failed = 0, failing = null } = tried.find((report) => report.name === name) ?? {};
    return { name, values, notApplicable: all.length - values.length, failed, failing };
  });
}

/** A completion whose advantage changes sign. */
export interface Flip {
  step: number;
  group: number;
  completion: number;
  before: number;
  after: number;
}

export interface Preview {
  groups: number;
  meanBefore: number;
  meanAfter: number;
  /** Groups whose completions do not all get the same reward. */
  teachingBefore: number;
  teachingAfter: number;
  gained: number;
  lost: number;
  /** Completions whose advantage changes sign. */
  flipped: number;
  /** The farthest of them, farthest first. */
  flips: Flip[];
  completions: number;
  /** Mean rewards of the steps that were looked at, in their order. */
  steps: { step: number; before: number; after: number }[];
  rewards: { before: number[]; after: number[] };
  advantages: { before: number[]; after: number[] };
}

/** Flips that are listed, to be read. */
const FLIPS = 8;

/**
 * What new weights change. The completions of `groups` are scored with the weights `before`; those of `rescored` (the same groups with the
 * rewards of changed functions) with the weights `after`. An advantage is the reward minus the group's mean; where `scaled`, divided by the
 * group's standard deviation (plus TRL's 1e-4).
 */
export function preview(
  groups: readonly Scored[],
  before: Weights,
  after: Weights,
  rescored: readonly Scored[] = groups,
  scaled = true,
): Preview {
  const out: Preview = {
    groups: groups.length,
    meanBefore: 0,
    meanAfter: 0,
    teachingBefore: 0,
    teachingAfter: 0,
    gained: 0,
    lost: 0,
    flipped: 0,
    flips: [],
    completions: 0,
    steps: [],
    rewards: { before: [], after: [] },
    advantages: { before: [], after: [] },
  };
  const flips: Flip[] = [];
  const byStep = new Map<number, { before: number[]; after: number[] }>();
  for (const [at, group] of groups.entries()) {
    const old = group.completions.map(({ rewards }) => weighted(rewards, before));
    const next = rescored[at].completions.map(({ rewards }) => weighted(rewards, after));
    const ofStep = byStep.get(group.step) ?? { before: [], after: [] };
    byStep.set(group.step, { before: [...ofStep.before, ...old], after: [...ofStep.after, ...next] });
    const taught = variance(old) > 0;
    const teaches = variance(next) > 0;
    out.completions += old.length;
    out.meanBefore += sum(old);
    out.meanAfter += sum(next);
    out.teachingBefore += Number(taught);
    out.teachingAfter += Number(teaches);
    out.gained += Number(teaches && !taught);
    out.lost += Number(taught && !teaches);
    const [oldAdvantages, nextAdvantages] = [advantages(old, scaled), advantages(next, scaled)];
    out.rewards.before.push(...old);
    out.rewards.after.push(...next);
    out.advantages.before.push(...oldAdvantages);
    out.advantages.after.push(...nextAdvantages);
    oldAdvantages.forEach((advantage, index) => {
      if (side(advantage) * side(nextAdvantages[index]) >= 0) return;
      const { step, group: number } = group;
      flips.push({ step, group: number, completion: index, before: advantage, after: nextAdvantages[index] });
    });
  }
  out.steps = [...byStep]
    .map(([step, { before, after }]) => ({ step, before: meanOf(before), after: meanOf(after) }))
    .sort((a, b) => a.step - b.step);
  out.flipped = flips.length;
  out.flips = flips.sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before)).slice(0, FLIPS);
  out.meanBefore /= out.completions || 1;
  out.meanAfter /= out.completions || 1;
  return out;
}

/** Weighted sum; a reward that does not apply adds nothing. */
const weighted = (rewards: Record<string, number | null>, weights: Weights): number =>
  Object.entries(weights).reduce((total, [name, weight]) => total + weight * (rewards[name] ?? 0), 0);

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const meanOf = (values: readonly number[]): number => sum(values) / (values.length || 1);
function advantages(rewards: readonly number[], scaled: boolean): number[] {
  const mean = sum(rewards) / rewards.length;
  const scale = scaled ? Math.sqrt(variance(rewards)) + 1e-4 : 1;
  return rewards.map((reward) => (reward - mean) / scale);
}

/** Rounding noise is no side. */
const side = (value: number): number => (Math.abs(value) < 1e-9 ? 0 : Math.sign(value));

function variance(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = sum(values) / values.length;
  const squares = sum(values.map((value) => (value - mean) ** 2)) / (values.length - 1);
  return squares < 1e-12 ? 0 : squares;
}
