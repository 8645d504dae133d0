/** What comments and pages say of the repository is there: files, tests by their names, scripts. */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './graph.ts';

/** Files that are named and are not ours: a user's, a run's, another project's. */
const ELSEWHERE: Record<string, string> = {
  'my_reward.ts': "a user's reward",
  'rewards/short_think.ts': "a user's reward",
  'short_think.ts': "a user's reward",
  'my_function.py': 'the name that a Python reward goes by',
  'short_think.py': 'the name that a Python reward goes by',
  'run.yaml': "a user's configuration",
  'config.yaml': 'in the directory of a run',
  'run.ray.py': 'written by medr1 launch',
  'report.md': 'in the directory of a reproduction',
  'jupyter_server_config.py': "Jupyter's",
  'optimization.py': "transformers'",
  'native_functions.yaml': "PyTorch's",
  'grpo_vqa.py': "Med-R1's",
  'grpo_vqa_nothink.py': "Med-R1's",
  'test_qwen2vl_vqa_zero_shot.py': "Med-R1's",
};

const files = globSync('{,.ci/,docs/**/,examples/**/,extension/**/,kernel-bridge/**/,test/**/,widgets/**/}*.*', { cwd: root }).filter(
  (file) => !/(^|\/)(node_modules|lib|labextension|output|build)\/|\.egg-info/.test(file),
);
const exists = (path: string): boolean => files.some((file) => file === path || file.endsWith(`/${path}`));
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8');

const COMMENTS: Record<string, RegExp> = {
  ts: /\/\*[\s\S]*?\*\/|(?<![:'"`\w])\/\/ .*$/gm,
  py: /#.*$|"""[\s\S]*?"""/gm,
};
COMMENTS.mjs = COMMENTS.cc = COMMENTS.h = COMMENTS.ts;

/** File -> what it says to a reader: a page whole, of code its comments, one line each. */
const prose = files.flatMap((file): [string, string][] => {
  const ending = file.split('.').at(-1)!;
  if (file === 'test/lint/claims.test.ts') return []; // it names what is not there
  if (ending === 'md') return [[file, read(file)]];
  if (!(ending in COMMENTS) || file.endsWith('aten.d.ts')) return [];
  const comments = [...read(file).matchAll(COMMENTS[ending])].map(([comment]) => comment.replace(/\n\s*\* ?/g, ' '));
  return comments.length ? [[file, comments.join('\n')]] : [];
});

export const pathsIn = (text: string): string[] =>
  [...text.matchAll(/(?<![\w*/{.}-])((?:[\w@.-]+\/)*\w[\w.-]*\.(?:ts|mjs|py|cc|h|md|yaml))\b(?![(*])/g)].map(([, path]) =>
    path.replace(/^(\.\.?\/)+/, ''),
  );

/** A name in quotes before a file of tests is a test of it; a name that ends in dots is the beginning of one. */
const testsIn = (text: string): { name: string; file: string }[] =>
  [...text.matchAll(/"([^"\n]{8,})",\s+([\w./-]+\.test\.ts)/g)].map(([, name, file]) => ({ name: name.replace(/,? ?\.\.\.$/, ''), file }));

const hasTest = ({ name, file }: { name: string; file: string }): boolean =>
  files.filter((one) => one.endsWith(file)).some((one) => read(one).includes(name));

const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);

it.each(prose)('%s names files that are there', (_, text) =>
  expect(pathsIn(text).filter((path) => !exists(path) && !(path in ELSEWHERE))).toEqual([]),
);

it('every test that is named is there', () => {
  const named = prose.flatMap(([, text]) => testsIn(text));
  expect(named.length).toBeGreaterThan(1);
  expect(named.filter((test) => !hasTest(test))).toEqual([]);
});

it('every script that is named is there', () => {
  const named = prose.flatMap(([file, text]) => [...text.matchAll(/npm run ([\w-]+)/g)].map(([, script]) => ({ file, script })));
  expect(named.filter(({ script }) => !scripts.includes(script))).toEqual([]);
});

describe('what would be found', () => {
  it('a file', () => expect(pathsIn('see rl/no-such.ts and `docs/none.md`, not *.test.ts')).toEqual(['rl/no-such.ts', 'docs/none.md']));
  it('a test', () => expect(testsIn('("does what nobody tests, ...", grpo-trainer.test.ts)').some(hasTest)).toBe(false));
});
