/** `medr1 reward`: users' reward functions, tried on stored completions and given to runs. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { connectHome } from '../server/connect.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { rewardName, type BuiltInReward, type ParameterChanges, type RewardReport } from '../protocol/rewards.ts';
import type { RewardRevision } from '../protocol/run.ts';
import { SHAPES, type ScheduleInput } from '../protocol/scheduled.ts';
import { builtInReward, checkRewards, contextOf, readRewardFile, REWARDS, tryReward, type RewardBatch } from '../rewards/index.ts';
import { parseSettings } from '../runs/config.ts';
import { errors } from '../runs/errors.ts';
import { homeDir } from '../runs/home.ts';
import { changedRewards, editRewards, revisions } from '../runs/rewards.ts';
import { openRun } from '../runs/runs.ts';
import { tryRewards } from '../runs/try-rewards.ts';
import { readBatch } from './batch.ts';
import { printJson, table, tell } from './output.ts';
import { editLines, rewardLines } from './revision-text.ts';

const gather = (value: string, before: string[]): string[] => [...before, value];

export function register(program: Command): void {
  const reward = program.command('reward').description('list, test and change reward functions (docs/guides/rewards.md)');
  reward.command('list').description('the built-in functions').option('--json', 'one JSON document').action(list);
  reward
    .command('test')
    .description('a reward file on stored completions: its tests, distribution, share not applicable, time, errors')
    .argument('<file>', 'TypeScript or JavaScript')
    .option('--run <run>', "on a run's rollouts")
    .option('--steps <n>', 'with --run: the last so many steps', '20')
    .option('--batch <file>', 'on completions of a file: JSON lines {"prompt", "completions": [text], "answer", "options", ...}')
    .option('--json', 'one JSON document')
    .action(test);
  reward
    .command('set')
    .description(
      'give a run other reward functions from its next step on: files to add or change, weights, functions to remove; without any it shows those in force',
    )
    .argument('<run>')
    .argument('[changes...]', 'reward files, of which one that the run has by that name is replaced; and weights, name=number')
    .option('--weight <name=number>', 'weight of a function, may be repeated; a built-in one that the run has not is added', gather, [])
    .option(
      '--parameter <function.parameter=value>',
      'parameter of a built-in function, may be repeated; null goes back to the default',
      gather,
      [],
    )
    .option('--schedule <name=shape:from:to:steps>', 'weight that follows the step from the next one on: format=linear:1:0:100', gather, [])
    .option('--remove <name>', 'leave a function out, may be repeated', gather, [])
    .option('--reason <text>', 'kept with the revision', '')
    .option('--json', 'one JSON document')
    .action(set);
}

interface Json {
  json?: boolean;
}

function list({ json }: Json): void {
  const functions = [...REWARDS.values()].map(builtInReward);
  if (json) return printJson({ functions });
  tell(...functions.flatMap((one, at) => [...(at > 0 ? [''] : []), ...explained(one)]));
}

/** What it earns, how it goes wrong, and its parameters. */
function explained({ name, range, description, formula, known_failure, parameters }: BuiltInReward): string[] {
  const keys = Object.entries(parameters.properties).map(([key, { default: value, description: what, enum: values }]) => [
    `    ${key}`,
    value === undefined ? 'by the run' : JSON.stringify(value),
    values === undefined ? what : `${what} (${values.join(', ')})`,
  ]);
  const lines = [`${name}  ${range.join('..')}`, `  ${description}`, `  earns ${formula}`, `  known failure: ${known_failure}`];
  return [...lines, ...(keys.length > 0 ? table(keys) : [])];
}

async function test(file: string, options: Json & { run?: string; steps: string; batch?: string }): Promise<void> {
  const source = readRewardFile(file);
  const report = await reportOf(source, options);
  if (options.json) printJson(report);
  else tell(...reportLines(report));
  if (report.error) throw new WorkbenchError({ ...report.error, exit: 1 });
}

async function reportOf(
  source: ReturnType<typeof readRewardFile>,
  { run, steps, batch }: Parameters<typeof test>[1],
): Promise<RewardReport> {
  if (run !== undefined && batch !== undefined) throw errors.badRequest('medr1 reward test', 'it takes either --run or --batch');
  if (run !== undefined) {
    using store = openRun(homeDir(), run);
    if (!/^[1-9]\d{0,5}$/.test(steps)) throw errors.badRequest('--steps', `${JSON.stringify(steps)} is no whole number above 0`);
    return (await tryRewards(store, { files: { [source.file]: source.source }, steps: Number(steps) })).reports[0];
  }
  const name = rewardName(source.file);
  const context = { variant: 'think', maxCompletionLength: 256 } as const;
  if (batch === undefined) await checkRewards({ weights: { [name]: 1 }, sources: { [name]: source } }, context);
  const batches = batch === undefined ? [] : [batchOf(batch)];
  return (await tryReward(name, source, context, batches)).report;
}

/** Every completion of a batch file, as one call. */
function batchOf(file: string): RewardBatch {
  const inputs = readBatch(file).flatMap((row, r) =>
    row.completions.map((completion) => {
      if (typeof completion !== 'string') throw errors.badRequest(`${file}:${r + 1}`, 'rewards read text, and a completion is token ids');
      const { prompt, question = prompt, answer = null, options = [], modality = '', question_type = '' } = row;
      const item = { id: `row-${r + 1}`, dataset: file, question, options, answer, modality, question_type };
      return { completion, tokenIds: [], finishReason: 'stop', prompt, item };
    }),
  );
  return { step: null, inputs };
}

const number = (value: number | null): string => (value === null ? '-' : String(Number(value.toPrecision(4))));

function reportLines(report: RewardReport): string[] {
  const { completions, not_applicable, tests, ms_per_completion, histogram } = report;
  const most = Math.max(1, ...histogram.map(({ count }) => count));
  const rows: [string, string][] = [
    ['function', `${report.name} (sha256 ${report.sha256?.slice(0, 12)})`],
    ['tests', tests === null ? 'none' : `${tests.passed} of ${tests.total} passed`],
    ['completions', String(completions)],
    ...(report.failed > 0
      ? [['failed', `${report.failed} more${report.failing === null ? ', the others of their steps with them' : ''}`] as [string, string]]
      : []),
    ['not applicable', completions === 0 ? '-' : `${not_applicable} (${Math.round((100 * not_applicable) / completions)} %)`],
    ['mean, std', `${number(report.mean)}, ${number(report.std)}`],
    ['min, max', `${number(report.min)}, ${number(report.max)}`],
    ['time', ms_per_completion === null ? '-' : `${number(ms_per_completion)} ms a completion`],
    ...report.log.slice(0, 10).map((line): [string, string] => ['log', line]),
  ];
  const bars = histogram.map(({ from, to, count }): (string | number)[] => [
    from === to ? number(from) : `${number(from)} to ${number(to)}`,
    count,
    '#'.repeat(Math.ceil((30 * count) / most)),
  ]);
  return [...table(rows), ...(bars.length ? ['', ...table(bars)] : [])];
}

async function set(
  id: string,
  changes: string[],
  {
    weight,
    parameter,
    schedule,
    remove,
    reason,
    json,
  }: Json & Record<'weight' | 'parameter' | 'schedule' | 'remove', string[]> & { reason: string },
): Promise<void> {
  const home = homeDir();
  if ([changes, weight, parameter, schedule, remove].every(({ length }) => length === 0)) return show(home, id, json);
  const isWeight = (change: string): boolean => change.includes('=') && !existsSync(change);
  const weights = weightsOf([...changes.filter(isWeight), ...weight]);
  const held = Object.fromEntries(Object.keys(weights).map((name) => [name, null]));
  const weight_schedules = { ...held, ...schedulesOf(schedule) };
  const change = {
    weights,
    weight_schedules,
    parameters: parametersOf(parameter),
    files: sourcesOf(changes.filter((change) => !isWeight(change))),
    remove,
    reason,
    author: 'command line',
  };
  const server = await connectHome(home).catch(() => null);
  let current: RewardRevision | undefined;
  let revision: RewardRevision;
  if (server) {
    using _ = { [Symbol.dispose]: () => server.close() };
    current = (await server.rewards(id)).at(-1);
    revision = await server.editRewards(id, { ...change, base_revision: current?.revision ?? 0 });
  } else {
    using store = openRun(home, id);
    current = revisions(store.db).at(-1);
    if (!current) throw errors.noRevisions(id);
    await checkRewards(changedRewards(current, change, store.step + 1), contextOf(store.row().config));
    revision = editRewards(store.db, { ...change, base_revision: current.revision, time: Date.now() });
  }
  if (json) printJson(revision);
  else tell(...editLines(id, revision, current));
}

function show(home: string, id: string, json?: boolean): void {
  using store = openRun(home, id);
  const current = revisions(store.db).at(-1);
  if (!current) throw errors.noRevisions(id);
  if (json) printJson(current);
  else tell(...rewardLines(current));
}

const weightsOf = (pairs: string[]): Record<string, number> =>
  Object.fromEntries(
    pairs.map((pair) => {
      const [name, value] = pair.split('=');
      if (!value || !Number.isFinite(Number(value))) throw errors.badRequest('a weight', `${JSON.stringify(pair)} is not name=number`);
      return [name, Number(value)];
    }),
  );

const schedulesOf = (pairs: string[]): Record<string, ScheduleInput> =>
  Object.fromEntries(
    pairs.map((pair) => {
      const [, name, shape, from, to, over] = /^(.+?)=(.+?):(.+?):(.+?):(.+)$/.exec(pair) ?? [];
      const numbers = [from, to, over].map(Number);
      if (!SHAPES.some((one) => one === shape) || !numbers.every(Number.isFinite))
        throw errors.badRequest(
          '--schedule',
          `${JSON.stringify(pair)} is not name=shape:from:to:steps, with a shape of ${SHAPES.join(', ')}`,
        );
      return [name, { schedule: shape as ScheduleInput['schedule'], from: numbers[0], to: numbers[1], over: numbers[2] }];
    }),
  );

/** Values are YAML, as with --set. */
function parametersOf(pairs: string[]): ParameterChanges {
  const changes: ParameterChanges = {};
  for (const [path, value] of Object.entries(parseSettings(pairs))) {
    const [name, parameter] = path.split('.');
    if (!parameter) throw errors.badRequest('--parameter', `${JSON.stringify(path)} is not function.parameter`);
    changes[name] = { ...changes[name], [parameter]: value as ParameterChanges[string][string] };
  }
  return changes;
}

/** Read here, since a server may run elsewhere. */
const sourcesOf = (files: string[]): Record<string, string> =>
  Object.fromEntries(files.map(readRewardFile).map(({ file, source }) => [file, source]));
