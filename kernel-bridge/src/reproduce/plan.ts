/** From a recipe and the data's splits to the list of what has to be trained and evaluated, in the order it is done. */
import { createHash } from 'node:crypto';
import { MODALITY_ORDER } from '../data/names.ts';
import { QUESTION_TYPE_ORDER } from '../evals/matrix.ts';
import type { Control, CreateEval, MatrixKind } from '../protocol/evals.ts';
import { VARIANTS, type TrainConfig, type Variant } from '../protocol/config.ts';
import { ZERO_SHOT_PROMPT } from '../answers/index.ts';
import { completeConfig } from '../runs/config.ts';
import { errors } from './errors.ts';
import type { Approach, Recipe } from './recipe.ts';

/** A checkpoint to train. */
export interface Training {
  /** "modality/CT think" */
  name: string;
  kind: MatrixKind;
  unit: string;
  approach: Approach;
  config: TrainConfig;
  /** Finds the run again: name of the plan and hash of the configuration, so that a changed recipe trains anew. */
  request_id: string;
}

/** An evaluation of the model at the start (`of` null) or of a trained checkpoint, on all test sets of a kind. */
export interface Evaluating {
  name: string;
  kind: MatrixKind;
  of: Training | null;
  request: Omit<CreateEval, 'model' | 'run'>;
}

export interface Plan {
  recipe: Recipe;
  units: Record<MatrixKind, string[]>;
  trainings: Training[];
  evaluations: Evaluating[];
}

/** SFT teaches the answer alone, so it is trained and evaluated under the prompt that asks for the answer alone. */
const variantOf = (approach: Approach): Variant => (approach === 'sft' ? 'no-think' : (approach as Variant));

export function makePlan(recipe: Recipe, splits: Iterable<string>): Plan {
  const names = new Set(splits);
  const units = { modality: [], question_type: [] } as Plan['units'];
  for (const kind of recipe.kinds) {
    units[kind] = unitsOf(kind, names, recipe.units);
    if (units[kind].length === 0) throw errors.noUnits(recipe.dataset_name, kind);
  }
  const found = new Set(Object.values(units).flat());
  const unknown = recipe.units?.filter((unit) => !found.has(unit)) ?? [];
  if (unknown.length > 0) throw errors.unknownUnits(recipe.dataset_name, unknown, recipe.kinds);
  const trained = recipe.approaches.filter((approach) => approach !== 'zero-shot');
  const trainings = trained.flatMap((approach) =>
    recipe.kinds.flatMap((kind) => units[kind].map((unit) => training(recipe, kind, unit, approach))),
  );
  const evaluations = [...recipe.kinds.flatMap((kind) => untrained(recipe, kind)), ...trainings.map((one) => evaluationOf(recipe, one))];
  return { recipe, units, trainings, evaluations };
}

/** Units with a training and a test split, in the order of the paper's tables. */
function unitsOf(kind: MatrixKind, splits: Set<string>, wanted: string[] | undefined): string[] {
  const order = kind === 'modality' ? MODALITY_ORDER : QUESTION_TYPE_ORDER;
  const prefix = `${kind}/train/`;
  const found = [...splits].filter((split) => split.startsWith(prefix)).map((split) => split.slice(prefix.length));
  const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return found
    .filter((name) => name !== 'unknown' && splits.has(`${kind}/test/${name}`) && (wanted?.includes(name) ?? true))
    .toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

function training(recipe: Recipe, kind: MatrixKind, unit: string, approach: Approach): Training {
  const sft = approach === 'sft';
  const name = `${kind}/${unit} ${approach}`;
  const config = completeConfig({
    ...recipe.common,
    ...(sft ? recipe.sft : recipe.grpo),
    model_name_or_path: recipe.model_name_or_path,
    dataset_name: recipe.dataset_name,
    dataset_train_split: `${kind}/train/${unit}`,
    dataset_test_split: `${kind}/test/${unit}`,
    trainer: sft ? 'sft' : 'grpo',
    variant: variantOf(approach),
    run_name: `${recipe.name}: ${unit}, ${approach}`,
  });
  const hash = createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 16);
  return { name, kind, unit, approach, config, request_id: `reproduce ${recipe.name} ${hash}` };
}

/** The model before training, under the published zero-shot prompt and under those that its checkpoints are asked with. */
function untrained(recipe: Recipe, kind: MatrixKind): Evaluating[] {
  const variants = VARIANTS.filter((variant) => recipe.approaches.some((each) => each !== 'zero-shot' && variantOf(each) === variant));
  const zeroShot: Evaluating[] = recipe.approaches.includes('zero-shot')
    ? [
        {
          name: `${kind} zero-shot`,
          kind,
          of: null,
          request: requestOf(recipe, kind, { variant: 'no-think', prompt_template: ZERO_SHOT_PROMPT }),
        },
      ]
    : [];
  const { controls } = recipe.evaluation;
  return [
    ...zeroShot,
    ...variants.map((variant) => ({
      name: `${kind} untrained ${variant}`,
      kind,
      of: null,
      request: requestOf(recipe, kind, { variant, controls }),
    })),
  ];
}

function evaluationOf(recipe: Recipe, of: Training): Evaluating {
  return { name: of.name, kind: of.kind, of, request: requestOf(recipe, of.kind, { variant: of.config.variant }) };
}

function requestOf(
  { dataset_name, common, evaluation }: Recipe,
  kind: MatrixKind,
  changes: { variant: Variant; prompt_template?: string; controls?: Control[] },
): Evaluating['request'] {
  const { max_new_tokens, batch_size, limit, seed } = evaluation;
  const dtype = common?.dtype ?? null;
  return { dataset: dataset_name, split: `${kind}/test`, max_new_tokens, batch_size, limit, seed, dtype, ...changes };
}
