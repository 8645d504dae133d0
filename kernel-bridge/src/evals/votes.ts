/** What several samples of a question are worth: the accuracy of the majority of N of them, exactly, over all ways to choose N of the samples there are. */
import type { Reading, Votes } from '../protocol/evals.ts';
import { READINGS } from '../protocol/evals.ts';
import { wilson } from '../stats/wilson.ts';
import type { Sample } from './store.ts';

/** Samples of one question, and the letter that is right. */
export interface Sampled {
  answer: string | null;
  samples: readonly Sample[];
}

/** Over the questions that have all `wanted` samples; null where none has. */
export function votes(questions: readonly Sampled[], wanted: number, temperature: number): Votes | null {
  const whole = questions
    .filter(({ samples }) => samples.length >= wanted)
    .map(({ answer, samples }) => ({ answer, samples: samples.slice(0, wanted) }));
  if (whole.length === 0 || wanted === 0) return null;
  const tokens = whole.flatMap(({ samples }) => samples).reduce((sum, sample) => sum + sample.tokens, 0) / (whole.length * wanted);
  const [strict, tolerant] = READINGS.map((reading) => sharesOf(whole, wanted, reading));
  return {
    ...{ temperature, samples: wanted, questions: whole.length },
    by_count: Array.from({ length: wanted }, (_, at) => ({
      n: at + 1,
      tokens: (at + 1) * tokens,
      strict: strict[at],
      tolerant: tolerant[at],
    })),
  };
}

type VoteShare = Votes['by_count'][number][Reading];

function sharesOf(questions: readonly Sampled[], wanted: number, reading: Reading): VoteShare[] {
  const known = new Map<string, Chances>();
  const majority = new Array<number>(wanted).fill(0);
  const any = new Array<number>(wanted).fill(0);
  for (const { answer, samples } of questions) {
    const counts = countsOf(answer, samples, reading);
    const key = `${counts.right} ${counts.others.join()} ${counts.unread}`;
    const chances = known.get(key) ?? chancesOf(counts);
    known.set(key, chances);
    for (let at = 0; at < wanted; at++) {
      majority[at] += chances.majority[at];
      any[at] += chances.any[at];
    }
  }
  return majority.map((sum, at) => {
    const { low, high } = wilson(sum, questions.length);
    return { majority: sum / questions.length, low: low!, high: high!, any: any[at] / questions.length };
  });
}

/** How many samples say the right letter, each other letter (largest first), and nothing that can be read. */
export interface Counts {
  right: number;
  others: readonly number[];
  unread: number;
}

function countsOf(answer: string | null, samples: readonly Sample[], reading: Reading): Counts {
  const by = new Map<string | null, number>();
  for (const { [reading]: letter } of samples) by.set(letter, (by.get(letter) ?? 0) + 1);
  const others = [...by].filter(([letter]) => letter !== null && letter !== answer).map(([, count]) => count);
  return { right: answer === null ? 0 : (by.get(answer) ?? 0), others: others.toSorted((a, b) => b - a), unread: by.get(null) ?? 0 };
}

interface Chances {
  majority: number[];
  any: number[];
}

/** For every N from 1 to all: how often N of the samples, chosen at random, have a right majority, and a right one among them. */
export function chancesOf({ right, others, unread }: Counts): Chances {
  const all = right + unread + others.reduce((sum, count) => sum + count, 0);
  const majority = new Array<number>(all).fill(0);
  for (let votes = 1; votes <= right; votes++) {
    // ways[ties][size]: to choose so many of the other samples that none of the other letters has more votes and `ties` of them have as many
    let ways: number[][] = [Array.from({ length: all + 1 }, (_, size) => choose(unread, size))];
    for (const count of others) {
      const next = Array.from({ length: ways.length + 1 }, () => new Array<number>(all + 1).fill(0));
      ways.forEach((row, ties) =>
        row.forEach((before, size) => {
          if (before === 0) return;
          for (let taken = 0; taken <= Math.min(count, votes) && size + taken <= all; taken++)
            next[ties + Number(taken === votes)][size + taken] += before * choose(count, taken);
        }),
      );
      ways = next;
    }
    for (let n = votes; n <= all; n++) {
      const shared = ways.reduce((sum, row, ties) => sum + row[n - votes] / (ties + 1), 0);
      majority[n - 1] += (choose(right, votes) * shared) / choose(all, n);
    }
  }
  const any = Array.from({ length: all }, (_, at) => 1 - choose(all - right, at + 1) / choose(all, at + 1));
  return { majority: majority.map((chance) => Math.min(1, chance)), any };
}

/** Binomial coefficients; up to 64 they are exact enough as floats. */
function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let ways = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) ways = (ways * (n - i + 1)) / i;
  return ways;
}
