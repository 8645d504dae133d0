import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RULES } from '../alerts/rules.ts';
import { alertSettings, changeAlertSettings } from './alert-settings.ts';

let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'medr1-alert-settings-'))));
afterEach(() => rmSync(home, { recursive: true }));

it('rules of a user are kept where the file has a slip of the pen', () => {
  const [{ id }] = RULES;
  changeAlertSettings(home, { rules: { own: 'step > 1' } });
  const file = join(home, 'alerts.json');
  const slipped = readFileSync(file, 'utf8').replace('{', '{,');
  writeFileSync(file, slipped);
  changeAlertSettings(home, { off: [id] });
  expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(slipped);
  expect(alertSettings(home).off).toEqual([id]);
});
