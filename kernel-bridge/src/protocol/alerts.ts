/** Alerts: what a rule saw in a run's metrics, and what can be done about it. The rules themselves are in src/alerts/rules.ts. */
import Type from 'typebox';

const Nullable = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

export const ALERT_LEVELS = ['info', 'warning', 'critical'] as const;
export type AlertLevel = (typeof ALERT_LEVELS)[number];
const Level = Type.Unsafe<AlertLevel>(Type.String({ enum: [...ALERT_LEVELS] }));

export const AlertRemedy = Type.Object({
  kind: Type.Unsafe<'settings' | 'weights' | 'rollback' | 'fork' | 'look'>(
    Type.String({
      enum: ['settings', 'weights', 'rollback', 'fork', 'look'],
      description: 'a revision of live settings or of weights, back to a checkpoint, a fork of one, or only something to look at',
    }),
  ),
  text: Type.String({ description: 'what it does, for a button' }),
  settings: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'keys of the configuration and their new values' })),
  weights: Type.Optional(Type.Record(Type.String(), Type.Number(), { description: 'of reward functions' })),
  step: Type.Optional(Type.Integer({ description: 'of the checkpoint: the newest one from before the alert' })),
});
export type AlertRemedy = Type.Static<typeof AlertRemedy>;

/** Where rollouts show it. */
export const AlertEvidence = Type.Object({
  step: Type.Integer(),
  shown: Type.Optional(Type.String({ description: 'filter of the Rollouts view: right, wrong, mixed, flat, cut, unread or stray' })),
  sort: Type.Optional(Type.String({ description: 'order of the Rollouts view: advantage, spread, low or high' })),
});
export type AlertEvidence = Type.Static<typeof AlertEvidence>;

export const Alert = Type.Object({
  rule: Type.String({ description: 'id of the rule, or the code of what happened (error code) where no rule saw it' }),
  title: Type.String(),
  level: Level,
  since: Type.Integer({ description: 'first step at which it was seen' }),
  last: Type.Integer({ description: 'last step at which it was seen' }),
  on: Type.Boolean({ description: 'it is still seen at the newest step' }),
  seen: Type.String({ description: 'what was seen when it began, with the numbers' }),
  why: Type.String({ description: 'what it says about the run' }),
  metrics: Type.Array(Type.String(), { description: 'the curves that show it' }),
  evidence: Nullable(AlertEvidence),
  remedies: Type.Array(AlertRemedy),
  snoozed: Type.Boolean({ description: 'it is listed, and told nowhere else' }),
});
export type Alert = Type.Static<typeof Alert>;

export const AlertThreshold = Type.Object({
  name: Type.String(),
  default: Type.Number(),
  text: Type.String(),
});

/** A row of the table of rules, for forms and docs. */
export const AlertRule = Type.Object({
  id: Type.String(),
  title: Type.String(),
  level: Level,
  metrics: Type.Array(Type.String(), { description: 'that it reads; a rule whose metrics a run does not log is silent' }),
  window: Type.Integer({ description: 'steps that it looks at' }),
  thresholds: Type.Array(AlertThreshold),
  why: Type.String(),
  source: Nullable(Type.String({ description: 'TypeScript of a rule of your own' })),
});
export type AlertRule = Type.Static<typeof AlertRule>;

const Thresholds = Type.Record(Type.String(), Type.Record(Type.String(), Type.Number()), {
  description: 'values in place of the defaults, by rule and name',
});
const Off = Type.Array(Type.String({ maxLength: 80 }), { maxItems: 200, description: 'rules that are not looked at' });

/** Of the user, for all runs. */
export const AlertSettings = Type.Object(
  {
    off: Off,
    thresholds: Thresholds,
    rules: Type.Record(Type.String({ maxLength: 80 }), Type.String({ maxLength: 20_000 }), {
      description: 'rules of your own by name: a TypeScript expression of a function (m, config) => false | text',
    }),
    webhook: Nullable(Type.String({ maxLength: 2000, description: 'address that each alert is sent to; null = none' })),
  },
  { additionalProperties: false },
);
export type AlertSettings = Type.Static<typeof AlertSettings>;
export const NO_ALERT_SETTINGS: AlertSettings = { off: [], thresholds: {}, rules: {}, webhook: null };

/** Of one run: they go before the user's. */
export const RunAlertSettings = Type.Object(
  {
    off: Off,
    thresholds: Thresholds,
    snoozed: Type.Record(Type.String({ maxLength: 80 }), Nullable(Type.Integer({ minimum: 0 })), {
      description: 'rules that are told no more: up to this step, or for good (null)',
    }),
  },
  { additionalProperties: false },
);
export type RunAlertSettings = Type.Static<typeof RunAlertSettings>;
export const NO_RUN_ALERT_SETTINGS: RunAlertSettings = { off: [], thresholds: {}, snoozed: {} };

/** A rule of one's own that is being written. */
export const CheckAlertRule = Type.Object({ source: Type.String({ maxLength: 20_000 }) }, { additionalProperties: false });
export const CheckedAlertRule = Type.Object({
  error: Nullable(Type.String({ description: 'why it cannot be used' })),
  line: Nullable(Type.Integer({ description: 'of the source, from 1, where the error names one' })),
});
export type CheckedAlertRule = Type.Static<typeof CheckedAlertRule>;

export const RunAlerts = Type.Object({
  run: Type.String(),
  step: Type.Integer({ description: 'last step that was looked at' }),
  alerts: Type.Array(Alert, { description: 'in the order in which they were seen' }),
  settings: RunAlertSettings,
  failures: Type.Optional(
    Type.Record(Type.String(), Type.String(), { description: 'rules of your own that do not work in this run, and are silent: why' }),
  ),
});
export type RunAlerts = Type.Static<typeof RunAlerts>;

/** An alert of a rule that a client evaluates. */
export const RaiseAlert = Type.Object(
  {
    rule: Type.String({ minLength: 1, maxLength: 80 }),
    seen: Type.String({ minLength: 1, maxLength: 2000 }),
    since: Type.Integer({ minimum: 0 }),
    level: Type.Optional(Level),
  },
  { additionalProperties: false },
);
export type RaiseAlert = Type.Static<typeof RaiseAlert>;
