/** Text from users' code, data sets and models, for terminals and logs: shown, not obeyed. */

/** One line: control characters, and those that reverse the order of letters, as escapes. */
export const printable = (text: string): string => escaped(text, /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu);

/** The same with its lines and tabs. */
export const printableLines = (text: string): string => escaped(text, /(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu);

/** One line of a token or of what somebody looks at letter by letter: what takes no room, such as a zero width space, is an escape too. */
export const exactly = (text: string): string => escaped(printable(text), /[\u00ad\u061c\u200b-\u200f\u2060-\u2064\ufeff]/gu);

const escaped = (text: string, what: RegExp): string =>
  text.replace(what, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
