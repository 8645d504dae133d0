/** What every element of the workbench shares: it draws when what it watches changes, and only while it is on the page. */
import { LitElement, type PropertyValues } from 'lit';
import type { Subscribable } from './observable.ts';
import { theme } from './theme.ts';

export abstract class WatchingElement extends LitElement {
  #stops: (() => void)[] = [];

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
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave();
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (this.isConnected && [...changed.keys()].some((key) => this.#identity().has(key))) this.#follow();
    this.style.colorScheme = theme.value.dark ? 'dark' : 'light';
  }

  /** Properties that decide what is watched. */
  protected identity(): PropertyKey[] {
    return [];
  }

  #identity(): Set<PropertyKey> {
    return new Set(this.identity());
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

/** Registers an element; a second copy of the bundle on the same page keeps the first. */
export function define(tag: string, element: CustomElementConstructor): void {
  if (!customElements.get(tag)) customElements.define(tag, element);
}

/** An action that the host carries out: open a view, confirm a deletion. */
export interface HostCommand {
  id: 'open-curves' | 'open-rollouts' | 'open-rewards' | 'open-new-run' | 'open-runs' | 'delete-run' | 'arrange-training';
  args?: Record<string, string>;
}

export function command(from: EventTarget, id: HostCommand['id'], args: Record<string, string> = {}): void {
  const detail: HostCommand = { id, args };
  from.dispatchEvent(new CustomEvent('medr1-command', { detail, bubbles: true, composed: true }));
}
