/** What one H100 is to reach with the 2B model in bfloat16, 16 prompts x 8 completions x 128 tokens at 384 px, beside what was measured. */
import type { ModelConfig } from '../../src/models/shapes.ts';
import { leastSeconds, type Machine, type Work } from './roofline.ts';

const GOALS = { rolloutsPerSecond: 20, decodeShare: 0.6, peakBytes: 60e9 };

export interface GpuFigures {
  /** Seconds and completions of a whole step, and the most memory in it. */
  step: { seconds: number; peak_bytes: number };
  completions: number;
  /** Seconds from one token of each of `rows` completions to the next. */
  decode: { token_seconds?: number; rows?: number };
}

export function gpuGoals(config: ModelConfig, work: Work, { step, completions, decode }: GpuFigures, machine: Machine) {
  const { token_seconds: taken = NaN, rows = 0 } = decode;
  const share = leastTokenSeconds(config, { ...work, B: rows / work.G }, machine) / taken;
  const rate = completions / step.seconds;
  return [
    {
      what: 'rollouts a second, whole step',
      measured: rate.toFixed(1),
      goal: `${GOALS.rolloutsPerSecond}`,
      met: rate >= GOALS.rolloutsPerSecond,
    },
    {
      what: `decoding, share of the roofline at batch ${rows}`,
      measured: `${(100 * share).toFixed(0)} % (${(1000 * taken).toFixed(2)} ms a token)`,
      goal: `${100 * GOALS.decodeShare} %`,
      met: share >= GOALS.decodeShare,
    },
    {
      what: 'peak memory of a step',
      measured: `${(step.peak_bytes / 1e9).toFixed(1)} GB`,
      goal: `under ${GOALS.peakBytes / 1e9} GB`,
      met: step.peak_bytes < GOALS.peakBytes,
    },
  ];
}

/** The mean over a completion; the first token comes with its prompt. */
function leastTokenSeconds(config: ModelConfig, work: Work, machine: Machine): number {
  const sampling = (T: number): number => leastSeconds(config, { ...work, T }, machine).sampling;
  return (sampling(work.T) - sampling(1)) / (work.T - 1);
}
