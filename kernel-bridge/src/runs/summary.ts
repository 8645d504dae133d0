/** The one line that lists and side bars show of a run. */
import type { Rollback, RunEvent, RunState, RunSummary } from '../protocol/run.ts';
import { isSnoozed, runAlertSettings } from './alert-settings.ts';
import { annotations } from './annotations.ts';
import { reportOf } from './changes.ts';
import { IS_ROLLBACK } from './database.ts';
import { importOf } from './imported.ts';
import type { ReadableRun } from './row.ts';

const SPARKLINE_POINTS = 60;
const SPEED_STEPS = 20;
/** An alert is news for so many steps, which leave fewer than so many events. */
const ALERT_STEPS = 20;
const ALERT_EVENTS = 200;

type AlertBody = Pick<Extract<RunEvent, { kind: 'alert' }>, 'code' | 'message' | 'remedy' | 'level' | 'since'>;

export function runSummary(store: ReadableRun): RunSummary {
  const row = store.row();
  const step = store.step;
  const recent_reward = lastMetrics(store, 'reward', SPARKLINE_POINTS);
  const running = row.state === 'running';
  const imported = importOf(store.db);
  const pending = row.state === 'queued' ? store.pending() : [];
  return {
    id: row.id,
    name: row.name,
    parent: row.parent,
    inherited: row.inherited,
    pair: row.pair,
    state: asked(row.state, store),
    trainer: row.config.trainer,
    variant: imported ? '' : row.config.variant,
    created_at: row.created_at,
    started_at: row.started_at,
    ended_at: row.ended_at,
    step,
    total_steps: row.total_steps || Math.max(0, row.config.max_steps), // before the first start only the configuration may tell
    reward: recent_reward.at(-1) ?? null,
    recent_reward,
    rollouts_per_s: running ? (lastMetrics(store, 'rollouts_per_s', 1)[0] ?? null) : null,
    eta_s: running ? timeLeft(store, row.total_steps - step) : null,
    device: row.device,
    error: row.error,
    alert: lastAlert(store, step),
    seq: store.seq,
    waits_since: pending.find(({ action }) => action === 'start')?.created_at ?? null,
    held: pending.some(({ action }) => action === 'hold'),
    annotations: annotations(store.db),
    ...reported(store),
    ...(imported && { imported }),
    ...rollbacks(store, row.created_at),
  };
}

/** A fork's log tells of those of its parent, too: they are older than the fork. */
function rollbacks({ db }: ReadableRun, since: number): Pick<RunSummary, 'rollbacks'> {
  const rows = db.prepare(`SELECT step, time, body FROM event WHERE ${IS_ROLLBACK} AND time >= ? ORDER BY seq`).all(since);
  return rows.length > 0 ? { rollbacks: rows.map(rollbackOf) } : {};
}

const rollbackOf = ({ step, time, body }: Record<string, unknown>): Rollback => ({
  step: step as number,
  from: (JSON.parse(body as string) as { rolled_back_from: number }).rolled_back_from,
  time: time as number,
});

/** Of a run that another machine trains: which one. */
function reported({ db }: ReadableRun): Pick<RunSummary, 'reported'> {
  const from = reportOf(db);
  return from ? { reported: { host: from.host, directory: from.directory } } : {};
}

/** A state that was asked for and is not reached yet shows as its `-ing`; the log holds only what was reached. */
function asked(state: RunState, store: ReadableRun): RunState {
  if (state !== 'running' && state !== 'starting' && state !== 'paused') return state;
  const actions = store.pending().map(({ action }) => action);
  if (actions.includes('stop')) return 'stopping';
  return actions.includes('pause') && state !== 'paused' ? 'pausing' : state;
}

/** Of rules, those that are no mere information and not snoozed. */
function lastAlert(store: ReadableRun, now: number): RunSummary['alert'] {
  const rows = store.db
    .prepare("SELECT step, body FROM event WHERE seq > ? AND step > ? AND kind = 'alert' ORDER BY seq DESC")
    .all(store.seq - ALERT_EVENTS, now - ALERT_STEPS);
  if (rows.length === 0) return null;
  const settings = runAlertSettings(store.db);
  const alerts = rows.map(({ step, body }) => ({ ...(JSON.parse(body as string) as AlertBody), step: step as number }));
  const told = alerts.filter(({ code, level }) => level !== 'info' && !isSnoozed(settings, code, now));
  // of those that began together the first one is nearest to the cause
  const found = told.findLast(({ step }) => step === told[0].step);
  return found ? { step: found.since ?? found.step, message: found.message, remedy: found.remedy } : null;
}

function lastMetrics(store: ReadableRun, name: string, count: number): (number | null)[] {
  const sql = 'SELECT value FROM metric JOIN metric_name ON id = name_id WHERE name = ? ORDER BY step DESC LIMIT ?';
  return store.db
    .prepare(sql)
    .all(name, count)
    .map((row) => row.value as number | null)
    .reverse();
}

/** Seconds, from the median time between the last steps: a pause or a checkpoint among them does not move it. */
function timeLeft(store: ReadableRun, steps: number): number | null {
  const times = store.db
    .prepare('SELECT time FROM step ORDER BY step DESC LIMIT ?')
    .all(SPEED_STEPS + 1)
    .map((row) => row.time as number);
  const gaps = times
    .slice(1)
    .map((time, i) => times[i] - time)
    .sort((a, b) => a - b);
  return gaps.length ? (steps * gaps[Math.floor(gaps.length / 2)]) / 1000 : null;
}
