/** What the browser looks at, in memory: pages say it, notebooks read and move it (protocol/view.ts). */
import { moved, NOTHING } from '../protocol/selection.ts';
import type { MoveView, View } from '../protocol/view.ts';

export class SharedView {
  #view: View = { selection: NOTHING, data: { dataset: null, query: {}, chosen: {} } };
  readonly #publish: (move: MoveView) => void;

  constructor(publish: (move: MoveView) => void) {
    this.#publish = publish;
  }

  get value(): View {
    return this.#view;
  }

  move(move: MoveView): View {
    const { selection, data } = this.#view;
    const shown = { ...data, ...move.data };
    // another filter or data set: what was picked under the one before is no longer
    if (move.data && !move.data.chosen) shown.chosen = shown.query;
    const dataset = move.data?.dataset;
    const change = dataset === undefined ? move.selection : { dataset, ...move.selection };
    this.#view = { selection: moved(selection, change ?? {}), data: shown };
    if (move.by === 'notebook') this.#publish(move); // nobody follows a page
    return this.#view;
  }
}
