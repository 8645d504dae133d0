/** The table of error codes and the code agree: every code that is thrown has a row with the status that is sent, and every row is thrown. */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { ERROR_CODES } from '../../kernel-bridge/src/protocol/error-codes.ts';

const root = resolve(import.meta.dirname, '../..');
const sources = globSync('{kernel-bridge/src,widgets/src,extension/src,extension/medr1_workbench}/**/*.{ts,py}', { cwd: root })
  .filter((file) => !/\.test\.ts$|\.d\.ts$|error-codes\.ts$|fixtures/.test(file))
  .map((file) => ({ file, text: readFileSync(resolve(root, file), 'utf8') }));

interface Use {
  file: string;
  code: string;
  /** As the place says it; null where it says none. */
  http: number | null;
}

const CODE = '([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)';
const PATTERNS = [
  /** {code: 'X', http: n, ...}; Python's "code": "X" */
  new RegExp(`\\bcode"?: ["']${CODE}["'](?:,\\s*(?:exit: \\d,\\s*)?http: (\\d+))?`, 'g'),
  /** make('X', n, ...) of the factories of errors */
  new RegExp(`\\bmake\\(\\s*'${CODE}',\\s*(\\d+)`, 'g'),
  /** Python: WorkbenchError("X", ...), self._fail(n, "X", ...) */
  new RegExp(`\\bWorkbenchError\\(\\s*"${CODE}"`, 'g'),
  new RegExp(`\\b_fail\\(\\s*\\d+,\\s*"${CODE}"`, 'g'),
  /** torchError('X', ...), and reward failures, whose codes begin with REWARD_ */
  new RegExp(`\\btorchError\\('${CODE}'`, 'g'),
];

function usesIn({ file, text }: { file: string; text: string }): Use[] {
  return PATTERNS.flatMap((pattern) => [...text.matchAll(pattern)])
    .filter(([, code]) => !code.startsWith('MEDR1_')) // codes of Node's warnings
    .map(([, code, http]) => ({ file, code, http: http === undefined ? null : Number(http) }));
}

const uses = sources.flatMap(usesIn);

it('finds the codes of the factories, of objects and of Python', () => {
  const codes = new Set(uses.map(({ code }) => code));
  for (const code of ['RUN_UNKNOWN', 'DISK_FULL', 'BACKEND_LOST', 'NO_SELECTION', 'TORCH_FILE']) expect(codes).toContain(code);
});

it('every code that is used stands in the table', () => {
  const missing = uses.filter(({ code }) => !Object.hasOwn(ERROR_CODES, code));
  expect(missing.map(({ file, code }) => `${code} of ${file}`)).toEqual([]);
});

it('a status that a place gives is the one of the table', () => {
  const other = uses.filter(({ code, http }) => http !== null && ERROR_CODES[code]?.http !== http);
  expect(other.map(({ file, code, http }) => `${code} ${http} of ${file}`)).toEqual([]);
});

it('every code of the table is used', () => {
  const all = sources.map(({ text }) => text).join('\n');
  const unused = Object.keys(ERROR_CODES).filter((code) => !new RegExp(`\\b${code.replace(/^REWARD_/, '(?:REWARD_)?')}\\b`).test(all));
  expect(unused).toEqual([]);
});

it('every code has a meaning and a remedy in whole sentences', () => {
  for (const [code, { meaning, remedy }] of Object.entries(ERROR_CODES)) {
    expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
    for (const text of [meaning, remedy]) expect(text).toMatch(/^\S.{5,}\S$/);
  }
});
