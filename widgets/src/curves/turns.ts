/** Taking turns: what many charts want to do at once, some of them do in each frame, so that the page is never held up. */

/** False where there was nothing to do: that is no turn. */
type Turn = () => unknown;

interface TurnsOptions {
  /** Turns in each frame. */
  eachFrame: number;
  /** Nothing is done before nobody has asked for so long. */
  rest_ms?: number;
}

export class Turns {
  readonly #eachFrame: number;
  readonly #rest_ms: number;
  readonly #waiting = new Set<Turn>();
  #scheduled = false;
  #resting: ReturnType<typeof setTimeout> | undefined;

  constructor({ eachFrame, rest_ms = 0 }: TurnsOptions) {
    this.#eachFrame = eachFrame;
    this.#rest_ms = rest_ms;
  }

  /** Runs `turn` in a coming frame; the same function asked twice before then runs once. */
  ask(turn: Turn): void {
    this.#waiting.add(turn);
    if (this.#rest_ms === 0) return this.#schedule();
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#schedule(), this.#rest_ms);
  }

  cancel(turn: Turn): void {
    this.#waiting.delete(turn);
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.size === 0) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  #run(): void {
    let left = this.#eachFrame;
    try {
      for (const next of this.#waiting) {
        this.#waiting.delete(next);
        if (next() !== false && --left === 0) break;
      }
    } finally {
      this.#schedule();
    }
  }
}

/** Charts that paint: few enough in a frame that it stays a short one. */
export const painting = new Turns({ eachFrame: 6 });
/** Charts that paint what nobody could see until then. */
export const unhurried = new Turns({ eachFrame: 1 });
/** Charts that write the values at a cursor that stands in another chart: where it has come to rest. */
export const reading = new Turns({ eachFrame: 4, rest_ms: 80 });
