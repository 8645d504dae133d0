/**
 * The thread of token-texts.ts: answers one question and is gone. Without the model: its tokenizer, cut down to these tokens, is made in no
 * time and kept nowhere.
 */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { Tokenizer } from '@huggingface/tokenizers';
import { readText } from '../files/plain.ts';
import { errorBody, WorkbenchError, type ErrorBody } from '../protocol/errors.ts';
import { tokenTexts } from '../protocol/token-texts.ts';
import { errors } from './errors.ts';
import { weightsDirectory } from './model-files.ts';

/** Bytes: those of Qwen2-VL have 7 to 11 million. */
const MAX_TOKENIZER = 64 << 20;

interface TokenizerFile {
  model: { vocab: Record<string, number>; merges: unknown[] };
}

export type Answer = { texts: string[][] } | { error: ErrorBody & { http: number } };

async function answer({ model, lists }: { model: string; lists: readonly number[][] }): Promise<Answer> {
  try {
    const tokenizer = await decoderOf(model, new Set(lists.flat()));
    const decode = (ids: number[]): string => tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
    return { texts: lists.map((ids) => tokenTexts({ decode }, ids)) };
  } catch (error) {
    return { error: { ...errorBody(error), http: error instanceof WorkbenchError ? error.http : 500 } };
  }
}

/** A whole vocabulary of Qwen2-VL with its merges would take 170 MB; decoding needs the tokens and no merge. */
async function decoderOf(model: string, ids: ReadonlySet<number>): Promise<Tokenizer> {
  const { file, json } = await readTokenizer(model);
  try {
    const vocab = Object.fromEntries(Object.entries(json.model.vocab).filter(([, id]) => ids.has(id)));
    return new Tokenizer({ ...json, model: { ...json.model, vocab, merges: [] } }, {});
  } catch (cause) {
    throw errors.tokenizerUnreadable(file, cause);
  }
}

/** An adapter saved without a tokenizer uses its base model's. */
async function readTokenizer(model: string): Promise<{ file: string; json: TokenizerFile }> {
  const files = [...new Set([model, weightsDirectory(model)])].map((dir) => join(dir, 'tokenizer.json'));
  for (const file of files) {
    const text = await readText(file, MAX_TOKENIZER).catch((cause: NodeJS.ErrnoException) => {
      if (['ENOENT', 'ENOTDIR'].includes(cause.code ?? '')) return null;
      throw errors.tokenizerUnreadable(file, cause);
    });
    if (text === null) continue;
    try {
      return { file, json: JSON.parse(text) as TokenizerFile };
    } catch (cause) {
      throw errors.tokenizerUnreadable(file, cause);
    }
  }
  throw errors.tokenizerMissing(files.at(-1)!);
}

parentPort!.postMessage(await answer(workerData));
