/** The prompt as the model gets it: its tokens, and the image at the size and in the patches that the model sees. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { Generation } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer } from '../format.ts';
import { loaded } from '../view-states.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import type { Variant } from '../store/tries.ts';
import { VARIANTS, type AskModel } from './ask.ts';
import { policyChoice } from './policy.ts';
import { patchGrid } from './prompt-grid.ts';
import { visible } from '../rollouts/tokens.ts';

export class SamplePrompt extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    model: { attribute: false },
    image: { attribute: false },
    grid: { state: true },
  };
  declare workbench: IWorkbench;
  declare model: AskModel;
  /** Data set and path. */
  declare image: { dataset: string; path: string } | null;
  /** Patches are drawn over the image. */
  declare grid: boolean;

  constructor() {
    super();
    this.image = null;
    this.grid = false;
  }

  protected override identity(): PropertyKey[] {
    return ['model', 'image'];
  }

  protected override watched() {
    return [this.model.state, this.model.prompt];
  }

  protected override render(): TemplateResult {
    const { promptVariant } = this.model.state.value;
    return html`<div class="choice">
        ${policyChoice(this.model)}
        <span class="variants" role="group" aria-label="Variant">
          ${(Object.keys(VARIANTS) as Variant[]).map(
            (variant) =>
              html`<button aria-pressed=${variant === promptVariant} @click=${() => this.model.showPrompt(variant)}>${variant}</button>`,
          )}
        </span>
      </div>
      ${this.#prompt()}`;
  }

  #prompt(): TemplateResult {
    if (!this.model.policy) return html`<p class="secondary">Start a run, or name a model directory, to see its prompt.</p>`;
    return loaded(this.model.prompt, 'prompt', ({ prompt }) => this.#tokens(prompt));
  }

  #tokens(view: Generation['prompt']): TemplateResult {
    const count = view.tokens.reduce((sum, token) => sum + (token.image ?? 1), 0);
    return html`<p class="small secondary" data-testid="prompt-size">
        ${integer(count)} tokens${view.image ? html`, of which ${integer(view.image.tokens)} are the image` : nothing}
      </p>
      <div class="tokens" data-testid="prompt-tokens">
        ${view.tokens.map(({ id, text, image }) =>
          image === undefined
            ? html`<span class=${/^<\|.*\|>$/.test(text) ? 'token special' : 'token'} title=${`token ${id}`}>${visible(text)}</span
                >${text.includes('\n') ? html`<br />` : nothing}`
            : html`<span class="token image" title=${`token ${id}, ${image} times`} data-testid="image-tokens"
                >▦ ${integer(image)} image tokens</span
              >`,
        )}
      </div>
      ${view.image ? this.#seen(view.image) : html`<p class="small secondary">No image in the prompt.</p>`}`;
  }

  #seen(seen: NonNullable<Generation['prompt']['image']>): TemplateResult {
    const { width, height, resized_width, resized_height } = seen;
    const grid = patchGrid(seen);
    const changed = width !== resized_width || height !== resized_height;
    const size = Math.max(resized_width, resized_height);
    return html`<figure>
      <figcaption class="small">
        <span>As the model sees it: <b class="number" data-testid="seen-size">${resized_width} × ${resized_height} px</b></span>
        <span class="secondary">${changed ? html`resized from ${width} × ${height} px` : 'the size of the file'}</span>
        ${
          grid
            ? html`<label
                ><input type="checkbox" .checked=${this.grid} @change=${() => (this.grid = !this.grid)} /> ${grid.columns} × ${grid.rows}
                tokens</label
              >`
            : nothing
        }
      </figcaption>
      ${
        this.image
          ? html`<div class="seen" style=${`width:${resized_width}px;aspect-ratio:${resized_width}/${resized_height}`}>
              <img
                src=${this.workbench.connector.data.imageUrl(this.image.dataset, this.image.path, { size })}
                alt="The image at the size that the model sees"
              />
              ${
                this.grid && grid
                  ? html`<span
                      class="grid"
                      style=${`background-size:${100 / grid.columns}% ${100 / grid.rows}%`}
                      aria-hidden="true"
                    ></span>`
                  : nothing
              }
            </div>`
          : nothing
      }
    </figure>`;
  }

  static override styles = [
    tokens,
    base,
    css`
      .choice {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 12px;
        align-items: center;
      }
      .who {
        display: inline-flex;
        flex: 0 1 auto;
        gap: 4px;
        align-items: center;
        min-width: 0;
      }
      .who select {
        min-width: 0;
        max-width: min(100%, 340px);
      }
      .directory {
        flex: 1 1 200px;
      }
      .variants {
        display: inline-flex;
      }
      p {
        margin: 8px 0 4px;
      }
      .message {
        padding: 8px 0;
      }
      .tokens {
        padding: 4px;
        line-height: 1.9;
        overflow-wrap: anywhere;
        background: var(--medr1-surface-2);
      }
      .token {
        display: inline-block;
        margin: 0 1px;
        padding: 0 2px;
        font-family: var(--medr1-font-code);
        font-size: 12px;
        line-height: 1.4;
        white-space: pre-wrap;
        background: var(--medr1-surface);
        border: 1px solid var(--medr1-border);
        border-radius: 2px;
      }
      .token.special {
        color: var(--medr1-text-2);
        border-style: dashed;
      }
      .token.image {
        color: var(--medr1-think);
        background: var(--medr1-think-surface);
        border-color: currentColor;
      }
      figure {
        margin: 8px 0 0;
      }
      figcaption {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        align-items: center;
        margin-bottom: 4px;
      }
      figcaption label {
        display: inline-flex;
        align-items: center;
      }
      .seen {
        position: relative;
        max-width: 100%;
        overflow: hidden;
        background: var(--medr1-behind);
      }
      .seen img {
        display: block;
        width: 100%;
        height: 100%;
      }
      .grid {
        position: absolute;
        inset: 0;
        background-image:
          linear-gradient(to right, var(--medr1-behind-grid) 1px, transparent 1px),
          linear-gradient(to bottom, var(--medr1-behind-grid) 1px, transparent 1px);
      }
    `,
  ];
}

define('medr1-prompt', SamplePrompt);
