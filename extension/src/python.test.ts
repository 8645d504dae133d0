import { expect, it } from 'vitest';
import { withImport } from './python.ts';

it.each([
  ['no cell', [], true],
  ['cells without it', ['import pandas as pd', '# import medr1_workbench as wb'], true],
  ['a cell with it among others', ['import pandas as pd\nimport medr1_workbench as wb\nc = wb.connect()'], false],
  ['another name for it', ['import medr1_workbench'], true],
])('the import comes along after %s: %j -> %s', (_what, cells, wanted) => {
  const code = withImport('wb.dataset("a")', cells);
  expect(code.startsWith('import medr1_workbench as wb\n')).toBe(wanted);
  expect(code.endsWith('wb.dataset("a")')).toBe(true);
});
