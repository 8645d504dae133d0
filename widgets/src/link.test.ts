import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOTHING } from '@medr1/kernel-bridge/protocol/selection';
import { linkIn, linkOf, pageLinkOf, selectionOf, withoutLink } from './link.ts';

const text = fc.option(fc.string({ unit: 'grapheme', maxLength: 40 }));
const index = fc.option(fc.nat(1_000_000));
const runs = fc.array(fc.stringMatching(/^\d{8}-\d{6}-[a-z]{4}$/), { maxLength: 4 });

it('any selection comes back from its link', () => {
  fc.assert(
    fc.property(
      fc.record({
        dataset: text,
        item: text,
        variant: text,
        search: text,
        runs,
        evaluations: runs,
        step: index,
        group: index,
        completion: index,
        token: index,
      }),
      (selection) => {
        expect(selectionOf(linkOf(selection))).toEqual(selection);
      },
    ),
  );
});

it('is readable, and leaves out what is not selected', () => {
  expect(linkOf({ ...NOTHING, runs: ['a', 'b'], step: 12, group: 0 })).toBe('medr1:?runs=a%2Cb&step=12&group=0');
  expect(selectionOf(' medr1:?runs=a,b&step=12\n')).toEqual({ ...NOTHING, runs: ['a', 'b'], step: 12 });
});

it.each([
  ['https://example.org/?step=3', 'nor is an address with medr1= in it'],
  ['medr1:?step=x', 'step is "x", not a whole number'],
  ['medr1:?step=-1', 'step is "-1"'],
  ['medr1:?stage=3', 'names "stage"'],
])('refuses %s', (link, message) => {
  expect(() => selectionOf(link)).toThrow(expect.objectContaining({ message: expect.stringContaining(message), code: 'LINK_INVALID' }));
});

describe('the address of a page', () => {
  const selection = { ...NOTHING, runs: ['a', 'b'], step: 12, group: 3, dataset: 'CT & MRI = both' };

  it('brings the selection back, under any base URL, and gives no token away', () => {
    const address = pageLinkOf(selection, 'https://hub.example/user/alice/lab/workspaces/w1?token=secret#x');
    expect(address).toMatch(/^https:\/\/hub\.example\/user\/alice\/lab\/workspaces\/w1\?medr1=/);
    expect(address).not.toContain('secret');
    expect(selectionOf(linkIn(address)!)).toEqual(selection);
    expect(selectionOf(address)).toEqual(selection);
    expect(selectionOf(` ${address}&token=other `)).toEqual(selection);
  });

  it('goes from the address once it was opened, and nothing else does', () => {
    expect(withoutLink('http://x/lab?reset&medr1=runs%3Da#top')).toBe('http://x/lab?reset=#top');
    expect(linkIn('http://x/lab?other=1')).toBeNull();
    expect(() => selectionOf('http://x/lab')).toThrow();
  });
});
