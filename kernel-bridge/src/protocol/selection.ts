/** The one selection that all views share, as a value. Without a schema, so that pages load no more than they need. */
export interface Selection {
  dataset: string | null;
  item: string | null;
  runs: string[];
  /** null = follow the newest step. */
  step: number | null;
  group: number | null;
  completion: number | null;
  token: number | null;
  variant: string | null;
  /** What the Compare view compares: evaluations by id, or runs as `RUN@STEP:VARIANT`. */
  evaluations: string[];
  /** Id of the saved search that the Search view shows. */
  search: string | null;
}

export const NOTHING: Selection = {
  dataset: null,
  item: null,
  runs: [],
  step: null,
  group: null,
  completion: null,
  token: null,
  variant: null,
  evaluations: [],
  search: null,
};

/** Parts that lose their meaning when the named one changes. */
const DEPENDENTS: Partial<Record<keyof Selection, (keyof Selection)[]>> = {
  runs: ['step', 'group', 'completion', 'token'],
  step: ['group', 'completion', 'token'],
  group: ['completion', 'token'],
  completion: ['token'],
  dataset: ['item', 'group', 'completion', 'token'],
  item: ['group', 'completion', 'token'],
};

/** A group is of one question: it goes when another group comes, or when the step of its own changes. */
function losesItem(key: keyof Selection, change: Partial<Selection>, before: Selection): boolean {
  return key === 'group' ? change.group !== null : key === 'step' && before.group !== null;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Runs are compared by the first alone: the other runs are drawn over it, and adding one of them moves nothing else. */
const valueOf = (selection: Partial<Selection>, key: keyof Selection): unknown => (key === 'runs' ? selection.runs?.[0] : selection[key]);

/**
 * The selection with some parts moved; what hangs on a changed part is dropped unless given too, so that parts never contradict each
 * other: a group and a question are selected together only where the one is of the other. The same object when nothing changed.
 */
export function moved(selection: Selection, change: Partial<Selection>): Selection {
  const next: Selection = { ...selection };
  for (const key of Object.keys(change) as (keyof Selection)[]) {
    if (valueOf(change, key) === valueOf(selection, key)) continue;
    if (losesItem(key, change, selection)) next.item = null;
    for (const dependent of DEPENDENTS[key] ?? []) Object.assign(next, { [dependent]: NOTHING[dependent] });
  }
  Object.assign(next, change);
  return same(next, selection) ? selection : next;
}
