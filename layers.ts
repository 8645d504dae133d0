/**
 * The folders of the code in one order: each may import the folders that it names, and those stand above it. `protocol` and `answers` are open to all,
 * `files` and the files beside it (`kernel-bridge`) to all that runs on Node.
 * eslint.config.mjs refuses any other import, types and `import()` included; test/lint/layers.test.ts refuses names that no import uses;
 * `node kernel-bridge/src/cli/docs.ts` writes the table of docs/architecture.md from this one.
 */
import { dirname, join, normalize } from 'node:path';

const ROOTS: Record<string, string> = {
  'kernel-bridge': 'kernel-bridge/src',
  native: 'kernel-bridge/native',
  setup: 'kernel-bridge/setup',
  widgets: 'widgets/src',
  extension: 'extension/src',
};
const path = (name: string): string =>
  ROOTS[name] ?? (/^(widgets|extension)\//.test(name) ? name.replace('/', '/src/') : `kernel-bridge/src/${name}`);

const OPEN = ['protocol', 'answers'];
const OPEN_ON_NODE = ['kernel-bridge', 'files'];
/** These are loaded by browsers, or before anything is installed. */
const NOT_ON_NODE = ['protocol', 'answers', 'client', 'native', 'setup'];

export interface Layer {
  name: string;
  folder: string;
  /** What it is, for the table of docs/architecture.md. */
  is: string;
  knows: string[];
}

const layer = (name: string, is: string, knows = ''): Layer => ({ name, folder: path(name), is, knows: knows.split(' ').filter(Boolean) });
const view = (name: string, is: string, knows = ''): Layer => layer(`widgets/${name}`, is, `widgets widgets/store ${knows}`);

/** Drawn within views: it has no plugin. */
const WITHIN = ['widgets/explain'];
/** Each has a plugin, which may import it. */
const VIEWS = [
  view('runs', 'the list of runs', 'widgets/charts'),
  view('curves', 'charts of metrics', 'widgets/runs'),
  view('rollouts', 'completions of a step, token by token', 'widgets/charts'),
  layer(
    'widgets/explain',
    'questions about one completion: where the model looked, when it decided',
    'widgets widgets/charts widgets/rollouts',
  ),
  view('pair', 'two runs that differ in their prompt, side by side', 'widgets/charts widgets/rollouts widgets/curves'),
  view('rewards', 'reward functions, their weights and edits', 'widgets/charts'),
  view('new-run', 'the form that starts a run', 'widgets/charts widgets/form widgets/rewards'),
  view('data', 'the browser of data sets', 'widgets/charts'),
  view('sample', 'one question, and answers to it', 'widgets/rollouts widgets/explain'),
  view('audit', 'what is wrong with a data set', 'widgets/charts'),
  view('runs-table', 'runs as a table: columns, search, configurations side by side, notes', 'widgets/runs widgets/form'),
  view('evaluation', 'stored evaluations: their tables, answers and matrices', 'widgets/charts widgets/form widgets/rollouts'),
  view('compare', 'evaluations side by side: figures, tests, agreement, questions that flip', 'widgets/charts widgets/evaluation'),
  view(
    'lineage',
    'related runs as a tree over steps, and what forks changed',
    'widgets/runs widgets/rewards widgets/runs-table widgets/evaluation',
  ),
  view('inspector', 'what was chosen last, in full', 'widgets/rollouts widgets/explain widgets/sample'),
  view('search', 'search over everything that runs said', 'widgets/charts widgets/rollouts'),
  view('alerts', 'what rules saw in a run, and what can be done'),
  view('trash', 'what was removed, with a way back'),
  view('status', 'the line of the status bar', 'widgets/runs'),
];

/** A name is a folder of kernel-bridge/src, or a package's own files (`widgets`), or a folder of theirs (`widgets/store`). */
export const LAYERS: Layer[] = [
  layer('protocol', 'schemas: configuration, records, routes, messages, errors, metrics'),
  layer('answers', 'letters, tags, prompts, and the readings by which answers are read'),
  layer('kernel-bridge', 'what the package and the machine are: version, processors, memory'),
  layer('native', "the Node-API addon over libtorch's dispatcher"),
  layer('setup', 'what `npm start`, `npm test` and `npm run bench` do; runs on Node 20 without a dependency', 'native'),
  layer('files', 'files from elsewhere, opened without waiting and read within a limit; the trash of a home'),
  layer('torch', 'tensors, scopes, autograd, optimiser, safetensors', 'native'),
  layer('models', 'a family of models a folder: processor, vision tower, decoder, generation, packed training forward', 'torch'),
  layer('stats', 'intervals, tests of shares and pairs with their corrections, agreement, seeded random numbers'),
  layer('log', 'SQLite databases that survive a power cut, folders made whole or not at all, locks, full disks'),
  layer('rewards', "reward functions, and users' own in a sandbox"),
  layer('data', 'readers, index, splits, audit, thumbnails, the made sample', 'stats log'),
  layer('alerts', 'rules over the metrics of a run: what was seen, why, and what can be done', 'rewards'),
  layer('rl', 'advantages, losses, GRPO and SFT trainers, metrics', 'torch models stats log rewards data'),
  layer('search', 'the index over what runs said, searches in it, notes on completions', 'stats log data'),
  layer('runs', 'run store, checkpoints, estimate of memory', 'stats models alerts log rewards data search'),
  layer('evals', 'stored evaluations: answers, tables, comparisons, matrices', 'stats log data runs'),
  layer(
    'worker',
    'the processes that hold a model: one trains, one evaluates, one answers questions',
    'torch models log rewards data rl runs evals',
  ),
  layer('client', 'typed client for browser, Node and Deno'),
  layer('server', 'HTTP and websocket, auth, supervision of the processes', 'log alerts rewards data search runs evals client'),
  layer('reproduce', "Med-R1's whole experiment: recipe, plan, queue, report", 'log rewards data runs evals client server'),
  layer(
    'cli',
    'the `medr1` command, one file a command; loads the rest when it needs it',
    'setup torch models log rewards alerts data rl search runs evals worker client server reproduce',
  ),
  layer('widgets', 'Lit components: what they share, the Connector seam first', 'client'),
  layer('widgets/store', 'models that several views share: runs, data, rollouts, selection', 'widgets'),
  layer('widgets/charts', 'small charts: one skeleton for marks, ticks, hover, the empty state and the table that is read out'),
  layer('widgets/form', 'a form made from a JSON Schema: fields, their values, their controls'),
  ...VIEWS,
  layer(
    'widgets/live',
    'live cells of notebooks: one module that knows nothing but the messages of a kernel',
    'widgets widgets/store widgets/charts widgets/runs widgets/curves widgets/rollouts',
  ),
  layer('extension', 'JupyterLab: tokens, icons, panels, the connection', 'client widgets widgets/store'),
  layer(
    'extension/plugins',
    'one plugin a file',
    `extension widgets widgets/store ${VIEWS.map(({ name }) => name)
      .filter((name) => !WITHIN.includes(name))
      .join(' ')}`,
  ),
];

/** Entries of a package, which gather what is below them. */
const ENTRIES = ['widgets/src/index.ts', 'extension/src/index.ts'];

const longestFirst = LAYERS.toSorted((a, b) => b.folder.length - a.folder.length);

/** The row that a file belongs to; undefined for entries, tests, benchmarks, the gallery and what is no code of ours. */
export function layerOf(file: string): Layer | undefined {
  if (ENTRIES.includes(file) || file.endsWith('.test.ts')) return undefined;
  return longestFirst.find(({ folder }) => file.startsWith(`${folder}/`));
}

/** The file that an import of `file` names, from the root of the repository; null for libraries. Package names give the folder of their source. */
export function target(file: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return normalize(join(dirname(file), specifier));
  const [, name, rest = 'index'] = /^@medr1\/([\w-]+)(?:\/(.+))?$/.exec(specifier) ?? [];
  return name ? `${name}/src/${rest}${/^(answers|protocol|client)$/.test(rest) ? '/index' : ''}.ts` : null;
}

const isOpen = (from: Layer, to: Layer): boolean =>
  (OPEN.includes(to.name) && from.name !== 'protocol') ||
  (OPEN_ON_NODE.includes(to.name) && packageOf(from.folder) === 'kernel-bridge' && ![...NOT_ON_NODE, ...OPEN_ON_NODE].includes(from.name));

const packageOf = (file: string): string => file.split('/')[0];
const PACKAGES = ['kernel-bridge', 'widgets', 'extension'];
const PUBLIC = /^@medr1\/kernel-bridge\/(answers|protocol(\/[\w-]+)?|client)$/;

/** Of a folder that loads libtorch the one file that does not, and who, loading none, may import that alone. */
const WITHOUT_TENSORS = { from: 'runs', to: 'models', file: 'kernel-bridge/src/models/shapes.ts' };

/** What is wrong with an import, or null. */
export function importProblem(file: string, specifier: string): string | null {
  const from = layerOf(file);
  if (!from) return null;
  if (packageOf(file) === 'widgets' && /^@(jupyterlab|lumino|jupyter|jupyter-widgets)\//.test(specifier))
    return 'widgets/ imports nothing of Jupyter: it also lives in notebooks outside Lab.';
  const to = target(file, specifier);
  if (to === null) return null;
  const across = packageOf(to) !== packageOf(file) && PACKAGES.includes(packageOf(to));
  if (across && (specifier.startsWith('.') || (packageOf(to) === 'kernel-bridge' && !PUBLIC.test(specifier))))
    return 'The front end knows the backend by @medr1/kernel-bridge/answers, /protocol and /client, and packages know each other by name.';
  const known = layerOf(to);
  if (from.name === WITHOUT_TENSORS.from && known?.name === WITHOUT_TENSORS.to && to !== WITHOUT_TENSORS.file)
    return `Imports point one way: ${from.name} may not import ${known.name} but for ${WITHOUT_TENSORS.file}, which loads no tensors.`;
  if (!known || known === from || isOpen(from, known) || from.knows.includes(known.name)) return null;
  return `Imports point one way: ${from.name} may not import ${known.name}; layers.ts says what it may.`;
}
