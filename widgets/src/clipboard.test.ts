// @vitest-environment jsdom
import { afterEach, expect, it, vi } from 'vitest';
import { copyText } from './clipboard.ts';

afterEach(() => void vi.unstubAllGlobals());
const copied: string[] = [];
/** A browser's older way: it copies what is selected in the focused field. */
const older = (works: boolean) => {
  document.execCommand = () => {
    const area = document.querySelector('textarea')!;
    copied.push(area.value.slice(area.selectionStart, area.selectionEnd));
    return works;
  };
};

it('goes by navigator.clipboard where it is there', async () => {
  const writeText = vi.fn(() => Promise.resolve());
  vi.stubGlobal('navigator', { clipboard: { writeText } });
  expect(await copyText('a')).toBe(true);
  expect(writeText).toHaveBeenCalledWith('a');
});

it.each([
  ['is absent, as over http from another machine', undefined],
  ['is refused', { writeText: () => Promise.reject(new Error('NotAllowedError')) }],
])('copies what it selects where that %s, and leaves focus and page as they were', async (_, clipboard) => {
  vi.stubGlobal('navigator', { clipboard });
  older(true);
  document.body.replaceChildren(document.createElement('button'));
  document.querySelector('button')!.focus();
  expect(await copyText('a\nb')).toBe(true);
  expect(copied.at(-1)).toBe('a\nb');
  expect(document.querySelector('textarea')).toBeNull();
  expect(document.activeElement).toBe(document.querySelector('button'));
});

it('says where nothing was copied', async () => {
  vi.stubGlobal('navigator', {});
  older(false);
  expect(await copyText('a')).toBe(false);
});
