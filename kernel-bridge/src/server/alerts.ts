/** Looks at runs as they are committed, keeps what the rules see in their logs, and sends it to the webhook where one is set. */
import type { Rule } from '../alerts/rule.ts';
import { RULES } from '../alerts/rules.ts';
import { OwnRule } from '../alerts/own.ts';
import type { Onset } from '../alerts/evaluate.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { nearest } from '../protocol/nearest.ts';
import { isActive } from '../protocol/run.ts';
import type { Alert, AlertRule, AlertSettings, RaiseAlert, RunAlerts, RunAlertSettings } from '../protocol/alerts.ts';
import { alertSettings, changeAlertSettings, changeRunAlertSettings, isSnoozed, runAlertSettings } from '../runs/alert-settings.ts';
import { alertsOf, keepOnsets, keepUndelivered, raise, RunWatch } from '../runs/alerts.ts';
import { reportOf } from '../runs/changes.ts';
import { errors } from '../runs/errors.ts';
import type { Hub } from './hub.ts';
import { checkAddress, sendAlert } from './webhook.ts';

/** Runs that are followed at a time; the ones that were looked at last. */
const FOLLOWED = 32;

interface Followed {
  epoch: string;
  watch: RunWatch;
  /** The look that goes on. */
  looking: Promise<void> | null;
  /** Something came while it went on. */
  again: boolean;
  /** Onsets that the log holds. */
  kept: number;
  /** It trained while this server followed it: an old run that somebody looks at is no news. */
  live: boolean;
}

export class Alerts {
  readonly #home: string;
  readonly #hub: Hub;
  readonly #log: (line: string) => void;
  readonly #followed = new Map<string, Followed>();
  readonly #stop: () => void;
  #settings: AlertSettings;

  constructor(home: string, hub: Hub, log: (line: string) => void = (line) => console.error(line)) {
    this.#home = home;
    this.#hub = hub;
    this.#log = log;
    this.#settings = alertSettings(home);
    this.#stop = hub.onChange((topic) => {
      if (topic.startsWith('run:')) void this.#lookAt(topic.slice(4));
    });
  }

  /** A run that cannot be read, or is gone by now, is told of elsewhere. */
  async #lookAt(id: string): Promise<void> {
    try {
      await this.#look(id);
    } catch (error) {
      if (!(error instanceof WorkbenchError)) this.#log(`alerts of ${id}: ${String(error)}`);
    }
  }

  close(): void {
    this.#stop();
    for (const { watch } of this.#followed.values()) watch[Symbol.dispose]();
    this.#followed.clear();
  }

  rules(): { rules: AlertRule[]; settings: AlertSettings } {
    const own = Object.entries(this.#settings.rules).map(([name, source]) => {
      using rule = new OwnRule(name, source);
      return ruleRow(rule.rule, source);
    });
    return { rules: [...RULES.map((rule) => ruleRow(rule, null)), ...own], settings: this.#settings };
  }

  /** Throws ALERT_RULE and REQUEST_INVALID, and nothing has changed then. */
  async change(change: Partial<AlertSettings>): Promise<ReturnType<Alerts['rules']>> {
    if (change.webhook) checkAddress(change.webhook);
    for (const name of Object.keys(change.rules ?? {}))
      if (RULES.some(({ id }) => id === name)) throw errors.badRequest('body rules', `${JSON.stringify(name)} is a rule of the table`);
    this.#requireKnown(change, Object.keys(change.rules ?? this.#settings.rules));
    for (const [name, source] of Object.entries(change.rules ?? {})) {
      using rule = new OwnRule(name, source);
      await rule.try();
    }
    this.#settings = changeAlertSettings(this.#home, change);
    this.#forgetAll();
    return this.rules();
  }

  /** Up to the newest step. */
  async of(id: string): Promise<RunAlerts> {
    await this.#look(id);
    const run = this.#hub.store(id);
    const settings = runAlertSettings(run.db);
    const { watch } = this.#followed.get(id) ?? { watch: null };
    const alerts: Alert[] = watch ? alertsOf(run, watch, settings) : [];
    return { run: id, step: watch?.step ?? 0, alerts, settings, failures: watch?.failures ?? {} };
  }

  async changeOf(id: string, change: Partial<RunAlertSettings>): Promise<RunAlerts> {
    const { db } = this.#hub.store(id);
    this.#requireKnown(change, Object.keys(this.#settings.rules));
    changeRunAlertSettings(db, change);
    if (change.off || change.thresholds) this.#forget(id);
    this.#hub.changed(id); // its summary may have an alert less
    return this.of(id);
  }

  /** Names of rules and thresholds that there are; `own`: rules of the user. Throws REQUEST_INVALID. */
  #requireKnown({ off = [], thresholds = {} }: Pick<Partial<AlertSettings>, 'off' | 'thresholds'>, own: readonly string[]): void {
    const known = new Map<string, readonly string[]>(RULES.map((rule) => [rule.id, Object.keys(rule.thresholds)]));
    for (const name of own) known.set(name, []);
    const meant = (word: string, names: Iterable<string>): string => {
      const near = nearest(word, [...names]);
      return near === undefined ? `there are ${[...names].join(', ') || 'none'}` : `did you mean ${near}?`;
    };
    const named = [...off.map((rule) => ['off', rule] as const), ...Object.keys(thresholds).map((rule) => ['thresholds', rule] as const)];
    for (const [key, rule] of named)
      if (!known.has(rule))
        throw errors.badRequest(`body ${key}`, `there is no rule ${JSON.stringify(rule)}; ${meant(rule, known.keys())}`);
    for (const [rule, given] of Object.entries(thresholds))
      for (const name of Object.keys(given)) {
        const names = known.get(rule)!;
        if (!names.includes(name))
          throw errors.badRequest('body thresholds', `rule ${rule} has no threshold ${JSON.stringify(name)}; ${meant(name, names)}`);
      }
  }

  /** An alert of a client's rule. */
  async raise(id: string, alert: RaiseAlert): Promise<RunAlerts> {
    if (raise(this.#hub.store(id), alert)) this.#hub.changed(id);
    return this.of(id);
  }

  /** Looks at what came since. A second call while one goes on has it look once more. */
  #look(id: string): Promise<void> {
    const followed = this.#follow(id);
    followed.again = true;
    followed.looking ??= this.#lookOn(id, followed).finally(() => (followed.looking = null));
    return followed.looking;
  }

  async #lookOn(id: string, followed: Followed): Promise<void> {
    while (followed.again) {
      followed.again = false;
      const run = this.#hub.store(id);
      const { config, state } = run.row();
      followed.live ||= isActive(state);
      await followed.watch.look(
        () => this.#hub.store(id).db,
        config,
        () => this.#followed.get(id) === followed,
      );
      if (this.#followed.get(id) !== followed) return;
      const onsets = followed.watch.onsets.slice(followed.kept);
      if (onsets.length === 0) continue;
      const store = this.#hub.store(id);
      // the log of a copy is written by the machine that trains the run, which looks at the rules too
      const fresh = reportOf(store.db) ? [] : keepOnsets(store, onsets);
      followed.kept += onsets.length;
      if (fresh.length === 0) continue;
      this.#hub.changed(id);
      if (followed.live) this.#send(id, fresh);
    }
  }

  #send(id: string, onsets: readonly Onset[]): void {
    const { webhook } = this.#settings;
    if (!webhook) return;
    const run = this.#hub.store(id);
    const [{ name }, settings] = [run.row(), runAlertSettings(run.db)];
    for (const onset of onsets) {
      if (onset.level === 'info' || isSnoozed(settings, onset.rule, run.step)) continue;
      sendAlert(webhook, { run: id, name }, onset).catch((error: unknown) => this.#undelivered(id, onset, reasonOf(error)));
    }
  }

  /** In the log of the server, and of the run, where the other alerts of it are read. */
  #undelivered(id: string, onset: Onset, why: string): void {
    this.#log(`alerts: the webhook did not take ${onset.rule} of run ${id}: ${why}`);
    try {
      if (keepUndelivered(this.#hub.store(id), onset, why)) this.#hub.changed(id);
    } catch (error) {
      this.#log(`alerts of ${id}: ${String(error)}`); // the run is gone by now, or its disk is full
    }
  }

  /** Of this epoch: a run that went back is looked at anew. */
  #follow(id: string): Followed {
    const run = this.#hub.store(id);
    const { epoch } = run;
    const known = this.#followed.get(id);
    if (known?.epoch === epoch) {
      this.#followed.delete(id);
      this.#followed.set(id, known);
      return known;
    }
    this.#forget(id);
    const followed: Followed = {
      epoch,
      watch: RunWatch.of(run, this.#settings),
      looking: null,
      again: false,
      kept: 0,
      live: false,
    };
    this.#followed.set(id, followed);
    if (this.#followed.size > FOLLOWED) this.#forget(this.#followed.keys().next().value!);
    return followed;
  }

  #forget(id: string): void {
    this.#followed.get(id)?.watch[Symbol.dispose]();
    this.#followed.delete(id);
  }

  #forgetAll(): void {
    for (const id of [...this.#followed.keys()]) this.#forget(id);
  }
}

/** `fetch` says why it failed in the cause alone. */
const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message || String((cause as NodeJS.ErrnoException).code)}` : message;
};

const ruleRow = ({ id, title, level, metrics, window, thresholds, why }: Rule, source: string | null): AlertRule => ({
  ...{ id, title, level, window, why, source },
  metrics: [...metrics],
  thresholds: Object.entries(thresholds).map(([name, { value, text }]) => ({ name, default: value, text })),
});
