/** Bytes one after the other in memory that is kept from step to step: new memory for each value would cost more than what is done with it. */
export class Stretch {
  #memory = Buffer.allocUnsafeSlow(1 << 20);
  #length = 0;

  /** Begins anew: what was given out before is written over. */
  clear(): void {
    this.#length = 0;
  }

  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  int32s(values: readonly number[]): Uint8Array {
    const at = this.#take(4 * values.length);
    new Int32Array(this.#memory.buffer, at, values.length).set(values);
    return this.#memory.subarray(at, this.#length);
  }

  /** Null among the values is NaN. */
  floats(values: readonly (number | null)[]): Uint8Array {
    const at = this.#take(4 * values.length);
    const floats = new Float32Array(this.#memory.buffer, at, values.length);
    for (let i = 0; i < values.length; i++) floats[i] = values[i] ?? NaN;
    return this.#memory.subarray(at, this.#length);
  }

  add(bytes: Uint8Array): void {
    this.#memory.set(bytes, this.#take(bytes.length));
  }

  /** Numbers cannot follow it: they begin at whole words. */
  text(text: string): void {
    const at = this.#take(3 * text.length); // the most that UTF-8 takes
    this.#length = at + this.#memory.write(text, at);
  }

  #take(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#memory.length) {
      const larger = Buffer.allocUnsafeSlow(2 * this.#length);
      this.#memory.copy(larger, 0, 0, at);
      this.#memory = larger;
    }
    return at;
  }
}
