/** A source text: in an editor of the host, or in a text field in which Tab indents. In both, Escape, then Tab, leaves it. */
import { css, html, LitElement, type PropertyValues, type TemplateResult } from 'lit';
import type { CodeEditor, CreateCodeEditor, EditorProblem, OffersAt } from './code-editor.ts';
import { define } from './element.ts';
import { base, tokens } from './theme.ts';

const INDENT = '  ';

/** Fires `source-change` with the text as it is typed. */
export class SourceEditor extends LitElement {
  static override properties = {
    source: { attribute: false },
    label: {},
    file: {},
    placeholder: {},
    rows: { type: Number },
    create: { attribute: false },
    problems: { attribute: false },
    offersAt: { attribute: false },
  };
  declare source: string;
  declare label: string;
  declare file: string;
  /** Shown while there is no source, where the host has no editor. */
  declare placeholder: string;
  /** Lines that it is high, at least. */
  declare rows: number;
  declare create: CreateCodeEditor | null;
  declare problems: readonly EditorProblem[];
  declare offersAt: OffersAt;
  #leaving = false;
  #editor: CodeEditor | null = null;
  /** What the editor holds: it is told only of what it does not know. */
  #held = '';

  constructor() {
    super();
    this.source = '';
    this.label = 'Source';
    this.file = 'source.ts';
    this.placeholder = '';
    this.rows = 8;
    this.create = null;
    this.problems = [];
    this.offersAt = () => null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.#open();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#close();
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has('create') || (changed.has('file') && this.#editor)) this.#open();
    if (this.#editor && this.source !== this.#held) {
      this.#held = this.source;
      this.#editor.setSource(this.source);
    }
    if (changed.has('problems')) this.#editor?.setProblems(this.problems);
  }

  /** Selects a line, from 1, and gives the editor the keyboard. */
  showLine(line: number): void {
    this.scrollIntoView?.({ block: 'nearest' });
    if (this.#editor) return this.#editor.showLine(line);
    const field = this.renderRoot.querySelector('textarea');
    if (!field) return;
    const lines = field.value.split('\n');
    const from = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0);
    field.focus();
    field.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
  }

  #open(): void {
    this.#close();
    const host = this.renderRoot.querySelector<HTMLElement>('.host');
    if (!host || !this.create) return;
    const { source, file, label } = this;
    this.#held = source;
    const offersAt: OffersAt = (text, at) => this.offersAt(text, at); // what is known of a run changes
    this.#editor = this.create({ host, source, file, label, offersAt, onChange: (text) => this.#edited(text) });
    this.#editor.setProblems(this.problems);
  }

  #close(): void {
    this.#editor?.dispose();
    this.#editor = null;
  }

  #edited(source: string): void {
    if (source === this.#held) return;
    this.#held = source;
    this.#tell(source);
  }

  protected override render(): TemplateResult {
    if (this.create)
      return html`<div
        class="host"
        style=${`--rows:${this.rows}`}
        data-testid="source-text"
        @keydown=${{ handleEvent: this.#leave, capture: true }}
      ></div>`;
    return html`<textarea
        spellcheck="false"
        autocapitalize="off"
        autocomplete="off"
        rows=${Math.min(24, Math.max(this.rows, this.source.split('\n').length + 1))}
        aria-label=${`${this.label}; Escape, then Tab, leaves the field`}
        data-testid="source-text"
        placeholder=${this.placeholder}
        .value=${this.source}
        @input=${(event: Event) => this.#tell((event.target as HTMLTextAreaElement).value)}
        @keydown=${this.#key}
      ></textarea>
      ${this.problems.map(({ line, message }) => html`<p class="small" role="note"><span class="warning">⚠ line ${line}</span> ${message}</p>`)}`;
  }

  /** Tab after Escape never gets to the host's editor, which would indent: the page moves the focus. */
  #leave = (event: KeyboardEvent): void => {
    if (event.key === 'Shift') return;
    if (event.key === 'Tab' && this.#leaving) event.stopPropagation();
    this.#leaving = event.key === 'Escape';
  };

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
      .host {
        border: 1px solid var(--medr1-border);
      }
      .host .cm-content,
      .host .cm-gutter {
        min-height: calc(var(--rows) * 20px);
      }
      .host .cm-editor {
        max-height: 440px;
        font: var(--jp-code-font-size, 13px) / var(--jp-code-line-height, 1.4) var(--medr1-font-code);
      }
      .host .cm-scroller {
        overflow: auto;
        font-family: inherit;
      }
    `,
  ];
}

define('medr1-source-editor', SourceEditor);
