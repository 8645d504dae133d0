/** `medr1 train` that is handed over to a running server: how it ends when the server does, and when it is interrupted. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
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

function train(...args: string[]) {
  const command = spawn(process.execPath, [main, 'train', ...args], { env: { ...process.env, MEDR1_HOME: made.home } });
  const said = { out: '', err: '' };
  command.stdout.on('data', (data: Buffer) => (said.out += data));
  command.stderr.on('data', (data: Buffer) => (said.err += data));
  const ended = once(command, 'exit').then(([code]) => code as number | null);
  return { command, said, ended };
}

function configFile(): string {
  const file = join(made.home, 'run.yaml');
  writeFileSync(file, JSON.stringify(fakeConfig(made.model, ENDLESS))); // JSON is YAML
  return file;
}

/** The command once its run makes steps on the server. */
async function trainingThere() {
  const { command, said, ended } = train(configFile(), '--json');
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

/** Stands between clients and the server: what is sent waits a moment at the request that begins so, and `held` is told. */
async function holdingAt(beginning: string, held: () => void): Promise<Disposable> {
  const door = createServer((from) => {
    const to = connect(server.port, '127.0.0.1');
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
    to.on('error', () => from.destroy()).pipe(from);
    from.on('data', (data: Buffer) => {
      const sent = data.toString('latin1').replace(`:${port}\r\n`, `:${server.port}\r\n`); // Host
      if (!sent.startsWith(beginning)) return void to.write(sent, 'latin1');
      from.pause();
      held();
      setTimeout(() => {
        to.write(sent, 'latin1');
        from.resume();
      }, 300);
    });
  });
  await once(door.listen(0, '127.0.0.1'), 'listening');
  const { port } = door.address() as AddressInfo;
  const file = join(made.home, 'server.json');
  const there = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...there, port }));
  return { [Symbol.dispose]: () => void door.close() };
}

it('leaves a stopped run, and says how to go on, on a SIGTERM while the server makes the run', async () => {
  const file = configFile();
  using _ = await holdingAt('POST /api/runs ', () => command.kill('SIGTERM'));
  const { command, said, ended } = train(file);
  expect(await ended).toBe(1);
  const client = await connectHome(made.home);
  const [{ id, state }] = await client.runs();
  client.close();
  expect(state).toBe('stopped');
  expect(said.err).toMatch(new RegExp(`run ${id}, on the running server\n[^]*stopped at step \\d[^]*medr1 train --resume ${id} goes on`));
});

it('leaves a stopped run as it was on a Ctrl-C before it is resumed', async () => {
  const client = await connectHome(made.home);
  const { id } = await client.createRun(fakeConfig(made.model, ENDLESS), { start: false });
  await client.action(id, 'stop');
  using _ = await holdingAt(`GET /api/runs/${id} `, () => command.kill('SIGINT'));
  const { command, ended } = train('--resume', id);
  expect(await ended).toBe(1);
  expect(await client.runs()).toMatchObject([{ id, state: 'stopped', step: 0 }]);
  client.close();
});
