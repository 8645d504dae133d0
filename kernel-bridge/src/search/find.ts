/** One page of what runs said. Columns and the index of words tell most; texts are read where only they can tell. */
import type { DatabaseSync } from 'node:sqlite';
import { snapshot } from '../log/database.ts';
import { opensThink } from '../answers/index.ts';
import type { ReadingName } from '../protocol/readings.ts';
import { trainedBy, type Inherited } from '../protocol/run.ts';
import type { SearchedRun, SearchHit, SearchPage, SearchQuery, SearchSort } from '../protocol/search.ts';
import { FLAG, isAlike, overlap, stretchesOf } from './facts.ts';
import type { StepBlock } from './block.ts';
import { errors } from './errors.ts';
import { filtersOf, SIMILARITY, type Filter } from './filter.ts';
import { IndexReader, type IndexedStep } from './index-reader.ts';
import { notesStanding } from './notes.ts';
import { alikeFilter, type FilterTest } from './stretches.ts';
import { textTest, type TextTest } from './text-test.ts';
import { MOST_WORDS, wordHashes } from './words.ts';

export interface OpenRun {
  id: string;
  name: string;
  db: DatabaseSync;
  reading: ReadingName;
  inherited: readonly Inherited[];
}

/** Tells whoever watches which text is read, and whether the page's time is over. */
export interface Watch {
  reading: (run: number, step: number, row: number) => void;
  idle: () => void;
  overdue: () => boolean;
}

/** A completion that matches: the run's place in the query, the step, the completion's place in the step. */
interface Match {
  key: number;
  run: number;
  step: number;
  row: number;
}

const PAGE = 50;
const STRETCH = 2000;

/**
 * `nearText`: of the completion that `near` names. A run that is taken back meanwhile is searched as it was.
 * Throws SEARCH_REGEXP, SEARCH_EMPTY, SEARCH_CURSOR.
 */
export const find = (runs: readonly OpenRun[], query: SearchQuery, nearText: string | null, watch: Watch): SearchPage =>
  snapshot(
    runs.map(({ db }) => db),
    () => pageOf(runs, query, nearText, watch),
  );

function pageOf(runs: readonly OpenRun[], query: SearchQuery, nearText: string | null, watch: Watch): SearchPage {
  const test = textTest(query);
  const { sort = 'step', ascending = false, limit = PAGE } = query;
  const after = query.cursor === undefined ? null : readCursor(query.cursor, sort, runs);
  const searches = runs.map((run, at) => new RunSearch(run, at, query, test, nearText, watch, sampledElsewhere(run, runs)));
  const order = orderOf(sort, ascending);
  const reads = searches[0].reads;

  const page: Match[] = [];
  let total = 0;
  let stopped: { run: number; step: number } | null = null;
  let full = false;
  let worst: number | null = null;
  /** Completions that a full page leaves behind were not read, so that nobody knows how many match. */
  let unread = false;
  let steps = searches.flatMap((search, run) => search.steps.map((step) => ({ run, step })));
  const direction = ascending ? 1 : -1;
  steps = steps.toSorted((a, b) => direction * (a.step.step - b.step.step) || a.run - b.run);
  // where texts must be read, pages go on from the step of the cursor; else all steps are counted, which takes no reading
  if (reads && sort === 'step' && after) steps = steps.filter(({ step }) => direction * (step.step - after.step) >= 0);
  for (const { run, step } of steps) {
    if (watch.overdue()) {
      stopped = { run, step: step.step };
      break;
    }
    if (full && sort === 'step' && reads) break;
    const fits = (key: number, row: number): boolean =>
      (worst === null || !(direction * (key - worst) > 0)) && (after === null || order({ key, run, step: step.step, row }, after) > 0);
    const { rows, keyOf } = searches[run].candidates(step, sort);
    const read = reads ? rows.filter((row) => fits(keyOf(row), row)) : rows;
    if (read.length < rows.length) unread = true;
    const found = searches[run].read(step, read);
    total += found.length;
    if (full && sort === 'step') continue;
    for (const row of found) {
      const key = keyOf(row);
      if (reads || fits(key, row)) page.push({ key, run, step: step.step, row });
    }
    if (sort === 'step') full = page.length > limit;
    else if (page.length > 8 * (limit + 1)) {
      prune(page, order, limit + 1);
      worst = page.at(-1)!.key;
    }
  }
  prune(page, order, limit + 1);
  const shown = page.slice(0, limit);
  const counted = !reads || (!unread && (sort !== 'step' || (after === null && page.length <= limit)));
  let next: string | null = null;
  if (page.length > limit) next = cursorOf(shown.at(-1)!, sort, runs);
  else if (stopped && sort === 'step') next = cursorOf({ key: 0, ...stopped, row: -1 }, sort, runs);
  return {
    hits: hitsOf(shown, searches, query, test, nearText),
    total: stopped === null && counted ? total : null,
    next,
    stopped_at: stopped?.step ?? null,
    runs: searches.map((search) => search.told()),
  };
}

/** Steps that a fork took over from a run that is searched too: they are told once. */
function sampledElsewhere({ inherited }: OpenRun, runs: readonly OpenRun[]): (step: number) => boolean {
  const others = new Set(runs.map(({ id }) => id));
  return (step) => {
    const by = trainedBy(inherited, step);
    return by !== null && others.has(by.run);
  };
}

type Order = (a: Match, b: Match) => number;

/** Null keys come last either way. */
function orderOf(sort: SearchSort, ascending: boolean): Order {
  const direction = ascending ? 1 : -1;
  const place: Order = (a, b) => direction * (a.step - b.step) || a.run - b.run || a.row - b.row;
  if (sort === 'step') return place;
  return (a, b) => Number(Number.isNaN(a.key)) - Number(Number.isNaN(b.key)) || direction * (a.key - b.key) || place(a, b);
}

function prune(page: Match[], order: Order, most: number): void {
  page.sort(order);
  page.length = Math.min(page.length, most);
}

/** One run's part of a search. */
class RunSearch {
  readonly run: OpenRun;
  readonly reader: IndexReader;
  readonly steps: IndexedStep[];
  /** A text must be read to know whether it matches. */
  readonly reads: boolean;
  readonly #at: number;
  readonly #filters: Filter[];
  readonly #words: Uint8Array | null;
  readonly #tests: ((text: string) => boolean)[];
  /** Told by a step's filter, which is read before its texts. */
  readonly #filterTests: FilterTest[];
  /** False where no text of plain ASCII among these can pass. */
  readonly #maySay: (joined: string) => boolean;
  readonly #tagged: Map<number, Set<string>> | null;
  readonly #watch: Watch;

  constructor(
    run: OpenRun,
    at: number,
    query: SearchQuery,
    test: TextTest | null,
    nearText: string | null,
    watch: Watch,
    elsewhere: (step: number) => boolean,
  ) {
    this.run = run;
    this.#at = at;
    this.#watch = watch;
    this.reader = new IndexReader(run.db);
    this.#filters = filtersOf(query, this.reader, nearText);
    this.#words = test?.words == null ? null : this.reader.matching(test.words);
    this.#tagged = query.tags ? tagged(run.db, query.tags) : null;
    const least = query.similarity ?? SIMILARITY;
    this.#tests = [];
    this.#filterTests = test?.filter ? [test.filter] : [];
    this.#maySay = test?.maySay ?? (() => true);
    if (test && (test.reads || (test.words !== null && this.#words === null))) this.#tests.push(test.test);
    if (nearText !== null) {
      const wanted = stretchesOf(nearText);
      this.#tests.push((text) => isAlike(text, wanted, least));
      const alike = alikeFilter(wanted, wordHashes(nearText, MOST_WORDS).length, least);
      if (alike) this.#filterTests.push(alike);
    }
    this.reads = this.#tests.length > 0;
    this.steps = this.reader
      .steps(query.from, query.to)
      .filter(({ step }) => !elsewhere(step) && (!this.#tagged || this.#tagged.has(step)));
  }

  /** Places of the step's completions that match as far as columns, words and the step's filter tell, in order, and what they are sorted by. */
  candidates({ step, first, rows: count }: IndexedStep, sort: SearchSort): { rows: number[]; keyOf: (row: number) => number } {
    const mask = this.#words ? this.#words.slice(first, first + count) : new Uint8Array(count).fill(1);
    if ((this.#words && !mask.includes(1)) || !this.#maySayIt(step)) return { rows: [], keyOf: () => 0 };
    const needs = this.#filters.length > 0 || this.#tagged !== null || sort !== 'step';
    const block = needs ? this.reader.facts(step) : null;
    for (const filter of this.#filters) filter(block!, mask);
    if (this.#tagged) this.#keepTagged(step, block!, mask);
    const rows: number[] = [];
    for (let row = mask.indexOf(1); row !== -1; row = mask.indexOf(1, row + 1)) rows.push(row);
    return { rows, keyOf: sort === 'step' ? () => 0 : (row) => block![sort][row] };
  }

  #maySayIt(step: number): boolean {
    if (this.#filterTests.length === 0) return true;
    const filter = this.reader.stretchFilter(step);
    return filter === null || this.#filterTests.every((passes) => passes(filter));
  }

  /** Those of the candidates whose texts match. */
  read({ step }: IndexedStep, rows: number[]): number[] {
    if (!this.reads || rows.length === 0) return rows;
    const { lengths } = this.reader.facts(step);
    const { joined, ascii } = this.reader.joined(step);
    if (ascii && !this.#maySay(joined)) return [];
    const found: number[] = [];
    let [next, start] = [0, 0];
    for (const row of rows) {
      while (next < row) start += lengths[next++];
      const text = joined.slice(start, start + lengths[row]);
      this.#watch.reading(this.#at, step, row);
      if (this.#tests.every((passes) => passes(text))) found.push(row);
    }
    this.#watch.idle();
    return found;
  }

  #keepTagged(step: number, block: StepBlock, mask: Uint8Array): void {
    const wanted = this.#tagged!.get(step)!;
    let row = 0;
    for (const [at, size] of block.sizes.entries())
      for (let index = 0; index < size; index++, row++) if (!wanted.has(`${block.groups[at]} ${index}`)) mask[row] = 0;
  }

  told(): SearchedRun {
    const { id, name, reading, db } = this.run;
    const [held, indexed] = [
      'SELECT count(*) AS steps, coalesce(min(step), 0) AS first, coalesce(max(step), 0) AS last FROM step WHERE groups > 0',
      'SELECT count(*) AS steps, coalesce(sum(rows), 0) AS rows FROM search_step',
    ].map((sql) => db.prepare(sql).get() as Record<string, number>);
    return {
      run: id,
      name,
      reading,
      steps: held.steps,
      indexed: indexed.steps,
      completions: indexed.rows,
      first: held.first,
      last: held.last,
    };
  }
}

function tagged(db: DatabaseSync, tags: readonly string[]): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>();
  for (const note of notesStanding(db)) {
    if (!note.tags.some((tag) => tags.includes(tag))) continue;
    const places = found.get(note.step) ?? new Set<string>();
    found.set(note.step, places.add(`${note.group} ${note.index}`));
  }
  return found;
}

/** What stands in the run of each match. */
function hitsOf(
  matches: readonly Match[],
  searches: readonly RunSearch[],
  query: SearchQuery,
  test: TextTest | null,
  nearText: string | null,
): SearchHit[] {
  const blocks = new Map<string, StepBlock>();
  const notes = searches.map(({ run }) => new Map(notesStanding(run.db).map((note) => [`${note.step} ${note.group} ${note.index}`, note])));
  return matches.map(({ run, step, row }) => {
    const { reader, run: of } = searches[run];
    const key = `${run} ${step}`;
    const block = blocks.get(key) ?? reader.facts(step);
    blocks.set(key, block);
    const { group, index } = placeOf(block, row);
    const g = of.db.prepare('SELECT * FROM rollout_group WHERE step = ? AND "group" = ?').get(step, group) as Record<string, never>;
    const c = of.db
      .prepare(
        'SELECT text, finish_reason, rewards, reward, advantage, prediction FROM completion WHERE step = ? AND "group" = ? AND "index" = ?',
      )
      .get(step, group, index) as Record<string, never>;
    const text = c.text as string;
    const marks = test?.marks(text) ?? [];
    const from =
      query.whole || text.length <= STRETCH ? 0 : Math.max(0, Math.min((marks[0]?.[0] ?? 0) - STRETCH / 4, text.length - STRETCH));
    const to = query.whole ? text.length : from + STRETCH;
    const note = notes[run].get(`${step} ${group} ${index}`);
    const letter = block.letter[row];
    return {
      ...{ run: of.id, step, group, index, sampled_by: trainedBy(of.inherited, step)?.name ?? null },
      ...{ dataset: g.dataset, item_id: g.item_id, image: g.image, question: g.question, options: JSON.parse(g.options), answer: g.answer },
      ...{ modality: g.modality, question_type: g.question_type, think_open: opensThink(g.prompt), reading: g.reading ?? of.reading },
      ...{ text: text.slice(from, to), text_from: from, text_length: text.length, marks: within(marks, from, to) },
      ...{
        tokens: block.tokens[row],
        finish_reason: c.finish_reason,
        rewards: JSON.parse(c.rewards),
        reward: c.reward,
        advantage: c.advantage,
      },
      prediction: letter === 0 ? null : letter <= 26 ? String.fromCharCode(64 + letter) : (c.prediction as string | null),
      correct: [false, true, null][block.correct[row]],
      flags: Object.entries(FLAG).flatMap(([name, bit]) => (block.flags[row] & bit ? [name] : [])),
      beats_prior: query.flags?.includes('beats-prior') ? true : null,
      similarity: nearText === null ? null : overlap(stretchesOf(text), stretchesOf(nearText)),
      tags: note?.tags ?? [],
      note: note?.note ?? '',
    };
  });
}

export function placeOf({ groups, sizes }: StepBlock, row: number): { group: number; index: number } {
  let index = row;
  let at = 0;
  while (index >= sizes[at]) index -= sizes[at++];
  return { group: groups[at], index };
}

const within = (marks: readonly [number, number][], from: number, to: number): [number, number][] =>
  marks.filter((mark) => mark[1] > from && mark[0] < to).map((mark) => [Math.max(mark[0], from) - from, Math.min(mark[1], to) - from]);

/** Of the last hit of a page; what is trained meanwhile moves no page. */
function cursorOf({ key, run, step, row }: Match, sort: SearchSort, runs: readonly OpenRun[]): string {
  const json = JSON.stringify([sort, Number.isNaN(key) ? null : key, runs[run].id, step, row]);
  return Buffer.from(json).toString('base64url');
}

function readCursor(cursor: string, sort: SearchSort, runs: readonly OpenRun[]): Match {
  try {
    const [of, key, id, step, row] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const run = runs.findIndex((one) => one.id === id);
    if (of !== sort || run === -1 || !Number.isSafeInteger(step) || !Number.isSafeInteger(row)) throw errors.badCursor();
    return { key: key === null ? NaN : Number(key), run, step: step as number, row: row as number };
  } catch {
    throw errors.badCursor();
  }
}
