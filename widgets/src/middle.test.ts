// @vitest-environment jsdom
import { render } from 'lit';
import { expect, it } from 'vitest';
import { middle } from './middle.ts';

function drawn(text: string): HTMLElement {
  const at = document.createElement('div');
  render(middle(text), at);
  return at.firstElementChild as HTMLElement;
}

it('of a long name the end stays where room is short, and the whole is said on hover', () => {
  const [one, other] = ['First run, from a notebook · accuracy', 'First run, from a notebook · format'].map(drawn);
  for (const name of [one, other]) expect(name.title).toBe(name.textContent);
  const kept = [one, other].map((name) => name.lastElementChild!);
  expect(kept.map((end) => end.classList.contains('ellipsis'))).toEqual([false, false]);
  expect(kept[0].textContent).not.toBe(kept[1].textContent);
});

it('a short name is in one piece', () => expect(drawn('Demo').childElementCount).toBe(0));
