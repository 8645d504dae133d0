/** Which stored evaluations are meant by a run, a checkpoint or a variant. */
import { VARIANTS } from '../protocol/config.ts';
import type { EvalSummary } from '../protocol/evals.ts';
import { errors } from './errors.ts';

const NAME = new RegExp(`^(.+?)(?:@(\\d+))?(?::(${VARIANTS.join('|')}))?$`, 's');

/**
 * An evaluation for each name: the id of one, or a run by id or name, `RUN`, `RUN@STEP`, `RUN:VARIANT`, `RUN@STEP:VARIANT`. Of a run's evaluations
 * those are taken that let most of the names meet on the same questions; of these the one asked as the run was trained, of the latest step, the newest.
 * Throws EVAL_UNKNOWN.
 */
export function chooseEvaluations(summaries: readonly EvalSummary[], names: readonly string[]): EvalSummary[] {
  const candidates = names.map((name) => {
    const found = candidatesFor(summaries, name);
    if (found.length === 0) throw errors.noneOf(name);
    return found.toSorted(better);
  });
  const order = splitsByUse(candidates);
  return candidates.map((found) => {
    const hash = order.find((split) => found.some(({ split_hash }) => split_hash === split));
    return found.find(({ split_hash }) => split_hash === hash)!;
  });
}

function candidatesFor(summaries: readonly EvalSummary[], name: string): EvalSummary[] {
  const named = summaries.find(({ id }) => id === name);
  if (named) return [named];
  const [, run, step, variant] = NAME.exec(name) ?? [null, name];
  return summaries.filter(
    ({ settings, run_name, strict }) =>
      (settings.run === run || (settings.run !== null && run_name === run)) &&
      (step === undefined || settings.step === Number(step)) &&
      (variant === undefined || settings.variant === variant) &&
      strict.total > 0,
  );
}

const better = (a: EvalSummary, b: EvalSummary): number =>
  Number(isAskedAsTrained(b)) - Number(isAskedAsTrained(a)) ||
  (b.settings.step ?? 0) - (a.settings.step ?? 0) ||
  b.created_at - a.created_at;

const isAskedAsTrained = ({ trained, settings }: EvalSummary): boolean => trained !== null && trained.variant === settings.variant;

/** Hashes of splits, those first in which most names have an evaluation, then those with most answers. */
function splitsByUse(candidates: readonly (readonly EvalSummary[])[]): string[] {
  const uses = new Map<string, { names: number; answers: number }>();
  for (const found of candidates)
    for (const [hash, of] of Map.groupBy(found, ({ split_hash }) => split_hash)) {
      const use = uses.get(hash) ?? { names: 0, answers: 0 };
      use.names++;
      use.answers = Math.max(use.answers, ...of.map(({ strict }) => strict.total));
      uses.set(hash, use);
    }
  return [...uses].toSorted(([, a], [, b]) => b.names - a.names || b.answers - a.answers).map(([hash]) => hash);
}
