/**
 * plotly.js, loaded when the first chart is drawn, and the rhythm of drawing: at most one `react` in a frame, and only of charts that
 * changed. Charts are static for plotly: cursor, zoom and clicks are ours (chart.ts), the same in every chart at once.
 */
export interface Plotly {
  react(element: HTMLElement, data: unknown[], layout: unknown, config: unknown): Promise<unknown>;
  purge(element: HTMLElement): void;
  toImage(
    figure: { data: unknown[]; layout: unknown },
    options: { format: 'png' | 'svg'; width: number; height: number; scale: number },
  ): Promise<string>;
}

export const PLOTLY_CONFIG = { staticPlot: true, displayModeBar: false, displaylogo: false, showSendToCloud: false, responsive: false };

let library: Promise<Plotly> | undefined;

export function loadPlotly(): Promise<Plotly> {
  library ??= import('plotly.js-cartesian-dist-min').then((module) => module.default as Plotly);
  library.catch(() => (library = undefined)); // a later chart may try again
  return library;
}

/** False where there was nothing to draw: then the next goes in the same frame. */
type Draw = () => unknown;

const waiting = new Set<Draw>();
let scheduled = false;

/** Runs `draw` in a coming frame; the same function asked twice before then runs once. */
export function queueDraw(draw: Draw): void {
  waiting.add(draw);
  schedule();
}

export function cancelDraw(draw: Draw): void {
  waiting.delete(draw);
}

function schedule(): void {
  if (scheduled || waiting.size === 0) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    try {
      for (const next of waiting) {
        waiting.delete(next);
        if (next() !== false) break;
      }
    } finally {
      schedule();
    }
  });
}
