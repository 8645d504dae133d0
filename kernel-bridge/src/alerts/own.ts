/**
 * Rules of a user's own: TypeScript, an expression of a function (m, config) => false | text. It runs where users' rewards run, in QuickJS compiled to
 * WebAssembly without files, network or clock, and answers for a stretch of steps at a time. A rule that fails is silent and says why.
 */
import type { CheckedAlertRule } from '../protocol/alerts.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { printable } from '../protocol/printable.ts';
import { Sandbox } from '../rewards/sandbox/sandbox.ts';
import type { InForce, Rule } from './rule.ts';
import type { Series } from './series.ts';

/** Steps before a stretch that a rule can look back on. */
export const LOOK_BACK = 1000;
/** Longest text of an alert, in characters. */
const TEXT = 500;

/** What a rule may ask of the metrics, as seen from one step. */
const PRELUDE = `
const __view = (columns, steps, at) => {
  const finite = (v) => typeof v === 'number' && isFinite(v);
  const upTo = (name) => (columns[name] ?? []).slice(0, at + 1);
  return {
    step: steps[at],
    names: Object.keys(columns),
    now: (name) => columns[name]?.[at] ?? null,
    last: (name, n) => upTo(name).slice(-n).filter(finite),
    first: (name, n) => upTo(name).filter(finite).slice(0, n),
    mean: (name, n) => { const v = upTo(name).slice(-n).filter(finite); return v.length ? v.reduce((a, b) => a + b, 0) / v.length : null; },
  };
};
`;

const BEFORE = `${PRELUDE}
const __rule = (
`;
const LINES_BEFORE = BEFORE.split('\n').length - 1;

const moduleOf = (expression: string): string => `${BEFORE}${expression}
);
export default (_, { columns, steps, config, from }) => {
  let before = false;
  return _.map((__, i) => {
    const said = __rule(__view(columns, steps, from + i), config);
    if (said && !before) console.log(JSON.stringify([from + i, typeof said === 'string' ? said.slice(0, ${TEXT}) : '']));
    before = Boolean(said);
    return before ? 1 : 0;
  });
};
`;

export const ruleError = (name: string, what: string): WorkbenchError =>
  new WorkbenchError({
    code: 'ALERT_RULE',
    message: `The rule ${JSON.stringify(name)} cannot be used: ${what}`,
    remedy:
      "Write one function, for example (m) => m.mean('kl', 20) > 0.3 && 'KL above 0.3 over 20 steps'. docs/guides/alerts.md lists what m holds.",
    http: 422,
  });

export class OwnRule implements Disposable {
  readonly name: string;
  readonly #sandbox: Sandbox;
  /** What it said by step. */
  readonly #seen = new Map<number, string>();
  readonly #lines: number;
  #failure: CheckedAlertRule | null = null;

  constructor(name: string, source: string) {
    this.name = name;
    this.#lines = source.split('\n').length;
    this.#sandbox = new Sandbox({ file: `${name}.ts`, source: moduleOf(source) });
  }

  /** What is wrong with it; `line`: of its source, from 1. */
  get checked(): CheckedAlertRule {
    return this.#failure ?? { error: null, line: null };
  }

  /** Why it is silent, in words; null while it works. */
  get failure(): string | null {
    const { error, line } = this.checked;
    return error !== null && line !== null && this.#lines > 1 ? `line ${line}: ${error}` : error;
  }

  /** Asks it about steps `from` and later, before they are fed to the evaluator. `columns`: by metric, one value for each of `steps`. */
  async look(steps: readonly number[], columns: Readonly<Record<string, (number | null)[]>>, from: number, config: object): Promise<void> {
    if (this.#failure !== null) return;
    const first = steps.findIndex((step) => step >= from);
    if (first < 0) return;
    const completions = steps.slice(first).map(() => '');
    const outcome = await this.#sandbox.ask({
      kind: 'score',
      batch: { completions, columns: {}, constants: { columns, steps, config, from: first } },
    });
    if ('failure' in outcome) {
      const { what, line } = outcome.failure;
      // a function that is not closed is missed at the line after it
      this.#failure = { error: printable(what), line: line && Math.min(Math.max(line - LINES_BEFORE, 1), this.#lines) };
      return;
    }
    if (!('values' in outcome)) return;
    const texts = new Map(outcome.log.flatMap(entryOf));
    let text = '';
    outcome.values.forEach((value, i) => {
      if (!value) return;
      text = texts.get(first + i) ?? text;
      this.#seen.set(steps[first + i], text);
    });
  }

  /** Tries it on a run of no steps. Throws ALERT_RULE. */
  async try(): Promise<void> {
    await this.look([1], { reward: [0] }, 1, {});
    if (this.failure !== null) throw ruleError(this.name, this.failure);
  }

  /** As a row of the table. */
  get rule(): Rule {
    return {
      id: this.name,
      title: this.name,
      level: 'warning',
      metrics: [],
      window: 1,
      thresholds: {},
      why: 'A rule of your own.',
      seen: (series: Series, _t: object, _inForce: InForce) => {
        const said = this.#seen.get(series.step);
        return said === undefined ? null : { seen: printable(said) || `Seen at step ${series.step}.` };
      },
      remedies: () => [],
    };
  }

  [Symbol.dispose](): void {
    this.#sandbox[Symbol.dispose]();
  }
}

/** What is wrong with a rule that is being written; it is named by nobody yet. */
export async function checkedRule(source: string): Promise<CheckedAlertRule> {
  using rule = new OwnRule('rule', source);
  await rule.look([1], { reward: [0] }, 1, {});
  return rule.checked;
}

function entryOf(line: string): [number, string][] {
  try {
    const [at, text] = JSON.parse(line) as [number, string];
    return typeof at === 'number' && typeof text === 'string' ? [[at, text]] : [];
  } catch {
    return []; // what the rule itself logged
  }
}
