import { expect, it } from 'vitest';
import { findTorch } from '../../native/build.mjs';
import { sourcesKey } from '../../native/sources.mjs';
import { checkBuild } from './native.ts';

const torch = findTorch()!;
const refusal = (says: RegExp): unknown =>
  expect.objectContaining({
    code: 'TORCH_ADDON',
    message: expect.stringMatching(says) as string,
    remedy: expect.stringContaining('npm start') as string,
  });

it('an addon of these sources and this PyTorch is taken', () => {
  expect(() => checkBuild({ torch, sources: sourcesKey() })).not.toThrow();
});

it.each([
  ['of other sources', { torch, sources: '0123456789abcdef' }, /addon is out of date: kernel-bridge\/native has changed/],
  ['of sources that are not known', { torch }, /addon is out of date/],
  ['for another PyTorch', { torch: { ...torch, version: '2.6.0' }, sources: sourcesKey() }, /built for PyTorch 2\.6\.0; .* now holds 2/],
  ['for a PyTorch that is gone', { torch: { dir: '/nowhere', version: '2.6.0' }, sources: sourcesKey() }, /\/nowhere now holds none/],
])('one %s is refused with the command that builds it', (_, stamp, says) => {
  expect(() => checkBuild(stamp)).toThrow(refusal(says) as Error);
});
