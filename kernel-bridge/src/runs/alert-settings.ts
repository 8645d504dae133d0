/** Which rules of alerts are looked at, from where on, and which are told no more: of the user in the home, of a run in its database. */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import Type from 'typebox';
import { readOwnJson, writeOwnJson } from '../files/own-json.ts';
import { transaction } from '../log/database.ts';
import { AlertSettings, NO_ALERT_SETTINGS, NO_RUN_ALERT_SETTINGS, type RunAlertSettings } from '../protocol/alerts.ts';

/** Whether it is told no more. */
export function isSnoozed({ snoozed }: RunAlertSettings, rule: string, step: number): boolean {
  if (!Object.hasOwn(snoozed, rule)) return false;
  const until = snoozed[rule];
  return until === null || step <= until;
}

export function runAlertSettings(db: DatabaseSync): RunAlertSettings {
  const row = db.prepare('SELECT body FROM alert_setting').get();
  return row ? (JSON.parse(row.body as string) as RunAlertSettings) : NO_RUN_ALERT_SETTINGS;
}

export function changeRunAlertSettings(db: DatabaseSync, change: Partial<RunAlertSettings>): RunAlertSettings {
  return transaction(db, () => {
    const next = { ...runAlertSettings(db), ...change };
    db.prepare('INSERT OR REPLACE INTO alert_setting (only, body) VALUES (1, ?)').run(JSON.stringify(next));
    return next;
  });
}

/** A fork looks as its parent did; nothing of it is snoozed. */
export function alertSettingsOfFork(db: DatabaseSync): void {
  db.prepare("UPDATE alert_setting SET body = json_set(body, '$.snoozed', json('{}'))").run();
}

/** As it stands in the file, where what is left out is as for those who set nothing. */
const Written = Type.Partial(AlertSettings);
const settingsFile = (home: string): string => join(home, 'alerts.json');

/** The user's; a file that cannot be read counts as none, so that a slip of the pen stops no server. */
export const alertSettings = (home: string): AlertSettings => ({ ...NO_ALERT_SETTINGS, ...readOwnJson(settingsFile(home), Written) });

export function changeAlertSettings(home: string, change: Partial<AlertSettings>): AlertSettings {
  const next = { ...alertSettings(home), ...change };
  writeOwnJson(settingsFile(home), Written, `${JSON.stringify(next, null, 2)}\n`);
  return next;
}
