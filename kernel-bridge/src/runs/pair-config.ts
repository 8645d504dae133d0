/** From one configuration to those of a pair: the same but for the prompt variant, and nothing in them that would lead the two to other questions. */
import { VARIANTS, type TrainConfig, type Variant } from '../protocol/config.ts';
import { completeConfig } from './config.ts';
import { errors } from './errors.ts';

/** Both of them. Throws CONFIG_INVALID where two runs by this configuration could not be compared question by question. */
export function pairConfigs(input: unknown, variants: readonly Variant[]): [TrainConfig, TrainConfig] {
  checkVariants(variants);
  const config = completeConfig(input);
  if (config.trainer !== 'grpo') throw errors.badValue('trainer', config.trainer, 'must be grpo for a pair, which compares rollouts');
  if (config.prompt_template !== null)
    throw errors.badValue('prompt_template', config.prompt_template, 'must be empty for a pair: each variant has a prompt of its own');
  if (config.dynamic_sampling > 0)
    throw errors.badValue(
      'dynamic_sampling',
      config.dynamic_sampling,
      'must be 0 for a pair: each run would replace other questions, and the two would no longer see the same ones',
    );
  const of = (variant: Variant): TrainConfig => ({
    ...config,
    variant,
    run_name: config.run_name === null ? null : `${config.run_name.slice(0, 120 - variant.length - 3)} · ${variant}`,
  });
  return [of(variants[0]), of(variants[1])];
}

/** "think,no-think". Throws CONFIG_INVALID for anything but two different variants. */
export function parseVariants(text: string): Variant[] {
  const variants = text.split(',').map((name) => name.trim() as Variant);
  checkVariants(variants);
  return variants;
}

function checkVariants(variants: readonly Variant[]): void {
  const known = variants.every((variant) => VARIANTS.includes(variant));
  if (!known || variants.length !== 2 || variants[0] === variants[1])
    throw errors.badValue('pair', variants.join(','), `must name two different variants of ${VARIANTS.join(', ')}, as in think,no-think`);
}
