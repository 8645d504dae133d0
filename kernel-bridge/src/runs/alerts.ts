/**
 * The rules of alerts over a run's database. What they see follows from the metrics alone, so that a server that follows a run and a command that reads it
 * later see the same; the log of the run keeps each onset once.
 */
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import type { DatabaseSync } from 'node:sqlite';
import { Evaluator, type Onset } from '../alerts/evaluate.ts';
import { LOOK_BACK, OwnRule } from '../alerts/own.ts';
import type { InForce } from '../alerts/rule.ts';
import { RULES } from '../alerts/rules.ts';
import type { Metrics } from '../alerts/series.ts';
import { transaction } from '../log/database.ts';
import type { TrainConfig } from '../protocol/config.ts';
import type { Alert, AlertSettings, RaiseAlert, RunAlertSettings } from '../protocol/alerts.ts';
import type { Checkpoint, RewardRevision } from '../protocol/run.ts';
import { isSnoozed, runAlertSettings } from './alert-settings.ts';
import { importOf, knownConfig } from './imported.ts';
import { readMetrics } from './metrics.ts';
import { revisions } from './rewards.ts';
import type { RunRow } from './row.ts';
import type { RunStore } from './store.ts';

/** Steps that are looked at in one go. */
const STRETCH = 200;

interface Row {
  step: number;
  metrics: Record<string, number | null>;
}

/** What a row of metrics is: of the step itself, or of an evaluation after it. */
const isOfEvaluation = (name: string): boolean => name.startsWith('eval_');

/** Follows one run of one epoch. */
export class RunWatch implements Disposable {
  readonly #evaluator: Evaluator;
  readonly #own: readonly OwnRule[];
  #step: number;
  #evaluated: boolean;

  /** `from`: rules look at the steps after this one (`comparableFrom`). `stride`: steps from one that is logged to the next. */
  constructor(settings: AlertSettings, ofRun: RunAlertSettings, { from = 0, stride = 1 } = {}) {
    [this.#step, this.#evaluated] = [from, from > 0];
    const off = [...settings.off, ...ofRun.off];
    this.#own = Object.entries(settings.rules).flatMap(([name, source]) => (off.includes(name) ? [] : [new OwnRule(name, source)]));
    const rules = [...RULES, ...this.#own.map(({ rule }) => rule)];
    const thresholds = Object.fromEntries(rules.map(({ id }) => [id, { ...settings.thresholds[id], ...ofRun.thresholds[id] }] as const));
    this.#evaluator = new Evaluator({ off, thresholds }, rules, stride);
  }

  /** Of a run: from the steps on that are its own, and as its log goes. */
  static of(run: RunStore, settings: AlertSettings): RunWatch {
    const from = comparableFrom(run.row());
    return new RunWatch(settings, runAlertSettings(run.db), { from, stride: importOf(run.db)?.stride });
  }

  /** Last step that was looked at. */
  get step(): number {
    return this.#step;
  }

  /** In the order in which they began. */
  get onsets(): readonly Onset[] {
    return this.#evaluator.onsets;
  }

  /** Of the user's own rules, those that do not work, and why. */
  get failures(): Record<string, string> {
    return Object.fromEntries(this.#own.flatMap(({ name, failure }) => (failure === null ? [] : [[name, failure]])));
  }

  /** Looks at what was logged since, a stretch of steps at a time, so that a long run holds nobody up. Stops where `wanted` says so. */
  async look(open: () => DatabaseSync, config: TrainConfig, wanted: () => boolean = () => true): Promise<void> {
    const inForce = inForceOf(open(), config);
    while (wanted()) {
      const db = open(); // anew each time: its owner may have closed it meanwhile
      const to = this.#step + STRETCH;
      const rows = loggedFrom(db, this.#step, to);
      if (rows.length === 0 || (rows.length === 1 && rows[0].step === this.#step && this.#evaluated)) return;
      const known = revisions(db);
      if (this.#own.length > 0) await this.#askOwn(db, rows, inForce.config);
      for (const { step, metrics } of rows) this.#feed(step, metrics, inForceAt(step, metrics, inForce, known));
      if (this.#step < to) return;
      await yieldToEvents();
    }
  }

  #feed(step: number, metrics: Metrics, inForce: InForce): void {
    const [own, evaluated] = parted(metrics);
    if (step > this.#step) {
      if (Object.keys(own).length > 0) this.#evaluator.feed(step, own, inForce);
      [this.#step, this.#evaluated] = [step, false];
    }
    if (evaluated && !this.#evaluated) {
      this.#evaluator.feed(step, evaluated, inForce);
      this.#evaluated = true;
    }
  }

  async #askOwn(db: DatabaseSync, rows: readonly Row[], config: InForce['config']): Promise<void> {
    const [from, to] = [rows[0].step, rows.at(-1)!.step];
    const table = readMetrics(db, { from: Math.max(1, from - LOOK_BACK), to });
    for (const rule of this.#own) await rule.look(table.step, table.metrics, from, config);
  }

  [Symbol.dispose](): void {
    for (const rule of this.#own) rule[Symbol.dispose]();
  }
}

/**
 * The last step whose metrics cannot be held against those of the run itself: answers that think and answers that do not differ in length and accuracy from
 * the first step, and a fork to another variant has done nothing wrong. 0 for all other runs.
 */
export const comparableFrom = ({ inherited, config }: Pick<RunRow, 'inherited' | 'config'>): number =>
  inherited.findLast(({ variant }) => variant !== null && variant !== config.variant)?.to ?? 0;

/** Metrics of the step looked at last and of those after it up to `to`; a value that is not finite as JavaScript's own. */
function loggedFrom(db: DatabaseSync, from: number, to: number): Row[] {
  const found = db
    .prepare(
      `SELECT step.step, name, value, special FROM step LEFT JOIN metric ON metric.step = step.step LEFT JOIN metric_name ON id = name_id
       WHERE step.step BETWEEN ? AND ? ORDER BY step.step, name_id`,
    )
    .iterate(from, to);
  const rows: Row[] = [];
  for (const { step, name, value, special } of found) {
    if (rows.at(-1)?.step !== step) rows.push({ step: step as number, metrics: {} });
    if (name !== null) rows.at(-1)!.metrics[name as string] = special === null ? (value as number | null) : Number(special);
  }
  return rows;
}

/** What the step logged, and what an evaluation after it did; null where there was none. */
function parted(metrics: Metrics): [own: Metrics, evaluated: Metrics | null] {
  const entries = Object.entries(metrics);
  const evaluated = entries.filter(([name]) => isOfEvaluation(name));
  if (evaluated.length === 0) return [metrics, null];
  return [Object.fromEntries(entries.filter(([name]) => !isOfEvaluation(name))), Object.fromEntries(evaluated)];
}

/** What is known before a revision says otherwise. */
const inForceOf = (db: DatabaseSync, config: TrainConfig): InForce => ({
  config: knownConfig(db, config),
  weights: importOf(db)?.weights ?? {},
});

function inForceAt(step: number, metrics: Metrics, { config, weights: known }: InForce, all: readonly RewardRevision[]): InForce {
  const revision = all.findLast((one) => one.step !== null && one.step <= step);
  const weights = { ...(revision?.weights ?? known) };
  for (const name of Object.keys(weights)) weights[name] = metrics[`reward_weights/${name}`] ?? weights[name];
  return { config: { ...config, ...revision?.settings }, weights };
}

/** What rules saw and what happened besides, in the order of steps. */
export function alertsOf(run: RunStore, watch: RunWatch, settings: RunAlertSettings): Alert[] {
  const checkpoints = run.checkpoints();
  const isOwn = importOf(run.db) === null;
  const ruled = watch.onsets.map((onset) => {
    const one = listed(onset, checkpoints, isSnoozed(settings, onset.rule, watch.step));
    // what cannot be done here can be read
    return isOwn ? one : { ...one, remedies: one.remedies.map(({ text }) => ({ kind: 'look' as const, text })) };
  });
  return [...ruled, ...told(run, settings, watch.step)].sort((a, b) => a.since - b.since);
}

/** Remedies that go back to a checkpoint name the newest one from before; without one they fall away. */
function listed(onset: Onset, checkpoints: readonly Checkpoint[], snoozed: boolean): Alert {
  const before = checkpoints.findLast(({ step }) => step < onset.since)?.step;
  const remedies = onset.remedies.flatMap((remedy) => {
    if (remedy.kind !== 'rollback' && remedy.kind !== 'fork') return [remedy];
    return before === undefined
      ? []
      : [{ ...remedy, text: remedy.text.replace('the checkpoint before it', `step ${before}`), step: before }];
  });
  return { ...onset, remedies, snoozed };
}

/** Entries of the log that no rule of the table made: what happened to the run, and alerts of clients' rules. */
function told(run: RunStore, settings: RunAlertSettings, step: number): Alert[] {
  return run.events(0, Number.MAX_SAFE_INTEGER, ['alert']).flatMap((event) => {
    if (event.kind !== 'alert' || event.by === 'rule') return [];
    const since = event.since ?? event.step;
    return [
      {
        rule: event.code,
        title: event.by === 'client' ? event.code : titleOf(event.code),
        level: event.level ?? 'info',
        since,
        last: since,
        on: false,
        seen: event.message,
        why: '',
        metrics: [],
        evidence: since > 0 ? { step: since } : null,
        remedies: event.remedy ? [{ kind: 'look' as const, text: event.remedy }] : [],
        snoozed: isSnoozed(settings, event.code, step),
      },
    ];
  });
}

/** STEPS_DROPPED -> "Steps dropped". */
const titleOf = (code: string): string => code.charAt(0) + code.slice(1).toLowerCase().replaceAll('_', ' ');

/** Writes the onsets that the log does not hold yet, in one transaction; gives those that were written. */
export function keepOnsets(run: RunStore, onsets: readonly Onset[], now = Date.now()): Onset[] {
  if (onsets.length === 0) return [];
  return transaction(run.db, () => {
    const kept = new Set(
      run.db
        .prepare("SELECT json_extract(body, '$.code') AS code, json_extract(body, '$.since') AS since FROM event WHERE kind = 'alert'")
        .all()
        .map(({ code, since }) => `${code as string} ${since as number}`),
    );
    const fresh = onsets.filter(({ rule, since }) => !kept.has(`${rule} ${since}`));
    const { step } = run;
    for (const onset of fresh) {
      const { rule: code, level, since, seen, title } = onset;
      const remedy = onset.remedies.map(({ text }) => text).join('. Or: ');
      run.append(step, { kind: 'alert', code, message: `${title}. ${seen}`, remedy, level, since, by: 'rule' }, now);
    }
    return fresh;
  });
}

const WEBHOOK_FAILED = 'WEBHOOK_FAILED';

/** That the webhook did not take an alert. It is told once a run, for later ones most often fail alike. Returns whether it was new. */
export function keepUndelivered(run: RunStore, { title, since }: Onset, why: string, now = Date.now()): boolean {
  return transaction(run.db, () => {
    const known = run.db.prepare("SELECT 1 FROM event WHERE kind = 'alert' AND json_extract(body, '$.code') = ?").get(WEBHOOK_FAILED);
    if (known) return false;
    const message = `The webhook did not take "${title}" of step ${since}: ${why}. Later alerts of this run are sent all the same; a failure is told once.`;
    const remedy =
      'Look whether the server at the address of the webhook runs and takes a POST, or set another address in Alerts, under Rules.';
    const { step } = run;
    run.append(step, { kind: 'alert', code: WEBHOOK_FAILED, message, remedy, level: 'warning', since: Math.min(since, step) }, now);
    return true;
  });
}

/** An alert of a client's rule; the same one again changes nothing. Returns whether it was new. */
export function raise(run: RunStore, { rule, seen, since, level = 'warning' }: RaiseAlert, now = Date.now()): boolean {
  return transaction(run.db, () => {
    const { step } = run;
    const known = run.db
      .prepare("SELECT 1 FROM event WHERE kind = 'alert' AND json_extract(body, '$.code') = ? AND json_extract(body, '$.since') = ?")
      .get(rule, since);
    if (known) return false;
    run.append(step, { kind: 'alert', code: rule, message: seen, remedy: '', level, since: Math.min(since, step), by: 'client' }, now);
    return true;
  });
}
