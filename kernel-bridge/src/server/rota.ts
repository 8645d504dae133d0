/**
 * Lets many readers of long logs have their turns: a slice for one of them, then whatever else the process has to do, then a slice for the next. Six
 * clients that each read 20 MB at once would otherwise have everybody else wait for all of it.
 */
export interface Reader {
  /** Reads and sends one slice. Who wants another asks again. */
  turn(): void;
}

export class Rota {
  readonly #waiting = new Set<Reader>();
  #going = false;

  /** A reader that waits already keeps its place. */
  ask(reader: Reader): void {
    this.#waiting.add(reader);
    if (this.#going) return;
    this.#going = true;
    setImmediate(() => this.#next());
  }

  leave(reader: Reader): void {
    this.#waiting.delete(reader);
  }

  #next(): void {
    const [reader] = this.#waiting;
    if (reader === undefined) {
      this.#going = false;
      return;
    }
    this.#waiting.delete(reader);
    setImmediate(() => this.#next()); // first: a turn that throws is no end of the others'
    reader.turn();
  }
}
