/** Pages of docs/ that are made from tables in the code. `node kernel-bridge/src/cli/docs.ts` writes them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LAYERS } from '../../../layers.ts';
import * as protocol from '../protocol/index.ts';

const { CLOSE, DATA_ROUTES, EVAL_ROUTES, METRICS, ROUTES, TrainConfig } = protocol;

interface Key {
  group: string;
  description: string;
  default?: unknown;
  unit?: string;
  type?: string;
  minimum?: number;
  maximum?: number;
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

function allowed({ anyOf, type, minimum, maximum }: Key): string {
  if (anyOf !== undefined)
    return anyOf.map((option) => (option.const === undefined ? (option.type ?? '') : String(option.const))).join(', ');
  const range = [minimum === undefined ? '' : `from ${minimum}`, maximum === undefined ? '' : `to ${maximum}`].filter(
    (part) => part !== '',
  );
  return [type ?? '', ...range].join(' ');
}

function configPage(): string {
  const keys = Object.entries(TrainConfig.properties as unknown as Record<string, Key>);
  const body = tables(
    keys,
    ([, key]) => key.group,
    ['key', 'default', 'values', 'what it does'],
    ([name, key]) => [
      `\`${name}\``,
      'default' in key ? `\`${JSON.stringify(key.default)}\`` : 'required',
      allowed(key),
      key.description + (key.unit ? ` In ${key.unit}.` : ''),
    ],
  );
  return `# Configuration\n\nMade from src/protocol/config.ts. Keys are TRL's where TRL has them.\n\n${body}\n`;
}

interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
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
  if (schema.type === 'array') return schema.items ? `(${typeText(schema.items)})[]`.replace(/^\(([\w.]+)\)/, '$1') : 'unknown[]';
  if (schema.patternProperties) return `Record<string, ${Object.values(schema.patternProperties).map(typeText).join(' | ')}>`;
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

function apiPage(): string {
  const routes = (title: string, table: readonly (readonly [string, string, string])[]): string =>
    [
      `## ${title}`,
      '',
      row(['', 'path', 'gives']),
      row(['---', '---', '---']),
      ...table.map(([method, path, text]) => row([method, `\`/api${path}\``, text])),
    ].join('\n');
  const shapes = SHAPES.filter(([name]) => name !== 'TrainConfig');
  return [
    '# Routes and messages',
    'Made from src/protocol, which the server registers, the clients are typed by and requests are checked against. An error is `{code, message, remedy}` with its HTTP status.',
    routes('Runs', ROUTES),
    routes('Evaluations', EVAL_ROUTES),
    routes('Data', DATA_ROUTES),
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
  return readFileSync(docsFile('architecture.md'), 'utf8').replace(
    /(<!-- folders[^\n]*-->\n\n).*?(\n\n<!-- end of folders -->)/s,
    (_, before, after) => before + table + after,
  );
}

/** File below docs/ -> its text. */
export const PAGES: Record<string, () => string> = {
  'metrics.md': metricsPage,
  'config.md': configPage,
  'api.md': apiPage,
  'architecture.md': architecturePage,
};

export const docsFile = (name: string): string => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

if (import.meta.main) for (const [name, page] of Object.entries(PAGES)) writeFileSync(docsFile(name), page());
