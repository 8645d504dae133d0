/** What a worked plan found: the paper's tables and matrices as ours, beside the published figures there are. */
import type { Accuracy, ControlReports, EvalMatrix, EvalSummary, MatrixDifference, MatrixKind, Reading, Share } from '../protocol/evals.ts';
import { evaluatedCheckpoints, openEval } from '../evals/evals.ts';
import { matrices, matrixMeans } from '../evals/matrix.ts';
import { OptionPrior } from '../data/prior.ts';
import type { VqaItem } from '../protocol/data.ts';
import type { LoadQuestions } from '../evals/evals.ts';
import { loadSplit } from '../evals/evals.ts';
import { openRun } from '../runs/runs.ts';
import type { Plan } from './plan.ts';
import { published, type Published } from '../evals/published.ts';
import type { Worked } from './work.ts';

/** One line of the first table: an approach, over all its checkpoints and all test sets. */
export interface ApproachRow {
  /** "grpo think", "sft no-think", "untrained think", "zero-shot" */
  name: string;
  checkpoints: number;
  /** Mean over cells of the matrix; for an untrained model over the test sets. */
  in_domain: Record<Reading, number | null>;
  off_diagonal: Record<Reading, number | null>;
  /** Mean tokens of an answer, and tokens per right answer, over all answers. */
  mean_tokens: number | null;
  tokens_per_correct: number | null;
}

export interface KindReport {
  kind: MatrixKind;
  approaches: ApproachRow[];
  /** The untrained model on each test set, by approach. */
  untrained: { name: string; by_unit: Record<string, Accuracy>; controls: ControlReports }[];
  matrices: EvalMatrix[];
  differences: MatrixDifference[];
  /** Choosing the option whose text was most often right in training: rows learnt from, columns tested on; shares. */
  option_prior: { names: string[]; cells: (number | null)[][]; in_domain: number | null; off_diagonal: number | null };
  published: Published['no_think_minus_think'][MatrixKind];
}

/** What was found. It holds no time and no id: the same experiment gives the same bytes, in whatever order its parts ended. */
export interface ReproductionReport {
  name: string;
  model: string;
  dataset: string;
  /** Cells name the evaluation by its part of the plan. */
  kinds: KindReport[];
  headlines: Published['headlines'];
  missing: string;
  failed: Worked['failed'];
}

/** When and by what it was found. */
export interface Provenance {
  created_at: string;
  /** Seconds of training and of evaluating, summed over the parts as their stores have them. */
  seconds: { training: number; evaluating: number };
  /** Ids by the plan's names. */
  runs: Record<string, string>;
  evaluations: Record<string, string>;
}

export async function makeReport(home: string, plan: Plan, worked: Worked, loadItems: LoadQuestions): Promise<ReproductionReport> {
  const kinds: KindReport[] = [];
  for (const kind of plan.recipe.kinds) kinds.push(await kindReport(home, plan, worked, kind, loadItems));
  return {
    name: plan.recipe.name,
    model: plan.recipe.model_name_or_path,
    dataset: plan.recipe.dataset_name,
    kinds,
    headlines: published.headlines,
    missing: published.missing,
    failed: worked.failed,
  };
}

export const provenance = (home: string, worked: Worked): Provenance => ({
  created_at: new Date().toISOString(),
  seconds: seconds(home, worked),
  runs: Object.fromEntries(worked.runs),
  evaluations: Object.fromEntries(worked.evaluations),
});

async function kindReport(home: string, plan: Plan, worked: Worked, kind: MatrixKind, loadItems: LoadQuestions): Promise<KindReport> {
  const parts = plan.evaluations.filter((part) => part.kind === kind && worked.evaluations.has(part.name));
  const idOf = (name: string): string => worked.evaluations.get(name)!;
  const trained = evaluatedCheckpoints(
    home,
    parts.filter(({ of }) => of !== null).map(({ name }) => idOf(name)),
  );
  const names = new Map(parts.map(({ name }) => [idOf(name), name]));
  const made = matrices(trained, kind);
  for (const { cells } of made.matrices) for (const cell of cells.flat()) if (cell) cell.evaluation = names.get(cell.evaluation)!;
  const untrained = parts
    .filter(({ of }) => of === null)
    .map(({ name }) => {
      using store = openEval(home, idOf(name));
      const { controls } = store.evaluation();
      return { name: name.slice(kind.length + 1), by_unit: store.accuracyBy(kind), controls, summary: store.summary() };
    });
  const approaches = [
    ...untrained.map((one): ApproachRow => ({ name: one.name, checkpoints: 0, ...meansOf(one.by_unit), ...tokensOf([one.summary]) })),
    ...made.matrices.map((one): ApproachRow => {
      const summaries = trained.map(({ summary }) => summary).filter((each) => nameOf(each) === one.name);
      const { name, in_domain, off_diagonal } = one;
      return { name, checkpoints: summaries.length, in_domain, off_diagonal, ...tokensOf(summaries) };
    }),
  ];
  return {
    kind,
    approaches,
    untrained: untrained.map(({ name, by_unit, controls }) => ({ name, by_unit, controls })),
    ...made,
    option_prior: await optionPrior(home, plan, kind, loadItems),
    published: published.no_think_minus_think[kind],
  };
}

const nameOf = ({ trained, settings }: EvalSummary): string => `${trained!.trainer} ${settings.variant}`;

/** An untrained model has no domain: the mean over the test sets stands under both heads. */
function meansOf(byUnit: Record<string, Accuracy>): Pick<ApproachRow, 'in_domain' | 'off_diagonal'> {
  const mean = (reading: Reading): number | null => {
    const rates = Object.values(byUnit).flatMap((accuracy) => accuracy[reading].rate ?? []);
    return rates.length === 0 ? null : rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  };
  const means = { strict: mean('strict'), tolerant: mean('tolerant') };
  return { in_domain: means, off_diagonal: means };
}

function tokensOf(summaries: readonly EvalSummary[]): Pick<ApproachRow, 'mean_tokens' | 'tokens_per_correct'> {
  const sum = (of: (summary: EvalSummary) => number): number => summaries.reduce((total, summary) => total + of(summary), 0);
  const [answers, right] = [sum(({ strict }) => strict.total), sum(({ strict }) => strict.right)];
  const tokens = sum(({ mean_tokens, strict }) => (mean_tokens ?? 0) * strict.total);
  return { mean_tokens: answers ? tokens / answers : null, tokens_per_correct: right ? tokens / right : null };
}

async function optionPrior(
  home: string,
  { recipe, units }: Plan,
  kind: MatrixKind,
  loadItems: LoadQuestions,
): Promise<KindReport['option_prior']> {
  const names = units[kind];
  const items = async (side: 'train' | 'test', unit: string): Promise<VqaItem[]> =>
    (await loadSplit(loadItems, home, recipe.dataset_name, `${kind}/${side}/${unit}`)).items;
  const tests = await Promise.all(names.map((unit) => items('test', unit)));
  const cells = await Promise.all(
    names.map(async (unit) => {
      const prior = new OptionPrior(await items('train', unit));
      return tests.map((test) => test.filter((item) => prior.answer(item) === item.answer).length / test.length);
    }),
  );
  return { names, cells, ...matrixMeans(cells) };
}

function seconds(home: string, { runs, evaluations }: Worked): Provenance['seconds'] {
  let training = 0;
  for (const id of runs.values()) {
    using store = openRun(home, id);
    const { started_at, ended_at } = store.row();
    if (started_at !== null && ended_at !== null) training += (ended_at - started_at) / 1000;
  }
  let evaluating = 0;
  for (const id of new Set(evaluations.values())) {
    using store = openEval(home, id);
    const { started_at, ended_at } = store.row();
    if (started_at !== null && ended_at !== null) evaluating += (ended_at - started_at) / 1000;
  }
  return { training, evaluating };
}

// --- as Markdown ---------------------------------------------------------------------------------------------------------------------

const KIND_TITLE: Record<MatrixKind, string> = { modality: 'Across modalities', question_type: 'Across question types' };
const percent = (rate: number | null | undefined): string => (rate === null || rate === undefined ? '' : (100 * rate).toFixed(1));
const points = (value: number | null | undefined): string =>
  value === null || value === undefined ? '' : `${value > 0 ? '+' : ''}${value.toFixed(2)}`;
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const grid = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
const square = (names: readonly string[], cell: (i: number, j: number) => string): string =>
  grid(
    ['trained on \\ tested on', ...names],
    names.map((name, i) => [name, ...names.map((_, j) => cell(i, j))]),
  );

export function markdown(report: ReproductionReport): string {
  const { name, model, dataset, kinds, headlines, missing, failed } = report;
  return (
    [
      `# ${name}`,
      `Model ${model}, data ${dataset}. ` +
        'Accuracies in percent, answers read strictly as published unless it says tolerant. Means over cells of a matrix are unweighted.',
      ...(failed.length > 0 ? [`**Not whole**: ${failed.map((one) => `${one.name} (${one.error.message})`).join('; ')}`] : []),
      ...kinds.map(kindMarkdown),
      '## What the paper says',
      headlines.map((one) => `- ${one.text}: ${one.percent} % (${one.source})`).join('\n'),
      missing,
    ].join('\n\n') + '\n'
  );
}

function kindMarkdown(of: KindReport): string {
  return [
    `## ${KIND_TITLE[of.kind]}`,
    grid(
      [
        '',
        'checkpoints',
        'in domain',
        'off the diagonal',
        'in domain, tolerant',
        'off, tolerant',
        'tokens an answer',
        'tokens a right answer',
      ],
      of.approaches.map((one) => [
        one.name,
        one.checkpoints,
        percent(one.in_domain.strict),
        percent(one.off_diagonal.strict),
        percent(one.in_domain.tolerant),
        percent(one.off_diagonal.tolerant),
        one.mean_tokens?.toFixed(1) ?? '',
        one.tokens_per_correct?.toFixed(1) ?? '',
      ]),
    ),
    'An untrained model has no domain: its mean over the test sets stands under both heads.',
    untrainedMarkdown(of),
    ...of.matrices.map((one) => `### ${one.name}\n\n${square(one.names, (i, j) => withSize(one.cells[i][j]?.strict))}`),
    ...of.differences.map((one) => differenceMarkdown(one, of.published)),
    `### Option text alone\n\nThe option whose text was most often right in training, without image, question or model: in domain ${percent(of.option_prior.in_domain)}, ` +
      `off the diagonal ${percent(of.option_prior.off_diagonal)}.\n\n${square(of.option_prior.names, (i, j) => percent(of.option_prior.cells[i][j]))}`,
  ].join('\n\n');
}

const withSize = (share: Share | undefined): string =>
  share === undefined || share.rate === null ? '' : `${percent(share.rate)} (${share.total})`;

function untrainedMarkdown({ untrained }: KindReport): string {
  const units = Object.keys(untrained[0]?.by_unit ?? {});
  const controls = untrained.flatMap((one) =>
    Object.entries(one.controls).map(([control, made]) => {
      const share = 'strict' in made ? made.strict : made;
      return `- ${one.name}, ${control}: ${percent(share.rate)} (${percent(share.low)} to ${percent(share.high)})`;
    }),
  );
  return [
    '### The model before training',
    grid(
      ['', ...units],
      untrained.map((one) => [one.name, ...units.map((unit) => withSize(one.by_unit[unit]?.strict))]),
    ),
    ...(controls.length > 0 ? [`Controls:\n\n${controls.join('\n')}`] : []),
  ].join('\n\n');
}

/** Ours beside the paper's, in points. */
function differenceMarkdown(ours: MatrixDifference, theirs: KindReport['published']): string {
  const { in_domain, off_diagonal } = matrixMeans(theirs.points);
  const scaled = (value: number | null): string => points(value === null ? null : 100 * value);
  return [
    `### ${ours.minuend} minus ${ours.subtrahend}, points`,
    grid(
      ['mean', 'in domain', 'off the diagonal'],
      [
        ['ours', scaled(ours.in_domain.strict), scaled(ours.off_diagonal.strict)],
        ['ours, tolerant', scaled(ours.in_domain.tolerant), scaled(ours.off_diagonal.tolerant)],
        ['published', points(in_domain), points(off_diagonal)],
      ],
    ),
    `Ours:\n\n${square(ours.names, (i, j) => scaled(ours.strict[i][j]))}`,
    `Published (${theirs.source}):\n\n${square(theirs.names, (i, j) => points(theirs.points[i][j]))}`,
  ].join('\n\n');
}
