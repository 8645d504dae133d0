/** The switch of the token colouring, and what its colours mean. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { COLOURINGS, SCALES, type Colouring, type TokenQuantity } from '../store/rollouts/colouring.ts';

/** A colouring stays chosen at a step that stores no numbers for it, since other steps may store them; the legend says why nothing is coloured. */
export function colouringSwitch(
  chosen: Colouring,
  why: (quantity: TokenQuantity) => string | null,
  choose: (colouring: Colouring) => void,
): TemplateResult {
  return html`<select
    aria-label="Token colouring"
    data-testid="colouring"
    @change=${(event: Event) => choose((event.target as HTMLSelectElement).value as Colouring)}
  >
    ${Object.entries(COLOURINGS).map(([key, title]) => {
      const reason = key === 'off' ? null : why(key as TokenQuantity);
      return html`<option value=${key} .selected=${key === chosen} ?disabled=${reason !== null}>
        ${title}${reason === null || key === chosen ? nothing : ` (${reason})`}
      </option>`;
    })}
  </select>`;
}

/** `reason`: why there is no colour. */
export function legend(quantity: TokenQuantity, reason: string | null = null): TemplateResult {
  const { above, below, ends, about } = SCALES[quantity];
  if (reason !== null)
    return html`<span class="small" data-testid="legend"
      ><span class="warning" aria-hidden="true">⚠</span> No ${COLOURINGS[quantity]} here: ${reason}</span
    >`;
  const colours = `--above:var(${above});--below:${below ? `var(${below})` : 'transparent'}`;
  return html`<span class="legend small" data-testid="legend" title=${about}>
    <span>${COLOURINGS[quantity]}</span>
    <span class="secondary number">${ends[0]}</span>
    <span class="scale" style=${colours} aria-hidden="true"></span>
    <span class="secondary number">${ends[1]}</span>
    ${quantity === 'ratio' ? html`<span class="secondary"><u class="clipped">underlined</u>: clipped</span>` : nothing}
  </span>`;
}

export const legendStyles = css`
  .legend {
    display: inline-flex;
    flex-wrap: wrap;
    gap: 0 6px;
    align-items: center;
  }
  .scale {
    display: inline-block;
    width: 64px;
    height: 12px;
    border: 1px solid var(--medr1-border);
    --half: calc(pow(0.5, 0.7) * var(--medr1-shade)); /* as tokens are shaded: middling values are seen too */
    background: linear-gradient(
      to right in oklab,
      color-mix(in oklab, var(--below) var(--medr1-shade), transparent),
      color-mix(in oklab, var(--below) var(--half), transparent),
      transparent,
      color-mix(in oklab, var(--above) var(--half), transparent),
      color-mix(in oklab, var(--above) var(--medr1-shade), transparent)
    );
  }
  .scale[style*='transparent'] {
    background: linear-gradient(
      to right in oklab,
      transparent,
      color-mix(in oklab, var(--above) var(--half), transparent),
      color-mix(in oklab, var(--above) var(--medr1-shade), transparent)
    );
  }
  .clipped {
    text-decoration: underline 2px;
    text-underline-offset: 3px;
    text-decoration-skip-ink: none;
  }
`;
