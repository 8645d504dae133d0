/**
 * An area as columns of one pixel of the screen. To fill a jagged outline of some hundred corners takes a browser without a GPU half a millisecond, and a board has hundreds
 * of them; as many upright lines take it a tenth of that. No DOM here.
 */

/** x, lower and upper edge, in pixels from the upper left corner. */
export type Edge = [x: number, lower: number, upper: number];

/** Tells of each pixel column that a part touches its place and what is covered there, edges between two places included. */
export function eachColumn(part: readonly Edge[], sharpness: number, tell: (column: number, top: number, bottom: number) => void): void {
  let [column, top, bottom] = [NaN, Infinity, -Infinity];
  const cover = (at: number, lower: number, upper: number): void => {
    if (at !== column) {
      if (top <= bottom) tell(column, top, bottom);
      column = at;
      top = Infinity;
      bottom = -Infinity;
    }
    if (upper < top) top = upper;
    if (lower > bottom) bottom = lower;
  };
  for (let i = 0; i < part.length; i++) {
    const x = part[i][0] * sharpness;
    const lower = part[i][1] * sharpness;
    const upper = part[i][2] * sharpness;
    const from = i === 0 ? x : part[i - 1][0] * sharpness;
    if (x > from) {
      const lowerFrom = part[i - 1][1] * sharpness;
      const upperFrom = part[i - 1][2] * sharpness;
      const fall = (lower - lowerFrom) / (x - from);
      const rise = (upper - upperFrom) / (x - from);
      for (let at = Math.floor(from); at < x; at++) {
        const left = Math.max(at, from) - from;
        const right = Math.min(at + 1, x) - from;
        cover(at, lowerFrom + fall * left, upperFrom + rise * left);
        cover(at, lowerFrom + fall * right, upperFrom + rise * right);
      }
    } else cover(Math.floor(x), lower, upper);
  }
  if (top <= bottom) tell(column, top, bottom);
}
