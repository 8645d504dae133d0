// @vitest-environment jsdom
import { html, nothing, render } from 'lit';
import { beforeEach, expect, it, vi } from 'vitest';
import { thumb, thumbSize } from './thumb.ts';

let host: HTMLElement;
beforeEach(() => {
  vi.useFakeTimers();
  host = document.createElement('div');
  return () => vi.useRealTimers();
});
const show = (url: string): HTMLImageElement => {
  render(html`<img ${thumb(url)} />`, host);
  return host.querySelector('img')!;
};

it('is asked for once its tile has stayed for a moment', () => {
  const image = show('a.webp');
  expect(image.hasAttribute('src')).toBe(false);
  vi.runAllTimers();
  expect(image.getAttribute('src')).toBe('a.webp');
});

it('is given up when its tile leaves, and never asked for when the tile left before', () => {
  const loading = show('a.webp');
  vi.runAllTimers();
  render(nothing, host);
  expect(loading.hasAttribute('src')).toBe(false);
  const passing = show('b.webp');
  render(nothing, host);
  vi.runAllTimers();
  expect(passing.hasAttribute('src')).toBe(false);
});

it('follows another address, and stays with the same', () => {
  const image = show('a.webp');
  vi.runAllTimers();
  const set = vi.spyOn(image, 'setAttribute');
  show('a.webp');
  vi.runAllTimers();
  expect(set).not.toHaveBeenCalled();
  show('b.webp');
  vi.runAllTimers();
  expect(image.getAttribute('src')).toBe('b.webp');
});

it.each([
  [150, 150, 1, 192],
  [150, 150, 2, 384],
  [200, 150, 1, 192], // a tenth too few pixels are not seen
  [390, 150, 2, 768],
  [40, 40, 1, 96],
  [2000, 900, 2, 768],
])('a tile of %s x %s at %s pixels a point takes %s', (width, height, ratio, size) => expect(thumbSize(width, height, ratio)).toBe(size));
