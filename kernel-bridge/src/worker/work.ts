/** The three things that a process with a model does (worker/frame.ts is what they share): around any trainer, any model that answers. */
import type { LoadQuestions } from '../evals/evals.ts';
import { EvalStore } from '../evals/store.ts';
import { answerTo, type Answers } from '../protocol/channel.ts';
import type { ModelSource } from '../protocol/generate.ts';
import type { CreateTrainer } from '../rl/types.ts';
import type { LoadItems } from '../runs/runs.ts';
import type { OpenAnswerer } from './answerer.ts';
import { runEvaluation } from './evaluation.ts';
import type { Work } from './frame.ts';
import { Inbox } from './inbox.ts';
import { askServer } from './kernel-channel.ts';
import { ALWAYS, sharedTurn } from './turn.ts';
import { runWorker } from './worker.ts';

/** Trains a run. Arguments: its directory, the home and, where it shares its device with the other run of its pair, `turns`. */
export function training(createTrainer: CreateTrainer, loadItems: LoadItems): Work {
  const inbox = new Inbox();
  return ({ args: [directory, home, turns], log, signal, committed, nudge }) =>
    runWorker({
      directory,
      home,
      createTrainer,
      loadItems,
      log,
      signal,
      committed,
      nudge,
      turn: turns === 'turns' ? sharedTurn(nudge) : ALWAYS,
      askKernel: askServer,
      answerAsked: (reply) => inbox.answerAll(reply, signal),
    });
}

/** Works off an evaluation, or tests the reasoning of its answers. Arguments: its directory, the home and, for the latter, `faithfulness`, how many, mistakes. */
export const evaluating =
  (openAnswerer: OpenAnswerer, loadItems: LoadQuestions): Work =>
  async ({ args: [directory, home, what, limit, mistakes], log, signal, committed }) => {
    if (what === 'faithfulness') {
      const { testFaithfulness } = await import('./faithfulness.ts');
      using store = EvalStore.open(directory);
      const whole = await testFaithfulness({ store, limit: Number(limit), mistakes: mistakes === 'true', signal, committed });
      return whole ? 'finished' : 'stopped';
    }
    return runEvaluation({ directory, home, loadItems, openAnswerer, log, committed, signal });
  };

/** A model in memory that answers. */
export type LoadedModel = Answers & Disposable;
export type OpenModel = (source: ModelSource) => Promise<LoadedModel>;

/** Answers one question after another and keeps the model of the last one, until its owner wants it no more. */
export const answering =
  (open: OpenModel): Work =>
  async ({ signal }) => {
    signal.addEventListener('abort', () => process.exit(0)); // in the midst of an answer too: nobody waits for it
    let model: { name: string; opened: LoadedModel } | null = null;
    const opened = async (source: ModelSource): Promise<LoadedModel> => {
      const name = JSON.stringify(source);
      if (model?.name !== name) {
        model?.opened[Symbol.dispose]();
        model = null;
        model = { name, opened: await open(source) };
      }
      return model.opened;
    };
    let arrived = (): void => {};
    const inbox = new Inbox(() => arrived());
    for (;;) {
      const next = new Promise<void>((resolve) => (arrived = resolve));
      await inbox.answerAll(async (ask, stop, source) => ({ answer: await answerTo(await opened(source!), ask, stop), step: null }));
      await next;
    }
  };
