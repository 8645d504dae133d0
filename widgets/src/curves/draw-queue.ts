/** The rhythm of drawing: a few charts a frame, and only those that asked. */

/** Charts of a frame: painting one takes some two milliseconds of a page without a GPU. */
const EACH_FRAME = 4;

/** False where there was nothing to draw: that counts as no chart. */
type Draw = () => unknown;

const waiting = new Set<Draw>();
let scheduled = false;

/** Runs `draw` in a coming frame; the same function asked twice before then runs once. */
export function queueDraw(draw: Draw): void {
  waiting.add(draw);
  schedule();
}

export function cancelDraw(draw: Draw): void {
  waiting.delete(draw);
}

function schedule(): void {
  if (scheduled || waiting.size === 0) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    let left = EACH_FRAME;
    try {
      for (const next of waiting) {
        waiting.delete(next);
        if (next() !== false && --left === 0) break;
      }
    } finally {
      schedule();
    }
  });
}
