// @vitest-environment jsdom
import { expect, it } from 'vitest';
import { isTyping } from './keys.ts';

function typed(tag: string, into: (element: HTMLElement) => void = () => {}): boolean {
  const host = document.createElement('div');
  const inner = document.createElement(tag);
  into(inner);
  host.attachShadow({ mode: 'open' }).append(inner);
  document.body.append(host);
  let found: boolean | null = null;
  host.addEventListener('keydown', (event) => (found = isTyping(event)));
  inner.dispatchEvent(new KeyboardEvent('keydown', { key: '?', bubbles: true, composed: true }));
  return found!;
}

it('"?" is text where text is typed, also inside a shadow root', () => {
  expect(['input', 'textarea', 'select'].map((tag) => typed(tag))).toEqual([true, true, true]);
  expect(typed('div', (element) => Object.defineProperty(element, 'isContentEditable', { value: true }))).toBe(true);
  expect(['button', 'li', 'span'].map((tag) => typed(tag))).toEqual([false, false, false]);
});
