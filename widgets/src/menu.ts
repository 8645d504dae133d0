/** A button that opens a small panel below it; closes by Escape, by a click elsewhere, or when what is in it asks for it. */
import { css, html, nothing, type TemplateResult, LitElement } from 'lit';
import { define } from './element.ts';
import { base, tokens } from './theme.ts';

export class Menu extends LitElement {
  static override properties = { label: {}, says: {}, open: { type: Boolean, reflect: true }, up: { type: Boolean, reflect: true } };
  declare label: string;
  /** What is read out, where the label is a sign. */
  declare says: string;
  declare open: boolean;
  /** Opens upwards, at the foot of a view. */
  declare up: boolean;

  constructor() {
    super();
    this.label = '';
    this.says = '';
    this.open = false;
    this.up = false;
  }

  close(): void {
    this.open = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('pointerdown', this.#onOutside);
    this.addEventListener('keydown', this.#onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('pointerdown', this.#onOutside);
    this.removeEventListener('keydown', this.#onKey);
  }

  protected override render(): TemplateResult {
    return html`<button
        aria-expanded=${this.open}
        aria-haspopup="true"
        aria-label=${this.says || nothing}
        title=${this.says || nothing}
        @click=${() => (this.open = !this.open)}
      >
        ${this.label} <span aria-hidden="true">▾</span>
      </button>
      ${this.open ? html`<div class="panel"><slot></slot></div>` : nothing}`;
  }

  #onOutside = (event: Event): void => {
    if (this.open && !event.composedPath().includes(this)) this.open = false;
  };

  #onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !this.open) return;
    event.stopPropagation();
    this.open = false;
    this.renderRoot.querySelector('button')?.focus();
  };

  static override styles = [
    tokens,
    base,
    css`
      :host {
        position: relative;
        display: inline-block;
        background: none;
      }
      .panel {
        position: absolute;
        z-index: 10;
        top: calc(100% + 2px);
        right: 0;
        min-width: 200px;
        max-width: min(360px, 90vw);
        padding: 4px;
        border: 1px solid var(--medr1-border);
        border-radius: 2px;
        color: var(--medr1-text);
        background: var(--medr1-surface);
        box-shadow: var(--medr1-shadow);
      }
      :host([up]) .panel {
        top: auto;
        bottom: calc(100% + 2px);
      }
    `,
  ];
}

/** Choices in a menu, a line each: their names in a column, what is chosen beside them. */
export const menuChoices = css`
  .choices {
    display: grid;
    gap: 4px;
    min-width: min(280px, 85vw); /* of a panel that is as wide as it has to be: selects are not cut */
  }
  .choices label {
    display: grid;
    grid-template-columns: 12ch minmax(0, 1fr);
  }
`;

/** Closes the menu around what was clicked. */
export const closeMenu = (event: Event): void => (event.currentTarget as HTMLElement).closest<Menu>('medr1-menu')?.close();

define('medr1-menu', Menu);
