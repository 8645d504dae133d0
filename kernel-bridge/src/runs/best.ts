/** Which checkpoint is the best one, by Hugging Face's metric_for_best_model and greater_is_better. */
import type { DatabaseSync } from 'node:sqlite';
import type { TrainConfig } from '../protocol/config.ts';

/** transformers takes the name with or without its prefix. */
export const evalMetric = (name: string): string => (name.startsWith('eval_') ? name : `eval_${name}`);

/**
 * The step of the best checkpoint that is left, by the last value logged up to the step it was written at; of equals the first, as in
 * transformers. Null without metric_for_best_model, and before there is a value.
 */
export function bestCheckpoint(db: DatabaseSync, config: TrainConfig): number | null {
  const { metric_for_best_model = null, greater_is_better = null } = config;
  if (metric_for_best_model === null) return null;
  const name = evalMetric(metric_for_best_model);
  const sign = (greater_is_better ?? !name.endsWith('loss')) ? 1 : -1;
  const rows = db
    .prepare(
      `SELECT step, (SELECT value FROM metric JOIN metric_name ON id = name_id
                     WHERE name = ? AND metric.step <= checkpoint.step AND value IS NOT NULL ORDER BY metric.step DESC LIMIT 1) AS value
       FROM checkpoint ORDER BY step`,
    )
    .all(name) as { step: number; value: number | null }[];
  let best: { step: number; value: number } | null = null;
  for (const { step, value } of rows) {
    if (value !== null && (best === null || sign * value > sign * best.value)) best = { step, value };
  }
  return best?.step ?? null;
}
