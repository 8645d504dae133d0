/**
 * Where a model looked: how much each image token and each token of text did for one token of its answer.
 *
 * What is explained is a score s: the log-probability of a token after a prompt and what was written before it, or the contrast of that token with
 * others (two letters). Gradients are taken at the decoder's input: token embeddings, and for an image the merged tokens that the vision tower gives,
 * one for each block of 28 x 28 pixels. Raw attention is not offered: it gathers at the image's border and its first token whatever is seen.
 *
 * Sources: gradient x input and integrated gradients (Sundararajan et al. 2017) as Captum's LayerGradientXActivation and LayerIntegratedGradients over
 * the input embeddings; occlusion as its FeatureAblation; deletion and insertion as RISE (Petsiuk et al. 2018). Held to Captum 0.9 in
 * test/parity/attribution.test.ts.
 */
import { setImmediate as othersWork } from 'node:timers/promises';
import { enableGrad, generator, grad, noGrad, scope, tensor, torch, type Tensor } from '../torch/index.ts';
import { decode, logitsOf } from './engine/decoder.ts';
import { attention } from './engine/layers.ts';
import { embed, layOut, rotationAt } from './engine/prefix.ts';
import { errors } from './errors.ts';
import type { ImageProcessorConfig, Model } from './model.ts';
import type { EncodedPrompt } from './prompt.ts';

/** What is explained: token `token` after the prompt and the completion's tokens `before` it. */
export interface Question {
  prompt: EncodedPrompt;
  /** The processor's, which says what number a grey pixel is. */
  imageConfig: Pick<ImageProcessorConfig, 'image_mean' | 'image_std'>;
  before: readonly number[];
  token: number;
  /** Other tokens that it is set against: s = log p(token) - log of the sum of theirs. Empty: s = log p(token). */
  against: readonly number[];
}

/** The image tokens of one image as a grid of blocks, [rows][columns]. */
export type Grid = number[][];

export interface Attribution {
  /** The score as the model gives it. */
  score: number;
  /** One value a token of the prompt and of `before`; image tokens hold theirs. */
  tokens: number[];
  /** The same values of image tokens by image. */
  images: Grid[];
  /** Score at the baseline; null for gradients, which have none. */
  baselineScore: number | null;
  /** |sum of values - (score - baselineScore)| / |score - baselineScore|; 0 is complete. Null for gradients. */
  gap: number | null;
}

/** Samples of the path that go through the model together, with their gradients. */
const BATCH = 8;
/** Tokens that go through it together without: small models are kept busy by many short sequences. */
const ROWS = 4096;
/** The grey that stands for no image, 0 to 255: Captum's images are ablated with a colour too. */
const GREY = 128;

/** dE/dx * x of the input embeddings, summed over their width. */
export function gradientTimesInput(model: Model, question: Question): Attribution {
  return scope(() => {
    const x = noGrad(() => inputs(model, [question.prompt], question.before));
    const { scores, gradients } = scoresAndGradients(model, [question.prompt], question, x);
    const values = noGrad(() => torch.sum(torch.mul(x.to({ dtype: 'float32' }), gradients.to({ dtype: 'float32' })), [1]));
    return { score: scores[0], ...placed(model, question.prompt, numbers(values)), baselineScore: null, gap: null };
  });
}

/**
 * Integrated gradients along the straight path from a grey image of the same grid, by Gauss and Legendre's rule. Text is the same all along the path, so
 * its values are 0: what they explain is the image's part.
 * @param steps points of the rule; Captum's default is 50
 */
export function integratedGradients(model: Model, question: Question, steps = 50): Attribution {
  const { prompt, before } = question;
  if (prompt.images.length === 0)
    throw errors.badArgument('the prompt has no image', 'Integrated gradients go from a grey image to the image.');
  return scope(() => {
    const [x, base] = noGrad(() => [inputs(model, [prompt], before), inputs(model, [grey(model, question)], before)]);
    const difference = noGrad(() => torch.sub(x, base));
    let total = noGrad(() => torch.zeros_like(x, { dtype: 'float32' })); // [R, hidden]
    const { nodes, weights } = gaussLegendre(steps);
    for (let first = 0; first < steps; first += BATCH) {
      const part = nodes.slice(first, first + BATCH);
      const next = scope(() => {
        const path = noGrad(() => torch.cat(part.map((alpha) => torch.add(base, torch.mul(difference, alpha)))));
        const prompts = part.map(() => prompt);
        const { gradients } = scoresAndGradients(model, prompts, question, path);
        return noGrad(() => {
          const share = tensor(weights.slice(first, first + BATCH), { dtype: 'float32', shape: [part.length, 1, 1], device: model.device });
          const each = torch.reshape(gradients.to({ dtype: 'float32' }), [part.length, ...x.shape]);
          return torch.add(total, torch.sum(torch.mul(each, share), [0]));
        });
      });
      total[Symbol.dispose]();
      total = next;
    }
    const values = noGrad(() => numbers(torch.sum(torch.mul(total, difference), [1])));
    const [score, baselineScore] = [scoreOf(model, question), scoreOf(model, { ...question, prompt: grey(model, question) })];
    const sum = values.reduce((a, b) => a + b, 0);
    const gap = Math.abs(sum - (score - baselineScore)) / Math.abs(score - baselineScore);
    return { score, ...placed(model, prompt, values), baselineScore, gap };
  });
}

/**
 * What the score loses when a block of the image is painted grey, for a grid of `rows` x `columns` blocks on the image's own tokens; blocks that the
 * tokens do not divide into evenly differ by one token.
 * @param image which of the prompt's images
 */
export function occlusion(
  model: Model,
  question: Question,
  { rows, columns, image = 0 }: { rows: number; columns: number; image?: number },
): { score: number; blocks: Grid } {
  const [height, width] = cellsOf(model, question.prompt, image);
  if (rows > height || columns > width)
    throw errors.badArgument(
      `${rows} x ${columns} blocks for an image of ${height} x ${width} tokens`,
      'Ask for at most one block a token.',
    );
  const score = scoreOf(model, question);
  const edge = (i: number, parts: number, whole: number): number => Math.round((i * whole) / parts);
  const blocks = Array.from({ length: rows * columns }, (_, n) => {
    const [r, c] = [Math.floor(n / columns), n % columns];
    const inside = (y: number, x: number): boolean =>
      y >= edge(r, rows, height) && y < edge(r + 1, rows, height) && x >= edge(c, columns, width) && x < edge(c + 1, columns, width);
    return Array.from({ length: height * width }, (_, cell) => cell).filter((cell) => inside(Math.floor(cell / width), cell % width));
  });
  const scores = scoresOf(model, question, image, blocks);
  return { score, blocks: Array.from({ length: rows }, (_, r) => scores.slice(r * columns, (r + 1) * columns).map((one) => score - one)) };
}

export interface Faithfulness {
  /** p(token) with the image, and with a grey one: where they are alike, the token does not follow from the image, and no map of it can be faithful. */
  seen: number;
  grey: number;
  /** Area under p(token) while cells are painted grey, the highest value first: low is good. */
  deletion: number;
  /** Area under p(token) while cells come back to a grey image, the highest value first: high is good. */
  insertion: number;
  /** The same areas for cells in random orders, each second one the one before it backwards: what a map is to be held against. */
  random: { deletion: number; insertion: number }[];
  /** Random orders that the map beats in both areas. */
  beaten: number;
  /** `no-image`: a grey image changes the token's probability by less than 0.05, so that there is nothing to explain. `better`: nine of ten are beaten. */
  verdict: 'better' | 'chance' | 'no-image';
}

/** Where a grey image changes a token's probability by less, a map of the image explains nothing. */
const IMAGE_MATTERS = 0.05;
/** Share of random orders that a map has to beat. */
const BEATS = 0.9;

/**
 * Whether a map says more than chance. `values`: one a token of the image, [rows][columns]. Cells are painted in `steps` equal portions; areas are over the
 * share of the image, 0 to 1, by the trapezoidal rule. Other work of the process goes on between two orders; `signal` ends it there.
 */
export async function faithfulness(
  model: Model,
  question: Question,
  values: Grid,
  options: { image?: number; steps?: number; orders?: number; seed?: number; signal?: AbortSignal } = {},
): Promise<Faithfulness> {
  const { image = 0, steps = 16, orders = 10, seed = 0, signal } = options;
  const [height, width] = cellsOf(model, question.prompt, image);
  const flat = values.flat();
  if (values.length !== height || flat.length !== height * width)
    throw errors.badArgument(
      `a map of ${values.length} rows and ${flat.length} values for an image of ${height} x ${width} tokens`,
      'Give one value a token.',
    );
  const all = flat.map((_, cell) => cell);
  const best = all.toSorted((a, b) => flat[b] - flat[a] || a - b);
  const alone = { ...question, against: [] };
  const [seen, grey] = scoresOf(model, alone, image, [[], all]).map(Math.exp);
  const curve = (order: readonly number[]): { deletion: number; insertion: number } => {
    const between = Array.from({ length: steps - 1 }, (_, i) => Math.round(((i + 1) * order.length) / steps));
    const deleted = scoresOf(model, alone, image, between.map((n) => order.slice(0, n))); // prettier-ignore
    const inserted = scoresOf(model, alone, image, between.map((n) => order.slice(n))); // prettier-ignore
    const [p, q] = [deleted.map(Math.exp), inserted.map(Math.exp)];
    return { deletion: area([seen, ...p, grey]), insertion: area([grey, ...q, seen]) };
  };
  const own = curve(best);
  const random: Faithfulness['random'] = [];
  while (random.length < orders) {
    await othersWork();
    signal?.throwIfAborted();
    const one = curve(shuffled(all.length, seed + random.length));
    // Backwards an order paints first what it painted last: the same images, so that two orders cost what one does. Of ten a map drawn at random beats nine
    // as often as of ten that are drawn one by one (docs/benchmarks.md).
    random.push(one, { deletion: one.insertion, insertion: one.deletion });
  }
  random.length = orders;
  const beaten = random.filter((one) => own.deletion < one.deletion && own.insertion > one.insertion).length;
  const verdict = Math.abs(seen - grey) < IMAGE_MATTERS ? 'no-image' : beaten >= BEATS * orders ? 'better' : 'chance';
  return { seen, grey, ...own, random, beaten, verdict };
}

/** A map of blocks [rows][columns] laid over an image of height x width tokens: each token has the value of the block that holds its middle. */
export function overTokens(blocks: Grid, [height, width]: readonly [height: number, width: number]): Grid {
  const [rows, columns] = [blocks.length, blocks[0].length];
  const of = (i: number, parts: number, all: number): number => Math.min(parts - 1, Math.floor(((i + 0.5) * parts) / all));
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => blocks[of(y, rows, height)][of(x, columns, width)]),
  );
}

/** The score alone, as one forward pass gives it. */
export function scoreOf(model: Model, question: Question): number {
  return noGrad(() =>
    scope(() => numbers(scoreRows(model, [question.prompt], question, inputs(model, [question.prompt], question.before)))[0]),
  );
}

/** Scores of the image with these cells painted grey, one for each list. */
function scoresOf(model: Model, question: Question, image: number, painted: readonly number[][]): number[] {
  const out: number[] = [];
  const batch = Math.max(BATCH, Math.floor(ROWS / (question.prompt.inputIds.length + question.before.length)));
  for (let first = 0; first < painted.length; first += batch) {
    const part = painted.slice(first, first + batch);
    const scores = noGrad(() =>
      scope(() => {
        const prompts = part.map((cells) => withGrey(model, question, image, cells));
        return numbers(scoreRows(model, prompts, question, inputs(model, prompts, question.before)));
      }),
    );
    out.push(...scores);
  }
  return out;
}

const whole = (prompt: EncodedPrompt, before: readonly number[]): EncodedPrompt => ({
  ...prompt,
  inputIds: [...prompt.inputIds, ...before],
});

/** The decoder's input of sequences of one length, [B * R, hidden]. */
function inputs(model: Model, prompts: readonly EncodedPrompt[], before: readonly number[]): Tensor {
  const prefix = layOut(
    model,
    prompts.map((prompt) => whole(prompt, before)),
  );
  return embed(model, prefix.ids, prefix);
}

/** Score of each sequence [B] from the decoder's input x [B * R, hidden]. */
function scoreRows(model: Model, prompts: readonly EncodedPrompt[], { before, token, against }: Question, x: Tensor): Tensor {
  const prefix = layOut(
    model,
    prompts.map((prompt) => whole(prompt, before)),
  );
  const { blocks } = prefix;
  const turn = rotationAt(model, prefix.axes);
  const hidden = decode(model, x, turn, (_layer, q, k, v) =>
    blocks.toRows(attention(blocks.toBlock(q), blocks.toBlock(k), blocks.toBlock(v), { causal: true })),
  );
  const last = torch.index_select(hidden, 0, tensor(prefix.lastRows, { dtype: 'int64', device: model.device })); // [B, hidden]
  const logps = torch.log_softmax(logitsOf(model, last).to({ dtype: 'float32' }), -1); // [B, V]
  const of = (ids: readonly number[]): Tensor => torch.index_select(logps, 1, tensor([...ids], { dtype: 'int64', device: model.device }));
  const own = torch.squeeze(of([token]), 1);
  return against.length === 0 ? own : torch.sub(own, torch.logsumexp(of(against), [1]));
}

/** Scores of sequences, and the gradient of each with respect to its own rows of x. */
function scoresAndGradients(
  model: Model,
  prompts: readonly EncodedPrompt[],
  question: Question,
  x: Tensor,
): { scores: number[]; gradients: Tensor } {
  return enableGrad(() => {
    const leaf = x.detach();
    leaf.requiresGrad = true;
    const scores = scoreRows(model, prompts, question, leaf);
    // Sequences do not see each other: the gradient of the sum is each one's own.
    const [gradients] = grad(torch.sum(scores), [leaf]);
    return { scores: numbers(scores.detach()), gradients: gradients! };
  });
}

/** Image tokens' rows and columns. */
export function cellsOf(model: Model, prompt: EncodedPrompt, image: number): [height: number, width: number] {
  const found = prompt.images[image];
  if (found === undefined) throw errors.badArgument(`the prompt has no image ${image}`, `It has ${prompt.images.length}.`);
  const merge = Math.sqrt(model.family.sizes(model.config).patchesPerToken);
  const [, h, w] = found.grid;
  return [h / merge, w / merge];
}

/** The prompt with grey images in place of all its own. */
function grey(model: Model, question: Question): EncodedPrompt {
  return question.prompt.images.reduce((prompt, _, image) => {
    const [height, width] = cellsOf(model, prompt, image);
    const all = Array.from({ length: height * width }, (_, cell) => cell);
    return withGrey(model, { ...question, prompt }, image, all);
  }, question.prompt);
}

/** The prompt with these cells of an image painted grey. Patches stand in the order of cells, merge x merge of them a cell. */
function withGrey(model: Model, { prompt, imageConfig }: Question, image: number, cells: readonly number[]): EncodedPrompt {
  if (cells.length === 0) return prompt;
  const { pixelValues, grid } = prompt.images[image];
  const unit = model.family.sizes(model.config).patchesPerToken;
  const rows = cells.flatMap((cell) => Array.from({ length: unit }, (_, i) => cell * unit + i));
  const { image_mean: mean, image_std: std } = imageConfig;
  const perChannel = pixelValues.shape[1] / mean.length;
  const patch = mean.flatMap((m, c) => new Array<number>(perChannel).fill((GREY / 255 - m) / std[c])); // [C * 2 * 14 * 14]
  const painted = torch.index_copy(
    pixelValues,
    0,
    tensor(rows, { dtype: 'int64', device: pixelValues.device }),
    torch.expand(tensor(patch, { dtype: 'float32', device: pixelValues.device }).to({ dtype: pixelValues.dtype }), [
      rows.length,
      patch.length,
    ]),
  );
  const images = prompt.images.map((one, i) => (i === image ? { pixelValues: painted, grid } : one));
  return { ...prompt, images };
}

/** Values by token, and those of image tokens by image. */
function placed(model: Model, prompt: EncodedPrompt, tokens: number[]): Pick<Attribution, 'tokens' | 'images'> {
  const places = prompt.inputIds.flatMap((id, i) => (id === model.config.image_token_id ? [i] : []));
  let next = 0;
  const images = prompt.images.map((_, image) => {
    const [height, width] = cellsOf(model, prompt, image);
    return Array.from({ length: height }, () => Array.from({ length: width }, () => tokens[places[next++]]));
  });
  return { tokens, images };
}

const numbers = (values: Tensor): number[] => Array.from(values.toFloat32());

/** Area under values at equal distances over 0 to 1. */
const area = (values: readonly number[]): number =>
  values.slice(1).reduce((sum, value, i) => sum + (value + values[i]) / 2, 0) / (values.length - 1);

/** Nodes and weights of Gauss and Legendre's rule on 0 to 1; roots of the Legendre polynomial by Newton's method. */
export function gaussLegendre(n: number): { nodes: number[]; weights: number[] } {
  const nodes: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < n; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 0;
    for (let turn = 0; turn < 100; turn++) {
      let [p, before] = [1, 0];
      for (let k = 1; k <= n; k++) [p, before] = [((2 * k - 1) * x * p - (k - 1) * before) / k, p];
      slope = (n * (x * p - before)) / (x * x - 1);
      const step = p / slope;
      x -= step;
      if (Math.abs(step) < 1e-15) break;
    }
    nodes.push((1 - x) / 2); // ascending
    weights.push(1 / ((1 - x * x) * slope * slope));
  }
  return { nodes, weights };
}

/** 0 to n - 1 in a random order, the same for the same seed. */
const shuffled = (n: number, seed: number): number[] =>
  scope(() => torch.randperm(n, { generator: generator(seed, 'cpu'), dtype: 'int64' }).tolist() as number[]);
