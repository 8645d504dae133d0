/** Taking turns: what many charts want to do at once, a few of them do in each frame, so that the page is never held up. */

/** False where there was nothing to do: that is no turn. */
type Turn = () => unknown;

export class Turns {
  readonly #eachFrame: number;
  readonly #waiting = new Set<Turn>();
  #scheduled = false;

  constructor(eachFrame: number) {
    this.#eachFrame = eachFrame;
  }

  /** Runs `turn` in a coming frame; the same function asked twice before then runs once. */
  ask(turn: Turn): void {
    this.#waiting.add(turn);
    this.#schedule();
  }

  cancel(turn: Turn): void {
    this.#waiting.delete(turn);
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.size === 0) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      let left = this.#eachFrame;
      try {
        for (const next of this.#waiting) {
          this.#waiting.delete(next);
          if (next() !== false && --left === 0) break;
        }
      } finally {
        this.#schedule();
      }
    });
  }
}

/** Charts that paint: one takes some two milliseconds of a page without a GPU. */
export const painting = new Turns(4);
/** Charts that write the values at a cursor that stands in another chart. */
export const reading = new Turns(2);
