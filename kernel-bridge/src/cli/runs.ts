/** `medr1 runs`: what was trained, read from disk, so that it works without a server. */
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { connectHome } from '../server/connect.ts';
import { errorBody } from '../protocol/errors.ts';
import { parseSettings } from '../runs/config.ts';
import { exportRun, EXPORT_FORMATS, type ExportFormat } from '../runs/export.ts';
import { errors } from '../runs/errors.ts';
import { homeDir } from '../runs/home.ts';
import { forkRun, rollbackRun } from '../runs/lineage.ts';
import { listRuns, openRun } from '../runs/runs.ts';
import { verifyRun } from '../runs/verify.ts';
import { printJson, table } from './output.ts';

interface Json {
  json?: boolean;
}

export function register(program: Command): void {
  const runs = program.command('runs').description('list, show, export, fork and roll back runs');
  runs.command('list').description('all runs, newest first').option('--json', 'one JSON document').action(list);
  runs
    .command('show')
    .description('one run: state, configuration, checkpoints, reward revisions, last metrics')
    .argument('<run>')
    .option('--json', 'one JSON document')
    .action(show);
  runs
    .command('export')
    .description(
      'metrics as CSV, rollouts as JSON lines, a directory with both, the events and the configuration, or a checkpoint as a Hugging Face directory',
    )
    .argument('<run>')
    .argument('<out>', 'file or directory to write; must not exist')
    .option('--format <format>', [...EXPORT_FORMATS, 'model'].join(' | '), 'dir')
    .option('--step <step>', 'with model: step of the checkpoint (default: the newest); a LoRA adapter is merged into its base model')
    .action(exportTo);
  runs
    .command('verify')
    .description('look whether a run and its checkpoints hold what was written; a run that does not is named with its first bad step')
    .argument('<run>')
    .option('--json', 'one JSON document')
    .action(verify);
  runs
    .command('fork')
    .description('a new run that goes on from a checkpoint of this one')
    .argument('<run>')
    .argument('<step>', 'step of the checkpoint')
    .option('--set <key=value>', 'change one key, may be repeated', (value, before: string[]) => [...before, value], [])
    .option('--json', 'one JSON document')
    .action(fork);
  runs
    .command('rollback')
    .description('take a run back to a checkpoint; the steps after it are dropped')
    .argument('<run>')
    .argument('<step>', 'step of the checkpoint')
    .option('--json', 'one JSON document')
    .action(rollback);
}

function list({ json }: Json): void {
  const home = homeDir();
  const summaries = listRuns(home).map((id) => {
    try {
      using store = openRun(home, id);
      return store.summary();
    } catch (error) {
      return { id, state: 'damaged', error: errorBody(error) };
    }
  });
  if (json) return printJson({ runs: summaries });
  if (summaries.length === 0) return void process.stdout.write('No runs yet: medr1 train CONFIG.yaml starts one.\n');
  const rows = summaries.map((run) =>
    'name' in run
      ? [
          run.id,
          run.state,
          `${run.step}/${run.total_steps || '?'}`,
          run.reward === null ? '-' : run.reward.toFixed(3),
          run.variant,
          run.name,
        ]
      : [run.id, run.state, '-', '-', '-', run.error.message],
  );
  process.stdout.write(`${table([['RUN', 'STATE', 'STEP', 'REWARD', 'VARIANT', 'NAME'], ...rows])}\n`);
}

function show(id: string, { json }: Json): void {
  using store = openRun(homeDir(), id);
  const detail = store.detail();
  if (json) return printJson(detail);
  const { summary, checkpoints, rewards } = detail;
  const lines = [
    `${summary.id}  ${summary.name}`,
    `state       ${summary.state}, step ${summary.step} of ${summary.total_steps || '?'}, device ${summary.device ?? '-'}`,
    ...(summary.error ? [`error       ${summary.error.message}`, `remedy      ${summary.error.remedy}`] : []),
    `directory   ${detail.directory}`,
    ...checkpoints.map((c) => `checkpoint  step ${c.step}, ${c.reason}, ${(c.bytes / 1e6).toFixed(1)} MB`),
    ...rewards.flatMap((r) => [
      `rewards     revision ${r.revision} from step ${r.step ?? '(next)'}: ${JSON.stringify(r.weights)} ${r.reason}`,
      ...Object.values(r.sources).map(({ file, sha256 }) => `            ${file}, sha256 ${sha256}`),
    ]),
    ...Object.entries(detail.config).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function exportTo(id: string, out: string, { format, step }: { format: string; step?: string }): Promise<void> {
  if (format !== 'model' && !EXPORT_FORMATS.includes(format as ExportFormat))
    throw errors.badRequest('--format', `${format} is none of ${EXPORT_FORMATS.join(', ')}, model`);
  if (step !== undefined && format !== 'model') throw errors.badRequest('--step', 'it goes with --format model');
  if (existsSync(out)) throw errors.badRequest('out', `${out} exists already`);
  requirePlace(out);
  using store = openRun(homeDir(), id);
  if (format === 'model') {
    const { exportModel } = await import('./export-model.ts'); // libtorch, which nothing else here needs
    await exportModel(store, out, step === undefined ? null : wholeNumber(step));
  } else await exportRun(store, out, format as ExportFormat);
  process.stderr.write(`written: ${out}\n`);
}

/** Refuses a place that cannot be written before anything is read. */
function requirePlace(out: string): void {
  try {
    rmdirSync(mkdtempSync(`${resolve(out)}.`));
  } catch (cause) {
    throw errors.outNotWritable(out, cause);
  }
}

async function verify(id: string, { json }: Json): Promise<void> {
  using store = openRun(homeDir(), id);
  const found = await verifyRun(store);
  if (json) return printJson(found);
  const { run, digests, steps, events, checkpoints } = found;
  const held = `${steps} steps, ${events} log entries, ${checkpoints.length} checkpoints`;
  process.stdout.write(
    digests
      ? `${run} holds what was written: ${held}.\n`
      : `${run} was made by a version that kept no digests: its file is whole (${held}), its values cannot be checked. Digests are written when it is next trained, rolled back or forked.\n`,
  );
}

async function fork(id: string, step: string, { set, json }: Json & { set: string[] }): Promise<void> {
  const home = homeDir();
  using parent = openRun(home, id);
  using made = await forkRun(home, parent, wholeNumber(step), parseSettings(set));
  const summary = made.summary();
  if (json) printJson(summary);
  else process.stdout.write(`${summary.id}\nmedr1 train --resume ${summary.id} trains it, and so does the Runs panel.\n`);
}

async function rollback(id: string, step: string, { json }: Json): Promise<void> {
  const home = homeDir();
  const server = await connectHome(home).catch(() => null);
  using store = openRun(home, id);
  if (server) await server.rollback(id, { step: wholeNumber(step) });
  else await rollbackRun(store, wholeNumber(step));
  const summary = store.summary();
  if (json) printJson(summary);
  else process.stdout.write(`${summary.id} is back at step ${summary.step}.\n`);
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw errors.badRequest('step', `${JSON.stringify(text)} is no whole number`);
  return Number(text);
}
