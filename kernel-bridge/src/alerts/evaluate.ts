/**
 * The rules over a run, step by step. Pure: the same metrics in the same order give the same alerts, however they are handed over, so that a server that
 * follows a run and a command that reads one that has ended see the same.
 */
import type { Alert } from '../protocol/alerts.ts';
import type { Finding, InForce, Rule } from './rule.ts';
import { RULES } from './rules.ts';
import { Series, type Metrics } from './series.ts';

/** Which rules are looked at, and from which values on, where it differs from the table. */
export interface Sensitivity {
  off: readonly string[];
  thresholds: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export type Onset = Omit<Alert, 'snoozed'>;

/** A rule that was seen must be away for so many steps of its window before it begins anew. */
const QUIET_WINDOWS = 2;
const QUIET_LEAST = 10;

export class Evaluator {
  readonly series: Series;
  /** In the order in which they began; the same objects are kept up. */
  readonly onsets: Onset[] = [];
  readonly #rules: readonly { rule: Rule; thresholds: Record<string, number>; quiet: number }[];
  readonly #current = new Map<string, Onset>();

  /** `stride`: of the series. */
  constructor({ off, thresholds }: Sensitivity = { off: [], thresholds: {} }, rules: readonly Rule[] = RULES, stride = 1) {
    this.series = new Series(stride);
    this.#rules = rules
      .filter(({ id }) => !off.includes(id))
      .map((rule) => {
        const defaults = Object.entries(rule.thresholds).map(([name, { value }]) => [name, value] as const);
        const given = thresholds[rule.id] ?? {};
        const inForce = Object.fromEntries(defaults.map(([name, value]) => [name, given[name] ?? value]));
        return { rule, thresholds: inForce, quiet: Math.max(QUIET_LEAST, QUIET_WINDOWS * rule.window) * stride };
      });
  }

  /** What was logged at a step, or by an evaluation after it. Returns the alerts that begin with it, the nearest to the cause first. */
  feed(step: number, metrics: Metrics, inForce: InForce): Onset[] {
    this.series.add(step, metrics);
    const began: Onset[] = [];
    for (const { rule, thresholds, quiet } of this.#rules) {
      const finding = rule.seen(this.series, thresholds, inForce);
      const current = this.#current.get(rule.id);
      if (finding && current) current.last = step;
      if (finding && !current) began.push(this.#begin(rule, finding, step, inForce));
      // a check that only some steps make stays seen until the next one
      if (!finding && current && step - current.last >= quiet && this.#isNews(rule, step)) {
        current.on = false;
        this.#current.delete(rule.id);
      }
    }
    return began;
  }

  /** Whether what the rule reads was logged at this step: without a new value there is no word of its end. */
  #isNews(rule: Rule, step: number): boolean {
    return rule.metrics.some((name) => name.includes('{') || this.series.now(name) !== undefined) && step === this.series.step;
  }

  #begin(rule: Rule, finding: Finding, step: number, inForce: InForce): Onset {
    const onset: Onset = {
      rule: rule.id,
      title: rule.title,
      level: finding.level ?? rule.level,
      since: step,
      last: step,
      on: true,
      seen: finding.seen,
      why: rule.why,
      metrics: finding.metrics ?? rule.metrics.filter((name) => !name.includes('{')),
      evidence: { step, ...(finding.evidence ?? rule.evidence) },
      remedies: rule.remedies(inForce, finding),
    };
    this.#current.set(rule.id, onset);
    this.onsets.push(onset);
    return onset;
  }
}
