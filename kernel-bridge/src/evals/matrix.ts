/** Matrices of accuracy: what a checkpoint was trained on against what it is tested on. */
import type {
  EvalMatrix,
  EvalMatrices,
  Evaluation,
  EvalSummary,
  MatrixDifference,
  MatrixKind,
  PublishedDifference,
  Reading,
} from '../protocol/evals.ts';
import { READINGS } from '../protocol/evals.ts';
import { published } from './published.ts';
import { MODALITY_ORDER } from '../data/names.ts';

/** Question types in the order of Med-R1's tables. */
export const QUESTION_TYPE_ORDER = [
  'Anatomy Identification',
  'Disease Diagnosis',
  'Lesion Grading',
  'Modality Recognition',
  'Other Biological Attributes',
];

/** An evaluation with its tables. */
export interface Evaluated {
  summary: EvalSummary;
  report: Pick<Evaluation, 'by_modality' | 'by_question_type'>;
}

type Cells<T> = (T | null)[][];

const trainedOf = ({ summary }: Evaluated, kind: MatrixKind): string | null => summary.trained?.[kind] ?? null;
const groupOf = ({ summary: { trained, settings } }: Evaluated): string => `${trained!.trainer} ${settings.variant}`;

/** One matrix for each trainer and variant among the evaluations. A cell comes from the evaluation with the most questions, the newest of equal ones. */
export function matrices(evaluated: readonly Evaluated[], kind: MatrixKind): EvalMatrices {
  const usable = evaluated.filter((one) => trainedOf(one, kind) !== null);
  const groups = Object.entries(Object.groupBy(usable, groupOf)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const names = namesOf(usable, kind);
  const made = groups.map(([name, part]) => matrix(name, part ?? [], kind, names));
  const differences = made.flatMap((minuend) => {
    const think = made.find(({ name }) => name === minuend.name.replace(/ no-think$/, ' think'));
    return think && think !== minuend ? [difference(minuend, think)] : [];
  });
  return { matrices: made, differences, published: publishedDifference(kind) };
}

/** Rows and columns: whatever is trained or tested on, known names in the order of the paper's tables. */
function namesOf(evaluated: readonly Evaluated[], kind: MatrixKind): string[] {
  const order: string[] = kind === 'modality' ? MODALITY_ORDER : QUESTION_TYPE_ORDER;
  const seen = new Set(evaluated.flatMap((one) => [trainedOf(one, kind)!, ...Object.keys(one.report[`by_${kind}`])]));
  const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...seen].toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

function matrix(name: string, evaluated: readonly Evaluated[], kind: MatrixKind, names: string[]): EvalMatrix {
  const newestFirst = evaluated.toSorted((a, b) => b.summary.created_at - a.summary.created_at);
  const cells = names.map((row) =>
    names.map((column): EvalMatrix['cells'][number][number] => {
      const candidates = newestFirst.flatMap((one) => {
        const accuracy = trainedOf(one, kind) === row ? one.report[`by_${kind}`][column] : undefined;
        return accuracy ? [{ ...accuracy, evaluation: one.summary.id }] : [];
      });
      return candidates.toSorted((a, b) => b.strict.total - a.strict.total)[0] ?? null; // stable: the newest of equal ones
    }),
  );
  const rates = (reading: Reading): Cells<number> => cells.map((row) => row.map((cell) => cell?.[reading].rate ?? null));
  const shown = new Set(cells.flat().map((cell) => cell?.evaluation));
  const readings = [...new Set(evaluated.filter(({ summary }) => shown.has(summary.id)).map(({ summary }) => summary.reading))];
  return { kind, name, readings, names, cells, ...means(rates) };
}

/** The paper's own, in shares. */
function publishedDifference(kind: MatrixKind): PublishedDifference {
  const { names, points, source } = published.no_think_minus_think[kind];
  const cells = points.map((row) => row.map((value) => value / 100));
  return { paper: published.paper, names, cells, ...matrixMeans(cells), source };
}

/** Cell by cell, in shares; null where either has nothing. Both matrices have the same names. */
export function difference(minuend: EvalMatrix, subtrahend: EvalMatrix): MatrixDifference {
  const rates = (reading: Reading): Cells<number> =>
    minuend.cells.map((row, i) =>
      row.map((cell, j) => {
        const [a, b] = [cell?.[reading].rate ?? null, subtrahend.cells[i][j]?.[reading].rate ?? null];
        return a === null || b === null ? null : a - b;
      }),
    );
  const [strict, tolerant] = READINGS.map(rates);
  const readings = [...new Set([...minuend.readings, ...subtrahend.readings])];
  return { minuend: minuend.name, subtrahend: subtrahend.name, readings, names: minuend.names, strict, tolerant, ...means(rates) };
}

/** Mean of the diagonal and of what is off it, over the cells there are: unweighted, as the paper averages. */
export function matrixMeans(cells: Cells<number>): { in_domain: number | null; off_diagonal: number | null } {
  const mean = (pick: (row: number, column: number) => boolean): number | null => {
    const values = cells.flatMap((row, i) => row.filter((value, j): value is number => value !== null && pick(i, j)));
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return { in_domain: mean((i, j) => i === j), off_diagonal: mean((i, j) => i !== j) };
}

function means(rates: (reading: Reading) => Cells<number>): Pick<EvalMatrix, 'in_domain' | 'off_diagonal'> {
  const [strict, tolerant] = READINGS.map((reading) => matrixMeans(rates(reading)));
  return {
    in_domain: { strict: strict.in_domain, tolerant: tolerant.in_domain },
    off_diagonal: { strict: strict.off_diagonal, tolerant: tolerant.off_diagonal },
  };
}
