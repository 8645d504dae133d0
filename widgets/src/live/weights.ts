/** Weights of a run's rewards in a cell: moved by hand, applied from the next step on. The draft is the reader's until it is applied or taken back. */
import { scheduleText } from '@medr1/kernel-bridge/protocol/schedule-text';
import { css, html, nothing, type TemplateResult } from 'lit';
import { number } from '../format.ts';
import type { LiveRun } from './model.ts';

const MOST = 2;
const STEP = 0.05;

interface Edits {
  /** What the reader moved, by reward. */
  draft: Readonly<Record<string, number>>;
  /** Before them, where there are those of others too. */
  title: string;
  disabled: boolean;
  move: (name: string, value: number | null) => void;
  apply: () => void;
  reset: () => void;
}

export function weights({ summary, rewards }: LiveRun, { draft, title, disabled, move, apply, reset }: Edits): TemplateResult {
  const current = rewards.at(-1);
  if (!current || Object.keys(current.weights).length === 0) return html``;
  const dirty = Object.keys(draft).length > 0;
  return html`<form
    class="weights"
    aria-label=${`Reward weights of ${summary.name}`}
    @submit=${(event: Event) => {
      event.preventDefault();
      apply();
    }}
  >
    ${title ? html`<b class="name">${title}</b>` : nothing}
    ${Object.entries(current.weights).map(([name, inForce]) => {
      const schedule = current.weight_schedules?.[name];
      const value = draft[name] ?? inForce;
      const set = (event: Event): void => {
        const input = event.currentTarget as HTMLInputElement;
        const given = input.value.trim() === '' ? NaN : Number(input.value);
        if (Number.isFinite(given)) move(name, given === inForce && !schedule ? null : given);
      };
      return html`<label title=${schedule ? `Follows the step: ${scheduleText(schedule)}. A number holds it.` : nothing}>
        <span class="name">${name}${name in draft ? ' *' : nothing}</span>
        <input
          type="range"
          min="0"
          max=${Math.max(MOST, Math.ceil(value))}
          step=${STEP}
          aria-label=${`Weight of ${name}`}
          .value=${String(value)}
          ?disabled=${disabled}
          @input=${set}
        />
        <input
          class="number"
          type="number"
          step="any"
          aria-label=${`Weight of ${name} as a number`}
          .value=${String(value)}
          ?disabled=${disabled}
          @change=${set}
        />
        ${schedule ? html`<span class="small secondary">${scheduleText(schedule)}</span>` : nothing}
        ${name in draft ? html`<span class="small secondary">was ${number(inForce)}</span>` : nothing}
      </label>`;
    })}
    <span class="apply">
      <button class="primary" type="submit" ?disabled=${disabled || !dirty} data-testid="apply">Apply from the next step</button>
      <button type="button" ?disabled=${!dirty} @click=${reset} data-testid="reset">Reset</button>
      ${current.step === null ? html`<span class="small secondary">revision ${current.revision} is in force from the next step</span>` : nothing}
    </span>
  </form>`;
}

export const weightStyles = css`
  .weights {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 16px;
    align-items: center;
    padding: 4px 8px;
    border-top: 1px solid var(--medr1-border);
  }
  .weights label {
    display: inline-flex;
    flex-wrap: wrap;
    gap: 4px;
    align-items: center;
    min-width: 0;
  }
  .weights .name {
    overflow-wrap: anywhere;
  }
  .weights input[type='range'] {
    width: 120px;
  }
  .weights input.number {
    width: 8ch;
  }
  .apply {
    display: inline-flex;
    flex-wrap: wrap;
    gap: 4px;
    align-items: center;
  }
`;
