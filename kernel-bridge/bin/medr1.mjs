#!/usr/bin/env node
// Runs on the Node that is there (20 or newer) and hands over to the Node 24 that the set-up brought, which runs TypeScript as it stands.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const own = Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : null;
const node = findNode(dirname(fileURLToPath(import.meta.url))) ?? own;

if (!node) {
  console.error(
    'medr1: the Node 24 that runs the backend is not installed.\n       Run npm install in the clone, or npm start, which does all the set-up.',
  );
  process.exit(1);
}
if (node === process.execPath) {
  await import(main);
} else {
  const child = spawn(node, [...process.execArgv, main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, MEDR1_LAUNCHER: String(process.pid) },
  });
  // a terminal signals the whole group itself; these reach only this process
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`medr1: ${node} cannot be started: ${error.message}\n       Run npm install in the clone.`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal) process.exit(128 + (signal === 'SIGKILL' ? 9 : signal === 'SIGTERM' ? 15 : 1));
    process.exit(code ?? 1);
  });
}

function findNode(from) {
  const file = join(from, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  if (existsSync(file)) return file;
  return dirname(from) === from ? null : findNode(dirname(from));
}
