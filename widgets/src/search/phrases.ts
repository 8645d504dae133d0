/** Phrases that a run says more often, or more rarely, in later steps than in earlier ones. A click searches a phrase. Text nodes only. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { Phrase, Phrases } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer } from '../format.ts';
import { readable } from '../marked.ts';
import { Latest } from '../load.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { base, tokens } from '../theme.ts';
import { empty, loaded } from '../view-states.ts';
import { tableStyle } from './style.ts';

export class SearchPhrases extends WatchingElement {
  static override properties = { workbench: { attribute: false }, run: { attribute: false } };
  declare workbench: IWorkbench;
  declare run: string;
  readonly #phrases = new Latest<Phrases>();

  protected override identity(): PropertyKey[] {
    return ['workbench', 'run'];
  }

  protected override watched() {
    return [this.workbench.runs.state, this.#phrases];
  }

  protected override release(): void {
    this.#phrases.stop();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    super.willUpdate(changed);
    if (changed.has('run')) this.#phrases.clear();
  }

  /** The first and the last tenth of what there is, ten steps at least. */
  get #suggested(): [string, string] {
    const last = this.workbench.runs.get(this.run)?.step ?? 1;
    const span = Math.max(1, Math.min(last, Math.max(10, Math.ceil(last / 10))));
    return [`1-${Math.min(span, last)}`, `${Math.max(1, last - span + 1)}-${last}`];
  }

  #compare = (event: Event): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const value = (name: string): string => form.querySelector<HTMLInputElement>(`[name=${name}]`)!.value;
    const inputs = ['before', 'after'].map((name) => form.querySelector<HTMLInputElement>(`[name=${name}]`)!);
    const [before, after] = inputs.map((input) => stepsOf(input.value));
    inputs.forEach((input, at) => input.setCustomValidity([before, after][at] ? '' : 'Write steps as 10-20, the first one first.'));
    if (!before || !after) return void form.reportValidity();
    const fdr = Number(value('fdr'));
    void this.#phrases.ask((signal) => this.workbench.connector.search.phrases({ run: this.run, before, after, fdr }, signal));
  };

  protected override render(): TemplateResult {
    const [before, after] = this.#suggested;
    const field = (name: string, label: string, value: string): TemplateResult =>
      html`<label
        >${label}
        <input name=${name} size="9" .value=${value} @input=${(event: Event) => (event.target as HTMLInputElement).setCustomValidity('')}
      /></label>`;
    return html`<form class="toolbar" aria-label="Compare phrases of two stretches of steps" @submit=${this.#compare} novalidate>
        ${field('before', 'steps before', before)} ${field('after', 'steps after', after)}
        <label title="False discoveries among the phrases that are told, at most"
          >false discovery rate
          <select name="fdr">
            ${['0.01', '0.05', '0.1', '0.2'].map((rate) => html`<option value=${rate} .selected=${rate === '0.05'}>${rate}</option>`)}
          </select></label
        >
        <button class="primary" type="submit" data-testid="compare-phrases">Compare</button>
      </form>
      ${
        this.#phrases.value.status === 'idle'
          ? empty(
              'Nothing compared yet',
              'Choose two stretches of steps: phrases that came, and phrases that went, are told with how sure that is.',
            )
          : loaded(this.#phrases, 'phrases', (phrases) => this.#found(phrases))
      }`;
  }

  #found(phrases: Phrases): TemplateResult {
    const { before, after, tested, found, every } = phrases;
    return html`<p class="small secondary" role="status" data-testid="phrases-told">
        ${integer(before.completions)} completions of ${integer(before.groups)} groups before, ${integer(after.completions)} of
        ${integer(after.groups)} after${every > 1 ? html`; every ${integer(every)}th step was read` : nothing}. ${integer(tested)} phrases
        tested, ${integer(found)} within the false discovery rate. Likelihood-ratio test, divided by the design effect, since completions of
        a group are alike.
      </p>
      <div class="lists">${this.#list('Grew', phrases.grew, phrases)} ${this.#list('Vanished', phrases.vanished, phrases)}</div>`;
  }

  #list(name: string, phrases: readonly Phrase[], { before, after }: Phrases): TemplateResult {
    const share = (count: number, of: number): string => (of === 0 ? '–' : `${((100 * count) / of).toFixed(1)}`);
    return html`<section aria-label=${name}>
      <h3>${name}</h3>
      ${
        phrases.length === 0
          ? html`<p class="secondary">None within the false discovery rate.</p>`
          : html`<div class="scroll" tabindex="0" role="group" aria-label=${name}>
              <table>
                <thead>
                  <tr>
                    <th>phrase</th>
                    <th class="number">before, %</th>
                    <th class="number">after, %</th>
                    <th class="number" title="Logarithm of the odds after over the odds before">log odds</th>
                    <th class="number" title="False discovery rate among all phrases tested">q</th>
                  </tr>
                </thead>
                <tbody>
                  ${phrases.map(
                    (one) =>
                      html`<tr data-testid="phrase">
                        <th scope="row">
                          <button class="quiet link" title="Completions that say it" @click=${() => this.#search(one.text)}>
                            ${readable(one.text)}
                          </button>
                        </th>
                        <td class="number">${share(one.before, before.completions)}</td>
                        <td class="number">${share(one.after, after.completions)}</td>
                        <td class="number">${one.log_odds.toFixed(2).replace('-', '−')}</td>
                        <td class="number" title=${`p ${one.p.toPrecision(2)}, design effect ${one.design_effect.toFixed(1)}`}>
                          ${one.q < 0.001 ? '< 0.001' : one.q.toFixed(3)}
                        </td>
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
      }
    </section>`;
  }

  #search(text: string): void {
    this.dispatchEvent(new CustomEvent('medr1-search-text', { detail: `"${text}"`, bubbles: true, composed: true }));
  }

  static override styles = [
    tokens,
    base,
    tableStyle,
    css`
      .lists {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 32px;
      }
      .lists > section {
        min-width: 0;
      }
      td,
      th[scope='row'] {
        overflow-wrap: anywhere;
      }
      th[scope='row'] button {
        text-align: left;
        white-space: normal;
      }
    `,
  ];
}

/** "10-20" or "10"; null for anything else. */
export function stepsOf(text: string): { from: number; to: number } | null {
  const [, from, to = from] = /^\s*(\d{1,9})\s*(?:[-–]\s*(\d{1,9})\s*)?$/.exec(text) ?? [];
  return from === undefined || Number(from) > Number(to) ? null : { from: Number(from), to: Number(to) };
}

define('medr1-search-phrases', SearchPhrases);
