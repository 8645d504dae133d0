import type { ChildProcess, StdioOptions } from 'node:child_process';

export function portIsFree(port: number): Promise<boolean>;
export function freePort(from: number): Promise<number>;
export function startLab(options: {
  port: number;
  dir: string;
  baseUrl?: string;
  token?: string;
  /** Where Jupyter keeps its own settings, data and runtime files. */
  state?: string;
  browser?: boolean;
  env?: Record<string, string>;
  args?: string[];
  stdio?: StdioOptions;
}): Promise<{ url: string; base: string; token: string; process: ChildProcess }>;
/** Resolves when the browser has taken the page, or there is none. */
export function openInBrowser(url: string, state?: string): Promise<void>;
