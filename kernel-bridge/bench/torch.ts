/**
 * The cost of one small operator from JavaScript beside Python's, in one run: `add` and `linear` on 16x16 float32, where the
 * mathematics is next to nothing. CPU time of the calling thread, the two in turns, the best round as timeit does: the
 * machine may be busy.
 * Prints a table, then one line of JSON.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { noGrad, scope, setNumThreads, tensor, torch } from '../src/torch/index.ts';
import { readArguments } from './arguments.ts';

readArguments({});

const CALLS = 20_000;
const ROUNDS = 7;
const GOAL = 1.5;

setNumThreads(1);
const values = Float32Array.from({ length: 256 }, (_, i) => i / 256);
const a = tensor(values, { shape: [16, 16] });
const b = tensor(values, { shape: [16, 16] });
const bias = tensor(values.subarray(0, 16));

const CASES: Record<string, () => unknown> = {
  add: () => torch.add(a, b),
  linear: () => torch.linear(a, b, bias),
};

/** Microseconds of this thread's CPU time a call, results freed by scope as a program would. */
function measure(call: () => unknown): number {
  const start = process.threadCpuUsage();
  for (let done = 0; done < CALLS; done += 100)
    scope(() => {
      for (let i = 0; i < 100; i++) call();
    });
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / CALLS;
}

/** Python's side: a process that measures once for every line it is sent. */
async function* pythonRounds(): AsyncGenerator<Record<string, number>> {
  const script = fileURLToPath(new URL('torch_peer.py', import.meta.url));
  const interpreter = process.env.MEDR1_PYTHON ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
  const peer = spawn(interpreter, [script, String(CALLS)], { stdio: ['pipe', 'pipe', 'inherit'] });
  peer.stdin.write('go\n');
  for await (const line of createInterface(peer.stdout)) {
    yield JSON.parse(line) as Record<string, number>;
    peer.stdin.write('go\n');
  }
}

const best = new Map(Object.keys(CASES).map((name) => [name, { javascript: Infinity, python: Infinity }]));
noGrad(() => Object.values(CASES).forEach(measure)); // warm up
let round = 0;
for await (const peer of pythonRounds()) {
  for (const [name, call] of Object.entries(CASES)) {
    const times = best.get(name)!;
    times.javascript = Math.min(
      times.javascript,
      noGrad(() => measure(call)),
    );
    times.python = Math.min(times.python, peer[name]);
  }
  if (++round === ROUNDS) break;
}

const rows = [...best].map(([operator, { javascript, python }]) => ({
  operator,
  javascript_us: Number(javascript.toFixed(2)),
  python_us: Number(python.toFixed(2)),
  ratio: Number((javascript / python).toFixed(2)),
  goal: GOAL,
}));
console.table(rows);
console.log(JSON.stringify({ benchmark: 'torch', rows }));
process.exit(0); // the peer waits for another line
