/** The rules of alerts: which are looked at, and from which values on, in this run or in all. Fires `changed` after a change. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { CreateCodeEditor } from '../code-editor.ts';
import type { AlertRule, AlertSettings, Connector, RunAlertSettings } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { Doing, Latest } from '../load.ts';
import { base, tokens } from '../theme.ts';
import { failed, loading } from '../view-states.ts';
import './own-rules.ts';

type Scope = 'run' | 'all';

export class AlertRules extends WatchingElement {
  static override properties = {
    connector: { attribute: false },
    run: {},
    settings: { attribute: false },
    failures: { attribute: false },
    metrics: { attribute: false },
    createEditor: { attribute: false },
    scope: { state: true },
    opened: { state: true },
  };
  declare connector: Connector;
  declare run: string;
  /** Of the run. */
  declare settings: RunAlertSettings;
  /** Of the user's own rules those that do not work in the run, and why. */
  declare failures: Readonly<Record<string, string>>;
  /** That the run logs. */
  declare metrics: readonly string[];
  declare createEditor: CreateCodeEditor | null;
  declare scope: Scope;
  declare opened: boolean;
  readonly #table = new Latest<{ rules: AlertRule[]; settings: AlertSettings }>();
  readonly #doing = new Doing();

  constructor() {
    super();
    this.failures = {};
    this.metrics = [];
    this.createEditor = null;
    this.scope = 'run';
    this.opened = false;
  }

  protected override watched() {
    return [this.#table, this.#doing];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (this.isConnected && this.opened) void this.#table.askOnce('', (signal) => this.connector.alertRules(signal));
  }

  protected override render(): TemplateResult {
    return html`<details @toggle=${(event: Event) => (this.opened = (event.target as HTMLDetailsElement).open)} data-testid="rules">
      <summary><b>Rules</b> <span class="secondary small">which are looked at, and from where on</span></summary>
      ${this.opened ? this.#content() : nothing}
    </details>`;
  }

  #content(): TemplateResult {
    const { answer, error } = this.#table;
    if (!answer) return error ? failed(error, () => void this.#table.retry()) : loading('rules');
    return html`<label class="scope"
        >Change them for
        <select
          data-testid="scope"
          .value=${this.scope}
          @change=${(event: Event) => (this.scope = (event.target as HTMLSelectElement).value as Scope)}
        >
          <option value="run">this run</option>
          <option value="all">all runs</option>
        </select></label
      >
      ${this.#doing.error ? failed(this.#doing.error) : nothing}
      <ul aria-label="Rules">
        ${answer.rules.map((rule) => this.#rule(rule, answer.settings))}
      </ul>
      <medr1-own-rules
        .connector=${this.connector}
        .settings=${answer.settings}
        .failures=${this.failures}
        .metrics=${this.metrics}
        .createEditor=${this.createEditor}
        @changed=${() => void this.#again()}
      ></medr1-own-rules>`;
  }

  #rule(rule: AlertRule, all: AlertSettings): TemplateResult {
    const { id, title, thresholds, why } = rule;
    const own = this.scope === 'run' ? this.settings : all;
    const offForAll = this.scope === 'run' && all.off.includes(id);
    const isOff = offForAll || own.off.includes(id);
    return html`<li data-rule=${id}>
      <label title=${why}
        ><input
          type="checkbox"
          .checked=${!isOff}
          ?disabled=${offForAll || this.#doing.isBusy()}
          @change=${() => void this.#put({ off: isOff ? own.off.filter((one) => one !== id) : [...own.off, id] })}
        />
        ${title}${offForAll ? html` <span class="secondary small">off for all runs</span>` : nothing}</label
      >
      ${thresholds.map(({ name, default: usual, text }) => {
        const given = own.thresholds[id]?.[name];
        const below = this.scope === 'run' ? (all.thresholds[id]?.[name] ?? usual) : usual;
        return html`<label class="threshold" title=${text}
          ><span class="secondary small">${text}</span>
          <input
            type="number"
            step="any"
            class="number"
            data-threshold=${name}
            aria-label=${`${title}: ${text}`}
            placeholder=${String(below)}
            ?disabled=${isOff || this.#doing.isBusy()}
            .value=${given === undefined ? '' : String(given)}
            @change=${(event: Event) => this.#type(rule, name, (event.target as HTMLInputElement).value)}
        /></label>`;
      })}
    </li>`;
  }

  /** An empty field takes the value back to what holds without it. */
  #type({ id }: AlertRule, name: string, text: string): void {
    const own = this.scope === 'run' ? this.settings : this.#table.answer!.settings;
    const { [name]: _, ...others } = own.thresholds[id] ?? {};
    const value = Number(text);
    if (text.trim() !== '' && !Number.isFinite(value)) return;
    const next = text.trim() === '' ? others : { ...others, [name]: value };
    const { [id]: __, ...rest } = own.thresholds;
    void this.#put({ thresholds: Object.keys(next).length > 0 ? { ...rest, [id]: next } : rest });
  }

  async #put(change: Pick<Partial<AlertSettings>, 'off' | 'thresholds'>): Promise<void> {
    await this.#doing.do(async () => {
      if (this.scope === 'run') this.settings = (await this.connector.alertSettings(this.run, change)).settings;
      else await this.connector.setAlertRules(change);
    });
    await this.#again();
  }

  /** The table changes with the settings of all runs, what is seen with those and the run's. */
  async #again(): Promise<void> {
    await this.#table.ask((signal) => this.connector.alertRules(signal), { keep: true });
    this.dispatchEvent(new CustomEvent('changed'));
  }

  static override styles = [
    tokens,
    base,
    css`
      details {
        padding: 8px;
      }
      summary {
        cursor: pointer;
      }
      .scope {
        display: inline-flex;
        gap: 8px;
        align-items: baseline;
        margin: 8px 0;
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        flex-direction: column;
        gap: 2px;
        padding: 6px 0;
        border-bottom: 1px solid var(--medr1-border);
      }
      .threshold {
        display: flex;
        gap: 8px;
        align-items: baseline;
        justify-content: space-between;
        max-width: 90ch;
        padding-left: 24px;
      }
      .threshold input {
        flex: none;
        width: 10ch;
      }
    `,
  ];
}

define('medr1-alert-rules', AlertRules);
