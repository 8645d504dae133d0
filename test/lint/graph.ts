/** The import graph of the three npm packages: types, re-exports and `import()` included. */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';
import { target } from '../../layers.ts';

export const root = resolve(import.meta.dirname, '../..');

/** File -> the files that it imports, as paths from the root of the repository. */
export type Graph = Map<string, string[]>;

export function importGraph(): Graph {
  const files = globSync('{kernel-bridge,widgets,extension}/{src,setup,native,bench,gallery,testing}/**/*.{ts,mjs}', { cwd: root })
    .filter((file) => !/\.d\.ts$|\/(node_modules|build|lib)\//.test(file))
    .toSorted();
  const known = new Set(files);
  return new Map(files.map((file) => [file, importsOf(file).filter((path) => known.has(path))]));
}

function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(resolve(root, file), 'utf8'), true, true);
  return importedFiles.map(({ fileName }) => target(file, fileName)).filter((path): path is string => path !== null);
}

/** Circles of files, each once and as the way around it: [a, b, a]. Empty when there is none. */
export function circles(graph: Graph): string[][] {
  const done = new Set<string>();
  const found: string[][] = [];
  const way: string[] = [];
  const visit = (file: string): void => {
    const at = way.indexOf(file);
    if (at >= 0) found.push([...way.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    way.push(file);
    graph.get(file)?.forEach(visit);
    way.pop();
    done.add(file);
  };
  [...graph.keys()].forEach(visit);
  return found;
}
