/** What a rule of alerts is, the product's own (rules.ts) and one that somebody wrote (own.ts). */
import type { AlertEvidence, AlertLevel, AlertRemedy } from '../protocol/alerts.ts';
import type { TrainConfig } from '../protocol/config.ts';
import type { Series } from './series.ts';

/** What a run is made by at this step: its configuration with the live settings, and weights, in force. Imported runs may say nothing. */
export interface InForce {
  config: Partial<TrainConfig>;
  weights: Readonly<Record<string, number>>;
}

export interface Finding {
  /** What was seen, in words and numbers. */
  seen: string;
  level?: AlertLevel;
  /** The metrics that show it, where they depend on what was seen. */
  metrics?: string[];
  evidence?: Omit<AlertEvidence, 'step'>;
  /** For the remedies. */
  of?: string;
}

export interface Threshold {
  value: number;
  text: string;
}

export interface Rule {
  id: string;
  title: string;
  level: AlertLevel;
  /** That it reads. `{...}` stands for any text. A rule whose metrics a run does not log is silent. */
  metrics: readonly string[];
  /** Steps that it looks at. */
  window: number;
  thresholds: Readonly<Record<string, Threshold>>;
  /** What it says about the run. */
  why: string;
  evidence?: Omit<AlertEvidence, 'step'>;
  /** What is seen at the newest step of the series. `t`: thresholds in force. */
  seen(series: Series, t: Readonly<Record<string, number>>, inForce: InForce): Finding | null;
  remedies(inForce: InForce, finding: Finding): AlertRemedy[];
}
