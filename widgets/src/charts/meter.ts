/** Shares on a track. The number stands beside it: a track is never all that is said. */
import { css, html, nothing, type TemplateResult } from 'lit';

/** A piece of the track, from 0 to 1. */
export interface Piece {
  from: number;
  to: number;
  colour?: string;
  title?: string;
}

/** `tick`: a line across, at a share. `says`: read out where the numbers do not stand beside the track. */
export function meter(pieces: readonly Piece[], { tick = null, says = '' }: { tick?: number | null; says?: string } = {}): TemplateResult {
  const place = ({ from, to, colour }: Piece): string =>
    `left:${100 * from}%;width:${100 * (to - from)}%${colour ? `;background:${colour}` : ''}`;
  return html`<span class="meter" role=${says ? 'img' : nothing} aria-label=${says || nothing} aria-hidden=${says ? nothing : 'true'}
    >${pieces.map((piece) => html`<i style=${place(piece)} title=${piece.title ?? nothing}></i>`)}${tick === null ? nothing : html`<b style=${`left:${100 * tick}%`}></b>`}</span
  >`;
}

export const meterStyle = css`
  .meter {
    position: relative;
    display: block;
    height: 8px;
    background: var(--medr1-surface-2);
  }
  .meter i {
    position: absolute;
    inset-block: 0;
    min-width: 1px;
    background: color-mix(in srgb, var(--medr1-accent) 65%, transparent);
  }
  .meter b {
    position: absolute;
    inset-block: -2px;
    width: 2px;
    margin-left: -1px;
    background: var(--medr1-text);
  }
`;

/** Strongest colour of a cell of a heat table, in percent: text stays readable on it in both themes. */
const DEEPEST = 50;

/** Background of a cell whose number is 0 to 1, or -1 to 1: gains in the accent, losses in the colour of wrong answers. The number stands in the cell. */
export function heat(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return 'background:transparent';
  const hue = value < 0 ? '--medr1-wrong' : '--medr1-accent';
  return `background:color-mix(in srgb, var(${hue}) ${Math.round(Math.min(1, Math.abs(value)) * DEEPEST)}%, transparent)`;
}
