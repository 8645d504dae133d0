/** What a chart says of values that it does not show. */
import { number } from '../format.ts';
import type { YRange } from './board.ts';
import { presence } from './downsample.ts';
import { leftOut, type ChartLine } from './figure.ts';
import { outside } from './y-range.ts';

export interface Note {
  /** '' where all is seen. */
  text: string;
  /** Nothing is seen at all. */
  all: boolean;
}

/** `y`: what y spans, null where it spans all values; `typed`: the ends that somebody typed. */
export function unseen(lines: readonly ChartLine[], logY: boolean, y: YRange | null, typed?: YRange): Note {
  if (lines.length === 0) return { text: 'no run here has logged this along x', all: true };
  const columns = lines.map(({ raw }) => raw);
  const measured = columns.reduce((count, column) => count + presence(column).there, 0);
  if (measured === 0) return { text: 'no value yet', all: true };
  const below = logY ? leftOut(lines) : 0;
  if (below === measured) return { text: 'no value above 0: a logarithmic axis shows none of them', all: true };
  const out = y ? outside(logY ? columns.map((column) => column.filter((value) => value !== null && value > 0)) : columns, y) : 0;
  const count = (number: number, what: string): string => (number === 0 ? '' : `${number} ${number === 1 ? 'value' : 'values'} ${what}`);
  const aside = typed && !y ? leftAside(typed, logY) : '';
  return { text: [count(below, 'of 0 or below left out'), count(out, 'outside'), aside].filter(Boolean).join(', '), all: false };
}

/** Why y does not go from end to end. */
function leftAside([low, high]: YRange, logY: boolean): string {
  const all = 'all values shown';
  if (logY && low !== null && low <= 0) return `a logarithmic axis cannot begin at ${number(low)}: ${all}`;
  if (low !== null && high !== null) return `y cannot go from ${number(low)} to ${number(high)}: ${all}`;
  return `no value ${high === null ? `above ${number(low)}` : `below ${number(high)}`}: ${all}`;
}
