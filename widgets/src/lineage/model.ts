/** Related runs as a tree over steps: which run left which, where, and what happened to each on its way. No DOM. */
import { lastInherited } from '@medr1/kernel-bridge/protocol/run';
import type { EvalSummary, RewardRevision, RunDetail, RunEvent, RunSummary } from '../connector.ts';
import { integer, number } from '../format.ts';
import { rewardChanges } from '../store/marks.ts';

/** A run in its family. One that was removed is known by what its forks say of it. */
export interface Relative {
  id: string;
  name: string;
  /** null where it was removed. */
  run: RunSummary | null;
  /** Id of the run that it was forked from, and the last step that both share. */
  parent: string | null;
  from: number;
  /** Its last step; of a removed run the last that a fork took over. */
  to: number;
  /** 0 = no fork. */
  depth: number;
  /** Rows between its parent's and its own. */
  up: number;
}

type Node = Omit<Relative, 'depth' | 'up'>;

/** The runs that are related to one by forks, however far: each parent above its forks, of these the ones that left it last first. */
export function familyOf(runs: readonly RunSummary[], id: string): Relative[] {
  const nodes = nodesOf(runs);
  if (!nodes.has(id)) return [];
  const children = Map.groupBy(nodes.values(), ({ parent }) => parent);
  const family: Relative[] = [];
  const seen = new Set<string>();
  const walk = (node: Node, depth: number, above: number): void => {
    if (seen.has(node.id)) return; // a database from elsewhere may name a run its own ancestor
    seen.add(node.id);
    const at = family.push({ ...node, depth, up: family.length - above }) - 1;
    // the one that left last stands nearest: no line from a fork to its parent crosses another run
    const forks = (children.get(node.id) ?? []).toSorted((a, b) => b.from - a.from || createdAt(a) - createdAt(b));
    for (const fork of forks) walk(fork, depth + 1, at);
  };
  walk(rootOf(nodes, id), 0, 0);
  return family;
}

const createdAt = ({ run }: Node): number => run?.created_at ?? 0;

function rootOf(nodes: ReadonlyMap<string, Node>, id: string): Node {
  let node = nodes.get(id)!;
  const seen = new Set([id]);
  while (node.parent !== null && !seen.has(node.parent)) {
    seen.add(node.parent);
    node = nodes.get(node.parent)!;
  }
  return node;
}

function nodesOf(runs: readonly RunSummary[]): Map<string, Node> {
  const nodes = new Map<string, Node>();
  for (const run of runs) {
    const from = run.parent === null ? 0 : lastInherited(run.inherited);
    nodes.set(run.id, { id: run.id, name: run.name, run, parent: run.parent, from, to: Math.max(from, run.step) });
  }
  for (const { parent, inherited } of runs) {
    inherited.forEach(({ run: id, name, to }, at) => {
      const known = nodes.get(id);
      if (known) known.to = Math.max(known.to, to);
      else nodes.set(id, { id, name, run: null, parent: inherited[at - 1]?.run ?? null, from: inherited[at - 1]?.to ?? 0, to });
    });
    // a parent that is gone and trained none of the steps is named by its id alone
    if (parent !== null && !nodes.has(parent))
      nodes.set(parent, {
        id: parent,
        name: parent,
        run: null,
        parent: inherited.at(-1)?.run ?? null,
        from: lastInherited(inherited),
        to: lastInherited(inherited),
      });
  }
  return nodes;
}

/** What a view reads of a run beside its summary. */
export interface Way {
  detail: RunDetail;
  /** Alerts, and evaluations that the training made or that another trainer logged. */
  events: readonly RunEvent[];
}

export interface Happening {
  kind: 'fork' | 'rewards' | 'checkpoint' | 'evaluation' | 'dropped';
  /** null: a revision that waits for the next step. */
  step: number | null;
  title: string;
  text: string;
  /** Id of the stored evaluation, or of the fork. */
  id?: string;
}

export const KINDS: Record<Happening['kind'], { glyph: string; label: string }> = {
  fork: { glyph: '↳', label: 'fork' },
  rewards: { glyph: '▼', label: 'revision' },
  checkpoint: { glyph: '◆', label: 'checkpoint' },
  evaluation: { glyph: '✓', label: 'evaluation' },
  dropped: { glyph: '↶', label: 'roll-back' },
};

/** What happened in the steps that a run made itself, oldest first. Of a fork its own first revision stands at its first step. */
export function happenings(
  relative: Relative,
  { detail, events }: Way,
  evaluations: readonly EvalSummary[],
  family: readonly Relative[],
): Happening[] {
  const { id, from } = relative;
  const own = (step: number | null): boolean => step === null || step > from;
  const revisions = detail.rewards.flatMap((revision, at): Happening[] => {
    if (at === 0 || !own(revision.step)) return [];
    const changes = rewardChanges(detail.rewards[at - 1], revision).join(', ');
    return [{ kind: 'rewards', step: revision.step, title: `revision ${revision.revision}`, text: joined(changes, revision.reason) }];
  });
  const checkpoints = detail.checkpoints
    .filter(({ step }) => step >= from)
    .map(({ step, reason, pinned }): Happening => ({
      kind: 'checkpoint',
      step,
      title: 'checkpoint',
      text: pinned ? `${reason}, kept` : reason,
    }));
  const dropped = events.flatMap((event): Happening[] =>
    event.kind === 'alert' && event.code === 'STEPS_DROPPED' && own(event.step + 1)
      ? [{ kind: 'dropped', step: event.step, title: 'steps dropped', text: event.message }]
      : [],
  );
  const evaluated = evaluations
    .filter(({ settings }) => settings.run === id && settings.step !== null)
    .map((one): Happening => ({ kind: 'evaluation', step: one.settings.step, title: one.name, text: accuracyOf(one), id: one.id }));
  const logged = events.flatMap((event): Happening[] =>
    event.kind === 'evaluation' && own(event.step)
      ? [{ kind: 'evaluation', step: event.step, title: 'evaluated in training', text: figuresOf(event.metrics) }]
      : [],
  );
  const forks = family
    .filter(({ parent }) => parent === id)
    .map((fork): Happening => ({ kind: 'fork', step: fork.from, title: fork.name, text: 'forked here', id: fork.id }));
  const all = [...checkpoints, ...revisions, ...dropped, ...logged, ...evaluated, ...forks];
  return all.sort((a, b) => (a.step ?? Infinity) - (b.step ?? Infinity));
}

const joined = (...parts: string[]): string => parts.filter(Boolean).join('. ');

/** Answers under controls count in `done` and `total`, and not in what is right. */
const accuracyOf = ({ state, strict, done, total }: EvalSummary): string =>
  state === 'finished' && strict.rate !== null
    ? `${(100 * strict.rate).toFixed(1)} % right of ${integer(strict.total)} questions`
    : `${state}, ${integer(done)} of ${integer(total)} answers`;

/** By the names of the workbench and of TRL, the most telling first. */
const TELLING = [/^eval_accuracy$/, /^eval_rewards\/accuracy\w*\/mean$/, /^eval_reward$/, /^eval_loss$/];

/** The telling ones of what an evaluation logged; where it has none of them, what it logged first. */
function figuresOf(metrics: Readonly<Record<string, number | null>>): string {
  const names = Object.keys(metrics);
  const telling = TELLING.flatMap((pattern) => names.filter((name) => pattern.test(name)));
  return (telling.length > 0 ? telling : names.slice(0, 1)).map((name) => `${name} ${number(metrics[name])}`).join(', ');
}

export interface Changes {
  /** "format 1 → 0.2", "beta 0.04 → 0.02". */
  phrases: string[];
  /** Functions of users that came, went or have another source: '' where there is none. */
  sources: { name: string; file: string; before: string; after: string }[];
}

/** What a fork began with, against what its parent had there: rewards and live settings. */
export function changesAtFork(
  parent: readonly RewardRevision[],
  child: readonly RewardRevision[],
  { from, to }: Pick<Relative, 'from' | 'to'>,
): Changes {
  // the revision that a fork is made with waits until the fork's first step
  const begun = to > from ? revisionAt(child, from + 1) : child.at(-1);
  return changesBetween(revisionAt(parent, from), begun);
}

/** The same between what is in force in both at their newest steps. */
export const changesNow = (parent: readonly RewardRevision[], child: readonly RewardRevision[]): Changes =>
  changesBetween(parent.at(-1), child.at(-1));

const revisionAt = (revisions: readonly RewardRevision[], step: number): RewardRevision | undefined =>
  revisions.findLast((one) => one.step !== null && one.step <= step);

function changesBetween(before: RewardRevision | undefined, after: RewardRevision | undefined): Changes {
  if (!before || !after) return { phrases: [], sources: [] };
  const names = [...new Set([...Object.keys(before.sources), ...Object.keys(after.sources)])];
  const sources = names.map((name) => ({
    name,
    file: (after.sources[name] ?? before.sources[name]).file,
    before: before.sources[name]?.source ?? '',
    after: after.sources[name]?.source ?? '',
  }));
  return { phrases: rewardChanges(before, after), sources: sources.filter((one) => one.before !== one.after) };
}
