/** Puts the rollouts of a step into the index, inside the step's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import { indexOfLetter, opensThink } from '../answers/index.ts';
import { prepared } from '../log/database.ts';
import type { Group } from '../protocol/run.ts';
import { CORRECT, LETTER, packFacts, packTexts, rangeOf, SORT_COLUMNS, type StepBlock } from './block.ts';
import { factsOf, SKETCH } from './facts.ts';
import { stretchFilter } from './stretches.ts';
import { addWords } from './word-index.ts';

export const FINISHES = ['stop', 'length'] as const;

/** Groups of one step, each completion with the verdict that the store tells. Nothing is written of a step without any. */
export function indexStep(db: DatabaseSync, groups: readonly Group[]): void {
  if (groups.length === 0) return;
  const { step } = groups[0];
  const completions = groups.flatMap((group) => group.completions.map((completion) => ({ group, completion })));
  const names = [...new Set(completions.flatMap(({ completion }) => Object.keys(completion.rewards)))];
  const n = completions.length;
  const block: StepBlock = {
    groups: Uint32Array.from(groups, ({ group }) => group),
    items: Uint32Array.from(groups, itemCodes(db)),
    sizes: Uint32Array.from(groups, (group) => group.completions.length),
    functions: Uint32Array.from(names, (name) => functionCode(db, name)),
    reward: floats(completions, ({ completion }) => completion.reward),
    advantage: floats(completions, ({ completion }) => completion.advantage),
    rewards: floats(
      names.flatMap((name) => completions.map(({ completion }) => completion.rewards[name] ?? null)),
      (value) => value,
    ),
    tokens: Uint32Array.from(completions, ({ completion }) => completion.token_ids.length),
    lengths: Uint32Array.from(completions, ({ completion }) => completion.text.length),
    finish: Uint8Array.from(completions, ({ completion }) => finishCode(completion.finish_reason)),
    correct: Uint8Array.from(completions, ({ completion: { correct } }) => (correct === null ? CORRECT.unknown : Number(correct))),
    letter: Uint8Array.from(completions, ({ completion }) => letterCode(completion.prediction)),
    flags: new Uint8Array(n),
    sketch: new Uint8Array(n * SKETCH),
  };
  const first = takeNumbers(db, n);
  const said = completions.map(({ group, completion: { text, prediction } }, at) => {
    const { flags, sketch, words } = factsOf({ text, prediction, options: group.options, thinkOpen: opensThink(group.prompt) });
    block.flags[at] = flags;
    block.sketch.set(sketch, at * SKETCH);
    return words;
  });
  prepared(db, 'INSERT INTO search_step (step, first, rows, facts, texts) VALUES (?, ?, ?, ?, ?)').run(
    ...[step, first, n, packFacts(block), packTexts(completions.map(({ completion }) => completion.text))],
  );
  addWords(db, first, first + n);
  const ranges = SORT_COLUMNS.flatMap((column) => rangeOf(block[column]));
  prepared(db, 'INSERT INTO search_range VALUES (?, ?, ?, ?, ?, ?, ?)').run(
    step,
    ...ranges.map((value) => (Number.isNaN(value) ? null : value)),
  );
  const filter = stretchFilter(said);
  if (filter) prepared(db, 'INSERT INTO search_stretch (step, filter) VALUES (?, ?)').run(step, filter);
}

/** Steps with rollouts that are not in the index, oldest first. */
export function stepsToIndex(db: DatabaseSync, limit: number): number[] {
  return db
    .prepare('SELECT step FROM step WHERE groups > 0 AND step NOT IN (SELECT step FROM search_step) ORDER BY step LIMIT ?')
    .all(limit)
    .map(({ step }) => step as number);
}

export const finishCode = (reason: string): number => (FINISHES as readonly string[]).indexOf(reason) + 1;

/** A reading may take any word for the answer. */
export function letterCode(prediction: string | null): number {
  if (prediction === null) return LETTER.none;
  return /^[A-Z]$/.test(prediction) ? indexOfLetter(prediction) + 1 : LETTER.other;
}

const floats = <T>(values: readonly T[], of: (value: T) => number | null): Float32Array =>
  Float32Array.from(values, (value) => of(value) ?? NaN);

function takeNumbers(db: DatabaseSync, count: number): number {
  const { number } = prepared(
    db,
    'INSERT INTO search_next (only, number) VALUES (1, 1 + ?1) ON CONFLICT (only) DO UPDATE SET number = number + ?1 RETURNING number',
  ).get(count) as { number: number };
  return number - count;
}

function itemCodes(db: DatabaseSync): (group: Group) => number {
  const known = prepared(db, 'SELECT code FROM search_item WHERE dataset = ? AND item_id = ?');
  const add = prepared(db, 'INSERT INTO search_item (dataset, item_id, modality, question_type) VALUES (?, ?, ?, ?)');
  return ({ dataset, item_id, modality, question_type }) =>
    (known.get(dataset, item_id)?.code as number | undefined) ?? Number(add.run(dataset, item_id, modality, question_type).lastInsertRowid);
}

function functionCode(db: DatabaseSync, name: string): number {
  const known = prepared(db, 'SELECT code FROM search_function WHERE name = ?').get(name);
  return known ? (known.code as number) : Number(db.prepare('INSERT INTO search_function (name) VALUES (?)').run(name).lastInsertRowid);
}
