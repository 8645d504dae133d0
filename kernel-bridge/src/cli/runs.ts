/** `medr1 runs`: what was trained, read from disk, so that it works without a server. */
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { connectHome } from '../server/connect.ts';
import type { TrainConfig } from '../protocol/config.ts';
import { errorBody } from '../protocol/errors.ts';
import type { QueueMove } from '../protocol/devices.ts';
import type { Estimate } from '../protocol/rest.ts';
import { hasEnded, type RewardRevision } from '../protocol/run.ts';
import { stateText } from '../protocol/run-states.ts';
import { parseSettings } from '../runs/config.ts';
import { importRun } from '../runs/import.ts';
import { knownConfig, requireOwn } from '../runs/imported.ts';
import { exportRun, EXPORT_FORMATS, tableLines, type ExportFormat } from '../runs/export.ts';
import { alertSettings, runAlertSettings } from '../runs/alert-settings.ts';
import { alertsOf, RunWatch } from '../runs/alerts.ts';
import { errors } from '../runs/errors.ts';
import { homeDir } from '../runs/home.ts';
import { forkRun, rollbackRun } from '../runs/lineage.ts';
import { editSettings, revertTo, revisions, settingsInForce } from '../runs/rewards.ts';
import { isTraining, listRuns, openRun, trainedBy, trashRun } from '../runs/runs.ts';
import { rescueRun } from '../runs/rescue.ts';
import { verifyRun } from '../runs/verify.ts';
import { DevicePool } from '../server/device-pool.ts';
import { Jobs } from '../server/jobs.ts';
import { planOf } from '../server/plan.ts';
import { refusedThere, Reporter, workbenchAt } from '../server/reporter.ts';
import { requireRoom, requireRoomFor } from '../server/room.ts';
import { usage } from './arguments.ts';
import { note, pass, printJson, table, tell } from './output.ts';
import { tellDoubts } from './doubts.ts';
import { editLines } from './revision-text.ts';

/** As long as a timer can wait, some 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

interface Json {
  json?: boolean;
}

export function register(program: Command): void {
  const runs = program.command('runs').description('list, show, steer, export, fork and roll back runs');
  runs.command('list').description('all runs, newest first').option('--json', 'one JSON document').action(list);
  runs
    .command('show')
    .description('one run: state, configuration, checkpoints, reward revisions, last metrics')
    .argument('<run>')
    .option('--json', 'one JSON document')
    .action(show);
  runs
    .command('import')
    .description('a run that TRL or another trainer of Hugging Face made, from the log that it left (docs/guides/import.md)')
    .argument('<path>', 'output_dir of the training, a checkpoint in it, or a trainer_state.json')
    .option('--name <name>', "in place of the folder's")
    .option('--generations <n>', 'completions of a question, where the log cannot tell')
    .option('--json', 'one JSON document')
    .action(importFrom);
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
    .command('check')
    .description('what the rules of alerts see in a run (docs/guides/alerts.md): the same as while it trained')
    .argument('<run>')
    .option('--json', 'one JSON document')
    .action(check);
  runs
    .command('rescue')
    .description('a new run with all steps of a damaged one before its first bad step, and the checkpoints up to there')
    .argument('<run>')
    .option('--json', 'one JSON document')
    .action(rescue);
  runs
    .command('report')
    .description('send a run to the workbench at an address, or what it lacks of one that was reported while it trained')
    .argument('<run>')
    .argument('<url>', 'of JupyterLab with its token, as --report of medr1 train')
    .action(reportTo);
  runs
    .command('fork')
    .description('a new run that goes on from a checkpoint of this one')
    .argument('<run>')
    .argument('<step>', 'step of the checkpoint')
    .option('--set <key=value>', 'change one key, may be repeated', (value, before: string[]) => [...before, value], [])
    .option('--start', 'queue it on the running server at once')
    .option('--json', 'one JSON document')
    .action(fork);
  runs
    .command('metrics')
    .description('metrics of a run as CSV, a row a step, on standard output or in a file')
    .argument('<run>')
    .option('--csv <file>', 'file to write; - is standard output', '-')
    .action(metrics);
  const acts = {
    pause: 'let a run wait after its step',
    stop: 'end a run after its step, with a checkpoint',
    resume: 'let a paused run go on, or queue one that was stopped or broken off on the running server',
  };
  for (const action of ['pause', 'stop', 'resume'] as const)
    runs
      .command(action)
      .description(acts[action])
      .argument('<run>')
      .option('--json', 'one JSON document')
      .action((id: string, options: Json) => act(id, action, options));
  runs
    .command('queue')
    .description('what waits for a device, in order and why; moves or holds what waits (docs/guides/devices.md)')
    .argument('[run]', 'a run or an evaluation that waits')
    .option('--first', 'it goes before all others')
    .option('--last', 'it goes behind all others')
    .option('--before <run>', 'it goes before this one')
    .option('--hold', 'others go past it')
    .option('--release', 'it starts when its turn comes')
    .option('--json', 'one JSON document')
    .action(queue);
  runs
    .command('set')
    .description('change settings of a run from its next step on (docs/guides/live-settings.md); without any it shows them')
    .argument('<run>')
    .argument('[settings...]', 'key=value, as with --set of medr1 train')
    .option('--revert <revision>', 'rewards and settings of an earlier revision')
    .option('--reason <text>', 'kept with the revision', '')
    .option('--json', 'one JSON document')
    .action(set);
  runs
    .command('delete')
    .description('move a run that does not train to the trash')
    .argument('<run>')
    .option('--json', 'one JSON document')
    .action(remove);
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
  if (summaries.length === 0) return tell('No runs yet: medr1 train CONFIG.yaml starts one.');
  const rows = summaries.map((run) =>
    'name' in run
      ? [
          run.id,
          stateText(run),
          `${run.step}/${run.total_steps || '?'}`,
          run.reward === null ? '-' : run.reward.toFixed(3),
          run.variant,
          run.name,
        ]
      : [run.id, run.state, '-', '-', '-', run.error.message],
  );
  tell(...table([['RUN', 'STATE', 'STEP', 'REWARD', 'VARIANT', 'NAME'], ...rows]));
}

function show(id: string, { json }: Json): void {
  using store = openRun(homeDir(), id);
  const detail = store.detail();
  if (json) return printJson(detail);
  const { summary, checkpoints, rewards } = detail;
  const { imported } = summary;
  const lines = [
    `${summary.id}  ${summary.name}`,
    `state       ${stateText(summary)}, step ${summary.step} of ${summary.total_steps || '?'}, device ${summary.device ?? '-'}`,
    ...(summary.error ? [`error       ${summary.error.message}`, `remedy      ${summary.error.remedy}`] : []),
    `directory   ${detail.directory}`,
    ...(imported ? [`imported    from ${imported.from}`, ...imported.lacks.map((one) => `without     ${one}`)] : []),
    ...checkpoints.map((c) => `checkpoint  step ${c.step}, ${c.reason}, ${(c.bytes / 1e6).toFixed(1)} MB`),
    ...rewards.flatMap((r) => [
      `rewards     revision ${r.revision} from step ${r.step ?? '(next)'}: ${JSON.stringify(r.weights)} ${r.reason}`,
      ...liveLines(r),
      ...Object.values(r.sources).map(({ file, sha256 }) => `            ${file}, sha256 ${sha256}`),
    ]),
    ...Object.entries(knownConfig(store.db, detail.config)).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`),
  ];
  tell(...lines);
}

/** Parameters, schedules and settings of a revision, a line each. */
const liveLines = ({ parameters, weight_schedules, settings }: RewardRevision): string[] =>
  Object.entries({ parameters, schedules: weight_schedules, settings })
    .filter(([, part]) => part !== undefined && Object.keys(part).length > 0)
    .map(([name, part]) => `            ${name} ${JSON.stringify(part)}`);

async function importFrom(path: string, { name, generations, json }: Json & { name?: string; generations?: string }): Promise<void> {
  const num_generations = generations === undefined ? undefined : wholeNumber(generations);
  using run = await importRun(homeDir(), path, { name, num_generations });
  const summary = run.summary();
  if (json) return printJson(summary);
  const { id, step, imported } = summary;
  tell(`${id}: ${step} steps from ${imported!.from}. Not in the log, or left out:`, ...imported!.lacks.map((one) => `  ${one}`));
  tell(`medr1 runs check ${id} tells what the rules of alerts see in it.`);
}

async function exportTo(id: string, out: string, { format, step }: { format: string; step?: string }): Promise<void> {
  if (format !== 'model' && !EXPORT_FORMATS.includes(format as ExportFormat))
    throw usage(`--format: ${format} is no format`, `Choose one of ${[...EXPORT_FORMATS, 'model'].join(', ')}.`);
  if (step !== undefined && format !== 'model') throw usage('--step goes with --format model', 'Add --format model, or leave --step out.');
  if (existsSync(out)) throw usage(`${out} exists already`, 'Name a file or folder that does not exist yet; nothing is written over.');
  requirePlace(out);
  using store = openRun(homeDir(), id);
  if (format === 'model') {
    const { exportModel } = await import('./export-model.ts'); // libtorch, which nothing else here needs
    await exportModel(store, out, step === undefined ? null : wholeNumber(step));
  } else await exportRun(store, out, format as ExportFormat);
  note(`written: ${out}`);
}

/** Refuses a place that cannot be written before anything is read. */
function requirePlace(out: string): void {
  try {
    rmdirSync(mkdtempSync(`${resolve(out)}.`));
  } catch (cause) {
    throw errors.outNotWritable(out, cause);
  }
}

async function reportTo(id: string, address: string): Promise<void> {
  using store = openRun(homeDir(), id);
  requireOwn(store, 'be reported');
  const workbench = workbenchAt(address);
  await workbench.server().catch((cause: unknown) => {
    throw refusedThere(cause); // one that is away, or that refuses, is told at once
  });
  const whole = await new Reporter({ store, workbench, note }).end(LONGEST_MS);
  if (whole) note(`the workbench has all of run ${id}`);
  else process.exitCode = 1;
}

async function verify(id: string, { json }: Json): Promise<void> {
  using store = openRun(homeDir(), id);
  const found = await verifyRun(store);
  if (json) return printJson(found);
  const { run, digests, steps, events, checkpoints } = found;
  const held = `${steps} steps, ${events} log entries, ${checkpoints.length} checkpoints`;
  tell(
    digests
      ? `${run} holds what was written: ${held}.`
      : `${run} was made by a version that kept no digests: its file is whole (${held}), its values cannot be checked. Digests are written when it is next trained, rolled back or forked.`,
  );
}

async function check(id: string, { json }: Json): Promise<void> {
  const home = homeDir();
  using store = openRun(home, id);
  const settings = runAlertSettings(store.db);
  using watch = RunWatch.of(store, alertSettings(home));
  await watch.look(() => store.db, store.row().config);
  const alerts = alertsOf(store, watch, settings);
  const { failures } = watch;
  for (const [name, why] of Object.entries(failures)) note(`rule ${name} is silent: ${why}`);
  if (json) return printJson({ run: id, step: watch.step, alerts, settings });
  const lines = alerts.flatMap(({ rule, level, title, since, last, on, seen, why, remedies }) => [
    `${level.padEnd(8)}  ${title} (${rule})  steps ${since} to ${on ? 'the last' : last}`,
    `          ${seen}`,
    ...(why ? [`          ${why}`] : []),
    ...remedies.map(({ text }) => `          remedy: ${text}`),
  ]);
  tell(...(lines.length > 0 ? lines : [`The rules saw nothing in steps 1 to ${watch.step} of ${id}.`]));
}

async function rescue(id: string, { json }: Json): Promise<void> {
  const home = homeDir();
  using damaged = openRun(home, id);
  using made = await rescueRun(home, damaged);
  const summary = made.summary();
  if (json) return printJson(summary);
  const from = made.checkpoints().at(-1)?.step;
  const next =
    from === undefined
      ? 'It has no checkpoint: to train it further begins at step 1.'
      : `medr1 train --resume ${summary.id} goes on from its checkpoint of step ${from}.`;
  tell(`${summary.id}: steps 1 to ${summary.step} of ${id}`, next);
}

async function fork(id: string, step: string, { set, start, json }: Json & { set: string[]; start?: boolean }): Promise<void> {
  const home = homeDir();
  const server = start ? await connectHome(home) : null; // before anything is made
  using parent = openRun(home, id);
  using made = await forkRun(home, parent, wholeNumber(step), parseSettings(set));
  const summary = server ? await server.action(made.row().id, 'start') : made.summary();
  if (json) printJson(summary);
  else if (server) tell(summary.id);
  else tell(summary.id, `medr1 train --resume ${summary.id} trains it, and so does the Runs panel.`);
}

async function rollback(id: string, step: string, { json }: Json): Promise<void> {
  const home = homeDir();
  const server = await connectHome(home).catch(() => null);
  using store = openRun(home, id);
  if (server) await server.rollback(id, { step: wholeNumber(step) });
  else await rollbackRun(store, wholeNumber(step));
  const summary = store.summary();
  if (json) printJson(summary);
  else tell(`${summary.id} is back at step ${summary.step}.`);
}

async function metrics(id: string, { csv }: { csv: string }): Promise<void> {
  using store = openRun(homeDir(), id);
  if (csv === '-') for (const line of tableLines(store, 'csv')) pass(line);
  else {
    if (existsSync(csv)) throw usage(`${csv} exists already`, 'Name a file that does not exist yet; nothing is written over.');
    await exportRun(store, csv, 'csv');
    note(`written: ${csv}`);
  }
}

/** By the server, which knows of every process that trains; where none answers, by the run itself, for a `medr1 train` that trains it. */
async function act(id: string, action: 'pause' | 'stop' | 'resume', { json }: Json): Promise<void> {
  const home = homeDir();
  using store = openRun(home, id);
  requireOwn(store, action);
  const { state } = store.row();
  const server = await connectHome(home).catch((error: unknown) => {
    if (isTraining(store.directory)) return null;
    throw error;
  });
  if (hasEnded(state) && action !== 'resume') throw errors.wrongState(id, action, state, 'It trains no more.');
  if (server) await server.action(id, action);
  else {
    const stopping = store.pending().some((asked) => asked.action === 'stop');
    if (stopping && action !== 'stop') throw errors.stopping(id, action);
    store.command(action); // read between two steps
  }
  const summary = store.summary();
  if (json) printJson(summary);
  else tell(`${id}: ${action} was asked for; it is ${summary.state} at step ${summary.step}`);
}

interface Move {
  first?: boolean;
  last?: boolean;
  before?: string;
  hold?: boolean;
  release?: boolean;
}

async function queue(id: string | undefined, { json, ...move }: Json & Move): Promise<void> {
  const [asked, ...more] = Object.keys(move) as (keyof Move)[];
  if (more.length > 0) throw usage(`--${asked} goes without --${more[0]}`, 'Give one after the other.');
  if (id === undefined && asked) throw usage(`--${asked} needs a run`, '`medr1 runs queue` lists what waits.');
  const server = await connectHome(homeDir());
  if (id !== undefined) {
    const waiting = (await server.devices()).queue;
    const job = waiting.find((one) => one.id === id);
    if (!job) throw usage(`${id} does not wait for a device`, '`medr1 runs queue` lists what waits.');
    const first = waiting.find(({ kind }) => kind === job.kind)!.id;
    const moves: Record<keyof Move, () => QueueMove> = {
      first: () => (first === id ? {} : { before: first }),
      last: () => ({ before: null }),
      before: () => ({ before: move.before }),
      hold: () => ({ held: true }),
      release: () => ({ held: false }),
    };
    if (asked) await (job.kind === 'train' ? server : server.evals).moveInQueue(id, moves[asked]());
  }
  const { queue: waiting } = await server.devices();
  if (json) return printJson({ queue: waiting });
  if (waiting.length === 0) return tell('Nothing waits for a device.');
  const rows = waiting.map((job) => [job.id, job.kind === 'train' ? 'run' : 'evaluation', job.reason, job.name]);
  tell(...table([['ID', 'WHAT', 'WAITS', 'NAME'], ...rows]));
}

/** Stored by the server where one runs, which tells pages of it; else here. */
async function set(id: string, pairs: string[], { revert, reason, json }: Json & { revert?: string; reason: string }): Promise<void> {
  const home = homeDir();
  using store = openRun(home, id);
  if (pairs.length === 0 && revert === undefined) {
    const inForce = settingsInForce(store);
    if (json) return printJson(inForce);
    const rows = Object.entries(inForce.settings).map(([key, value]) => [key, JSON.stringify(value), inForce.fixed[key] ?? '']);
    return tell(...table(rows));
  }
  if (pairs.length > 0 && revert !== undefined) throw usage('--revert goes without settings', 'Change settings by a second command.');
  const told = { reason, author: 'command line' };
  const server = await connectHome(home).catch(() => null);
  using _ = { [Symbol.dispose]: () => server?.close() };
  const pool = new DevicePool(new Jobs());
  const estimateOf = (config: TrainConfig): Promise<Estimate> => planOf(home, pool, config);
  const before = revisions(store.db).at(-1);
  let made: RewardRevision;
  if (revert !== undefined) {
    const edit = { revision: wholeNumber(revert, 'revision'), ...told };
    if (!server) await requireRoomFor(store, edit.revision, estimateOf);
    made = server ? await server.revert(id, edit) : revertTo(store.db, { ...edit, time: Date.now() });
  } else {
    const edit = { settings: parseSettings(pairs), ...told };
    if (!server) await requireRoom(store, edit.settings, estimateOf);
    made = server ? await server.editSettings(id, edit) : editSettings(store.db, { ...edit, time: Date.now() });
  }
  if (revert === undefined) tellDoubts(parseSettings(pairs));
  if (json) printJson(made);
  else tell(...editLines(id, made, before));
}

async function remove(id: string, { json }: Json): Promise<void> {
  const home = homeDir();
  const server = await connectHome(home).catch(() => null);
  let trash: string;
  if (server) ({ id: trash } = await server.deleteRun(id));
  else {
    const { directory, name } = ((): { directory: string; name: string } => {
      using store = openRun(home, id);
      return { directory: store.directory, name: store.row().name };
    })();
    if (isTraining(directory)) throw errors.runLocked(id, trainedBy(directory));
    trash = trashRun(home, id, name);
  }
  if (json) printJson({ removed: id, trash });
  else tell(`${id} is in the trash`);
}

function wholeNumber(text: string, what = 'step'): number {
  if (!/^\d+$/.test(text) && what === 'revision')
    throw usage(`the revision ${JSON.stringify(text)} is no whole number`, '`medr1 runs show RUN` lists the revisions.');
  if (!/^\d+$/.test(text))
    throw usage(`the step ${JSON.stringify(text)} is no whole number`, 'Name the step of a checkpoint; `medr1 runs show RUN` lists them.');
  return Number(text);
}
