/**
 * The skeleton of every small chart: marks in SVG; above it what it shows, under it the ticks, over it what the pointer reads, beside it the
 * same numbers as a table for those who hear the page, and a word where there is nothing. Views say what is to be drawn and nothing else.
 */
import { css, html, nothing, svg, type SVGTemplateResult, type TemplateResult } from 'lit';
import { boxOf, isEmpty, pathOf, scalesOf, type Domain, type Mark, type Scales, type Size } from './geometry.ts';

export interface Drawing {
  marks: readonly Mark[];
  size: Size;
  /** What the edges stand for; by default the marks' smallest and largest values. */
  x?: Domain;
  y?: Domain;
}

/** A part of x that the pointer reads. */
export interface Zone {
  from: number;
  to: number;
  title: string;
  /** On a click; the same must be to be had by keyboard elsewhere. */
  choose?: () => void;
}

export interface Figure extends Drawing {
  /** Above the drawing. */
  title: unknown;
  /** Texts under the drawing, and where on x. */
  ticks: readonly { at: number; text: string }[];
  zones: readonly Zone[];
  /** The numbers: a row each, the first cell its name. */
  table: { columns: readonly string[]; rows: readonly (readonly string[])[] };
  /** Stands in the drawing's place where nothing is drawn. */
  none: string;
  notes?: unknown;
}

/** A chart in a line of text. `says` is read out and shown on hover; without it the numbers stand in the text around it. */
export function inlineChart(drawing: Drawing, says = '', testid: string | typeof nothing = nothing): TemplateResult {
  const { width, height } = drawing.size;
  return html`<svg
    class="small-chart"
    width=${width}
    height=${height}
    role=${says ? 'img' : nothing}
    aria-label=${says.replaceAll('\n', '. ') || nothing}
    aria-hidden=${says ? nothing : 'true'}
    data-testid=${testid}
  >
    ${says ? svg`<title>${says}</title>` : nothing} ${marksOf(drawing)}
  </svg>`;
}

/** A chart that stands by itself, as wide as its place. */
export function figureChart({ title, ticks, zones, table, none, notes = nothing, ...drawing }: Figure, testid: string): TemplateResult {
  const { size, marks } = drawing;
  const { x } = scalesOf(marks, size, drawing.x, drawing.y);
  const percent = (value: number): number => (100 * x(value)) / size.width;
  const within = (value: number): number => Math.min(100, Math.max(0, percent(value))); // a zone around the last point ends with the chart
  return html`<figure class="small-figure" data-testid=${testid}>
    <figcaption>${title}</figcaption>
    ${
      isEmpty(marks)
        ? html`<div class="drawing none secondary small" style=${`height:${size.height}px`}>${none}</div>`
        : html`<div class="drawing" style=${`height:${size.height}px`} aria-hidden="true">
              <svg viewBox=${`0 0 ${size.width} ${size.height}`} preserveAspectRatio="none" width="100%" height="100%">
                ${marksOf(drawing)}
              </svg>
              ${zones.map(
                ({ from, to, title: says, choose }) =>
                  html`<span
                    class=${choose ? 'column choosable' : 'column'}
                    title=${says}
                    @click=${choose ?? nothing}
                    style=${`left:${within(from)}%;width:${within(to) - within(from)}%`}
                  ></span>`,
              )}
            </div>
            <div class="ticks small secondary" aria-hidden="true">${ticks.map((tick) => tickView(tick.text, percent(tick.at)))}</div>
            <div class="heard">
              <table>
                <thead>
                  <tr>
                    ${table.columns.map((column) => html`<th scope="col">${column}</th>`)}
                  </tr>
                </thead>
                <tbody>
                  ${table.rows.map(
                    ([name, ...cells]) =>
                      html`<tr>
                        <th scope="row">${name}</th>
                        ${cells.map((cell) => html`<td>${cell}</td>`)}
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
    }
    <div class="notes small">${notes}</div>
  </figure>`;
}

/** Texts at the edges stay inside them. */
const tickView = (text: string, at: number): TemplateResult =>
  html`<span style=${`left:${at}%;transform:translateX(${at < 1 ? 0 : at > 99 ? -100 : -50}%)`}>${text}</span>`;

function marksOf({ marks, size, x, y }: Drawing): SVGTemplateResult[] {
  const scales = scalesOf(marks, size, x, y);
  return marks.map((mark) => markOf(mark, scales, size));
}

function markOf(mark: Mark, scales: Scales, size: Size): SVGTemplateResult {
  if (mark.kind === 'line') {
    const dots = mark.dots ? mark.points.filter((point) => point !== null) : [];
    return svg`<path d=${pathOf(mark.points, scales)} fill="none" stroke=${mark.colour} stroke-width="1.25" stroke-linecap="round"
        stroke-dasharray=${mark.dash ?? nothing} vector-effect="non-scaling-stroke" />
      ${dots.map(([at, value]) => svg`<circle cx=${scales.x(at)} cy=${scales.y(value)} r="1.8" fill=${mark.colour} />`)}`;
  }
  if (mark.kind === 'label')
    return svg`<text x=${scales.x(mark.at[0])} y=${scales.y(mark.at[1])} text-anchor="middle" dominant-baseline="central" fill=${mark.colour}>${mark.text}</text>`;
  const [left, top, width, height] = boxOf(mark, scales, size);
  return svg`<rect x=${left} y=${top} width=${Math.max(0, width)} height=${height} fill=${mark.hollow ? 'none' : mark.colour}
    stroke=${mark.hollow ? mark.colour : 'none'}    vector-effect="non-scaling-stroke" />`;
}

/** What is there for those who hear the page alone. A table is as wide as its cells whatever it is told, so it stands in a box of this class. */
export const heardStyle = css`
  .heard {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;

export const smallChartStyle = css`
  ${heardStyle}
  .small-chart {
    flex: none;
    overflow: visible;
  }
  .small-figure {
    position: relative;
    margin: 0;
    min-width: 0;
  }
  .small-figure figcaption {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .small-figure .drawing {
    position: relative;
    border-bottom: 1px solid var(--medr1-text-2);
  }
  .small-figure .drawing svg {
    display: block;
  }
  .small-figure .drawing.none {
    display: flex;
    align-items: center;
    justify-content: center;
  }
  .small-figure .column {
    position: absolute;
    inset-block: 0;
  }
  .small-figure .choosable {
    cursor: pointer;
  }
  .small-figure .column:hover {
    background: color-mix(in srgb, var(--medr1-text) 12%, transparent);
  }
  .small-figure .ticks {
    position: relative;
    height: 1.4em;
  }
  .small-figure .ticks span {
    position: absolute;
    white-space: nowrap;
  }
  .small-figure .notes {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
    color: var(--medr1-text-2);
  }
  .small-figure .notes b {
    color: var(--medr1-text);
    font-weight: 600;
  }
`;
