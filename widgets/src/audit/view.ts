/** The Audit view: what a researcher must know of a data set before training on it. Names of splits and options are untrusted: text nodes only. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { PROBLEMS, type Problem } from '@medr1/kernel-bridge/protocol/problems';
import type { Audit, AuditFinding, ItemQuery, SplitSummary } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { integer, percent } from '../format.ts';
import { empty, failed, loading } from '../parts.ts';
import { saveFile } from '../save-file.ts';
import { base, tokens } from '../theme.ts';
import type { Workbench } from '../workbench.ts';
import { barChart, decimal, heat } from './charts.ts';
import {
  AuditModel,
  bars,
  confounded,
  crossing,
  findingGroups,
  matrices,
  SEVERITIES,
  shortName,
  type AuditState,
  type FindingGroup,
  type Matrix,
} from './model.ts';
import { style } from './style.ts';

/** Findings of a group, and pairs of images, that are shown before the rest is asked for. */
const FEW_FINDINGS = 6;
const FEW_PAIRS = 12;
const THUMB = 192;
const CRAMER =
  "Cramér's V = sqrt(χ² / (n · (min(rows, columns) − 1))): 0 when modality and question type are independent, 1 when one tells the other.";
const PRIOR =
  'Chooses the option whose text was most often right in train, without image or question: p = (times right + 0.25) / (times shown + 1).';

export class AuditView extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    unfolded: { state: true },
    pairs: { state: true },
    onlyAcross: { state: true },
  };
  declare workbench: Workbench;
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
          ${datasets.map(({ name }) => html`<option value=${name} ?selected=${name === dataset}>${name}</option>`)}
        </select></label
      >
      ${
        audit
          ? html`<span class="secondary number" data-testid="audit-size"
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
    return html`${this.#findings(audit)} ${audit.splits.length > 0 ? html`${this.#splits(audit)} ${this.#prior(audit)}` : nothing}
      <div class="pair">${this.#letters(audit)} ${this.#options(audit)}</div>
      ${this.#crossing(audit)} ${this.#problems(audit)} ${this.#duplicates(audit)} ${this.#makeSplit(state)}`;
  }

  /* Findings */

  #findings(audit: Audit): TemplateResult {
    const groups = findingGroups(audit);
    return html`<section data-testid="findings">
      <h2>Findings <span class="count">${integer(audit.findings.length)}</span></h2>
      ${groups.length === 0 ? html`<p>✓ Nothing was found that speaks against this data set.</p>` : groups.map((group) => this.#group(group))}
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
    const problem = code in PROBLEMS;
    return html`<li data-testid="finding" data-code=${code}>
      <span>${problem ? html`<b class="number">${integer(count)}</b> ${count === 1 ? 'question' : 'questions'}: ${text}` : text}</span>
      <button class="small" data-testid="show-finding" @click=${() => this.#open(query)}>Show</button>
    </li>`;
  }

  /* Splits */

  #splits({ splits, near_duplicates }: Audit): TemplateResult {
    return html`<section data-testid="splits">
      <h2>Train and test</h2>
      ${
        near_duplicates.looked
          ? nothing
          : html`<p class="small">
              <span class="warning" aria-hidden="true">⚠</span> Images were not decoded, so near-duplicates are unknown; one image is one
              path. Index the data set with its images to know more.
            </p>`
      }
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">split</th>
              <th scope="col" class="number">train</th>
              <th scope="col" class="number">test</th>
              <th scope="col" class="number" title="Test questions whose very image is in train">same image</th>
              <th scope="col" class="number" title="Further test questions whose image looks like one in train">near image</th>
              <th scope="col" class="number" title=${PRIOR}>option prior</th>
              <th scope="col" class="number" title="Accuracy of guessing evenly">chance</th>
            </tr>
          </thead>
          <tbody>
            ${splits.map(
              (split) =>
                html`<tr>
                  <th scope="row">
                    <button
                      class="quiet"
                      title=${`${split.train} and ${split.test}`}
                      @click=${() => this.#open({ facets: { split: [split.test] } })}
                    >
                      ${shortName(split.test)}
                    </button>
                  </th>
                  <td class="number">${integer(split.train_items)}</td>
                  <td class="number">${integer(split.test_items)}</td>
                  <td class="number">${overlap(split.image_overlap, split.test_items)}</td>
                  <td class="number">${overlap(split.near_overlap, split.test_items)}</td>
                  <td class="number">
                    <span class="meter" style=${`--value:${split.prior_accuracy}%;--chance:${split.chance}%`}
                      ><b>${decimal(split.prior_accuracy)} %</b></span
                    >
                  </td>
                  <td class="number">${decimal(split.chance)} %</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  #prior(audit: Audit): TemplateResult {
    return html`<section data-testid="prior">
      <h2 title=${PRIOR}>Option prior across splits</h2>
      <p class="small secondary">
        Accuracy in percent of choosing the option whose text was most often right in the split of the row, on the split of the column. No
        image, no question.
      </p>
      ${matrices(audit).map((matrix) => this.#matrix(matrix))}
    </section>`;
  }

  #matrix({ draw, rows, columns, cell }: Matrix): TemplateResult {
    return html`<div class="scroll">
      <table class="heat" data-testid="prior-matrix">
        <caption class="small secondary">
          ${draw ? `drawn by ${draw.replaceAll('_', ' ')}` : 'train and test'}
        </caption>
        <thead>
          <tr>
            <th scope="col" class="corner small secondary">trained on ↓ tested on →</th>
            ${columns.map(({ label, split }) => html`<th scope="col" title=${split}>${label}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                <th scope="row" title=${row.split}>${row.label}</th>
                ${columns.map((column) => {
                  const value = cell(row.split, column.split);
                  const least = column.chance ?? 0;
                  const title = `${row.split} → ${column.split}: ${value === null ? 'not known' : `${decimal(value)} %`}${column.chance === null ? '' : `, chance ${decimal(column.chance)} %`}`;
                  return html`<td
                    class=${row.label === column.label ? 'number own' : 'number'}
                    style=${heat(value === null ? 0 : (value - least) / Math.max(1, 100 - least))}
                    title=${title}
                  >
                    ${value === null ? '–' : decimal(value)}
                  </td>`;
                })}
              </tr>`,
          )}
          <tr class="chance">
            <th scope="row">chance</th>
            ${columns.map(({ chance }) => html`<td class="number secondary">${chance === null ? '–' : decimal(chance)}</td>`)}
          </tr>
        </tbody>
      </table>
    </div>`;
  }

  /* Balance */

  #letters({ letters }: Audit): TemplateResult {
    return html`<section data-testid="letters">
      <h2>Right answers by letter</h2>
      ${barChart(bars(letters), (name) => this.#open({ facets: { answer: [name] } }))}
    </section>`;
  }

  #options({ options }: Audit): TemplateResult {
    return html`<section data-testid="options">
      <h2>Options of a question</h2>
      ${barChart(bars(options), (name) => this.#open({ facets: { options: [name] } }))}
    </section>`;
  }

  #crossing({ modality_by_type, confounding }: Audit): TemplateResult {
    const { rows, columns, most } = crossing(modality_by_type);
    return html`<section data-testid="crossing">
      <h2>Modality by question type</h2>
      <p class="small">
        ${
          confounding === null
            ? 'A single modality or question type: nothing to confound.'
            : html`Modality and question type are <b>${confounded(confounding)}</b> confounded:
                <span class="number explained" title=${CRAMER} tabindex="0">Cramér's V ${confounding.toFixed(2)}</span>`
        }
      </p>
      <div class="scroll">
        <table class="heat" data-testid="crossing-table">
          <thead>
            <tr>
              <th scope="col" class="corner small secondary">questions</th>
              ${columns.map(({ name }) => html`<th scope="col">${name}</th>`)}
              <th scope="col" class="number">all</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              ({ name, total, counts }) =>
                html`<tr>
                  <th scope="row">${name}</th>
                  ${counts.map(
                    (count, index) =>
                      html`<td class="number" style=${heat(count / most)}>
                        ${
                          count === 0
                            ? html`<span class="secondary">0</span>`
                            : html`<button
                                class="quiet"
                                @click=${() => this.#open({ facets: { modality: [name], question_type: [columns[index].name] } })}
                              >
                                ${integer(count)}
                              </button>`
                        }
                      </td>`,
                  )}
                  <td class="number">${integer(total)}</td>
                </tr>`,
            )}
            <tr class="chance">
              <th scope="row">all</th>
              ${columns.map(({ total }) => html`<td class="number">${integer(total)}</td>`)}
              <td class="number">${integer(rows.reduce((sum, { total }) => sum + total, 0))}</td>
            </tr>
          </tbody>
        </table>
      </div>
    </section>`;
  }

  #problems({ problems, items }: Audit): TemplateResult {
    const list = Object.entries(problems).sort(([, a], [, b]) => b - a);
    return html`<section data-testid="problems">
      <h2>Questions that cannot be used <span class="count">${integer(list.reduce((sum, [, count]) => sum + count, 0))}</span></h2>
      ${
        list.length === 0
          ? html`<p class="small">✓ Every question can be used.</p>`
          : barChart(
              list.map(([name, count]) => ({ name, count, share: count / Math.max(1, items) })),
              (name) => this.#open({ facets: { problem: [name] } }),
              (name) => PROBLEMS[name as Problem] ?? name,
            )
      }
    </section>`;
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

  /* A new split */

  #makeSplit({ draft, making, made, refusal, splits }: AuditState): TemplateResult {
    const model = this.#model!;
    const text = (event: Event): string => (event.target as HTMLInputElement).value;
    const seed = Number.isSafeInteger(draft.seed) && draft.seed >= 0;
    const fraction = draft.test_fraction > 0 && draft.test_fraction < 1;
    return html`<section data-testid="make-split">
      <h2>Make a split</h2>
      <form
        @submit=${(event: Event) => {
          event.preventDefault();
          if (seed && fraction) void model.makeSplit();
        }}
      >
        <fieldset>
          <legend class="small secondary">What stays together</legend>
          ${kind(draft.kind, 'leak-free', 'an image, its near-duplicates and its study: nothing in test was seen', model)}
          ${kind(draft.kind, 'question', "single questions, as in the paper: an image's other questions may be in train", model)}
        </fieldset>
        <div class="fields">
          <label
            >seed
            <input
              inputmode="numeric"
              class="short"
              .value=${String(draft.seed)}
              aria-invalid=${!seed}
              data-testid="split-seed"
              @input=${(event: Event) => model.setDraft({ seed: text(event).trim() === '' ? NaN : Number(text(event)) })}
          /></label>
          <label title="Share of the questions that is held out"
            >test fraction
            <input
              inputmode="decimal"
              class="short"
              .value=${String(draft.test_fraction)}
              aria-invalid=${!fraction}
              data-testid="split-fraction"
              @input=${(event: Event) => model.setDraft({ test_fraction: text(event).trim() === '' ? NaN : Number(text(event)) })}
          /></label>
          <label
            >name
            <input
              .value=${draft.name}
              placeholder="kind and seed"
              data-testid="split-name"
              @input=${(event: Event) => model.setDraft({ name: text(event) })}
          /></label>
          <button class="primary" ?disabled=${making || !seed || !fraction} data-testid="draw-split">
            ${making ? 'Drawing …' : 'Draw'}
          </button>
        </div>
      </form>
      ${refusal ? failed(refusal) : nothing} ${made ? drawn(made) : nothing}
      ${
        splits && splits.length > 0
          ? html`<h3>Split files</h3>
              <div class="scroll">
                <table data-testid="split-files">
                  <thead>
                    <tr>
                      <th scope="col">name</th>
                      <th scope="col">kind</th>
                      <th scope="col" class="number">seed</th>
                      <th scope="col" class="number">train</th>
                      <th scope="col" class="number">test</th>
                      <th scope="col">sha256</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${splits.map(
                      (one) =>
                        html`<tr>
                          <th scope="row">${one.name}</th>
                          <td>${one.kind}</td>
                          <td class="number">${one.kind === 'selection' ? '–' : String(one.seed)}</td>
                          <td class="number">${integer(one.train)}</td>
                          <td class="number">${integer(one.test)}</td>
                          <td><code title=${one.sha256}>${one.sha256.slice(0, 12)}</code></td>
                        </tr>`,
                    )}
                  </tbody>
                </table>
              </div>`
          : nothing
      }
    </section>`;
  }

  #open(query: ItemQuery): void {
    this.workbench.data.apply(query, this.#model!.state.value.dataset);
    command(this, 'open-data');
  }

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

  static override styles = [tokens, base, style];
}

/** "253  29.8 %"; what is not known is a question mark, none is no alarm. */
function overlap(count: number | null, of: number): TemplateResult {
  if (count === null) return html`<span class="secondary" title="Images were not decoded">?</span>`;
  return html`${count > 0 ? html`<b>${integer(count)}</b>` : '0'} <span class="share small">${percent(count / Math.max(1, of))}</span>`;
}

function kind(chosen: string, value: 'question' | 'leak-free', says: string, model: AuditModel): TemplateResult {
  return html`<label
    ><input
      type="radio"
      name="kind"
      value=${value}
      .checked=${chosen === value}
      data-testid=${`kind-${value}`}
      @change=${() => model.setDraft({ kind: value })}
    />
    <span>${value} <span class="small secondary">${says}</span></span></label
  >`;
}

function drawn({ name, train, test, sha256 }: SplitSummary): TemplateResult {
  return html`<div class="made" role="status" data-testid="made-split">
    <p>
      ✓ <b>${name}</b>: ${integer(train)} questions in train, ${integer(test)} in test. sha256
      <code title=${sha256}>${sha256.slice(0, 12)}</code>
    </p>
    <p class="small">In a configuration: <code>dataset_train_split: ${name}/train</code>, <code>dataset_test_split: ${name}/test</code></p>
  </div>`;
}

define('medr1-audit', AuditView);
