/** The states that every view has, drawn alike: nothing yet, loading, failed. */
import { html, nothing, type TemplateResult } from 'lit';
import type { ErrorBody, RunSummary } from './connector.ts';
import { command } from './element.ts';
import type { Latest } from './load.ts';

export const loading = (what: string): TemplateResult =>
  html`<div class="message secondary" role="status" data-testid="loading"><p>Loading ${what} …</p></div>`;

export function failed(error: ErrorBody, retry?: () => void): TemplateResult {
  return html`<div class="message" role="alert" data-testid="error">
    <h3><span class="warning" aria-hidden="true">⚠</span> ${error.message}</h3>
    <p class="secondary">${error.remedy}</p>
    ${retry ? html`<div class="actions"><button @click=${retry} data-testid="retry">Try again</button></div>` : nothing}
  </div>`;
}

/** What was asked: its answer drawn, else that it is on its way, or what went wrong and a way to try again. */
export function loaded<T>(latest: Latest<T>, what: string, draw: (value: T) => TemplateResult): TemplateResult {
  const { value } = latest;
  if (value.status === 'ready') return draw(value.value);
  return value.status === 'error' ? failed(value.error, () => void latest.retry()) : loading(what);
}

/** `next` says what to do, `actions` does it. */
export function empty(title: string, next: string, actions: unknown = nothing): TemplateResult {
  return html`<div class="message" data-testid="empty">
    <h3>${title}</h3>
    <p class="secondary">${next}</p>
    ${actions === nothing ? nothing : html`<div class="actions">${actions}</div>`}
  </div>`;
}

/** Slips in a search, each with what was probably meant one click away; null where that is not known. */
export function meantOtherwise(
  slips: readonly { text: string; instead: string | null; take: () => void }[],
): TemplateResult | typeof nothing {
  if (slips.length === 0) return nothing;
  return html`<div class="slips small" role="note" data-testid="search-hints">
    ${slips.map(
      ({ text, instead, take }) =>
        html`<span
          ><span class="warning" aria-hidden="true">⚠</span> ${text}
          ${
            instead === null
              ? nothing
              : html`Did you mean <button class="quiet link" data-testid="search-instead" @click=${take}>${instead}</button>?`
          }</span
        >`,
    )}
  </div>`;
}

/** A view of a run has none to show. `shows` says what it would show; where there is no run at all, nothing can be chosen and one is to be started. */
export function noRunChosen(view: EventTarget, runs: readonly RunSummary[], shows: string): TemplateResult {
  const none = runs.length === 0;
  return empty(
    none ? 'No runs yet' : 'No run chosen',
    `${shows} ${none ? 'Start a run first: the Runs panel has one that needs nothing of yours.' : 'Choose a run in the Runs panel.'}`,
    html`<button @click=${() => command(view, 'show-runs')}>Show runs</button>
      ${none ? html`<button @click=${() => command(view, 'open-new-run')}>New run …</button>` : nothing}`,
  );
}
