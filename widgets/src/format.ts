/** Numbers as the views write them: 3 significant digits, a real minus sign, a dash for what is missing. */
export const MISSING = '–';

// Made once: toLocaleString makes one at each call, which takes longer than all else that a row of a table needs.
const GROUPED = new Intl.NumberFormat('en-US');
const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DATE_TIME = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
/** Milliseconds from 1970 that a date can have. */
const LAST_MOMENT = 8.64e15;
const DATE = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

/** Letters that run from right to left, and marks that turn what comes after them. */
const TURNS = /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A name as it stands in a sentence. One that runs from right to left is isolated: the words and numbers beside it would change their places. */
export const inSentence = (name: string): string => (TURNS.test(name) ? `\u2068${name}\u2069` : name);

/** With a full stop, where more text follows and there is none. */
export const ended = (text: string): string => (/[.!?…]["'”»)]?$/.test(text) ? text : `${text}.`);

/** What went wrong and what to do about it, as one text. */
export const told = ({ message, remedy }: { message: string; remedy: string }): string => `${ended(message)} ${remedy}`;

/** 0.01234 -> "0.0123", 1234.5 -> "1,235", 1e-6 -> "1.00e-6", null and NaN -> "–". */
export function number(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return minus(value.toExponential(digits - 1).replace('e+', 'e'));
  if (size >= 10 ** digits) return minus(GROUPED.format(Math.round(value)));
  return minus(value.toPrecision(digits));
}

/** With its sign always shown, as advantages are: "+1.40", "−0.900", "0.00". */
export function signed(value: number | null): string {
  return value !== null && value > 0 ? `+${number(value)}` : number(value);
}

/** The class of a number that is coloured by its sign. */
export function direction(value: number | null): 'up' | 'down' | '' {
  if (value === null || value === 0 || Number.isNaN(value)) return '';
  return value > 0 ? 'up' : 'down';
}

export function integer(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? MISSING : minus(GROUPED.format(Math.round(value)));
}

export function percent(share: number | null | undefined): string {
  return share === null || share === undefined || !Number.isFinite(share) ? MISSING : `${Math.round(share * 100)} %`;
}

/** Seconds as people say them: "45 s", "12 min", "1 h 05 min", "2 d 3 h". */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return MISSING;
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Bytes in binary units, named so: "41.0 GiB". */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, value < 1024 ? 0 : Math.floor(Math.log2(value) / 10));
  return power === 0 ? `${value} B` : `${number(value / 1024 ** power)} ${units[power]}`;
}

export function timeOfDay(ms: number): string {
  return written(TIME, ms);
}

/** "28 Nov, 22:16" in the reader's own way. */
export function dateTime(ms: number): string {
  return written(DATE_TIME, ms);
}

export function day(ms: number): string {
  return written(DATE, ms);
}

const written = (how: Intl.DateTimeFormat, ms: number): string => (Math.abs(ms) <= LAST_MOMENT ? how.format(ms) : MISSING);

const minus = (text: string): string => text.replace('-', '−').replace('e-', 'e−');
