/** The choice of who answers, the same one beside the prompt and in "Try it". */
import { html, nothing, type TemplateResult } from 'lit';
import type { AskModel } from './ask.ts';

const DIRECTORY = 'directory';

export function policyChoice(model: AskModel): TemplateResult {
  const { policies, directory } = model.state.value;
  const groups = Map.groupBy(policies, ({ group }) => group);
  const chosen = model.policy?.key;
  const choose = (key: string): void => (key === DIRECTORY ? model.setDirectory(directory) : model.choose(key));
  return html`<label class="who"
      >model
      <select
        data-testid="policy"
        @focus=${() => void model.refresh()}
        @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}
      >
        ${[...groups].map(
          ([group, list]) =>
            html`<optgroup label=${group}>
              ${list.map(({ key, label }) => html`<option value=${key} .selected=${key === chosen}>${label}</option>`)}
            </optgroup>`,
        )}
        <option value=${DIRECTORY} .selected=${model.isDirectory || policies.length === 0}>another model directory</option>
      </select></label
    >${
      model.isDirectory || policies.length === 0
        ? html`<input
            class="directory"
            type="text"
            spellcheck="false"
            aria-label="Model directory"
            placeholder="directory in Hugging Face's layout"
            .value=${directory}
            data-testid="model-directory"
            @change=${(event: Event) => model.setDirectory((event.target as HTMLInputElement).value)}
          />`
        : nothing
    }`;
}
