/**
 * Builds what pages load: protocol, client and readings of the backend, the widgets, the extension, and out of them JupyterLab's bundle and
 * the module of live cells.
 *
 *     node kernel-bridge/setup/build-extension.mjs [--force] [--development]
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { command } from './command.mjs';
import { nodeModules, root, venv } from './paths.mjs';
import { hashFiles, stamp, unlike } from './stamp.mjs';

const output = join(root, 'extension/medr1_workbench/labextension');
const mark = join(output, '.medr1-built');

/** What the bundle is made from; tests are not. */
const SOURCES = [
  'kernel-bridge/src/answers',
  'kernel-bridge/src/protocol',
  'kernel-bridge/src/client',
  'kernel-bridge/tsconfig.json',
  'kernel-bridge/tsconfig.build.json',
  'kernel-bridge/package.json',
  'widgets/src',
  'widgets/tsconfig.json',
  'widgets/package.json',
  'widgets/vite.live.config.ts',
  'extension/src',
  'extension/schema',
  'extension/style',
  'extension/tsconfig.json',
  'extension/package.json',
  'package-lock.json',
];
/** In the order of their imports; each leaves its JavaScript and declarations in lib/. */
export const PROJECTS = ['kernel-bridge/tsconfig.build.json', 'widgets/tsconfig.json', 'extension/tsconfig.json'];

function filesIn(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

const sourceHash = () => hashFiles(SOURCES.flatMap((path) => filesIn(join(root, path))).filter((path) => !path.endsWith('.test.ts')));

/** Null when the bundle is what the sources make, otherwise what is missing. */
export const check = () => unlike(mark, sourceHash(), 'not built', 'its sources changed since it was built');

/** The bundle is another's from here on (a watcher's): the next start builds its own. */
export const disown = () => rmSync(mark, { force: true });

export async function build({ development = false } = {}) {
  const hash = sourceHash(); // of what is read now: an edit during the build makes the next start build again
  disown();
  for (const project of PROJECTS) await command(process.execPath, [join(nodeModules, 'typescript/bin/tsc'), '-p', join(root, project)]);
  await command(process.execPath, LIVE_BUILD);
  const builder = join(venv, 'bin/jupyter-builder');
  await command(builder, ['build', ...(development ? ['--development', 'True'] : []), join(root, 'extension')], {
    remedy: 'run npm start, which installs jupyter-builder into .venv',
  });
  stamp(mark, hash);
}

/** Arguments for Node that build the module of live cells (widgets/src/live), which the Python package sends to notebooks. */
export const LIVE_BUILD = [join(nodeModules, 'vite/bin/vite.js'), 'build', '-c', join(root, 'widgets/vite.live.config.ts'), '-l', 'warn'];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const reason = process.argv.includes('--force') ? 'asked to' : check();
  if (!reason) console.log('The front end is up to date.');
  else {
    console.log(`Building the front end: ${reason}.`);
    await build({ development: process.argv.includes('--development') });
  }
}
