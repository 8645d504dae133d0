/** What can be done with one chart of a board: where it stands, how large it is, what y spans, and its numbers or picture as a file. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { closeMenu } from '../menu.ts';
import { endOf, sizeOf } from './board.ts';
import { OWN_GROUP, type ChartSpec } from './charts.ts';
import type { CurvesModel } from './model.ts';

export type ChartFile = 'png' | 'svg' | 'csv';

/** What a chart asks of the board that it stands on. */
export type BoardRequest =
  | { ask: 'move'; chart: string; way: 1 | -1 }
  | { ask: 'take-place'; chart: string; target: string }
  | { ask: 'edit'; chart: string }
  | { ask: 'remove'; chart: string };

const STEP = { columns: 1, height: 60 };

export function chartMenu(
  model: CurvesModel,
  { id, title, group }: ChartSpec,
  { onBoard, ask, save }: { onBoard: boolean; ask: (request: BoardRequest) => void; save: (file: ChartFile) => void },
): TemplateResult {
  const { ranges } = model.state.value;
  const [low, high] = ranges[id] ?? [null, null];
  const size = sizeOf(model.state.value, id);
  const end = (at: 0 | 1, label: string, value: number | null): TemplateResult =>
    html`<label
      >${label}
      <input
        class="number"
        size="6"
        inputmode="decimal"
        placeholder="auto"
        aria-label=${`y ${label}, ${title}`}
        .value=${value === null ? '' : String(value)}
        @change=${(event: Event) => {
          const input = event.target as HTMLInputElement;
          const typed = endOf(input.value);
          if (typed === undefined) input.value = value === null ? '' : String(value);
          else model.setRange(id, at === 0 ? [typed, high] : [low, typed]);
        }}
      />
    </label>`;
  const place = (text: string, act: () => void): TemplateResult => html`<button class="quiet" @click=${act}>${text}</button>`;
  const done = (event: Event, act: () => void): void => {
    closeMenu(event);
    act();
  };
  const item = (text: string, act: () => void): TemplateResult =>
    html`<button class="quiet" @click=${(event: Event) => done(event, act)}>${text}</button>`;
  return html`<medr1-menu label="⋯" says=${`More of ${title}`} data-testid="chart-menu">
    <div class="menu">
      ${
        onBoard
          ? html`<div class="pair">
                ${place('◂ Earlier', () => ask({ ask: 'move', chart: id, way: -1 }))}
                ${place('Later ▸', () => ask({ ask: 'move', chart: id, way: 1 }))}
              </div>
              <div class="pair">
                ${place('Narrower', () => model.resize(id, { columns: size.columns - STEP.columns }))}
                ${place('Wider', () => model.resize(id, { columns: size.columns + STEP.columns }))}
              </div>
              <div class="pair">
                ${place('Lower', () => model.resize(id, { height: size.height - STEP.height }))}
                ${place('Higher', () => model.resize(id, { height: size.height + STEP.height }))}
              </div>`
          : nothing
      }
      <div class="ends">y ${end(0, 'from', low)} ${end(1, 'to', high)}</div>
      <div class="files">
        ${(['png', 'svg', 'csv'] as const).map(
          (file) =>
            html`<button
              class="quiet"
              aria-label=${`Save ${title} as ${file.toUpperCase()}`}
              data-testid=${`save-${file}`}
              @click=${(event: Event) => done(event, () => save(file))}
            >
              ${file.toUpperCase()}
            </button>`,
        )}
      </div>
      ${
        group === OWN_GROUP && onBoard
          ? html`${item('Edit …', () => ask({ ask: 'edit', chart: id }))} ${item('Remove chart', () => ask({ ask: 'remove', chart: id }))}`
          : nothing
      }
    </div>
  </medr1-menu>`;
}

export const chartMenuStyle = css`
  .menu {
    display: grid;
    gap: 2px;
  }
  .menu button {
    text-align: left;
  }
  .menu .pair {
    display: grid;
    grid-template-columns: 1fr 1fr;
  }
  .menu .ends,
  .menu .files {
    display: flex;
    gap: 4px;
    align-items: center;
    padding: 2px 8px;
  }
  .menu .files {
    padding: 2px 0;
  }
  .menu label {
    white-space: nowrap;
  }
  .menu input {
    width: 7ch;
  }
`;
