/** What checkpoints were trained on against what they are tested on, as heat maps with the number in each cell. */
import { css, html, type PropertyValues, type TemplateResult } from 'lit';
import { columnName, MATRIX_KINDS, READINGS } from '@medr1/kernel-bridge/protocol';
import { heatTable } from '../charts/heat-table.ts';
import type { EvalMatrices, EvalMatrix, MatrixDifference, MatrixKind, Reading } from '../connector.ts';
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

  #body({ matrices: made, differences }: EvalMatrices): TemplateResult {
    const { reading } = this;
    if (made.length === 0)
      return empty(
        'No matrix yet',
        `A cell is a finished evaluation of a checkpoint that was trained on one ${this.kind.replace('_', ' ')}: split ${this.kind}/train/NAME, evaluated on ${this.kind}/test. ` +
          '`medr1 reproduce` makes all of them.',
      );
    return html`${differences.map((one) => this.#difference(one, reading))} ${made.map((one) => this.#accuracy(one, reading))}`;
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

  #difference(one: MatrixDifference, reading: Reading): TemplateResult {
    const cells = one[reading].map((row, i) =>
      row.map((value, j): Cell => ({
        text: value === null ? '' : points(value),
        title: `trained on ${one.names[i]}, tested on ${one.names[j]}: ${value === null ? 'not evaluated' : `${points(value)} points`}`,
        value: value === null ? null : Math.max(-1, Math.min(1, value / FULL_POINTS)),
        evaluation: null,
      })),
    );
    const means = [points(one.in_domain[reading]), points(one.off_diagonal[reading])];
    return heatMap(
      `${one.minuend} minus ${one.subtrahend}`,
      `${columnName(reading, one.readings)}, points`,
      one.names,
      cells,
      means,
      this.#open,
    );
  }

  readonly #open = (evaluation: string): void => {
    this.dispatchEvent(new CustomEvent('medr1-open-evaluation', { detail: evaluation, bubbles: true, composed: true }));
  };

  static override styles = [
    tokens,
    base,
    shareStyles,
    css`
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
    `,
  ];
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
                : html`<button class="quiet" aria-label=${title} @click=${() => open(evaluation)}>${text}</button>`,
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
