/** A made-up answer of a model outside training; the same request gives the same answer. */
import { formatSolution, inTags, lettered, letterOf, optionOf, verdict } from '@medr1/kernel-bridge/answers';
import type { DataItem, Generation, GenerateRequest } from '../src/connector.ts';
import { random, seedOf } from './drawing.ts';

const IMAGE_TOKENS = 196;

export function fakeGeneration(request: GenerateRequest, item: DataItem | null): Generation {
  const { variant = 'think', num = 1, run = null, step = null, rewards: scorer } = request;
  const question = item?.question ?? request.question ?? '';
  const options = item?.options ?? ['Yes', 'No'];
  const listed = options.map((_, index) => lettered(letterOf(index), options)).join(', ');
  const text = `<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>${question} ${listed}<|im_end|>\n<|im_start|>assistant\n`;
  const words = text.match(/<\|[a-z_]+\|>|\s*[^\s<]+|\s/g) ?? [];
  return {
    run,
    step: step ?? (run ? 120 : null),
    model: request.model ?? `runs/${run}/checkpoints/step-000120`,
    variant,
    prompt: {
      text,
      tokens: words.map((word) => ({
        id: seedOf(word) % 150_000,
        text: word,
        ...(word === '<|image_pad|>' && { image: IMAGE_TOKENS }),
      })),
      image: item && {
        width: item.width ?? 512,
        height: item.height ?? 512,
        resized_width: 392,
        resized_height: 392,
        tokens: IMAGE_TOKENS,
      },
    },
    reading: 'exact',
    completions: Array.from({ length: num }, (_, index) => {
      const chance = random(seedOf(JSON.stringify(request)) + index);
      const prediction = letterOf(Math.floor(chance() * options.length));
      const answer = formatSolution(prediction);
      const think = inTags('think', `The image shows ${optionOf(prediction, options)} . So the answer is ${prediction} .`);
      const whole = variant === 'think' ? `${think} ${answer}` : variant === 'think-after' ? `${answer} ${think}` : answer;
      const tokens = whole.match(/<\/?[a-z]+>|\s*[^\s<]+|\s/g) ?? [];
      const judgement = verdict('exact', whole, { options, answer: item?.answer ?? null });
      const accuracy = judgement.correct === null ? null : Number(judgement.correct);
      return {
        text: whole,
        token_ids: tokens.map((token) => seedOf(token) % 150_000),
        tokens,
        logprobs: tokens.map(() => -3 * chance() ** 4),
        finish_reason: 'stop',
        ...judgement,
        ...(scorer && { rewards: { accuracy, format: 1 }, reward: (accuracy ?? 0) + 1 }),
      };
    }),
    ...(scorer && { scored_by: { run: scorer, revision: 1, errors: {} } }),
    seconds: 1.8,
  };
}
