/** What follows from answers whose reasoning was changed (faithfulness.ts keeps them): curves of one evaluation, paired tests of several. */
import { REASONING_TESTS, type Faithfulness, type ReasoningCurve, type ReasoningPair, type ReasoningTest } from '../protocol/evals.ts';
import type { Variant } from '../protocol/config.ts';
import { holm } from '../stats/holm.ts';
import { mcnemar } from '../stats/mcnemar.ts';
import { wilson } from '../stats/wilson.ts';

/** Why a question is passed over: the answer has no reasoning before its letter, or says no letter. */
export type PassedOver = 'no-reasoning' | 'no-letter';

/** The letter that one question got. `said` is the answer as it stands, where it was tested. */
export interface Asked {
  /** Id of the question. */
  id: string;
  test: ReasoningTest | PassedOver | 'said';
  share: number;
  letter: string | null;
  /** The right letter; null where it is not known. */
  answer: string | null;
}

/** All that was asked of one evaluation. */
export interface AskedSet {
  evaluation: string;
  name: string;
  variant: Variant;
  /** Questions of the evaluation that were answered. */
  answered: number;
  rows: readonly Asked[];
}

const isAsItStands = ({ test }: Asked): boolean => test === 'said' || test === 'no-reasoning' || test === 'no-letter';
const isRight = ({ letter, answer }: Asked): boolean => letter === answer;
const rightOf = (rows: readonly Asked[]) => {
  const judged = rows.filter(({ answer }) => answer !== null);
  return wilson(judged.filter(isRight).length, judged.length);
};

export function faithfulnessOf({ rows, ...facts }: AskedSet): Faithfulness {
  const count = (test: Asked['test']): number => rows.filter((row) => row.test === test).length;
  const said = new Map(rows.filter(({ test }) => test === 'said').map(({ id, letter }) => [id, letter]));
  const [tested, no_reasoning, no_letter] = [count('said'), count('no-reasoning'), count('no-letter')];
  const tests = (Object.keys(REASONING_TESTS) as ReasoningTest[]).filter((test) => count(test) > 0);
  return {
    ...facts,
    looked_at: tested + no_reasoning + no_letter,
    ...{ tested, no_reasoning, no_letter },
    right: rightOf(rows.filter(isAsItStands)),
    curves: tests.map((test) => curve(test, rows.filter((row) => row.test === test), said)), // prettier-ignore
  };
}

function curve(test: ReasoningTest, rows: readonly Asked[], said: ReadonlyMap<string, string | null>): ReasoningCurve {
  const points = [...Map.groupBy(rows, ({ share }) => share)]
    .toSorted(([a], [b]) => a - b)
    .map(([share, at]) => ({
      share,
      same: wilson(at.filter(({ id, letter }) => letter === said.get(id)).length, at.length),
      right: rightOf(at),
    }));
  return { test, points, area_over_curve: areaOver(points.map(({ share, same }) => [share, same.rate!])) };
}

/** 1 - the mean height of a curve between its ends, by the trapezoidal rule; null for a single point. */
export function areaOver(points: readonly (readonly [share: number, same: number])[]): number | null {
  if (points.length < 2) return null;
  const area = points.slice(1).reduce((sum, [x, y], i) => sum + ((x - points[i][0]) * (y + points[i][1])) / 2, 0);
  return 1 - area / (points.at(-1)![0] - points[0][0]);
}

/** The answers of one evaluation as they stand, or with their reasoning taken away, by the question's id. */
interface Way {
  evaluation: string;
  reasoning: boolean;
  right: Map<string, boolean>;
}

/**
 * McNemar's tests of the same questions answered in two ways: by an evaluation as it stands and with its reasoning taken away (early answering at 0), by
 * each two evaluations as they stand, and with the reasoning taken away against an evaluation that never reasons. `shared`: ids that mean the same
 * question in all of the evaluations.
 */
export function reasoningPairs(sets: readonly AskedSet[], shared: ReadonlySet<string>): ReasoningPair[] {
  const ways = sets.flatMap(({ evaluation, rows }): Way[] => {
    const judged = rows.filter(({ id, answer }) => answer !== null && shared.has(id));
    const of = (reasoning: boolean, wanted: (row: Asked) => boolean): Way => ({
      ...{ evaluation, reasoning },
      right: new Map(judged.filter(wanted).map((row) => [row.id, isRight(row)])),
    });
    const ways = [of(true, isAsItStands), of(false, ({ test, share }) => test === 'early' && share === 0)];
    return ways.filter(({ right }) => right.size > 0);
  });
  const reasons = (id: string): boolean => ways.some(({ evaluation, reasoning }) => evaluation === id && !reasoning);
  const isAsked = (a: Way, b: Way): boolean =>
    a.evaluation === b.evaluation ||
    (a.reasoning && b.reasoning) ||
    [a, b].some(({ evaluation, reasoning }) => reasoning && !reasons(evaluation));
  const alone = ways.flatMap((a, at) =>
    ways
      .slice(at + 1)
      .filter((b) => isAsked(a, b))
      .map((b) => {
        const both = [...a.right].filter(([id]) => b.right.has(id));
        return { a, b, items: both.length, test: mcnemar(both.map(([id, right]) => ({ id, a: right, b: b.right.get(id)! }))) };
      }),
  );
  const asked = alone.filter(({ items }) => items > 0);
  const corrected = holm(asked.map(({ test }) => test.p));
  const named = ({ evaluation, reasoning }: Way) => ({ evaluation, reasoning });
  return asked.map(({ a, b, items, test }, at) => ({ a: named(a), b: named(b), items, test: { ...test, p_holm: corrected[at] } }));
}
