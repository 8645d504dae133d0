/** The foot of the Data view: how much is shown and picked, and what can be done with it. */
import { html, nothing, type TemplateResult } from 'lit';
import { EXPORT_FORMATS } from '@medr1/kernel-bridge/protocol';
import type { ExportFormat } from '../connector.ts';
import { ended, integer } from '../format.ts';
import { closeMenu } from '../menu.ts';
import { tagsIn } from '../tags.ts';
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
  tag: (change: { add_tags?: string[]; remove_tags?: string[] }) => void;
}

/** Tags what is selected; those that it has can be taken away. */
function tagMenu(data: IWorkbench['data'], count: number, busy: boolean, tag: Actions['tag']): TemplateResult {
  const known = Object.entries(data.state.value.facets.tag ?? {}).filter(([, number]) => number > 0);
  const add = (event: Event): void => {
    event.preventDefault();
    const input = (event.target as HTMLFormElement).elements.namedItem('tag') as HTMLInputElement;
    const tags = tagsIn(input.value);
    if (tags.length === 0) return;
    input.value = '';
    closeMenu(event);
    tag({ add_tags: tags });
  };
  return html`<medr1-menu label="Tag" up data-testid="tag-menu">
    <form class="tagging" @submit=${add}>
      <input name="tag" maxlength="200" aria-label="Tags, apart by commas" placeholder="tags, apart by commas" data-testid="tag-name" />
      <button ?disabled=${count === 0 || busy} data-testid="tag-add">Tag ${integer(count)}</button>
    </form>
    ${known.map(
      ([name, number]) =>
        html`<button
          class="quiet"
          ?disabled=${busy}
          data-testid="tag-remove"
          title="Takes the tag from what is selected"
          @click=${(event: Event) => {
            closeMenu(event);
            tag({ remove_tags: [name] });
          }}
        >
          remove <b>${name}</b> <span class="secondary small">${integer(number)}</span>
        </button>`,
    )}
  </medr1-menu>`;
}

/** `busy`: an export or a selection is being made. */
export function footer(
  data: IWorkbench['data'],
  busy: boolean,
  { startRun, toNotebook, exportAs, openTrash, tag }: Actions,
): TemplateResult {
  const { picks, total, pages, refusal, filter } = data.state.value;
  const some = !picks.all && picks.ids.size > 0;
  const count = data.chosenCount;
  const what = picks.all
    ? `All ${integer(total)} selected`
    : some
      ? `${integer(count)} selected`
      : `${integer(total)} ${total === 1 ? 'question' : 'questions'}`;
  const images = filter.group === 'image' ? ` on ${integer(pages!.count)} images` : '';
  return html`<footer role="presentation">
    ${
      refusal
        ? html`<div class="refusal" role="alert">
            <span
              ><span class="warning" aria-hidden="true">⚠</span> ${ended(refusal.message)}
              <span class="secondary">${refusal.remedy}</span></span
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
      ${tagMenu(data, count, busy, tag)}
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
