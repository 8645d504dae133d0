/** What checkpoints were trained on against what they are tested on, as heat maps with the number in each cell. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { columnName, MATRIX_KINDS, READINGS } from '@medr1/kernel-bridge/protocol';
import { heatTable } from '../charts/heat-table.ts';
import type { EvalMatrices, EvalMatrix, MatrixDifference, MatrixKind, PublishedDifference, Reading } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { Latest } from '../load.ts';
import { empty, loaded } from '../view-states.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { percentage, points, shareStyles, shareTitle } from './shares.ts';

/** Points at which a difference has its strongest colour. */
const FULL_POINTS = 0.2;

interface Cell {
  text: string;
  title: string;
  /** 0 to 1, or -1 to 1 for differences; null where there is nothing. */
  value: number | null;
  evaluation: string | null;
}

type Cells = readonly (readonly (number | null)[])[];
type Means = Pick<PublishedDifference, 'in_domain' | 'off_diagonal'>;

const differenceCell = (row: string, column: string, value: number | null, missing: string): Cell => ({
  text: value === null ? '' : points(value),
  title: `trained on ${row}, tested on ${column}: ${value === null ? missing : `${points(value)} points`}`,
  value: value === null ? null : Math.max(-1, Math.min(1, value / FULL_POINTS)),
  evaluation: null,
});

/** How matrices lie on a page of evaluations. */
export const heatStyle = css`
  .beside {
    display: flex;
    flex-wrap: wrap;
    align-items: flex-start;
  }
  .beside > section {
    min-width: 0;
  }
  table.heat {
    border-collapse: separate;
    border-spacing: 1px;
  }
  table.heat td {
    min-width: 6ch;
    padding: 0;
    text-align: right;
  }
  table.heat td > * {
    display: block;
    width: 100%;
    padding: 4px 6px;
    text-align: right;
    border: 0;
  }
  table.heat td.own {
    outline: 2px solid var(--medr1-text-2);
    outline-offset: -2px;
  }
  table.heat thead th {
    padding: 2px 6px;
    text-align: right;
    vertical-align: bottom;
    font-size: var(--medr1-size-small);
  }
  table.heat tbody tr,
  table.heat tbody th[scope='row'] {
    border: 0;
    box-shadow: none;
  }
`;

export class EvaluationMatrices extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    /** Grows when a new evaluation may have changed them. */
    revision: { attribute: false },
    kind: { state: true },
    reading: { state: true },
  };
  declare workbench: IWorkbench;
  declare revision: string;
  declare kind: MatrixKind;
  declare reading: Reading;
  readonly #matrices = new Latest<EvalMatrices>();

  constructor() {
    super();
    this.revision = '';
    this.kind = 'modality';
    this.reading = 'strict';
  }

  protected override identity(): PropertyKey[] {
    return ['workbench', 'revision', 'kind'];
  }

  protected override watched() {
    return [this.#matrices];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (changed.has('workbench') || changed.has('revision') || changed.has('kind')) this.#load();
  }

  #load(): void {
    const { kind } = this;
    void this.#matrices.ask((signal) => this.workbench.connector.evals.matrix({ kind }, signal), { keep: true });
  }

  protected override render(): TemplateResult {
    const toggle = <T extends string>(value: T, text: string, current: T, set: (value: T) => void): TemplateResult =>
      html`<button aria-pressed=${value === current} data-testid=${`matrix-${value}`} @click=${() => set(value)}>${text}</button>`;
    return html`<div class="toolbar">
        <span>
          ${MATRIX_KINDS.map((kind) => toggle(kind, kind === 'modality' ? 'modalities' : 'question types', this.kind, (value) => (this.kind = value)))}
        </span>
        <span
          >${READINGS.map((reading) => toggle(reading, this.#columnName(reading), this.reading, (value) => (this.reading = value)))}</span
        >
      </div>
      ${loaded(this.#matrices, 'matrices', (matrices) => this.#body(matrices))}`;
  }

  /** Over all matrices. */
  #columnName(reading: Reading): string {
    return columnName(reading, this.#matrices.answer?.matrices.flatMap(({ readings }) => readings) ?? []);
  }

  #body({ matrices: made, differences, published }: EvalMatrices): TemplateResult {
    const { reading } = this;
    const none =
      made.length > 0
        ? nothing
        : empty(
            'No matrix yet',
            `A cell is a finished evaluation of a checkpoint that was trained on one ${this.kind.replace('_', ' ')}: split ${this.kind}/train/NAME, evaluated on ${this.kind}/test. ` +
              '`medr1 reproduce` makes all of them.',
          );
    return html`${none} ${this.#differences(differences, published, reading)} ${made.map((one) => this.#accuracy(one, reading))}`;
  }

  #accuracy(matrix: EvalMatrix, reading: Reading): TemplateResult {
    const cells = matrix.cells.map((row, i) =>
      row.map((cell, j): Cell => {
        const share = cell?.[reading];
        const where = `trained on ${matrix.names[i]}, tested on ${matrix.names[j]}`;
        if (!share) return { text: '', title: `${where}: not evaluated`, value: null, evaluation: null };
        return { text: percentage(share.rate), title: `${where}: ${shareTitle(share)}`, value: share.rate, evaluation: cell.evaluation };
      }),
    );
    const { in_domain, off_diagonal } = matrix;
    return heatMap(
      matrix.name,
      `${columnName(reading, matrix.readings)}, %`,
      matrix.names,
      cells,
      [percentage(in_domain[reading]), percentage(off_diagonal[reading])],
      this.#open,
    );
  }

  /** Ours, the paper's behind them: with the same rows and columns, so that a cell stands in the same place in all. */
  #differences(ours: readonly MatrixDifference[], paper: PublishedDifference, reading: Reading): TemplateResult {
    const names = [...new Set([...paper.names, ...ours.flatMap((one) => one.names)])];
    const map = (name: string, unit: string, of: readonly string[], cells: Cells, means: Means, missing: string): TemplateResult =>
      heatMap(
        name,
        unit,
        names,
        names.map((row) =>
          names.map((column) => differenceCell(row, column, cells[of.indexOf(row)]?.[of.indexOf(column)] ?? null, missing)),
        ),
        [points(means.in_domain), points(means.off_diagonal)],
        this.#open,
      );
    return html`<div class="beside">
        ${ours.map((one) =>
          map(
            `${one.minuend} minus ${one.subtrahend}`,
            `${columnName(reading, one.readings)}, points`,
            one.names,
            one[reading],
            { in_domain: one.in_domain[reading], off_diagonal: one.off_diagonal[reading] },
            'not evaluated here',
          ),
        )}
        ${map('Published: no-think minus think', 'strict, points', paper.names, paper.cells, paper, 'not in the paper')}
      </div>
      <p class="small secondary" data-testid="published-source">
        Published: ${paper.paper}; ${paper.source}. Empty cells of ours were not evaluated here, those of the paper are not in it.
      </p>`;
  }

  readonly #open = (evaluation: string): void => {
    this.dispatchEvent(new CustomEvent('medr1-open-evaluation', { detail: evaluation, bubbles: true, composed: true }));
  };

  static override styles = [tokens, base, shareStyles, heatStyle];
}

function heatMap(
  name: string,
  unit: string,
  names: readonly string[],
  cells: Cell[][],
  means: string[],
  open: (evaluation: string) => void,
): TemplateResult {
  return html`<section aria-label=${name} data-testid="matrix" data-name=${name}>
    <h3>${name} <span class="secondary">${unit}</span></h3>
    ${heatTable(
      {
        name,
        corner: 'trained on ↓ tested on →',
        columns: names.map((label) => ({ label })),
        rows: names.map((label, i) => ({
          label,
          cells: cells[i].map(({ text, title, value, evaluation }, j) => ({
            content:
              evaluation === null
                ? html`<span>${text}</span>`
                : html`<button class="quiet" aria-label=${`${text}: ${title}`} @click=${() => open(evaluation)}>${text}</button>`,
            value,
            title,
            own: i === j,
          })),
        })),
      },
      'matrix-table',
    )}
    <p class="secondary">in domain (outlined) <b class="number">${means[0]}</b>, off the diagonal <b class="number">${means[1]}</b></p>
  </section>`;
}

define('medr1-evaluation-matrices', EvaluationMatrices);
