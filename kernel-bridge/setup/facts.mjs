/** What `medr1 doctor` reports: the tools that the set-up cannot bring, and the state of each of its steps. */
import { compilerWords } from '../native/compiler.mjs';
import { ask } from './command.mjs';
import { leftOut } from './environment.mjs';
import { node24 } from './paths.mjs';
import { browserPath, CHROMIUM_REMEDY, gpu, PYTHON_REMEDY, START, steps } from './steps.mjs';

/** @typedef {{ name: string, state: 'ok' | 'missing' | 'due' | 'absent', detail: string, remedy: string | null }} Fact */

const firstLine = (text) => text.split('\n')[0];

async function tool(name, file, args, remedy) {
  const answer = await ask(file, args);
  return {
    name,
    state: answer ? 'ok' : 'missing',
    detail: answer ? firstLine(answer) : `${file} was not found`,
    remedy: answer ? null : remedy,
  };
}

async function step(key) {
  const { title, check } = steps[key];
  try {
    const reason = await check();
    return { name: title, state: reason ? 'due' : 'ok', detail: reason ?? 'up to date', remedy: reason ? 'npm start' : null };
  } catch (error) {
    return { name: title, state: 'missing', detail: error.message, remedy: error.remedy ?? 'npm start' };
  }
}

function compiler() {
  const [file, ...first] = compilerWords();
  const remedy = process.env.CXX ? `set CXX to a compiler that is there, or unset it; apt-get install -y g++` : 'apt-get install -y g++';
  return tool('C++ compiler', file, [...first, '--version'], remedy);
}

/** Variables of this shell that would get in the way; what we start does without them. */
function environment() {
  const names = leftOut();
  const detail = names.length ? `left out of what is started here: ${names.join('; ')}` : 'nothing that gets in the way';
  return { name: 'Environment', state: 'ok', detail, remedy: null };
}

async function device() {
  const found = await gpu();
  const detail = found ? found.trim().split('\n').join('; ') : 'no NVIDIA GPU (nvidia-smi lists none); training runs on the CPU';
  return { name: 'GPU', state: found ? 'ok' : 'absent', detail, remedy: null };
}

function chromium() {
  const path = browserPath();
  return {
    name: 'Chromium',
    state: path ? 'ok' : 'absent',
    detail: path ?? 'needed by npm test alone',
    remedy: path ? null : CHROMIUM_REMEDY,
  };
}

/** @returns {Promise<Fact[]>} */
export async function facts() {
  return Promise.all([
    tool('Node for the backend', node24(), ['--version'], 'npm ci'),
    tool('npm', 'npm', ['--version'], 'install Node 20 or newer, which brings npm'),
    tool('Python', 'python3', ['--version'], PYTHON_REMEDY),
    compiler(),
    environment(),
    ...START.map(step),
    device(),
    chromium(),
  ]);
}
