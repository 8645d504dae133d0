/** What Python's `\s` and str.strip() take for white space: JavaScript's have U+FEFF besides, and lack U+001C to U+001F and U+0085. */
export const PYTHON_SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';

const SPACE = new RegExp(PYTHON_SPACE);

/** Python's str.strip(), as the ends of what is left: by hand, because an expression takes the square of a run of spaces that ends in something else. */
export function stripped(text: string): { from: number; to: number } {
  let [from, to] = [0, text.length];
  while (from < to && SPACE.test(text[from])) from++;
  while (from < to && SPACE.test(text[to - 1])) to--;
  return { from, to };
}
