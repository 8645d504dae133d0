/** Sources of users' own rules: what an editor offers while one is written, and names of metrics that nothing logs. No DOM. */
import { describeMetric, METRICS } from '@medr1/kernel-bridge/protocol/metrics';
import { nearest } from '@medr1/kernel-bridge/protocol/nearest';
import type { EditorProblem, Offer, OffersAt } from '../code-editor.ts';

/** What a rule may ask of the metrics (docs/guides/alerts.md). */
const VIEW: readonly Offer[] = [
  ['step', 'number', 'The step that is looked at.'],
  ['now', '(name) => number | null', 'Value at this step.'],
  ['last', '(name, n) => number[]', 'Values of the last n steps.'],
  ['first', '(name, n) => number[]', 'The first n values of the run.'],
  ['mean', '(name, n) => number | null', 'Mean of the last n steps.'],
  ['names', 'string[]', 'Metrics that the run logs.'],
].map(([label, detail, info]) => ({ label, kind: 'property', detail, info }));

/** A name of a metric within its quotes: of a call as m.mean('kl', 20), or m.names.includes('kl'). */
const CALL = String.raw`[\w$]+\s*\??\.\s*(?:now|last|first|mean|names\s*\.\s*includes)\s*\(\s*(['"` + '`])';

/** Names are offered within the quotes that ask for a metric, those that the run logs first, and what `m` has after its dot. */
export const ruleOffers =
  (logged: readonly string[]): OffersAt =>
  (source, at) => {
    const before = source.slice(0, at);
    const quoted = new RegExp(`${CALL}([^'"\`\\n]*)$`).exec(before);
    if (quoted) return { from: at - quoted[2].length, offers: metricOffers(logged) };
    const member = /([\w$]+)\s*\??\.\s*([\w$]*)$/.exec(before);
    return member && member[1] === viewName(source) ? { from: at - member[2].length, offers: VIEW } : null;
  };

function metricOffers(logged: readonly string[]): Offer[] {
  const known = METRICS.map(({ name }) => name).filter((name) => !name.includes('{'));
  return [...new Set([...logged, ...known])].map((label) => {
    const { unit, text } = describeMetric(label) ?? {};
    return { label, kind: 'variable', ...(unit && { detail: unit }), ...(text && { info: text }) };
  });
}

/** What the function calls its first parameter. */
const viewName = (source: string): string | undefined => /^\s*(?:async\s+)?(?:function\b[^(]*)?\(?\s*([\w$]+)/.exec(source)?.[1];

/** Metrics by names that neither the run nor any trainer logs, at their lines. */
export function unknownMetrics(source: string, logged: readonly string[]): EditorProblem[] {
  const names = new Set(logged);
  return [...source.matchAll(new RegExp(`${CALL}([^'"\`$\\n]+)\\1`, 'g'))].flatMap(({ index, 2: name }) => {
    if (names.has(name) || describeMetric(name)) return [];
    const near = nearest(name, [...names, ...METRICS.map((one) => one.name)]);
    const line = source.slice(0, index).split('\n').length;
    return [{ line, message: `No run logs a metric ${name}${near === undefined ? '' : `; did you mean ${near}?`}` }];
  });
}
