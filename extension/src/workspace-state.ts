/**
 * State of a view that lives with the workspace: restored with the layout, kept a moment after each change. JupyterLab writes a workspace out a
 * while after that; a page that is reloaded before finds its own state in the tab's session.
 */
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
  const place = `medr1:kept:${globalThis.location?.pathname ?? ''}:${key}`;
  model.restore(left(place) ?? (await state.fetch(key).catch(() => undefined)));
  globalThis.addEventListener?.('pagehide', () => globalThis.sessionStorage?.setItem(place, JSON.stringify(model.toJSON())));
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

/** What this tab held when its page was left; only once, for another tab may have moved the workspace on before the next reload. */
function left(place: string): unknown {
  const text = globalThis.sessionStorage?.getItem(place);
  if (!text) return undefined;
  globalThis.sessionStorage.removeItem(place);
  return JSON.parse(text);
}
