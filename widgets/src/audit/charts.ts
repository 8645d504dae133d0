/** Bars and heat maps in plain HTML: every number stands in its cell, colour only repeats it. */
import { html, type TemplateResult } from 'lit';
import { integer, percent } from '../format.ts';
import type { Bar } from './model.ts';

/** One decimal, a hundred without: "94.8", "100". */
export const decimal = (value: number): string => (value >= 99.95 ? '100' : value.toFixed(1));

/** Background of a cell; text stays readable on the strongest. */
export const heat = (share: number): string =>
  `background:color-mix(in srgb, var(--medr1-accent) ${Math.round(Math.min(1, Math.max(0, share)) * 45)}%, transparent)`;

/** A row for each value with its count and share; a click shows the questions. `says` explains a name. */
export function barChart(
  bars: readonly Bar[],
  open: (name: string) => void,
  says: (name: string) => string = (name) => name,
): TemplateResult {
  const most = Math.max(...bars.map(({ share }) => share), 1e-9);
  return html`<div class="bars">
    ${bars.map(
      ({ name, count, share }) =>
        html`<button class="quiet" title=${`Show the questions: ${name}`} data-testid="bar" @click=${() => open(name)}>
          <span>${says(name)}</span>
          <span class="track" aria-hidden="true"><span class="bar" style=${`display:block;width:${(100 * share) / most}%`}></span></span>
          <span class="number">${integer(count)}</span>
          <span class="number secondary small">${percent(share)}</span>
        </button>`,
    )}
  </div>`;
}
