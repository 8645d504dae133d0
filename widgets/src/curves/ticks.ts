/** Where the marks of an axis stand and what is written beside them. No DOM here. */
import { scaleLinear, scaleLog } from 'd3-scale';

export interface Tick {
  at: number;
  text: string;
}

/** From here on numbers are written as 20M, and below as 2e−5. */
const LARGE = 1e6;
const SMALL = 1e-3;

/** About `count` round values between the ends. `whole`: of what is counted there are no halves. */
export function linearTicks([low, high]: readonly [number, number], count: number, { whole = false, unit = '' } = {}): Tick[] {
  const scale = scaleLinear([low, high], [0, 1]);
  const most = Math.max(Math.abs(low), Math.abs(high));
  const text = scale.tickFormat(count, most >= LARGE ? '~s' : whole ? ',d' : most < SMALL ? '~e' : undefined);
  const ticks = scale.ticks(count).filter((at) => !whole || Number.isInteger(at));
  // the unit stands at the last one: a number alone does not say what it counts
  const written = (at: number): string =>
    at === 0 && (most >= LARGE || most < SMALL) ? '0' : text(at).replace('e-', 'e−').replace('e+', 'e');
  return ticks.map((at, i) => ({ at, text: `${written(at)}${i === ticks.length - 1 ? unit : ''}` }));
}

/** Powers of ten, and round values between them where there is room. */
export function logTicks([low, high]: readonly [number, number], count: number): Tick[] {
  const scale = scaleLog([low, high], [0, 1]);
  const crowded = scale.tickFormat(count); // '' for a tick that has no room for its text
  return scale
    .ticks(count)
    .filter((at) => crowded(at) !== '')
    .map((at) => ({ at, text: brief(at) }));
}

function brief(value: number): string {
  const plain = value >= SMALL && value < LARGE;
  return (plain ? Number(value.toPrecision(3)).toLocaleString('en-US') : value.toExponential(0).replace('e+', 'e')).replace('-', '−');
}
