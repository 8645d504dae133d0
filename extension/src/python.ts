/** Code that is put into notebooks. */

const IMPORT = 'import medr1_workbench as wb';

/** The code with the import that it needs, where no cell has it yet. */
export function withImport(code: string, cells: readonly string[]): string {
  const there = cells.some((cell) => /^\s*import\s+medr1_workbench\s+as\s+wb\b/m.test(cell));
  return there ? code : `${IMPORT}\n\n${code}`;
}
