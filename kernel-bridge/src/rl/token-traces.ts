/** What an update saw of each token: kept with the rollouts, so that views can colour by it. */
import { torch, type Tensor } from '../torch/index.ts';
import type { Completion } from '../protocol/index.ts';

/** Of one completion, [T] each; null = this update has none. */
export type TokenTrace = Pick<Completion, 'entropy' | 'kl' | 'ratio' | 'clipped'>;

type Facts = Record<keyof TokenTrace, Tensor | null>;

/** Facts [B, T], or [B, 1] where a sequence has one, of completions of these token ids [B]. All come to the host in one transfer. */
export function tokenTraces(facts: Facts, completions: readonly number[][]): TokenTrace[] {
  const names = (Object.keys(facts) as (keyof Facts)[]).filter((name) => facts[name] !== null);
  const [B, T] = [completions.length, Math.max(0, ...completions.map((ids) => ids.length))];
  if (names.length === 0 || T === 0) return completions.map(() => ({ entropy: null, kl: null, ratio: null, clipped: null }));
  const layers = names.map((name) => torch.expand(facts[name]!.detach().to({ dtype: 'float32' }), [B, T]));
  const values = torch.stack(layers).toFloat32(); // [names, B, T]
  const row = (name: keyof Facts, b: number): number[] | null => {
    const from = (names.indexOf(name) * B + b) * T;
    return facts[name] === null ? null : Array.from(values.subarray(from, from + completions[b].length));
  };
  return completions.map((_, b) => ({
    entropy: row('entropy', b),
    kl: row('kl', b),
    ratio: row('ratio', b),
    clipped: row('clipped', b)?.map((value) => value === 1) ?? null,
  }));
}
