/** Pages of docs/ that are made from tables in the code. `node kernel-bridge/src/cli/docs.ts` writes them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NO_FAILURES, RULES } from '../alerts/rules.ts';
import { LAYERS } from '../../../layers.ts';
import * as protocol from '../protocol/index.ts';
import { REWARDS } from '../rewards/built-in.ts';

const { CLOSE, METRICS, ROUTES, TrainConfig } = protocol;

interface Key {
  group: string;
  description: string;
  default?: unknown;
  unit?: string;
  type?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  anyOf?: { const?: unknown; type?: string }[];
}

const cell = (value: string): string => value.replaceAll('|', '\\|');
const row = (cells: string[]): string => `| ${cells.map(cell).join(' | ')} |`;

function tables<T>(rows: readonly T[], group: (row: T) => string, heads: string[], cells: (row: T) => string[]): string {
  return [...Map.groupBy(rows, group)]
    .map(([name, part]) => [`## ${name}`, '', row(heads), row(heads.map(() => '---')), ...part.map((one) => row(cells(one)))].join('\n'))
    .join('\n\n');
}

function metricsPage(): string {
  const body = tables(
    METRICS,
    ({ group }) => group,
    ['name', 'unit', 'what it is', 'how it is computed'],
    ({ name, unit, text, formula, ours }) => [`\`${name}\`${ours ? ' (ours)' : ''}`, unit, text, formula === '' ? '' : `\`${formula}\``],
  );
  return `# Metrics\n\nMade from src/protocol/metrics.ts. Names are those TRL logs; ours are marked.\n\n${body}\n`;
}

function allowed({ anyOf, type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Key): string {
  if (anyOf !== undefined)
    return anyOf.map((option) => (option.const === undefined ? (option.type ?? '') : String(option.const))).join(', ');
  const range = [
    minimum === undefined ? '' : `from ${minimum}`,
    exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`,
    maximum === undefined ? '' : `to ${maximum}`,
    exclusiveMaximum === undefined ? '' : `below ${exclusiveMaximum}`,
  ].filter((part) => part !== '');
  return [type ?? '', ...range].join(' ');
}

/** The unit is said once: many descriptions name it. */
const withUnit = ({ description, unit }: Key): string =>
  unit === undefined || new RegExp(`\\b${unit}\\b`, 'i').test(description) ? description : `${description} In ${unit}.`;

function configPage(): string {
  const keys = Object.entries(TrainConfig.properties as unknown as Record<string, Key>);
  const body = tables(
    keys,
    ([, key]) => key.group,
    ['key', 'default', 'values', 'what it does'],
    ([name, key]) => [`\`${name}\``, 'default' in key ? `\`${JSON.stringify(key.default)}\`` : 'required', allowed(key), withUnit(key)],
  );
  return `# Configuration\n\nMade from src/protocol/config.ts. Keys are TRL's where TRL has them.\n\n${body}\n`;
}

interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema | Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  patternProperties?: Record<string, Schema>;
}

/** As TypeScript would write it, other shapes by their names. */
function typeText(schema: Schema): string {
  const name = NAMES.get(JSON.stringify(schema));
  return name ?? spelledOut(schema);
}

function spelledOut(schema: Schema): string {
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeText))].join(' | ');
  if (Array.isArray(schema.items)) return `[${schema.items.map(typeText).join(', ')}]`;
  if (schema.type === 'array') return schema.items ? `(${typeText(schema.items)})[]`.replace(/^\(([\w.]+)\)/, '$1') : 'unknown[]';
  if (schema.patternProperties) return `Record<string, ${Object.values(schema.patternProperties).map(typeText).join(' | ')}>`;
  if (schema.type === 'object' && Object.keys(schema.properties ?? {}).length === 0) return 'object';
  if (schema.type === 'object') return `{${fields(schema).join('; ')}}`;
  return schema.type ?? 'unknown';
}

const fields = ({ properties = {}, required = [] }: Schema): string[] =>
  Object.entries(properties).map(([name, field]) => `${name}${required.includes(name) ? '' : '?'}: ${typeText(field)}`);

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && ('properties' in value || 'anyOf' in value);

const SHAPES = Object.entries(protocol as Record<string, unknown>)
  .filter((entry): entry is [string, Schema] => isSchema(entry[1]))
  .toSorted(([a], [b]) => (a < b ? -1 : 1));
const NAMES = new Map(SHAPES.map(([name, schema]) => [JSON.stringify(schema), name]));

const routes = Object.entries(ROUTES as Record<string, protocol.Route>);

/** Parameters as `name: type`; `?` marks what may be left out. */
function takes({ query, body }: protocol.Route): string {
  const schema = body ?? query;
  if (!schema) return '';
  const name = NAMES.get(JSON.stringify(schema));
  return name !== undefined ? link(name) : body ? `\`${typeText(schema)}\`` : `\`${fields(schema).join('  ')}\``;
}

function gives({ answer, file, status }: protocol.Route): string {
  const name = answer && NAMES.get(JSON.stringify(answer));
  const shape = answer === undefined ? file! : name !== undefined ? link(name) : `\`${typeText(answer)}\``;
  return status === undefined ? shape : `${status} ${shape}`;
}

const link = (name: string): string => (name === 'TrainConfig' ? '[TrainConfig](config.md)' : `[${name}](#${name.toLowerCase()})`);

function apiPage(): string {
  const groups = { '': 'Runs', evals: 'Evaluations', data: 'Data' };
  const table = (group: string, title: string): string =>
    [
      `## ${title}`,
      '',
      row(['name', '', 'path', 'takes', 'gives', '']),
      row(['---', '---', '---', '---', '---', '---']),
      ...routes
        .filter(([name]) => (name.includes('.') ? name.split('.')[0] : '') === group)
        .map(([name, one]) => row([`\`${name}\``, one.method, `\`${one.path}\``, takes(one), gives(one), one.text])),
    ].join('\n');
  const shapes = SHAPES.filter(([name]) => name !== 'TrainConfig');
  return [
    '# Routes and messages',
    'Made from src/protocol: routes.ts is the one table from which the server routes and checks requests and from which the clients have their methods. ' +
      'Paths are below `/api` (`<base>/medr1/api` behind JupyterLab). `takes` is the body of POST and PATCH and the parameters of the address of GET, ' +
      'where a list is written a,b,c; `?` marks what may be left out. An error is `{code, message, remedy}` with its HTTP status; [errors.md](errors.md) lists the codes. A name is a method ' +
      'of the clients: `client.data.page(name, query)`; parts of the path come first, then what the route takes.',
    ...Object.entries(groups).map(([group, title]) => table(group, title)),
    '## Websocket',
    `\`/api/ws\`: what a client sends is a ClientMessage, what comes is a ServerMessage. Closed with ${Object.entries(CLOSE)
      .map(([why, code]) => `${code} (${why})`)
      .join(', ')}. How a subscription goes on after a gap stands in src/protocol/ws.ts.`,
    '## Shapes',
    "`?` marks what may be left out. A run's configuration, `TrainConfig`, is [config.md](config.md).",
    ...shapes.map(([name, schema]) =>
      [`### ${name}`, '', '```ts', ...(schema.anyOf ? schema.anyOf.map((each) => `| ${typeText(each)}`) : fields(schema)), '```'].join(
        '\n',
      ),
    ),
  ]
    .join('\n\n')
    .concat('\n');
}

/** architecture.md is written by hand but for the table of folders. */
function architecturePage(): string {
  const rows = LAYERS.map(({ folder, is, knows }) => row([`\`${folder}\``, is, knows.join(', ')]));
  const table = [row(['folder', 'what it is', 'knows']), row(['---', '---', '---']), ...rows].join('\n');
  return readFileSync(pageFile('docs/architecture.md'), 'utf8').replace(
    /(<!-- folders[^\n]*-->\n\n).*?(\n\n<!-- end of folders -->)/s,
    (_, before, after) => before + table + after,
  );
}

function errorsPage(): string {
  const heads = ['code', 'status', 'what it means', 'what helps'];
  const rows = Object.entries(protocol.ERROR_CODES)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { http, meaning, remedy }]) => row([`\`${name}\``, http === null ? '' : String(http), meaning, remedy]));
  return [
    '# Error codes',
    'Made from src/protocol/error-codes.ts. An error is `{code, message, remedy}`, over REST, on the websocket, in a run and with `--json`: the ' +
      'message says what was seen and where, the code stays the same over versions. Without a status: no route answers with it.',
    [row(heads), row(heads.map(() => '---')), ...rows].join('\n'),
  ]
    .join('\n\n')
    .concat('\n');
}

/** What the page needs of each route, so that it is spared the schemas: src/client/route-list.ts. */
function routeList(): string {
  const key = (name: string): string => (/^\w+$/.test(name) ? name : `'${name}'`);
  const lines = routes.map(([name, { method, path, query, body, gives, file }]) => {
    const once = body && 'request_id' in ((body as Schema).properties ?? {});
    const parts = [
      `method: '${method}'`,
      `path: '${path}'`,
      ...(body || query ? [`takes: '${body ? 'body' : 'query'}'`] : []),
      ...(once ? ['once: true'] : []),
      ...(gives === undefined ? [] : [`gives: '${String(gives)}'`]),
      ...(file === undefined ? [] : ['file: true']),
    ];
    return `  ${key(name)}: { ${parts.join(', ')} },`;
  });
  return [
    '/** Made from protocol/routes.ts by cli/docs.ts: do not edit. */',
    "import type { RouteName } from '../protocol/routes.ts';",
    "import type { ListedRoute } from './listed-route.ts';",
    '',
    'export const ROUTE_LIST: Record<RouteName, ListedRoute> = {',
    ...lines,
    '};',
    '',
  ].join('\n');
}

/** What the Python package shares with the backend: extension/medr1_workbench/protocol.py. */
function pythonConstants(): string {
  const tuple = (values: readonly string[]): string =>
    `(${values.map((value) => `"${value}"`).join(', ')}${values.length === 1 ? ',' : ''})`;
  const slow = routes.filter(([, { slow }]) => slow).map(([, { path }]) => path.slice(1));
  return [
    '"""What the backend and this package have to agree on. Made from kernel-bridge/src/protocol by cli/docs.ts: do not edit."""',
    '',
    `PROTOCOL_VERSION = ${protocol.PROTOCOL_VERSION}`,
    '# Bytes of a body that relay and backend take.',
    `MAX_BODY = ${protocol.MAX_BODY_BYTES}`,
    '# Routes whose answer may take minutes.',
    'SLOW_PATHS = frozenset(',
    '    {',
    ...slow.map((path) => `        "${path}",`),
    '    }',
    ')',
    `FACETS = ${tuple(protocol.FACETS)}`,
    '# States of a run in which a process works on it, and in which none does any more. A queued run is in neither.',
    `ACTIVE_STATES = frozenset(${tuple(protocol.ACTIVE_STATES)})`,
    `ENDED_STATES = frozenset(${tuple(protocol.ENDED_STATES)})`,
    '# Numbers of a configuration that are taken and are most often a slip of the pen: from where on, and what they do.',
    'DOUBTFUL = {',
    ...Object.entries(protocol.DOUBTFUL).map(([key, { above, why }]) => `    "${key}": (${above}, "${why}"),`),
    '}',
    '# Every route by its name: method and path, where :id and the like stand for a part that the caller gives.',
    'ROUTES = {',
    ...routes.map(([name, { method, path }]) => `    "${name}": ("${method}", "${path}"),`),
    '}',
    '',
  ].join('\n');
}

/** What Python takes for a key beside, or in place of, what its schema says: paths, functions, and TRL's ways of writing a value. */
const PYTHON_TYPES: Record<string, string> = {
  model_name_or_path: 'Place',
  dataset_name: 'Place | IndexedData',
  reward_funcs: 'Reward | Sequence[Reward]',
  scale_rewards: 'Literal["group", "batch", "none"] | bool',
  lora_target_modules: 'str | Sequence[str] | None',
};

interface JsonSchema {
  type?: string;
  const?: unknown;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
}

/** The type in Python of what a schema takes. Mappings are not looked into. */
function pythonType({ type, const: only, anyOf, items }: JsonSchema): string {
  if (anyOf !== undefined) {
    const literals = anyOf.filter((each) => each.const !== undefined).map((each) => JSON.stringify(each.const));
    const others = anyOf.filter((each) => each.const === undefined).map(pythonType);
    return [...(literals.length === 0 ? [] : [`Literal[${literals.join(', ')}]`]), ...others].join(' | ');
  }
  if (only !== undefined) return `Literal[${JSON.stringify(only)}]`;
  if (type === 'array') return `Sequence[${pythonType(items ?? {})}]`;
  return { string: 'str', number: 'float', integer: 'int', boolean: 'bool', null: 'None' }[type ?? ''] ?? 'Mapping[str, Any]';
}

/** As ruff breaks it: a line of at most 140 characters, or a value a line. */
const pythonKey = (name: string, type: string): string => {
  const line = `    ${name}: ${type}`;
  return line.length <= 140 ? line : line.replaceAll('[', '[\n        ').replaceAll(', ', ',\n        ').replaceAll(']', ',\n    ]');
};

/** Keys of a run as Python's type checkers and editors take them: extension/medr1_workbench/configuration.py. */
function pythonConfiguration(): string {
  const keys = Object.entries(TrainConfig.properties as unknown as Record<string, JsonSchema>);
  const lines = (wanted: (name: string) => boolean): string[] =>
    keys.filter(([name]) => wanted(name)).map(([name, schema]) => pythonKey(name, PYTHON_TYPES[name] ?? pythonType(schema)));
  return [
    '"""Keys of a run\'s configuration, for editors and type checkers. Made from kernel-bridge/src/protocol by cli/docs.ts: do not edit."""',
    '',
    'from __future__ import annotations',
    '',
    'import os',
    'from collections.abc import Callable, Mapping, Sequence',
    'from typing import TYPE_CHECKING, Any, Literal, TypedDict',
    '',
    'if TYPE_CHECKING:',
    '    from .needs import IndexedData',
    '',
    'Place = str | os.PathLike[str]',
    '# A name, a file, or a function of this Python.',
    'Reward = str | os.PathLike[str] | Callable[..., Any]',
    '',
    '',
    'class BesidesVariant(TypedDict, total=False):',
    '    """Every key but `variant`; docs/config.md says what each is."""',
    '',
    ...lines((name) => name !== 'variant'),
    '',
    '',
    'class Configuration(BesidesVariant, total=False):',
    '    """Every key; docs/config.md says what each is."""',
    '',
    ...lines((name) => name === 'variant'),
    '',
    '',
    'class LiveSettings(TypedDict, total=False):',
    '    """Keys that can be changed while a run trains."""',
    '',
    ...lines(protocol.isLive),
    '',
  ].join('\n');
}

function rewardsPage(): string {
  const parts = [...REWARDS.values()].map((reward) => {
    const parameters = Object.entries(reward.parameters.properties as unknown as Record<string, Key>);
    const table = [
      row(['parameter', 'default', 'allowed', 'what it does']),
      row(['---', '---', '---', '---']),
      ...parameters.map(([name, key]) =>
        row([`\`${name}\``, key.default === undefined ? 'of the run' : `\`${JSON.stringify(key.default)}\``, allowed(key), withUnit(key)]),
      ),
    ];
    return [
      `## ${reward.name}`,
      '',
      `${reward.description} From ${reward.range.join(' to ')} with its defaults.`,
      '',
      `**Formula.** ${reward.formula}.`,
      '',
      `**Known failure.** ${reward.known_failure}`,
      ...(parameters.length === 0 ? [] : ['', ...table]),
    ].join('\n');
  });
  const how = [
    'Made from kernel-bridge/src/rewards. Parameters are given in the configuration, in the forms, or while the run trains, and a number among them may follow',
    'the step as a weight may ([rewards.md](guides/rewards.md#parameters-and-schedules)).',
  ].join('\n');
  return `# Built-in rewards\n\n${how}\n\n${parts.join('\n\n')}\n`;
}

function alertsPage(): string {
  const parts = RULES.map(({ id, title, level, metrics, window, thresholds, why }, i) =>
    [
      `## ${title}`,
      '',
      `\`${id}\`, ${level}, rank ${i + 1}. Looks at ${metrics.map((name) => `\`${name}\``).join(', ')} over ${window === 1 ? 'one step' : `${window} steps`}.`,
      '',
      why,
      ...(Object.keys(thresholds).length === 0
        ? []
        : [
            '',
            row(['threshold', 'default', 'what it is']),
            row(['---', '---', '---']),
            ...Object.entries(thresholds).map(([name, { value, text }]) => row([`\`${name}\``, String(value), text])),
          ]),
    ].join('\n'),
  );
  const heads = [row(['metric', 'what looks odd', 'why it is as it should be']), row(['---', '---', '---'])];
  const odd = [...heads, ...NO_FAILURES.map(({ metric, seen, why }) => row([`\`${metric}\``, seen, why]))].join('\n');
  return [
    '# Rules of alerts',
    'Made from kernel-bridge/src/alerts/rules.ts. How to use, tune and add rules: [guides/alerts.md](guides/alerts.md). Of rules that see something at the same step, the one of ' +
      'lowest rank is told first. A rule whose metrics a run does not log is silent.',
    ...parts,
    '## What looks like a failure and is none',
    odd,
  ]
    .join('\n\n')
    .concat('\n');
}

/** File of the repository -> its text. */
export const PAGES: Record<string, () => string> = {
  'docs/metrics.md': metricsPage,
  'docs/config.md': configPage,
  'docs/api.md': apiPage,
  'docs/errors.md': errorsPage,
  'docs/built-in-rewards.md': rewardsPage,
  'docs/alert-rules.md': alertsPage,
  'docs/architecture.md': architecturePage,
  'kernel-bridge/src/client/route-list.ts': routeList,
  'extension/medr1_workbench/protocol.py': pythonConstants,
  'extension/medr1_workbench/configuration.py': pythonConfiguration,
};

export const pageFile = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

if (import.meta.main) for (const [name, page] of Object.entries(PAGES)) writeFileSync(pageFile(name), page());
