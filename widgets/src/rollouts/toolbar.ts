/** What the toolbars over the rollouts of a step have in common: the step, and choices among the values that its groups have. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { icon } from '../icons.ts';

export interface Step {
  step: number;
  /** Newest step that can be shown. */
  last: number;
  /** The newest step is followed. */
  live: boolean;
  go: (step: number) => void;
  follow: (follow: boolean) => void;
  /** What is followed. */
  newest: string;
  testid: string;
}

export const stepChoice = ({ step, last, live, go, follow, newest, testid }: Step): TemplateResult =>
  html`<span class="steps">
    <button class="quiet" aria-label="Previous step" title="Previous step (←)" ?disabled=${step <= 1} @click=${() => go(step - 1)}>
      ${icon('left')}
    </button>
    <label
      ><span class="word">step</span>
      <input
        type="number"
        min="1"
        max=${last}
        .value=${String(step)}
        aria-label="Step"
        data-testid=${testid}
        @change=${(event: Event) => go(Number((event.target as HTMLInputElement).value))}
      />
    </label>
    <button class="quiet" aria-label="Next step" title="Next step (→)" ?disabled=${step >= last} @click=${() => go(step + 1)}>
      ${icon('right')}
    </button>
    <button aria-pressed=${live} title=${newest} @click=${() => follow(!live)}>newest</button>
  </span>`;

/** A choice among the values that there are; nothing where there is no choice. */
export function valueChoice(
  label: string,
  values: readonly string[],
  chosen: string | null,
  set: (value: string | null) => void,
): TemplateResult | typeof nothing {
  const there = [...new Set(values)].sort();
  if (there.length < 2 && chosen === null) return nothing;
  return html`<label
    >${label}
    <select aria-label=${label} @change=${(event: Event) => set((event.target as HTMLSelectElement).value || null)}>
      <option value="" .selected=${chosen === null}>all</option>
      ${there.map((one) => html`<option value=${one} .selected=${one === chosen}>${one}</option>`)}
    </select></label
  >`;
}

export const stepChoiceStyles = css`
  .steps {
    display: inline-flex;
    flex: none;
    gap: 4px;
    align-items: center;
  }
  .steps button.quiet {
    display: inline-flex;
    padding: 2px 4px;
  }
  .steps input {
    width: 8ch;
    text-align: right;
  }
`;
