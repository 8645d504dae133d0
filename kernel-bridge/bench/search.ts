/**
 * Searches over a made run of a million rollouts (8,000 steps of 16 questions x 8 completions of some 29 tokens, as the demo's are): size of the index, what a step
 * pays for it, and processor time of first pages in a process that has just opened the run.
 *     node kernel-bridge/bench/search.ts [--steps N] [--keep DIRECTORY]     (a directory that holds the run already is used again)
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transaction } from '../src/log/database.ts';
import type { Group } from '../src/protocol/run.ts';
import { runReading } from '../src/protocol/readings.ts';
import type { SearchQuery } from '../src/protocol/search.ts';
import { completeConfig } from '../src/runs/config.ts';
import { readGroups } from '../src/runs/groups.ts';
import { RunStore } from '../src/runs/store.ts';
import { find } from '../src/search/find.ts';
import { indexStep } from '../src/search/write.ts';
import { readArguments } from './arguments.ts';

const GROUPS = 16;
const COMPLETIONS = 8;
const QUESTIONS = 2000;
const GOALS = { words: 300, regexp: 1000, share: 0.2, step: 2 };

const args = readArguments({
  steps: { type: 'string', default: '8000' },
  keep: { type: 'string' },
  ask: { type: 'string' },
});
const steps = Number(args.steps);
const near = { run: 'bench', step: Math.ceil(steps / 2), group: 3, index: 2 };
const QUERIES: Record<string, Omit<SearchQuery, 'runs'>> = {
  'newest, no words': {},
  'a word in most': { text: 'image' },
  'a rare word': { text: 'w777' },
  'two words': { text: 'lesion darker' },
  'words without one': { text: 'lesion -round' },
  'a beginning': { text: 'les*' },
  'a phrase': { text: '"round lesion"' },
  'a phrase that none has': { text: '"the image the image the"' },
  'a phrase, largest advantage first': { text: '"round lesion"', sort: 'advantage' },
  'a phrase that none has, by advantage': { text: '"the image the image the"', sort: 'advantage' },
  'regexp: common, fewest tokens first': { mode: 'regexp', text: 'lesion (is|looks) \\w+er', sort: 'tokens', ascending: true },
  'a word, largest advantage first': { text: 'image', sort: 'advantage' },
  'filters, smallest reward first': {
    verdict: ['wrong'],
    tokens: { min: 30 },
    modality: ['CT'],
    letters: ['A'],
    sort: 'reward',
    ascending: true,
  },
  'a flag and a word': { text: 'lesion', flags: ['think-disagrees'] },
  'beats the prior': { flags: ['beats-prior'] },
  'one question through training': { items: ['q17'], ascending: true },
  'words of a question': { question: 'abnormality 17' },
  'alike to one': { near },
  'regexp: common': { mode: 'regexp', text: 'lesion (is|looks) \\w+er' },
  'regexp: rare': { mode: 'regexp', text: 'w77[0-9] .*</think>' },
  'regexp: none': { mode: 'regexp', text: 'zz+q' },
  'regexp: a word twice': { mode: 'regexp', text: '\\b(\\w{5,}) \\1\\b' },
};

function bench(): void {
  const made = args.keep === undefined;
  const directory = args.keep ?? mkdtempSync(join(tmpdir(), 'medr1-bench-search-'));
  try {
    if (!existsSync(join(directory, 'run.db'))) make(directory);
    sizes(directory);
    stepCost(directory);
    for (const name of Object.keys(QUERIES)) {
      const told = execFileSync(process.execPath, [import.meta.filename, '--steps', String(steps), '--keep', directory, '--ask', name], {
        encoding: 'utf8',
      });
      const { cpu_ms, hits, total } = JSON.parse(told) as { cpu_ms: number; hits: number; total: number | null };
      const goal = QUERIES[name].mode === 'regexp' ? GOALS.regexp : GOALS.words;
      line(name, `${cpu_ms.toFixed(0)} ms of CPU, ${hits} hits of ${total ?? 'more'}`, cpu_ms <= goal);
    }
  } finally {
    if (made) rmSync(directory, { recursive: true, force: true });
  }
}

function ask(directory: string, name: string): void {
  using store = RunStore.open(directory);
  const { id, name: run, config, inherited } = store.row();
  const query = { runs: [id], ...QUERIES[name] };
  const nearText = query.near
    ? readGroups(store.db, { from: near.step, to: near.step, limit: 99, offset: 0 })[near.group].completions[near.index].text
    : null;
  const start = process.cpuUsage();
  const page = find([{ id, name: run, db: store.db, reading: runReading(config), inherited }], query, nearText, {
    reading: () => undefined,
    idle: () => undefined,
    overdue: () => false,
  });
  const { user, system } = process.cpuUsage(start);
  console.log(JSON.stringify({ cpu_ms: (user + system) / 1000, hits: page.hits.length, total: page.total }));
}

function make(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  using store = RunStore.create(directory, { id: 'bench', name: 'bench', parent: null, config, root: '/', data_hash: 'h' });
  store.db.exec('PRAGMA synchronous = OFF'); // of a made run nothing can be lost
  const start = performance.now();
  for (let step = 1; step <= steps; step++) {
    store.commitStep({ step, metrics: { reward: random() }, groups: Array.from({ length: GROUPS }, (_, group) => made(step, group)) });
  }
  console.log(`made ${steps * GROUPS * COMPLETIONS} rollouts in ${((performance.now() - start) / 1000).toFixed(0)} s`);
}

function sizes(directory: string): void {
  using store = RunStore.open(directory);
  const bytes = (where: string): number =>
    (
      store.db.prepare(`SELECT coalesce(sum(pgsize), 0) AS bytes FROM dbstat WHERE aggregate = TRUE AND (${where})`).get() as {
        bytes: number;
      }
    ).bytes;
  const all = bytes('TRUE');
  const index = bytes("name LIKE 'search_%' OR name LIKE 'sqlite_autoindex_search_%'");
  const share = index / (all - index);
  line('store without index', `${(all - index) / 1e6} MB`, true);
  line('index', `${index / 1e6} MB, ${(100 * share).toFixed(1)} % of it`, share <= GOALS.share);
}

/** The last steps are taken out of the index and put in again, a transaction each. */
function stepCost(directory: string): void {
  using store = RunStore.open(directory);
  const count = Math.min(400, steps);
  const groups = Array.from({ length: count }, (_, i) =>
    readGroups(store.db, { from: steps - i, to: steps - i, limit: GROUPS, offset: 0 }),
  );
  const times = groups.map((one) => {
    store.db.prepare('DELETE FROM search_step WHERE step = ?').run(one[0].step);
    const empty = cpu(() => transaction(store.db, () => store.db.prepare('UPDATE search_next SET number = number').run()));
    return cpu(() => transaction(store.db, () => indexStep(store.db, one))) - empty;
  });
  times.sort((a, b) => a - b);
  const mean = times.reduce((sum, each) => sum + each) / count;
  line(
    'a step of 128 rollouts',
    `${mean.toFixed(2)} ms of CPU, median ${times[count >> 1].toFixed(2)}, p99 ${times[Math.floor(count * 0.99)].toFixed(2)}`,
    mean <= GOALS.step,
  );
}

function cpu(work: () => unknown): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

function line(what: string, value: string, good: boolean): void {
  console.log(`${good ? 'ok  ' : 'MISS'} ${what.padEnd(34)} ${value}`);
}

/** The same run each time. */
let seed = 1;
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}
function among<T>(list: readonly T[]): T {
  return list[Math.floor(random() ** 2 * list.length)];
}

function made(step: number, group: number): Group {
  const question = Math.floor(random() * QUESTIONS);
  const answer = 'ABCD'[question % 4];
  const completions = Array.from({ length: COMPLETIONS }, (_, index) => {
    const right = random() < 0.3 + (0.6 * step) / steps;
    const letter = right ? answer : 'ABCD'[Math.floor(random() * 4)];
    const text = `<think>${reasoning(step)}</think><answer> ${letter} </answer>`;
    const tokens = 24 + Math.floor(random() * 10);
    const numbers = (): number[] => Array.from({ length: tokens }, () => random());
    const accuracy = Number(letter === answer);
    return {
      ...{
        index,
        text,
        token_ids: numbers().map((value) => Math.floor(value * 1000)),
        logprobs: numbers(),
        entropy: numbers(),
        kl: numbers(),
      },
      ...{ ratio: null, clipped: null, finish_reason: random() < 0.97 ? 'stop' : 'length', rewards: { accuracy, format: 1 } },
      ...{ reward: accuracy + 1, advantage: accuracy - 0.5 + random() / 10, prediction: letter, correct: letter === answer },
    };
  });
  return {
    ...{
      step,
      group,
      item_id: `q${question}`,
      dataset: 'made',
      image: `i/${question}.png`,
      question: `Which abnormality ${question} is shown?`,
    },
    ...{
      options: ['cyst', 'edema', 'tumour', `lesion ${question}`],
      answer,
      modality: ['CT', 'MRI', 'X-Ray'][question % 3],
      question_type: 'Disease Diagnosis',
    },
    ...{
      prompt: `Which abnormality ${question} is shown? A) cyst B) edema C) tumour D) lesion`,
      reading: 'exact' as const,
      reward_mean: 1,
      reward_std: 0.5,
    },
    completions,
  };
}

function reasoning(step: number): string {
  const words = Array.from({ length: 12 }, () => (random() < 0.02 ? `w${Math.floor(random() * 20000)}` : among(WORDS)));
  const turn = random() < step / steps ? 'so the lesion is darker' : 'it looks like a round lesion';
  return `The image shows ${words.join(' ')}, ${turn}.`;
}

const WORDS = (
  'a the of with shape bright dark region edge centre left right upper lower circle triangle blue red round square lesion retina normal abnormal contrast clear slice ' +
  'brain lung tissue margin smooth irregular dense thin thick small large single several area border texture signal intensity mass cyst fluid bone vessel'
).split(' ');

if (args.ask !== undefined) ask(args.keep!, args.ask);
else bench();
