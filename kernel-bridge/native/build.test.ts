import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { build, facts, findTorch } from './build.mjs';
import { compilerWords } from './compiler.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'addon-build-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A `torch` package folder of some version, with nothing else in it. */
function fakeTorch(version: string): void {
  const dir = join(folder, 'torch');
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'version.py'), `__version__ = '${version}'\n`);
  vi.stubEnv('MEDR1_TORCH', dir);
}

describe('a build that cannot be', () => {
  it('for want of PyTorch names the variable or the command that brings it', async () => {
    vi.stubEnv('MEDR1_TORCH', join(folder, 'nothing'));
    await expect(build()).rejects.toMatchObject({
      message: expect.stringContaining('holds no torch package'),
      remedy: expect.stringContaining('pip install torch'),
    });
  });
  it('for an old PyTorch names its version and the oldest that will do', async () => {
    fakeTorch('2.5.1+cpu');
    await expect(build()).rejects.toThrow(/PyTorch 2\.5\.1\+cpu .* is too old: 2\.6 or newer/);
  });
  it('for want of a compiler names the package, and leaves the addon that is there', async () => {
    const { addon } = facts();
    const before = addon && readFileSync(addon);
    vi.stubEnv('CXX', join(folder, 'no-compiler'));
    await expect(build({ force: true })).rejects.toMatchObject({ remedy: 'apt-get install g++' });
    expect(facts().addon).toBe(addon);
    expect(addon && readFileSync(addon)).toEqual(before);
  });
  it('takes CXX as words, as make does, and names the word that was not found', async () => {
    vi.stubEnv('CXX', 'no-such-ccache g++');
    await expect(build({ force: true })).rejects.toThrow('no-such-ccache was not found (CXX is "no-such-ccache g++")');
    const compiler = join(folder, 'a compiler with spaces');
    writeFileSync(compiler, '', { mode: 0o755 });
    expect([compilerWords('ccache  g++ '), compilerWords(''), compilerWords(compiler)]).toEqual([['ccache', 'g++'], ['g++'], [compiler]]);
    const wrapped = join(folder, 'wrapper');
    writeFileSync(wrapped, '#!/bin/sh\necho "x.cc:1:2: error: called with $1" >&2\nexit 1\n', { mode: 0o755 });
    vi.stubEnv('CXX', `${wrapped} the-compiler`);
    await expect(build({ force: true })).rejects.toThrow('called with the-compiler');
  });
  it('for a compiler that fails shows its first error', async () => {
    const compiler = join(folder, 'failing-compiler');
    writeFileSync(compiler, '#!/bin/sh\necho "x.cc:1:2: error: no such thing" >&2\nexit 1\n', { mode: 0o755 });
    vi.stubEnv('CXX', compiler);
    await expect(build({ force: true })).rejects.toThrow(/failing-compiler failed: x\.cc:1:2: error: no such thing/);
  });
});

describe('what is built', () => {
  it('is up to date, and for the PyTorch that is found', () => {
    expect(facts()).toMatchObject({ upToDate: true, stale: null });
    expect(facts().builtFor).toEqual(findTorch());
  });
  it('finds its own PyTorch before one that LD_LIBRARY_PATH names', () => {
    for (const name of ['libtorch_cpu.so', 'libc10.so']) writeFileSync(join(folder, name), 'no library');
    const load = `process.stdout.write(typeof require(${JSON.stringify(facts().addon)}).config)`;
    const said = execFileSync(process.execPath, ['-e', load], { env: { ...process.env, LD_LIBRARY_PATH: folder }, encoding: 'utf8' });
    expect(said).toBe('function');
  });
  it('is to be built again for another PyTorch, and says for which it was built', () => {
    const { version } = findTorch()!;
    fakeTorch('2.6.1+cpu');
    expect(facts()).toMatchObject({ upToDate: false, stale: `built for torch ${version}, and torch is now 2.6.1+cpu` });
  });
  it('is not built again', async () => {
    await expect(build()).resolves.toMatchObject({ built: false });
  });
});
