/**
 * One row of the fault matrix as tests: so many tries, each with random numbers of its own, all counted; then the control, which must break.
 *
 *     npm test -- faults                 a minute's worth
 *     npm test -- faults --whole         all of it; -t D3 one row
 *     MEDR1_SEED=random                  other random numbers (the seed is printed), or a number
 *     MEDR1_TRY=17 or 100-199            of each row only these tries, with the random numbers that they had among the others
 */
import { AssertionError } from 'node:assert';
import { describe, expect, it } from 'vitest';
import { mixSeed, mulberry32 } from '../../kernel-bridge/src/stats/random.ts';
import { report, type Outcome } from './report.ts';
import { ROWS, type Row, type RowId } from './rows.ts';

export const WHOLE = process.env.MEDR1_FAULTS === 'whole';
const SEED = process.env.MEDR1_SEED === 'random' ? Math.floor(Math.random() * 2 ** 32) : Number(process.env.MEDR1_SEED ?? 1);
const [FIRST, LAST = FIRST] = process.env.MEDR1_TRY?.split('-').map(Number) ?? [0, Infinity];
const piece = { seed: SEED, whole: WHOLE, tries: process.env.MEDR1_TRY ?? 'all' };

/** Uniform in [0, 1). */
export type Random = () => number;

/** From 0 to below `n`. */
export const below = (random: Random, n: number): number => Math.floor(random() * n);
export const oneOf = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)];

/** The promise is broken: what a control has to throw. Failed expectations count as well, errors of another kind do not. */
export class Broken extends Error {}

/** Throws Broken. */
export function holds(what: boolean, otherwise: string): asserts what {
  if (!what) throw new Broken(otherwise);
}

export interface Fault {
  /** What this machine lacks for it; nothing where it lacks nothing. */
  lacks?: string | null;
  /** Made before the first try and the control. */
  setUp?: () => Promise<void>;
  tearDown?: () => Promise<void>;
  /** For a row that tries every place: how many there are. Fewer tries take that many of them by chance. */
  places?: () => Promise<number>;
  /** One try, at one of the places where there are such. Throws where the promise is broken. What it answers is counted. */
  attempt: (random: Random, place: number) => Promise<string | void>;
  /** One try with the protection off. */
  control: (random: Random, place: number) => Promise<unknown>;
  /** Tries of the control; one that need not show itself each time takes more. */
  controls?: number;
}

export function fault(id: RowId, { lacks = null, setUp, tearDown, places, attempt, control, controls = 1 }: Fault): void {
  const row: Row = ROWS[id];
  const title = `${id} ${row.promise}`;
  if (lacks !== null) {
    process.stdout.write(`${title}: skipped, ${lacks}\n`);
    describe.skip(`${title} (skipped: ${lacks})`, () => it('is not tried', () => {}));
    report(id, piece, { skipped: lacks });
    return;
  }
  describe(title, () => {
    const kinds = new Map<string, number>();
    const outcome: Outcome = { tried: 0, broken: 0, controls: 0, controlsBroken: 0 };

    it(row.how, async () => {
      await setUp?.();
      const failures: string[] = [];
      for (const [n, place] of (await placesOf(row, places, mixSeed(SEED, hashOf(id)))).entries()) {
        if (n < FIRST || n > LAST) continue;
        outcome.tried++;
        try {
          const kind = await attempt(randomOf(id, n), place);
          if (kind) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        } catch (error) {
          failures.push(`try ${n}, place ${place}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        }
      }
      outcome.broken = failures.length;
      outcome.kinds = Object.fromEntries([...kinds].sort(([a], [b]) => (a < b ? -1 : 1)));
      process.stdout.write(`${id}: ${outcome.tried - failures.length} of ${outcome.tried} held, MEDR1_SEED=${SEED}${kindsLine(outcome)}\n`);
      report(id, piece, outcome);
      expect(
        failures.slice(0, 3).join('\n\n'),
        `${failures.length} of ${outcome.tried} tries broke the promise; MEDR1_SEED=${SEED} MEDR1_TRY=N does one again`,
      ).toBe('');
    });

    it(`control: ${row.control}`, async () => {
      try {
        for (let n = 0; n < controls; n++) {
          const broke = await breaks(() => control(randomOf(`${id} control`, n), n));
          outcome.controls++;
          if (broke) outcome.controlsBroken++;
        }
        process.stdout.write(`${id}: control broke ${outcome.controlsBroken} of ${outcome.controls} times\n`);
        report(id, piece, outcome);
        expect(outcome.controlsBroken, 'the test does not see what it is there to see').toBeGreaterThan(0);
      } finally {
        await tearDown?.();
      }
    });
  });
}

async function breaks(control: () => Promise<unknown>): Promise<boolean> {
  try {
    await control();
    return false;
  } catch (error) {
    const seen = error instanceof Broken || error instanceof AssertionError || (error as Error).name === 'AssertionError';
    if (!seen) throw error;
    return true;
  }
}

/** Each try's own, whatever the tries before it drew. */
const randomOf = (name: string, n: number): Random => mulberry32(mixSeed(SEED, hashOf(name), n));

const hashOf = (name: string): number => mixSeed(...[...name].map((letter) => letter.codePointAt(0)!));

/** The places to try: all, or some by chance; without places the number of the try. */
async function placesOf(row: Row, places: Fault['places'], seed: number): Promise<number[]> {
  const wanted = WHOLE ? row.whole : row.minute;
  const all = places ? await places() : wanted === 'every' ? 0 : wanted;
  const list = Array.from({ length: all }, (_, place) => place);
  const tries = wanted === 'every' ? all : wanted;
  if (!places || tries >= all) return list;
  const random = mulberry32(seed);
  return Array.from({ length: tries }, () => list.splice(below(random, list.length), 1)[0]);
}

const kindsLine = ({ kinds = {} }: Outcome): string =>
  Object.keys(kinds).length === 0
    ? ''
    : ` (${Object.entries(kinds)
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', ')})`;
