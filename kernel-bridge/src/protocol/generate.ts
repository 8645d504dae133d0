/** "Try it": answers of a model outside training, from the policy being trained, a checkpoint, or any model directory. */
import Type from 'typebox';
import { VARIANTS, type Variant } from './config.ts';
import type { VqaItem } from './data.ts';
import { ReadingName } from './readings.ts';

/** A stretch of an image, in pixels of the file. */
export const Crop = Type.Object(
  {
    left: Type.Integer({ minimum: 0 }),
    top: Type.Integer({ minimum: 0 }),
    width: Type.Integer({ minimum: 1 }),
    height: Type.Integer({ minimum: 1 }),
  },
  { additionalProperties: false },
);
export type Crop = Type.Static<typeof Crop>;

const orNull = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/**
 * Who answers: `run` alone = its newest policy (between two steps while it trains, its last checkpoint otherwise, the model it starts from
 * before there is one); with `step` = that checkpoint; `model` = a directory.
 *
 * The prompt: `prompt_template`; else, for a run, the text it trains with (its own template for its own variant, Med-R1's training prompt for
 * another one); for a model directory Med-R1's evaluation prompt.
 */
export const GenerateRequest = Type.Object(
  {
    run: Type.Optional(Type.String()),
    step: Type.Optional(Type.Integer({ minimum: 1 })),
    model: Type.Optional(Type.String()),
    /** Question of a data set (by name or folder; the run's own when left out); or `question` (and `image`, a path inside the data set) in words. */
    dataset: Type.Optional(Type.String()),
    item: Type.Optional(Type.String()),
    image: Type.Optional(Type.String()),
    question: Type.Optional(Type.String({ maxLength: 20_000 })),
    /** The model sees this stretch of the image alone. */
    crop: Type.Optional(Crop),
    /** The model sees grey in the image's place, as much of it. */
    blank: Type.Optional(Type.Boolean()),
    /** Run whose reward functions, as they are in force, score the answers. */
    rewards: Type.Optional(Type.String()),
    /** The run's own when left out; think for a model directory. */
    variant: Type.Optional(Type.Unsafe<Variant>(Type.String({ enum: [...VARIANTS] }))),
    prompt_template: Type.Optional(orNull(Type.String())),
    /** 0 = only the prompt as the model gets it. */
    num: Type.Optional(Type.Integer({ minimum: 0, maximum: 16, default: 1 })),
    /** 0 = greedy, and so is anything below 1e-6. */
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 10, default: 0 })),
    max_new_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 2048, default: 256 })),
    /** Same seed, same answers; a random one when left out. */
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 })),
  },
  { additionalProperties: false },
);
export type GenerateRequest = Type.Static<typeof GenerateRequest>;

export const PromptView = Type.Object({
  /** With the chat template, image placeholder included once. */
  text: Type.String(),
  /** Tokens in order; a run of image tokens is one entry with `image` set to its number of tokens. */
  tokens: Type.Array(Type.Object({ id: Type.Integer(), text: Type.String(), image: Type.Optional(Type.Integer()) })),
  image: orNull(
    Type.Object({
      /** Pixels of the file and of what the model sees. */
      width: Type.Integer(),
      height: Type.Integer(),
      resized_width: Type.Integer(),
      resized_height: Type.Integer(),
      tokens: Type.Integer(),
    }),
  ),
});
export type PromptView = Type.Static<typeof PromptView>;

export const Generation = Type.Object({
  run: orNull(Type.String()),
  /** Step of the policy that answered; null for a plain model directory. */
  step: orNull(Type.Integer()),
  model: Type.String(),
  variant: Type.Unsafe<Variant>(Type.String()),
  seed: Type.Optional(Type.Integer()),
  prompt: PromptView,
  /** By which the answers are read. */
  reading: ReadingName,
  completions: Type.Array(
    Type.Object({
      text: Type.String(),
      token_ids: Type.Array(Type.Integer()),
      /** Texts of the tokens, special ones (the end) included. A character made of several tokens stands at its last. */
      tokens: Type.Array(Type.String()),
      logprobs: Type.Array(Type.Number()),
      finish_reason: Type.String(),
      /** What was read as the answer, null when nothing was. */
      prediction: orNull(Type.String()),
      /** Null when the right answer is not known. */
      correct: orNull(Type.Boolean()),
      /** With `rewards`: by function, null where it does not apply; a function that failed is left out. */
      rewards: Type.Optional(Type.Record(Type.String(), orNull(Type.Number()))),
      /** Their weighted sum; null where none applies, or one failed. */
      reward: Type.Optional(orNull(Type.Number())),
    }),
  ),
  /** With `rewards`: whose they are, and what failed, by function. */
  scored_by: Type.Optional(
    Type.Object({ run: Type.String(), revision: Type.Integer(), errors: Type.Record(Type.String(), Type.String()) }),
  ),
  /** That the model took, without waiting for a step or loading. */
  seconds: Type.Number(),
});
export type Generation = Type.Static<typeof Generation>;

/** A question as it is put to a model. */
export interface Put {
  item: VqaItem;
  /** Folder that the item's image path is relative to. */
  root: string;
  variant: Variant;
  /** Null: the variant's own text, for training or, with `evaluation`, for evaluation. */
  template: string | null;
  evaluation: boolean;
  /** Null: the image processor's own. */
  min_pixels: number | null;
  max_pixels: number | null;
}

/** What a worker process is asked: a GenerateRequest with everything looked up. It crosses the channel between server and worker, never REST. */
export interface Ask extends Put {
  /** By which the answers are read: the run's own, or that of an evaluation with this prompt. */
  reading: ReadingName;
  /** Null: all of the image. */
  crop: Crop | null;
  blank: boolean;
  num: number;
  temperature: number;
  max_new_tokens: number;
  seed: number;
}
export type Answer = Pick<Generation, 'prompt' | 'reading' | 'completions' | 'seconds'>;

/** A model that a generation process loads. */
export interface ModelSource {
  path: string;
  /** Null: float32 on the CPU, bfloat16 elsewhere. */
  dtype: 'float32' | 'bfloat16' | null;
  /** As in a configuration: auto, cpu, cuda, cuda:3. */
  device: string;
}
