/** Where things are in the clone. Nothing is installed outside it. Runs on Node 20 without dependencies, as all of setup/ does. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
/** Absolute, for the programs that are started from here have other working directories. */
export const home = resolve(process.env.MEDR1_HOME ?? join(root, '.medr1'));
export const venv = join(root, '.venv');
export const python = join(venv, 'bin', 'python');
export const nodeModules = join(root, 'node_modules');
export const requirementsDir = join(root, 'kernel-bridge/setup/requirements');

/** The Node 24 that came as an npm package; the one running where no such package exists for this machine. */
export function node24() {
  const packaged = join(nodeModules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
  return existsSync(packaged) ? packaged : process.execPath;
}

/** PATH with the clone's Python first and without npm's additions, whose `node` may be replaced while it runs. */
export function searchPath() {
  const inherited = (process.env.PATH ?? '').split(':').filter((dir) => !dir.includes('/node_modules/'));
  return [join(venv, 'bin'), ...inherited].join(':');
}
