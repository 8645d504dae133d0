/** A cell of text: quoted, and never read as a formula by a spreadsheet, whatever a model or a file's author wrote. */
export const csvText = (text: string): string => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

/** A row of cells: text is quoted, numbers stand as they are, nothing is an empty cell. */
export const csvRow = (cells: readonly (string | number | boolean | null)[]): string =>
  cells.map((cell) => (cell === null ? '' : typeof cell === 'string' ? csvText(cell) : String(cell))).join(',');
