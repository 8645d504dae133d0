/** What can be done about what a rule saw: settings and weights as drafts, forks, roll-backs, and what to look at. */
import type { AlertRemedy } from '../protocol/alerts.ts';
import { number } from './looking.ts';
import type { InForce } from './rule.ts';

export const set = (settings: Record<string, unknown>): AlertRemedy => ({
  kind: 'settings',
  text: `Set ${Object.entries(settings)
    .map(([key, value]) => `${key} to ${String(value)}`)
    .join(', ')}`,
  settings,
});
export const weights = (given: Record<string, number>): AlertRemedy => ({
  kind: 'weights',
  text: `Set the weight of ${Object.entries(given)
    .map(([name, weight]) => `${name} to ${number(weight)}`)
    .join(', ')}`,
  weights: given,
});
export const look = (text: string): AlertRemedy => ({ kind: 'look', text });
/** The step is filled in from the checkpoints. */
export const ROLLBACK: AlertRemedy = { kind: 'rollback', text: 'Roll back to the checkpoint before it' };
export const fork = (settings: Record<string, unknown>, text = ''): AlertRemedy => ({
  kind: 'fork',
  text:
    text ||
    `Fork the checkpoint before it with ${Object.entries(settings)
      .map(([key, value]) => `${key} ${String(value)}`)
      .join(', ')}`,
  settings,
});

/** learning_rate times `factor`, where it is known. */
export const slower = ({ config }: InForce, factor: number): AlertRemedy[] =>
  config.learning_rate ? [set({ learning_rate: Number((config.learning_rate * factor).toPrecision(3)) })] : [];
export const warmer = ({ config }: InForce): AlertRemedy[] =>
  config.temperature === undefined || config.temperature >= 1.5 ? [] : [set({ temperature: config.temperature < 1 ? 1 : 1.2 })];
export const more = ({ config }: InForce): AlertRemedy[] =>
  config.num_generations ? [set({ num_generations: config.num_generations * 2 })] : [];
export const resample = ({ config }: InForce): AlertRemedy[] => (config.dynamic_sampling === 0 ? [set({ dynamic_sampling: 2 })] : []);
export const longer = ({ config }: InForce): AlertRemedy[] =>
  config.max_completion_length ? [set({ max_completion_length: config.max_completion_length * 2 })] : [];
/** A KL term where there is none: a run that began without a reference needs a fork. */
export const bind = ({ config }: InForce): AlertRemedy[] =>
  config.beta === undefined ? [] : config.beta === 0 ? [fork({ beta: 0.04 })] : [set({ beta: Number((config.beta * 2).toPrecision(3)) })];
/** Less weight for one function, where another stays. */
export const less = ({ weights: inForce }: InForce, name: string | undefined, factor = 0.2): AlertRemedy[] =>
  name !== undefined && name in inForce && Object.keys(inForce).length > 1 ? [weights({ [name]: inForce[name] * factor })] : [];

export const isAccuracy = (name: string): boolean => /^accuracy/.test(name);
