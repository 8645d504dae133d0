/** Which evaluations are compared: a choice for each column, and one more as long as there is room. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { letterOf } from '@medr1/kernel-bridge/answers';
import type { EvalSummary } from '../connector.ts';
import { modelName, variantTag } from '../evaluation/model.ts';
import { integer } from '../format.ts';
import { MOST_COMPARED } from '../store/evaluation-choice.ts';

export interface Columns {
  /** As they are chosen: evaluations, or runs by name. */
  names: readonly string[];
  /** The evaluation that each name means, as far as that is known. */
  meant: readonly (EvalSummary | undefined)[];
  /** Newest first. */
  evaluations: readonly EvalSummary[];
  /** What a name that is no evaluation is called. */
  nameOf: (name: string) => string;
  choose: (names: string[]) => void;
}

export function columnsView({ names, meant, evaluations, nameOf, choose }: Columns): TemplateResult {
  const option = (one: EvalSummary, chosen: string | undefined): TemplateResult =>
    html`<option
      value=${one.id}
      .selected=${one.id === chosen}
      ?disabled=${one.id !== chosen && meant.some((other) => other?.id === one.id)}
    >
      ${modelName(one)} · ${variantTag(one.settings.variant)} · ${one.settings.split} · ${integer(one.strict.total)} questions
    </option>`;
  const changed = (event: Event): string => (event.target as HTMLSelectElement).value;
  return html`<div class="columns" role="group" aria-label="What is compared">
    ${names.map((name, at) => {
      const own = meant[at];
      const letter = letterOf(at);
      return html`<span class="column" data-testid="column">
        <b>${letter}</b>
        <select
          aria-label=${`Evaluation ${letter}`}
          title=${own?.name ?? name}
          data-testid="column-choice"
          @change=${(event: Event) => choose(names.with(at, changed(event)))}
        >
          ${own ? nothing : html`<option value=${name} selected>${nameOf(name)}</option>`} ${evaluations.map((one) => option(one, own?.id))}
        </select>
        <button
          class="quiet"
          aria-label=${`Leave out ${letter}`}
          title="Leave out"
          data-testid="column-remove"
          @click=${() => choose(names.toSpliced(at, 1))}
        >
          ×
        </button>
      </span>`;
    })}
    ${
      names.length < MOST_COMPARED && evaluations.length > 0
        ? html`<select
            aria-label="Add an evaluation"
            data-testid="column-add"
            .value=${''}
            @change=${(event: Event) => {
              choose([...names, changed(event)]);
              (event.target as HTMLSelectElement).value = '';
            }}
          >
            <option value="">add …</option>
            ${evaluations.map((one) => option(one, undefined))}
          </select>`
        : nothing
    }
  </div>`;
}

export const columnsStyle = css`
  .columns {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    align-items: center;
    padding: 4px 8px;
  }
  .column {
    display: inline-flex;
    gap: 4px;
    align-items: center;
    min-width: 0;
    max-width: 100%;
  }
  .columns select {
    min-width: 0;
    max-width: min(64ch, 70vw);
  }
`;
