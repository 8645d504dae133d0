/** What the form says of a fork: whose it is, from where, and what differs from the parent. */
import { KEPT_BY_FORK } from '@medr1/kernel-bridge/protocol/fork';
import { css, html, nothing, type TemplateResult } from 'lit';
import { inSentence } from '../format.ts';
import { controlId, type Shown } from '../form/controls.ts';
import { toTyped, type Field } from '../form/fields.ts';
import type { Change, Fork } from './fork.ts';
import type { NewRunModel } from './model.ts';

/** In place of the presets. */
export function forkHead(model: NewRunModel, { parent, step }: Fork): TemplateResult {
  const { changes } = model;
  return html`<div class="fork" role="group" aria-label="Fork" data-testid="fork">
    <div class="from">
      <strong>Fork of ${parent.summary.name}</strong>
      <label
        >from the checkpoint of step
        <select data-testid="fork-step" @change=${(event: Event) => model.forkFrom(Number((event.target as HTMLSelectElement).value))}>
          ${parent.checkpoints.toReversed().map((one) => html`<option value=${one.step} .selected=${one.step === step}>${one.step}</option>`)}
        </select></label
      >
      <button type="button" class="quiet link" data-testid="leave-fork" title="Keeps what is typed" @click=${() => model.leaveFork()}>
        Start a new run instead
      </button>
    </div>
    <div class="changes" role="status" data-testid="fork-changes">
      ${changes.length === 0 ? html`<span class="secondary">Nothing is changed: it goes on as ${inSentence(parent.summary.name)} was at step ${step}.</span>` : nothing}
      ${changes.map((change) => changeView(model, change))}
    </div>
  </div>`;
}

function changeView(model: NewRunModel, change: Change): TemplateResult {
  const { field, before, after } = change;
  return html`<span class="chip" data-change=${field.key}>
    ${field.title} <s>${shown(field, before)}</s> → <b>${shown(field, after)}</b>
    <button type="button" class="quiet" aria-label=${`${field.title} back to ${shown(field, before)}`} @click=${() => model.undo(change)}>
      ×
    </button>
  </span>`;
}

/** What a field shows besides what is typed: what its parent had, or that it is the checkpoint's. */
export function ofFork(model: NewRunModel, field: Field): Partial<Shown> {
  if (KEPT_BY_FORK.some((key) => key === field.key)) {
    const value = shown(field, model.state.value.fork!.parent.config[field.key as 'trainer']);
    return {
      control: html`<output id=${controlId(field)} class="kept">${value}</output>`,
      note: html`<span class="secondary small">as the checkpoint has it</span>`,
    };
  }
  const change = model.changes.find((one) => one.field === field);
  return change ? { note: html`<span class="was small" data-testid="was">was ${shown(field, change.before)}</span>` } : {};
}

function shown(field: Field, value: unknown): string {
  const typed = toTyped(field, value);
  if (typeof typed === 'boolean') return typed ? 'yes' : 'no';
  return typed === '' ? field.empty : typed;
}

export const forkStyle = css`
  .fork {
    display: grid;
    gap: 4px;
    padding: 8px;
    border-bottom: 1px solid var(--medr1-border);
  }
  .fork .from,
  .fork .changes {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    align-items: center;
  }
  .fork .chip {
    overflow-wrap: anywhere;
    white-space: normal;
  }
  .was {
    color: var(--medr1-link);
    font-weight: 600;
  }
  output.kept {
    min-width: 0;
    overflow-wrap: anywhere;
  }
`;
