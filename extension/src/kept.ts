/** State of a view that lives with the workspace: restored with the layout, kept a moment after each change. */
import type { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';

const SAVE_DELAY_MS = 300;

export interface Keepable {
  toJSON(): unknown;
  /** Takes what is well formed and ignores the rest. */
  restore(json: unknown): void;
}

/** Gives `model` what is kept under `key`; then keeps it there whenever `changes` tells of a change that its JSON shows. */
export async function keptInWorkspace(
  state: IStateDB,
  key: string,
  model: Keepable,
  changes: { subscribe(listener: () => void): unknown },
): Promise<void> {
  model.restore(await state.fetch(key).catch(() => undefined));
  let saved = JSON.stringify(model.toJSON());
  let timer: ReturnType<typeof setTimeout> | undefined;
  changes.subscribe(() => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const json = JSON.stringify(model.toJSON());
      if (json === saved) return;
      saved = json;
      void state.save(key, JSON.parse(json) as ReadonlyPartialJSONValue);
    }, SAVE_DELAY_MS);
  });
}
