/**
 * The colours and sizes of the widgets, once: test/lint/colours.test.ts finds a literal colour anywhere else. Surfaces, type and spacing come from
 * JupyterLab's variables; outside JupyterLab the fallbacks serve. Our own tokens carry one meaning each, in every view; `light-dark` follows the host's colour scheme.
 */
import { css } from 'lit';
import { Observable } from './observable.ts';

/** Okabe-Ito, ordered so that neighbours differ most; black is left to the text. */
export const SERIES = {
  light: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b07d00', '#2a8fc7', '#7a7a7a'],
  dark: ['#56b4e9', '#e69f00', '#2fc498', '#e39ac3', '#f0e442', '#7f9bff', '#b0b0b0'],
} as const;
/** Of the theme shown. */
export const seriesColours = (): readonly string[] => (theme.value.dark ? SERIES.dark : SERIES.light);
/** Second carrier beside colour: curves/scene.ts has the lengths. */
export const DASHES = ['solid', 'dash', 'dot', 'dashdot', 'longdash', 'longdashdot'] as const;

export const tokens = css`
  :host,
  .medr1-root {
    --medr1-surface: var(--jp-layout-color1, light-dark(#fff, #111));
    --medr1-surface-2: var(--jp-layout-color2, light-dark(#eee, #212121));
    --medr1-text: var(--jp-ui-font-color1, light-dark(#212121, #e8e8e8));
    /* JupyterLab's own second colour is too faint on a chosen row (4.45 of the 4.5 that WCAG asks for) */
    --medr1-text-2: color-mix(in srgb, var(--jp-ui-font-color2, light-dark(#545454, #b5b5b5)) 75%, var(--medr1-text));
    --medr1-border: var(--jp-border-color2, light-dark(#dcdcdc, #3c3c3c));
    --medr1-accent: var(--jp-brand-color1, light-dark(#1976d2, #2196f3));
    --medr1-link: light-dark(#1565c0, #64b5f6);
    --medr1-warn: var(--jp-warn-color-normal, var(--jp-warn-color1, light-dark(#b26a00, #f6b73c)));
    --medr1-font: var(--jp-ui-font-family, system-ui, sans-serif);
    --medr1-font-text: var(--jp-content-font-family, system-ui, sans-serif);
    --medr1-font-code: var(--jp-code-font-family, ui-monospace, monospace);
    --medr1-size: var(--jp-ui-font-size1, 13px);
    --medr1-size-small: 12px;
    --medr1-right: light-dark(#00714f, #2fc498);
    --medr1-wrong: light-dark(#b04500, #ff8a4c);
    --medr1-right-surface: light-dark(#e0f3ec, #10352a);
    --medr1-wrong-surface: light-dark(#fbe9dd, #41220f);
    --medr1-think: light-dark(#0b5a8a, #8cc8ee);
    --medr1-think-surface: light-dark(#edf4fa, #16242f);
    --medr1-warn-text: light-dark(#8a5200, #f6b73c);
    --medr1-scale: light-dark(#8a5200, #d0961f);
    --medr1-more: light-dark(#d55e00, #dd9900);
    --medr1-less: light-dark(#0072b2, #4fa9dc);
    --medr1-shade: 38%;
    --medr1-behind: #000;
    --medr1-behind-text: #c8c8c8;
    --medr1-behind-grid: rgb(255 255 255 / 45%);
    --medr1-primary: light-dark(#1565c0, #1976d2);
    --medr1-primary-text: #fff;
    --medr1-hit: light-dark(#ffe58a, #6b5200);
    --medr1-bar: light-dark(#d7e6f3, #1e3a52);
    --medr1-bar-chosen: light-dark(#a9cdec, #275880);
    --medr1-shadow: var(--jp-elevation-z4, 0 2px 8px rgb(0 0 0 / 25%));
    --medr1-gap: 4px;
  }
`;

/** Controls and text as JupyterLab draws them; one sheet for every element. */
export const base = css`
  :host,
  .medr1-root {
    display: block;
    box-sizing: border-box;
    color: var(--medr1-text);
    background: var(--medr1-surface);
    font: var(--medr1-size) / 1.4 var(--medr1-font);
    font-variant-numeric: tabular-nums;
  }
  :host([hidden]) {
    display: none;
  }
  * {
    box-sizing: border-box;
  }
  /* what a model or a data set says turns round nothing but itself */
  code {
    unicode-bidi: isolate;
  }
  button,
  select,
  input,
  textarea {
    font: inherit;
    font-variant-numeric: tabular-nums;
    color: inherit;
  }
  button {
    min-height: 24px;
    padding: 2px 8px;
    border: 1px solid var(--medr1-border);
    border-radius: 2px;
    background: var(--medr1-surface-2);
    cursor: pointer;
    white-space: nowrap;
  }
  button:hover:not(:disabled) {
    border-color: var(--medr1-text-2);
  }
  button:disabled {
    opacity: 0.5;
    cursor: default;
  }
  button.primary {
    color: var(--medr1-primary-text);
    background: var(--medr1-primary);
    border-color: transparent;
  }
  button.quiet {
    border-color: transparent;
    background: none;
  }
  button.quiet:hover:not(:disabled) {
    background: var(--medr1-surface-2);
  }
  button.link {
    padding: 2px 4px;
    color: var(--medr1-link);
    text-decoration: underline;
    text-underline-offset: 2px;
  }
  button[aria-pressed='true'] {
    border-color: var(--medr1-accent);
    box-shadow: inset 0 -2px var(--medr1-accent);
  }
  select,
  textarea,
  input:not([type='checkbox'], [type='range']) {
    min-height: 24px;
    padding: 2px 6px;
    border: 1px solid var(--medr1-border);
    border-radius: 2px;
    background: var(--jp-layout-color0, var(--medr1-surface));
  }
  input[aria-invalid='true'] {
    border-color: var(--medr1-wrong);
  }
  input[type='range'] {
    accent-color: var(--medr1-accent);
    min-width: 60px;
  }
  input[type='checkbox'] {
    accent-color: var(--medr1-accent);
  }
  :focus-visible {
    outline: 2px solid var(--medr1-accent);
    outline-offset: 1px;
  }
  .number {
    text-align: right;
    white-space: nowrap;
  }
  .secondary {
    color: var(--medr1-text-2);
  }
  .small {
    font-size: var(--medr1-size-small);
  }
  .ellipsis {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    unicode-bidi: plaintext; /* a name that runs from right to left loses its end, not its start */
  }
  .middle {
    display: inline-flex;
    min-width: 0;
    max-width: 100%;
    white-space: pre;
  }
  .middle > .ellipsis {
    white-space: pre; /* a space before the cut is part of the name */
  }
  .middle > :last-child {
    flex: none;
  }
  .chip {
    display: inline-block;
    padding: 0 6px;
    border: 1px solid color-mix(in oklab, currentColor 30%, transparent); /* seen on rows that are chosen or pointed at too */
    border-radius: 8px;
    font-size: var(--medr1-size-small);
    white-space: nowrap;
  }
  .chip.right {
    color: var(--medr1-right);
    background: var(--medr1-right-surface);
    border-color: currentColor;
  }
  .chip.wrong {
    color: var(--medr1-wrong);
    background: var(--medr1-wrong-surface);
    border-color: currentColor;
  }
  .warning {
    color: var(--medr1-warn-text);
  }
  .toolbar {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    align-items: center;
    padding: 4px 8px;
    border-bottom: 1px solid var(--medr1-border);
  }
  .toolbar > label {
    min-width: 0;
    max-width: 100%; /* in a column that is narrower than the longest choice */
  }
  .toolbar > label > select {
    min-width: 0;
    max-width: 100%;
  }
  .toolbar label {
    display: inline-flex;
    gap: 4px;
    align-items: center;
  }
  .slips {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    padding: 4px 8px;
    border-bottom: 1px solid var(--medr1-border);
    overflow-wrap: anywhere;
  }
  .message {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    gap: 8px;
    max-width: 60ch;
    padding: 16px;
  }
  .message h3 {
    margin: 0;
    font-size: inherit;
    font-weight: 600;
  }
  .message p {
    margin: 0;
    overflow-wrap: anywhere;
  }
  .message .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
`;

/** A view that scrolls by itself; what is `pinned` stays above. */
export const scrolling = css`
  :host {
    height: 100%;
    overflow: auto;
  }
  .pinned {
    position: sticky;
    top: 0;
    z-index: 20;
    background: var(--medr1-surface);
  }
`;

/** Counts theme changes and says whether the surface is dark. JupyterLab and VS Code mark their body; elsewhere the reader's preference decides. */
export const theme = new Observable(readTheme(0));

/** To be called after the host's style variables changed: elements draw again with the new ones. */
export function refreshTheme(): void {
  theme.update(({ revision }) => readTheme(revision + 1));
}

function readTheme(revision: number): { dark: boolean; revision: number } {
  if (typeof document === 'undefined') return { dark: false, revision };
  const dark = matches('(prefers-color-scheme: dark)');
  if (areForced()) return { dark, revision }; // the reader's own colours, whatever the host's theme is
  const light = document.body.dataset.jpThemeLight;
  if (light !== undefined) return { dark: light === 'false', revision };
  const kind = document.body.dataset.vscodeThemeKind ?? document.body.className; // vscode-dark, vscode-high-contrast-light, ...
  if (kind.includes('vscode-')) return { dark: !kind.includes('light'), revision };
  return { dark, revision };
}

function matches(query: string): boolean {
  return globalThis.matchMedia?.(query).matches ?? false;
}

/** The reader has the system draw every page in a few colours of high contrast. */
function areForced(): boolean {
  return matches('(forced-colors: active)');
}

globalThis.matchMedia?.('(forced-colors: active)').addEventListener?.('change', refreshTheme);

/** Colours as a library that draws wants them: resolved, for it reads neither variables nor `light-dark`. */
export interface Palette {
  series: readonly string[];
  text: string;
  grid: string;
  surface: string;
}

/** Of the theme that `element` stands in. */
export function paletteOf(element: Element): Palette {
  if (areForced()) return { series: seriesColours(), text: 'CanvasText', grid: 'GrayText', surface: 'Canvas' };
  const style = getComputedStyle(element);
  const { dark } = theme.value;
  const read = (name: string, light: string, other: string): string => style.getPropertyValue(name).trim() || (dark ? other : light);
  return {
    series: seriesColours(),
    text: read('--jp-ui-font-color1', '#212121', '#e8e8e8'),
    grid: read('--jp-border-color2', '#e0e0e0', '#424242'),
    surface: read('--jp-layout-color1', '#fff', '#111'),
  };
}
