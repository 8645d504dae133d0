/** `medr1 explain`: questions about a stored completion, answered from what is on disk, so that it works without a server and beside one. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { loadItems } from '../data/load.ts';
import { answerTo, type AnswerTo, type AnyAsk } from '../protocol/channel.ts';
import type { Alternatives, Attribution, Decision, ExplainTarget } from '../protocol/explain.ts';
import { MAP_METHODS, POLICIES, type MapMethod } from '../protocol/explain.ts';
import type { ModelSource } from '../protocol/generate.ts';
import { exactly } from '../protocol/printable.ts';
import { homeDir } from '../runs/home.ts';
import { openRun } from '../runs/runs.ts';
import { Asking } from '../server/asking.ts';
import { Explanations } from '../server/explanations.ts';
import { openModel } from '../worker/generate.ts';
import { count, whole } from './arguments.ts';
import { blocks, letters, verdict } from './attribute.ts';
import { printJson, table, tell } from './output.ts';

interface Asked {
  policy: (typeof POLICIES)[number];
  at?: number;
  text?: string;
  order?: number[];
  image?: string;
  blank?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  const explain = program.command('explain').description('ask about a completion that a run stored; the model runs it again');
  const add = (name: string, description: string): Command =>
    explain
      .command(name)
      .description(description)
      .argument('<run>')
      .argument('<step>', 'step at which it was sampled', count)
      .argument('<group>', 'number of its question in the step, from 0', whole)
      .argument('<completion>', 'number of the completion in the group, from 0', whole)
      .addOption(
        new Option('--policy <which>', 'nearest: of what is on disk, the policy nearest to the one that said it. newest: the last one')
          .choices([...POLICIES])
          .default('nearest'),
      )
      .option('--at <step>', 'the policy nearest to this many updates in place of the one that said it', whole)
      .option('--text <text>', 'another text in place of the completion')
      .option('--order <places>', 'the options in another order: 2,0,1 makes the third one A', places)
      .option('--image <path>', 'another image of the data set')
      .option('--blank', 'a grey image')
      .option('--json', 'print one JSON document and nothing else');
  add('alternatives', 'which tokens nearly came: the likeliest at each place, and the rank of the one that was said')
    .option('--top <n>', 'alternatives of each token', count, 5)
    .action(alternatives);
  add('attribution', "which parts of the image, and which words, a token follows from (default: the answer's letter)")
    .option('--token <n>', 'number of the token in the completion, from 0', whole)
    .option('--against <letters>', 'letters that the token is set against, for example A,C', letters, [])
    .addOption(new Option('--method <name>', 'as for medr1 attribute').choices([...MAP_METHODS]).default('integrated'))
    .option('--blocks <rows>x<columns>', 'blocks of occlusion', blocks, [7, 7])
    .action(attribution);
  add('decision', 'when it decided: the probability of each option after each sentence of the reasoning').action(decision);
}

function places(text: string): number[] {
  const found = text.split(',').map((one) => Number(one.trim() || NaN));
  if (!found.every((one) => Number.isSafeInteger(one) && one >= 0))
    throw new InvalidArgumentError('Give places from 0 on, for example 2,0,1.');
  return found;
}

type Place = [run: string, step: number, group: number, completion: number];

/** Asks with what is on disk: the checkpoints, and the model that the run starts from. */
async function ask<T>(
  [run, step, group, completion]: Place,
  asked: Asked,
  how: (explanations: Explanations, target: ExplainTarget) => Promise<T>,
): Promise<T> {
  const home = homeDir();
  using opened = openRun(home, run);
  const store = () => opened;
  const worker = {
    async ask<A extends AnyAsk>(what: A, source: ModelSource, signal: AbortSignal): Promise<AnswerTo<A>> {
      using model = await openModel(source);
      return (await answerTo(model, what, signal)) as AnswerTo<A>;
    },
  };
  const asking = new Asking({ worker, supervisor: { ask: () => null, ids: [] }, store });
  const { policy, at, text, order, image, blank } = asked;
  const changed = {
    ...(text !== undefined && { text }),
    ...(order && { order }),
    ...(image !== undefined && { image }),
    ...(blank && { blank }),
  };
  const target = { run, rollout: { step, group, completion }, policy, ...(at !== undefined && { step: at }), ...changed };
  return await how(new Explanations({ home, loadItems, asking, store }), target);
}

/** Who answered; an answer of another policy than the one that was looked for says so. */
function head({ step, wanted_step: wanted, model }: Pick<Decision, 'step' | 'wanted_step' | 'model'>): string {
  const other = wanted !== null && step !== wanted ? `; the policy of step ${wanted} is not on disk` : '';
  return `asked: the policy after ${step ?? 0} updates (${model})${other}`;
}

const percent = (share: number): string => (100 * share).toFixed(1);
const quoted = (text: string): string => exactly(JSON.stringify(text));

async function alternatives(run: string, step: number, group: number, completion: number, options: Asked & { top: number }): Promise<void> {
  const { json, top } = options;
  const found: Alternatives = await ask([run, step, group, completion], options, (explanations, target) =>
    explanations.alternatives({ ...target, top }, NEVER),
  );
  if (json) return printJson(found);
  const rows = found.places.map(({ logprob, rank, top: others }, at) => [
    ...[at, quoted(found.tokens[at]), percent(Math.exp(logprob)), rank],
    others.map((one) => `${quoted(one.text)} ${percent(Math.exp(one.logprob))}`).join('  '),
  ]);
  tell(head(found), `temperature ${found.temperature}`, '', ...table([['TOKEN', '', '%', 'RANK', 'LIKELIEST, %'], ...rows]));
}

async function attribution(
  run: string,
  step: number,
  group: number,
  completion: number,
  options: Asked & { token?: number; against: string[]; method: MapMethod; blocks: [number, number] },
): Promise<void> {
  const { json, token, against, method, blocks: cut } = options;
  const found: Attribution = await ask([run, step, group, completion], options, (explanations, target) =>
    explanations.attribution({ ...target, ...(token !== undefined && { token }), against, method, blocks: cut }, NEVER),
  );
  if (json) return printJson(found);
  const set = found.against.length === 0 ? '' : ` against ${found.against.join(', ')}`;
  tell(
    head(found),
    `token ${found.token.index} ${quoted(found.token.text)}${set}: ${set ? 'contrast' : 'log-probability'} ${found.score.toFixed(4)}, ${found.method}`,
    ...(found.image ? table(found.image.map((row) => row.map((value) => value.toFixed(3).padStart(8)))) : ['The question has no image.']),
    ...(found.check ? verdict(found.check) : []),
  );
}

async function decision(run: string, step: number, group: number, completion: number, options: Asked): Promise<void> {
  const found: Decision = await ask([run, step, group, completion], options, (explanations, target) =>
    explanations.decision(target, NEVER),
  );
  if (options.json) return printJson(found);
  const text = found.tokens.join('');
  const rows = found.cuts.map(({ from, to, kept, probabilities, other }, at) => [
    ...[at === 0 ? '(nothing)' : text.slice(from, to).trim(), percent(kept), ...probabilities.map(percent), percent(other)],
    at === found.decided ? 'from here on' : '',
  ]);
  tell(
    head(found),
    ...found.options.map(({ letter, text: option }) => `${letter}) ${option}`),
    `asked by ${found.own_words ? 'its own words' : 'our words'} ${quoted(found.asked_by)}`,
    '',
    ...table([['REASONING UP TO', 'KEPT, %', ...found.options.map(({ letter }) => `${letter}, %`), 'NONE, %', 'DECIDED'], ...rows]),
  );
}

/** A terminal is left by Ctrl-C. */
const NEVER = new AbortController().signal;
