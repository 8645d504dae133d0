/**
 * Words as SQLite's unicode61 tokenizer with remove_diacritics 2 has them: stretches of letters and digits, in lower case, without accents. What a person types,
 * what the index holds and what is marked in a text go by the same rule.
 */

export interface Word {
  /** In lower case and without accents: "Ödem" is "odem". */
  word: string;
  from: number;
  to: number;
}

const WORDS = /[\p{L}\p{N}\p{Co}\u0300-\u036f]+/gu;
const ASCII_WORDS = /[0-9A-Za-z]+/g;

const ASCII = /^[\x00-\x7f]*$/;

/** Only Latin letters lose their marks; each letter is made small by itself, so that a last sigma is one like any other. */
const folded = (word: string): string =>
  ASCII.test(word)
    ? word.toLowerCase()
    : Array.from(word.normalize('NFD').replace(LATIN_MARKS, '').normalize('NFC'), (letter) => letter.toLowerCase()).join('');
const LATIN_MARKS = /(?<=\p{Script=Latin}[\u0300-\u036f]*)[\u0300-\u036f]/gu;

export function wordsOf(text: string): Word[] {
  const found: Word[] = [];
  const pattern = ASCII.test(text) ? ASCII_WORDS : WORDS;
  for (const { 0: word, index } of text.matchAll(pattern)) found.push({ word: folded(word), from: index, to: index + word.length });
  return found;
}

/** Words that are read of a text where its words are hashed: one of a megabyte is told by its beginning. */
export const MOST_WORDS = 4096;

/** FNV-1a of the words of a text in order, at most `most` of them. Plain ASCII is hashed as it stands, without a string for each word. */
export function wordHashes(text: string, most: number): Uint32Array {
  const hashes = new Uint32Array(Math.min(most, (text.length + 1) >> 1));
  let count = 0;
  let hash = START;
  let inside = false;
  for (let at = 0; at <= text.length && count < most; at++) {
    let code = at < text.length ? text.charCodeAt(at) : 0;
    if (code > 127) return otherWordHashes(text, most);
    if (code >= 65 && code <= 90) code += 32;
    if ((code >= 97 && code <= 122) || (code >= 48 && code <= 57)) {
      hash = Math.imul(hash ^ code, PRIME);
      inside = true;
    } else if (inside) {
      hashes[count++] = hash;
      hash = START;
      inside = false;
    }
  }
  return hashes.subarray(0, count);
}

function otherWordHashes(text: string, most: number): Uint32Array {
  const hashes: number[] = [];
  for (const { word } of wordsOf(text)) if (hashes.push(wordHash(word)) === most) break;
  return Uint32Array.from(hashes);
}

const START = 0x811c9dc5;
const PRIME = 0x01000193;

/** Of one word in lower case and without accents, as wordHashes has it. */
export function wordHash(word: string): number {
  let hash = START;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), PRIME);
  return hash >>> 0;
}

/** Words one after another; the last one may be a beginning ("hemorr*"). */
export interface Phrase {
  words: string[];
  /** The same as they were typed: the index folds them by its own tables. */
  typed: string[];
  prefix: boolean;
}

/** What is looked for: of each list of `all` one phrase at least, and none of `none`. */
export interface WordQuery {
  all: Phrase[][];
  none: Phrase[];
}

const TERM = /(-?)(?:"([^"]*)"?|(\S+))/g;

/**
 * `cell "optic disc" -glioma hemorr* OR bleed*`: every word and phrase, without those after a minus; OR joins two neighbours. A term without a letter
 * or digit is left out.
 */
export function parseWords(text: string): WordQuery {
  const all: Phrase[][] = [];
  const none: Phrase[] = [];
  let or = false;
  for (const [, minus, quoted, bare] of text.matchAll(TERM)) {
    if (bare === 'OR' && !minus && all.length > 0) {
      or = true;
      continue;
    }
    const said = quoted ?? bare;
    const found = wordsOf(said);
    if (found.length === 0) continue;
    const words = found.map(({ word }) => word);
    const typed = found.map(({ from, to }) => said.slice(from, to));
    const phrase = { words, typed, prefix: /[\p{L}\p{N}]\*$/u.test(said) };
    if (minus) none.push(phrase);
    else if (or) all.at(-1)!.push(phrase);
    else all.push([phrase]);
    or = false;
  }
  return { all, none };
}

/** For the index, which knows words but not their order: its hits hold every hit of the query, and are exact where no phrase has two words. */
export function matchExpression({ all, none }: WordQuery): string {
  const one = ({ typed, prefix }: Phrase): string =>
    `(${typed.map((word, at) => `"${word}"${prefix && at === typed.length - 1 ? ' *' : ''}`).join(' AND ')})`;
  const wanted = all.map((phrases) => `(${phrases.map(one).join(' OR ')})`).join(' AND ');
  // a phrase of several words may stand in another order: it is left out by reading the text
  const unwanted = none.filter(({ words }) => words.length === 1).map(one);
  return unwanted.length === 0 ? wanted : `(${wanted}) NOT (${unwanted.join(' OR ')})`;
}

/** The index alone cannot tell: a phrase has several words. */
export const needsReading = ({ all, none }: WordQuery): boolean => [...all.flat(), ...none].some(({ words }) => words.length > 1);

/** Where the phrase stands among the words of a text, as indices of its first word. */
function places(words: readonly Word[], { words: wanted, prefix }: Phrase): number[] {
  const last = wanted.length - 1;
  const found: number[] = [];
  for (let at = 0; at + last < words.length; at++) {
    const fits = wanted.every((word, i) => (prefix && i === last ? words[at + i].word.startsWith(word) : words[at + i].word === word));
    if (fits) found.push(at);
  }
  return found;
}

/** A test of texts; a text of plain ASCII, as most are, is not taken apart into words. */
export function wordTest({ all, none }: WordQuery): (text: string) => boolean {
  const phraseTest = (phrase: Phrase): ((text: string) => boolean) => {
    const ascii = phrase.words.every((word) => ASCII.test(word));
    const plain = new RegExp(`(?<![0-9A-Za-z])${phrase.words.join('[^0-9A-Za-z]+')}${phrase.prefix ? '' : '(?![0-9A-Za-z])'}`, 'i');
    return (text) => (ASCII.test(text) ? ascii && plain.test(text) : places(wordsOf(text), phrase).length > 0);
  };
  const wanted = all.map((phrases) => phrases.map(phraseTest));
  const unwanted = none.map(phraseTest);
  return (text) => wanted.every((phrases) => phrases.some((has) => has(text))) && !unwanted.some((has) => has(text));
}

/**
 * A test of several texts of plain ASCII, joined: false where none of them can pass. Words at the ends of texts run into each other there, so that it
 * does not look where a word ends, and may say yes too often.
 */
export function joinedTest({ all }: WordQuery): (joined: string) => boolean {
  const lists = all.map((phrases) => {
    const said = phrases.filter(({ words }) => words.every((word) => ASCII.test(word))).map(({ words }) => words.join('[^0-9A-Za-z]+'));
    return said.length === 0 ? null : new RegExp(said.join('|'), 'i');
  });
  return (joined) => lists.every((list) => list !== null && list.test(joined));
}

/** Stretches of a text, in order and apart. */
export type Marks = [from: number, to: number][];

/** What of the text the query found, at most `most` stretches. */
export function markWords(text: string, { all }: WordQuery, most: number): Marks {
  const words = wordsOf(text);
  const found = all
    .flat()
    .flatMap((phrase) => places(words, phrase).map((at): [number, number] => [words[at].from, words[at + phrase.words.length - 1].to]));
  const marks: Marks = [];
  for (const [from, to] of found.toSorted((a, b) => a[0] - b[0])) {
    const last = marks.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else if (marks.length < most) marks.push([from, to]);
  }
  return marks;
}
