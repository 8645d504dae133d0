/** Shares as the evaluation views draw them: a number, its interval in digits and drawn, and what it is a share of on hover. */
import { css, html, type TemplateResult } from 'lit';
import { meter, meterStyle } from '../charts/meter.ts';
import type { Share } from '../connector.ts';
import { MISSING, integer } from '../format.ts';

/** Percent with one decimal: an interval of a few hundred questions is some points wide. */
export const percentage = (rate: number | null | undefined): string =>
  rate === null || rate === undefined ? MISSING : (100 * rate).toFixed(1);

export const points = (difference: number | null | undefined): string => {
  if (difference === null || difference === undefined) return MISSING;
  const text = Math.abs(100 * difference).toFixed(1);
  return Number(text) === 0 ? '0.0' : `${difference > 0 ? '+' : '−'}${text}`;
};

/** p to three digits; very small ones by their bound. */
export const pValue = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));

export const shareTitle = ({ right, total, low, high }: Share): string =>
  total === 0
    ? 'no question'
    : `${integer(right)} of ${integer(total)} right; 95 % Wilson interval ${percentage(low)} to ${percentage(high)} %`;

/** The interval on a track from 0 to 100 %, with a tick at the share. */
function shareBar({ rate, low, high }: Share): TemplateResult {
  return rate === null || low === null || high === null ? meter([]) : meter([{ from: low, to: high }], { tick: rate });
}

export function shareView(share: Share): TemplateResult {
  return html`<span class="share" title=${shareTitle(share)} data-testid="share">
    <span class="rate">${percentage(share.rate)}</span>
    <span class="ends small secondary">${share.rate === null ? '' : `${percentage(share.low)} – ${percentage(share.high)}`}</span>
    ${shareBar(share)}
  </span>`;
}

export const shareStyles = css`
  ${meterStyle}
  .share {
    display: inline-grid;
    grid-template-columns: 5ch 11ch;
    gap: 0 6px;
    align-items: baseline;
    text-align: right;
  }
  .share .rate {
    font-weight: 600;
  }
  .share .meter {
    grid-column: 1 / -1;
    height: 4px;
    margin: 2px 0 3px;
  }
  .scroll {
    overflow-x: auto;
    max-width: 100%;
    scrollbar-width: thin;
    scrollbar-color: var(--medr1-text-2) transparent; /* seen, so that it is known that there is more */
  }
  table {
    border-collapse: separate; /* a cell that sticks keeps its line */
    border-spacing: 0;
    font-variant-numeric: tabular-nums;
  }
  th {
    font-weight: 400;
    text-align: left;
    white-space: nowrap;
  }
  th.number {
    text-align: right;
  }
  thead th {
    color: var(--medr1-text-2);
  }
  .scroll th[scope='row'],
  .scroll thead th:first-child {
    position: sticky;
    left: 0;
    z-index: 1;
    background: var(--medr1-surface);
  }
  td,
  th {
    padding: 3px 12px 3px 0;
    vertical-align: baseline;
  }
  tbody tr:not(.head) > * {
    border-top: 1px solid var(--medr1-border);
  }
  tr.head th {
    padding-top: 12px;
    font-weight: 600;
  }
  section {
    padding: 4px 8px 12px;
  }
  h3,
  h4 {
    margin: 8px 0 4px;
    font-size: inherit;
    font-weight: 600;
  }
  p {
    margin: 2px 0 6px;
  }
`;
