/** Rules of a user's own and the webhook, for all runs. What is typed is tried by the server before it is kept. Fires `changed` after a change. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { CHECK_DELAY_MS, type CreateCodeEditor, type EditorProblem } from '../code-editor.ts';
import type { AlertSettings, CheckedAlertRule, Connector } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { Doing, Latest } from '../load.ts';
import '../source-editor.ts';
import { base, tokens } from '../theme.ts';
import { failed } from '../view-states.ts';
import { ruleOffers, unknownMetrics } from './rule-source.ts';

const EXAMPLE = "(m) => m.mean('kl', 20) > 0.3 && `KL ${m.mean('kl', 20)} over 20 steps`";
/** The rule that is being written and has no name yet. */
const NEW = '';

export class OwnRules extends WatchingElement {
  static override properties = {
    connector: { attribute: false },
    settings: { attribute: false },
    failures: { attribute: false },
    metrics: { attribute: false },
    createEditor: { attribute: false },
    drafts: { state: true },
    name: { state: true },
    address: { state: true },
  };
  declare connector: Connector;
  /** Of all runs. */
  declare settings: AlertSettings;
  /** By rule, why it is silent in the run that is looked at. */
  declare failures: Readonly<Record<string, string>>;
  /** That the run logs which is looked at. */
  declare metrics: readonly string[];
  /** Editor of the host for source texts; null where it has none. */
  declare createEditor: CreateCodeEditor | null;
  /** Sources as typed, by rule, where they differ from what is kept. */
  declare drafts: Readonly<Record<string, string>>;
  /** Of the new rule. */
  declare name: string;
  /** Of the webhook, as typed; null where it is as kept. */
  declare address: string | null;
  /** By what was pressed: a rule's name, or the webhook. */
  readonly #doing = new Doing();
  /** Of the source that was typed last. */
  readonly #checked = new Latest<CheckedAlertRule>();
  #lastTyped: string | null = null;
  #toCheck: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.drafts = {};
    this.name = '';
    this.address = null;
    this.failures = {};
    this.metrics = [];
    this.createEditor = null;
  }

  protected override release(): void {
    clearTimeout(this.#toCheck);
    this.#checked.stop();
  }

  protected override watched() {
    return [this.#doing, this.#checked];
  }

  protected override render(): TemplateResult {
    const { rules } = this.settings;
    return html`${this.#doing.error ? failed(this.#doing.error) : nothing}
      <section aria-label="Rules of your own">
        <h4>Rules of your own</h4>
        <p class="secondary small">
          One TypeScript function of the metrics, for all runs. It gives false, or the text to tell: <code>${EXAMPLE}</code>.
          <code>m</code> has step, now(name), last(name, n), first(name, n), mean(name, n) and names.
        </p>
        ${repeat(
          Object.entries(rules),
          ([name]) => name,
          ([name, source]) => this.#rule(name, source),
        )}
        ${this.#newRule()}
      </section>
      ${this.#webhook()}`;
  }

  #rule(name: string, kept: string): TemplateResult {
    const source = this.drafts[name] ?? kept;
    const failure = Object.hasOwn(this.failures, name) ? this.failures[name] : null;
    return html`<details data-testid="own-rule" data-rule=${name}>
      <summary>${name} ${failure ? html`<span class="warning small">⚠ silent: ${failure}</span>` : nothing}</summary>
      ${this.#source(name, source, `Source of ${name}`)}
      <div class="actions">
        <button
          data-testid="save-rule"
          ?disabled=${source === kept || source.trim() === '' || this.#doing.isBusy()}
          @click=${() => void this.#saveRule(name, source)}
        >
          Save
        </button>
        <button class="quiet" data-testid="remove-rule" ?disabled=${this.#doing.isBusy()} @click=${() => void this.#removeRule(name)}>
          Remove
        </button>
      </div>
    </details>`;
  }

  #newRule(): TemplateResult {
    const source = this.drafts[NEW] ?? '';
    const name = this.name.trim();
    const taken = Object.hasOwn(this.settings.rules, name);
    return html`<details data-testid="new-rule">
      <summary>Add a rule</summary>
      <label>
        Name
        <input
          data-testid="rule-name"
          maxlength="80"
          placeholder="KL creeps"
          aria-invalid=${taken}
          .value=${this.name}
          @input=${(event: Event) => (this.name = (event.target as HTMLInputElement).value)}
        />
      </label>
      ${taken ? html`<p class="warning small">There is a rule of this name already.</p>` : nothing}
      ${this.#source(NEW, source, 'Source of the new rule')}
      <div class="actions">
        <button
          class="primary"
          data-testid="add-rule"
          ?disabled=${name === '' || taken || source.trim() === '' || this.#doing.isBusy()}
          @click=${() => void this.#saveRule(name, source, NEW)}
        >
          Add
        </button>
      </div>
    </details>`;
  }

  #source(name: string, source: string, label: string): TemplateResult {
    return html`<medr1-source-editor
      .source=${source}
      file="rule.ts"
      rows="4"
      .label=${label}
      .placeholder=${EXAMPLE}
      .create=${this.createEditor}
      .problems=${this.#problemsOf(name, source)}
      .offersAt=${ruleOffers(this.metrics)}
      @source-change=${({ detail }: CustomEvent<string>) => this.#write(name, detail)}
    ></medr1-source-editor>`;
  }

  #write(name: string, source: string): void {
    this.drafts = { ...this.drafts, [name]: source };
    this.#lastTyped = name;
    clearTimeout(this.#toCheck);
    this.#checked.clear();
    if (source.trim() === '') return;
    this.#toCheck = setTimeout(() => void this.#checked.ask((signal) => this.connector.checkAlertRule({ source }, signal)), CHECK_DELAY_MS);
  }

  /** What the server found in the source that was typed last, and metrics that nothing logs. */
  #problemsOf(name: string, source: string): EditorProblem[] {
    const { error = null, line = null } = (name === this.#lastTyped && this.#checked.answer) || {};
    return [...(error === null ? [] : [{ line: line ?? 1, message: error }]), ...unknownMetrics(source, this.metrics)];
  }

  #webhook(): TemplateResult {
    const kept = this.settings.webhook ?? '';
    const address = (this.address ?? kept).trim();
    return html`<section aria-label="Webhook">
      <h4>Webhook <span class="secondary small">${kept === '' ? 'off' : 'on'}</span></h4>
      <p class="secondary small">
        Warnings and critical alerts of all runs are sent to this address once: run, rule, level, step and the texts. No completion, no
        image, no configuration. The server that trains must reach it.
      </p>
      <label>
        Address
        <input
          type="url"
          data-testid="webhook"
          placeholder="https://…"
          maxlength="2000"
          .value=${this.address ?? kept}
          @input=${(event: Event) => (this.address = (event.target as HTMLInputElement).value)}
        />
      </label>
      <div class="actions">
        <button
          data-testid="save-webhook"
          ?disabled=${address === kept || address === '' || this.#doing.isBusy()}
          @click=${() => void this.#setWebhook(address)}
        >
          Save
        </button>
        <button
          class="quiet"
          data-testid="webhook-off"
          ?disabled=${kept === '' || this.#doing.isBusy()}
          @click=${() => void this.#setWebhook(null)}
        >
          Switch off
        </button>
      </div>
    </section>`;
  }

  async #saveRule(name: string, source: string, draft = name): Promise<void> {
    if (!(await this.#put({ rules: { ...this.settings.rules, [name]: source } }))) return;
    this.#drop(draft);
    if (draft === NEW) this.name = '';
  }

  async #removeRule(name: string): Promise<void> {
    const { [name]: _, ...rules } = this.settings.rules;
    if (await this.#put({ rules })) this.#drop(name);
  }

  async #setWebhook(webhook: string | null): Promise<void> {
    if (await this.#put({ webhook })) this.address = null;
  }

  #drop(name: string): void {
    const { [name]: _, ...drafts } = this.drafts;
    this.drafts = drafts;
  }

  /** Whether it was taken; what was typed stays where it was not. */
  async #put(change: Pick<Partial<AlertSettings>, 'rules' | 'webhook'>): Promise<boolean> {
    const done = await this.#doing.do(() => this.connector.setAlertRules(change));
    if (!done) return false;
    this.settings = done.value.settings;
    this.dispatchEvent(new CustomEvent('changed'));
    return true;
  }

  static override styles = [
    tokens,
    base,
    css`
      h4 {
        margin: 16px 0 4px;
      }
      p {
        margin: 0 0 8px;
        max-width: 100ch;
        overflow-wrap: anywhere;
      }
      code {
        font: var(--medr1-size-small) / 1.4 var(--medr1-font-code);
      }
      details {
        padding: 6px 0;
        border-bottom: 1px solid var(--medr1-border);
        overflow-wrap: anywhere;
      }
      summary {
        min-height: 24px;
        cursor: pointer;
      }
      label {
        display: flex;
        flex-direction: column;
        gap: 2px;
        max-width: 60ch;
        margin-bottom: 4px;
      }
      medr1-source-editor {
        display: block;
        max-width: 100ch;
      }
      .actions {
        display: flex;
        gap: 8px;
        margin-top: 4px;
      }
    `,
  ];
}

define('medr1-own-rules', OwnRules);
