// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest';
import { closeMenu, type Menu } from './menu.ts';

afterEach(() => document.body.replaceChildren());

async function menu(): Promise<{ element: Menu; button: HTMLElement; inside: HTMLElement }> {
  const element = document.createElement('medr1-menu') as Menu;
  const inside = document.createElement('button');
  element.append(inside);
  document.body.append(element);
  await element.updateComplete;
  const button = element.shadowRoot!.querySelector('button')!;
  button.click();
  await element.updateComplete;
  expect(element.open).toBe(true);
  return { element, button, inside };
}
const escape = (at: HTMLElement): void =>
  void at.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, composed: true }));

it('Escape closes it, from its button and from within, and the button has the keyboard', async () => {
  for (const from of ['button', 'inside'] as const) {
    const made = await menu();
    escape(made[from]);
    expect([made.element.open, made.element.shadowRoot!.activeElement]).toEqual([false, made.button]);
  }
});

it('a press elsewhere closes it, one within does not, and what is within can close it', async () => {
  const { element, inside } = await menu();
  inside.dispatchEvent(new Event('pointerdown', { bubbles: true, composed: true }));
  expect(element.open).toBe(true);
  document.body.dispatchEvent(new Event('pointerdown', { bubbles: true, composed: true }));
  expect(element.open).toBe(false);
  element.open = true;
  inside.addEventListener('click', closeMenu);
  inside.click();
  expect(element.open).toBe(false);
});
