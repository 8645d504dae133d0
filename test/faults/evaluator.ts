/**
 * Works off a stored evaluation with a model that answers by rule, to be disturbed: `node evaluator.ts HOME ID`. Each line that it prints is how many
 * answers stand in the database after a commit.
 */
import { writeSync } from 'node:fs';
import { madeItem, madeLoader } from '../../kernel-bridge/src/evals/fixtures.ts';
import { evalDirectory } from '../../kernel-bridge/src/evals/evals.ts';
import { EvalStore } from '../../kernel-bridge/src/evals/store.ts';
import type { OpenAnswerer } from '../../kernel-bridge/src/worker/answerer.ts';
import { runEvaluation } from '../../kernel-bridge/src/worker/evaluation.ts';

export const QUESTIONS = Array.from({ length: 12 }, (_, n) => madeItem(`q${n}`, { answer: 'ABC'[n % 3] }));
export const loadItems = madeLoader(QUESTIONS);

const openAnswerer: OpenAnswerer = async () => ({
  answer: async (asked) =>
    asked.map(({ item }) => {
      const letter = 'ABC'[item.question.length % 3];
      return { text: `<answer> ${letter} </answer>`, tokens: 4, finish_reason: 'stop', strict: letter, tolerant: letter };
    }),
  draw: async () => {
    throw new Error('none is asked for');
  },
  [Symbol.dispose]() {},
});

/** Evaluates to its end; `tell` gets how many answers there are after each commit. */
export async function evaluate(home: string, id: string, tell: (answers: number) => void = () => {}): Promise<string> {
  const directory = evalDirectory(home, id);
  using reader = EvalStore.open(directory);
  return await runEvaluation({
    directory,
    home,
    loadItems,
    openAnswerer,
    committed: () => tell(reader.summary().done),
    log: (line) => void process.stderr.write(`${line}\n`),
    signal: new AbortController().signal,
  });
}

if (import.meta.main) {
  const [home, id] = process.argv.slice(2);
  process.exitCode = (await evaluate(home, id, (answers) => void writeSync(1, `${answers}\n`))) === 'finished' ? 0 : 1;
}
