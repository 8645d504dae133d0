/** Accuracy by modality or question type: two evaluations as a scatter, all of them as a table. Numbers in the scatter are the rows' numbers. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { letterOf } from '@medr1/kernel-bridge/answers';
import type { Mark } from '../charts/geometry.ts';
import { inlineChart } from '../charts/small-chart.ts';
import type { EvalComparison, MatrixKind, Reading, Share } from '../connector.ts';
import { columnOf } from '../evaluation/model.ts';
import { percentage, points, shareView } from '../evaluation/shares.ts';
import { headRow } from './figures.ts';

const SIZE = { width: 260, height: 260 };
const KINDS: [MatrixKind, string][] = [
  ['modality', 'modality'],
  ['question_type', 'question type'],
];

export interface Slices {
  kind: MatrixKind;
  reading: Reading;
  /** Places of the two that the scatter shows. */
  pair: readonly [number, number];
}

export function slicesView(
  comparison: EvalComparison,
  { kind, reading, pair }: Slices,
  choose: (kind: MatrixKind) => void,
): TemplateResult {
  const { evaluations, reports } = comparison;
  const names = [...new Set(reports.flatMap((report) => Object.keys(report[`by_${kind}`])))].toSorted();
  const share = (at: number, name: string): Share | undefined => reports[at][`by_${kind}`][name]?.[reading];
  const [x, y] = pair;
  const plotted = names.flatMap((name, at) => {
    const [a, b] = [share(x, name), share(y, name)];
    return a && b && a.rate !== null && b.rate !== null ? [{ at, name, a, b }] : [];
  });
  const marks: Mark[] = [
    {
      kind: 'line',
      points: [
        [0, 0],
        [1, 1],
      ],
      colour: 'var(--medr1-text-2)',
      dash: '3 3',
    },
    ...plotted.flatMap(({ a, b }): Mark[] => [
      {
        kind: 'line',
        points: [
          [a.low!, b.rate!],
          [a.high!, b.rate!],
        ],
        colour: 'var(--medr1-border)',
      },
      {
        kind: 'line',
        points: [
          [a.rate!, b.low!],
          [a.rate!, b.high!],
        ],
        colour: 'var(--medr1-border)',
      },
    ]),
    ...plotted.map(({ at, a, b }): Mark => ({ kind: 'label', at: [a.rate!, b.rate!], text: String(at + 1), colour: 'var(--medr1-text)' })),
  ];
  const [first, second] = pair.map(letterOf);
  const above = plotted.filter(({ a, b }) => b.rate! > a.rate!).length;
  const says = `${columnOf(reading, evaluations).name} accuracy of ${first} across, of ${second} upwards, by ${kind.replace('_', ' ')}: ${above} of ${plotted.length} lie above the diagonal, where ${second} is better. The table has the numbers.`;
  return html`<section aria-label="By modality and question type">
    <h3>
      By
      ${KINDS.map(
        ([value, text]) =>
          html`<button aria-pressed=${value === kind} data-testid=${`slices-${value}`} @click=${() => choose(value)}>${text}</button> `,
      )}
      <span class="secondary">${columnOf(reading, evaluations).name}, %</span>
    </h3>
    <div class="side-by-side">
      <figure class="scatter">
        <span class="up small secondary">${second}, %</span>
        ${inlineChart({ marks, size: SIZE, x: [0, 1], y: [0, 1] }, says, 'scatter')}
        <figcaption class="small secondary"><span>0</span><span>${first}, %</span><span>100</span></figcaption>
        <p class="small secondary">Above the line ${second} is better. Crosses are 95 % intervals.</p>
      </figure>
      <div class="scroll" tabindex="0" role="group" aria-label="By modality and question type">
        <table>
          <thead>
            ${headRow(evaluations, kind.replace('_', ' '), `${second} − ${first}`)}
          </thead>
          <tbody>
            ${names.map((name, at) => {
              const [a, b] = [share(x, name)?.rate ?? null, share(y, name)?.rate ?? null];
              const difference = a === null || b === null ? null : points(b - a);
              return html`<tr data-testid="slice">
                <th scope="row"><span class="at secondary">${at + 1}</span> ${name}</th>
                ${evaluations.map((_, i) => html`<td class="number">${share(i, name) ? shareView(share(i, name)!) : nothing}</td>`)}
                <td class="number" title=${`${second} minus ${first}: ${percentage(b)} − ${percentage(a)}`}>${difference ?? nothing}</td>
              </tr>`;
            })}
          </tbody>
        </table>
      </div>
    </div>
  </section>`;
}

export const slicesStyle = css`
  .side-by-side {
    display: flex;
    flex-wrap: wrap;
    gap: 8px 24px;
    align-items: flex-start;
  }
  .side-by-side > .scroll {
    min-width: 0;
  }
  .scatter {
    position: relative;
    flex: none;
    margin: 4px 0 0 24px;
    width: 260px;
  }
  .scatter svg {
    border: 1px solid var(--medr1-border);
    font-size: var(--medr1-size-small);
  }
  .scatter figcaption {
    display: flex;
    justify-content: space-between;
  }
  .scatter .up {
    position: absolute;
    left: -18px;
    top: 130px;
    transform: rotate(-90deg) translateX(50%);
    transform-origin: left;
    white-space: nowrap;
  }
  .at {
    display: inline-block;
    min-width: 2ch;
    text-align: right;
  }
`;
