/**
 * The module of live cells: `render` of anywidget's interface, all that a notebook is asked for. Built into one file without imports
 * (widgets/vite.live.config.ts), which the kernel sends over its comm.
 */
import { refreshTheme } from '../theme.ts';
import { LiveCell, type View } from './cell.ts';
import { ALIVE, LEFT, type Left, type RenderGiven } from './host.ts';
import { LiveModel } from './model.ts';

/** Each copy of the module that a page loads, one a widget, has an element of its own: another may be of another version. */
function register(): string {
  let n = 1;
  while (customElements.get(`medr1-live-${n}`)) n++;
  const tag = `medr1-live-${n}`;
  customElements.define(tag, class extends LiveCell {});
  return tag;
}
let tag: string | null = null;

function render({ model, el }: RenderGiven): () => void {
  tag ??= register();
  const cell = document.createElement(tag) as LiveCell;
  const live = new LiveModel(model);
  const left = (): Partial<Left> => (model.get('left') ?? {}) as Partial<Left>;
  const tell = (name: string, detail?: unknown): boolean =>
    cell.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  const picture = (): void => void (cell.still = left().svg ? `data:image/svg+xml;utf8,${encodeURIComponent(left().svg!)}` : '');
  const renewed = (): void => void (picture(), tell(LEFT, left()));
  Object.assign(cell, { model: live, view: model.get('view') as View });
  picture();
  model.on('change:left', renewed);
  // A key that is pressed in the cell is the cell's: JupyterLab would take "d d" for the end of it.
  cell.dataset.lmSuppressShortcuts = 'true';
  const leave = live.changed.subscribe(() => {
    leave();
    tell(ALIVE);
  });
  const unwatch = watchTheme();
  el.append(cell);
  return () => {
    unwatch();
    leave();
    model.off('change:left', renewed);
    cell.remove();
  };
}

/** Hosts mark their body with the theme; VS Code's webview, too. */
function watchTheme(): () => void {
  refreshTheme();
  const observer = new MutationObserver(() => refreshTheme());
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-jp-theme-light', 'data-vscode-theme-kind'] });
  const preference = globalThis.matchMedia?.('(prefers-color-scheme: dark)');
  preference?.addEventListener('change', refreshTheme);
  return () => {
    observer.disconnect();
    preference?.removeEventListener('change', refreshTheme);
  };
}

export default { render };
