import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporary, write } from './fixtures.ts';
import { ImageFolder, isInside } from './images.ts';
import { readImage } from './image/open.ts';

describe('an image path stays in the data folder', () => {
  it('whatever it says', async () => {
    using dir = temporary();
    const root = write(join(dir.path, 'data'), { 'Images/a & b (1)/ü [x].png': 'x', 'Images/deep/up/../../c.png': 'x' });
    write(dir.path, { 'secret.png': 'x', 'data-other/x.png': 'x' });
    symlinkSync(join(dir.path, 'secret.png'), join(root, 'Images/out.png'));
    symlinkSync(dir.path, join(root, 'Images/outside'));
    symlinkSync(join(root, 'Images/c.png'), join(root, 'Images/in.png'));
    symlinkSync('nowhere', join(root, 'Images/broken.png'));
    mkdirSync(join(root, 'Images/folder.png'));
    execFileSync('mkfifo', [join(root, 'Images/pipe.png')]);
    symlinkSync('pipe.png', join(root, 'Images/pipe-link.png'));
    const images = new ImageFolder(root);
    const cases: [string, string | null][] = [
      ['Images/a & b (1)/ü [x].png', null],
      ['Images/../Images/c.png', null],
      ['Images/in.png', null],
      ['', 'image-none'],
      ['../secret.png', 'image-outside'],
      ['Images/../../secret.png', 'image-outside'],
      ['../data-other/x.png', 'image-outside'],
      [join(dir.path, 'secret.png'), 'image-outside'],
      ['file:///etc/passwd', 'image-outside'],
      ['C:/x.png', 'image-outside'],
      ['Images/c.png\0.png', 'image-outside'],
      ['Images/out.png', null], // links are the user's own
      ['Images/outside/secret.png', null],
      ['Images/outside/../../../secret.png', 'image-outside'],
      ['Images/pipe-link.png', 'image-not-a-file'],
      ['Images/broken.png', 'image-missing'],
      ['Images/none.png', 'image-missing'],
      ['none/none.png', 'image-missing'],
      ['Images/folder.png', 'image-not-a-file'],
      ['Images/pipe.png', 'image-not-a-file'],
    ];
    for (const [path, problem] of cases) {
      expect([path, await images.check(path)]).toEqual([path, problem]);
      // the second door says no as well, and never waits for a pipe
      if (problem) await expect(readImage(root, path)).rejects.toMatchObject({ code: 'DATA_IMAGE' });
      else expect((await readImage(root, path)).toString()).toBe('x');
    }
  });

  it('is found in either form of Unicode, folders and names', async () => {
    using dir = temporary();
    const [whole, apart] = ['Rétine é'.normalize('NFC'), 'Rétine é'.normalize('NFD')];
    write(dir.path, { [`Images/${apart}/${apart}.png`]: 'x', [`Images/${whole} b.png`]: 'x' });
    const images = new ImageFolder(dir.path);
    expect(await images.find(`Images/${whole}/${apart}.png`)).toEqual({ path: `Images/${apart}/${apart}.png`, problem: null });
    expect(await images.find(`Images/${apart} b.png`)).toEqual({ path: `Images/${whole} b.png`, problem: null });
    expect(await images.find(`Images/${whole}/none.png`)).toEqual({ path: `Images/${whole}/none.png`, problem: 'image-missing' });
    expect(await images.find(`../${whole}.png`)).toEqual({ path: `../${whole}.png`, problem: 'image-outside' });
  });

  it('a folder is not inside another whose name it begins with', () => {
    expect([isInside('/data', '/database'), isInside('/data', '/data/..x'), isInside('/data', '/data')]).toEqual([false, true, true]);
  });
});
