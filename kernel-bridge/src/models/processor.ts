/** From messages and images to what the model takes, and back from token ids to text: tokenizer, chat template, image processor. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import { baseOf, readAdapterConfig } from './engine/peft.ts';
import { errors } from './errors.ts';
import { FAMILIES, familyOf } from './families/index.ts';
import type { ConfigJson } from './family.ts';
import { decodeImage, type ImageInput, type RawImage } from './image.ts';
import { readJson, readText } from './json.ts';
import type { ImageProcessorConfig, ProcessorParts } from './model.ts';
import type { EncodedImage, EncodedPrompt } from './prompt.ts';

export type Content = string | ({ type: 'text'; text: string } | { type: 'image'; image: ImageInput })[];

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: Content;
}

interface Resize {
  minPixels?: number;
  maxPixels?: number;
}

export class Processor {
  readonly imageConfig: ImageProcessorConfig;
  /** The token that stands where an image's rows go, and the one that ends a turn; -1 where the tokenizer has none. */
  readonly imageTokenId: number;
  readonly endOfTurnId: number;
  /** Tokens that end a completion: those of generation_config.json, else the tokenizer's. */
  readonly eosTokenIds: number[];
  /** All special tokens of the vocabulary. */
  readonly allSpecialIds: number[];
  private readonly tokenizer: Tokenizer;
  private readonly template: Template;
  private readonly parts: ProcessorParts;

  constructor(parts: {
    family: ProcessorParts;
    tokenizer: Tokenizer;
    template: Template;
    imageConfig: ImageProcessorConfig;
    eosTokenIds: number[];
  }) {
    this.parts = parts.family;
    this.tokenizer = parts.tokenizer;
    this.template = parts.template;
    this.imageConfig = parts.imageConfig;
    this.eosTokenIds = parts.eosTokenIds;
    const id = (token: string) => this.tokenizer.token_to_id(token) ?? -1;
    this.imageTokenId = id(this.parts.imageToken);
    this.endOfTurnId = id(this.parts.endOfTurn);
    this.allSpecialIds = [...this.tokenizer.get_added_tokens_decoder()].flatMap(([tokenId, token]) => (token.special ? [tokenId] : []));
  }

  /** One user turn: images, then the text; the assistant's turn is opened. Without `system` the template gives its default. */
  prompt({
    images = [],
    text,
    system,
    ...resize
  }: { images?: ImageInput[]; text: string; system?: string } & Resize): Promise<EncodedPrompt> {
    const pictures = images.map((image) => ({ type: 'image' as const, image }));
    const messages: Message[] = [{ role: 'user', content: [...pictures, { type: 'text', text }] }];
    if (system !== undefined) messages.unshift({ role: 'system', content: system });
    return this.chat(messages, { addGenerationPrompt: true, ...resize });
  }

  /** Any conversation. Images stand where the messages have them. */
  async chat(messages: Message[], options: { addGenerationPrompt?: boolean } & Resize = {}): Promise<EncodedPrompt> {
    for (const text of messages.flatMap(textsOf)) refuseReserved(this.parts.reserved, text);
    const text = this.template.render({
      messages: messages.map(withoutPixels),
      add_generation_prompt: options.addGenerationPrompt ?? false,
    });
    const inputs = messages.flatMap(({ content }) =>
      typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'image' ? [part.image] : [])),
    );
    const config = {
      ...this.imageConfig,
      min_pixels: options.minPixels ?? this.imageConfig.min_pixels,
      max_pixels: options.maxPixels ?? this.imageConfig.max_pixels,
    };
    const decoded = await Promise.all(inputs.map(decodeImage));
    const images = decoded.map((image) => this.parts.encodeImage(image, config));
    return { inputIds: this.expand(this.encode(text), images), images, text };
  }

  /** An image as the model takes it; it lives until disposed. */
  encodeImage(image: RawImage): EncodedImage {
    return this.parts.encodeImage(image, this.imageConfig);
  }

  /** Each image placeholder becomes one token per 2x2 patches of its image. */
  private expand(ids: number[], images: EncodedImage[]): number[] {
    const pad = this.imageTokenId;
    const placeholders = ids.filter((id) => id === pad).length;
    if (placeholders !== images.length) {
      throw errors.badArgument(
        `the chat template made ${placeholders} places for ${images.length} images`,
        `Use the model's own chat template, which puts ${this.parts.imageToken} where a message has an image.`,
      );
    }
    const unit = this.imageConfig.merge_size ** 2;
    let next = 0;
    return ids.flatMap((id) => {
      if (id !== pad) return [id];
      const [t, h, w] = images[next++].grid;
      return new Array<number>((t * h * w) / unit).fill(pad);
    });
  }

  /** Text as it stands, nothing added; special tokens written out in it are read as such. */
  encode(text: string): number[] {
    return text === '' ? [] : this.tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  decode(ids: number[], options: { skipSpecialTokens?: boolean } = {}): string {
    if (ids.length === 0) return '';
    return this.tokenizer.decode(ids, { skip_special_tokens: options.skipSpecialTokens ?? false, clean_up_tokenization_spaces: false });
  }
}

/** What the template needs to know of an image is that it is there; handed over, each of its bytes would be made a Jinja value. */
function withoutPixels({ role, content }: Message): { role: string; content: string | Record<string, string>[] } {
  if (typeof content === 'string') return { role, content };
  return { role, content: content.map((part) => (part.type === 'image' ? { type: 'image' } : { ...part })) };
}

function textsOf({ content }: Message): string[] {
  return typeof content === 'string' ? [content] : content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
}

function refuseReserved(reserved: readonly string[], text: string): void {
  const found = reserved.find((token) => text.includes(token));
  if (found !== undefined) throw errors.reservedText(found);
}

/** Reads tokenizer, chat template, image processor and generation settings of a model directory. */
export async function loadProcessor(dir: string): Promise<Processor> {
  return readProcessor(await processorDirectory(dir), await generationConfig(dir));
}

/** Where a model's processor files lie: an adapter saved without them uses its base model's. */
export async function processorDirectory(dir: string): Promise<string> {
  const has = async (name: string): Promise<boolean> => (await stat(join(dir, name)).catch(() => null)) !== null;
  const own = (await has('tokenizer.json')) && ((await has('preprocessor_config.json')) || (await has('processor_config.json')));
  return own ? dir : ((await baseDirectory(dir)) ?? dir);
}

/** A model's generation_config.json, of an adapter without one its base model's: PEFT never writes it. */
export async function generationConfig(dir: string): Promise<ConfigJson | null> {
  const own = await readJson(join(dir, 'generation_config.json'));
  if (own !== null) return own;
  const base = await baseDirectory(dir);
  return base === null ? null : readJson(join(base, 'generation_config.json'));
}

async function baseDirectory(dir: string): Promise<string | null> {
  const adapter = await readAdapterConfig(dir);
  return adapter === null ? null : baseOf(dir, adapter);
}

async function readProcessor(dir: string, generation: ConfigJson | null): Promise<Processor> {
  const [tokenizerJson, tokenizerConfig, preprocessor] = await Promise.all([
    required(dir, 'tokenizer.json'),
    readJson(join(dir, 'tokenizer_config.json')),
    imageProcessor(dir),
  ]);
  const tokenizer = makeTokenizer(dir, tokenizerJson, tokenizerConfig ?? {});
  const { processor: family } = await processorFamily(dir);
  const eos = generation?.eos_token_id ?? tokenizer.token_to_id(tokenText(tokenizerConfig?.eos_token) ?? family.endOfTurn);
  return new Processor({
    family,
    tokenizer,
    template: makeTemplate(dir, await chatTemplate(dir, tokenizerConfig)),
    imageConfig: family.parseImageProcessorConfig(preprocessor, dir),
    eosTokenIds: [eos ?? []].flat(),
  });
}

/** The family of the model beside the processor, of an adapter its base model's. A directory without a model has the first family's processor. */
async function processorFamily(dir: string) {
  const own = await readJson(join(dir, 'config.json'));
  const base = own === null ? await baseDirectory(dir) : null;
  const config = own ?? (base === null ? null : await readJson(join(base, 'config.json')));
  return config === null ? FAMILIES[0] : familyOf({ model_type: config.model_type as string }, join(base ?? dir, 'config.json'));
}

function makeTokenizer(dir: string, json: object, config: object): Tokenizer {
  try {
    return new Tokenizer(json, config);
  } catch (cause) {
    throw errors.notAModel(dir, `its tokenizer.json cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function makeTemplate(dir: string, source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw errors.notAModel(dir, `its chat template cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

/** In transformers' order of precedence. */
async function chatTemplate(dir: string, tokenizerConfig: ConfigJson | null): Promise<string> {
  const jinja = await readText(join(dir, 'chat_template.jinja'));
  if (jinja !== null) return jinja;
  const template = unnamed((await readJson(join(dir, 'chat_template.json')))?.chat_template ?? tokenizerConfig?.chat_template);
  if (typeof template === 'string') return template;
  throw errors.notAModel(
    dir,
    'it has no chat template (chat_template.jinja, chat_template.json, or chat_template in tokenizer_config.json)',
  );
}

/** Of several templates the one named default: they come as {name: template} or as a list of {name, template}. */
function unnamed(templates: unknown): unknown {
  if (Array.isArray(templates)) return templates.find(({ name }) => name === 'default')?.template;
  return typeof templates === 'object' && templates !== null && 'default' in templates ? templates.default : templates;
}

function tokenText(token: string | { content: string } | null | undefined): string | undefined {
  return typeof token === 'object' ? token?.content : token;
}

/** transformers 5 saves it within processor_config.json, and prefers it there; earlier versions, in a file of its own. */
async function imageProcessor(dir: string): Promise<ConfigJson> {
  const within = (await readJson(join(dir, 'processor_config.json')))?.image_processor as ConfigJson | undefined;
  return within ?? required(dir, 'preprocessor_config.json');
}

async function required(dir: string, name: string): Promise<ConfigJson> {
  const json = await readJson(join(dir, name));
  if (json === null) throw errors.notAModel(dir, `${name} is missing`);
  return json;
}
