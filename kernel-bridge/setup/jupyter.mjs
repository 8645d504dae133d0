/** Starts JupyterLab out of the clone's .venv, with its settings, data and runtime files in the clone too. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cleanEnvironment } from './environment.mjs';
import { home, node24, root, searchPath, venv } from './paths.mjs';

/** A machine that is busy, or compiles Python's modules for the first time, takes its time. */
const READY_MS = 180_000;

/** True when nothing listens on the port of the loopback interface. */
export const portIsFree = (port) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

export async function freePort(from) {
  for (let port = from; port < from + 50; port++) if (await portIsFree(port)) return port;
  throw new Error(`no free port from ${from} to ${from + 49}`);
}

function environment(token, state, extra) {
  return {
    ...cleanEnvironment(),
    PATH: searchPath(),
    JUPYTER_TOKEN: token, // not on the command line, where every user of the machine could read it
    JUPYTER_CONFIG_DIR: join(state, 'config'),
    JUPYTER_DATA_DIR: join(state, 'data'),
    JUPYTER_RUNTIME_DIR: join(state, 'runtime'),
    JUPYTERLAB_SETTINGS_DIR: join(state, 'settings'),
    JUPYTERLAB_WORKSPACES_DIR: join(state, 'workspaces'),
    IPYTHONDIR: join(state, 'ipython'),
    MEDR1_HOME: home,
    MEDR1_NODE: node24(),
    MEDR1_COMMAND: join(root, 'kernel-bridge/bin/medr1.mjs'),
    ...extra,
  };
}

/**
 * @param {{ port: number, dir: string, baseUrl?: string, token?: string, state?: string, browser?: boolean, env?: Record<string, string>,
 *           args?: string[], stdio?: import('node:child_process').StdioOptions }} options `state`: where Jupyter keeps its own files
 * @returns {Promise<{ url: string, base: string, token: string, process: import('node:child_process').ChildProcess }>} once it answers
 */
export async function startLab({
  port,
  dir,
  baseUrl = '/',
  token = randomBytes(24).toString('hex'),
  state = join(home, 'jupyter'),
  browser = false,
  env = {},
  args = [],
  stdio = 'inherit',
}) {
  mkdirSync(dir, { recursive: true });
  const flags = [
    `--ServerApp.ip=127.0.0.1`,
    `--ServerApp.port=${port}`,
    '--ServerApp.port_retries=0',
    `--ServerApp.base_url=${baseUrl}`,
    `--ServerApp.root_dir=${dir}`,
    `--ServerApp.open_browser=${browser ? 'True' : 'False'}`,
    '--ServerApp.answer_yes=True', // one Ctrl-C stops it
    '--ServerApp.log_level=WARN',
    ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
    ...args,
  ];
  const child = spawn(join(venv, 'bin/jupyter-lab'), flags, { cwd: root, env: environment(token, state, env), stdio });
  const base = `http://127.0.0.1:${port}${baseUrl}`;
  await ready(child, `${base}api/status`, token);
  return { url: `${base}lab?token=${token}`, base, token, process: child };
}

/**
 * Opens a page in the user's browser, if there is one; `state` as of startLab, which made the folder. The address holds the token and goes
 * by a file that others cannot read, as JupyterLab's own does: everybody can see a browser's command line.
 * @param {string} url
 */
export async function openInBrowser(url, state = join(home, 'jupyter')) {
  const file = join(state, 'runtime', 'open-demo.html');
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${url.replaceAll('&', '&amp;')}">\n`;
  await rm(file, { force: true });
  await writeFile(file, page, { mode: 0o600 });
  const browser = spawn(join(venv, 'bin/python'), ['-m', 'webbrowser', pathToFileURL(file).href], {
    env: cleanEnvironment(),
    stdio: 'ignore',
  });
  await once(browser, 'close');
}

/** Status of an answer of this machine, or null. Without an agent no proxy is asked, whatever the environment says (NODE_USE_ENV_PROXY). */
const statusOf = (url, token) =>
  new Promise((resolve) => {
    get(url, { agent: false, headers: { Authorization: `token ${token}` } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on('error', () => resolve(null));
  });

async function ready(child, url, token) {
  let ended = null;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = `it ended with ${signal ?? code}`));
  for (const end = Date.now() + READY_MS; Date.now() < end;) {
    if (ended) throw new Error(`JupyterLab did not start: ${ended}`);
    if ((await statusOf(url, token)) === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill();
  throw new Error(`JupyterLab did not answer within ${READY_MS / 1000} s`);
}
