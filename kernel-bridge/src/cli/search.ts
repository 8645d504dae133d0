/** `medr1 search`: what runs said while they trained, read from disk, so that it works without a server. */
import { InvalidArgumentError, type Command } from 'commander';
import { runReading } from '../protocol/readings.ts';
import type { Phrase, PhraseQuery, SearchPage, SearchQuery } from '../protocol/search.ts';
import { questionCurve } from '../runs/question-curve.ts';
import { homeDir } from '../runs/home.ts';
import { openRun } from '../runs/runs.ts';
import { findFamilies } from '../search/families.ts';
import { IndexReader } from '../search/index-reader.ts';
import { findPhrases } from '../search/phrases.ts';
import { indexAll } from '../runs/index-run.ts';
import type { RunStore } from '../runs/store.ts';
import { Searches } from '../server/searches.ts';
import { count, usage } from './arguments.ts';
import { pass, printJson, table, tell } from './output.ts';

interface Json {
  json?: boolean;
}

export function register(program: Command): void {
  const search = program.command('search').description('look through everything that runs said while they trained');
  const json = ['--json', 'one JSON document'] as const;
  search
    .command('text')
    .description('completions by words, newest first: cell "optic disc" -glioma hemorr* OR bleed*')
    .argument('<runs>', 'a run, or several apart by commas')
    .argument('<text>')
    .option('--regexp', 'the text is a regular expression of JavaScript')
    .option('--steps <first-last>', 'steps, both included', steps)
    .option('--item <id>', 'completions of this question alone')
    .option('--limit <n>', 'completions at most', count, 20)
    .option(...json)
    .action(text);
  search
    .command('question')
    .description('one question through training: how often it was answered right each time it was asked')
    .argument('<run>')
    .argument('<item>', 'id of the question')
    .option('--dataset <name>', 'where two data sets have a question of that id')
    .option(...json)
    .action(question);
  search
    .command('phrases')
    .description('phrases that a run says more often, or more rarely, in later steps than in earlier ones')
    .argument('<run>')
    .requiredOption('--before <first-last>', 'earlier steps, both included', steps)
    .requiredOption('--after <first-last>', 'later steps', steps)
    .option('--words <n>', 'words of a phrase at most (default: 4)', count)
    .option('--least <n>', 'completions that must say a phrase (default: 5)', count)
    .option('--fdr <rate>', 'false discoveries among the phrases told, at most (default: 0.05)', Number)
    .option('--limit <n>', 'phrases of each list', count, 20)
    .option(...json)
    .action(phrases);
  search
    .command('families')
    .description('completions that say nearly the same, as families, the largest first')
    .argument('<run>')
    .option('--steps <first-last>', 'steps, both included', steps)
    .option('--similarity <share>', 'least share of three-word stretches in common (default: 0.7)', Number)
    .option('--limit <n>', 'families at most', count, 20)
    .option(...json)
    .action(families);
}

/** "10-20", or "10" for one step. */
function steps(given: string): { from: number; to: number } {
  const [, from, to = from] = /^\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?$/.exec(given) ?? [];
  if (from === undefined || Number(from) > Number(to)) throw new InvalidArgumentError('Give steps as 10-20, the first one first.');
  return { from: Number(from), to: Number(to) };
}

/** A run whose steps are all in the index. */
function opened(id: string): RunStore {
  const store = openRun(homeDir(), id);
  indexAll(store);
  return store;
}

type TextOptions = Json & { regexp?: boolean; steps?: { from: number; to: number }; item?: string; limit: number };
async function text(given: string, words: string, { regexp, steps: range, item, limit, json }: TextOptions): Promise<void> {
  const runs = given.split(',');
  const directories = runs.map((id) => {
    using store = opened(id);
    return store.directory;
  });
  const query: SearchQuery = {
    ...{ runs, text: words, mode: regexp ? 'regexp' : 'words', limit, whole: json },
    ...(range ?? {}),
    ...(item !== undefined && { items: [item] }),
  };
  const page = await pageOf(directories, query, limit);
  if (json) return printJson(page);
  for (const hit of page.hits) {
    const verdict = hit.correct === null ? 'not judged' : hit.correct ? 'right' : 'wrong';
    tell(
      `${runs.length > 1 ? `run ${hit.run}, ` : ''}step ${hit.step}, group ${hit.group}, ${hit.index}: ${hit.prediction ?? 'no answer'}, ${verdict} (${hit.reading}), question ${hit.item_id}`,
    );
    pass(`${hit.text}\n\n`);
  }
  tell(page.total === null ? `${page.hits.length} shown${page.next === null ? '' : '; there are more'}` : `${page.total} found`);
}

/** A whole page, however long that takes. It is searched in a thread, which ends an expression that never comes back from a text. */
async function pageOf(directories: string[], query: SearchQuery, limit: number): Promise<SearchPage> {
  const searches = new Searches();
  try {
    const find = (more: Partial<SearchQuery>): Promise<SearchPage> =>
      searches.ask('find', directories, { query: { ...query, ...more }, nearText: null });
    let page = await find({});
    while (page.hits.length < limit && page.next !== null) {
      const { hits } = page;
      const rest = await find({ cursor: page.next, limit: limit - hits.length });
      page = { ...rest, hits: [...hits, ...rest.hits] };
    }
    return page;
  } finally {
    await searches.close();
  }
}

function question(id: string, item: string, { dataset, json }: Json & { dataset?: string }): void {
  using store = openRun(homeDir(), id);
  const curve = questionCurve(store.db, store.row(), item, dataset ?? null);
  if (json) return printJson(curve);
  tell(`${curve.item_id}: ${curve.question}`, `options ${curve.options.join(' | ')}, right ${curve.answer ?? 'unknown'}`, '');
  const percent = (share: number | null): string => (share === null ? '-' : (100 * share).toFixed(1));
  const rows = curve.points.map(({ step, right, judged, low, high, reading, reward, tokens, letters }) => [
    ...[step, `${right}/${judged}`, percent(judged === 0 ? null : right / judged), `${percent(low)} to ${percent(high)}`, reading],
    ...[
      reward?.toFixed(3) ?? '-',
      tokens?.toFixed(0) ?? '-',
      Object.entries(letters)
        .map(([letter, n]) => `${letter} ${n}`)
        .join(', '),
    ],
  ]);
  tell(...table([['STEP', 'RIGHT', '%', '95 %', 'READING', 'REWARD', 'TOKENS', 'ANSWERS'], ...rows]));
}

type PhraseOptions = Json & Omit<PhraseQuery, 'run'>;
function phrases(id: string, { json, ...query }: PhraseOptions): void {
  if (query.fdr !== undefined && !(query.fdr > 0 && query.fdr <= 1)) throw usage('--fdr is a rate from 0 to 1', 'For example --fdr 0.05.');
  if (query.words !== undefined && query.words > 6) throw usage('--words is at most 6', 'Longer phrases are told by their parts.');
  using store = opened(id);
  const found = findPhrases(new IndexReader(store.db), { run: id, ...query });
  if (json) return printJson(found);
  const { before, after, tested, every } = found;
  tell(
    `before: ${before.completions} completions of ${before.groups} groups; after: ${after.completions} of ${after.groups}` +
      (every > 1 ? `; every ${every}th step was read` : ''),
    `${tested} phrases tested, ${found.found} with a false discovery rate of at most ${query.fdr ?? 0.05}`,
  );
  const share = (n: number, of: number): string => (of === 0 ? '-' : `${((100 * n) / of).toFixed(1)} %`);
  const list = (name: string, of: readonly Phrase[]): void => {
    const rows = of.map((one) => [
      ...[one.text, share(one.before, before.completions), share(one.after, after.completions)],
      ...[one.log_odds.toFixed(2), one.design_effect.toFixed(1), one.q.toPrecision(2)],
    ]);
    tell('', ...table([[name, 'BEFORE', 'AFTER', 'LOG ODDS', 'DESIGN EFFECT', 'q'], ...rows]));
  };
  list('GREW', found.grew);
  list('VANISHED', found.vanished);
}

type FamilyOptions = Json & { steps?: { from: number; to: number }; similarity?: number; limit: number };
function families(id: string, { steps: range, similarity, limit, json }: FamilyOptions): void {
  if (similarity !== undefined && !(similarity >= 0.3 && similarity <= 1))
    throw usage('--similarity is a share from 0.3 to 1', 'For example --similarity 0.7.');
  using store = opened(id);
  const query = { run: id, ...range, limit, ...(similarity !== undefined && { similarity }) };
  const found = findFamilies(new IndexReader(store.db), query, runReading(store.row().config), () => false);
  if (json) return printJson(found);
  tell(
    `${found.completions} completions: ${found.total} families, ${found.alone} like no other; right by the reading ${found.reading}`,
    '',
  );
  const rows = found.families.map((one) => [
    ...[one.completions, one.texts, one.questions, `${one.from}-${one.to}`, `${one.right}/${one.judged}`, one.reward?.toFixed(3) ?? '-'],
    one.text.replace(/\s+/g, ' ').slice(0, 100),
  ]);
  tell(...table([['COMPLETIONS', 'TEXTS', 'QUESTIONS', 'STEPS', 'RIGHT', 'REWARD', 'FIRST'], ...rows]));
}
