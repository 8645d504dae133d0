/**
 * The user's environment without what would send our own Python, pip, compiler or libtorch elsewhere. The set-up, the tests and JupyterLab run
 * in it; `medr1 doctor` names what is left out.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HEADER_VARIABLES } from '../native/compiler.mjs';

/** Variables that are taken out, with what they would do. */
const LEFT_OUT = {
  PYTHONHOME: "another Python's library",
  PYTHONPATH: 'other packages before those of .venv',
  PYTHONSAFEPATH: 'no import beside a script',
  PYTHONWARNINGS: 'warnings as errors',
  PIP_USER: 'packages outside .venv',
  PIP_TARGET: 'packages outside .venv',
  PIP_PREFIX: 'packages outside .venv',
  PIP_ROOT: 'packages outside .venv',
  PIP_CONSTRAINT: 'other versions than those pinned',
  PIP_REQUIREMENT: 'other packages than those pinned',
  PIP_DRY_RUN: 'nothing installed',
  ...Object.fromEntries(HEADER_VARIABLES.map((name) => [name, 'other headers before those of libtorch'])),
};

/** Libraries of PyTorch: a folder with one of these, earlier in the search, gives the addon other code than it was built for. */
const TORCH = ['libtorch_cpu.so', 'libc10.so', 'libtorch.so'];
const ownTorch = (env) => (env.MEDR1_TORCH ? join(env.MEDR1_TORCH, 'lib') : null);
const otherTorch = (dir, env) => dir !== ownTorch(env) && TORCH.some((name) => existsSync(join(dir, name)));

/** Folders of LD_LIBRARY_PATH with a libtorch in them; others may hold a driver or the compiler's runtime, and stay. */
const torchFolders = (env) => (env.LD_LIBRARY_PATH ?? '').split(':').filter((dir) => dir && otherTorch(dir, env));

/** @param {NodeJS.ProcessEnv} env */
export function cleanEnvironment(env = process.env) {
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !(name in LEFT_OUT)));
  const torch = torchFolders(env);
  if (torch.length)
    clean.LD_LIBRARY_PATH = env.LD_LIBRARY_PATH.split(':')
      .filter((dir) => !torch.includes(dir))
      .join(':');
  if (clean.LD_LIBRARY_PATH === '') delete clean.LD_LIBRARY_PATH;
  if (!/utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '')) clean.LC_ALL = 'C.UTF-8'; // names of files are UTF-8
  return { ...clean, ...localWithoutProxy(env) };
}

const LOCAL = ['localhost', '127.0.0.1', '::1'];

/** Programs that go by HTTP_PROXY ask it for nothing of this machine. Both spellings, for each program reads another one first. */
function localWithoutProxy(env) {
  if (!['http_proxy', 'https_proxy', 'all_proxy'].some((name) => env[name] || env[name.toUpperCase()])) return {};
  const named = (env.no_proxy || env.NO_PROXY || '').split(',').filter(Boolean);
  const all = [...named, ...LOCAL.filter((host) => !named.includes(host))].join(',');
  return { NO_PROXY: all, no_proxy: all };
}

/** What is left out of this environment, a line each. @param {NodeJS.ProcessEnv} env @returns {string[]} */
export function leftOut(env = process.env) {
  const lines = Object.entries(LEFT_OUT)
    .filter(([name]) => env[name])
    .map(([name, what]) => `${name}=${env[name]} (${what})`);
  return [...lines, ...torchFolders(env).map((dir) => `${dir} in LD_LIBRARY_PATH (another libtorch)`)];
}
