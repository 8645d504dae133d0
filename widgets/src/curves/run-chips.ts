/** The runs of a board: a chip each, which shows or hides the run and has a menu for its colour. */
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { RunSummary } from '../connector.ts';
import { number } from '../format.ts';
import { closeMenu } from '../menu.ts';
import { STATES } from '../runs/model.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { seriesColours } from '../theme.ts';
import type { ChartRun } from './figure.ts';
import type { CurvesModel } from './model.ts';

interface Chips {
  workbench: IWorkbench;
  model: CurvesModel;
  /** Null leaves the colour to the workbench. */
  paint(run: string, colour: number | null): void;
}

export function runChips(all: readonly ChartRun[], { workbench, model, paint }: Chips): TemplateResult {
  const colours = seriesColours();
  const { hidden } = model.state.value;
  return html`<div class="chips" role="group" aria-label="Runs shown">
    ${repeat(
      all,
      ({ series }) => series.id,
      ({ series, colour }) => {
        const run = workbench.runs.get(series.id) ?? series.detail?.summary;
        const off = hidden.includes(series.id);
        return html`<span class="chip-of"
          ><button
            class="run"
            aria-pressed=${!off}
            title=${`${off ? 'Show' : 'Hide'} ${run?.name ?? series.id}`}
            data-testid="curves-run"
            @click=${() => model.toggle('hidden', series.id)}
          >
            <i style=${`background:${off ? 'transparent' : colours[colour]}`}></i>
            <span class="ellipsis">${run?.name ?? series.id}</span>
            ${run ? html`<span class="secondary">${STATES[run.state].glyph} ${run.step}</span><b class="number">${number(run.reward)}</b>` : nothing}</button
          >${run ? colourMenu(run, paint) : nothing}</span
        >`;
      },
    )}
  </div>`;
}

/** The colour is kept with the run, for every view and everybody. */
function colourMenu({ id, name, annotations }: RunSummary, paint: Chips['paint']): TemplateResult {
  const choose = (event: Event, colour: number | null): void => {
    closeMenu(event);
    paint(id, colour);
  };
  const radio = (colour: number | null, label: string, style: string): TemplateResult =>
    html`<button
      role="radio"
      class=${colour === null ? 'quiet' : 'swatch'}
      aria-checked=${annotations.colour === colour}
      aria-label=${label}
      title=${label}
      style=${style}
      @click=${(event: Event) => choose(event, colour)}
    >
      ${colour === null ? 'auto' : ''}
    </button>`;
  return html`<medr1-menu label="" says=${`Colour of ${name}`} data-testid="run-colour">
    <div role="radiogroup" aria-label=${`Colour of ${name}`} class="swatches">
      ${radio(null, 'Automatic', '')} ${seriesColours().map((value, at) => radio(at, `Colour ${at + 1}`, `background:${value}`))}
    </div>
  </medr1-menu>`;
}
