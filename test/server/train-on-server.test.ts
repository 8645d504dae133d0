/** `medr1 train` that is handed over to a running server: how it ends when the server does, and when it is interrupted. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { serve, type Server } from '../faults/flood.ts';
import { connectHome } from '../../kernel-bridge/src/server/connect.ts';
import { ENDLESS, fakeConfig, makeHome, until } from './harness.ts';

const main = resolve(import.meta.dirname, '../../kernel-bridge/src/cli/main.ts');
let made: ReturnType<typeof makeHome>;
let server: Server;
beforeEach(async () => {
  made = makeHome();
  server = await serve(made.home);
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  made.remove();
});

/** The command once its run makes steps on the server. */
async function trainingThere() {
  const file = join(made.home, 'run.yaml');
  writeFileSync(file, JSON.stringify(fakeConfig(made.model, ENDLESS))); // JSON is YAML
  const command = spawn(process.execPath, [main, 'train', file, '--json'], { env: { ...process.env, MEDR1_HOME: made.home } });
  const said = { out: '', err: '' };
  command.stdout.on('data', (data: Buffer) => (said.out += data));
  command.stderr.on('data', (data: Buffer) => (said.err += data));
  const ended = once(command, 'exit').then(([code]) => code as number | null);
  const client = await connectHome(made.home);
  const { id } = await until(async () => (await client.runs()).find(({ step }) => step > 2) ?? `no run makes steps: ${said.err}`);
  client.close();
  return { command, id, said, ended };
}

it('ends with SERVER_GONE and how to go on when the server is killed', async () => {
  const { id, said, ended } = await trainingThere();
  server.child.kill('SIGKILL');
  expect(await ended).toBe(1);
  const { error } = JSON.parse(said.err) as { error: { code: string; message: string; remedy: string } };
  expect(error).toMatchObject({ code: 'SERVER_GONE', remedy: expect.stringContaining(`medr1 train --resume ${id}`) });
  expect(said.out).toBe('');
});

it('stops the run and ends with exit code 1 when it is interrupted, its document on standard output', async () => {
  const { command, id, said, ended } = await trainingThere();
  command.kill('SIGINT');
  expect(await ended).toBe(1);
  expect(JSON.parse(said.out)).toMatchObject({ id, state: 'stopped' });
  expect(said.err).toBe('');
});
