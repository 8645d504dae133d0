/** Bars of counts: every number stands beside its bar. */
import { html, type TemplateResult } from 'lit';
import { meter } from '../charts/meter.ts';
import { integer, percent } from '../format.ts';
import type { Bar } from './model.ts';

/** One decimal, a hundred without: "94.8", "100". */
export const decimal = (value: number): string => (value >= 99.95 ? '100' : value.toFixed(1));

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
          ${meter([{ from: 0, to: share / most }])}
          <span class="number">${integer(count)}</span>
          <span class="number secondary small">${percent(share)}</span>
        </button>`,
    )}
  </div>`;
}
