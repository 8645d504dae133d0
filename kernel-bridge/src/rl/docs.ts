/** Pages of docs/ that are made from tables in the code: metrics.md and config.md. `node kernel-bridge/src/rl/docs.ts` writes them. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { METRICS, TrainConfig } from '../protocol/index.ts';

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

export function metricsPage(): string {
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

export function configPage(): string {
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

/** File below docs/ -> its text. */
export const PAGES: Record<string, () => string> = { 'metrics.md': metricsPage, 'config.md': configPage };

export const docsFile = (name: string): string => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

if (import.meta.main) for (const [name, page] of Object.entries(PAGES)) writeFileSync(docsFile(name), page());
