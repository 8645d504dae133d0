/** Where the images of a file of questions lie, and which of its paths lead there. */
import { access, readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kindOf } from './folders.ts';
import { isInside } from './images.ts';
import type { Layout, Source } from './layout.ts';

/** Folders of images that stand beside a table: those of PMC-VQA, MedXpertQA and others. */
const IMAGE_FOLDER = /^(images?|imgs?|figures?|figs?|pictures?|photos?|media)(_\d+)?$/i;

/**
 * The folder in which the first images of a file are found: the data set's own, an images folder in it, or one above it (split files are
 * often kept apart). Of several the one with most of them. The data set's folder where none is found.
 */
export async function imageBase(layout: Layout, source: Source, wanted: readonly string[]): Promise<string> {
  if (layout.kind === 'imagefolder') return dirname(source.path);
  const start = layout.kind === 'table' || layout.kind === 'parquet' ? dirname(source.path) : layout.dir;
  for (let dir = start; dir !== dirname(dir); dir = dirname(dir)) {
    // Above the folder that was named only what OmniMedVQA calls its images is looked for: the rest up there is nobody's business.
    const inside = isInside(layout.dir, dir);
    const here = inside ? wanted : wanted.filter((image) => image.startsWith('Images/'));
    let best = { dir, found: 0 };
    for (const candidate of here.length === 0 ? [] : [dir, ...(inside ? await imageFolders(dir) : [])]) {
      const there = await Promise.all(here.map((image) => exists(join(candidate, image))));
      const found = there.filter(Boolean).length;
      if (found > best.found) best = { dir: candidate, found };
    }
    if (best.found > 0) return best.dir;
  }
  return layout.dir;
}

/** Image folders in a folder, by name, and theirs for one side of a split: images, images/train. */
async function imageFolders(dir: string): Promise<string[]> {
  const folders: string[] = [];
  for (const name of await foldersIn(dir)) {
    if (!IMAGE_FOLDER.test(name)) continue;
    folders.push(join(dir, name));
    for (const inner of await foldersIn(join(dir, name))) {
      if (IMAGE_FOLDER.test(inner) || /^(train|test|val|validation|dev)$/i.test(inner)) folders.push(join(dir, name, inner));
    }
  }
  return folders;
}

async function foldersIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const names: string[] = [];
  for (const entry of entries) {
    if ((await kindOf(entry, join(dir, entry.name))) === 'folder') names.push(entry.name);
  }
  return names.toSorted();
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** Absolute paths and file:// addresses of files in a folder as paths relative to it; others stay as they are, to be refused. */
export async function insidePaths(root: string): Promise<(image: string) => string> {
  const folders = new Set([resolve(root), await realpath(root).catch(() => resolve(root))]);
  return (image) => {
    const path = absolutePath(image);
    const folder = path === null ? undefined : [...folders].find((own) => isInside(own, path));
    return path === null || folder === undefined ? image : relative(folder, path).split(sep).join('/');
  };
}

/** Of an absolute path or a file address; null of what is neither. */
function absolutePath(image: string): string | null {
  if (!/^(\/|file:)/i.test(image) || image.includes('\0')) return null;
  try {
    return resolve(image.startsWith('/') ? image : fileURLToPath(image));
  } catch {
    return null; // an address on another host, or none
  }
}
