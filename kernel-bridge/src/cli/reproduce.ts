/** `medr1 reproduce`: Med-R1's whole experiment as one command that can be killed at any moment and goes on where it was. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError, type Command } from 'commander';
import { loadItems } from '../data/load.ts';
import { makeSample } from '../data/sample/sample.ts';
import { readWhole } from '../data/whole.ts';
import { writeDurably } from '../files/durable.ts';
import { errors } from '../reproduce/errors.ts';
import { makePlan, type Plan } from '../reproduce/plan.ts';
import { APPROACHES, readRecipe, type Approach, type Recipe } from '../reproduce/recipe.ts';
import { makeReport, markdown, provenance } from '../reproduce/report.ts';
import { planDirectory, runsByRequest, work, type Part } from '../reproduce/work.ts';
import { errors as runErrors } from '../runs/errors.ts';
import { homeDir, prepareHome } from '../runs/home.ts';
import { openRun } from '../runs/runs.ts';
import { cpuSlotsOption } from './arguments.ts';
import { pass, printJson, Status, table, tell } from './output.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));

interface Options {
  sample?: boolean;
  recipe?: string;
  variants?: Approach[];
  model?: string;
  dataset?: string;
  plan?: boolean;
  cpuSlots?: number;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('reproduce')
    .description(
      "Med-R1's 13 checkpoints (8 modalities, 5 question types), their evaluations, tables and matrices, as one resumable command",
    )
    .option('--sample', 'on the made sample with the tiny model (examples/recipes/reproduce-sample.yaml)')
    .option(
      '--recipe <file>',
      "YAML; the paper's settings when neither this nor --sample is given (examples/recipes/reproduce-med-r1.yaml)",
    )
    .option('--variants <names>', `comma-separated, in place of the recipe's: ${APPROACHES.join(', ')}`, approaches)
    .option('--model <dir>', "in place of the recipe's")
    .option('--dataset <name>', "in place of the recipe's")
    .option('--plan', 'list what would be done and what is done, and do nothing')
    .addOption(cpuSlotsOption())
    .option('--json', 'print one JSON document at the end and nothing else')
    .action(reproduce);
}

async function reproduce(options: Options): Promise<void> {
  if (options.sample && options.recipe) throw runErrors.badRequest('medr1 reproduce', 'it takes either --sample or --recipe');
  const home = prepareHome(homeDir());
  const recipe = await recipeOf(options, home);
  const { splits } = await readWhole(recipe.dataset_name, { home });
  const plan = makePlan(recipe, splits.keys());
  if (options.plan) return list(plan, home, options);

  const abort = new AbortController();
  const interrupted = (): void => (abort.signal.aborted ? process.exit(1) : abort.abort());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupted);
  const show = options.json ? () => {} : printer(plan);
  const load = remembered(loadItems);
  const worked = await work({ home, plan, loadItems: load, signal: abort.signal, progress: show, devices: { cpuSlots: options.cpuSlots } });
  const report = await makeReport(home, plan, worked, load);
  const directory = planDirectory(home, recipe.name);
  writeDurably(join(directory, 'report.json'), `${JSON.stringify(report, null, 1)}\n`);
  writeDurably(join(directory, 'report.md'), markdown(report));
  const made = provenance(home, worked);
  writeDurably(join(directory, 'provenance.json'), `${JSON.stringify(made, null, 1)}\n`);
  const { training, evaluating } = made.seconds;
  if (options.json) printJson({ ...report, ...made, directory });
  else {
    pass(`${markdown(report)}\n`);
    tell(
      `${Math.round(training)} s of training, ${Math.round(evaluating)} s of evaluating`,
      `written: ${join(directory, 'report.md')}, report.json and provenance.json beside it`,
    );
  }
  if (worked.failed.length > 0)
    throw errors.failed(
      worked.failed.map(({ name }) => name),
      worked.failed[0].error.message,
    );
}

async function recipeOf({ sample, recipe, variants, model, dataset }: Options, home: string): Promise<Recipe> {
  const changes: Partial<Recipe> = {
    ...(variants && { approaches: variants }),
    ...(model !== undefined && { model_name_or_path: model }),
    ...(dataset !== undefined && { dataset_name: dataset }),
  };
  if (sample) {
    const dir = join(home, 'sample');
    if (!existsSync(dir)) await makeSample(dir, {});
    const given = { model_name_or_path: join(EXAMPLES, 'sample/model'), dataset_name: dir, ...changes };
    return readRecipe(join(EXAMPLES, 'recipes/reproduce-sample.yaml'), given);
  }
  const made = readRecipe(recipe ?? join(EXAMPLES, 'recipes/reproduce-med-r1.yaml'), changes);
  const absolute = (path: string): string => (existsSync(path) ? resolve(path) : path);
  return { ...made, model_name_or_path: resolve(made.model_name_or_path), dataset_name: absolute(made.dataset_name) };
}

function list(plan: Plan, home: string, { json }: Options): void {
  const runs = runsByRequest(home);
  const parts = plan.evaluations.map(({ name, of }) => {
    const id = of && runs.get(of.request_id);
    if (!id) return { name, run: null, state: of ? 'to be trained' : 'no training', step: 0 };
    using store = openRun(home, id);
    const { state, step } = store.summary();
    return { name, run: id, state, step };
  });
  if (json) return printJson({ name: plan.recipe.name, units: plan.units, parts });
  tell(...table([['PART', 'RUN', 'STATE', 'STEP'], ...parts.map(({ name, run, state, step }) => [name, run ?? '-', state, step])]));
}

/** One line a part on standard error, redrawn on a terminal. */
function printer({ evaluations }: Plan): (part: Part) => void {
  const places = new Map(evaluations.map(({ name }, index) => [name, index + 1]));
  const status = new Status();
  const last = new Map<string, string>(); // parts go on side by side
  return ({ what, name, done, total, state, error }) => {
    const text = `[${places.get(name)}/${evaluations.length}] ${what} ${name}: ${done} of ${total || '?'}, ${state}${error ? `: ${error.message}` : ''}`;
    const key = `${what} ${state}`;
    if (status.draws && state !== 'finished' && !error) status.draw(text);
    else if (status.draws || key !== last.get(name)) status.keep(text);
    last.set(name, key);
  };
}

/** The plan asks for the same splits again and again; whoever trains or evaluates reads them anew and notices when they changed. */
function remembered(load: typeof loadItems): typeof loadItems {
  const known = new Map<string, ReturnType<typeof loadItems>>();
  return (nameOrDir, options) => {
    const key = JSON.stringify([nameOrDir, options]);
    const loaded = known.get(key) ?? load(nameOrDir, options);
    known.set(key, loaded);
    return loaded;
  };
}

function approaches(value: string): Approach[] {
  const names = value.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !APPROACHES.includes(name as Approach));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${APPROACHES.join(', ')}.`);
  return names as Approach[];
}
