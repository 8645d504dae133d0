/** How the fields of a form are drawn: a label, the control that its kind asks for, the description, and what is wrong. */
import { doubtOf } from '@medr1/kernel-bridge/protocol/doubtful';
import { css, html, nothing, type TemplateResult } from 'lit';
import type { Field, Typed } from './fields.ts';

export interface Shown {
  /** What is wrong with what is typed. */
  problem?: string;
  set: (typed: Typed) => void;
  /** Values that are known, offered while one types. */
  suggestions?: readonly string[];
  /** In place of the control that the kind asks for. */
  control?: TemplateResult;
  /** Beside the control. */
  note?: TemplateResult | typeof nothing;
}

/** A control of a form of one's own takes this id, so that the label is its label. */
export const controlId = ({ key }: Pick<Field, 'key'>): string => `field-${key}`;

export function fieldView(field: Field, typed: Typed | undefined, shown: Shown): TemplateResult {
  const { problem, note = nothing } = shown;
  const id = controlId(field);
  const several = field.kind === 'ticks';
  const doubt = doubtOf(Number(typed), field.doubtful);
  return html`<div class=${several ? 'field wide' : 'field'} data-testid=${id}>
    ${several ? html`<span id=${`${id}-label`} title=${field.key}>${field.title}</span>` : html`<label for=${id} title=${field.key}>${field.title}</label>`}
    <div class="control">
      ${shown.control ?? control(field, typed, shown)}
      ${field.unit ? html`<span class="secondary small">${field.unit}</span>` : nothing}${note}
    </div>
    <p class="hint small secondary" id=${`${id}-hint`}>${field.description}</p>
    ${problem ? html`<p class="hint small problem" id=${`${id}-problem`} role="alert">⚠ ${problem}</p>` : nothing}
    ${doubt === null ? nothing : html`<p class="hint small warning" data-testid="doubt">⚠ ${doubt}</p>`}
  </div>`;
}

function control(field: Field, typed: Typed | undefined, { problem, set, suggestions }: Shown): TemplateResult {
  const id = controlId(field);
  const described = problem ? `${id}-problem` : `${id}-hint`;
  const onInput = (event: Event): void => set((event.target as HTMLInputElement).value);
  if (field.kind === 'ticks') return ticks(field, String(typed ?? ''), set);
  if (field.kind === 'boolean' && !field.nullable)
    return html`<input
      type="checkbox"
      id=${id}
      .checked=${typed === true}
      aria-describedby=${described}
      @change=${(event: Event) => set((event.target as HTMLInputElement).checked)}
    />`;
  const choices = field.kind === 'boolean' ? ['', 'true', 'false'] : field.choices;
  if (choices.length > 0) {
    const offered = field.nullable && !choices.includes('') ? ['', ...choices] : choices;
    return html`<select id=${id} aria-describedby=${described} @change=${onInput}>
      ${offered.map((choice) => html`<option value=${choice} title=${field.meanings[choice] ?? nothing} .selected=${choice === typed}>${choice || field.empty}</option>`)}
    </select>`;
  }
  const isNumber = field.kind === 'number' || field.kind === 'integer';
  return html`<input
      type="text"
      id=${id}
      class=${isNumber ? 'number' : ''}
      inputmode=${isNumber ? 'decimal' : 'text'}
      spellcheck="false"
      .value=${String(typed ?? '')}
      placeholder=${field.nullable ? field.empty : ''}
      list=${suggestions ? `${id}-list` : nothing}
      aria-describedby=${described}
      aria-invalid=${problem ? 'true' : 'false'}
      ?required=${field.required}
      @input=${onInput}
    />${suggestions ? html`<datalist id=${`${id}-list`}>${suggestions.map((one) => html`<option value=${one}></option>`)}</datalist>` : nothing}`;
}

/** Those that are chosen stay in the order of the schema. */
function ticks(field: Field, typed: string, set: (typed: string) => void): TemplateResult {
  const chosen = typed.split(',').map((one) => one.trim());
  const toggle = (choice: string): void =>
    set(field.choices.filter((one) => (one === choice ? !chosen.includes(one) : chosen.includes(one))).join(', '));
  return html`<span class="ticks" role="group" aria-labelledby=${`${controlId(field)}-label`}>
    ${field.choices.map(
      (choice) =>
        html`<label title=${field.meanings[choice] ?? ''}>
          <input type="checkbox" data-choice=${choice} .checked=${chosen.includes(choice)} @change=${() => toggle(choice)} />
          ${choice}
        </label>`,
    )}
  </span>`;
}

/** A group of fields under its name; advanced ones are folded away, unless one of them is wrong. `first`: before the fields. */
export function groupView(
  group: string,
  fields: readonly Field[],
  problems: Readonly<Record<string, string>>,
  draw: (field: Field) => TemplateResult,
  first: TemplateResult | typeof nothing = nothing,
): TemplateResult {
  const advanced = fields.filter((field) => field.advanced);
  return html`<fieldset>
    <legend>${group}</legend>
    <div class="fields">${first}${fields.filter((field) => !field.advanced).map(draw)}</div>
    ${
      advanced.length
        ? html`<details ?open=${advanced.some(({ key }) => problems[key])}>
            <summary>More <span class="secondary">${advanced.length}</span></summary>
            <div class="fields">${advanced.map(draw)}</div>
          </details>`
        : nothing
    }
  </fieldset>`;
}

export const formStyle = css`
  fieldset {
    margin: 0;
    padding: 4px 8px 8px;
    border: 0;
    border-bottom: 1px solid var(--medr1-border);
  }
  legend {
    float: left;
    width: 100%;
    padding: 4px 0;
    font-weight: 600;
  }
  .fields,
  details {
    clear: both;
  }
  .fields {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr));
    gap: 8px 24px;
  }
  .field {
    display: grid;
    grid-template-columns: minmax(110px, 2fr) 3fr;
    gap: 0 8px;
    align-content: start;
    align-items: center;
  }
  .field.wide {
    grid-column: 1 / -1;
    grid-template-columns: minmax(0, 1fr);
  }
  .control {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 6px;
    align-items: center;
    min-width: 0;
  }
  .control > input[type='text'] {
    flex: 1 1 12ch;
    width: 100%;
    min-width: 0;
  }
  .control > select {
    min-width: 0;
    max-width: 100%;
  }
  .control > input.number {
    flex: 0 1 12ch;
  }
  .ticks {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 16px;
  }
  .ticks label {
    display: inline-flex;
    gap: 4px;
    align-items: center;
    white-space: nowrap;
  }
  .hint {
    grid-column: 1 / -1;
    margin: 0;
    overflow-wrap: anywhere;
  }
  .problem {
    color: var(--medr1-wrong);
  }
  summary {
    padding: 8px 0 4px;
    cursor: pointer;
  }
`;
