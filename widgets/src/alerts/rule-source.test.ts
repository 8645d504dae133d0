import { expect, it } from 'vitest';
import { ruleOffers, unknownMetrics } from './rule-source.ts';

const LOGGED = ['my/own', 'kl'];
/** Labels that are offered at the place of the bar, and what is there already. */
function offered(text: string): { typed: string; labels: string[] } | null {
  const at = text.indexOf('|');
  const source = text.replace('|', '');
  const found = ruleOffers(LOGGED)(source, at);
  return found && { typed: source.slice(found.from, at), labels: found.offers.map(({ label }) => label) };
}

it.each([
  ["(m) => m.mean('|', 20) > 0.3", ''],
  ['(m) => m.now("rewards/acc|")', 'rewards/acc'],
  ['metrics => metrics.last(`k|', 'k'],
  ['function (m) {\n  return m.step > 3 && m.first(\n    "en|', 'en'],
  ["(m) => m.names.includes('k|')", 'k'],
])('offers metrics within the quotes of %s, those of the run first', (text, typed) => {
  const found = offered(text)!;
  expect(found.typed).toBe(typed);
  expect(found.labels.slice(0, 2)).toEqual(LOGGED);
  expect(found.labels).toEqual(expect.arrayContaining(['entropy', 'completions/clipped_ratio']));
  expect(found.labels.filter((label) => label === 'kl')).toHaveLength(1);
  expect(found.labels.some((label) => label.includes('{'))).toBe(false);
});

it('offers what m has after its dot, whatever it is called, and nothing elsewhere', () => {
  expect(offered('(m) => m.|')!.labels).toEqual(['step', 'now', 'last', 'first', 'mean', 'names']);
  expect(offered('(seen, config) => seen.me|')).toMatchObject({ typed: 'me' });
  for (const text of ["(m) => m.mean('kl', 20) > 0.3 && 'KL is |'", '(m) => config.|', '|', "(m) => m.step > 3 && console.log('|"])
    expect(offered(text)).toBeNull();
});

it('names metrics that nothing logs at their lines, with what may be meant', () => {
  const source =
    "(m) =>\n  m.mean('kl', 20) > 0.3 ||\n  m.now('entrpy') < 1 || m.last('rewards/mine/mean', 3).length > 2 || m.now(`answers/${'A'}`) > 1\n";
  expect(unknownMetrics(source, LOGGED)).toEqual([{ line: 3, message: 'No run logs a metric entrpy; did you mean entropy?' }]);
  expect(unknownMetrics("(m) => m.now('my/own')", LOGGED)).toEqual([]);
  expect(unknownMetrics("(m) => m.now('my/own')", [])).toHaveLength(1);
});
