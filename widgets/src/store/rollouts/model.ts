/** The rollouts of one step: read once, kept for going back and forth, filtered and sorted for the list. */
import { lettered, opensThink, splitCompletion } from '@medr1/kernel-bridge/answers';
import type { Inherited } from '@medr1/kernel-bridge/protocol/run';
import type { Completion, Connector, ErrorBody, Group } from '../../connector.ts';
import { Latest } from '../../load.ts';
import { readable } from '../../marked.ts';
import { Observable } from '../../observable.ts';
import { COLOURINGS, type Colouring } from './colouring.ts';

export const SORTS = {
  order: 'in order',
  advantage: 'advantage spread',
  spread: 'reward spread',
  low: 'lowest mean',
  high: 'highest mean',
} as const;
export type Sort = keyof typeof SORTS;
export const SHOWN = {
  all: 'all',
  right: 'all right',
  wrong: 'all wrong',
  mixed: 'mixed',
  flat: 'no spread',
  cut: '⚠ cut off',
  unread: '⚠ no readable answer',
  stray: '⚠ text outside the tags',
} as const;
export type Shown = keyof typeof SHOWN;

export interface RolloutsState {
  status: 'idle' | 'loading' | 'ready' | 'error';
  run: string | null;
  step: number | null;
  groups: Group[];
  error: ErrorBody | null;
  sort: Sort;
  shown: Shown;
  modality: string | null;
  /** Question type. */
  type: string | null;
  search: string;
  /** Completions that say the same are shown once. */
  fold: boolean;
  layout: Layout;
  /** How tokens are coloured. */
  colouring: Colouring;
}

/** What a reader chose, kept with the workspace. */
/** How the completions of a group stand. */
export const LAYOUTS = {
  list: 'one after another',
  differences: 'against the chosen one',
  tree: 'tree of beginnings',
} as const;
export type Layout = keyof typeof LAYOUTS;

type Chosen = Pick<RolloutsState, 'sort' | 'shown' | 'modality' | 'type' | 'search' | 'fold' | 'layout' | 'colouring'>;

/** Steps kept in memory. */
const KEPT = 24;
const LIMIT = 256;
/** Between two steps that are shown while following. */
const PACE_MS = 1000;

export class RolloutsModel {
  readonly state = new Observable<RolloutsState>({
    status: 'idle',
    run: null,
    step: null,
    groups: [],
    error: null,
    sort: 'order',
    shown: 'all',
    modality: null,
    type: null,
    search: '',
    fold: false,
    layout: 'list',
    colouring: 'off',
  });
  readonly #connector: Connector;
  readonly #cache = new Map<string, Group[]>();
  readonly #groups = new Latest<Group[]>();
  #wanted = '';
  #newest: { run: string; step: number } | null = null;
  #following = false;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  set(change: Partial<Chosen>): void {
    this.state.update((state) => ({ ...state, ...change }));
  }

  toJSON(): Chosen {
    const { sort, shown, modality, type, search, fold, layout, colouring } = this.state.value;
    return { sort, shown, modality, type, search, fold, layout, colouring };
  }

  /** Takes what is well formed of a stored choice. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const given = json as Record<string, unknown>;
    const next: Partial<Chosen> = {};
    const oneOf = (key: 'sort' | 'shown' | 'layout' | 'colouring', names: object): void => {
      if (typeof given[key] === 'string' && Object.hasOwn(names, given[key])) Object.assign(next, { [key]: given[key] });
    };
    oneOf('sort', SORTS);
    oneOf('shown', SHOWN);
    oneOf('layout', LAYOUTS);
    oneOf('colouring', COLOURINGS);
    for (const key of ['modality', 'type'] as const) if (typeof given[key] === 'string') next[key] = given[key];
    if (typeof given.search === 'string') next.search = given.search;
    if (typeof given.fold === 'boolean') next.fold = given.fold;
    this.set(next);
  }

  /**
   * Shows this step; what is on screen stays until the new groups are there. The last call wins. A step that used earlier rollouts again
   * shows those: they are up to `iterations` - 1 steps back. `updates`: how many later ones were made on them, each of which adds to what
   * is stored.
   */
  async show(run: string, step: number, { updates = 0, iterations = 1 } = {}): Promise<void> {
    const key = `${run}:${step}:${updates}`;
    const { state } = this;
    if (key === this.#wanted && state.value.status !== 'error') return;
    this.#wanted = key;
    const known = this.#cache.get(key);
    if (known) {
      this.#groups.stop();
      return this.#ready(run, step, known);
    }
    const sameRun = state.value.run === run && state.value.status === 'ready';
    state.update((now) => ({ ...now, run, error: null, ...(sameRun ? {} : { status: 'loading' as const, step, groups: [] }) }));
    const came = await this.#groups.ask(async (signal) => {
      let groups: Group[] = [];
      for (let back = 0; back < iterations && step > back && groups.length === 0; back++)
        ({ groups } = await this.#connector.groups(run, { step: step - back, limit: LIMIT }, signal));
      return groups;
    });
    if (came?.status === 'ready') {
      this.#keep(key, came.value);
      this.#ready(run, step, came.value);
    } else if (came) state.update((now) => ({ ...now, ...came, step, groups: [] }));
  }

  /** Shows the newest step, at a pace one can read: while a step is read or fresh on screen, only the newest of those that come is kept. */
  async follow(run: string, step: number, iterations = 1): Promise<void> {
    this.#newest = { run, step };
    if (this.#following) return;
    this.#following = true;
    try {
      while (this.#newest) {
        const { run, step } = this.#newest;
        this.#newest = null;
        await this.show(run, step, { iterations });
        await new Promise((resolve) => setTimeout(resolve, PACE_MS));
      }
    } finally {
      this.#following = false;
    }
  }

  /** A step was chosen: what was to follow is dropped. */
  unfollow(): void {
    this.#newest = null;
  }

  #ready(run: string, step: number, groups: Group[]): void {
    this.state.update((now) => ({ ...now, status: 'ready', run, step, groups, error: null }));
  }

  #keep(key: string, groups: Group[]): void {
    this.#cache.set(key, groups);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= KEPT) break;
      this.#cache.delete(oldest);
    }
  }
}

/** Completions that say the same, token by token, and got the same rewards: one stands for the others. In the order of the first of each. */
export function alike(completions: readonly Completion[]): { one: Completion; others: Completion[] }[] {
  const said = Map.groupBy(completions, ({ token_ids, text, rewards }) => JSON.stringify([token_ids, text, rewards]));
  return [...said.values()].map(([one, ...others]) => ({ one, others }));
}

/** Index of the first token at which the completions of a group do not all say the same; null where they all do. */
export function partsAt(completions: readonly Completion[]): number | null {
  const all = completions.map(({ token_ids }) => token_ids);
  const longest = Math.max(0, ...all.map(({ length }) => length));
  for (let at = 0; at < longest; at++) if (new Set(all.map((ids) => ids[at])).size > 1) return at;
  return null;
}

export interface GroupSummary {
  right: number;
  /** Completions whose answer could be judged. */
  judged: number;
  mean: number | null;
  spread: number | null;
  rewards: number[];
}

/** As `frac_reward_zero_std` takes it (torch.isclose): what is left of rounding is no spread. */
const ROUNDING = 1e-8;

export function summarise(group: Group): GroupSummary {
  const judged = group.completions.filter(({ correct }) => correct !== null);
  return {
    right: judged.filter(({ correct }) => correct).length,
    judged: judged.length,
    mean: group.reward_mean,
    spread: group.reward_std !== null && group.reward_std <= ROUNDING ? 0 : group.reward_std,
    rewards: group.completions.map(({ reward }) => reward ?? 0),
  };
}

/** Groups that pass the filters, in the order asked for. */
export function visibleGroups(state: Pick<RolloutsState, 'groups' | 'sort' | 'shown' | 'modality' | 'type' | 'search'>): Group[] {
  const hits = state.groups.filter(
    (group) =>
      passes(group, state.shown) &&
      (state.modality === null || group.modality === state.modality) &&
      (state.type === null || group.question_type === state.type) &&
      hitsOf(group, state.search)?.size !== 0,
  );
  const by: Record<Sort, (a: Group, b: Group) => number> = {
    order: (a, b) => a.step - b.step || a.group - b.group,
    advantage: (a, b) => advantageSpread(b) - advantageSpread(a),
    spread: (a, b) => (b.reward_std ?? -1) - (a.reward_std ?? -1),
    low: (a, b) => (a.reward_mean ?? Infinity) - (b.reward_mean ?? Infinity),
    high: (a, b) => (b.reward_mean ?? -Infinity) - (a.reward_mean ?? -Infinity),
  };
  return hits.sort(by[state.sort]);
}

/** From the lowest to the highest advantage of the group. */
function advantageSpread({ completions }: Group): number {
  const advantages = completions.map(({ advantage }) => advantage ?? 0);
  return Math.max(...advantages) - Math.min(...advantages);
}

function passes(group: Group, shown: Shown): boolean {
  const { right, judged, spread } = summarise(group);
  switch (shown) {
    case 'all':
      return true;
    case 'right':
      return judged > 0 && right === judged;
    case 'wrong':
      return judged > 0 && right === 0;
    case 'mixed':
      return right > 0 && right < judged;
    case 'flat':
      return spread === 0;
    case 'cut':
      return group.completions.some((one) => one.finish_reason === 'length');
    case 'unread':
      return group.completions.some((one) => one.prediction === null);
    case 'stray':
      return group.completions.some(({ text }) =>
        splitCompletion(text, { thinkOpen: opensThink(group.prompt) }).some(
          ({ kind, opened }) => kind === 'outside' || opened === 'nobody',
        ),
      );
  }
}

interface Texts {
  /** Question, options, modality and type. */
  head: string;
  completions: string[];
}
const texts = new WeakMap<Group, Texts>();
/** Everything that the search looks in, lower case; made once for a group. */
function textsOf(group: Group): Texts {
  let found = texts.get(group);
  if (found === undefined) {
    found = {
      head: [group.question, ...group.options, group.modality, group.question_type].join('\n').toLowerCase(),
      completions: group.completions.map(({ text }) => text.toLowerCase()),
    };
    texts.set(group, found);
  }
  return found;
}

const wordsOf = (search: string): string[] => search.toLowerCase().split(/\s+/).filter(Boolean);

/**
 * Indexes of the completions that hold every word which the question does not hold; null where nothing is searched for, or the question
 * holds every word: then no completion is told from another.
 */
export function hitsOf(group: Group, search: string): ReadonlySet<number> | null {
  const { head, completions } = textsOf(group);
  const words = wordsOf(search).filter((word) => !head.includes(word));
  if (words.length === 0) return null;
  return new Set(group.completions.flatMap(({ index }, at) => (words.every((word) => completions[at].includes(word)) ? [index] : [])));
}

/** Where a search matches, for marking; null where nothing is searched for. */
export function termOf(search: string): RegExp | null {
  const words = wordsOf(search).map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return words.length === 0 ? null : new RegExp(words.toSorted((a, b) => b.length - a.length).join('|'), 'giu');
}

/** The right option as people read it: "C) CT". */
export function goldText({ answer, options }: Pick<Group, 'answer' | 'options'>): string {
  return answer === null ? '–' : lettered(answer, options);
}

/** Whether it is known what tokens the completions were: logs of other trainers hold their texts alone. */
export const hasTokens = ({ completions }: Group): boolean => completions.some(({ token_ids }) => token_ids.length > 0);

export const tokenCount = (completion: Completion): number => completion.token_ids.length;

/** A run whose steps a fork began with, and the variant that it sampled them under, where that was kept. */
export const samplerName = ({ name, variant }: Inherited): string => `${readable(name)}${variant === null ? '' : ` (${variant})`}`;
