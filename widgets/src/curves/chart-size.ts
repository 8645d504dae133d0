/** The corner by which a chart is made larger, by pointer and by keys. */
import { html, type TemplateResult } from 'lit';
import { sizeOf } from './board.ts';
import type { ChartSpec } from './charts.ts';
import type { CurvesModel } from './model.ts';

/** Pixels that an arrow key makes a chart higher or lower. */
const KEY_HEIGHT = 30;

/** `columns`: that the board has. */
export function sizeHandle(model: CurvesModel, { id, title }: ChartSpec, chart: HTMLElement, columns: number): TemplateResult {
  return html`<button
    class="quiet size"
    title="Drag to resize"
    aria-label=${`Size of ${title}: Left and Right change its width, Up and Down its height`}
    data-testid="chart-size"
    @pointerdown=${(event: PointerEvent) => drag(model, id, chart, columns, event)}
    @keydown=${(event: KeyboardEvent) => press(model, id, event)}
  >
    <span aria-hidden="true">◢</span>
  </button>`;
}

function drag(model: CurvesModel, id: string, chart: HTMLElement, columns: number, event: PointerEvent): void {
  const handle = event.currentTarget as HTMLElement;
  handle.setPointerCapture(event.pointerId);
  const start = sizeOf(model.state.value, id, columns);
  const column = chart.offsetWidth / start.columns;
  const move = ({ clientX, clientY }: PointerEvent): void =>
    model.resize(id, {
      columns: column > 0 ? start.columns + (clientX - event.clientX) / column : 1,
      height: start.height + clientY - event.clientY,
    });
  const end = (): void => {
    handle.removeEventListener('pointermove', move);
    handle.removeEventListener('pointerup', end);
    handle.removeEventListener('pointercancel', end);
  };
  handle.addEventListener('pointermove', move);
  handle.addEventListener('pointerup', end);
  handle.addEventListener('pointercancel', end);
}

function press(model: CurvesModel, id: string, event: KeyboardEvent): void {
  const { columns, height } = sizeOf(model.state.value, id);
  const change = {
    ArrowRight: { columns: columns + 1 },
    ArrowLeft: { columns: columns - 1 },
    ArrowDown: { height: height + KEY_HEIGHT },
    ArrowUp: { height: height - KEY_HEIGHT },
  }[event.key];
  if (!change) return;
  event.preventDefault();
  model.resize(id, change);
}
