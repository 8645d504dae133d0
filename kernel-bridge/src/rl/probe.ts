/**
 * Two exact self-checks on a fixed batch of questions, every `probe_steps` steps, with the policy as it stands before the step.
 *
 * The sampler draws an answer to each question. The training forward then gives the log-probability of that answer with the question's image, with a
 * grey one and with another question's. An answer y drawn from p(y | image) is on average likelier with its image than with another, whatever the
 * model: the mean of log p(y | image) - log p(y | other) over draws is a KL divergence. So 0 says that images have no effect, and a value below 0 that
 * the training forward saw another image than the sampler. Sampler and training forward must also agree token by token.
 *
 * Where they do not, the check looks for the reason: if the training forward gives a question the sampler's log-probabilities once it is handed the
 * image of another question, then images are mixed up on their way there. This needs no chance and no long answer: the two numbers are the same but
 * for rounding.
 *
 * Rows go the way that the rows of a step go (microBatches, groupLogps). Draws are of seeds of their own, so that the run's stay what they are.
 */
import { WorkbenchError } from '../protocol/index.ts';
import type { ImageInput } from '../models/index.ts';
import { ask, disposePrompt, greyLike, type Question, type Reply } from './ask.ts';
import { frozenLogps } from './grpo.ts';
import { isOfOneQuestion } from './left-out.ts';
import type { StepClock } from './meters.ts';
import { microBatches } from './micro-batches.ts';
import { mixSeed } from '../stats/random.ts';
import type { Training } from './training.ts';

/** Salt that keeps the probe apart from other uses of the run's seed. */
const PROBE = 5;
/** Questions of the batch. */
const QUESTIONS = 8;
/** Items looked at to find them: those with an image of their own come first in the data order. */
const LOOKED_AT = 64;
/** Nats by which an image that reaches the training forward moves an answer at the very least. */
const UNSEEN = 1e-4;
/** Nats a token between sampler and training forward, mean of an answer, that rounding accounts for; measured by `npm run bench -- rounding`. */
const ROUNDING = { float32: 1e-3, bfloat16: 0.02 };
/** Another's image fits the sampler's log-probabilities where it leaves less than this part of the difference that the question's own leaves. */
const FITS = 0.25;

/** Metrics of the step that is about to be made; none where no check is due, and on all ranks but the first. */
export async function probe(training: Training, clock: StepClock): Promise<Record<string, number>> {
  const { config, ranks, step } = training;
  if (!config.probe_steps || step % config.probe_steps !== 0 || ranks.rank > 0) return {};
  return clock.time('probe', async () => {
    try {
      return await check(training);
    } catch (error) {
      if (error instanceof WorkbenchError && error.code === 'MODEL_LOGITS_NOT_FINITE') return {}; // the step itself tells of it
      throw error;
    }
  });
}

async function check(training: Training): Promise<Record<string, number>> {
  const questions = await probeQuestions(training);
  if (questions.length === 0) return {};
  const replies = await draw(training, questions);
  const own = logpsOf(training, questions, replies);
  const differences = replies.flatMap(({ logprobs }, i) => logprobs.map((logp, t) => Math.abs(logp - own[i][t])));
  const metrics: Record<string, number> = {
    'sampling/sampling_logp_difference/mean': mean(differences),
    'sampling/sampling_logp_difference/max': Math.max(...differences),
  };

  const images = await Promise.all(questions.map(({ item }) => training.encoder.imagesOf(item)));
  const withImages = (of: (i: number) => ImageInput[] | Promise<ImageInput[]>) => logpsWithImages(training, questions, replies, of);
  const withImageOfNext = (by: number) => withImages((i) => images[(i + by) % images.length]);
  const grey = await withImages((i) => Promise.all(images[i].map(greyLike)));
  const swapped = questions.length > 1 ? await withImageOfNext(1) : [];

  const gainsOver = (others: Logps): (number | null)[] => others.map((logps, i) => logps && sum(own[i]) - sum(logps));
  const gains = { grey: gainsOver(grey), swapped: gainsOver(swapped) };
  for (const [other, all] of Object.entries(gains)) {
    const known = all.filter((gain) => gain !== null);
    if (known.length === 0) continue;
    metrics[`check/image_sensitivity/${other}`] = mean(known.map(Math.abs));
    metrics[`check/image_gain/${other}`] = mean(known);
  }
  const looked = questions
    .flatMap((_, i) => [[gains.grey[i], gains.swapped[i]].filter((gain) => gain != null)])
    .filter((all) => all.length);
  if (looked.length === 0) return metrics;
  metrics['check/images_unseen'] = mean(looked.map((all) => (all.every((gain) => Math.abs(gain) < UNSEEN) ? 1 : 0)));

  const apart = replies.map(({ logprobs }, i) => distance(logprobs, own[i]));
  const isApart = (i: number): boolean => apart[i] > ROUNDING[training.policy.dtype];
  const found = new Set<number>();
  for (let by = 1; by < questions.length && apart.some((_, i) => isApart(i)); by++) {
    const others = by === 1 ? swapped : await withImageOfNext(by);
    for (const [i, logps] of others.entries())
      if (logps && isApart(i) && distance(replies[i].logprobs, logps) < FITS * apart[i]) found.add(i);
  }
  metrics['check/images_elsewhere'] = found.size / looked.length;
  return metrics;
}

/** The same at every check: the first items of the data order that can be asked, one of each image. */
async function probeQuestions(training: Training): Promise<Question[]> {
  const items = training
    .itemsAt(0, LOOKED_AT)
    .filter(({ image }, i, all) => image === '' || all.findIndex((one) => one.image === image) === i);
  const found: Question[] = [];
  for (const item of items) {
    if (found.length === QUESTIONS) break;
    const question = await unlessOfOne(training.encoder.encode([item]));
    if (question) found.push(...question);
  }
  return found;
}

/** An answer of each question, at most as many questions at a time as a step samples: a check takes no more memory than a step. */
async function draw({ config, policy, processor, questionsPerStep }: Training, questions: readonly Question[]): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let from = 0; from < questions.length; from += questionsPerStep) {
    const some = questions.slice(from, from + questionsPerStep).map(({ prompt }) => prompt);
    const seed = mixSeed(config.seed, PROBE, from);
    const asked = { temperature: config.temperature, maxNewTokens: config.max_completion_length, seed };
    replies.push(...(await ask(policy, processor, some, asked)).map(([reply]) => reply));
  }
  return replies;
}

/** Of each question what the training forward gives its answer token by token; null where a question has no image, or the other does not fit. */
type Logps = (number[] | null)[];

/** The same with other images than the question's own, `of(i)` in place of that of question i. */
async function logpsWithImages(
  training: Training,
  questions: readonly Question[],
  replies: readonly Reply[],
  of: (i: number) => ImageInput[] | Promise<ImageInput[]>,
): Promise<Logps> {
  const { encoder } = training;
  const about = async ({ item }: Question, i: number): Promise<{ i: number; question: Question } | null> => {
    const images = item.image === '' ? [] : await of(i);
    const question = images.length === 0 ? null : await unlessOfOne(encoder.encodeAbout(item, images));
    return question && { i, question };
  };
  const rows = (await Promise.all(questions.map(about))).filter((row) => row !== null);
  const result: Logps = questions.map(() => null);
  try {
    const logps = logpsOf(
      training,
      rows.map(({ question }) => question),
      rows.map(({ i }) => replies[i]),
    );
    for (const [at, { i }] of rows.entries()) result[i] = logps[at];
  } finally {
    for (const { question } of rows) disposePrompt(question.prompt);
  }
  return result;
}

async function unlessOfOne<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isOfOneQuestion(error)) return null;
    throw error;
  }
}

/** Log-probabilities of these answers through the training forward, as many images a pass as there, [question][token]. */
function logpsOf({ policy, config }: Training, questions: readonly Question[], replies: readonly Reply[]): number[][] {
  const groups = questions.map(({ prompt }, i) => ({ prompt, completions: [replies[i].tokenIds] }));
  const questionsAPass = Math.max(1, Math.floor(config.per_device_train_batch_size / config.num_generations));
  return microBatches(groups, questionsAPass).flatMap((rows) => {
    using logps = frozenLogps(policy, rows, config.temperature); // [rows, T]
    const [, T] = logps.shape;
    const values = logps.toFloat32();
    return rows.completions.flat().map((ids, row) => Array.from(values.subarray(row * T, row * T + ids.length)));
  });
}

/** Mean difference of a token. */
const distance = (sampled: readonly number[], trained: readonly number[]): number =>
  mean(sampled.map((logp, t) => Math.abs(logp - trained[t])));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
