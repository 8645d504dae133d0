/** The numbers of charts as CSV. No DOM here. */
import type { Axis } from './axis.ts';
import type { ChartSpec } from './charts.ts';
import type { ChartLine, ChartRun } from './line.ts';

/** Numbers of lines as CSV, a row a point: what is drawn of statistics has points of its own. */
export function csvOfLines(lines: readonly ChartLine[], axis: Axis): string {
  const rows = lines.flatMap(({ run, metric, x, raw }) =>
    x.map((at, i) => [quoted(run.series.id), quoted(run.series.name), quoted(metric), at, raw[i] ?? ''].join(',')),
  );
  return `${[`run,name,line,${axis},value`, ...rows].join('\n')}\n`;
}

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The charts' numbers as CSV: run, its name, step, time and one column per metric; missing stays empty. */
export function csv(runs: readonly ChartRun[], charts: readonly ChartSpec[]): string {
  const metrics = [
    ...new Set(charts.filter(({ from }) => !from).flatMap((chart) => [...chart.metrics, ...(chart.band ? [chart.band] : [])])),
  ];
  const head = ['run', 'name', 'step', 'time_ms', ...metrics].map(quoted).join(',');
  const rows = runs.flatMap(({ series }) =>
    series.steps.map((step, index) =>
      [
        quoted(series.id),
        quoted(series.name),
        step,
        series.times[index],
        ...metrics.map((name) => series.metrics.get(name)?.[index] ?? ''),
      ].join(','),
    ),
  );
  return `${[head, ...rows].join('\n')}\n`;
}
