/** The form that draws a split, and the split files there are. */
import { html, nothing, type TemplateResult } from 'lit';
import type { SplitSummary } from '../connector.ts';
import { integer } from '../format.ts';
import { failed } from '../view-states.ts';
import type { AuditModel } from './model.ts';

export function makeSplit(model: AuditModel): TemplateResult {
  const { draft, making, made, refusal, splits } = model.state.value;
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
        <button class="primary" ?disabled=${making || !seed || !fraction} data-testid="draw-split">${making ? 'Drawing …' : 'Draw'}</button>
      </div>
    </form>
    ${refusal ? failed(refusal) : nothing} ${made ? drawn(made) : nothing} ${splits && splits.length > 0 ? splitFiles(splits) : nothing}
  </section>`;
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

function splitFiles(splits: readonly SplitSummary[]): TemplateResult {
  return html`<h3>Split files</h3>
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
    </div>`;
}
