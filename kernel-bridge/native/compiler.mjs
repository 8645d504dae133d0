/** The C++ compiler as CXX names it: words, as make and CMake take them ("ccache g++", "g++ -m64"), or one path with spaces in it. */
import { existsSync } from 'node:fs';

/** @returns {string[]} program and its first arguments */
export function compilerWords(cxx = process.env.CXX) {
  const text = cxx?.trim();
  if (!text) return ['g++'];
  return existsSync(text) ? [text] : text.split(/\s+/);
}

/** Folders of headers that g++ searches before ours, where those of another PyTorch may lie. */
export const HEADER_VARIABLES = ['CPATH', 'CPLUS_INCLUDE_PATH'];

/** @param {NodeJS.ProcessEnv} env */
export const compilerEnvironment = (env = process.env) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !HEADER_VARIABLES.includes(name)));
