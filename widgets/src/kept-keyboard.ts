/** A control that a person used goes, or is greyed for good: the keyboard goes on to the one before it, in place of nowhere. */

const CONTROLS = 'button, input, select, textarea, summary, a[href], [tabindex="0"]';

export class KeptKeyboard {
  #preferred: string | null = null;
  #had: { control: Element; others: HTMLElement[] } | null = null;

  /** What takes the place of a control that goes when the view is drawn next, as a CSS selector. */
  prefer(selector: string): void {
    this.#preferred = selector;
  }

  /** Before the view is drawn. */
  note(root: ShadowRoot | null): void {
    const control = root?.activeElement;
    if (!root || !control) {
      if (this.#had && isUsable(this.#had.control)) this.#had = null; // whoever used it went elsewhere
      return;
    }
    const all = [...root.querySelectorAll<HTMLElement>(CONTROLS)];
    const isBefore = (one: HTMLElement): boolean => (control.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING) !== 0;
    this.#had = { control, others: [...all.filter(isBefore).reverse(), ...all.filter((one) => !isBefore(one))] };
  }

  /** After it. `busy`: what the control does is on its way, and it comes back when that is done. */
  keep(root: ShadowRoot | null, busy: boolean): void {
    const preferred = this.#preferred === null ? null : (root?.querySelector<HTMLElement>(this.#preferred) ?? null);
    this.#preferred = null;
    if (!this.#had) return;
    const { control, others } = this.#had;
    if (isUsable(control)) return;
    if (busy && control.isConnected) return;
    this.#had = null;
    const at = focused();
    if (at === document.body || at === control) (preferred ?? others.find((one) => one !== control && isUsable(one)))?.focus();
  }
}

const isUsable = (control: Element): boolean => control.isConnected && !control.matches(':disabled');

/** What has the keyboard, within shadow roots too. */
export function focused(): HTMLElement | null {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at as HTMLElement | null;
}
