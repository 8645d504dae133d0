/** How reward functions are named in configurations, weights and metrics. */

/** An entry of reward_funcs that names a file, not a built-in function. */
export const isRewardFile = (entry: string): boolean => /\.(ts|js|mts|mjs)$/.test(entry);

/** An entry of reward_funcs that names a Python function which a kernel serves: my_function.py for my_function. */
export const isKernelReward = (entry: string): boolean => /\.py$/.test(entry);

/** The name a function goes by in weights and metrics: that of the built-in one, or the file's without folder and ending. */
export const rewardName = (entry: string): string =>
  isRewardFile(entry) || isKernelReward(entry)
    ? entry
        .split(/[\\/]/)
        .at(-1)!
        .replace(/\.([mc]?[tj]s|py)$/, '')
    : entry;
