/** The tools over a board of curves: what all its charts have in common. */
import { html, nothing, type TemplateResult } from 'lit';
import { closeMenu } from '../menu.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import { axisChoice } from './axis-choice.ts';
import type { ChartFile } from './chart-menu.ts';
import { BY_SEED, differingKeys } from './groups.ts';
import { MOST_LETTERS } from './layouts.ts';
import { CURVES_DEFAULTS, MAX_SMOOTHING, MAX_WINDOW, type CurvesModel } from './model.ts';
import { SMOOTHERS, type Smoother } from './smoothing.ts';

const SMOOTHER_LABELS: Record<Smoother, string> = { ema: 'moving average', mean: 'mean of window', none: 'none' };
const SMOOTHER_TITLES: Record<Smoother, string> = {
  ema: 'Exponential moving average with the bias of its start removed; the raw line stays faint',
  mean: 'Mean of the last points; the raw line stays faint',
  none: 'Every value as it was logged',
};

export interface Tools {
  model: CurvesModel;
  /** Chosen, whether hidden or not. */
  runs: readonly FollowedRun[];
  /** There is no chart. */
  empty: boolean;
  newChart(): void;
  save(file: ChartFile): void;
  /** What went wrong. */
  troubles: unknown;
}

export function toolbar({ model, runs, empty, newChart, save, troubles }: Tools): TemplateResult {
  const { axis, search, range } = model.state.value;
  return html`<div class="toolbar pinned" role="toolbar" aria-label="Curves">
    ${axisChoice(axis, (to) => model.set({ axis: to }))} ${smoothing(model)}
    <input
      type="search"
      placeholder="find a metric"
      aria-label="Find a metric"
      .value=${search}
      @input=${(event: Event) => model.set({ search: (event.target as HTMLInputElement).value })}
    />
    <button
      ?disabled=${!range}
      title="Show all steps (double click on a chart). Drag zooms; a click, or Shift and drag, chooses the step whose rollouts are shown"
      @click=${() => model.set({ range: null })}
    >
      Reset zoom
    </button>
    <button title="A chart of metrics that you choose" data-testid="new-chart" @click=${() => newChart()}>New chart …</button>
    <span class="menus">
      ${viewMenu(model, runs)} ${layoutsMenu(model)}
      <medr1-menu label="Save" data-testid="save-board">
        ${(['png', 'svg', 'csv'] as const).map(
          (file) =>
            html`<button class="quiet" ?disabled=${empty} @click=${(event: Event) => (closeMenu(event), save(file))}>
              ${file === 'csv' ? 'Numbers of all charts as CSV' : `Board as ${file.toUpperCase()}`}
            </button>`,
        )}
      </medr1-menu>
    </span>
    ${troubles}
  </div>`;
}

/** How much; of what kind stands under View. */
function smoothing(model: CurvesModel): TemplateResult | typeof nothing {
  const { smoother, smoothing: weight, window } = model.state.value;
  if (smoother === 'none') return nothing;
  const entered = (event: Event): number => Number((event.target as HTMLInputElement).value);
  return html`<label title=${SMOOTHER_TITLES[smoother]}
    >smoothing
    <input
      type="range"
      min=${smoother === 'ema' ? 0 : 1}
      max=${smoother === 'ema' ? MAX_SMOOTHING : MAX_WINDOW}
      step=${smoother === 'ema' ? 0.01 : 1}
      .value=${String(smoother === 'ema' ? weight : window)}
      aria-label=${smoother === 'ema' ? 'Smoothing' : 'Points of the mean'}
      @input=${(event: Event) => model.set(smoother === 'ema' ? { smoothing: entered(event) } : { window: entered(event) })}
    />
    <span class="number reading">${smoother === 'ema' ? weight.toFixed(2) : window}</span>
  </label>`;
}

/** How lines are drawn, with the number of choices that are not as at first. */
function viewMenu(model: CurvesModel, runs: readonly FollowedRun[]): TemplateResult {
  const { smoother, logY, ignoreOutliers, groupBy } = model.state.value;
  const grouped = runs.length > 1 && groupBy !== null;
  const changed = [smoother !== CURVES_DEFAULTS.smoother, logY, ignoreOutliers, grouped].filter(Boolean).length;
  return html`<medr1-menu label=${changed > 0 ? `View (${changed})` : 'View'} data-testid="curves-view">
    <div class="choices">
      <label title=${SMOOTHER_TITLES[smoother]}
        >smoothing
        <select
          aria-label="Kind of smoothing"
          @change=${(event: Event) => model.set({ smoother: (event.target as HTMLSelectElement).value as Smoother })}
        >
          ${SMOOTHERS.map((one) => html`<option value=${one} .selected=${one === smoother}>${SMOOTHER_LABELS[one]}</option>`)}
        </select>
      </label>
      ${grouping(model, runs)}
      <label
        >y
        <span><input type="checkbox" .checked=${logY} data-testid="log-y" @change=${() => model.set({ logY: !logY })} /> log</span></label
      >
      <label
        title="y shows the middle 90 % of the values and half as much again on each side. Values outside are not drawn; the chart counts them"
        >outliers
        <span
          ><input
            type="checkbox"
            .checked=${ignoreOutliers}
            data-testid="ignore-outliers"
            @change=${() => model.set({ ignoreOutliers: !ignoreOutliers })}
          />
          ignored</span
        ></label
      >
    </div>
  </medr1-menu>`;
}

/** Where several runs are chosen: which of them are one line. */
function grouping(model: CurvesModel, runs: readonly FollowedRun[]): TemplateResult | typeof nothing {
  const { groupBy } = model.state.value;
  if (runs.length < 2) return nothing;
  const keys = [...new Set([...differingKeys(runs), ...(groupBy && groupBy !== BY_SEED ? [groupBy] : [])])];
  return html`<label title="Runs that are alike are drawn as their mean, with a band of one standard deviation"
    >mean over
    <select
      aria-label="Mean over runs"
      data-testid="group-by"
      @change=${(event: Event) => model.set({ groupBy: (event.target as HTMLSelectElement).value || null })}
    >
      <option value="" .selected=${groupBy === null}>no runs</option>
      <option value=${BY_SEED} .selected=${groupBy === BY_SEED}>seeds (all else alike)</option>
      ${keys.map((key) => html`<option value=${key} .selected=${key === groupBy}>runs of the same ${key}</option>`)}
    </select>
  </label>`;
}

function layoutsMenu(model: CurvesModel): TemplateResult {
  const { layouts } = model;
  const names = Object.keys(layouts.value).sort();
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const name = (event.target as HTMLFormElement).querySelector('input')!.value.trim();
    if (name) model.saveLayout(name);
  };
  return html`<medr1-menu label=${names.length > 0 ? `Layouts (${names.length})` : 'Layouts'} data-testid="layouts">
    ${names.map(
      (name) =>
        html`<div class="saved">
          <button class="quiet" @click=${(event: Event) => (closeMenu(event), model.applyLayout(name))}>${name}</button>
          <button class="quiet" title="Remove" aria-label=${`Remove ${name}`} @click=${() => layouts.remove(name)}>×</button>
        </div>`,
    )}
    <form class="saved" @submit=${save}>
      <input maxlength=${MOST_LETTERS} placeholder="name" aria-label="Name of the layout" /><button>Save as it is</button>
    </form>
    <button class="quiet" @click=${(event: Event) => (closeMenu(event), model.resetLayout())}>Order, sizes and ranges as at first</button>
  </medr1-menu>`;
}
