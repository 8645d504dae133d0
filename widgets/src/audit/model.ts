/** The audit of a data set, and the splits drawn after having read it. */
import type { Audit, AuditFinding, Connector, ErrorBody, ItemQuery, MakeSplit, SplitSummary } from '../connector.ts';
import { Latest, type Load } from '../load.ts';
import { Observable } from '../observable.ts';

/** Shows the questions that pass a filter. */
export type Open = (query: ItemQuery) => void;

export interface AuditState {
  status: Load<Audit>['status'];
  dataset: string | null;
  audit: Audit | null;
  error: ErrorBody | null;
  /** Split files that there are; null until they are read. */
  splits: SplitSummary[] | null;
  draft: Required<Omit<MakeSplit, 'query' | 'force' | 'kind'>> & { kind: 'question' | 'leak-free' };
  making: boolean;
  made: SplitSummary | null;
  refusal: ErrorBody | null;
}

export class AuditModel {
  readonly state: Observable<AuditState>;
  readonly #connector: Connector;
  readonly #audit = new Latest<Audit>();
  /** The audit is worth reading without the list: a failure is not shown. */
  readonly #splits = new Latest<SplitSummary[]>();
  readonly #making = new Latest<SplitSummary>();
  #dataset: string | null = null;
  #draft: AuditState['draft'] = { kind: 'leak-free', seed: 42, test_fraction: 0.2, name: '' };

  constructor(connector: Connector) {
    this.#connector = connector;
    this.state = new Observable(this.#state());
    for (const part of [this.#audit, this.#splits, this.#making]) part.subscribe(() => this.#tell());
  }

  /** Audits a data set; one whose index grew (`revision`) is audited anew. The last call wins. */
  show(dataset: string | null, revision: number | null): void {
    const other = dataset !== this.#dataset;
    this.#dataset = dataset;
    if (other) for (const part of [this.#audit, this.#splits, this.#making]) part.clear();
    if (dataset === null) return;
    void this.#audit.askOnce(`${dataset} ${revision}`, (signal) => this.#connector.data.audit(dataset, signal));
    void this.#splits.askOnce(`${dataset} ${revision}`, (signal) => this.#readSplits(dataset, signal), { keep: true });
  }

  reload(): void {
    void this.#audit.retry();
    void this.#splits.retry();
  }

  setDraft(change: Partial<AuditState['draft']>): void {
    this.#draft = { ...this.#draft, ...change };
    this.#tell();
  }

  /** Draws a split as the draft says. What is refused says why. */
  async makeSplit(): Promise<void> {
    const dataset = this.#dataset;
    if (dataset === null || this.#making.isPending) return;
    const { name, ...rest } = this.#draft;
    const made = await this.#making.ask(() =>
      this.#connector.data.makeSplit(dataset, { ...rest, ...(name.trim() && { name: name.trim() }) }),
    );
    if (made?.status === 'ready') await this.#splits.retry();
  }

  /** A question on an image, to open it; null when there is none. */
  async itemOn(image: string): Promise<string | null> {
    if (this.#dataset === null) return null;
    const page = await this.#connector.data.page(this.#dataset, { image, limit: 1 }).catch(() => null);
    return page?.items[0]?.id ?? null;
  }

  async #readSplits(dataset: string, signal: AbortSignal): Promise<SplitSummary[]> {
    return (await this.#connector.data.splits(dataset, signal)).files;
  }

  #tell(): void {
    this.state.set(this.#state());
  }

  #state(): AuditState {
    return {
      status: this.#audit.value.status,
      dataset: this.#dataset,
      audit: this.#audit.answer,
      error: this.#audit.error,
      splits: this.#splits.answer,
      draft: this.#draft,
      making: this.#making.isPending,
      made: this.#making.answer,
      refusal: this.#making.error,
    };
  }
}

/* What is said first */

export const SEVERITIES = {
  leak: { title: 'Leaks', says: 'Test questions whose image was trained on: accuracy on them measures memory.' },
  shortcut: { title: 'Shortcuts', says: 'Ways to the right answer that need no image.' },
  unusable: { title: 'Not usable', says: 'Kept and counted, never trained on.' },
  note: { title: 'To know', says: 'Worth knowing when a split is drawn.' },
} as const;
export type Severity = keyof typeof SEVERITIES;

const SEVERITY_OF: Record<string, Severity> = {
  'image-overlap': 'leak',
  'near-overlap': 'leak',
  'option-prior': 'shortcut',
  'letter-balance': 'shortcut',
  confounding: 'note',
  'duplicate-images': 'note',
};

export interface FindingGroup {
  severity: Severity;
  findings: AuditFinding[];
}

/** Findings by severity, the most serious first; within one by how much they weigh. */
export function findingGroups(audit: Audit): FindingGroup[] {
  const order = Object.keys(SEVERITIES) as Severity[];
  const groups = Map.groupBy(audit.findings, ({ code }) => SEVERITY_OF[code] ?? 'unusable');
  return order.flatMap((severity) => {
    const findings = groups.get(severity);
    return findings ? [{ severity, findings: findings.toSorted((a, b) => weight(b, audit) - weight(a, audit)) }] : [];
  });
}

/** A shortcut weighs what it gains over chance, all else the number of questions. */
function weight({ code, count, query }: AuditFinding, { splits }: Audit): number {
  if (code !== 'option-prior') return count;
  const split = splits.find(({ test }) => test === query.facets?.split?.[0]);
  return split ? split.prior_accuracy - split.chance : 0;
}

/* Tables */

export interface Matrix {
  /** The draw that is shown, modality or question_type; nothing in a data set with one draw. */
  draw: string;
  rows: { split: string; label: string }[];
  columns: { split: string; label: string; chance: number | null }[];
  /** Percent; null where it was not computed. */
  cell(row: string, column: string): number | null;
}

/** The matrix of the option prior, one for each draw; splits of different draws never meet. */
export function matrices({ prior_matrix, splits }: Audit): Matrix[] {
  const draws = Map.groupBy(Object.keys(prior_matrix), drawOf);
  return [...draws].map(([draw, trains]) => {
    const tests = [...new Set(trains.flatMap((train) => Object.keys(prior_matrix[train])))].sort();
    return {
      draw,
      rows: trains.toSorted().map((split) => ({ split, label: shortName(split) })),
      columns: tests.map((split) => ({
        split,
        label: shortName(split),
        chance: splits.find(({ test }) => test === split)?.chance ?? null,
      })),
      cell: (row, column) => prior_matrix[row]?.[column] ?? null,
    };
  });
}

const SIDE = /(^|\/)(train|test)(?=\/|$)/;
/** "modality/train/OCT" -> "modality". */
const drawOf = (split: string): string => split.slice(0, SIDE.exec(split)?.index ?? 0);
/** "modality/train/OCT" -> "OCT"; a split that is all of its side keeps its name. */
export const shortName = (split: string): string =>
  split.slice((SIDE.exec(split)?.index ?? 0) + (SIDE.exec(split)?.[0].length ?? 0)).replace(/^\//, '') || split;

export interface Bar {
  name: string;
  count: number;
  share: number;
}

/** Counts as shares of their sum, in the order of their names. */
export function bars(counts: Readonly<Record<string, number>>): Bar[] {
  const sum = Object.values(counts).reduce((a, b) => a + b, 0);
  return Object.keys(counts)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => ({ name, count: counts[name], share: sum === 0 ? 0 : counts[name] / sum }));
}

export interface Crossing {
  rows: { name: string; total: number; counts: number[] }[];
  columns: { name: string; total: number }[];
  most: number;
}

/** Modalities by question types, the largest first. */
export function crossing(table: Audit['modality_by_type']): Crossing {
  const sum = (counts: number[]): number => counts.reduce((a, b) => a + b, 0);
  const names = [...new Set(Object.values(table).flatMap((counts) => Object.keys(counts)))];
  const columns = names
    .map((name) => ({ name, total: sum(Object.values(table).map((counts) => counts[name] ?? 0)) }))
    .sort((a, b) => b.total - a.total);
  const rows = Object.entries(table)
    .map(([name, counts]) => ({ name, total: sum(Object.values(counts)), counts: columns.map((column) => counts[column.name] ?? 0) }))
    .sort((a, b) => b.total - a.total);
  return { rows, columns, most: Math.max(1, ...rows.flatMap(({ counts }) => counts)) };
}

/** Cramer's V in words, by Cohen's usual bounds. */
export function confounded(v: number): string {
  if (v < 0.1) return 'hardly';
  if (v < 0.3) return 'weakly';
  return v < 0.5 ? 'clearly' : 'strongly';
}
