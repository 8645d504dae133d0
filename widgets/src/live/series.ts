/** The curves of a run as they come: steps, and a column a metric. A column that only grows stays the same array; changed otherwise, it is another. */
import type { Value } from '../curves/growing.ts';
import { lowerBound } from '../sorted.ts';

export class Series {
  readonly steps: number[] = [];
  readonly columns = new Map<string, Value[]>();

  /** Steps in ascending order. One that is there already gets the values that it has not. */
  add(steps: readonly number[], metrics: Readonly<Record<string, readonly Value[]>>): void {
    steps.forEach((step, at) => {
      const place = this.#placeOf(step);
      for (const [name, values] of Object.entries(metrics)) {
        const value = values[at];
        if (value !== null) this.#set(name, place, value);
      }
    });
    for (const column of this.columns.values()) while (column.length < this.steps.length) column.push(null);
  }

  #placeOf(step: number): number {
    const place = lowerBound(this.steps, step);
    if (this.steps[place] === step) return place;
    this.steps.splice(place, 0, step);
    if (place === this.steps.length - 1) return place;
    for (const [name, column] of this.columns) this.columns.set(name, column.toSpliced(place, 0, null));
    return place;
  }

  #set(name: string, place: number, value: Value): void {
    let column = this.columns.get(name);
    if (!column) this.columns.set(name, (column = []));
    if (place < column.length) {
      if (column[place] !== value) this.columns.set(name, column.with(place, value));
      return;
    }
    while (column.length < place) column.push(null);
    column.push(value);
  }
}
