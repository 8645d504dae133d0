/** Alerts as the view lists them, and what their remedies open. No DOM. */
import type { Alert, AlertRemedy } from '../connector.ts';
import type { RewardDraft } from '../store/reward-drafts.ts';

export const LEVELS: Record<Alert['level'], { glyph: string; label: string }> = {
  critical: { glyph: '⚠', label: 'critical' },
  warning: { glyph: '⚠', label: 'warning' },
  info: { glyph: '○', label: 'worth knowing' },
};

export interface Parts {
  /** Still seen at the newest step, the gravest first. */
  now: Alert[];
  /** Seen before, the newest first. */
  earlier: Alert[];
  /** Told no more. */
  snoozed: Alert[];
}

const GRAVITY: Alert['level'][] = ['critical', 'warning', 'info'];

export function partsOf(alerts: readonly Alert[]): Parts {
  const told = alerts.filter(({ snoozed }) => !snoozed);
  return {
    // of one level the first comes first: it is nearest to the cause
    now: told.filter(({ on }) => on).toSorted((a, b) => GRAVITY.indexOf(a.level) - GRAVITY.indexOf(b.level) || a.since - b.since),
    earlier: told.filter(({ on }) => !on).toReversed(),
    snoozed: alerts.filter(({ snoozed }) => snoozed),
  };
}

/** The weights of a remedy as a draft of the Rewards view, over those in force or drafted; null where none of its functions is there. */
export function draftOf(remedy: AlertRemedy, alert: Alert, inForce: RewardDraft): RewardDraft | null {
  const known = Object.entries(remedy.weights ?? {}).filter(([name]) => name in inForce.weights);
  if (known.length === 0) return null;
  return { ...inForce, weights: { ...inForce.weights, ...Object.fromEntries(known) }, reason: `${alert.title} (step ${alert.since})` };
}

/** Settings as the form of settings and that of a fork have them typed. */
export const typedSettings = ({ settings = {} }: AlertRemedy): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, value === null ? '' : String(value)]));

/** "beta = 0.04" a line. */
export const linesOf = (remedy: AlertRemedy): string =>
  Object.entries(typedSettings(remedy))
    .map(([key, value]) => `${key} = ${value}`)
    .join('\n');

/** "steps 41 to 60", "since step 41". */
export const spanOf = ({ since, last, on }: Alert): string =>
  on ? `since step ${since}` : since === last ? `step ${since}` : `steps ${since} to ${last}`;
