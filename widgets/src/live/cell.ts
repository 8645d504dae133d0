/** The element of a live cell. It draws what the kernel tells, and until that comes the picture that was left in the notebook. */
import { describeMetric } from '@medr1/kernel-bridge/protocol/metrics';
import { css, html, nothing, type TemplateResult } from 'lit';
import type { RunAction } from '../connector.ts';
import { chartsFor, shortName } from '../curves/charts.ts';
import { WatchingElement } from '../element.ts';
import { duration, ended, integer, number, timeOfDay, told } from '../format.ts';
import type { Subscribable } from '../observable.ts';
import { ACTION_LABELS, slots, STATES } from '../runs/model.ts';
import { base, seriesColours, tokens } from '../theme.ts';
import { chartStyles, curveChart, type CurveChart } from './chart.ts';
import type { Ask } from './messages.ts';
import { pictureKey, type LiveModel, type LiveRun, type Picture } from './model.ts';
import { completions, question, rolloutStyles } from './rollouts.ts';
import { weights, weightStyles } from './weights.ts';

/** Second carrier beside colour. */
const DASHES = ['', '6 3', '2 3', '6 3 2 3'];
const SMOOTHING = { smoother: 'ema', smoothing: 0.6, window: 1 } as const;
/** The kernel may be busy for long: after this time it is said that nothing came. */
const QUIET_MS = 20_000;
const TICK_MS = 1000;

/** What the kernel wants to be shown. */
export type View = { kind: 'runs'; runs: readonly string[] } | { kind: 'group'; run: string } | { kind: 'items'; dataset: string };

/** Where the reader looks among a run's rollouts. */
interface Place {
  /** null: at the newest step. */
  step: number | null;
  group: number;
}

export class LiveCell extends WatchingElement {
  static override properties = {
    model: { attribute: false },
    view: { attribute: false },
    still: { attribute: false },
    _at: { state: true },
    _smoothing: { state: true },
    _drafts: { state: true },
    _places: { state: true },
    _open: { state: true },
  };
  static override styles = [
    tokens,
    base,
    chartStyles,
    weightStyles,
    rolloutStyles,
    css`
      :host {
        border: 1px solid var(--medr1-border);
        container-type: inline-size;
        overflow: hidden;
      }
      .run {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 12px;
        align-items: center;
        padding: 4px 8px;
        border-bottom: 1px solid var(--medr1-border);
      }
      .run .name {
        font-weight: 600;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .run .acts {
        display: inline-flex;
        gap: 4px;
        margin-left: auto;
      }
      .line {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 12px;
        align-items: center;
        padding: 4px 8px;
        overflow-wrap: anywhere;
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 220px), 1fr));
        gap: 8px 16px;
        padding: 8px;
      }
      .beside {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr));
        gap: 8px 16px;
        border-top: 1px solid var(--medr1-border);
        padding: 4px 8px;
      }
      .beside section {
        min-width: 0;
      }
      .walk {
        display: flex;
        flex-wrap: wrap;
        gap: 4px;
        align-items: center;
      }
      .walk .name {
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      .items {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr));
        gap: 0 16px;
        margin: 0;
        padding: 4px 8px;
        list-style: none;
      }
      img.still {
        display: block;
        max-width: 100%;
        height: auto;
      }
      .key {
        flex: none;
      }
    `,
  ];
  declare model: LiveModel;
  declare view: View;
  /** Address of the picture that was left. */
  declare still: string;
  declare _at: number | null;
  declare _smoothing: number;
  declare _drafts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  declare _places: Readonly<Record<string, Place>>;
  declare _open: boolean;
  #close: (() => void) | null = null;
  #tick: ReturnType<typeof setInterval> | null = null;

  constructor() {
    super();
    this._at = null;
    this._smoothing = SMOOTHING.smoothing;
    this._drafts = {};
    this._places = {};
    this._open = true;
  }

  protected override watched(): Subscribable[] {
    return [this.model.changed];
  }

  protected override acquire(): void {
    this.#close = this.model.open();
    this.#tick = setInterval(() => this.model.isWaiting && this.requestUpdate(), TICK_MS);
    for (const run of this.runs) this.#look(run, this._open ? this.#placeOf(run) : null);
  }

  protected override release(): void {
    this.#close?.();
    if (this.#tick) clearInterval(this.#tick);
  }

  /** Ids, in the order in which they are drawn. */
  get runs(): readonly string[] {
    return this.view.kind === 'runs' ? this.view.runs : [];
  }

  #placeOf(run: string): Place {
    return this._places[run] ?? { step: null, group: 0 };
  }

  #look(run: string, place: Place | null): void {
    if (place) this._places = { ...this._places, [run]: place };
    this.model.look({ type: 'look', run, step: place?.step ?? null, group: place?.group ?? null });
  }

  /** In a pair both look at the same place. */
  #lookAll(place: Place): void {
    for (const run of this.runs) this.#look(run, place);
  }

  #ask(ask: Ask): void {
    this.model.ask(ask);
  }

  protected override render(): TemplateResult {
    const { view } = this;
    if (view.kind === 'group') return this.#group(view.run);
    if (view.kind === 'items') return this.#items(view.dataset);
    const known = this.runs.map((id) => this.model.runs.get(id)).filter((run) => run !== undefined);
    if (known.length === 0) return html`${this.#standing()}${this.#lines()}`;
    return html`
      ${known.map((run, at) => this.#head(run, at))} ${this.#lines()}
      <div class="line small">
        <label
          >smoothing
          <input
            type="range"
            min="0"
            max="0.98"
            step="0.02"
            aria-label="Smoothing of the curves"
            .value=${String(this._smoothing)}
            @input=${(event: Event) => (this._smoothing = Number((event.currentTarget as HTMLInputElement).value))}
        /></label>
        <button
          aria-pressed=${this._open}
          data-testid="rollouts"
          @click=${() => {
            this._open = !this._open;
            for (const run of this.runs) this.#look(run, this._open ? this.#placeOf(run) : null);
          }}
        >
          Rollouts
        </button>
      </div>
      <div class="charts">
        ${this.#charts(known).map((chart) =>
          curveChart(chart, {
            marks: known.length === 1 ? this.model.marksOf(known[0]) : [],
            smoothing: { ...SMOOTHING, smoothing: this._smoothing },
            at: this._at,
            move: (step) => (this._at = step),
          }),
        )}
      </div>
      ${known.map((run) => this.#weights(run))}
      ${this._open ? html`<div class="beside">${known.map((run) => this.#rollouts(run, known))}</div>` : nothing}
    `;
  }

  #picture(of: string, path: string | null): Picture | null {
    return path === null ? null : (this.model.pictures.get(pictureKey(of, path)) ?? null);
  }

  #group(run: string): TemplateResult {
    const group = this.model.looked.get(run)?.group;
    if (!group) return html`${this.#standing()}${this.#lines()}`;
    return html`<div class="beside">
      <section>${question(group, this.#picture(run, group.image))} ${completions(group)}</section>
    </div>`;
  }

  #items(dataset: string): TemplateResult {
    const page = this.model.items;
    if (!page) return html`${this.#standing()}${this.#lines()}`;
    const walk = (title: string, at: number, ok: boolean, text: string): TemplateResult =>
      html`<button
        class="quiet"
        title=${title}
        aria-label=${title}
        ?disabled=${!ok || this.model.isWaiting}
        @click=${() => this.#ask({ type: 'items', at })}
      >
        ${text}
      </button>`;
    return html`<div class="run">
        <span class="name">${dataset}</span>
        <span>${integer(page.total)} questions</span>
        <span class="acts">
          ${walk('Page before', page.at - 1, page.at > 0, '◀')}
          <span>page <b data-testid="page">${integer(page.at + 1)}</b></span>
          ${walk('Next page', page.at + 1, page.more, '▶')}
        </span>
      </div>
      ${this.#lines()}
      <ul class="items">
        ${page.items.map(
          (item) =>
            html`<li data-testid="item">
              ${question({ ...item, item_id: item.id }, this.#picture(dataset, item.image))}
              ${item.problem ? html`<span class="warning small">⚠ ${item.problem}</span>` : nothing}
            </li>`,
        )}
      </ul>`;
  }

  /** Before the kernel has said anything. */
  #standing(): TemplateResult {
    return html`${this.still ? html`<img class="still" src=${this.still} alt="Curves as they were when the notebook was saved" />` : nothing}
      <div class="line secondary" role="status" data-testid="standing">
        The kernel has not answered yet. While it runs a cell it may take its time; without a kernel this is what was left.
      </div>`;
  }

  #lines(): TemplateResult {
    const { trouble, failure, heard, isLost } = this.model;
    const quiet = heard !== null && Date.now() - heard > QUIET_MS && this.model.isWaiting;
    return html`
      ${
        trouble
          ? html`<div class="line warning" role="alert">⚠ ${ended(trouble.message)} <span class="secondary">${trouble.remedy}</span></div>`
          : nothing
      }
      ${
        isLost
          ? html`<div class="line warning" role="alert" data-testid="lost">
              ⚠ The kernel that showed this has ended or was restarted. <span class="secondary">Run the cell again.</span>
            </div>`
          : nothing
      }
      ${
        failure
          ? html`<div class="line warning" role="alert" data-testid="failure">
              ⚠ ${ended(failure.message)} <span class="secondary">${failure.remedy}</span>
              <button @click=${() => this.model.dismiss()}>Dismiss</button>
            </div>`
          : nothing
      }
      ${
        heard !== null && this.model.isBusy
          ? html`<div class="line secondary" role="status" data-testid="busy">
              The kernel is busy with a cell: this is done when it is free.${quiet ? ` Last heard of it at ${timeOfDay(heard)}.` : nothing}
            </div>`
          : nothing
      }
    `;
  }

  #head(run: LiveRun, at: number): TemplateResult {
    const { summary } = run;
    const facts = STATES[summary.state];
    const moving = summary.state === 'running';
    return html`<div class="run" data-testid="run">
      ${
        this.runs.length > 1
          ? html`<svg class="key" width="16" height="8" aria-hidden="true">
              <path d="M0 4h16" stroke=${this.#colour(at)} stroke-width="3" stroke-dasharray=${DASHES[at % DASHES.length] || nothing} />
            </svg>`
          : nothing
      }
      <span class="name">${summary.name}</span>
      <span data-testid="state"><span aria-hidden="true">${facts.glyph}</span> ${facts.label}</span>
      <span
        >step <b data-testid="step">${integer(summary.step)}</b> of ${summary.total_steps > 0 ? integer(summary.total_steps) : '–'}</span
      >
      <span>reward <b>${number(summary.reward)}</b></span>
      ${moving && summary.rollouts_per_s !== null ? html`<span class="secondary">${number(summary.rollouts_per_s)} rollouts/s</span>` : nothing}
      ${moving && summary.eta_s !== null ? html`<span class="secondary">${duration(summary.eta_s)} left</span>` : nothing}
      <span class="acts" role="toolbar" aria-label=${`Actions on ${summary.name}`}>
        ${slots(summary.state).map((action) => this.#button(run, action))}
      </span>
      ${summary.error ? html`<span class="warning" role="alert">⚠ ${told(summary.error)}</span>` : nothing}
    </div>`;
  }

  #button({ id, summary }: LiveRun, action: RunAction): TemplateResult {
    return html`<button
      title=${ACTION_LABELS[action]}
      ?disabled=${this.model.isWaiting || !STATES[summary.state].actions.includes(action)}
      data-testid=${`live-${action}`}
      @click=${() => this.#ask({ type: 'action', run: id, action })}
    >
      ${SHORT_LABELS[action]}
    </button>`;
  }

  #colour(at: number): string {
    const colours = seriesColours();
    return colours[at % colours.length];
  }

  #charts(known: readonly LiveRun[]): CurveChart[] {
    const names = new Set(known.flatMap(({ series }) => [...series.columns.keys()]));
    return chartsFor(names).map((spec) => {
      const curves = spec.metrics.flatMap((metric, line) =>
        known.flatMap((run, at) => {
          const values = run.series.columns.get(metric);
          if (!values) return [];
          const label = [known.length > 1 ? run.summary.name : '', spec.metrics.length > 1 ? shortName(spec, metric) : ''];
          return [
            {
              name: label.filter(Boolean).join(' · ') || metric,
              steps: run.series.steps,
              values,
              colour: this.#colour(known.length > 1 ? at : line),
              dash: DASHES[(known.length > 1 ? line * 2 + at : line) % DASHES.length],
            },
          ];
        }),
      );
      return { id: spec.id, title: spec.title, says: describeMetric(spec.metrics[0])?.text ?? '', curves };
    });
  }

  #weights(run: LiveRun): TemplateResult {
    const draft = this._drafts[run.id] ?? {};
    const drop = (): void => {
      const { [run.id]: _, ...others } = this._drafts;
      this._drafts = others;
    };
    return weights(run, {
      draft,
      title: this.runs.length > 1 ? run.summary.name : '',
      disabled: this.model.isWaiting || run.summary.state === 'finished',
      move: (name, value) => {
        const { [name]: _, ...others } = draft;
        this._drafts = { ...this._drafts, [run.id]: value === null ? others : { ...others, [name]: value } };
      },
      reset: drop,
      apply: () => {
        this.#ask({ type: 'weights', run: run.id, weights: { ...draft }, base_revision: run.rewards.at(-1)!.revision, reason: '' });
        drop();
      },
    });
  }

  #rollouts({ id, summary }: LiveRun, known: readonly LiveRun[]): TemplateResult {
    const looked = this.model.looked.get(id);
    const place = this.#placeOf(id);
    const many = known.length > 1;
    if (!looked) return html`<section class="secondary small">${many ? summary.name : ''} No rollouts yet.</section>`;
    const { group, steps } = looked;
    const walk = (title: string, to: Place, ok: boolean, text: string): TemplateResult =>
      html`<button class="quiet" title=${title} aria-label=${title} ?disabled=${!ok} @click=${() => this.#lookAll(to)}>${text}</button>`;
    return html`<section data-testid="looked">
      <div class="walk small">
        ${many ? html`<span class="name">${summary.name}</span>` : nothing}
        ${walk('Step before', { step: looked.step - 1, group: looked.at }, looked.step > steps[0], '◀')}
        <span>step <b data-testid="looked-step">${integer(looked.step)}</b></span>
        ${walk('Step after', { step: looked.step + 1, group: looked.at }, looked.step < steps[1], '▶')}
        <button
          class="quiet"
          aria-pressed=${place.step === null}
          title="Shows each new step as it comes"
          @click=${() => this.#lookAll({ step: place.step === null ? looked.step : null, group: looked.at })}
        >
          newest
        </button>
        ${walk('Question before', { step: place.step, group: looked.at - 1 }, looked.at > 0, '◀')}
        <span>question ${integer(looked.at + 1)}</span>
        ${walk('Next question', { step: place.step, group: looked.at + 1 }, group !== null, '▶')}
      </div>
      ${
        group
          ? html`${question(group, this.#picture(id, group.image))} ${completions(group)}`
          : html`<p class="secondary small">No rollouts at this place.</p>`
      }
    </section>`;
  }
}

const SHORT_LABELS: Record<RunAction, string> = {
  start: 'Start',
  pause: 'Pause',
  resume: 'Resume',
  stop: 'Stop',
  checkpoint: 'Checkpoint',
};
