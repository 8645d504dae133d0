/** The choice that adds a built-in reward function to those there are. */
import { html, nothing, type TemplateResult } from 'lit';
import { nextName } from '@medr1/kernel-bridge/protocol/reward-names';
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
    ${functions.map(({ name, description }) => {
      const next = nextName(name, taken);
      return next === null ? nothing : html`<option value=${next} title=${description}>${next}</option>`;
    })}
  </select>`;
}
