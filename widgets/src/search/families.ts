/** Completions that say nearly the same, as families, the largest first. A click lists a family's completions. Text nodes only. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { Families, Family } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer } from '../format.ts';
import { readable } from '../marked.ts';
import { Latest } from '../load.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { base, tokens } from '../theme.ts';
import { empty, loaded } from '../view-states.ts';
import { stepsOf } from './phrases.ts';
import { tableStyle } from './style.ts';

export class SearchFamilies extends WatchingElement {
  static override properties = { workbench: { attribute: false }, run: { attribute: false } };
  declare workbench: IWorkbench;
  declare run: string;
  readonly #families = new Latest<Families>();
  #similarity = 0.7;

  protected override identity(): PropertyKey[] {
    return ['workbench', 'run'];
  }

  protected override watched() {
    return [this.workbench.runs.state, this.#families];
  }

  protected override release(): void {
    this.#families.stop();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    super.willUpdate(changed);
    if (changed.has('run')) this.#families.clear();
  }

  #gather = (event: Event): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const input = form.querySelector<HTMLInputElement>('[name=steps]')!;
    const steps = input.value.trim() === '' ? {} : stepsOf(input.value);
    input.setCustomValidity(steps ? '' : 'Write steps as 10-20, the first one first, or leave it empty.');
    if (!steps) return void form.reportValidity();
    this.#similarity = Number(form.querySelector<HTMLSelectElement>('select')!.value);
    const query = { run: this.run, ...steps, similarity: this.#similarity };
    void this.#families.ask((signal) => this.workbench.connector.search.families(query, signal));
  };

  protected override render(): TemplateResult {
    return html`<form class="toolbar" aria-label="Gather families" @submit=${this.#gather} novalidate>
        <label
          >steps
          <input
            name="steps"
            size="9"
            placeholder="all"
            @input=${(event: Event) => (event.target as HTMLInputElement).setCustomValidity('')}
        /></label>
        <label title="Least share of three-word stretches in common with the family's first completion"
          >alike
          <select>
            ${[0.5, 0.7, 0.9, 1].map(
              (share) => html`<option value=${share} .selected=${share === this.#similarity}>${Math.round(100 * share)} %</option>`,
            )}
          </select></label
        >
        <button class="primary" type="submit" data-testid="gather-families">Gather</button>
      </form>
      ${
        this.#families.value.status === 'idle'
          ? empty(
              'Nothing gathered yet',
              'Completions that say nearly the same are gathered to families: what the policy repeats, at which steps, and how often that is right.',
            )
          : loaded(this.#families, 'families', (families) => this.#found(families))
      }`;
  }

  #found({ families, total, alone, completions, reading, stopped_at }: Families): TemplateResult {
    return html`<p class="small secondary" role="status" data-testid="families-told">
        ${integer(completions)} completions: ${integer(total)} families, ${integer(alone)} like no
        other${families.length < total ? html`; the ${integer(families.length)} largest are shown` : nothing}. Right by the reading
        ${reading}.
        ${stopped_at === null ? nothing : html`<span class="warning">The time ended at step ${integer(stopped_at)}: choose fewer steps to see the rest.</span>`}
      </p>
      ${
        families.length === 0
          ? empty('No two say nearly the same', 'Choose a smaller share, or more steps.')
          : html`<div class="scroll" tabindex="0" role="group" aria-label="Families">
              <table>
                <thead>
                  <tr>
                    <th class="number">completions</th>
                    <th>its first</th>
                    <th class="number">texts</th>
                    <th class="number">questions</th>
                    <th class="number">steps</th>
                    <th class="number">right</th>
                    <th class="number">reward</th>
                  </tr>
                </thead>
                <tbody>
                  ${families.map((family) => this.#row(family))}
                </tbody>
              </table>
            </div>`
      }`;
  }

  #row(family: Family): TemplateResult {
    const { completions, texts, questions, from, to, right, judged, reward, text } = family;
    return html`<tr data-testid="family">
      <td class="number">
        <button title="List them" aria-label=${`List the ${completions} completions`} @click=${() => this.#list(family)}>
          ${integer(completions)}
        </button>
      </td>
      <td class="text">${readable(text)}</td>
      <td class="number">${integer(texts)}</td>
      <td class="number">${integer(questions)}</td>
      <td class="number">${from === to ? integer(from) : `${integer(from)}–${integer(to)}`}</td>
      <td class="number">${judged === 0 ? '–' : `${integer(right)} of ${integer(judged)}`}</td>
      <td class="number">${reward === null ? '–' : reward.toFixed(2).replace('-', '−')}</td>
    </tr>`;
  }

  #list({ first }: Family): void {
    const detail = { near: first, similarity: this.#similarity };
    this.dispatchEvent(new CustomEvent('medr1-search-near', { detail, bubbles: true, composed: true }));
  }

  static override styles = [
    tokens,
    base,
    tableStyle,
    css`
      .text {
        min-width: 30ch;
        max-width: 90ch;
        max-height: 4.2em;
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
    `,
  ];
}

define('medr1-search-families', SearchFamilies);
