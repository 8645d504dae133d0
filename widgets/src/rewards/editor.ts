/** Source of a reward function: a text field in which Tab indents. Escape, then Tab, leaves it. */
import { css, html, LitElement, type TemplateResult } from 'lit';
import { define } from '../element.ts';
import { base, tokens } from '../theme.ts';

const INDENT = '  ';

/** Fires `source-change` with the text as it is typed. */
export class RewardEditor extends LitElement {
  static override properties = { source: { attribute: false }, label: {} };
  declare source: string;
  declare label: string;
  #leaving = false;

  constructor() {
    super();
    this.source = '';
    this.label = 'Source';
  }

  protected override render(): TemplateResult {
    return html`<textarea
      spellcheck="false"
      autocapitalize="off"
      autocomplete="off"
      wrap="off"
      rows=${Math.min(24, Math.max(8, this.source.split('\n').length + 1))}
      aria-label=${`${this.label}; Escape, then Tab, leaves the field`}
      data-testid="reward-source"
      .value=${this.source}
      @input=${(event: Event) => this.#tell((event.target as HTMLTextAreaElement).value)}
      @keydown=${this.#key}
    ></textarea>`;
  }

  #key = (event: KeyboardEvent): void => {
    const leaving = this.#leaving;
    this.#leaving = event.key === 'Escape';
    if (event.key !== 'Tab' || leaving || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const field = event.target as HTMLTextAreaElement;
    const { selectionStart: from, selectionEnd: to, value } = field;
    const start = value.lastIndexOf('\n', from - 1) + 1;
    const lines = value.slice(start, to);
    const many = lines.includes('\n') || event.shiftKey;
    if (!many) field.setRangeText(INDENT, from, to, 'end');
    else {
      const moved = event.shiftKey ? lines.replace(/^ {1,2}/gm, '') : lines.replace(/^/gm, INDENT);
      field.setRangeText(moved, start, to, 'preserve');
    }
    this.#tell(field.value);
  };

  #tell(source: string): void {
    this.source = source;
    this.dispatchEvent(new CustomEvent('source-change', { detail: source }));
  }

  static override styles = [
    tokens,
    base,
    css`
      textarea {
        box-sizing: border-box;
        width: 100%;
        resize: vertical;
        padding: 6px;
        border: 1px solid var(--medr1-border);
        background: var(--medr1-surface);
        color: var(--medr1-text);
        font: 12px/1.5 var(--jp-code-font-family, ui-monospace, monospace);
        tab-size: 2;
      }
    `,
  ];
}

define('medr1-reward-editor', RewardEditor);
