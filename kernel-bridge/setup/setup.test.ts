import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { command } from './command.mjs';
import { ensure } from './ensure.mjs';
import { root } from './paths.mjs';

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
