import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import type { VqaItem } from '../../protocol/index.ts';
import { temporary } from '../fixtures.ts';
import { sampledPixels } from './sizes.ts';

it('gives the pixels of the largest image that can be read, and nothing where none can', async () => {
  using dir = temporary();
  const make = (name: string, width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: 'grey' } })
      .png()
      .toFile(join(dir.path, name));
  await make('small.png', 10, 10);
  await make('large.png', 40, 30);
  const items = ['small.png', 'missing.png', 'large.png', '../outside.png'].map((image) => ({ image }) as VqaItem);
  expect(await sampledPixels(dir.path, items)).toBe(1200);
  expect(await sampledPixels(dir.path, items.slice(1, 2))).toBeUndefined();
  expect(await sampledPixels(dir.path, [])).toBeUndefined();
});
