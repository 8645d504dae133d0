/** Histograms: columns over the values or ranges of values; each says its count. */
import { countsIn, rangesOf, type Range } from '@medr1/kernel-bridge/protocol/histogram';
import { css, html, type TemplateResult } from 'lit';
import { integer, number } from '../format.ts';

export interface Distribution {
  /** What the columns stand for, where there is more than one list. */
  label: string;
  values: readonly number[];
  colour: string;
}

/** Lists over the same ranges stand side by side. `title`: above it; `notes`: below. */
export function histogram(title: unknown, lists: readonly Distribution[], notes: unknown): TemplateResult {
  const ranges = rangesOf(lists.flatMap(({ values }) => values));
  const counts = lists.map(({ values }) => countsIn(ranges, values));
  const most = Math.max(1, ...counts.flat());
  const few = ranges.length <= 4 && ranges.every(({ from, to }) => from === to);
  const says = (range: Range, at: number): string =>
    `${rangeText(range)}: ${lists.map(({ label }, k) => `${label} ${integer(counts[k][at])}`.trim()).join(', ')}`;
  return html`<figure class="histogram" data-testid="histogram">
    <figcaption>${title}</figcaption>
    ${
      ranges.length === 0
        ? html`<div class="columns secondary small none">no values</div>`
        : html`<div class=${few ? 'columns few' : 'columns'} role="img" aria-label=${ranges.map(says).join('; ')}>
            ${ranges.map(
              (range, at) =>
                html`<span class="column" title=${says(range, at)}
                  >${lists.map(({ colour }, k) => html`<i class=${k > 0 ? 'second' : ''} style=${`height:${share(counts[k][at], most)}%;background-color:${colour}`}></i>`)}</span
                >`,
            )}
          </div>`
    }
    <div class=${few ? 'axis few small secondary' : 'axis small secondary'} aria-hidden="true">
      ${marks(ranges, few).map((mark) => html`<span>${mark}</span>`)}
    </div>
    <div class="notes small">${notes}</div>
  </figure>`;
}

/** Something that is there is seen: a pixel at least. */
const share = (count: number, most: number): number => (count === 0 ? 0 : Math.max(2, (100 * count) / most));

const rangeText = ({ from, to }: Range): string => (from === to ? number(from) : `${number(from)} to ${number(to)}`);

/** Each value where they are few, else the ends. */
function marks(ranges: readonly Range[], few: boolean): string[] {
  if (few) return ranges.map(({ from }) => number(from));
  return [number(ranges[0].from), number(ranges.at(-1)!.to)];
}

export const histogramStyle = css`
  .histograms {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(168px, 100%), 1fr));
    gap: 12px 16px;
  }
  .histogram {
    margin: 0;
    min-width: 0;
  }
  .histogram figcaption {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .histogram .columns {
    display: flex;
    gap: 2px;
    align-items: stretch;
    height: 56px;
    border-bottom: 1px solid var(--medr1-text-2);
  }
  .histogram .columns.none {
    align-items: center;
    justify-content: center;
  }
  .histogram .column {
    display: flex;
    flex: 1;
    gap: 1px;
    align-items: flex-end;
  }
  .histogram .few .column {
    justify-content: center;
  }
  .histogram .few i {
    max-width: 24px;
  }
  .histogram .column:hover {
    background: var(--medr1-surface-2);
  }
  .histogram i {
    flex: 1;
  }
  .histogram .axis {
    display: flex;
    justify-content: space-between;
  }
  .histogram .axis.few span {
    flex: 1;
    text-align: center;
  }
  .histogram .notes {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
    color: var(--medr1-text-2);
  }
  .histogram .notes b {
    color: var(--medr1-text);
    font-weight: 600;
  }
`;
