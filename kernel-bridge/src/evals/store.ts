/**
 * One evaluation on disk: what was asked of which model, and every answer so far. Only the process that holds its lock adds answers;
 * a batch is one transaction, so that a killed evaluation goes on after its last whole batch.
 */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { publishedReading } from '../answers/index.ts';
import type { ErrorBody } from '../protocol/errors.ts';
import type {
  Accuracy,
  Control,
  ControlReports,
  EvalAnswer,
  EvalDetail,
  Evaluation,
  EvalSettings,
  EvalState,
  EvalSummary,
  MatrixKind,
  Reading,
  Share,
  Sight,
} from '../protocol/evals.ts';
import { SIGHTS } from '../protocol/evals.ts';
import type { VqaItem } from '../protocol/data.ts';
import { transaction } from '../log/database.ts';
import { permutedReport, report } from './accuracy.ts';
import { createDatabase, openDatabase } from './database.ts';
import { errors } from './errors.ts';
import { wilson } from '../stats/wilson.ts';

export interface NewEvaluation {
  id: string;
  /** Hash of all that decides the answers (evals.ts, `evaluationKey`). */
  key: string;
  name: string;
  settings: EvalSettings;
  controls: Control[];
  trained: EvalSummary['trained'];
  run_name: string | null;
  model_hash: string;
  split_hash: string;
  /** In the order asked. */
  items: readonly VqaItem[];
  /** Those of them that cannot be shown as it is. */
  unasked?: readonly Unasked[];
  /** Questions of the split that cannot be asked: something is wrong with them. */
  left_out: number;
}

/** What the process that evaluates reads to begin. */
export interface EvaluationRow {
  id: string;
  key: string;
  name: string;
  state: EvalState;
  error: ErrorBody | null;
  settings: EvalSettings;
  controls: Control[];
  trained: EvalSummary['trained'];
  run_name: string | null;
  model_hash: string;
  split_hash: string;
  left_out: number;
  train_hash: string | null;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  /** Answers to draw to each question, at this temperature. */
  samples: number;
  temperature: number | null;
}

/** An answer that was drawn. */
export type Sample = Pick<EvalAnswer, 'tokens' | Reading>;

export type StoredSight = EvalAnswer['sight'];

export interface NewAnswer extends Pick<EvalAnswer, 'text' | 'tokens' | 'finish_reason' | Reading> {
  /** Place in the order asked. */
  index: number;
  /** Where they were shown in another order: that order, and the letter right in it. */
  shown?: Pick<VqaItem, 'options' | 'answer'>;
}

/** A question that cannot be shown: the place, the image that was to be seen, with its mark, and why. */
export interface Unasked {
  index: number;
  image: string;
  mark: string;
  why: string;
}

/** Places left out under the sight ?1: what cannot be shown at all is compared with nothing. */
const LEFT_OUT = "SELECT ix FROM unasked WHERE unasked.sight IN ('image', ?1)";

export class EvalStore implements Disposable {
  readonly directory: string;
  readonly db: DatabaseSync;

  private constructor(directory: string, db: DatabaseSync) {
    this.directory = directory;
    this.db = db;
  }

  static create(directory: string, made: NewEvaluation, now = Date.now()): EvalStore {
    const store = new EvalStore(directory, createDatabase(join(directory, 'eval.db')));
    transaction(store.db, () => {
      store.db
        .prepare(
          `INSERT INTO evaluation (only, id, key, name, state, settings, controls, trained, run_name, model_hash, split_hash, left_out, created_at)
           VALUES (1, ?, ?, ?, 'stopped', ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          ...[made.id, made.key, made.name, JSON.stringify(made.settings), JSON.stringify(made.controls)],
          ...[made.trained && JSON.stringify(made.trained), made.run_name, made.model_hash, made.split_hash, made.left_out, now],
        );
      const add = store.db.prepare(
        'INSERT INTO item (ix, id, dataset, modality, question_type, image, question, options, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      );
      made.items.forEach((item, index) => {
        const { id, dataset, modality, question_type, image, question, options, answer } = item;
        add.run(index, id, dataset, modality, question_type, image, question, JSON.stringify(options), answer);
      });
      store.insertUnasked('image', made.unasked ?? []);
    });
    return store;
  }

  static open(directory: string, options: { check?: boolean } = {}): EvalStore {
    return new EvalStore(directory, openDatabase(join(directory, 'eval.db'), options));
  }

  [Symbol.dispose](): void {
    if (this.db.isOpen) this.db.close();
  }

  // --- reading ---------------------------------------------------------------------------------------------------------------------

  row(): EvaluationRow {
    const row = this.db.prepare('SELECT * FROM evaluation').get() as Record<string, unknown>;
    const parsed = (value: unknown): unknown => (value === null ? null : JSON.parse(value as string));
    return {
      ...row,
      error: parsed(row.error),
      settings: parsed(row.settings),
      controls: parsed(row.controls),
      trained: parsed(row.trained),
    } as unknown as EvaluationRow;
  }

  items(): VqaItem[] {
    return this.db.prepare('SELECT * FROM item ORDER BY ix').all().map(itemOf);
  }

  /** What was answered under a sight, by the place of its question. */
  texts(sight: Sight): Map<number, string> {
    const rows = this.db.prepare('SELECT ix, text FROM answer WHERE sight = ? ORDER BY ix').all(sight);
    return new Map(rows.map(({ ix, text }) => [ix as number, text as string]));
  }

  /** Each question's image, with its mark (identity.ts; null before it was shown) and whether an answer saw it. */
  images(): { index: number; image: string; mark: string | null; seen: boolean }[] {
    return this.db
      .prepare(
        `SELECT ix, image, mark, ix IN (SELECT ix FROM answer WHERE sight NOT IN ('text-only', 'option-prior')) AS seen
         FROM item WHERE image <> '' ORDER BY ix`,
      )
      .all()
      .map(({ ix, image, mark, seen }) => ({ index: ix as number, image: image as string, mark: mark as string | null, seen: seen === 1 }));
  }

  /** The mark of each question's image, by the question's id; null before it was shown and where there is no image. */
  marks(): [id: string, mark: string | null][] {
    return this.db
      .prepare('SELECT id, mark FROM item')
      .all()
      .map(({ id, mark }) => [id as string, mark as string | null]);
  }

  /** Places of the questions that have no answer under this sight yet and are not left out. */
  missing(sight: StoredSight): number[] {
    return this.db
      .prepare(`SELECT ix FROM item WHERE ix NOT IN (SELECT ix FROM answer WHERE sight = ?1) AND ix NOT IN (${LEFT_OUT}) ORDER BY ix`)
      .all(sight)
      .map(({ ix }) => ix as number);
  }

  answers(sight: StoredSight = 'image'): EvalAnswer[] {
    return this.#answers(sight, 'text');
  }

  #answers(sight: StoredSight, text: 'text' | "''"): EvalAnswer[] {
    return this.db
      .prepare(
        `SELECT ${answerColumns(text)} FROM answer JOIN item USING (ix) WHERE sight = ?1 AND answer.ix NOT IN (${LEFT_OUT}) ORDER BY answer.ix`,
      )
      .all(sight)
      .map(answerOf);
  }

  /** Some of them, from the question after this place on, and the place of the last one; null where there is none. */
  answersAfter(sight: StoredSight, after: number): { answers: EvalAnswer[]; last: number | null } {
    const select = this.db.prepare(
      `SELECT ${answerColumns('text')} FROM answer JOIN item USING (ix)
       WHERE sight = ?1 AND answer.ix NOT IN (${LEFT_OUT}) AND answer.ix > ?2 ORDER BY answer.ix LIMIT ${STRETCH.answers}`,
    );
    const answers: EvalAnswer[] = [];
    let last: number | null = null;
    let length = 0;
    for (const row of select.iterate(sight, after)) {
      const answer = answerOf(row);
      answers.push(answer);
      last = row.ix as number;
      if ((length += answer.text.length) > STRETCH.length) break;
    }
    return { answers, last };
  }

  /** One question's answers, the evaluation's first; none where it was not asked. */
  answersTo(itemId: string): EvalAnswer[] {
    return this.db
      .prepare(`SELECT ${answerColumns('text')} FROM answer JOIN item USING (ix) WHERE item.id = ? ORDER BY sight != 'image', sight`)
      .all(itemId)
      .map(answerOf);
  }

  /** Accuracy by modality or question type without reading the answers' texts. */
  accuracyBy(kind: MatrixKind): Record<string, Accuracy> {
    const rows = this.db
      .prepare(
        `SELECT item.${kind} AS name, count(*) AS total, sum(strict = item.answer) AS strict, sum(tolerant = item.answer) AS tolerant
         FROM answer JOIN item USING (ix) WHERE sight = 'image' GROUP BY item.${kind} ORDER BY item.${kind}`,
      )
      .all() as unknown as { name: string; total: number; strict: number | null; tolerant: number | null }[];
    const share = ({ total }: { total: number }, right: number | null): Share => wilson(right ?? 0, total);
    return Object.fromEntries(
      rows.map((row) => [row.name, { strict: share(row, row.strict), tolerant: share(row, row.tolerant) }] as const),
    );
  }

  /** Places of the questions that lack samples, and how many each has; of questions that can be shown. */
  missingSamples(): { index: number; have: number }[] {
    return this.db
      .prepare(
        `SELECT ix AS "index", (SELECT count(*) FROM sampled WHERE sampled.ix = item.ix) AS have FROM item
         WHERE have < (SELECT samples FROM evaluation) AND ix NOT IN (${LEFT_OUT}) ORDER BY ix`,
      )
      .all('samples') as { index: number; have: number }[];
  }

  /** Samples by the question's id, in the order drawn. */
  samples(): Map<string, Sample[]> {
    const rows = this.db
      .prepare(`SELECT id, tokens, strict, tolerant FROM sampled JOIN item USING (ix) WHERE ix NOT IN (${LEFT_OUT}) ORDER BY ix, n`)
      .all('image');
    const found = new Map<string, Sample[]>();
    for (const { id, tokens, strict, tolerant } of rows as unknown as (Sample & { id: string })[]) {
      const known = found.get(id);
      if (known) known.push({ tokens, strict, tolerant });
      else found.set(id, [{ tokens, strict, tolerant }]);
    }
    return found;
  }

  #sampling(): EvalSummary['samples'] {
    const { samples, temperature } = this.row();
    if (samples === 0) return null;
    const done = this.count(`SELECT count(*) FROM sampled WHERE ix NOT IN (${LEFT_OUT})`, 'samples');
    return {
      wanted: samples,
      temperature: temperature!,
      done,
      total: done + this.missingSamples().reduce((sum, { have }) => sum + samples - have, 0),
    };
  }

  /** Counts answers and does not read their texts, which are most of what is stored. */
  evaluation(): Evaluation {
    const plain = this.#answers('image', "''");
    const controls: ControlReports = {};
    for (const control of this.row().controls) {
      const rows = this.#answers(control, "''");
      if (rows.length === 0) continue;
      if (control === 'option-prior') controls[control] = report(rows).strict;
      else if (control === 'options-permuted') controls[control] = permutedReport(rows, plain);
      else controls[control] = report(rows);
    }
    return { ...report(plain), controls };
  }

  summary(): EvalSummary {
    const { id, name, state, error, settings, controls, trained, run_name, split_hash, left_out, created_at, started_at, ended_at } =
      this.row();
    const all = this.count('SELECT count(*) FROM item');
    const sights = ['image', ...controls] as const;
    const unasked = sights.map((sight) => this.count(`SELECT count(DISTINCT ix) FROM (${LEFT_OUT})`, sight));
    const answersTo = (sight: string): number =>
      this.count(`SELECT count(*) FROM answer WHERE sight = ?1 AND ix NOT IN (${LEFT_OUT})`, sight);
    const done = sights.reduce((sum, sight) => sum + answersTo(sight), 0);
    const { answered, tokens, strict, tolerant } = this.db
      .prepare(
        `SELECT count(*) AS answered, sum(tokens) AS tokens, sum(strict = item.answer) AS strict, sum(tolerant = item.answer) AS tolerant
         FROM answer JOIN item USING (ix) WHERE sight = 'image'`,
      )
      .get() as Record<string, number | null>;
    const sampling = this.#sampling();
    const facts = { id, name, state, error, settings, controls, trained, run_name, split_hash, created_at, started_at, ended_at };
    return {
      ...facts,
      reading: publishedReading(settings.variant, settings.prompt_template),
      items: all - unasked[0],
      left_out: left_out + unasked[0],
      samples: sampling,
      done: done + (sampling?.done ?? 0),
      total: all * sights.length - unasked.reduce((sum, n) => sum + n, 0) + (sampling?.total ?? 0),
      strict: wilson(strict ?? 0, answered!),
      tolerant: wilson(tolerant ?? 0, answered!),
      mean_tokens: answered ? tokens! / answered : null,
      tokens_per_correct: strict ? tokens! / strict : null,
    };
  }

  detail(): EvalDetail {
    return {
      summary: this.summary(),
      report: this.evaluation(),
      unasked: this.toldUnasked(),
      directory: this.directory,
    };
  }

  toldUnasked(): EvalDetail['unasked'] {
    return this.unasked().map(({ id, sight, why }) => ({ id, sight, why }));
  }

  /** Sights that the model must still be asked under, in their order. */
  pending(): Sight[] {
    const { controls } = this.row();
    return SIGHTS.filter((sight) => (sight === 'image' || controls.includes(sight)) && this.missing(sight).length > 0);
  }

  /** Questions that could not be shown, and why. */
  unasked(): (EvalDetail['unasked'][number] & { image: string; mark: string })[] {
    const rows = this.db
      .prepare('SELECT item.id, sight, why, unasked.image, unasked.mark FROM unasked JOIN item USING (ix) ORDER BY ix, sight')
      .all();
    return rows as unknown as ReturnType<EvalStore['unasked']>;
  }

  // --- writing ---------------------------------------------------------------------------------------------------------------------

  /** A batch, in one transaction: answers, and questions that could not be shown. */
  addAnswers(sight: StoredSight, answers: readonly NewAnswer[], unasked: readonly Unasked[] = []): void {
    transaction(this.db, () => {
      this.insert(sight, answers);
      this.insertUnasked(sight, unasked);
    });
  }

  /** Those whose image is another than when it could not be shown, are asked again. */
  askAgain(hasChanged: (image: string, mark: string) => boolean): void {
    const again = this.unasked().filter(({ image, mark }) => hasChanged(image, mark));
    const remove = this.db.prepare('DELETE FROM unasked WHERE sight = ? AND ix = (SELECT ix FROM item WHERE id = ?)');
    transaction(this.db, () => {
      for (const { sight, id } of again) remove.run(sight, id);
    });
  }

  /** The option prior's choice for every question; what an older one chose goes. */
  setPrior(letters: readonly string[], trainHash: string): void {
    transaction(this.db, () => {
      this.db.prepare("DELETE FROM answer WHERE sight = 'option-prior'").run();
      this.db.prepare('UPDATE evaluation SET train_hash = ?').run(trainHash);
      this.insert(
        'option-prior',
        letters.map((letter, index) => ({ index, text: letter, tokens: 0, finish_reason: 'stop', strict: letter, tolerant: letter })),
      );
    });
  }

  /** Controls asked for in addition; what was answered stays. */
  addControls(controls: readonly Control[], trainSplit: string | null): void {
    transaction(this.db, () => {
      const row = this.row();
      const all = [...new Set([...row.controls, ...controls])];
      const settings: EvalSettings = { ...row.settings, train_split: trainSplit ?? row.settings.train_split };
      this.db.prepare('UPDATE evaluation SET controls = ?, settings = ?').run(JSON.stringify(all), JSON.stringify(settings));
    });
  }

  /** So many samples of each question; what was drawn stays. Throws EVAL_SAMPLES where samples of another temperature are there. */
  wantSamples(samples: number, temperature: number): void {
    transaction(this.db, () => {
      const row = this.row();
      if (row.samples > 0 && row.temperature !== temperature) throw errors.otherTemperature(row.id, row.temperature!, temperature);
      this.db.prepare('UPDATE evaluation SET samples = ?, temperature = ?').run(Math.max(samples, row.samples), temperature);
    });
  }

  /** A batch of samples, in one transaction; `from` is the number of a question's first. */
  addSamples(
    drawn: readonly { index: number; from: number; answers: readonly Omit<NewAnswer, 'index' | 'shown'>[] }[],
    unasked: readonly Unasked[] = [],
  ): void {
    transaction(this.db, () => {
      this.insertUnasked('samples', unasked);
      const add = this.db.prepare(
        'INSERT INTO sampled (ix, n, text, tokens, finish_reason, strict, tolerant) VALUES (?, ?, ?, ?, ?, ?, ?)',
      );
      for (const { index, from, answers } of drawn)
        answers.forEach(({ text, tokens, finish_reason, strict, tolerant }, at) =>
          add.run(index, from + at, text, tokens, finish_reason, strict, tolerant),
        );
    });
  }

  /** Marks of images, by the places of their questions. */
  setMarks(marks: readonly { index: number; mark: string }[]): void {
    transaction(this.db, () => {
      const set = this.db.prepare('UPDATE item SET mark = ? WHERE ix = ?');
      for (const { index, mark } of marks) set.run(mark, index);
    });
  }

  /** Finished, unless a control or samples were asked for meanwhile: then nothing changes, and false. */
  finish(): boolean {
    return transaction(this.db, () => {
      if (['image' as const, ...this.row().controls].some((sight) => this.missing(sight).length > 0)) return false;
      if (this.missingSamples().length > 0) return false;
      this.setState('finished');
      return true;
    });
  }

  setState(state: EvalState, error: ErrorBody | null = null, now = Date.now()): void {
    const ended = state !== 'queued' && state !== 'running';
    this.db
      .prepare('UPDATE evaluation SET state = ?, error = ?, started_at = coalesce(started_at, ?), ended_at = ?')
      .run(state, error && JSON.stringify(error), state === 'running' ? now : null, ended ? now : null);
  }

  private insert(sight: StoredSight, answers: readonly NewAnswer[]): void {
    const add = this.db.prepare(
      `INSERT INTO answer (sight, ix, text, tokens, finish_reason, strict, tolerant, options, right) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    for (const { index, text, tokens, finish_reason, strict, tolerant, shown } of answers)
      add.run(
        ...[sight, index, text, tokens, finish_reason, strict, tolerant],
        ...[shown ? JSON.stringify(shown.options) : null, shown?.answer ?? null],
      );
  }

  private insertUnasked(sight: StoredSight | 'samples', questions: readonly Unasked[]): void {
    const add = this.db.prepare('INSERT INTO unasked (sight, ix, image, mark, why) VALUES (?, ?, ?, ?, ?)');
    for (const { index, image, mark, why } of questions) add.run(sight, index, image, mark, why);
  }

  private count(sql: string, ...values: string[]): number {
    return Object.values(this.db.prepare(sql).get(...values)!)[0] as number;
  }
}

/** What is read at once of long lists: many readers hold so much each. */
const STRETCH = { answers: 256, length: 32 << 10 };

const answerColumns = (text: 'text' | "''"): string =>
  `item.*, answer.sight, ${text} AS text, tokens, finish_reason, strict, tolerant, answer.options AS shown, right`;

function itemOf(row: Record<string, unknown>): VqaItem {
  const { id, dataset, image, question, options, answer, modality, question_type } = row;
  return {
    id,
    dataset,
    image,
    question,
    options: JSON.parse(options as string),
    answer,
    modality,
    question_type,
    problem: null,
  } as VqaItem;
}

function answerOf(row: Record<string, unknown>): EvalAnswer {
  const { sight, text, tokens, finish_reason, strict, tolerant, shown, right } = row;
  const item = itemOf(row);
  const options = shown === null ? item.options : (JSON.parse(shown as string) as string[]);
  const answer = shown === null ? item.answer : right;
  return { item, sight, options, answer, text, tokens, finish_reason, strict, tolerant } as EvalAnswer;
}
