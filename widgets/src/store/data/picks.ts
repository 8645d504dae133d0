/** Which questions are picked: by hand, or all that pass the filter. All is kept as the rule, not as a list. */

export type Picks = { all: true } | { all: false; ids: ReadonlySet<string> };

export const NO_PICKS: Picks = { all: false, ids: new Set() };
export const ALL: Picks = { all: true };

export const picked = (picks: Picks, ids: readonly string[]): boolean => picks.all || ids.every((id) => picks.ids.has(id));

export const pickOnly = (ids: Iterable<string>): Picks => ({ all: false, ids: new Set(ids) });

/** Adds, or takes away when all of them were there. From `all`, picking begins anew. */
export function pickToggle(picks: Picks, ids: readonly string[]): Picks {
  if (picks.all) return pickOnly(ids);
  if (!picked(picks, ids)) return pickOnly([...picks.ids, ...ids]);
  const rest = new Set(picks.ids);
  for (const id of ids) rest.delete(id);
  return pickOnly(rest);
}
