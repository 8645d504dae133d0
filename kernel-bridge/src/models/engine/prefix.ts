/** Prompts on their way into the decoder: tokens, positions and images of a batch, each image with its own prompt. */
import { span, tensor, torch, type Tensor } from '../../torch/index.ts';
import { blocksOf, type Blocks } from './blocks.ts';
import { errors } from '../errors.ts';
import type { Model } from '../model.ts';
import type { EncodedPrompt } from '../prompt.ts';
import type { EmbeddingTables } from './tied.ts';
import type { Rotation } from './rotary.ts';

export interface Prefix {
  blocks: Blocks;
  /** Token ids [rows] and positions per axis, each [rows]. */
  ids: number[];
  axes: number[][];
  /** Rows that image tokens replace, in the order of `images`. */
  imageRows: number[];
  images: EncodedPrompt['images'];
  /** Per prompt: the row of its last token, and the position that follows it. */
  lastRows: number[];
  nextPositions: number[];
}

export function layOut(model: Model, prompts: EncodedPrompt[]): Prefix {
  const { config, family } = model;
  const blocks = blocksOf(
    prompts.map((prompt) => prompt.inputIds.length),
    model.device,
  );
  const axes: number[][][] = Array.from({ length: family.positionAxes }, () => []);
  const imageRows: number[] = [];
  const nextPositions: number[] = [];
  prompts.forEach(({ inputIds, images }, b) => {
    checkIds(model, inputIds, `prompt ${b}`);
    const places = inputIds.flatMap((id, i) => (id === config.image_token_id ? [i] : []));
    const expected = images.reduce((sum, { grid }) => sum + family.imageTokens(config, grid), 0);
    if (inputIds.length === 0) throw errors.badArgument(`prompt ${b} has no tokens`, 'Give each prompt at least one token.');
    if (places.length !== expected) {
      throw errors.badArgument(
        `prompt ${b} has ${places.length} image tokens, its ${images.length} images give ${expected}`,
        'Make prompts with processor.prompt or processor.chat, which keep the two equal.',
      );
    }
    const positions = family.positions(
      config,
      inputIds,
      images.map((image) => image.grid),
    );
    positions.axes.forEach((axis, i) => axes[i].push(axis));
    nextPositions.push(positions.next);
    imageRows.push(...places.map((i) => blocks.row(b, i)));
  });
  return {
    blocks,
    ids: blocks.fill(
      prompts.map((prompt) => prompt.inputIds),
      0,
    ),
    axes: axes.map((axis) => blocks.fill(axis, 0)),
    imageRows,
    images: prompts.flatMap((prompt) => prompt.images),
    lastRows: prompts.map((prompt, b) => blocks.row(b, prompt.inputIds.length - 1)),
    nextPositions,
  };
}

/** Refuses ids outside the vocabulary, which would read foreign memory on a GPU. */
export function checkIds({ config }: Model, ids: number[], what: string): void {
  const V = config.text_config.vocab_size;
  const wrong = ids.find((id) => !(id >= 0 && id < V));
  if (wrong === undefined) return;
  throw errors.badArgument(`${what} holds token ${wrong}; the vocabulary has ${V}`, 'Use the tokenizer that belongs to the model.');
}

/** Token embeddings [R, hidden] of `ids` [R], image tokens' rows replaced by what the vision tower sees. `tables`: when the logits follow. */
export function embed(
  model: Model,
  ids: number[],
  { images, imageRows }: Pick<Prefix, 'images' | 'imageRows'>,
  tables?: Pick<EmbeddingTables, 'input' | 'sparse'>,
): Tensor {
  const { device } = model;
  const { input, sparse } = tables ?? { input: model.weight('model.embed_tokens.weight'), sparse: false };
  const x = torch.embedding(input, tensor(ids, { dtype: 'int64', device }), { sparse });
  if (images.length === 0) return x;
  const seen = span('vision tower', () => model.family.encodeImages(model, images));
  return torch.index_copy(x, 0, tensor(imageRows, { dtype: 'int64', device }), seen);
}

/** Rotation of the decoder's heads at positions per axis, each [R]. */
export function rotationAt({ family, config, device, dtype }: Model, axes: number[][]): Rotation {
  return family.rotation(config, tensor(axes.flat(), { dtype: 'float32', shape: [axes.length, axes[0].length], device }), dtype);
}

/** Rotation at positions of generated tokens, the same on every axis. */
export const rotationOfText = (model: Model, positions: number[]): Rotation =>
  rotationAt(model, new Array<number[]>(model.family.positionAxes).fill(positions));
