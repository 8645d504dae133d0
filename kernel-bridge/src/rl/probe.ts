/**
 * Two exact self-checks on a fixed batch of questions, every `probe_steps` steps, with the policy as it stands before the step.
 *
 * The sampler draws an answer to each question. The training forward then gives the log-probability of that answer with the question's image, with a
 * grey one and with another question's. An answer y drawn from p(y | image) is on average likelier with its image than with another, whatever the
 * model: the mean of log p(y | image) - log p(y | other) over draws is a KL divergence. So 0 says that images have no effect, and a value below 0 that
 * the training forward saw another image than the sampler. Sampler and training forward must also agree token by token.
 *
 * Rows go the way that the rows of a step go (microBatches, groupLogps). Draws are of seeds of their own, so that the run's stay what they are.
 */
import { WorkbenchError, type VqaItem } from '../protocol/index.ts';
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
  const seen = logpsOf(training, questions, replies);
  const differences = replies.flatMap(({ logprobs }, i) => logprobs.map((logp, t) => Math.abs(logp - seen[i][t])));
  const metrics: Record<string, number> = {
    'sampling/sampling_logp_difference/mean': mean(differences),
    'sampling/sampling_logp_difference/max': Math.max(...differences),
  };
  const totals = seen.map(sum);
  for await (const [other, about] of withOtherImages(training, questions)) {
    const rows = about.flatMap((question, i) => (question === null ? [] : [{ question, i }]));
    if (rows.length > 0) {
      const shown = rows.map(({ question }) => question);
      const others = logpsOf(
        training,
        shown,
        rows.map(({ i }) => replies[i]),
      ).map(sum);
      const gains = rows.map(({ i }, at) => totals[i] - others[at]);
      metrics[`check/image_sensitivity/${other}`] = mean(gains.map(Math.abs));
      metrics[`check/image_gain/${other}`] = mean(gains);
    }
    for (const { question } of rows) disposePrompt(question.prompt);
  }
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

/** Each question about a grey image, then about that of the next one; null where it has none, or the other does not fit. One kind at a time is held. */
async function* withOtherImages(
  { encoder }: Training,
  questions: readonly Question[],
): AsyncGenerator<[other: string, about: (Question | null)[]]> {
  const images = await Promise.all(questions.map(({ item }) => encoder.imagesOf(item)));
  const about = (item: VqaItem, image: (typeof images)[number]) =>
    item.image === '' || image.length === 0 ? null : unlessOfOne(encoder.encodeAbout(item, image));
  yield ['grey', await Promise.all(questions.map(async ({ item }, i) => about(item, await Promise.all(images[i].map(greyLike)))))];
  if (questions.length < 2) return;
  yield ['swapped', await Promise.all(questions.map(({ item }, i) => about(item, images[(i + 1) % images.length])))];
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

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
