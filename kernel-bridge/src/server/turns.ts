/**
 * Two runs of a pair on one device: each process holds its model, one at a time computes. A worker asks for a turn before a step and says when it is
 * done; the turn goes to the one that has made fewer steps, so that both stay at the same question.
 */
export interface TurnsOptions {
  /** The other run of the pair while a worker of ours trains it and it is not paused: it will ask for its turn, or end. */
  rival: (id: string) => string | null;
  /** Steps that the run has made. */
  step: (id: string) => number;
  grant: (id: string) => void;
}

export class Turns {
  readonly #options: TurnsOptions;
  readonly #asking = new Set<string>();
  readonly #holding = new Set<string>();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  ask(id: string): void {
    this.#asking.add(id);
    this.look(id);
  }

  /** It has made its step, or wants none any more. */
  done(id: string): void {
    this.#asking.delete(id);
    this.#holding.delete(id);
  }

  /** Gives the run its turn where it asked for one and nothing is in the way. To be called again when the other run of the pair changes. */
  look(id: string): void {
    if (!this.#asking.has(id)) return;
    const { rival, step, grant } = this.#options;
    const other = rival(id);
    if (other !== null && (this.#holding.has(other) || step(other) < step(id))) return;
    this.#asking.delete(id);
    this.#holding.add(id);
    grant(id);
  }
}
