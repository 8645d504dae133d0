/** Where the completions of a group part: a tree of shared beginnings, token by token. */

/** A stretch that some completions have in common. */
export interface Beginning {
  /** Tokens `from` up to, without, `to` of each of them. */
  from: number;
  to: number;
  /** Places in the list of completions. */
  completions: number[];
  /** Where they part, the largest first; empty where all that is left is the same, or nothing. */
  children: Beginning[];
}

/** `lists`: token ids of each completion. Each end of the tree is one completion, or several that say the same to the end. */
export function beginnings(lists: readonly (readonly number[])[]): Beginning {
  const all = lists.map((_, i) => i);
  const root: Beginning = { from: 0, to: 0, completions: all, children: [] };
  const open = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    const own = node.completions.map((i) => lists[i]);
    while (own.every((ids) => node!.to < ids.length && ids[node!.to] === own[0][node!.to])) node.to++;
    const at = node.to;
    if (own.every((ids) => ids.length === at)) continue;
    const groups = [...Map.groupBy(node.completions, (i) => (at < lists[i].length ? lists[i][at] : null)).values()];
    node.children = groups
      .toSorted((a, b) => b.length - a.length || a[0] - b[0])
      .map((completions) => ({ from: at, to: at, completions, children: [] }));
    open.push(...node.children);
  }
  return root;
}
