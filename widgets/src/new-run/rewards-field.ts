/** The reward functions of the New run form: a row for each with its weight and what the server says of it, and ways to add one. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { builtInName } from '@medr1/kernel-bridge/protocol/reward-names';
import type { CheckedReward } from '../connector.ts';
import { addBuiltIn } from '../rewards/add-built-in.ts';
import { parametersForm } from '../rewards/parameters-form.ts';
import type { NewRunModel } from './model.ts';
import type { RewardRow } from './rewards.ts';

/** `choosesFiles`: the host has a file dialog. */
export function rewardsField(model: NewRunModel, choosesFiles: boolean): TemplateResult {
  const rows = model.rewards;
  const { builtIn, rewards, files, problems } = model.state.value;
  const problem = problems.reward_funcs ?? problems.reward_weights ?? problems.reward_parameters;
  return html`<div class="field rewards" data-testid="field-reward_funcs">
    <ul aria-label="Reward functions">
      ${rows.map((row) => rewardRow(model, row, files[row.entry]?.path ?? null, rewards && (rewards[row.entry] ?? 'unknown')))}
    </ul>
    <div class="add">
      ${addBuiltIn(
        builtIn,
        (name) => rows.some((row) => row.name === name),
        (name) => model.addReward(name),
      )}
      ${
        choosesFiles
          ? html`<button
              type="button"
              data-testid="choose-rewards"
              title="TypeScript or JavaScript"
              @click=${() => void model.chooseRewards()}
            >
              + choose files …
            </button>`
          : nothing
      }
      <input
        type="text"
        spellcheck="false"
        aria-label="Path of a reward file on the server's machine"
        placeholder="or a path on the server's machine, then Enter"
        data-testid="reward-path"
        @keydown=${(event: KeyboardEvent) => {
          if (event.key !== 'Enter') return;
          event.preventDefault(); // or the form would be sent
          const input = event.target as HTMLInputElement;
          if (input.value.trim()) model.addReward(input.value.trim());
          input.value = '';
        }}
      />
    </div>
    <p class="hint small secondary">
      Built-in functions and your own. A run keeps the source of a file as it is at the start; weights and sources can be changed while it
      trains.
    </p>
    ${problem ? html`<p class="hint small problem" role="alert">⚠ ${problem}</p>` : nothing}
  </div>`;
}

/** `checked`: null while the server is asked, 'unknown' where it has not been. */
function rewardRow(
  model: NewRunModel,
  { entry, name, weight }: RewardRow,
  path: string | null,
  checked: CheckedReward | 'unknown' | null,
): TemplateResult {
  const builtIn = entry === name ? model.state.value.builtIn.find((one) => one.name === builtInName(name)) : undefined;
  return html`<li data-testid="reward" data-reward=${name}>
    <b class="ellipsis" title=${path ?? entry}>${name}</b>
    <label
      >weight
      <input
        type="number"
        step="any"
        class="number"
        data-testid="reward-weight"
        .value=${String(weight)}
        aria-label=${`Weight of ${name}`}
        @change=${(event: Event) => {
          const input = event.target as HTMLInputElement;
          if (Number.isFinite(input.valueAsNumber)) model.weighReward(entry, input.valueAsNumber);
          else input.value = String(weight);
        }}
    /></label>
    <span class="state small" data-testid="reward-state">${stateOf(checked)}</span>
    <button type="button" class="quiet" data-testid="remove-reward" @click=${() => model.removeReward(entry)}>remove</button>
    ${
      builtIn
        ? html`<details class="about" data-testid="about-reward">
            <summary class="small">${Object.keys(builtIn.parameters.properties).length > 0 ? 'parameters' : 'about'}</summary>
            ${parametersForm(builtIn, model.parametersOf(name), (given) => model.parametrise(name, given), null)}
          </details>`
        : nothing
    }
    ${path !== null || entry !== name ? html`<span class="path small secondary" title=${path ?? entry}>${path ?? entry}</span>` : nothing}
    ${
      checked !== null && checked !== 'unknown' && checked.error
        ? html`<p class="small problem" role="alert" data-testid="reward-error">
            ⚠ ${checked.error.message}<br /><span class="secondary">${checked.error.remedy}</span>
          </p>`
        : nothing
    }
  </li>`;
}

function stateOf(checked: CheckedReward | 'unknown' | null): TemplateResult | string {
  if (checked === 'unknown') return '';
  if (checked === null) return html`<span class="secondary">checking …</span>`;
  if (checked.error) return html`<span class="problem">✗ cannot be used</span>`;
  if (checked.tests) return html`✓ tests ${checked.tests.passed}/${checked.tests.total}`;
  return checked.sha256 ? html`✓ <span class="secondary">no tests</span>` : '✓';
}

export const rewardsFieldStyle = css`
  .field.rewards {
    grid-template-columns: minmax(0, 1fr);
    grid-column: 1 / -1;
    gap: 4px;
  }
  .rewards ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .rewards li {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 12px;
    align-items: center;
    padding: 4px 0;
    border-bottom: 1px solid var(--medr1-border);
  }
  .rewards li b {
    flex: 1 1 12ch;
    min-width: 8ch;
    max-width: 22ch;
    font-weight: 600;
  }
  .rewards li label {
    display: inline-flex;
    gap: 6px;
    align-items: center;
    color: var(--medr1-text-2);
  }
  .rewards li input {
    width: 8ch;
    color: var(--medr1-text);
  }
  .rewards .state {
    flex: 1 0 auto;
    white-space: nowrap;
  }
  .rewards li button {
    margin-left: auto;
  }
  .rewards .about {
    flex-basis: 100%;
  }
  .rewards .about summary {
    cursor: pointer;
  }
  .rewards .path,
  .rewards li p {
    flex-basis: 100%;
    margin: 0;
    overflow-wrap: anywhere;
  }
  .rewards .add {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 8px;
    padding-top: 4px;
  }
  .rewards .add input {
    flex: 1 1 200px;
    min-width: 0;
  }
`;
