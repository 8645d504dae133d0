/** Text from users' code, data sets and models, for terminals and logs: shown, not obeyed. */

/** One line: control characters, and those that reverse the order of letters, as escapes. */
export const printable = (text: string): string => escaped(text, /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu);

/** The same with its lines and tabs. */
export const printableLines = (text: string): string => escaped(text, /(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu);

const escaped = (text: string, what: RegExp): string =>
  text.replace(what, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
