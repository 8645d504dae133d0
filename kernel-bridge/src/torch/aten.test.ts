import { expect, it } from 'vitest';
import { generate, read } from '../../native/generate.mjs';
import { native } from './native.ts';
import { collectives, medr1, torch } from './ops.ts';

it('aten.d.ts is what the installed PyTorch generates', () => {
  // Other versions have other operators; the committed file is that of the version that the set-up installs.
  if (!native.builtFor().startsWith('2.11.')) return;
  expect(read() === generate(native), 'run node kernel-bridge/native/generate.mjs').toBe(true);
});

it('every operator of aten is there, our own, and the collectives', () => {
  expect(native.packetNames().length).toBeGreaterThan(1000);
  const namespaces: Record<string, object> = { '': torch, medr1, _c10d_functional: collectives };
  for (const name of native.packetNames()) {
    const [operator, namespace = ''] = name.split('::').reverse();
    expect(namespaces[namespace]).toHaveProperty(operator);
  }
});
