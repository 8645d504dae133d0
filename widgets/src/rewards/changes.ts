/** What Apply will do, as one diff: a line for each function, its parameters and its source. */
import { valueText } from '../store/marks.ts';
import { diffOf, type DiffLine } from './diff.ts';
import { liveOf, type Draft, type Functions } from './model.ts';

type Sources = Record<string, { file: string; source: string } | undefined>;

/** The diff from what is in force to what a draft asks for; empty where they are alike. */
export function changesBetween(current: Functions, draft: Draft): DiffLine[] {
  const { parameters, weight_schedules } = liveOf(draft, current);
  const after = { weights: draft.weights, parameters, weight_schedules, sources: { ...current.sources, ...draft.files } };
  return diffOf(textOf(current), textOf(after));
}

/** Functions in their order, so that one that comes or goes is a line of its own, whatever stands beside it. */
function textOf({ weights, parameters = {}, weight_schedules = {}, sources }: Omit<Functions, 'sources'> & { sources: Sources }): string {
  return Object.entries(weights)
    .flatMap(([name, weight]) => {
      const own = sources[name];
      return [
        `${name}: weight ${valueText(weight_schedules[name] ?? weight)}${own ? `, ${own.file}` : ''}`,
        ...Object.entries(parameters[name] ?? {}).map(([key, value]) => `${name}: ${key} ${valueText(value)}`),
        ...(own ? [own.source] : []),
      ];
    })
    .map((line) => (line.endsWith('\n') ? line : `${line}\n`))
    .join('');
}
