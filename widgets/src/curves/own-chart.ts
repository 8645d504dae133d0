/** The form for a chart of chosen metrics. */
import { css, html, type TemplateResult } from 'lit';
import { describeMetric } from '@medr1/kernel-bridge/protocol/metrics';
import { define, WatchingElement } from '../element.ts';
import { base, tokens } from '../theme.ts';
import type { OwnChart } from './board.ts';

export class OwnChartForm extends WatchingElement {
  static override properties = {
    metrics: { attribute: false },
    chart: { attribute: false },
    chosen: { state: true },
    search: { state: true },
  };
  /** Names to choose from. */
  declare metrics: readonly string[];
  /** The chart that is edited; null for a new one. */
  declare chart: OwnChart | null;
  declare chosen: readonly string[];
  declare search: string;

  constructor() {
    super();
    this.metrics = [];
    this.chart = null;
    this.chosen = [];
    this.search = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.chosen = this.chart?.metrics ?? [];
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('[name=title]')?.focus());
  }

  protected override render(): TemplateResult {
    const words = this.search.toLowerCase().split(/\s+/).filter(Boolean);
    const says = (name: string): string => `${name} ${describeMetric(name)?.text ?? ''}`.toLowerCase();
    const listed = this.metrics.filter((name) => words.every((word) => says(name).includes(word)));
    return html`<form
      aria-label=${this.chart ? `Edit ${this.chart.title}` : 'New chart'}
      data-testid="own-chart"
      @submit=${this.#submit}
      @keydown=${this.#onKey}
    >
      <div class="row">
        <label
          >title <input name="title" maxlength="80" .value=${this.chart?.title ?? ''} placeholder=${this.chosen[0] ?? 'Chart'}
        /></label>
        <input
          type="search"
          placeholder="find a metric"
          aria-label="Find a metric for the chart"
          @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
        />
        <button class="primary" ?disabled=${this.chosen.length === 0} data-testid="own-chart-done">
          ${this.chart ? 'Change' : 'Add chart'}
        </button>
        <button type="button" @click=${this.#cancel}>Cancel</button>
        <span class="secondary small" role="status">${this.chosen.length} of ${this.metrics.length} metrics</span>
      </div>
      <div class="metrics" role="group" aria-label="Metrics" tabindex="0">
        ${listed.map(
          (name) =>
            html`<label title=${describeMetric(name)?.text ?? name}
              ><input
                type="checkbox"
                name="metric"
                value=${name}
                .checked=${this.chosen.includes(name)}
                @change=${() => this.#toggle(name)}
              />${name}</label
            >`,
        )}
      </div>
    </form>`;
  }

  #toggle(name: string): void {
    this.chosen = this.chosen.includes(name) ? this.chosen.filter((one) => one !== name) : [...this.chosen, name];
  }

  #submit = (event: Event): void => {
    event.preventDefault();
    if (this.chosen.length === 0) return;
    const typed = this.renderRoot.querySelector<HTMLInputElement>('[name=title]')!.value.trim();
    const detail = { title: typed || this.chosen[0], metrics: this.chosen };
    this.dispatchEvent(new CustomEvent<Omit<OwnChart, 'id'>>('medr1-own-chart', { detail: { ...detail, metrics: [...detail.metrics] } }));
  };

  #cancel = (): void => void this.dispatchEvent(new CustomEvent('medr1-cancel'));

  #onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    this.#cancel();
  };

  static override styles = [
    tokens,
    base,
    css`
      form {
        margin: 4px 8px;
        padding: 4px 8px 8px;
        border: 1px solid var(--medr1-border);
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 8px;
        align-items: center;
        padding-bottom: 4px;
      }
      .row label {
        display: inline-flex;
        gap: 4px;
        align-items: center;
      }
      .metrics {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(220px, 100%), 1fr));
        max-height: 220px;
        overflow: auto;
      }
      .metrics label {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
    `,
  ];
}

define('medr1-own-chart', OwnChartForm);
