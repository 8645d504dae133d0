/** Texts of tokens that runs stored, without the model: its tokenizer, cut down to these tokens, is made in no time and kept nowhere. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import type { TrainConfig } from '../protocol/index.ts';
import { tokenTexts } from '../protocol/token-texts.ts';
import { errors } from './errors.ts';
import { weightsDirectory } from './model-files.ts';

interface TokenizerFile {
  model: { vocab: Record<string, number>; merges: unknown[] };
}

/** One list of texts for each list of ids, decoded by the tokenizer of the model that the run began with. */
export async function textsOf(config: TrainConfig, lists: readonly number[][]): Promise<string[][]> {
  const tokenizer = await decoderOf(config.model_name_or_path, new Set(lists.flat()));
  const decode = (ids: number[]): string => tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  return lists.map((ids) => tokenTexts({ decode }, ids));
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
    const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
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
