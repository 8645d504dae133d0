/** The foot of the Data view: how much is shown and picked, and what can be done with it. */
import { html, nothing, type TemplateResult } from 'lit';
import { EXPORT_FORMATS } from '@medr1/kernel-bridge/protocol';
import type { ExportFormat } from '../connector.ts';
import { integer } from '../format.ts';
import { closeMenu } from '../menu.ts';
import type { IWorkbench } from '../store/workbench.ts';

const FORMATS: Record<ExportFormat, [title: string, says: string]> = {
  jsonl: ['JSON Lines', 'one question a line, every field'],
  parquet: ['Parquet', 'a table; pandas and datasets read it'],
  medr1: ["Med-R1's JSON", 'image, problem and solution, as in its split files'],
};

export interface Actions {
  startRun: () => void;
  toNotebook: () => void;
  exportAs: (format: ExportFormat) => void;
  openTrash: () => void;
}

/** `busy`: an export or a selection is being made. */
export function footer(data: IWorkbench['data'], busy: boolean, { startRun, toNotebook, exportAs, openTrash }: Actions): TemplateResult {
  const { picks, total, pages, refusal, filter } = data.state.value;
  const some = !picks.all && picks.ids.size > 0;
  const count = data.chosenCount;
  const what = picks.all ? `All ${integer(total)} selected` : some ? `${integer(count)} selected` : `${integer(total)} questions`;
  const images = filter.group === 'image' ? ` on ${integer(pages!.count)} images` : '';
  return html`<footer>
    ${
      refusal
        ? html`<div class="refusal" role="alert">
            <span
              ><span class="warning" aria-hidden="true">⚠</span> ${refusal.message} <span class="secondary">${refusal.remedy}</span></span
            >
            <button class="quiet" aria-label="Dismiss" @click=${() => data.forgive()}>✕</button>
          </div>`
        : nothing
    }
    ${
      pages?.error
        ? html`<div class="refusal" role="alert">
            <span><span class="warning" aria-hidden="true">⚠</span> ${pages.error.message}</span>
            <button @click=${() => pages.retry()}>Try again</button>
          </div>`
        : nothing
    }
    <div class="bar" role="toolbar" aria-label="Selected questions">
      <span
        class="number"
        data-testid="data-count"
        title="Actions apply to what is selected, or to all that is shown if nothing is selected"
        >${what}${some ? html`<span class="secondary"> of ${integer(total)}</span>` : images}</span
      >
      ${
        some || picks.all
          ? html`<button class="quiet" title="Escape" data-testid="pick-none" @click=${() => data.pickNone()}>Select none</button>`
          : html`<button class="quiet" title="Ctrl+A" data-testid="pick-all" ?disabled=${total === 0} @click=${() => data.pickAll()}>
              Select all
            </button>`
      }
      <button class="quiet link" title="Data sets, runs and evaluations that were removed" data-testid="open-trash" @click=${openTrash}>
        Trash
      </button>
      <span class="space"></span>
      <button ?disabled=${count === 0 || busy} data-testid="data-run" @click=${startRun}>Start a run …</button>
      <button
        ?disabled=${count === 0}
        data-testid="data-notebook"
        title="A new cell of the open notebook with these questions"
        @click=${toNotebook}
      >
        Send to notebook
      </button>
      <medr1-menu label=${busy ? 'Working …' : 'Export'} up data-testid="export">
        ${EXPORT_FORMATS.map(
          (format) =>
            html`<button
              class="quiet export"
              title=${FORMATS[format][1]}
              ?disabled=${count === 0 || busy}
              data-testid=${`export-${format}`}
              @click=${(event: Event) => {
                closeMenu(event);
                exportAs(format);
              }}
            >
              ${FORMATS[format][0]} <span class="secondary small">${FORMATS[format][1]}</span>
            </button>`,
        )}
      </medr1-menu>
    </div>
  </footer>`;
}
