/** The choice that adds a built-in reward function to those there are. */
import { html, type TemplateResult } from 'lit';
import type { BuiltInReward } from '../connector.ts';

export function addBuiltIn(
  functions: readonly BuiltInReward[],
  taken: (name: string) => boolean,
  add: (name: string) => void,
): TemplateResult {
  return html`<select
    aria-label="Add a built-in function"
    data-testid="add-built-in"
    .value=${''}
    @change=${(event: Event) => {
      const select = event.target as HTMLSelectElement;
      if (select.value) add(select.value);
      select.value = '';
    }}
  >
    <option value="">+ built in</option>
    ${functions
      .filter(({ name }) => !taken(name))
      .map(({ name, description }) => html`<option value=${name} title=${description}>${name}</option>`)}
  </select>`;
}
