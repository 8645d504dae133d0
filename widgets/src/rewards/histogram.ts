/** Histograms: columns over the values or ranges of values; each says its count. */
import { countsIn, placeIn, rangesOf, type Range } from '@medr1/kernel-bridge/protocol/histogram';
import { css, type TemplateResult } from 'lit';
import type { ColumnMark } from '../charts/geometry.ts';
import { figureChart } from '../charts/small-chart.ts';
import { integer, number } from '../format.ts';

const SIZE = { width: 168, height: 56 };
/** Of the width of its range: columns stand apart, and lone values are no blocks. */
const WIDTH = { few: 0.3, many: 0.88 };

export interface Distribution {
  /** What the columns stand for, where there is more than one list. */
  label: string;
  values: readonly number[];
  colour: string;
}

/** Lists over the same ranges stand side by side. `title`: above it; `notes`: below; `choose`: a column was clicked, of these ranges. */
export function histogram(
  title: unknown,
  lists: readonly Distribution[],
  notes: unknown,
  choose?: (range: Range, isIn: (value: number) => boolean) => void,
): TemplateResult {
  const ranges = rangesOf(lists.flatMap(({ values }) => values));
  const counts = lists.map(({ values }) => countsIn(ranges, values));
  const few = ranges.length <= 4 && ranges.every(({ from, to }) => from === to);
  const whole = few ? WIDTH.few : WIDTH.many;
  const marks = lists.flatMap(({ colour }, k) =>
    counts[k].flatMap((count, at): ColumnMark[] => {
      const from = at + (1 - whole) / 2 + (whole * k) / lists.length;
      return count === 0 ? [] : [{ kind: 'column', from, to: from + whole / lists.length, value: count, colour }];
    }),
  );
  const says = (range: Range, at: number): string =>
    `${rangeText(range)}: ${lists.map(({ label }, k) => `${label} ${integer(counts[k][at])}`.trim()).join(', ')}`;
  return figureChart(
    {
      title,
      marks,
      size: SIZE,
      x: [0, Math.max(1, ranges.length)],
      y: [0, Math.max(1, ...counts.flat())],
      ticks: few
        ? ranges.map(({ from }, i) => ({ at: i + 0.5, text: number(from) }))
        : ranges.length === 0
          ? []
          : [
              { at: 0, text: number(ranges[0].from) },
              { at: ranges.length, text: number(ranges.at(-1)!.to) },
            ],
      zones: ranges.map((range, at) => ({
        ...{ from: at, to: at + 1, title: says(range, at) },
        ...(choose && { choose: () => choose(range, (value) => placeIn(ranges, value) === at) }),
      })),
      table: {
        columns: ['value', ...lists.map(({ label }) => label || 'count')],
        rows: ranges.map((range, at) => [rangeText(range), ...counts.map((list) => integer(list[at]))]),
      },
      none: 'no values',
      notes,
    },
    'histogram',
  );
}

/** "0.5", or "0.5 to 1". */
export const rangeText = ({ from, to }: Range): string => (from === to ? number(from) : `${number(from)} to ${number(to)}`);

export const histogramStyle = css`
  .histograms {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(168px, 100%), 1fr));
    gap: 12px 16px;
  }
`;
