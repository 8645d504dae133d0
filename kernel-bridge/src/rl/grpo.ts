/**
 * The GRPO update (DeepSeekMath eq. 3 and 4; TRL's _compute_loss). Symbols: README.md.
 *
 * How it differs from TRL, each with its test:
 * - a group's prompt is run once, not G times ("gives the loss and gradients of TRL", test/parity/grpo.test.ts);
 * - micro-batches keep the order of the groups, TRL shuffles completions over them (same file: with one micro-batch nothing differs);
 * - an update whose loss or gradient is not finite is left out ("skips an update that is not finite, ...", grpo-trainer.test.ts).
 */
import { backward, keep, noGrad, scope, tensor, torch, type Tensor } from '../torch/index.ts';
import { groupLogps, type EncodedPrompt, type Model } from '../models/index.ts';
import type { TrainConfig } from '../protocol/index.ts';
import type { Rows } from './micro-batches.ts';
import { importanceRatio, k3, logRatioOf, LOSSES, metricMean, type StepScale } from './loss/index.ts';
import type { Meters } from './meters.ts';
import { tokenTraces, type TokenTrace } from './token-traces.ts';

/** Completions that go through the model together: B in all, the longest T tokens. */
export interface MicroBatch {
  prompts: EncodedPrompt[];
  /** [prompt][completion] token ids, end token included. */
  completions: number[][][];
  /** A of each completion, [B]. */
  advantages: number[];
  /** False = left out of the loss (mask_truncated_completions), [B]. */
  counted: boolean[];
  /** Log-probabilities under the policy that sampled, [B, T]; null = this is that policy, so the ratio is 1. */
  logpOld: Tensor | null;
  /** Under the reference, [B, T]; null when beta is 0. */
  logpRef: Tensor | null;
}

/** Micro-batches of the step, and tokens of it that count. */
export function scaleOf(batch: readonly Pick<MicroBatch, 'completions' | 'counted'>[]): StepScale {
  const lengths = batch.flatMap(({ completions, counted }) => completions.flat().map((ids, i) => (counted[i] ? ids.length : 0)));
  return { accumulation: batch.length, tokens: lengths.reduce((sum, length) => sum + length, 0) };
}

/**
 * Loss of one step, or of a shard of it, its gradients added to those of the policy's weights. Metrics go to `meters` by TRL's names.
 * The caller clips and steps the optimiser. `scale`: of the whole step. `traces`: one of each completion, in the order of the batch.
 */
export function grpoUpdate(
  policy: Model,
  batch: MicroBatch[],
  config: TrainConfig,
  meters: Meters,
  scale: StepScale = scaleOf(batch),
): { loss: number; traces: TokenTrace[] } {
  const { beta, temperature, importance_sampling_level } = config;
  const { surrogate, normalise, metrics, clips } = LOSSES[config.loss_type];
  const { device } = policy;

  const parts = batch.map((micro) =>
    scope(() => {
      const A = tensor(micro.advantages, { dtype: 'float32', device, shape: [micro.advantages.length, 1] }); // [B, 1]
      const { logps: logp, entropy, mask: sampled } = groupLogps(policy, micro.prompts, micro.completions, { temperature }); // [B, T]
      const counted = tensor(micro.counted.map(Number), { dtype: 'float32', device, shape: [micro.counted.length, 1] }); // [B, 1]
      const mask = torch.mul(sampled.to({ dtype: 'float32' }), counted); // [B, T]

      const logpOld = micro.logpOld ?? logp.detach(); // [B, T]
      const logRatio = logRatioOf(logp, logpOld, mask); // [B, T]
      const rho = importanceRatio(logRatio, mask, importance_sampling_level); // [B, T] or [B, 1]
      let tokenLoss = torch.neg(surrogate(rho, A, logp, config, logRatio)); // [B, T] or [B, 1]
      const klRef = micro.logpRef && k3(logp, micro.logpRef); // [B, T]
      if (klRef !== null) {
        const kl = config.use_bias_correction_kl ? torch.mul(klRef, rho) : klRef; // rho takes a gradient here too
        tokenLoss = torch.add(tokenLoss, torch.mul(kl, beta)); // [B, T]
        meters.add('kl', metricMean(torch.mul(kl, mask), mask)); // [B, 1] is taken for one value a sequence, so 0 where nothing counts
      }
      const loss = normalise(tokenLoss, mask, scale, config); // []
      backward(loss);

      if (entropy !== null) meters.add('entropy', metricMean(torch.mul(entropy, mask), mask));
      meters.addAll(metrics(rho, A, mask, config, logRatio));
      const moved = micro.logpOld !== null; // else every ratio is 1
      const seen = { entropy, kl: klRef, ratio: moved ? rho : null, clipped: moved ? clips(rho, A, config) : null };
      return { loss: loss.item(), traces: tokenTraces(seen, micro.completions.flat()) };
    }),
  );
  return { loss: parts.reduce((sum, { loss }) => sum + loss, 0), traces: parts.flatMap(({ traces }) => traces) };
}

/** Log-probabilities of these rows under a model as it is now, [B, T], no gradient; the caller frees them. */
export function frozenLogps(model: Model, { prompts, completions }: Pick<Rows, 'prompts' | 'completions'>, temperature: number): Tensor {
  return keep(scope(() => noGrad(() => groupLogps(model, prompts, completions, { temperature, entropy: false }).logps)));
}
