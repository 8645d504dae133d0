/** The lines of a chart: the metrics of each run, or of each group of runs, with their columns, their names and how they are drawn. No DOM here. */
import { describeMetric } from '@medr1/kernel-bridge/protocol/metrics';
import type { RolloutStatistics } from '@medr1/kernel-bridge/protocol/statistics';
import { DASHES, type Palette } from '../theme.ts';
import { AXIS, axisValues, breaksOf, xOfSteps } from './axis.ts';
import { shortName, type ChartSpec } from './charts.ts';
import { isSparse } from './downsample.ts';
import { groupsBy, meansOf } from './groups.ts';
import type { ChartLine, ChartRun } from './line.ts';
import { columnOf, columnPlaces, lastRevision, rewardUnder } from './rollout-lines.ts';
import type { RolloutSource } from './rollout-source.ts';
import type { ChartSettings } from './settings.ts';
import { smoothed, type Smoothing } from './smoothing.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import type { Value } from './growing.ts';

/**
 * One run chosen: each metric has its hue. Several runs: each run keeps its hue in all charts, metrics differ by dash; `overlaid` stays true
 * while all but one of them are hidden, so that hiding a run changes the meaning of no colour.
 */
export function linesOf(
  chart: ChartSpec,
  runs: readonly ChartRun[],
  settings: ChartSettings,
  palette: Palette,
  overlaid = runs.length > 1,
): ChartLine[] {
  const lines = linesOfRuns(chart, runs, settings, palette, overlaid);
  if (settings.groupBy === null || !overlaid) return lines;
  const groups = groupsBy(
    runs.map(({ series }) => series),
    settings.groupBy,
  );
  return meansOf(lines, groups);
}

function linesOfRuns(
  chart: ChartSpec,
  runs: readonly ChartRun[],
  settings: ChartSettings,
  palette: Palette,
  overlaid: boolean,
): ChartLine[] {
  if (chart.from) return rolloutLines(chart, chart.from, runs, settings, palette, overlaid);
  const several = chart.metrics.length > 1;
  return runs.flatMap((run) => {
    const x = axisValues(run.series, settings.axis);
    if (x.length === 0) return [];
    const breaks = breaksAt(run.series.steps, run, settings);
    const lines: ChartLine[] = chart.metrics.flatMap((metric, place) => {
      const values = run.series.metrics.get(metric);
      if (!values) return [];
      const exact = describeMetric(metric)?.exact;
      const sparse = isSparse(values);
      const spread = chart.band ? run.series.metrics.get(chart.band) : undefined;
      const smoothing = sparse || exact ? AS_IT_IS : settings;
      const hue = overlaid || !several ? run.colour : place;
      const name = several ? shortName(chart, metric) : '';
      return {
        run,
        metric,
        who: run.series.name,
        label: overlaid ? [run.series.name, name].filter(Boolean).join(' · ') : name || metric,
        name,
        colour: palette.series[hue % palette.series.length],
        dash: several ? DASHES[place % DASHES.length] : dashOf(run, overlaid),
        shape: exact === 'setting' ? ('hv' as const) : ('linear' as const),
        sparse,
        x,
        breaks,
        raw: values,
        shown: smoothed(values, smoothing),
        spread: spread ? smoothed(spread, smoothing) : null,
      };
    });
    if (usesStatistics(chart, run.series)) lines.push(...underLastRevision(run, settings, palette, overlaid));
    if (usesTrial(chart)) lines.push(...asEdited(run, settings, palette, overlaid));
    return lines;
  });
}

/** Whether a chart draws something of a run's rollouts: all else stays as it is when more is known of them. */
export const usesStatistics = ({ id, from }: ChartSpec, series: FollowedRun): boolean =>
  from !== undefined || (id === 'reward' && lastRevision(series) !== null);

/** Whether a chart draws what a preview of edited rewards tells. */
export const usesTrial = ({ id }: ChartSpec): boolean => id === 'reward';

/** Places among these steps before which a line is lifted, on an axis that shows that the run stood still. */
const breaksAt = (steps: readonly number[], { series }: ChartRun, { axis }: ChartSettings): number[] =>
  AXIS[axis].breaks ? breaksOf(steps, series.standstills) : [];

const dashOf = (run: ChartRun, overlaid: boolean) => DASHES[(overlaid ? run.colour : 0) % DASHES.length];

type Style = Pick<ChartLine, 'colour' | 'dash' | 'label' | 'name'>;

/** A line with a point at the last step of each column of a run's statistics. */
function columnLine(
  run: ChartRun,
  statistics: RolloutStatistics,
  metric: string,
  values: Value[],
  settings: ChartSettings,
  style: Style,
): ChartLine {
  return {
    ...{ run, metric, who: run.series.name, shape: 'linear', sparse: false, spread: null },
    ...style,
    breaks: breaksAt(
      statistics.columns.map(([, last]) => last),
      run,
      settings,
    ),
    x: columnPlaces(run.series, statistics, settings.axis),
    raw: values,
    shown: smoothed(values, settings),
  };
}

/** Where rewards were edited: the reward as the newest revision would have given it all along, so that an edit is no collapse. */
function underLastRevision(run: ChartRun, settings: ChartSettings, { series }: Palette, overlaid: boolean): ChartLine[] {
  const revision = lastRevision(run.series);
  if (!run.statistics || !revision) return [];
  const values = rewardUnder(revision, run.series.revisions, run.statistics);
  if (values.every((value) => value === null)) return [];
  const name = `under revision ${revision.revision}`;
  const style = {
    name,
    label: overlaid ? `${run.series.name} · ${name}` : `reward ${name}`,
    colour: series[run.colour % series.length],
    dash: dashOf(run, overlaid) === 'dot' ? 'dash' : 'dot', // unlike the reward of the same run
  };
  return [columnLine(run, run.statistics, `reward ${name}`, values, settings, style)];
}

/** The past as the edited rewards would have rewarded it, as it is: a preview looks at few steps. */
function asEdited(run: ChartRun, settings: ChartSettings, { series }: Palette, overlaid: boolean): ChartLine[] {
  const { trial, colour } = run;
  if (!trial || trial.steps.length === 0) return [];
  const steps = trial.steps.map(({ step }) => step);
  const at = xOfSteps(run.series, settings.axis);
  const values = trial.steps.map(({ after }) => after);
  const name = 'as edited';
  return [
    {
      ...{ run, metric: `reward ${name}`, who: run.series.name, shape: 'linear', sparse: false, spread: null, name },
      label: overlaid ? `${run.series.name} · ${name}` : `reward ${name}`,
      colour: series[colour % series.length],
      dash: dashOf(run, overlaid) === 'dash' ? 'dot' : 'dash', // unlike the reward of the same run
      breaks: breaksAt(steps, run, settings),
      x: steps.map((step) => at(step) ?? 0),
      raw: values,
      shown: values,
    },
  ];
}

/** Of a distribution the median of each run, of a facet a line for each value. */
function rolloutLines(
  { metrics }: ChartSpec,
  source: RolloutSource,
  runs: readonly ChartRun[],
  settings: ChartSettings,
  { series, text }: Palette,
  overlaid: boolean,
): ChartLine[] {
  const several = metrics.length > 1;
  const onHeat = source.kind === 'distribution' && !settings.logY ? withHeat(runs, settings) : undefined;
  return runs.flatMap((run) => {
    if (!hasRollouts(run) || axisValues(run.series, settings.axis).length === 0) return [];
    const { statistics } = run;
    return metrics.flatMap((metric, place) => {
      const values = columnOf(source, metric, statistics);
      if (!values) return [];
      const name = several ? metric : '';
      return columnLine(run, statistics, metric, values, settings, {
        name,
        label: overlaid ? [run.series.name, name].filter(Boolean).join(' · ') : metric,
        colour: run === onHeat ? text : series[(overlaid || !several ? run.colour : place) % series.length],
        dash: several ? DASHES[place % DASHES.length] : dashOf(run, overlaid),
      });
    });
  });
}

/** The run whose heat map is drawn: the one that was chosen, else the first; its own line is in the colour of text, to be seen on it. */
export function withHeat(runs: readonly ChartRun[], { heatRun }: Pick<ChartSettings, 'heatRun'>): ChartRun | undefined {
  const some = runs.filter(hasRollouts);
  return some.find(({ series }) => series.id === heatRun) ?? some[0];
}

export const hasRollouts = (run: ChartRun): run is ChartRun & { statistics: RolloutStatistics } =>
  (run.statistics?.columns.length ?? 0) > 0;

const AS_IT_IS: Smoothing = { smoother: 'none', smoothing: 0, window: 1 };
