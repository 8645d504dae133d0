/** How the charts of a view are drawn, all alike. */
import type { Axis } from './axis.ts';
import type { Smoothing } from './smoothing.ts';

export interface ChartSettings extends Smoothing {
  axis: Axis;
  logY: boolean;
  /** y spans the bulk of the values; what lies far outside is not seen. */
  ignoreOutliers: boolean;
  /** Runs with the same value of this key of their configurations are one line (groups.ts); null draws each run. */
  groupBy: string | null;
  /** Run whose rollouts the heat maps show; null, or one that is not shown, stands for the first. */
  heatRun: string | null;
  /** Visible part of x, shared by all charts; null = all. */
  range: [number, number] | null;
}
