/** The thread of token-texts.ts: answers one question and is gone. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { readText } from '../files/plain.ts';
import { errorBody, WorkbenchError, type ErrorBody } from '../protocol/errors.ts';
import { tokenTexts } from '../protocol/token-texts.ts';
import { errors } from './errors.ts';
import { weightsDirectory } from './model-files.ts';
import { decoderOf, vocabularyOf, type TokenizerFile, type Vocabulary } from './vocabulary.ts';

/** Bytes: those of Qwen2-VL have 7 to 11 million. */
const MAX_TOKENIZER = 64 << 20;

export interface Question {
  model: string;
  lists: readonly number[][];
  /** Vocabularies of earlier questions by the state of their file. */
  kept: ReadonlyMap<string, Vocabulary>;
}

export type Answer = { texts: string[][]; state: string; vocabulary: Vocabulary } | { error: ErrorBody & { http: number } };

async function answer({ model, lists, kept }: Question): Promise<Answer> {
  try {
    const { file, state } = await tokenizerOf(model);
    const vocabulary = kept.get(state) ?? (await readVocabulary(file));
    const tokenizer = readable(file, () => decoderOf(vocabulary, new Set(lists.flat())));
    const decode = (ids: number[]): string => tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
    return { texts: lists.map((ids) => tokenTexts({ decode }, ids)), state, vocabulary };
  } catch (error) {
    return { error: { ...errorBody(error), http: error instanceof WorkbenchError ? error.http : 500 } };
  }
}

/** The file, and what says that it is the one that was read before. An adapter saved without a tokenizer uses its base model's. */
async function tokenizerOf(model: string): Promise<{ file: string; state: string }> {
  const files = [...new Set([model, weightsDirectory(model)])].map((dir) => join(dir, 'tokenizer.json'));
  for (const file of files) {
    const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
      if (['ENOENT', 'ENOTDIR'].includes(cause.code ?? '')) return null;
      throw errors.tokenizerUnreadable(file, cause);
    });
    if (found !== null) return { file, state: [found.dev, found.ino, found.size, found.mtimeMs].join(' ') };
  }
  throw errors.tokenizerMissing(files.at(-1)!);
}

async function readVocabulary(file: string): Promise<Vocabulary> {
  const text = await readText(file, MAX_TOKENIZER).catch((cause) => {
    throw errors.tokenizerUnreadable(file, cause);
  });
  return readable(file, () => vocabularyOf(JSON.parse(text) as TokenizerFile));
}

function readable<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw errors.tokenizerUnreadable(file, cause);
  }
}

parentPort!.postMessage(await answer(workerData as Question));
