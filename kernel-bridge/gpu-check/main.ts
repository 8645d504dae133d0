/**
 * What only a GPU can show, in one command of at most nine minutes: `npm run gpu-check` (setup/gpu-check.mjs) starts this where there is a GPU.
 *
 *   node kernel-bridge/gpu-check/main.ts --out FILE [--python PYTHON] [--only step,decode] [--rehearse]
 *
 * Each part is a process with a time limit of its own; one that fails or takes too long does not stop the next. FILE is a JSON document that is written
 * anew after each part. --rehearse runs all of it without a GPU at the smallest sizes, so that the hour with one is not lost on a mistake here.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { device } from '../src/server/device.ts';
import type { Setting } from './part.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const root = at('../..');
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'gpu-check.json' },
    python: { type: 'string', default: 'python3' },
    only: { type: 'string' },
    rehearse: { type: 'boolean', default: false },
  },
});
const { out, python, rehearse } = values;

interface Part {
  name: string;
  /** Seconds. All limits together stay under nine minutes. */
  limit: number;
  /** Program, arguments, and variables beside the environment's. */
  run: (setting: Setting) => [program: string, args: string[], env?: Record<string, string>];
  /** What it found; default: the last JSON document that it printed. */
  read?: (setting: Setting) => Answer;
  /** Default: whether the answer says ok. */
  judge?: (answer: Answer) => boolean;
}
type Answer = Record<string, unknown>;

const own =
  (script: string, env?: Record<string, string>): Part['run'] =>
  (setting) => [process.execPath, [at(script), JSON.stringify(setting)], env];

/** bench/grpo.ts: the whole step at 2B with the goals beside it, sampling, the training pass and the planner's estimate. */
const wholeStep: Part['run'] = ({ device }) => {
  const sizes = rehearse
    ? ['--device', 'cpu', '--size', 'tiny', '--dtype', 'float32', '--prompts', '2', '--generations', '2', '--tokens', '8', '--pixels', '56']
    : ['--device', device.split(':')[0], '--size', '2b', '--limit', '60'];
  return [process.execPath, [at('../bench/grpo.ts'), ...sizes, '--steps', '2', '--peers', 'none'], { MEDR1_PYTHON: python }];
};

/** The unit tests that need a GPU; a rehearsal sees them skipped. */
const tests: Part['run'] = ({ directory }) => [
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    ...['run', '--project', 'unit', '--reporter=json', `--outputFile.json=${join(directory, 'tests.json')}`],
    'kernel-bridge/src/models/engine/gpu.test.ts',
  ],
];

const readTests: Part['read'] = ({ directory }) => {
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(join(directory, 'tests.json'), 'utf8'),
  ) as { numPassedTests: number; numFailedTests: number; numPendingTests: number; testResults: { assertionResults: Assertion[] }[] };
  const failures = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => ({ fullName, message: failureMessages.join('\n').slice(0, 600) }));
  return { ok: numFailedTests === 0, passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests, failures };
};
interface Assertion {
  status: string;
  fullName: string;
  failureMessages: string[];
}

const PARTS: Part[] = [
  { name: 'step', limit: 45, run: own('against-cpu.ts') },
  { name: 'tests', limit: 90, run: tests, read: readTests },
  { name: 'two_processes', limit: 30, run: own('two-processes.ts') },
  { name: 'two_gpus', limit: 20, run: own('two-gpus.ts') },
  { name: 'commands', limit: 70, run: own('commands.ts') },
  { name: 'decode', limit: 55, run: own('decode.ts') },
  { name: 'decode_without_graphs', limit: 55, run: own('decode.ts', { MEDR1_CUDA_GRAPHS: '0' }) },
  { name: 'whole_step', limit: 170, run: wholeStep, judge: ({ goals }) => (goals as { met: boolean }[]).every(({ met }) => met) },
];

/** A rehearsal runs on machines that are shared, without a GPU. */
const SLOW_MACHINE = 5;

interface Outcome {
  ok: boolean;
  seconds: number;
  /** How it ended, where it did not end well. */
  why?: string;
  /** Its last lines, where it did not end well. */
  tail?: string;
  answer?: Answer;
}

/** Runs a part. Its whole process group is ended at the limit, for parts start processes of their own. */
async function runPart({ limit, run, read, judge }: Part, setting: Setting): Promise<Outcome> {
  const start = performance.now();
  const most = setting.rehearse ? SLOW_MACHINE * limit : limit;
  const [program, args, env] = run(setting);
  const child = spawn(program, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let [answer, rest, log, late]: [Answer | undefined, string, string, boolean] = [undefined, '', '', false];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) answer = documentOf(line) ?? answer;
    log = (log + chunk).slice(-4000);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (log = (log + chunk).slice(-4000)));
  const timer = setTimeout(() => {
    late = true;
    process.kill(-child.pid!, 'SIGKILL');
  }, 1000 * most);
  const ended = await new Promise<string | null>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? null : `ended with ${signal ?? code}`));
  });
  clearTimeout(timer);
  const seconds = (performance.now() - start) / 1000;
  if (read !== undefined && !late) {
    try {
      answer = read(setting);
    } catch (error) {
      log += `\n${(error as Error).message}`; // it wrote nothing: what it printed says why
    }
  }
  const why = late ? `took longer than ${most} s` : ended;
  const well = why === null && (answer === undefined ? true : (judge?.(answer) ?? answer.ok !== false));
  return { ok: well, seconds, ...(why !== null && { why }), ...(!well && { tail: log }), ...(answer && { answer }) };
}

function documentOf(line: string): Answer | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Answer;
  } catch {
    return undefined; // a line of a table, or cut off
  }
}

/** What this machine is: the GPU as nvidia-smi names it, driver, PyTorch. */
async function machineFacts() {
  const { cuda } = await import('../src/torch/index.ts');
  const { cudaFailure, readStamp } = await import('../src/torch/native.ts');
  return {
    device: await device(),
    cuda: cuda.isAvailable(),
    cuda_failure: cudaFailure,
    torch: readStamp().torch.version,
    node: process.version,
  };
}

const chosen = values.only?.split(',') ?? PARTS.map(({ name }) => name);
const unknown = chosen.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(`no part ${unknown.join(', ')}; there are ${PARTS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'medr1-gpu-check-'));
const setting: Setting = { device: rehearse ? 'testing:0' : 'cuda:0', rehearse, python, directory };
const report: Record<string, unknown> = { date: new Date().toISOString(), rehearse, cpus: cpus().length, machine: await machineFacts() };
const parts: Record<string, Outcome> = {};
try {
  for (const part of PARTS.filter(({ name }) => chosen.includes(name))) {
    process.stderr.write(`${part.name} ... `);
    parts[part.name] = await runPart(part, setting);
    process.stderr.write(
      `${parts[part.name].ok ? 'well' : `not well (${parts[part.name].why ?? 'see its answer'})`}, ${parts[part.name].seconds.toFixed(0)} s\n`,
    );
    writeFileSync(out, JSON.stringify({ ...report, parts }, null, 1));
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = Object.values(parts).every(({ ok }) => ok) ? 0 : 1;
