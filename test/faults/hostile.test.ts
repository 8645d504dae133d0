/** Archives, rewards and users that mean harm. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openPromise } from 'yauzl';
import { zip } from '../../kernel-bridge/src/data/fixtures.ts';
import { unpack } from '../../kernel-bridge/src/data/unpack.ts';
import { Sandbox } from '../../kernel-bridge/src/rewards/sandbox/sandbox.ts';
import { testServer } from '../server/harness.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';

const scratch = (): string => mkdtempSync(join(tmpdir(), 'medr1-hostile-'));
const remove = (path: string): void => rmSync(path, { recursive: true, force: true, maxRetries: 5 });

/** Names that lead out of a folder where they are taken as they stand. */
const WAYS_OUT = ['../', 'a/../../', './../', 'a/b/../../../', '../../', '/', '..\\', 'a\\..\\..\\', 'C:\\', '../out/../'];
const MODES = [0o100644, 0o120777, 0o060644, 0o020644, 0o010644, 0o140644];

/** An archive of a few files, some of which are not what they should be, perhaps with a byte changed. */
function archive(random: Random, target: string): Buffer {
  const files: Record<string, string> = {};
  const lies: Parameters<typeof zip>[1] = {};
  for (let n = 0; n < 4; n++) {
    const name = `${random() < 0.12 ? oneOf(random, WAYS_OUT) : ''}f${n}`;
    files[name] = random() < 0.3 ? target : 'x'.repeat(below(random, 3000));
    if (random() < 0.12) lies[name] = { mode: oneOf(random, MODES) };
    if (random() < 0.06) lies[name] = { ...lies[name], size: below(random, 2 ** 32) };
    if (random() < 0.06) lies[name] = { ...lies[name], crc: below(random, 2 ** 32) };
  }
  const bytes = zip(files, lies);
  if (random() < 0.3) bytes[below(random, bytes.length)] ^= 1 << below(random, 8);
  return bytes;
}

/** Unpacks it deep in a folder of its own, in which nothing else may change. */
async function unpacked(random: Random, how: (archive: string, dir: string) => Promise<unknown>): Promise<string> {
  const home = scratch();
  try {
    const file = join(home, 'a.zip');
    const dir = join(home, 'one/two/out');
    mkdirSync(dir, { recursive: true });
    writeFileSync(file, archive(random, '/etc'));
    const made = readFileSync(file);
    const error = await how(file, dir).then(
      () => null,
      (thrown: { code?: string }) => thrown,
    );
    const around = readdirSync(home, { recursive: true }).filter((name) => !String(name).startsWith('one/two/out/'));
    holds(around.sort().join() === ['a.zip', 'one', 'one/two', 'one/two/out'].join(), `it wrote ${around.join()}`);
    holds(Buffer.compare(made, readFileSync(file)) === 0, 'it changed the archive');
    for (const name of readdirSync(dir, { recursive: true, withFileTypes: true }))
      holds(name.isFile() || name.isDirectory(), `${name.name} is a link or a device`);
    holds(error === null || ['DATA_ARCHIVE', 'DISK_FULL', 'NOT_WRITABLE'].includes(error.code ?? ''), `it says ${String(error)}`);
    return error?.code ?? 'unpacked';
  } finally {
    remove(home);
  }
}

/** Believes what the archive says. */
async function trusting(archive: string, dir: string): Promise<void> {
  const file = await openPromise(archive, { autoClose: false, lazyEntries: true, decodeStrings: false });
  try {
    for await (const { fileNameRaw } of file.eachEntry()) {
      const target = join(dir, String(fileNameRaw));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, '');
    }
  } finally {
    file.close();
  }
}

fault('I3', {
  attempt: (random) => unpacked(random, (archive, dir) => unpack({ archive, dir })),
  control: (random) => unpacked(random, trusting),
  controls: 30,
});

/** Bodies of a function that never comes to an end, or wants all memory there is. */
const ENDLESS = [
  'for (;;);',
  'const f = () => Promise.resolve().then(f); f(); return new Promise(() => {});',
  "return [/^(a+)+$/.test('a'.repeat(40) + 'b')];",
  'const a = []; for (;;) a.push(a.slice());',
  "let s = 'x'; for (;;) s += s;",
  'return Object.defineProperty([0], 0, { get() { for (;;); } });',
  'return new Proxy([], { get: () => { for (;;); } });',
  'const f = (n) => n < 2 ? 1 : f(n - 1) + f(n - 2); return [f(200)];',
  'return [[...Array(1e9).keys()].sort().length];',
  'return [JSON.stringify([...Array(1e7)].map(() => completions)).length];',
];
const WRAPS = [
  (body: string) => body,
  (body: string) => `try { ${body} } catch { ${body} }`,
  (body: string) => `try { ${body} } finally { for (;;); }`,
];

/** A hostile function and, after it, a good one in the same process. */
async function judged(random: Random, limits: ConstructorParameters<typeof Sandbox>[1], patience_ms: number): Promise<string> {
  const source = `export default (completions) => { ${oneOf(random, WRAPS)(oneOf(random, ENDLESS))} };`;
  using hostile = new Sandbox({ file: 'hostile.js', source }, limits);
  const batch = { completions: ['a', 'b'], columns: {}, constants: {} };
  const outcome = await Promise.race([hostile.ask({ kind: 'score', batch }), wait(patience_ms, null)]);
  holds(outcome !== null, `no answer within ${patience_ms} ms: ${source}`);
  holds('failure' in outcome, `it is taken for a reward: ${JSON.stringify(outcome).slice(0, 200)}`);
  using good = new Sandbox({ file: 'good.js', source: 'export default (all) => all.map(() => 1);' });
  const after = await good.ask({ kind: 'score', batch });
  holds('values' in after, `the next one fails: ${JSON.stringify(after)}`);
  return outcome.failure.kind;
}

fault('S1', {
  attempt: (random) => judged(random, { cpuMs: 300, wallMs: 20_000 }, 120_000),
  control: (random) => judged(random, { cpuMs: 1e9, wallMs: 1e9, memoryBytes: 2 ** 30 }, 3000),
  controls: 2,
});

const NOBODY = 65534;
/** As a user of the machine who is neither root nor the owner. */
const asNobody = (script: string): Promise<string> =>
  promisify(execFile)(process.execPath, ['-e', script], { uid: NOBODY, gid: NOBODY, cwd: '/', env: {} }).then(({ stdout }) => stdout);

/** SQLite's journals and files that are being written may be gone before their turn comes. */
function openToAll(home: string): void {
  for (const name of ['.', ...readdirSync(home, { recursive: true }).map(String)]) {
    const path = join(home, name);
    if (existsSync(path)) chmodSync(path, 0o777);
  }
}

/** All that another user can read of a home, and whether the socket lets that user in. */
async function spied(random: Random, open: boolean): Promise<string> {
  const home = scratch();
  chmodSync(home, 0o755); // a folder of the machine in which a home lies, such as /tmp
  const inner = join(home, 'home');
  const socket = join(inner, 'sockets', 'backend.sock');
  const t = await testServer({ home: inner, socket });
  try {
    await t.client.createRun(t.config({ run_name: `secret ${below(random, 1000)}` }), { start: false });
    if (open) openToAll(inner);
    const script = `
      const fs = require('fs'), path = require('path'), net = require('net');
      const seen = [];
      const walk = (dir) => {
        for (const name of fs.readdirSync(dir)) {
          const at = path.join(dir, name);
          try { fs.statSync(at).isDirectory() ? walk(at) : (fs.closeSync(fs.openSync(at, 'r')), seen.push(at)); } catch {}
        }
      };
      try { walk(${JSON.stringify(inner)}); } catch {}
      const s = net.connect(${JSON.stringify(socket)}, () => { seen.push('socket'); s.destroy(); });
      s.on('error', () => {}).on('close', () => console.log(JSON.stringify(seen)));`;
    const seen = JSON.parse(await asNobody(script)) as string[];
    holds(seen.length === 0, `another user reads ${seen.slice(0, 3).join(', ')}`);
    return 'nothing read';
  } finally {
    await t.close();
    remove(home);
  }
}

const nobodyRunsNode = async (): Promise<boolean> => (await asNobody('console.log(1)').catch(() => '')) === '1\n';
const lacks =
  process.getuid?.() !== 0 ? 'only root can act as another user' : (await nobodyRunsNode()) ? null : 'another user cannot run Node here';

fault('U1', { lacks, attempt: (random) => spied(random, false), control: (random) => spied(random, true) });
