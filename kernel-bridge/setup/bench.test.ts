import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../bench');
const benches = readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'arguments.ts');

const run = (file: string, args: string[]) =>
  new Promise<{ status: number; said: string }>((resolve) =>
    execFile(process.execPath, [join(folder, file), ...args], (error, stdout, stderr) =>
      resolve({ status: Number(error?.code ?? 0), said: stdout + stderr }),
    ),
  );

it.each([
  ...benches.map((name) => [name, '--no-such-option']),
  ['grpo.ts', '--steps=many'],
  ['grpo.ts', '--prompts=few'],
  ['data.ts', 'word'],
])('%s %s is answered with what there is, and exit code 2', async (file, argument) => {
  const { status, said } = await run(file, [argument]);
  expect(status).toBe(2);
  expect(said).toContain(argument.replace('=', ' '));
  expect(said).not.toMatch(/^\s+at /m); // no stack
});
