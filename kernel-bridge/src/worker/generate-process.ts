/**
 * The frame of a generation process: answers one question after another, keeps the model of the last one, and ends with the server that
 * started it, however that ends.
 */
import type { Answer, Ask, ModelSource } from '../protocol/generate.ts';
import { Inbox } from './inbox.ts';

/** A model in memory that answers. */
export interface LoadedModel extends Disposable {
  answer(ask: Ask, signal: AbortSignal): Promise<Answer>;
}
export type OpenModel = (source: ModelSource) => Promise<LoadedModel>;

export function generateProcess(open: OpenModel): void {
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

  let answering = false;
  const inbox = new Inbox(() => {
    if (!answering) void answerAll();
  });
  async function answerAll(): Promise<void> {
    answering = true;
    await inbox.answerAll(async (ask, signal, source) => ({ answer: await (await opened(source!)).answer(ask, signal), step: null }));
    answering = false;
  }
  process.on('disconnect', () => process.exit(0));
}
