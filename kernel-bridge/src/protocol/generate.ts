/** "Try it": answers of a model outside training, from the policy being trained, a checkpoint, or any model directory. */
import Type from 'typebox';
import { VARIANTS, type Variant } from './config.ts';

const orNull = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** Who answers: `run` alone = its newest policy (between two steps while it trains); with `step` = that checkpoint; `model` = a directory. */
export const GenerateRequest = Type.Object(
  {
    run: Type.Optional(Type.String()),
    step: Type.Optional(Type.Integer({ minimum: 1 })),
    model: Type.Optional(Type.String()),
    /** Question of an indexed data set; or `question` (and `image`, a path inside the data set) in words. */
    dataset: Type.Optional(Type.String()),
    item: Type.Optional(Type.String()),
    image: Type.Optional(Type.String()),
    question: Type.Optional(Type.String({ maxLength: 20_000 })),
    variant: Type.Optional(Type.Unsafe<Variant>(Type.String({ enum: [...VARIANTS], default: 'think' }))),
    prompt_template: Type.Optional(orNull(Type.String())),
    /** 0 = only the prompt as the model gets it. */
    num: Type.Optional(Type.Integer({ minimum: 0, maximum: 16, default: 1 })),
    /** 0 = greedy. */
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 10, default: 0 })),
    max_new_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 2048, default: 256 })),
    seed: Type.Optional(Type.Integer({ minimum: 0 })),
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
  prompt: PromptView,
  completions: Type.Array(
    Type.Object({
      text: Type.String(),
      token_ids: Type.Array(Type.Integer()),
      /** Texts of the tokens, special ones included. */
      tokens: Type.Array(Type.String()),
      logprobs: Type.Array(Type.Number()),
      finish_reason: Type.String(),
      prediction: orNull(Type.String()),
      /** Null when the right answer is not known. */
      correct: orNull(Type.Boolean()),
    }),
  ),
  seconds: Type.Number(),
});
export type Generation = Type.Static<typeof Generation>;
