/** A program in one file: a process that reads three hundred takes longer to begin than all that it is started for. */
import { resolve } from 'node:path';
import { build } from 'vite';

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
