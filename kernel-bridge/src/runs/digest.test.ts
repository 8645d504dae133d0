/** What digests cover, to the last cell, whoever wrote it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { completeConfig } from './config.ts';
import { firstDamage } from './digest.ts';
import { RunStore } from './store.ts';

const homes: string[] = [];
afterAll(() => homes.forEach((home) => rmSync(home, { recursive: true })));

/** Of two steps, whatever the day. */
function twoSteps(change: (made: ReturnType<typeof fakeStep>) => void = () => {}): RunStore {
  const directory = mkdtempSync(join(tmpdir(), 'medr1-digest-'));
  homes.push(directory);
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  const run = RunStore.create(directory, { id: 'x', name: 'x', parent: null, config, root: '', data_hash: '' }, 1);
  for (const step of [1, 2]) {
    const made = fakeStep(step);
    change(made);
    run.commitStep(made, [], step + 1);
  }
  return run;
}

/** In SQL, another value than `?`: of a text that it has one, another first character. */
const OTHER: Record<string, string> = {
  null: '1',
  integer: '? + 100',
  real: '? + 1e-9',
  text: "iif(? = '', 'x', char(unicode(?) + 1) || substr(?, 2))",
};

describe('a step', () => {
  it.each([
    ['step', 'step = 2'],
    ['metric', 'step = 2 AND name_id = 1'],
    ['rollout_group', 'step = 2 AND "group" = 1'],
    ['completion', 'step = 2 AND "group" = 1 AND "index" = 2'],
  ])('is damaged when any cell of %s is another one', async (table, row) => {
    using sound = twoSteps();
    expect(await firstDamage(sound.db)).toBeNull();
    const columns = sound.db.prepare('SELECT name, type FROM pragma_table_info(?)').all(table) as { name: string; type: string }[];
    for (const { name, type } of columns) {
      if (name === 'ratios_lost') continue; // about later steps
      using run = twoSteps();
      run.db.exec('PRAGMA foreign_keys = OFF');
      const held = run.db.prepare(`SELECT "${name}" AS value, typeof("${name}") AS kind FROM ${table} WHERE ${row}`).get()!;
      if (type === 'BLOB') {
        const bytes = Uint8Array.from((held.value as Uint8Array | null) ?? []);
        if (bytes.length > 0) bytes[bytes.length - 1] ^= 1;
        run.db.prepare(`UPDATE ${table} SET "${name}" = ? WHERE ${row}`).run(bytes);
      } else run.db.exec(`UPDATE ${table} SET "${name}" = ${OTHER[held.kind as string].replaceAll('?', `"${name}"`)} WHERE ${row}`);
      expect(await firstDamage(run.db), `${table}.${name}, ${String(held.kind)}`).not.toBeNull();
    }
  });

  it('is damaged when bytes go from one completion to the next, whose whole is the same', async () => {
    using run = twoSteps();
    const texts = run.db.prepare('SELECT "group", "index", text FROM completion WHERE step = 2 ORDER BY "group", "index" LIMIT 2').all();
    const put = run.db.prepare('UPDATE completion SET text = ? WHERE step = 2 AND "group" = ? AND "index" = ?');
    const [first, second] = texts as { group: number; index: number; text: string }[];
    put.run(first.text.slice(0, -1), first.group, first.index);
    put.run(first.text.slice(-1) + second.text, second.group, second.index);
    expect(await firstDamage(run.db)).toMatchObject({ step: 2 });
  });

  it('holds whatever its texts are, and in whatever order its groups come', async () => {
    using run = twoSteps((made) => {
      const [first, second] = made.groups[0].completions;
      first.text = 'a\0b \ud800 \u{1f600} é';
      second.text = '';
      first.logprobs = first.token_ids.map(() => -0);
      first.entropy = first.token_ids.map((_, k) => (k === 0 ? null : 1));
      made.groups.reverse();
      made.groups[0].completions.reverse();
    });
    expect(await firstDamage(run.db)).toBeNull();
  });
});

describe('a step of before, without a digest over the bytes of its completions', () => {
  /** As the version before this one wrote them: made by it, of the same two steps. */
  const DIGESTS = [
    '7E8F9717DC0BE474A7A5F663F4DA6966EF6D28B787CC6E0C70301A59DA09E1CA',
    'B8D3A3C43717569DE03D4BA327E3A7C515F5E1259381627065EF7669282C0FE1',
  ];
  function ofBefore(): RunStore {
    const run = twoSteps();
    for (const [k, digest] of DIGESTS.entries())
      run.db.prepare('UPDATE step SET rollouts = NULL, digest = ? WHERE step = ?').run(Buffer.from(digest, 'hex'), k + 1);
    return run;
  }

  it('holds, is gone on from, and has metrics added', async () => {
    using run = ofBefore();
    expect(await firstDamage(run.db)).toBeNull();
    run.addEvaluation({ eval_accuracy: 0.5 });
    run.commitStep(fakeStep(3), [], 4);
    expect(await firstDamage(run.db)).toBeNull();
  });

  it('is damaged when one of its texts is another one', async () => {
    using run = ofBefore();
    run.db.exec("UPDATE completion SET text = text || 'x' WHERE step = 2");
    expect(await firstDamage(run.db)).toMatchObject({ step: 2 });
  });
});
