/** Runs one program for a step: output goes to a log, and a failure says what broke, the last lines, and the remedy. */
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cleanEnvironment } from './environment.mjs';
import { home, root, searchPath } from './paths.mjs';

export const logFile = join(home, 'setup.log');
const TAIL = 12;

export class SetupError extends Error {
  /** @param {string} message what was seen @param {string} remedy a command or an act that mends it */
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}

/**
 * Resolves to standard output.
 * @param {string} file @param {string[]} args
 * @param {{ env?: Record<string, string>, cwd?: string, remedy?: string, show?: boolean }} [options] `show` also prints it as it comes
 */
export function command(file, args, { env, cwd = root, remedy, show = false } = {}) {
  mkdirSync(dirname(logFile), { recursive: true });
  appendFileSync(logFile, `\n$ ${[file, ...args].join(' ')}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: { ...cleanEnvironment(), PATH: searchPath(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let all = '';
    const keep = (chunk, toScreen) => {
      appendFileSync(logFile, chunk);
      all = (all + chunk).slice(-20_000);
      if (show) toScreen.write(chunk);
    };
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
      keep(chunk, process.stdout);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => keep(chunk, process.stderr));
    child.on('error', (error) => {
      const message = error.code === 'ENOENT' ? `${file} is not installed` : `${file}: ${error.message}`;
      reject(new SetupError(message, remedy ?? `install ${file} and start again`));
    });
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(output);
      const lines = all.trimEnd().split('\n').slice(-TAIL).join('\n    ');
      reject(
        new SetupError(
          `${file} ${args.slice(0, 3).join(' ')} ended with ${signal ?? code}:\n    ${lines}`,
          remedy ?? `the whole output is in ${logFile}`,
        ),
      );
    });
  });
}

/** Standard output, or null when the program is missing or fails. For questions, not for work. */
export async function ask(file, args) {
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(file, args, {
        cwd: root,
        env: { ...cleanEnvironment(), PATH: searchPath() },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk));
      child.on('error', reject);
      child.on('close', (code) => (code === 0 ? resolve(output.trim()) : reject(new Error(String(code)))));
    });
  } catch {
    return null;
  }
}
