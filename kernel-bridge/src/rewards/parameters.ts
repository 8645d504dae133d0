/** Parameters of built-in functions: checked, changed, and as they are at a step. */
import Type from 'typebox';
import Value from 'typebox/value';
import {
  isSchedule,
  settled,
  valueAt,
  type ParameterChanges,
  type ParameterValue,
  type RewardParameters,
  type RewardSet,
  type Schedule,
  type ScheduleInput,
} from '../protocol/index.ts';
import { nearest } from '../protocol/nearest.ts';
import { builtInNamed } from './built-in.ts';
import { errors } from './errors.ts';
import type { Parameters, RewardContext, RewardDefinition } from './types.ts';

type Given = Record<string, ParameterValue>;

/** All parameters of a function as they count for a step; outside training a schedule counts as it begins. */
export function parametersAt(definition: RewardDefinition, given: Given, context: RewardContext, step: number | null): Parameters {
  const fallbacks = definition.fallbacks?.(context) ?? {};
  const value = (name: string, schema: Schema): number | boolean | string => {
    const own = given[name];
    if (own === undefined) return schema.default ?? fallbacks[name];
    if (typeof own !== 'object') return own;
    const now = valueAt(own, step ?? own.start);
    return schema.type === 'integer' ? Math.round(now) : now;
  };
  return Object.fromEntries(Object.entries(schemasOf(definition)).map(([name, schema]) => [name, value(name, schema)]));
}

/** The weights as they count for a step. */
export const weightsAt = ({ weights, weight_schedules = {} }: Omit<RewardSet, 'sources'>, step: number): Record<string, number> =>
  Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [
      name,
      Object.hasOwn(weight_schedules, name) ? valueAt(weight_schedules[name], step) : weight,
    ]),
  );

/** What a configuration asks for. Throws REWARD_PARAMETER. */
export function configuredSchedules(
  names: readonly string[],
  {
    reward_weight_schedules,
    reward_parameters,
  }: { reward_weight_schedules?: Record<string, ScheduleInput> | null; reward_parameters?: ParameterChanges | null },
): Required<Pick<RewardSet, 'parameters' | 'weight_schedules'>> {
  return {
    weight_schedules: changedSchedules({}, reward_weight_schedules ?? {}, names, 1),
    parameters: changedParameters({}, reward_parameters ?? {}, names, 1),
  };
}

/** Schedules of weights after a change; null takes one away. `next`: the step that a schedule starts at where it does not say. */
export function changedSchedules(
  current: Readonly<Record<string, Schedule>>,
  changes: Readonly<Record<string, ScheduleInput | null>>,
  names: readonly string[],
  next: number,
): Record<string, Schedule> {
  for (const name of Object.keys(changes)) if (!names.includes(name)) throw errors.notInForce(name, names);
  const entries = names.flatMap((name) => {
    const change = Object.hasOwn(changes, name) ? changes[name] : Object.hasOwn(current, name) ? current[name] : null;
    return change === null ? [] : [[name, schedule(name, 'weight', change, next)] as const];
  });
  return Object.fromEntries(entries);
}

/** Parameters after a change; null goes back to the default. Those of functions that are not in force are dropped. */
export function changedParameters(
  current: Readonly<RewardParameters>,
  changes: Readonly<ParameterChanges>,
  names: readonly string[],
  next: number,
): RewardParameters {
  for (const name of Object.keys(changes)) if (!names.includes(name)) throw errors.notInForce(name, names);
  const of = (name: string): Given => {
    const definition = builtInNamed(name);
    const asked = { ...current[name], ...changes[name] };
    const given = Object.entries(asked).flatMap(([parameter, value]) =>
      value === null ? [] : [[parameter, checked(name, definition, parameter, value, next)] as const],
    );
    for (const parameter of Object.keys(asked)) requireKnown(name, definition, parameter);
    return Object.fromEntries(given);
  };
  const all = names.map((name) => [name, of(name)] as const);
  for (const [name, given] of all) {
    const definition = builtInNamed(name);
    if (definition) requireTogether(name, definition, given);
  }
  return Object.fromEntries(all.filter(([, given]) => Object.keys(given).length > 0));
}

interface Schema {
  type?: string;
  default?: number | boolean | string;
}

const schemasOf = ({ parameters }: RewardDefinition): Record<string, Schema & Type.TSchema> =>
  parameters.properties as Record<string, Schema & Type.TSchema>;

function requireKnown(name: string, definition: RewardDefinition | undefined, parameter: string): void {
  const known = definition === undefined ? [] : Object.keys(schemasOf(definition));
  if (!known.includes(parameter)) throw errors.noParameter(name, parameter, known, nearest(parameter, known));
}

function checked(
  name: string,
  definition: RewardDefinition | undefined,
  parameter: string,
  value: Exclude<ParameterChanges[string][string], null>,
  next: number,
): ParameterValue {
  requireKnown(name, definition, parameter);
  const schema = schemasOf(definition!)[parameter];
  if (!isSchedule(value)) {
    requireValue(name, parameter, schema, value);
    return value;
  }
  if (schema.type !== 'number' && schema.type !== 'integer')
    throw errors.parameterValue(name, parameter, value, 'is no number, so it cannot follow the step');
  const told = schedule(name, parameter, value, next);
  for (const end of [told.from, told.to]) requireValue(name, parameter, schema, end);
  return told;
}

function requireValue(name: string, parameter: string, schema: Type.TSchema, value: unknown): void {
  const [wrong] = Value.Errors(schema, value);
  if (wrong) throw errors.parameterValue(name, parameter, value, wrong.message);
}

function schedule(name: string, what: string, given: ScheduleInput, next: number): Schedule {
  const told = settled(given, next);
  if (typeof told === 'string') throw errors.parameterValue(name, what, given, told);
  return told;
}

/** Both ends of what follows the step, with the defaults of a run of any length. */
function requireTogether(name: string, definition: RewardDefinition, given: Given): void {
  for (const step of [1, Number.MAX_SAFE_INTEGER]) {
    const wrong = definition.problem?.(parametersAt(definition, given, ANY, step)) ?? null;
    if (wrong !== null) throw errors.parameters(name, wrong);
  }
}

const ANY: RewardContext = { variant: 'think', maxCompletionLength: 256 };
