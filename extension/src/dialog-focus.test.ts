// @vitest-environment jsdom
import { expect, it } from 'vitest';
import { keepingFocus } from './dialog-focus.ts';

function view(): HTMLButtonElement {
  const host = document.createElement('div');
  document.body.append(host);
  const button = document.createElement('button');
  host.attachShadow({ mode: 'open' }).append(button);
  return button;
}

it('what had the keyboard within a view has it again after a dialog, one that was refused too', async () => {
  const button = view();
  const field = document.body.appendChild(document.createElement('input'));
  for (const end of [() => Promise.resolve('yes'), () => Promise.reject(new Error('no'))]) {
    button.focus();
    await keepingFocus(() => {
      field.focus();
      return end();
    }).catch(() => {});
    expect((button.getRootNode() as ShadowRoot).activeElement).toBe(button);
  }
});

it('where it is gone, the keyboard stays where the dialog left it', async () => {
  const button = view();
  const field = document.body.appendChild(document.createElement('input'));
  button.focus();
  await keepingFocus(() => {
    field.focus();
    button.remove();
    return Promise.resolve();
  });
  expect(document.activeElement).toBe(field);
});
