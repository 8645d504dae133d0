// @vitest-environment jsdom
import { html } from 'lit';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { define, PageElement, WatchingElement } from './element.ts';
import { Observable } from './observable.ts';

const value = new Observable(0);
let draws = 0;
class Probe extends WatchingElement {
  protected override watched() {
    return [value];
  }
  protected override render() {
    draws++;
    return html`${value.value}`;
  }
}
define('medr1-probe', Probe);

let show: (visible: boolean) => void = () => {};
beforeEach(() => {
  draws = 0;
  vi.stubGlobal(
    'IntersectionObserver',
    class {
      constructor(tell: (entries: { isIntersecting: boolean }[]) => void) {
        show = (isIntersecting) => tell([{ isIntersecting }]);
      }
      observe(): void {}
      disconnect(): void {}
    },
  );
});
afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

async function probe(): Promise<Probe> {
  const element = document.createElement('medr1-probe') as Probe;
  document.body.append(element);
  await element.updateComplete;
  return element;
}

it('behind another tab it is drawn once, and then again when it comes to the front', async () => {
  const element = await probe();
  for (let i = 1; i <= 5; i++) {
    value.set(i);
    await element.updateComplete;
  }
  expect(draws).toBe(1);
  show(true);
  await element.updateComplete;
  expect([draws, element.shadowRoot!.textContent]).toEqual([2, '5']);
});

it('follows what it watches while it is on the page', async () => {
  const element = await probe();
  show(true);
  value.set(7);
  await element.updateComplete;
  expect(element.shadowRoot!.textContent).toBe('7');
  element.remove();
  expect(value.observed).toBe(0);
});

it('a second bundle on the page keeps the first definition', () => {
  expect(() => define('medr1-probe', class extends HTMLElement {})).not.toThrow();
  expect(customElements.get('medr1-probe')).toBe(Probe);
});

class Page extends PageElement {
  protected override watched() {
    return [value];
  }
  protected override render() {
    return value.value > 0 ? html`<div class="page" tabindex="-1"></div>` : html`nothing yet`;
  }
}
define('medr1-page-probe', Page);

it.each([
  ['has its page', 'once there is one', (field: HTMLElement) => field.blur(), true],
  ['leaves the keyboard alone', 'where it went on elsewhere meanwhile', (field: HTMLElement) => field.focus(), false],
])('what was given the keyboard %s %s', async (_does, _where, meanwhile, taken) => {
  value.set(0);
  const field = document.createElement('input');
  const element = document.createElement('medr1-page-probe') as Page;
  document.body.append(field, element);
  show(true);
  element.focus();
  await element.updateComplete;
  meanwhile(field);
  value.set(1);
  await element.updateComplete;
  expect(element.shadowRoot!.activeElement !== null).toBe(taken);
});

it('a control that was greyed while it was busy has the keyboard again, unless something else has it', async () => {
  const busy = new Observable(false);
  class Busy extends WatchingElement {
    protected override watched() {
      return [busy];
    }
    protected override render() {
      return html`<button ?disabled=${busy.value}>go</button>`;
    }
  }
  define('medr1-busy', Busy);
  const element = document.createElement('medr1-busy') as Busy;
  const other = document.createElement('button');
  document.body.append(element, other);
  await element.updateComplete;
  show(true);
  const button = element.shadowRoot!.querySelector('button')!;
  const press = async (meanwhile: () => void): Promise<void> => {
    button.focus();
    busy.set(true);
    await element.updateComplete;
    button.blur(); // as browsers do
    meanwhile();
    busy.set(false);
    await element.updateComplete;
  };
  await press(() => {});
  expect(element.shadowRoot!.activeElement).toBe(button);
  await press(() => other.focus());
  expect(document.activeElement).toBe(other);
});
