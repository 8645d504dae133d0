/** The Audit view: what a researcher must know of a data set before training on it. Names of splits and options are untrusted: text nodes only. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { PROBLEMS } from '@medr1/kernel-bridge/protocol/problems';
import type { Audit, AuditFinding } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { integer } from '../format.ts';
import { empty, failed, loading } from '../view-states.ts';
import { saveFile } from '../save-file.ts';
import { meterStyle } from '../charts/meter.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { crossTable, letterBars, optionBars, problemBars } from './balance.ts';
import { priorMatrices, splitTable } from './leaks.ts';
import { makeSplit } from './make-split.ts';
import { AuditModel, findingGroups, SEVERITIES, shortName, type AuditState, type FindingGroup, type Open } from './model.ts';
import { style } from './style.ts';

/** Findings of a group, and pairs of images, that are shown before the rest is asked for. */
const FEW_FINDINGS = 6;
const FEW_PAIRS = 12;
const THUMB = 192;

export class AuditView extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    unfolded: { state: true },
    pairs: { state: true },
    onlyAcross: { state: true },
  };
  declare workbench: IWorkbench;
  /** Groups of findings that are shown whole. */
  declare unfolded: ReadonlySet<string>;
  /** Pairs of images shown. */
  declare pairs: number;
  declare onlyAcross: boolean;

  #model: AuditModel | null = null;

  constructor() {
    super();
    this.unfolded = new Set();
    this.pairs = FEW_PAIRS;
    this.onlyAcross = false;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    return [this.workbench.selection, this.workbench.data.datasets.state, this.#model!.state];
  }

  protected override acquire(): void {
    this.#model ??= new AuditModel(this.workbench.connector);
    if (this.workbench.data.datasets.state.value.status !== 'ready') void this.workbench.data.datasets.load();
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!this.isConnected) return;
    const known = this.#known;
    this.#model!.show(known?.name ?? null, known?.revision ?? null);
  }

  /** The selected data set, else the first. */
  get #known() {
    const { datasets } = this.workbench.data;
    return datasets.get(this.workbench.selection.value.dataset) ?? datasets.state.value.datasets[0];
  }

  protected override render(): TemplateResult {
    const list = this.workbench.data.datasets.state.value;
    if (list.status === 'loading') return loading('data sets');
    if (list.status === 'error' && list.datasets.length === 0) return failed(list.error!, () => void this.workbench.data.datasets.load());
    const state = this.#model!.state.value;
    if (!this.#known)
      return empty(
        'No data set to audit',
        'Add a folder in the Data view; its questions are then checked for leaks and shortcuts here.',
        html`<button class="primary" @click=${() => command(this, 'open-data')}>Open Data</button>`,
      );
    return html`${this.#toolbar(state)}
      <div class="page">${this.#body(state)}</div>`;
  }

  #toolbar({ dataset, audit }: AuditState): TemplateResult {
    const { datasets } = this.workbench.data.datasets.state.value;
    return html`<div class="toolbar" role="toolbar" aria-label="Audit">
      <label
        >data set
        <select
          data-testid="audit-dataset"
          @change=${(event: Event) => this.workbench.selection.move({ dataset: (event.target as HTMLSelectElement).value })}
        >
          ${datasets.map(({ name }) => html`<option value=${name} .selected=${name === dataset}>${name}</option>`)}
        </select></label
      >
      ${
        audit
          ? html`<span class="secondary" data-testid="audit-size"
                >${integer(audit.items)} questions · ${integer(audit.usable)} usable · ${integer(audit.images)} images</span
              >
              <button class="end" data-testid="export-audit" @click=${() => this.#export(audit)}>Export JSON</button>`
          : nothing
      }
    </div>`;
  }

  #body(state: AuditState): TemplateResult {
    const { audit } = state;
    if (state.status === 'error') return failed(state.error!, () => this.#model!.reload());
    if (state.status === 'loading' || !audit)
      return html`<div class="message secondary" role="status" data-testid="loading">
        <p>Auditing ${state.dataset} …</p>
        <p class="small">Every question and every pair of images is compared: some seconds for tens of thousands.</p>
      </div>`;
    return html`${this.#findings(audit)}
      ${audit.splits.length > 0 ? html`${splitTable(audit, this.#open)} ${priorMatrices(audit)}` : nothing}
      <div class="pair">${letterBars(audit, this.#open)} ${optionBars(audit, this.#open)}</div>
      ${crossTable(audit, this.#open)} ${problemBars(audit, this.#open)} ${this.#duplicates(audit)} ${makeSplit(this.#model!)}`;
  }

  /* Findings */

  #findings(audit: Audit): TemplateResult {
    const groups = findingGroups(audit);
    return html`<section data-testid="findings">
      <h2>Findings <span class="count">${integer(audit.findings.length)}</span></h2>
      ${groups.length === 0 ? html`<p>✓ The audit found no problem in this data set.</p>` : groups.map((group) => this.#group(group))}
    </section>`;
  }

  #group({ severity, findings }: FindingGroup): TemplateResult {
    const { title, says } = SEVERITIES[severity];
    const all = this.unfolded.has(severity);
    const shown = all ? findings : findings.slice(0, FEW_FINDINGS);
    return html`<div class=${`group ${severity}`} data-testid="finding-group" data-severity=${severity}>
      <h3>
        ${severity === 'note' ? nothing : html`<span class="warning" aria-hidden="true">⚠</span> `}${title}
        <span class="secondary small">${says}</span>
      </h3>
      <ul>
        ${shown.map((finding) => this.#finding(finding))}
      </ul>
      ${
        all || findings.length <= FEW_FINDINGS
          ? nothing
          : html`<button class="quiet small" @click=${() => (this.unfolded = new Set([...this.unfolded, severity]))}>
              ${integer(findings.length - FEW_FINDINGS)} more
            </button>`
      }
    </div>`;
  }

  #finding({ code, text, count, query }: AuditFinding): TemplateResult {
    const problem = Object.hasOwn(PROBLEMS, code);
    return html`<li data-testid="finding" data-code=${code}>
      <span>${problem ? html`<b class="number">${integer(count)}</b> ${count === 1 ? 'question' : 'questions'}: ${text}` : text}</span>
      <button class="small" data-testid="show-finding" @click=${() => this.#open(query)}>Show</button>
    </li>`;
  }

  /* Duplicates */

  #duplicates({ duplicate_images, near_duplicates }: Audit): TemplateResult {
    const { looked, pairs, examples } = near_duplicates;
    const across = examples.filter((one) => one.across.length > 0);
    const listed = this.onlyAcross ? across : examples;
    return html`<section data-testid="duplicates">
      <h2>Duplicates</h2>
      ${
        looked
          ? html`<p class="small">
              <b class="number">${integer(duplicate_images)}</b> ${duplicate_images === 1 ? 'image stands' : 'images stand'} in several
              files with equal bytes; <b class="number">${integer(pairs)}</b> pairs of images with different bytes look alike (at most 6 of
              128 bits of their perceptual hashes
              differ)${across.length > 0 ? html`, <b class="number">${integer(across.length)}</b> of those listed across train and test` : nothing}.
            </p>`
          : html`<p class="small" data-testid="not-decoded">
              <span class="warning" aria-hidden="true">⚠</span> Images were not decoded, so near-duplicates are unknown.
            </p>`
      }
      ${
        across.length > 0 && across.length < examples.length
          ? html`<label class="small"
              ><input type="checkbox" .checked=${this.onlyAcross} @change=${() => (this.onlyAcross = !this.onlyAcross)} /> only across train
              and test</label
            >`
          : nothing
      }
      <ul class="pairs">
        ${listed.slice(0, this.pairs).map(
          (one) =>
            html`<li data-testid="pair">
              <div class="images">${this.#image(one.a)} ${this.#image(one.b)}</div>
              <p class="small">
                <span class="number">${one.distance === 1 ? '1 bit' : `${one.distance} bits`}</span>
                ${one.across.length > 0 ? html`<span class="warning">⚠ ${one.across.map(shortName).join(', ')}</span>` : nothing}
              </p>
            </li>`,
        )}
      </ul>
      ${
        listed.length > this.pairs
          ? html`<button class="quiet small" @click=${() => (this.pairs += 4 * FEW_PAIRS)}>
              ${integer(listed.length - this.pairs)} more
            </button>`
          : nothing
      }
    </section>`;
  }

  #image(path: string): TemplateResult {
    const { dataset } = this.#model!.state.value;
    return html`<button class="quiet" title=${path} aria-label=${`Open a question on ${path}`} @click=${() => void this.#openImage(path)}>
      <img src=${this.workbench.connector.data.imageUrl(dataset!, path, { size: THUMB })} alt="" loading="lazy" decoding="async" />
    </button>`;
  }

  #open: Open = (query) => {
    this.workbench.data.apply(query, this.#model!.state.value.dataset);
    command(this, 'open-data');
  };

  async #openImage(path: string): Promise<void> {
    const { dataset } = this.#model!.state.value;
    const item = await this.#model!.itemOn(path);
    if (item === null) return;
    this.workbench.selection.move({ dataset, item });
    command(this, 'open-sample');
  }

  #export(audit: Audit): void {
    saveFile(`${audit.dataset}-audit.json`, new Blob([JSON.stringify(audit, null, 2), '\n'], { type: 'application/json' }));
  }

  static override styles = [tokens, base, meterStyle, style];
}

define('medr1-audit', AuditView);
