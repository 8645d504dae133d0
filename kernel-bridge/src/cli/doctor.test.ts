import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import type { Fact } from '../../setup/facts.mjs';

const MEDR1 = resolve(import.meta.dirname, '../../bin/medr1.mjs');

function doctor(env: Record<string, string>): Promise<{ status: number; healthy: boolean; fact: (name: string) => Fact }> {
  return new Promise((done) =>
    execFile(process.execPath, [MEDR1, 'doctor', '--json'], { env: { ...process.env, ...env } }, (error, stdout) => {
      const { healthy, facts } = JSON.parse(stdout) as { healthy: boolean; facts: Fact[] };
      done({ status: Number(error?.code ?? 0), healthy, fact: (name) => facts.find((fact) => fact.name === name)! });
    }),
  );
}

it('names what is missing with the command that mends it, and exits with 1', async () => {
  const { status, healthy, fact } = await doctor({ PATH: '/nowhere', CXX: '' });
  expect(fact('C++ compiler')).toMatchObject({ state: 'missing', remedy: 'apt-get install -y g++' });
  expect(fact('GPU')).toMatchObject({ state: 'absent', remedy: null });
  expect(healthy).toBe(false);
  expect(status).toBe(1);
});

it('names the variables that are left out, and takes CXX as words', async () => {
  const { fact } = await doctor({ PYTHONPATH: '/somewhere', CXX: 'env g++' });
  expect(fact('Environment')).toMatchObject({ state: 'ok', detail: expect.stringContaining('PYTHONPATH=/somewhere') });
  expect(fact('C++ compiler')).toMatchObject({ state: 'ok' });
});

it('reports Node, the home and the disk, and takes the server.json of a killed backend for none', async () => {
  const home = mkdtempSync(join(tmpdir(), 'medr1-doctor-'));
  writeFileSync(join(home, 'server.json'), JSON.stringify({ pid: 2 ** 22 + 1, version: '0.1.0', socket: '/nowhere' }));
  const { fact } = await doctor({ MEDR1_HOME: home });
  expect(fact('Node for the backend')).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^v2\d\./) });
  expect(fact('sample data (made, not real)')).toEqual({
    name: 'sample data (made, not real)',
    state: 'due',
    detail: 'not written yet',
    remedy: 'npm start',
  });
  expect(fact('Home').detail).toBe(`${home}: 0 run(s)`);
  expect(fact('Memory').detail).toMatch(/^\d+\.\d GiB free of \d+\.\d GiB/);
  expect(fact('Processors').detail).toMatch(/^threads at a time: [1-9]/);
  expect(fact('Disk').detail).toMatch(/GB free/);
  expect(fact('Backend')).toMatchObject({ state: 'absent', detail: 'not running' });
});
