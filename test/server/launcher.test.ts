/** The command behind `medr1` where the shell knows it by another process: kill -9 of that one ends it too. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { isAlive, makeHome, until } from './harness.ts';

const main = resolve(import.meta.dirname, '../../kernel-bridge/src/cli/main.ts');

it('a command ends when the process that the shell started is killed', async () => {
  const { home, remove } = makeHome();
  const command = `MEDR1_LAUNCHER=$$ '${process.execPath}' '${main}' serve --port 0 & wait`;
  const shell = spawn('sh', ['-c', command], { env: { ...process.env, MEDR1_HOME: home }, stdio: ['ignore', 'ignore', 'inherit'] });
  const file = join(home, 'server.json');
  const pid = await until(() => (existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid : 'no server yet'));
  shell.kill('SIGKILL');
  await once(shell, 'exit');
  await until(() => (isAlive(pid) ? 'it goes on' : true));
  expect(isAlive(pid)).toBe(false);
  remove();
});
