/** Databases and folders that a user may read and not write. Root may write everywhere, so a process of another user looks there. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from './database.ts';

const NOBODY = process.getuid?.() === 0 ? 65534 : undefined;
const here = new URL('.', import.meta.url);
const at = mkdtempSync(join(tmpdir(), 'medr1-read-only-'));
const [file, journalled] = [join(at, 'closed/index.db'), join(at, 'open/index.db')];

beforeAll(() => {
  const making = mkdtempSync(join(tmpdir(), 'medr1-made-'));
  const db = connect(join(making, 'index.db'));
  db.exec('CREATE TABLE t (x TEXT) STRICT');
  db.exec("INSERT INTO t VALUES ('held')");
  cpSync(making, join(at, 'open'), { recursive: true }); // with its journal
  db.close();
  cpSync(making, join(at, 'closed'), { recursive: true });
  rmSync(join(at, 'open/index.db-shm'));
  for (const folder of ['open', 'closed']) {
    for (const name of readdirSync(join(at, folder))) chmodSync(join(at, folder, name), 0o444);
    chmodSync(join(at, folder), 0o555);
  }
  chmodSync(at, 0o755);
  rmSync(making, { recursive: true });
});
afterAll(() => {
  for (const folder of ['open', 'closed']) chmodSync(join(at, folder), 0o755);
  rmSync(at, { recursive: true });
});

/** What it prints, as the other user. */
function asReader(code: string): { out: string; status: number | null } {
  const whole = `import { openToRead } from '${new URL('database.ts', here).href}'; import { machineRefusal } from '${new URL('errors.ts', here).href}'; ${code}`;
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', whole], {
    uid: NOBODY,
    gid: NOBODY,
    encoding: 'utf8',
  });
  return { out: stdout.trim(), status };
}

/** A clone below a home that is closed to others cannot be run by another user. */
const canRun = asReader('console.log(1)').out === '1';

it.runIf(canRun)('reads a database that was closed in a folder that takes no file, and leaves nothing there', () => {
  expect(asReader(`console.log(openToRead('${file}').prepare('SELECT x FROM t').get().x)`).out).toBe('held');
  expect(readdirSync(join(at, 'closed'))).toEqual(['index.db']);
});

const told = (what: string): unknown => {
  const { out } = asReader(`import { mkdirSync, readFileSync } from 'node:fs';
    try { ${what} } catch (thrown) { const { code, message } = machineRefusal('/home', thrown) ?? thrown; console.log(JSON.stringify([code, message])); }`);
  return JSON.parse(out);
};

it.runIf(canRun)('says of one whose journal is not folded in why it cannot be read there', () => {
  expect(told(`openToRead('${journalled}')`)).toEqual([
    'NOT_READABLE',
    expect.stringContaining('its journal index.db-wal is not folded in'),
  ]);
});

it.runIf(canRun)('names the folder that cannot be made and the file that cannot be read', () => {
  expect(told(`mkdirSync('${join(at, 'closed/new')}')`)).toEqual([
    'NOT_WRITABLE',
    `${join(at, 'closed/new')} cannot be made or written to: permission denied`,
  ]);
  chmodSync(file, 0o000);
  expect(told(`readFileSync('${file}')`)).toEqual(['NOT_READABLE', `${file} cannot be read: permission denied`]);
  chmodSync(file, 0o444);
});
