import { expect, it } from 'vitest';
import { generate, read } from '../../native/generate.mjs';
import { medr1, torch } from './index.ts';
import { native } from './native.ts';

it('aten.d.ts is what the installed PyTorch generates', () => {
  // Other versions have other operators; the committed file is that of the version that the set-up installs.
  if (!native.builtFor().startsWith('2.11.')) return;
  expect(read() === generate(native), 'run node kernel-bridge/native/generate.mjs').toBe(true);
});

it('every operator of the aten namespace is there, and our own', () => {
  expect(native.packetNames().length).toBeGreaterThan(1000);
  for (const name of native.packetNames()) {
    if (name.startsWith('medr1::')) expect(medr1).toHaveProperty(name.slice('medr1::'.length));
    else expect(torch).toHaveProperty(name);
  }
});
