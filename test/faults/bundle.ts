/** A program in one file: a process that reads three hundred takes longer to begin than all that it is started for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { build } from 'vite';
import { diskEnvironment, type Faults } from './disk.ts';

const made = new Map<string, Promise<string>>();

/** The bundle of a module of this folder, made once by each process that asks. */
export function bundled(name: string): Promise<string> {
  const known = made.get(name);
  if (known) return known;
  const outDir = resolve(import.meta.dirname, `../output/faults/bundles/${name}-${process.pid}`);
  const making = build({
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: { ssr: resolve(import.meta.dirname, `${name}.ts`), outDir, target: 'node24', minify: false },
  }).then(() => resolve(outDir, `${name}.js`));
  made.set(name, making);
  return making;
}

/** What the bundle of a module of this folder prints, in a process whose disk does what it is told, and how it ended. */
export async function printed(
  name: string,
  args: readonly string[],
  faults: Faults,
  env: Record<string, string> = {},
): Promise<{ said: string; errors: string; code: number | null }> {
  const child = spawn(process.execPath, [await bundled(name), ...args], {
    env: { ...process.env, ...diskEnvironment(faults), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [said, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await once(child, 'close');
  return { said, errors, code: child.exitCode };
}
