// @vitest-environment jsdom
import { html, LitElement, type TemplateResult } from 'lit';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { define } from './element.ts';
import { keepUncovered } from './uncovered.ts';

let resize: () => void = () => {};
const watched = new Set<Element>();
beforeEach(() => {
  watched.clear();
  vi.stubGlobal(
    'ResizeObserver',
    class {
      constructor(tell: () => void) {
        resize = tell;
      }
      observe(element: Element): void {
        watched.add(element);
      }
      disconnect(): void {
        watched.clear();
      }
    },
  );
});
afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

class Probe extends LitElement {
  pinned = true;
  constructor() {
    super();
    keepUncovered(this, { part: '.head' });
    keepUncovered(this, { part: '.foot', edge: 'bottom', scroller: '.page' });
  }
  protected override render(): TemplateResult {
    return html`${this.pinned ? html`<div class="head"></div>` : ''}
      <div class="page"><footer class="foot"></footer></div>`;
  }
}
define('medr1-uncovered-probe', Probe);

async function probe(): Promise<Probe> {
  const element = document.createElement('medr1-uncovered-probe') as Probe;
  document.body.append(element);
  await element.updateComplete;
  return element;
}
const tall = (part: Element, height: number): void =>
  void Object.defineProperty(part, 'offsetHeight', { value: height, configurable: true });

it('what scrolls is padded by the height of what is pinned, as that changes', async () => {
  const element = await probe();
  tall(element.shadowRoot!.querySelector('.foot')!, 30);
  resize(); // of the one that was made last
  expect(element.shadowRoot!.querySelector<HTMLElement>('.page')!.style.getPropertyValue('scroll-padding-bottom')).toBe('30px');
  element.remove();
  document.body.append(element);
  element.requestUpdate();
  await element.updateComplete;
  expect(watched.size).toBeGreaterThan(0);
});

it('watches nothing that is not drawn any more', async () => {
  const element = await probe();
  const head = element.shadowRoot!.querySelector('.head')!;
  expect(watched).toContain(head);
  element.pinned = false;
  element.requestUpdate();
  await element.updateComplete;
  expect(watched).not.toContain(head);
});
