import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { emptyTrash, listTrash, moveToTrash, restoreTrash } from './trash.ts';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'medr1-trash-'))));
afterEach(() => rmSync(home, { recursive: true }));

function thing(name: string): string {
  const dir = join(home, 'things', name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'content'), name);
  return dir;
}

it('what was removed is listed, newest first, and goes back as it was', () => {
  const from = thing('a');
  const id = basename(moveToTrash(home, from, { kind: 'data', of: 'a/b c', name: 'my set' }));
  expect(existsSync(from)).toBe(false);
  expect(listTrash(home)).toEqual([{ id, kind: 'data', of: 'a/b c', name: 'my set', removed_at: expect.any(Number) }]);
  restoreTrash(home, id, from);
  expect(readdirSync(from)).toEqual(['content']);
  expect(listTrash(home)).toEqual([]);
});

it('nothing that came since is written over', () => {
  const id = basename(moveToTrash(home, thing('a'), { kind: 'run', of: 'a', name: 'a' }));
  const since = thing('a');
  expect(() => restoreTrash(home, id, since)).toThrow(expect.objectContaining({ code: 'TRASH_TAKEN' }));
  expect(listTrash(home)).toHaveLength(1);
});

it('an id that is no entry is refused, whatever path it spells', () => {
  mkdirSync(join(home, 'trash'));
  for (const id of ['nothing', '..', '../things', '.'])
    for (const act of [() => emptyTrash(home, id), () => restoreTrash(home, id, join(home, 'x'))])
      expect(act).toThrow(expect.objectContaining({ code: 'TRASH_UNKNOWN' }));
  expect(existsSync(home)).toBe(true);
});

it('what earlier versions removed is there too, and strangers are not', () => {
  for (const name of ['20251231-000000-aaaa-1700000000000', 'eval-20251231-000000-bbbb-1700000000001', 'notes'])
    mkdirSync(join(home, 'trash', name), { recursive: true });
  expect(listTrash(home).map(({ kind, of }) => [kind, of])).toEqual([
    ['evaluation', '20251231-000000-bbbb'],
    ['run', '20251231-000000-aaaa'],
  ]);
});

it('what was removed goes back though its record is damaged', () => {
  for (const [kind, of] of [
    ['run', '20260101-000000-aaaa'],
    ['evaluation', '20260101-000000-aaaa'],
    ['data', 'my-set_2.1'],
  ] as const)
    for (const record of ['', '{"kind":"run"}', '{"kind":"run","of":7,"name":"a","removed_at":1}']) {
      const id = basename(moveToTrash(home, thing('a'), { kind, of, name: 'a' }));
      writeFileSync(join(home, 'trash', id, 'trashed.json'), record);
      expect(listTrash(home)).toEqual([{ id, kind, of, name: of, removed_at: expect.any(Number) }]);
      restoreTrash(home, id, join(home, 'back'));
      expect(readdirSync(join(home, 'back'))).toEqual(['content']);
      rmSync(join(home, 'back'), { recursive: true });
    }
});

it('deleted for good, it is gone', () => {
  const id = basename(moveToTrash(home, thing('a'), { kind: 'run', of: 'a', name: 'a' }));
  emptyTrash(home, id);
  expect(readdirSync(join(home, 'trash'))).toEqual([]);
});
