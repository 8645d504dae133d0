/** Where a reward file has its tests, so that an error can name the line. */

const BEGINNING = /^[ \t]*export\s+(?:const|let|var)\s+tests\b[^=]*=\s*\[/m;
/** What is read as one: a comment, a text, a bracket, a comma, anything else that is no space. */
const PIECES = /\/\/[^\n]*|\/\*[^]*?\*\/|(["'`])(?:\\[^]|(?!\1)[^\\])*\1|[^\s]/g;

/** Line of a test, from 1, of a file that writes its tests out as a list; null where that cannot be told. */
export function lineOfTest(source: string, index: number): number | null {
  const beginning = BEGINNING.exec(source);
  if (!beginning) return null;
  const pieces = new RegExp(PIECES);
  pieces.lastIndex = beginning.index + beginning[0].length;
  let depth = 0;
  let begins = true;
  for (let seen = -1, found = pieces.exec(source); found; found = pieces.exec(source)) {
    const [piece] = found;
    if (piece.startsWith('//') || piece.startsWith('/*')) continue;
    if (depth === 0 && piece === ']') return null;
    if (begins) {
      begins = false;
      if (source.startsWith('...', found.index)) return null; // as many as it holds
      if (++seen === index) return source.slice(0, found.index).split('\n').length;
    }
    if (piece === '[' || piece === '{' || piece === '(') depth++;
    else if (piece === ']' || piece === '}' || piece === ')') depth--;
    else if (piece === ',' && depth === 0) begins = true;
  }
  return null;
}
