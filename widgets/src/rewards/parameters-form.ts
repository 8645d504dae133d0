/** Parameters of a built-in reward function, out of their JSON Schema; beside them what it earns and how it goes wrong. */
import type { ParameterSchema, ParameterValue } from '@medr1/kernel-bridge/protocol/rewards';
import type { Schedule } from '@medr1/kernel-bridge/protocol/scheduled';
import { css, html, nothing, type TemplateResult } from 'lit';
import type { BuiltInReward } from '../connector.ts';
import { freshSchedule, scheduleField } from './schedule-field.ts';

export type Given = Record<string, ParameterValue>;

interface Steps {
  /** The next one. */
  next: number;
  total: number;
}

/** `given`: those that differ from the defaults. `change`: all that are given then. `steps`: null where nothing can follow them. */
export function parametersForm(
  { name, formula, known_failure, parameters }: BuiltInReward,
  given: Given,
  change: (given: Given) => void,
  steps: Steps | null,
): TemplateResult {
  const set = (key: string, value: ParameterValue | undefined): void => {
    const { [key]: _, ...others } = given;
    change(value === undefined ? others : { ...others, [key]: value });
  };
  return html`<div class="parameters" data-testid="parameters">
    <p class="small"><b>Earns</b> ${formula}.</p>
    <p class="small secondary"><b>Known failure.</b> ${known_failure}</p>
    ${Object.entries(parameters.properties).map(([key, schema]) => parameter(name, key, schema, given[key], (value) => set(key, value), steps))}
  </div>`;
}

function parameter(
  name: string,
  key: string,
  schema: ParameterSchema,
  value: ParameterValue | undefined,
  set: (value: ParameterValue | undefined) => void,
  steps: Steps | null,
): TemplateResult {
  const label = `${schema.title} of ${name}`;
  const moves = typeof value === 'object' ? value : null;
  const isNumber = schema.type === 'number' || schema.type === 'integer';
  const plain = moves?.from ?? value ?? schema.default;
  const follow = (next: Steps): Schedule => freshSchedule(Number(plain ?? schema.minimum ?? 0), next.next, next.total);
  return html`<div class="parameter" data-testid="parameter" data-parameter=${key}>
    <span title=${schema.description}
      >${schema.title}${schema.unit ? html` <span class="secondary small">${schema.unit}</span>` : nothing}</span
    >
    ${moves && steps ? scheduleField(moves, label, steps.next, set, schema.type === 'integer') : control(label, schema, value, set)}
    <span class="secondary small hint">${schema.description}</span>
    ${
      isNumber && steps
        ? html`<button type="button" class="quiet link" data-testid="follow-step" @click=${() => set(moves ? moves.from : follow(steps))}>
            ${moves ? 'hold it still' : 'follow the step'}
          </button>`
        : nothing
    }
    ${
      value === undefined
        ? nothing
        : html`<button type="button" class="quiet link" data-testid="to-default" @click=${() => set(undefined)}>default</button>`
    }
  </div>`;
}

function control(
  label: string,
  schema: ParameterSchema,
  value: ParameterValue | undefined,
  set: (value: ParameterValue | undefined) => void,
): TemplateResult {
  const shown = value ?? schema.default ?? '';
  if (schema.enum)
    return html`<select
      aria-label=${label}
      data-testid="parameter-value"
      @change=${(event: Event) => set((event.target as HTMLSelectElement).value)}
    >
      ${schema.enum.map((one) => html`<option value=${one} .selected=${one === shown}>${one}</option>`)}
    </select>`;
  if (schema.type === 'boolean')
    return html`<input
      type="checkbox"
      aria-label=${label}
      data-testid="parameter-value"
      .checked=${shown === true}
      @change=${(event: Event) => set((event.target as HTMLInputElement).checked)}
    />`;
  if (schema.type === 'string')
    return html`<input
      type="text"
      spellcheck="false"
      aria-label=${label}
      data-testid="parameter-value"
      maxlength=${schema.maxLength ?? 2000}
      .value=${String(shown)}
      @change=${(event: Event) => set((event.target as HTMLInputElement).value)}
    />`;
  return html`<input
    type="number"
    class="number"
    aria-label=${label}
    data-testid="parameter-value"
    step=${schema.type === 'integer' ? 1 : 'any'}
    min=${schema.minimum ?? ''}
    max=${schema.maximum ?? ''}
    placeholder=${schema.default === undefined ? 'by the run' : ''}
    .value=${String(shown)}
    @change=${(event: Event) => {
      const input = event.target as HTMLInputElement;
      if (input.value === '') set(undefined);
      else if (input.validity.valid && Number.isFinite(input.valueAsNumber)) set(input.valueAsNumber);
      else input.value = String(shown);
    }}
  />`;
}

export const parametersStyle = css`
  .parameters {
    display: grid;
    grid-column: 1 / -1;
    flex-basis: 100%;
    gap: 4px;
    padding: 4px 0 4px 20px;
  }
  .parameters p {
    margin: 0;
    overflow-wrap: anywhere;
  }
  .parameter {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 12px;
    align-items: center;
  }
  .parameter > span:first-child {
    flex: 0 0 18ch;
  }
  .parameter input[type='number'] {
    flex: none;
    width: 13ch;
  }
  .parameter input[type='text'] {
    flex: 1 1 20ch;
    min-width: 12ch;
  }
  .parameter .hint {
    flex: 1 1 20ch;
  }
`;
