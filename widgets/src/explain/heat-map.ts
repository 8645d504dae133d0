/** A map over an image: one square for each value, coloured by its sign and as strong as its size. */
import { css, html, svg, type TemplateResult } from 'lit';
import { number } from '../format.ts';

/** What the full colour stands for. */
export const SCALES = {
  cut: 'cut at 98 % of the sum',
  largest: 'the largest value',
} as const;
export type Scale = keyof typeof SCALES;

const KEPT_SHARE = 0.98;

/**
 * The value that has the full colour: the largest; or, as Captum's heat maps have it, the one at which the values, from the smallest on, have summed up to
 * 98 % of all, so that one outlier does not pale the rest.
 */
export function fullAt(values: readonly number[], scale: Scale): number {
  const sizes = values.map(Math.abs).toSorted((a, b) => a - b);
  const largest = sizes.at(-1) ?? 0;
  if (scale === 'largest') return largest;
  const all = sizes.reduce((sum, size) => sum + size, 0);
  let sum = 0;
  return sizes.find((size) => (sum += size) >= KEPT_SHARE * all) ?? largest;
}

export interface HeatMap {
  /** [rows][columns] */
  values: readonly (readonly number[])[];
  scale: Scale;
  /** Of the full colour, 0 to 1. */
  opacity: number;
}

/** Lies over the image that it is put upon. */
export function heatMap({ values, scale, opacity }: HeatMap): TemplateResult {
  const [rows, columns] = [values.length, values[0]?.length ?? 0];
  const full = fullAt(values.flat(), scale);
  return html`<svg class="heat" viewBox=${`0 0 ${columns} ${rows}`} preserveAspectRatio="none" aria-hidden="true" data-testid="heat-map">
    ${values.flatMap((row, y) =>
      row.map((value, x) => {
        const strength = full === 0 ? 0 : Math.min(1, Math.abs(value) / full);
        return svg`<rect x=${x} y=${y} width="1.01" height="1.01" fill=${`var(${value < 0 ? '--medr1-less' : '--medr1-more'})`}
          fill-opacity=${(opacity * strength).toFixed(3)}><title>${number(value)}</title></rect>`;
      }),
    )}
  </svg>`;
}

/** In which row and column, from 1, the largest value is. */
export function peakOf(values: readonly (readonly number[])[]): { row: number; column: number; value: number } {
  const flat = values.flat();
  const at = flat.indexOf(Math.max(...flat));
  const columns = values[0].length;
  return { row: Math.floor(at / columns) + 1, column: (at % columns) + 1, value: flat[at] };
}

export const heatMapStyle = css`
  .seen {
    position: relative;
    display: block;
    width: 100%;
    max-width: 480px;
    margin: 0 auto;
    background: var(--medr1-behind);
  }
  .seen img {
    display: block;
    width: 100%;
  }
  .heat {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
  }
`;
