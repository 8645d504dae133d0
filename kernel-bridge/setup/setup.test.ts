import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { command } from './command.mjs';
import { ensure } from './ensure.mjs';
import { cleanEnvironment, leftOut } from './environment.mjs';
import { openInBrowser } from './jupyter.mjs';
import { root } from './paths.mjs';
import { shim } from './shim.mjs';
import { stamp, unlike } from './stamp.mjs';
import { stalePackages } from './steps.mjs';

type Step = { title: string; needs: string[]; check(): string | null; run(): Promise<void> };

function recorded(stale: Record<string, string[]>, broken?: string) {
  const log: string[] = [];
  const steps = Object.fromEntries(
    Object.entries(stale).map(([name, needs]): [string, Step] => [
      name,
      {
        title: name,
        needs,
        check: () => (name.startsWith('done') ? null : 'stale'),
        run: async () => {
          log.push(`start ${name}`);
          await new Promise((resolve) => setTimeout(resolve, 5));
          if (name === broken) throw Object.assign(new Error(`${name} broke`), { remedy: 'apt-get install it' });
          log.push(`end ${name}`);
        },
      },
    ]),
  );
  return { log, steps };
}

it('a home with a relative path is the same one for every program, whatever its working directory', () => {
  const program = `import { home } from ${JSON.stringify(pathToFileURL(join(root, 'kernel-bridge/setup/paths.mjs')).href)}; console.log(home)`;
  const cwd = tmpdir();
  const env = { ...process.env, MEDR1_HOME: 'a home' };
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd, env, encoding: 'utf8' });
  expect(said.trim()).toBe(join(realpathSync(cwd), 'a home'));
});

it('a step whose stamp is of something else does not say that its thing is not there', () => {
  const dir = mkdtempSync(join(tmpdir(), 'medr1-stamp-'));
  const file = join(dir, 'mark');
  const state = (hash: string) => unlike(file, hash, 'not there', 'changed since');
  expect(state('a')).toBe('not there');
  stamp(file, 'a');
  expect([state('a'), state('b')]).toEqual([null, 'changed since']);
  rmSync(dir, { recursive: true });
});

describe('ensure', () => {
  it('runs what is stale after what it needs, and leaves alone what is up to date', async () => {
    const { log, steps } = recorded({ 'done-npm': [], venv: [], addon: ['done-npm', 'venv'] });
    const printed: string[] = [];
    expect(await ensure(Object.keys(steps), { steps, print: (line: string) => printed.push(line) })).toEqual([]);
    expect(log).toEqual(['start venv', 'end venv', 'start addon', 'end addon']);
    expect(printed).toContain('  done-npm: up to date');
  });

  it('runs steps side by side that do not need each other', async () => {
    const { log, steps } = recorded({ npm: [], venv: [] });
    await ensure(['npm', 'venv'], { steps, print: () => {} });
    expect(log.slice(0, 2)).toEqual(['start npm', 'start venv']);
  });

  it('names what failed with its remedy and runs nothing that needs it', async () => {
    const { log, steps } = recorded({ venv: [], torch: ['venv'], npm: [] }, 'venv');
    const printed: string[] = [];
    const failures = await ensure(Object.keys(steps), { steps, print: (line: string) => printed.push(line) });
    expect(failures).toHaveLength(1);
    expect(log).not.toContain('start torch');
    expect(log).toContain('end npm');
    expect(printed).toContain('    Remedy: apt-get install it');
  });
});

describe('command', () => {
  it('names a program that is not installed', async () => {
    await expect(command('no-such-program', [], { remedy: 'apt-get install it' })).rejects.toMatchObject({
      message: 'no-such-program is not installed',
      remedy: 'apt-get install it',
    });
  });

  it('shows the last lines of what failed', async () => {
    await expect(command('sh', ['-c', 'echo the cause >&2; exit 3'])).rejects.toThrow(/ended with 3:\n\s+the cause/);
  });
});

describe('npm start', () => {
  const start = (...args: string[]) =>
    new Promise<{ status: number; text: string }>((resolve) =>
      execFile(process.execPath, [join(root, 'kernel-bridge/setup/start.mjs'), ...args], (error, stdout, stderr) =>
        resolve({ status: Number(error?.code ?? 0), text: stdout + stderr }),
      ),
    );

  it('names a port that is taken and one that is free, before any work', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { status, text } = await start('--no-browser', '--port', String(port));
    server.close();
    expect(status).toBe(1);
    expect(text).toMatch(new RegExp(`port ${port} is taken[^]*Remedy: npm start -- --port \\d+`));
    expect(text).not.toContain('Set-up');
  });

  it.each([
    ['--port', '99999'],
    ['--nonsense', ''],
  ])('refuses %s %s with its usage', async (...args) => {
    const { status, text } = await start(...args.filter(Boolean));
    expect(status).toBe(2);
    expect(text).toContain('npm start -- [options]');
  });
});

it('opens a page by a file that its owner alone can read', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'medr1-open-'));
  mkdirSync(join(dir, 'runtime'));
  writeFileSync(join(dir, 'browser'), `#!/bin/sh\necho "$1" > '${dir}/asked'\n`, { mode: 0o755 });
  vi.stubEnv('BROWSER', join(dir, 'browser'));
  await openInBrowser('http://127.0.0.1:8888/lab?token=secret&medr1=runs%3Da', dir);
  vi.unstubAllEnvs();
  const page = join(dir, 'runtime/open-demo.html');
  expect(readFileSync(join(dir, 'asked'), 'utf8').trim()).toBe(pathToFileURL(page).href);
  expect(readFileSync(page, 'utf8')).toContain('url=http://127.0.0.1:8888/lab?token=secret&amp;medr1=runs%3Da"');
  expect(statSync(page).mode & 0o777).toBe(0o600);
  rmSync(dir, { recursive: true });
});

describe('the environment that the set-up gives what it starts', () => {
  let dir: string;
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'medr1-environment-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  it('leaves out what would send Python, pip or the compiler elsewhere, and keeps the rest', () => {
    const env = { PYTHONPATH: '/x', PYTHONHOME: '/x', PIP_USER: '1', CPATH: '/x', HTTP_PROXY: 'http://p', PIP_INDEX_URL: 'http://i' };
    const local = 'localhost,127.0.0.1,::1';
    expect(cleanEnvironment(env)).toEqual({
      HTTP_PROXY: 'http://p',
      PIP_INDEX_URL: 'http://i',
      LC_ALL: 'C.UTF-8', // names of files are UTF-8
      NO_PROXY: local, // what is local goes by no proxy
      no_proxy: local,
    });
    expect(cleanEnvironment({ https_proxy: 'http://p', NO_PROXY: '.org,localhost' }).no_proxy).toBe('.org,localhost,127.0.0.1,::1');
    expect(leftOut(env)).toEqual([
      "PYTHONHOME=/x (another Python's library)",
      'PYTHONPATH=/x (other packages before those of .venv)',
      'PIP_USER=1 (packages outside .venv)',
      'CPATH=/x (other headers before those of libtorch)',
    ]);
    expect(leftOut({ HOME: '/root', PYTHONPATH: '' })).toEqual([]);
  });

  it('leaves out of LD_LIBRARY_PATH the folders with another libtorch, and the variable when nothing is left', () => {
    mkdirSync(join(dir, 'own/lib'), { recursive: true });
    for (const file of ['libc10.so', 'own/lib/libtorch_cpu.so']) writeFileSync(join(dir, file), '');
    const env = { LD_LIBRARY_PATH: `/usr/lib/wsl/lib:${dir}` };
    expect(cleanEnvironment(env).LD_LIBRARY_PATH).toBe('/usr/lib/wsl/lib');
    expect(leftOut(env)).toEqual([`${dir} in LD_LIBRARY_PATH (another libtorch)`]);
    expect(cleanEnvironment({ LANG: 'de_DE.UTF-8' })).toEqual({ LANG: 'de_DE.UTF-8' });
    expect(cleanEnvironment({ LD_LIBRARY_PATH: dir })).not.toHaveProperty('LD_LIBRARY_PATH');
    const own = { MEDR1_TORCH: join(dir, 'own'), LD_LIBRARY_PATH: join(dir, 'own/lib') };
    expect(cleanEnvironment(own).LD_LIBRARY_PATH).toBe(own.LD_LIBRARY_PATH);
  });

  it('reaches a command, whose Python starts', async () => {
    vi.stubEnv('PYTHONHOME', '/nonexistent');
    vi.stubEnv('PYTHONPATH', dir);
    writeFileSync(join(dir, 'json.py'), 'raise SystemExit("the wrong one")');
    vi.stubEnv('LC_ALL', 'C');
    const said = await command('python3', ['-c', 'import json, locale; print(json.dumps(locale.getpreferredencoding()))']);
    vi.unstubAllEnvs();
    expect(said.toLowerCase()).toContain('"utf-8"');
  });
});

describe('npm packages', () => {
  const here = { os: [process.platform], cpu: [process.arch] };
  it.each([
    ['a package that is not there', {}, true],
    ['an optional one without a platform', { optional: true }, false],
    ['an optional one for this platform, as Node comes', { optional: true, ...here }, true],
    ['an optional one for another system', { optional: true, os: ['nosuch'] }, false],
    ['an optional one for another processor', { optional: true, os: [process.platform], cpu: ['nosuch'] }, false],
    ['an optional one for another C library', { optional: true, ...here, libc: ['nosuch'] }, false],
  ])('%s', (_, entry, wanted) => {
    const locked = { 'node_modules/x': { version: '1.0.0', ...entry } };
    expect(stalePackages({}, locked)).toEqual(wanted ? ['x 1.0.0'] : []);
    expect(stalePackages(locked, locked)).toEqual([]);
  });
});

it('medr1 is called from any folder by .venv/bin/medr1, which passes its arguments on', async () => {
  const said = await new Promise<string>((resolve, reject) =>
    execFile(
      shim,
      ['data', 'list', '--json'],
      { cwd: tmpdir(), env: { ...process.env, MEDR1_HOME: mkdtempSync(join(tmpdir(), 'medr1-shim-')) } },
      (error, stdout) => (error ? reject(error) : resolve(stdout)),
    ),
  );
  expect(() => JSON.parse(said) as unknown).not.toThrow();
});
