/**
 * The files that a processor reads, copied from one model directory to another in the form that transformers 4.49 to 5 and vLLM read alike: that of
 * the published Qwen2-VL checkpoints. transformers 5 saves the image processor's settings within processor_config.json and lists extra tokens where
 * 4.x expects a table; 4.x loads neither.
 */
import { cp, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renameDurably } from '../files/durable.ts';
import { readJson, type Json } from './json.ts';

const COPIED = [
  'tokenizer.json',
  'vocab.json',
  'merges.txt',
  'added_tokens.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
  'video_preprocessor_config.json',
  'generation_config.json',
];

/** Copies what is there of `from` into the directory `into`. Gives the names of the files written. */
export async function copyProcessor(from: string, into: string): Promise<string[]> {
  const written: string[] = [];
  const put = async (name: string, content: Json): Promise<void> => {
    await writeFile(join(into, name), `${JSON.stringify(content, null, 2)}\n`);
    written.push(name);
  };
  for (const name of COPIED) {
    if ((await stat(join(from, name)).catch(() => null)) === null) continue;
    await cp(join(from, name), join(into, name));
    written.push(name);
  }
  const tokenizer = await readJson(join(from, 'tokenizer_config.json'));
  if (tokenizer !== null) await put('tokenizer_config.json', tokenizerConfig(tokenizer));
  const processor = await readJson(join(from, 'processor_config.json'));
  if (processor !== null) {
    const { image_processor, video_processor, ...rest } = processor;
    const { processor_class } = rest;
    // transformers 5 takes these before a file of their own, so they are the ones in force.
    if (isObject(image_processor)) await put('preprocessor_config.json', imageProcessor({ processor_class, ...image_processor }));
    if (isObject(video_processor)) await put('video_preprocessor_config.json', { processor_class, ...video_processor });
    await put('processor_config.json', rest);
  }
  return written;
}

/**
 * The directory `into`, filled with the processor's files of `from` where it is not there yet: whole or not at all. What trains for hours keeps them
 * so, for a model's directory may be moved meanwhile.
 */
export async function keepProcessor(from: string, into: string): Promise<string> {
  if ((await stat(into).catch(() => null)) !== null) return into;
  const draft = `${into}.part`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  await copyProcessor(from, draft);
  renameDurably(draft, into);
  return into;
}

/** 4.x takes bounds of an image's size from min_pixels and max_pixels alone, 5 writes them as `size`. */
function imageProcessor(config: Json): Json {
  const size = isObject(config.size) ? config.size : {};
  const { shortest_edge, longest_edge } = size;
  return {
    ...config,
    ...(shortest_edge !== undefined && { min_pixels: config.min_pixels ?? shortest_edge }),
    ...(longest_edge !== undefined && { max_pixels: config.max_pixels ?? longest_edge }),
  };
}

/** 5 writes the special tokens beside eos, pad and so on as a list `extra_special_tokens`, 4.x `additional_special_tokens`, which 5 reads too. */
function tokenizerConfig(config: Json): Json {
  const { extra_special_tokens, ...rest } = config;
  return {
    ...(Array.isArray(extra_special_tokens) ? { additional_special_tokens: extra_special_tokens, ...rest } : config),
    // 5's class for any tokenizer.json, a name that 4.x does not know.
    ...(config.tokenizer_class === 'TokenizersBackend' && { tokenizer_class: 'Qwen2Tokenizer' }),
  };
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
