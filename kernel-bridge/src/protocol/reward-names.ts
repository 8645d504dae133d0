/** How reward functions are named in configurations, weights and metrics. */

/** An entry of reward_funcs that names a file, not a built-in function. */
export const isRewardFile = (entry: string): boolean => /\.(ts|js|mts|mjs)$/.test(entry);

/** An entry of reward_funcs that names a Python function which a kernel serves: my_function.py for my_function. */
export const isKernelReward = (entry: string): boolean => /\.py$/.test(entry);

/** Built-in functions of which a run may have several, each with a label of its own: `pattern`, `pattern:units`. */
const LABELLED = ['pattern'];

/** The built-in function that a name means: `pattern` for `pattern:units`. No file and no Python function has a colon in its name. */
export function builtInName(name: string): string {
  const [first, label, ...more] = name.split(':');
  return LABELLED.includes(first) && more.length === 0 && /^[\w-]{1,40}$/.test(label ?? '') ? first : name;
}

/** The name by which another function of that kind is added; null where a run has one at most, and has it. */
export function nextName(name: string, taken: (name: string) => boolean): string | null {
  if (!taken(name)) return name;
  if (!LABELLED.includes(name)) return null;
  let count = 2;
  while (taken(`${name}:${count}`)) count++;
  return `${name}:${count}`;
}

/** The name a function goes by in weights and metrics: that of the built-in one, or the file's without folder and ending. */
export const rewardName = (entry: string): string =>
  isRewardFile(entry) || isKernelReward(entry)
    ? entry
        .split(/[\\/]/)
        .at(-1)!
        .replace(/\.([mc]?[tj]s|py)$/, '')
    : entry;
