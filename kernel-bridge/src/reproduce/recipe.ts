/** A recipe: which checkpoints of Med-R1's experiment are trained, how, and how they are evaluated. */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import Value from 'typebox/value';
import { parse } from 'yaml';
import { readTextSync } from '../files/plain.ts';
import { CONTROL_NAMES, MATRIX_KINDS, type Control, type MatrixKind } from '../protocol/evals.ts';
import type { TrainConfig } from '../protocol/config.ts';
import { errors } from './errors.ts';

/** What is trained: GRPO under each prompt, and SFT on the right answers; zero-shot trains nothing. */
export const APPROACHES = ['think', 'no-think', 'think-after', 'sft', 'zero-shot'] as const;
export type Approach = (typeof APPROACHES)[number];

const Keys = Type.Unsafe<Partial<TrainConfig>>(Type.Object({}));

export const Recipe = Type.Object(
  {
    /** Names the folder below <home>/reproduce, and the runs. */
    name: Type.String({ pattern: '^\\w[\\w.-]{0,59}$' }),
    model_name_or_path: Type.String({ minLength: 1 }),
    dataset_name: Type.String({ minLength: 1 }),
    approaches: Type.Array(Type.Unsafe<Approach>(Type.String({ enum: [...APPROACHES] })), { minItems: 1, uniqueItems: true }),
    /** Checkpoints by modality, by question type, or both. */
    kinds: Type.Array(Type.Unsafe<MatrixKind>(Type.String({ enum: [...MATRIX_KINDS] })), {
      minItems: 1,
      uniqueItems: true,
      default: [...MATRIX_KINDS],
    }),
    /** Only these modalities and question types; all that the data set has splits of when left out. */
    units: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
    /** Keys of TrainConfig: of every run, then of GRPO's and SFT's. */
    common: Type.Optional(Keys),
    grpo: Type.Optional(Keys),
    sft: Type.Optional(Keys),
    evaluation: Type.Object(
      {
        max_new_tokens: Type.Integer({ minimum: 1, default: 256 }),
        batch_size: Type.Integer({ minimum: 1, default: 64 }),
        /** Of each test set (all modalities, or all question types, together); all questions when null. */
        limit: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], { default: null }),
        /** Of the untrained model; option-prior needs no model and is always reported. */
        controls: Type.Array(Type.Unsafe<Control>(Type.String({ enum: CONTROL_NAMES })), { default: [] }),
        seed: Type.Integer({ minimum: 0, default: 42 }),
      },
      { additionalProperties: false, default: {} },
    ),
  },
  { additionalProperties: false },
);
export type Recipe = Type.Static<typeof Recipe>;

/** Keys of TrainConfig that differ from run to run: given in a recipe they would be overwritten without a word. */
const SET_BY_THE_PLAN = [
  'model_name_or_path',
  'dataset_name',
  'dataset_train_split',
  'dataset_test_split',
  'trainer',
  'variant',
  'run_name',
] as const satisfies (keyof TrainConfig)[];

const validator = Compile(Recipe);

/** Throws RECIPE_INVALID, naming the key. */
export function completeRecipe(input: unknown, file: string): Recipe {
  const recipe = Value.Default(Recipe, structuredClone(input));
  if (validator.Check(recipe)) {
    const taken = (['common', 'grpo', 'sft'] as const).flatMap((part) =>
      SET_BY_THE_PLAN.filter((key) => Object.hasOwn(recipe[part] ?? {}, key)).map((key) => `/${part}/${key}`),
    );
    if (taken.length > 0) throw errors.recipe(file, `${taken[0]}: is set for each run by the plan, from approaches, kinds and units`);
    return recipe;
  }
  const [first] = validator.Errors(recipe);
  throw errors.recipe(file, `${first.instancePath || 'the whole'}: ${first.message}`);
}

const MAX_YAML = 1 << 20;

export function readRecipe(file: string, changes: Partial<Recipe> = {}): Recipe {
  let input: unknown;
  try {
    input = parse(readTextSync(file, MAX_YAML));
  } catch (cause) {
    throw errors.recipe(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
  return completeRecipe({ ...(input as object), ...changes }, file);
}
