/** One page of what runs said. Columns and the index of words tell most; texts are read where only they can tell. */
import type { DatabaseSync } from 'node:sqlite';
import { snapshot } from '../log/database.ts';
import { opensThink } from '../answers/index.ts';
import type { ReadingName } from '../protocol/readings.ts';
import { trainedBy, type Inherited } from '../protocol/run.ts';
import type { SearchedRun, SearchHit, SearchPage, SearchQuery, SearchSort } from '../protocol/search.ts';
import { FLAG, isAlike, overlap, stretchesOf } from './facts.ts';
import { rangeOf, type Range, type SortColumn, type StepBlock } from './block.ts';
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
/** Where a larger share of all completions have the words of a phrase, looking them all up takes longer than what it spares: the steps' filters know more. */
const WORDS_HELP = 1 / 8;

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
  const direction = ascending ? 1 : -1;
  const order = orderOf(sort, direction);
  const steps = searches
    .flatMap((search, run) => search.steps.map((step) => ({ run, step })))
    .toSorted((a, b) => direction * (a.step.step - b.step.step) || a.run - b.run);
  const walk = { direction, searches, steps, reads: searches[0].reads, most: limit + 1, after, order, overdue: watch.overdue };
  const { page, total, stopped } = sort === 'step' ? inStepOrder(walk) : inOrderOf(sort, walk);
  const shown = page.slice(0, limit);
  let next: string | null = null;
  if (page.length > limit) next = cursorOf(shown.at(-1)!, sort, runs);
  else if (stopped && sort === 'step') next = cursorOf({ key: 0, ...stopped, row: -1 }, sort, runs);
  return {
    hits: hitsOf(shown, searches, query, test, nearText),
    total,
    next,
    stopped_at: stopped?.step ?? null,
    runs: searches.map((search) => search.told()),
  };
}

interface Walk {
  /** 1 = ascending, -1 = descending. */
  direction: number;
  searches: readonly RunSearch[];
  /** All that may hold a match, in the order of the query. */
  steps: readonly { run: number; step: IndexedStep }[];
  /** Texts must be read to know what matches. */
  reads: boolean;
  /** Matches that are looked for: a page and one more. */
  most: number;
  /** The last match of the page before. */
  after: Match | null;
  order: Order;
  overdue: () => boolean;
}

interface Walked {
  /** In order, at most as many as were looked for. */
  page: Match[];
  /** Null where some completions were not read, so that nobody knows how many match. */
  total: number | null;
  /** Where the time ended. */
  stopped: { run: number; step: number } | null;
}

/** Where texts must be read, it ends with the page; else all matches are counted, which takes no reading. */
function inStepOrder({ searches, steps, reads, most, after, order, overdue }: Walk): Walked {
  const page: Match[] = [];
  let total = 0;
  for (const { run, step } of steps) {
    const place = { run, step: step.step };
    const isBefore = after !== null && order({ key: 0, ...place, row: step.rows - 1 }, after) <= 0;
    if (reads && isBefore) continue; // of an earlier page
    if (page.length >= most && reads) break;
    if (overdue()) return { page, total: null, stopped: place };
    const isAfter = (row: number): boolean => after === null || order({ key: 0, ...place, row }, after) > 0;
    const rows = searches[run].maySay(step) ? searches[run].candidates(step).rows : [];
    const found = searches[run].read(step, reads ? rows.filter(isAfter) : rows);
    total += found.length;
    for (const row of found) {
      if (page.length < most && isAfter(row)) page.push({ key: 0, ...place, row });
    }
  }
  const isCounted = !reads || (after === null && page.length < most);
  return { page, total: isCounted ? total : null, stopped: null };
}

/**
 * By a column: the step that may hold the very first completion is looked at first, and so on, until none that is left can put one on the page. That is after
 * about as many steps as the page has completions; what is left is counted where that takes no reading.
 */
function inOrderOf(column: SortColumn, { direction, searches, steps, reads, most, after, order, overdue }: Walk): Walked {
  const ends = searches.map((search) => search.ends(column));
  /** What may come first of a step, whatever its completions say. */
  const spans = steps.map(({ run, step }) => {
    const [least, largest] = ends[run](step);
    return { step, first: { key: direction === 1 ? least : largest, run, step: step.step, row: 0 } };
  });
  spans.sort((a, b) => order(a.first, b.first));
  let page: Match[] = [];
  let total = 0;
  let isUnread = false;
  const fits = (match: Match): boolean =>
    (after === null || order(match, after) > 0) && (page.length < most || order(match, page.at(-1)!) < 0);
  for (const [at, { step, first }] of spans.entries()) {
    if (overdue()) {
      const left = spans.slice(at).map((span) => span.first);
      return { page, total: null, stopped: left.reduce((a, b) => (direction * (b.step - a.step) < 0 ? b : a)) };
    }
    const search = searches[first.run];
    if (page.length >= most && order(first, page.at(-1)!) > 0) {
      isUnread = true;
      if (reads) break;
      total += search.count(step);
      continue;
    }
    if (reads && !search.maySay(step)) continue;
    const { rows, block } = search.candidates(step, true);
    const matches = rows.map((row) => ({ ...first, key: block![column][row], row })).filter(fits);
    if (matches.length < rows.length) isUnread = true;
    const said = search.read(step, matches.map(({ row }) => row)); // prettier-ignore
    total += reads ? said.length : rows.length;
    const found = new Set(said);
    page = [...page, ...matches.filter(({ row }) => found.has(row))].sort(order).slice(0, most);
  }
  return { page, total: reads && isUnread ? null : total, stopped: null };
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
function orderOf(sort: SearchSort, direction: number): Order {
  const place: Order = (a, b) => direction * (a.step - b.step) || a.run - b.run || a.row - b.row;
  if (sort === 'step') return place;
  return (a, b) => Number(Number.isNaN(a.key)) - Number(Number.isNaN(b.key)) || direction * (a.key - b.key) || place(a, b);
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
  readonly #mayHold: (joined: string) => boolean;
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
    this.#words = test?.words == null ? null : this.reader.matching(test.words, test.reads && test.filter ? WORDS_HELP : 1);
    this.#tagged = query.tags ? tagged(run.db, query.tags) : null;
    const least = query.similarity ?? SIMILARITY;
    this.#tests = [];
    this.#filterTests = test?.filter ? [test.filter] : [];
    this.#mayHold = test?.maySay ?? (() => true);
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

  /**
   * Places of the step's completions that match as far as columns and words tell, in order.
   * @param needsBlock the step's columns are wanted even where nothing has to be looked up in them
   */
  candidates({ step, first, rows: count }: IndexedStep, needsBlock = false): { rows: number[]; block: StepBlock | null } {
    const mask = this.#words ? this.#words.slice(first, first + count) : new Uint8Array(count).fill(1);
    if (this.#words && !mask.includes(1)) return { rows: [], block: null };
    const block = needsBlock || this.#filters.length > 0 || this.#tagged !== null ? this.reader.facts(step) : null;
    for (const filter of this.#filters) filter(block!, mask);
    if (this.#tagged) this.#keepTagged(step, block!, mask);
    const rows: number[] = [];
    for (let row = mask.indexOf(1); row !== -1; row = mask.indexOf(1, row + 1)) rows.push(row);
    return { rows, block };
  }

  /** How many candidates a step has. */
  count(step: IndexedStep): number {
    if (this.#words === null || this.#filters.length > 0 || this.#tagged !== null) return this.candidates(step).rows.length;
    let count = 0;
    for (let row = step.first; row < step.first + step.rows; row++) count += this.#words[row];
    return count;
  }

  /** The least and the largest value of a column in a step; of a step that was indexed before these were kept, its columns tell. */
  ends(column: SortColumn): (step: IndexedStep) => Range {
    const kept = this.reader.ranges(column);
    return ({ step }) => kept.get(step) ?? rangeOf(this.reader.facts(step)[column]);
  }

  /** False where the step's filter tells that none of its texts matches. */
  maySay({ step }: IndexedStep): boolean {
    if (this.#filterTests.length === 0) return true;
    const filter = this.reader.stretchFilter(step);
    return filter === null || this.#filterTests.every((passes) => passes(filter));
  }

  /** Those of the candidates whose texts match. */
  read({ step }: IndexedStep, rows: number[]): number[] {
    if (!this.reads || rows.length === 0) return rows;
    const { lengths } = this.reader.facts(step);
    const { joined, ascii } = this.reader.joined(step);
    if (ascii && !this.#mayHold(joined)) return [];
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
