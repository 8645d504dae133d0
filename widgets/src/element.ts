/** What every element of the workbench shares: it draws when what it watches changes, and only while it can be seen. */
import { LitElement, type PropertyValues } from 'lit';
import type { Subscribable } from './observable.ts';
import { theme } from './theme.ts';

export abstract class WatchingElement extends LitElement {
  #stops: (() => void)[] = [];
  /** False in a tab behind another, or scrolled away. Drawn once all the same, so that there is something to see. */
  protected onScreen = typeof IntersectionObserver === 'undefined';
  #sight: IntersectionObserver | null = null;
  /** A control that had the keyboard and was greyed, as buttons are while what they do is on its way. */
  #greyed: HTMLElement | null = null;

  /** What this element draws from; read anew whenever a property changes. */
  protected watched(): Subscribable[] {
    return [];
  }

  /** Called when the element gets on the page or its properties change, after the old `release` ran. */
  protected acquire(): void {}
  protected release(): void {}

  override connectedCallback(): void {
    super.connectedCallback();
    this.#follow();
    if (typeof IntersectionObserver === 'undefined') return;
    this.#sight = new IntersectionObserver((entries) => {
      this.onScreen = entries.at(-1)!.isIntersecting;
      if (this.onScreen) this.requestUpdate();
    });
    this.#sight.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#sight?.disconnect();
    this.#leave();
  }

  protected override shouldUpdate(changed: PropertyValues): boolean {
    return this.onScreen || !this.hasUpdated || this.identity().some((key) => changed.has(key));
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (this.isConnected && this.identity().some((key) => changed.has(key))) this.#follow();
    this.style.colorScheme = theme.value.dark ? 'dark' : 'light';
  }

  /** Browsers take the keyboard from a control that is greyed. It gets it back once it can be used again, unless something else has it. */
  protected override performUpdate(): void {
    const had = this.shadowRoot?.activeElement;
    super.performUpdate();
    if (had instanceof HTMLElement) this.#greyed = had.matches(':disabled') ? had : null;
    if (!this.#greyed || (this.#greyed.isConnected && this.#greyed.matches(':disabled'))) return;
    const isFree = document.activeElement === null || document.activeElement === document.body;
    if (isFree) this.#greyed.focus({ preventScroll: true });
    this.#greyed = null;
  }

  /** Properties that decide what is watched. */
  protected identity(): PropertyKey[] {
    return [];
  }

  #follow(): void {
    this.#leave();
    this.acquire();
    this.#stops = [theme, ...this.watched()].map((source) => source.subscribe(() => this.requestUpdate()));
  }

  #leave(): void {
    for (const stop of this.#stops) stop();
    if (this.#stops.length) this.release();
    this.#stops = [];
  }
}

/** A view whose page takes the keyboard when the host gives it to the view: at once, or as soon as there is something to walk through. */
export abstract class PageElement extends WatchingElement {
  #wantsKeys = false;

  override focus(): void {
    this.#wantsKeys = true;
    this.requestUpdate();
  }

  /** What its keys are pressed on; null while there is nothing to walk through. */
  protected get page(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>('.page');
  }

  protected override updated(): void {
    if (!this.#wantsKeys) return;
    const { page } = this; // looked for among a thousand rows
    if (!page) return;
    this.#wantsKeys = false;
    const at = document.activeElement;
    if (at && !at.contains(this)) return; // whoever waited went on elsewhere
    page.focus({ preventScroll: true });
  }
}

/** Registers an element; a second copy of the bundle on the same page keeps the first. */
export function define(tag: string, element: CustomElementConstructor): void {
  if (!customElements.get(tag)) customElements.define(tag, element);
}

/** An action that the host carries out: open a view, confirm a deletion. */
export interface HostCommand {
  id:
    | 'open-curves'
    | 'open-rollouts'
    | 'open-pair'
    | 'open-rewards'
    | 'open-new-run'
    | 'show-runs'
    | 'open-runs-table'
    | 'open-data'
    | 'open-sample'
    | 'open-alerts'
    | 'open-lineage'
    | 'open-audit'
    | 'open-evaluation'
    | 'open-compare'
    | 'copy-link'
    | 'run-menu'
    | 'fork-run'
    | 'delete-run'
    | 'offer-undo'
    | 'import-run'
    | 'open-trash'
    | 'send-to-notebook'
    | 'arrange-training'
    | 'arrange-data';
  args?: Record<string, string>;
}

export function command(from: EventTarget, id: HostCommand['id'], args: Record<string, string> = {}): void {
  const detail: HostCommand = { id, args };
  from.dispatchEvent(new CustomEvent('medr1-command', { detail, bubbles: true, composed: true }));
}
