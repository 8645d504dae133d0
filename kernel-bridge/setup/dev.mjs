/**
 * `npm run dev`: JupyterLab with the workbench, where a saved file shows by itself. Options are those of `npm start`, but for --demo.
 *
 *     kernel-bridge/src    the backend starts again; a run that trains gets a checkpoint and can be resumed
 *     widgets, extension   their JavaScript and the bundle are made again, and every open page loads anew (extension/src/plugins/reload.ts)
 *
 * What only a training process loads (rl, models, torch, worker) is read by the next one that starts.
 */
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { disown, LIVE_BUILD, PROJECTS } from './build-extension.mjs';
import { ensure } from './ensure.mjs';
import { freePort, startLab } from './jupyter.mjs';
import { node24, nodeModules, root, searchPath, venv } from './paths.mjs';
import { notebooksDir, START } from './steps.mjs';

const SETTLE_MS = 300;

/** Whether the server process reads this file of kernel-bridge/src. */
export const ofServer = (file) => /\.ts$/.test(file) && !/\.test\.ts$/.test(file) && !/^(rl|models|torch|worker|cli)\//.test(file);

/** In a process group of its own: jupyter-builder starts Node and ends without it. */
const follow = (file, args) =>
  spawn(file, args, { cwd: root, env: { ...process.env, PATH: searchPath() }, stdio: ['ignore', 'inherit', 'inherit'], detached: true });

function endGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // it has ended by itself
  }
}

async function restart({ base, token }) {
  const answer = await fetch(`${base}medr1/restart`, { method: 'POST', headers: { Authorization: `token ${token}` } });
  console.log(answer.ok ? 'The backend started again.' : `The backend did not start again: HTTP ${answer.status}`);
}

async function main() {
  const { values } = parseArgs({
    options: { 'no-browser': { type: 'boolean' }, port: { type: 'string' }, 'notebook-dir': { type: 'string' } },
  });
  const failures = await ensure(START);
  if (failures.length) return void (process.exitCode = 1);
  const lab = await startLab({
    port: values.port === undefined ? await freePort(8888) : Number(values.port),
    dir: values['notebook-dir'] ?? notebooksDir,
    browser: !values['no-browser'],
  });
  disown();
  const followers = [
    ...PROJECTS.map((project) =>
      follow(node24(), [join(nodeModules, 'typescript/bin/tsc'), '-p', project, '--watch', '--preserveWatchOutput']),
    ),
    follow(node24(), [...LIVE_BUILD, '--watch']),
    follow(join(venv, 'bin/jupyter-builder'), ['watch', '--development', 'True', join(root, 'extension')]),
  ];
  let timer;
  const source = watch(join(root, 'kernel-bridge/src'), { recursive: true }, (_, file) => {
    if (!file || !ofServer(file)) return;
    clearTimeout(timer);
    timer = setTimeout(
      () => void restart(lab).catch((error) => console.error(`The backend did not start again: ${error.message}`)),
      SETTLE_MS,
    );
  });
  const end = () => {
    source.close();
    clearTimeout(timer);
    followers.forEach(endGroup);
    lab.process.kill('SIGTERM');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
  lab.process.once('exit', end);
  console.log(`\nMed-R1 Workbench: ${lab.url}\nSaved files show by themselves. Ctrl-C stops it.\n`);
}

if (import.meta.main ?? process.argv[1]?.endsWith('dev.mjs')) await main();
