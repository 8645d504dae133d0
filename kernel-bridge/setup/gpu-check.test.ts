/** Packs, unpacks in a bare copy of the clone and runs every part of the GPU check there, without a GPU. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { packageFolders } from './gpu-pack.mjs';

describe('npm packages to pack', () => {
  const installed = {
    'node_modules/a': { dependencies: { b: '1', c: '1' } },
    'node_modules/b': { peerDependencies: { d: '1', unused: '1' }, peerDependenciesMeta: { unused: { optional: true } } },
    'node_modules/c': { dependencies: { b: '2' }, optionalDependencies: { 'for-other-systems': '1' } },
    'node_modules/c/node_modules/b': { dependencies: { e: '1' } },
    'node_modules/d': {},
    'node_modules/e': {},
    'node_modules/unused': {},
    'node_modules/@scope/f': { dependencies: { '@scope/g': '1' } },
    'node_modules/@scope/f/node_modules/@scope/g': { dependencies: { a: '1' } },
  };
  it('are those asked for and all that they need, each copy where Node looks for it', () => {
    expect(packageFolders(installed, ['a'])).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `node_modules/${name}`));
    expect(packageFolders(installed, ['@scope/f'])).toEqual(['@scope/f', 'a', 'b', 'c', 'd', 'e'].map((name) => `node_modules/${name}`));
  });
});

it('the whole check runs from what is packed', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'medr1-gpu-check-test-'));
  try {
    const out = join(folder, 'report.json');
    const script = fileURLToPath(new URL('gpu-check.mjs', import.meta.url));
    execFileSync(process.execPath, [script, '--rehearse', '--out', out], { stdio: 'inherit' });
    const { rehearse, parts } = JSON.parse(readFileSync(out, 'utf8')) as {
      rehearse: boolean;
      parts: Record<string, { ok: boolean; answer: Record<string, unknown> }>;
    };
    expect(rehearse).toBe(true);
    expect(Object.entries(parts).map(([name, { ok }]) => [name, ok])).toEqual(
      ['step', 'tests', 'two_processes', 'two_gpus', 'commands', 'decode', 'decode_without_graphs', 'whole_step'].map((name) => [
        name,
        true,
      ]),
    );
    expect(parts.tests.answer).toMatchObject({ failed: 0, skipped: expect.any(Number) });
    expect(parts.two_gpus.answer).toMatchObject({ same_rollouts: true, unlinked: null });
    expect(parts.decode.answer.batches).toHaveLength(3);
    const { step } = (parts.whole_step.answer.ours as { float32: { step: { planned_bytes: number; peak_bytes: number } } }).float32;
    expect([step.planned_bytes, step.peak_bytes].every((bytes) => bytes > 0)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
