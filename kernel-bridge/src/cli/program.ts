/** The commands of `medr1`. A command's file is loaded when it runs, so that a missing addon breaks only what needs it. */
import { Command, CommanderError } from 'commander';
import { expandHome } from '../files/user-path.ts';
import { homeDir } from '../data/home.ts';
import { machineRefusal } from '../log/errors.ts';
import { VERSION } from '../version.ts';
import { fail, PARSER_OUTPUT } from './output.ts';

type Register = (program: Command) => void;

/** name -> one line of help, and the file that has the command. */
export const COMMANDS: Record<string, [summary: string, load: () => Promise<{ register: Register }>]> = {
  doctor: ['what is installed, which device, what is missing and the command that mends it', () => import('./doctor.ts')],
  sample: ['write the made sample data set', () => import('./sample.ts')],
  data: ['index, list and audit data sets', () => import('./data.ts')],
  train: ['train by a configuration file, with a progress bar', () => import('./train.ts')],
  launch: ['start a run on several machines by Slurm, torchrun or Ray', () => import('./launch.ts')],
  generate: ["a model's answers to a question", () => import('./generate.ts')],
  attribute: ['which parts of the image an answer follows from', () => import('./attribute.ts')],
  explain: ['ask about a stored completion: other tokens, where it looked, when it decided', () => import('./explain.ts')],
  score: ['log-probabilities of given completions', () => import('./score.ts')],
  replay: ['one GRPO update on given completions and rewards, nothing saved', () => import('./replay.ts')],
  eval: ['accuracy of a model on a split', () => import('./eval.ts')],
  evals: ['list, show, compare and export stored evaluations', () => import('./evals.ts')],
  faithfulness: ['how far stored answers follow from their reasoning', () => import('./faithfulness.ts')],
  reproduce: ["Med-R1's whole experiment: 13 checkpoints, their evaluations, tables and matrices", () => import('./reproduce.ts')],
  reward: ['list, test and change reward functions', () => import('./reward.ts')],
  runs: ['list, show, steer, export, fork and roll back runs', () => import('./runs.ts')],
  search: ['look through everything that runs said while they trained', () => import('./search.ts')],
  repl: ['a JavaScript prompt with a model and a batch loaded', () => import('./repl.ts')],
  serve: ['the backend of the workbench', () => import('./serve.ts')],
};

/** A shell leaves the ~ of --model=~/x and of what stands in quotes. */
const atHome = (argument: string): string =>
  argument.replace(/^(--[\w-]+=)?(~(?:\/.*)?)$/, (_, option: string | undefined, path: string) => `${option ?? ''}${expandHome(path)}`);

/** Does what the arguments ask for. Returns the exit code: 1 failed, 2 wrong usage. */
export async function medr1(argv: string[]): Promise<number> {
  const program = new Command('medr1')
    .description('Train a small medical vision-language model with GRPO and watch it learn.')
    .version(VERSION)
    .exitOverride()
    .configureOutput(PARSER_OUTPUT)
    .showHelpAfterError('(medr1 --help lists the commands)');
  const wanted = argv.find((argument) => !argument.startsWith('-')) ?? '';
  try {
    for (const [name, [summary, load]] of Object.entries(COMMANDS)) {
      if (name === wanted) (await load()).register(program);
      else program.command(name).description(summary);
    }
    if (argv.length === 0) program.help();
    await program.parseAsync(argv.map(atHome), { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return fail(machineRefusal(homeDir(), error) ?? error, argv.includes('--json'));
  }
}
