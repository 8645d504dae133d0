/** Settings of a run that can be changed while it trains: as they are from the next step on, edited and applied together. */
import { doubtOf, type Doubtful } from '@medr1/kernel-bridge/protocol/doubtful';
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { Connector, RewardRevision, RunSummary } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { Doing, Latest } from '../load.ts';
import { failed } from '../view-states.ts';
import { base, tokens } from '../theme.ts';
import { bothChoice, bothStyle, inBoth } from './partner.ts';

type InForce = Awaited<ReturnType<Connector['settings']>>;
type Value = number | null;

interface Key {
  title: string;
  description: string;
  unit: string;
  integer: boolean;
  nullable: boolean;
  /** What a configuration has that does not say. */
  usual: Value;
  doubtful?: Doubtful;
}

/** Fires `revised` with the revision that an edit made, and `taken` when it has taken `proposed` over. */
export class RunSettings extends WatchingElement {
  static override properties = {
    connector: { attribute: false },
    run: {},
    active: { type: Boolean },
    revision: { attribute: false },
    proposed: { attribute: false },
    partner: { attribute: false },
    both: { state: true },
    edits: { state: true },
    opened: { state: true },
  };
  declare connector: Connector;
  declare run: string;
  /** The run trains, waits or is paused. */
  declare active: boolean;
  /** Number of the newest revision: another one means other settings. */
  declare revision: number;
  /** Values to take over, as typed: an alert's remedy. They are applied by hand. */
  declare proposed: Readonly<Record<string, string>> | null;
  /** The other run of a pair, which takes edits. */
  declare partner: RunSummary | null;
  /** An edit is made in it too. */
  declare both: boolean;
  declare opened: boolean;
  /** Text as typed, of settings that differ. */
  declare edits: Record<string, string>;
  readonly #inForce = new Latest<InForce>();
  /** Titles and units; without them the keys speak for themselves. */
  readonly #keys = new Latest<Record<string, Key>>();
  readonly #doing = new Doing();

  constructor() {
    super();
    this.active = false;
    this.revision = 0;
    this.edits = {};
    this.proposed = null;
    this.partner = null;
    this.both = true;
    this.opened = false;
  }

  protected override watched() {
    return [this.#inForce, this.#keys, this.#doing];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!this.isConnected) return;
    if (changed.has('run')) {
      this.edits = {};
      this.#doing.forgive();
    }
    if (changed.has('proposed') && this.proposed) {
      this.edits = { ...this.edits, ...this.proposed };
      this.opened = true;
      this.dispatchEvent(new CustomEvent('taken'));
    }
    const { connector, run } = this;
    void this.#inForce.askOnce(`${run} ${this.revision}`, () => connector.settings(run), { keep: !changed.has('run') });
    void this.#keys.askOnce('', async () => keysOf(await connector.schema()));
  }

  #keyOf(key: string): Key {
    return this.#keys.answer?.[key] ?? BARE(key);
  }

  protected override render(): TemplateResult {
    const { answer: inForce, error } = this.#inForce;
    if (!inForce) return html`${error ? failed(error, () => void this.#inForce.retry()) : nothing}`;
    const changes = this.#changes(inForce);
    const wrong = Object.values(changes).some((value) => value === undefined);
    return html`<details
      data-testid="settings"
      ?open=${this.opened}
      @toggle=${(event: Event) => (this.opened = (event.target as HTMLDetailsElement).open)}
    >
      <summary><b>Settings</b> <span class="secondary small">that can be changed while it trains</span></summary>
      <div class="fields">${Object.entries(inForce.settings).map(([key, value]) => this.#field(key, value as Value, inForce))}</div>
      <div class="actions">
        <button
          class="primary"
          data-testid="settings-apply"
          ?disabled=${!this.active || this.#doing.isBusy() || wrong || Object.keys(changes).length === 0}
          @click=${() => void this.#apply(changes as Record<string, Value>)}
        >
          Apply at next step
        </button>
        ${bothChoice(this.partner, this.both, (both) => (this.both = both))}
        <button data-testid="settings-revert" ?disabled=${Object.keys(this.edits).length === 0} @click=${() => (this.edits = {})}>
          Revert
        </button>
        ${this.active ? nothing : html`<span class="secondary">The run is not active. To train on with other settings, fork it.</span>`}
      </div>
      ${this.#doing.error ? failed(this.#doing.error) : nothing}
    </details>`;
  }

  #field(key: string, value: Value, { fixed }: InForce): TemplateResult {
    const { title, description, unit, integer, nullable, doubtful } = this.#keyOf(key);
    const shown = value === null ? '' : String(value);
    const typed = this.edits[key] ?? shown;
    const why = fixed[key];
    const doubt = doubtOf(Number(typed), doubtful);
    return html`<div class="field" data-testid="setting" data-setting=${key}>
      <label title=${description}
        ><span>${title}${unit ? html` <span class="secondary small">${unit}</span>` : nothing}</span>
        <input
          type="number"
          class="number"
          step=${integer ? 1 : 'any'}
          ?disabled=${why !== undefined}
          placeholder=${nullable ? 'none' : ''}
          data-edited=${typed !== shown}
          .value=${typed}
          @input=${(event: Event) => this.#type(key, (event.target as HTMLInputElement).value, shown)}
      /></label>
      ${typed === shown ? nothing : html`<span class="secondary small">was ${shown || 'none'}</span>`}
      ${doubt === null ? nothing : html`<span class="warning small" data-testid="doubt">⚠ ${doubt}</span>`}
      ${
        why === undefined
          ? nothing
          : html`<span class="secondary small">cannot be changed: ${why}.</span>
              <button class="quiet link" data-testid="fork" @click=${() => this.#fork(key, value)}>Fork …</button>`
      }
    </div>`;
  }

  /** The form of the fork begins with a line for the key: its usual value, where that is another one. */
  #fork(key: string, value: Value): void {
    command(this, 'fork-run', { id: this.run, settings: `${key} = ${JSON.stringify(this.#keyOf(key).usual ?? value)}` });
  }

  #type(key: string, text: string, shown: string): void {
    const { [key]: _, ...others } = this.edits;
    this.edits = text === shown ? others : { ...others, [key]: text };
  }

  /** Undefined = what is typed is no value. */
  #changes(inForce: InForce): Record<string, Value | undefined> {
    const value = (key: string, text: string): Value | undefined => {
      const { nullable } = this.#keyOf(key);
      if (text.trim() === '') return nullable ? null : undefined;
      return Number.isFinite(Number(text)) ? Number(text) : undefined;
    };
    return Object.fromEntries(
      Object.entries(this.edits)
        .map(([key, text]) => [key, value(key, text)] as const)
        .filter(([key, next]) => next !== (inForce.settings as Record<string, unknown>)[key]),
    );
  }

  async #apply(settings: Record<string, Value>): Promise<void> {
    const { connector, run } = this;
    const here = async (): Promise<void> => {
      const detail: RewardRevision = await connector.editSettings(run, { settings });
      this.edits = {};
      this.dispatchEvent(new CustomEvent('revised', { detail }));
    };
    await this.#doing.do(() => inBoth(here, this.both ? this.partner : null, (id) => connector.editSettings(id, { settings })));
  }

  static override styles = [
    tokens,
    base,
    bothStyle,
    css`
      details {
        padding: 8px;
        border-top: 1px solid var(--medr1-border);
      }
      summary {
        cursor: pointer;
      }
      .fields {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(260px, 100%), 1fr));
        gap: 4px 16px;
        padding: 8px 0;
      }
      .field {
        display: flex;
        flex-wrap: wrap;
        gap: 0 8px;
        align-items: baseline;
        min-width: 0;
      }
      label {
        display: flex;
        flex: 1 1 220px;
        gap: 8px;
        align-items: baseline;
        justify-content: space-between;
        min-width: 0;
      }
      input {
        width: 12ch;
      }
      input:disabled {
        opacity: 0.6;
      }
      input[data-edited='true'] {
        border-color: var(--medr1-accent);
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        align-items: baseline;
      }
    `,
  ];
}

const BARE = (key: string): Key => ({ title: key, description: key, unit: '', integer: false, nullable: true, usual: null });

interface Schema {
  type?: string;
  title?: string;
  description?: string;
  unit?: string;
  anyOf?: Schema[];
  default?: number | null;
  doubtful?: Doubtful;
}

function keysOf(schema: unknown): Record<string, Key> {
  const properties = ((schema ?? {}) as { properties?: Record<string, Schema> }).properties ?? {};
  return Object.fromEntries(
    Object.entries(properties).map(
      ([key, { type, title = key, description = '', unit = '', anyOf = [], default: usual = null, doubtful }]) => [
        key,
        { title, description, unit, integer: type === 'integer', nullable: anyOf.some((one) => one.type === 'null'), usual, doubtful },
      ],
    ),
  );
}

define('medr1-run-settings', RunSettings);
