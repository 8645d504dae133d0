import { expect, it } from 'vitest';
import { importProblem, LAYERS, layerOf } from '../../layers.ts';
import { circles, importGraph } from './graph.ts';

const graph = importGraph();
const shipped = [...graph].filter(([file]) => layerOf(file) && !/\/(testing|bench|gallery)\/|fixtures/.test(file));

it('sees the files and their imports', () => {
  expect(graph.get('kernel-bridge/src/rl/grpo.ts')).toContain('kernel-bridge/src/torch/index.ts');
  expect(graph.get('extension/src/plugins/curves.ts')).toContain('widgets/src/curves/view.ts'); // by import()
  expect(graph.get('widgets/src/curves/chart.ts')).toContain('widgets/src/store/followed-run.ts'); // a type
});

it('no file imports itself by way of others', () => expect(circles(graph)).toEqual([]));

it('a circle would be found', () =>
  expect(
    circles(
      new Map([
        ['a', ['b']],
        ['b', ['c', 'd']],
        ['c', ['a']],
      ]),
    ),
  ).toEqual([['a', 'b', 'c', 'a']]));

it('every folder knows folders above it alone', () => {
  const names = LAYERS.map(({ name }) => name);
  const upward = LAYERS.flatMap(({ name, knows }, at) =>
    knows.filter((one) => !names.slice(0, at).includes(one)).map((one) => `${name} -> ${one}`),
  );
  expect(upward).toEqual([]);
});

it('every file of src belongs to a folder of the table', () => {
  const entries = ['widgets/src/index.ts', 'extension/src/index.ts'];
  const strangers = [...graph.keys()].filter((file) => /\/src\//.test(file) && !file.endsWith('.test.ts') && !layerOf(file));
  expect(strangers.toSorted()).toEqual(entries.toSorted());
  const folders = new Set(
    [...graph.keys()].map((file) => /^kernel-bridge\/src\/[\w-]+(?=\/)/.exec(file)?.[0]).filter((one) => one !== undefined),
  );
  expect([...folders].filter((folder) => !LAYERS.some((one) => one.folder === folder))).toEqual([]);
});

it.each(LAYERS)('$name uses every folder that it names', ({ name, knows }) => {
  const used = new Set(
    shipped.filter(([file]) => layerOf(file)?.name === name).flatMap(([, imports]) => imports.map((file) => layerOf(file)?.name)),
  );
  expect(knows.filter((one) => !used.has(one))).toEqual([]);
});

it('no import is one that the table forbids', () => {
  const wrong = shipped.flatMap(([file, imports]) =>
    imports
      .filter((to) => to.split('/')[0] === file.split('/')[0])
      .map((to) => importProblem(file, relative(file, to)))
      .filter((one) => one !== null),
  );
  expect(wrong).toEqual([]);
});

it('the engine of models/ knows no family, and outside models/ nobody does', () => {
  const family = 'kernel-bridge/src/models/families/';
  const lists = ['kernel-bridge/src/models/families/index.ts', 'kernel-bridge/src/models/families/shapes.ts'];
  const knowing = [...graph].flatMap(([file, imports]) =>
    file.startsWith(family) || /\.test\.ts$|\/testing\//.test(file)
      ? []
      : imports.filter((to) => to.startsWith(family)).map((to) => [file, to]),
  );
  expect(knowing.filter(([, to]) => !lists.includes(to))).toEqual([]);
  expect(knowing.filter(([file]) => !/^kernel-bridge\/src\/models\/[\w-]+\.ts$/.test(file))).toEqual([]);
  expect(knowing.length).toBeGreaterThan(2);
});

const relative = (file: string, to: string): string => `${'../'.repeat(file.split('/').length - 1)}${to}`;
