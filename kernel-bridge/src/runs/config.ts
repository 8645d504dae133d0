/** From what a user wrote to a complete TrainConfig, or an error that names the key. */
import { Compile } from 'typebox/compile';
import Value from 'typebox/value';
import { Lexer, parseAllDocuments, parse } from 'yaml';
import { readTextSync } from '../files/plain.ts';
import { TrainConfig } from '../protocol/config.ts';
import { isKernelReward, isRewardFile, rewardName } from '../protocol/rewards.ts';
import { changedParameters, changedSchedules } from '../rewards/index.ts';
import { describeMetric } from '../protocol/metrics.ts';
import { nearest } from '../protocol/nearest.ts';
import { scheduleProblem } from '../protocol/schedules.ts';
import { evalMetric } from './best.ts';
import { errors } from './errors.ts';
import { readDtype } from './model-files.ts';
import { INSTEAD } from './trl-keys.ts';
import { trlValue } from './trl-values.ts';

const validator = Compile(TrainConfig);
const properties = TrainConfig.properties as unknown as Record<
  string,
  { anyOf?: Record<string, unknown>[]; default?: unknown; expected?: string }
>;
const KEYS = Object.keys(properties);

/** Of keys that are not known, told by name: each is compared with every key that is. */
const MOST_TOLD = 20;

const unknownKeys = (keys: readonly string[]): Error =>
  errors.unknownKeys(
    keys.slice(0, MOST_TOLD).map((key) => ({ key, instead: insteadOf(key) })),
    keys.length,
  );

/** Fills in defaults and checks every key, alone and against the others. Throws CONFIG_UNKNOWN_KEY or CONFIG_INVALID. */
export function completeConfig(input: unknown): TrainConfig {
  const config = Value.Default(TrainConfig, onDevices(givenConfig(input))) as Record<string, unknown>;
  for (const key of KEYS) if (config[key] === undefined) throw errors.missingKey(key);
  const [first] = validator.Errors(config);
  if (first) {
    const key = first.instancePath.split('/')[1];
    throw errors.badValue(key, config[key], wanted(key, first.message));
  }
  if (config.dtype === 'auto') config.dtype = storedDtype(config.model_name_or_path as string);
  const complete = config as TrainConfig;
  for (const [key, value] of Object.entries(complete)) if (isHuge(value)) throw errors.badValue(key, value, `must be at most ${HUGE}`);
  checkTogether(complete);
  return complete;
}

/** Throws CONFIG_UNKNOWN_KEY for what is no key of a configuration. */
export function knownKey(key: string): void {
  if (!KEYS.includes(key)) throw unknownKeys([key]);
}

/** The keys that are given, each in the form that it has here. Throws CONFIG_UNKNOWN_KEY. */
function givenConfig(input: unknown): Record<string, unknown> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw errors.badWhole(input);
  const unknown = Object.keys(input).filter((key) => !KEYS.includes(key));
  if (unknown.length > 0) throw unknownKeys(unknown);
  return Object.fromEntries(Object.entries(structuredClone(input)).map(([key, value]) => [key, trlValue(key, value)]));
}

/** Several devices mean as many processes, and as many shards, where the configuration does not say. */
function onDevices(given: Record<string, unknown>): Record<string, unknown> {
  const { devices } = given;
  if (typeof devices !== 'number' || devices <= 1) return given;
  const processes = given.processes ?? devices;
  return { ...given, processes, dp_shards: given.dp_shards ?? processes };
}

/** Of a YAML text: its words, signs and ends of lines, and how deep lists lie in lists. A configuration with every key has some 1,000, and lists of lists. */
const MOST = { lexemes: 10_000, deep: 50 };

/** Reading a lexeme takes up to 1 kB, and a list within a list five. */
function requireShort(text: string): void {
  let [count, deep] = [0, 0];
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '[' || lexeme === '{') deep++;
    else if (lexeme === ']' || lexeme === '}') deep--;
    if (++count > MOST.lexemes) throw new Error(`It has more than ${MOST.lexemes} words and signs, which no configuration needs.`);
    if (deep > MOST.deep) throw new Error(`It has more than ${MOST.deep} lists within lists, which no configuration needs.`);
  }
}

/** The keys that a YAML text gives. Throws CONFIG_UNREADABLE or CONFIG_UNKNOWN_KEY. */
export function parseConfig(text: string): Record<string, unknown> {
  let read: unknown;
  try {
    read = fromYaml(text);
  } catch (cause) {
    throw errors.badFile('The text', cause);
  }
  return givenConfig(read);
}

/** What a YAML text of one document says; an empty one has no keys. What the parser would only warn of, such as a tag that it does not know, is an error. */
function fromYaml(text: string): unknown {
  requireShort(text);
  const documents = parseAllDocuments(text);
  if (documents.length === 0) return {};
  const wrong = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])[0];
  if (wrong) throw wrong;
  if (documents.length > 1) throw new Error('it holds several documents, with --- between them; a configuration is one');
  const value: unknown = documents[0].toJS() ?? {};
  if (holdsItself(value)) throw new Error('an alias (*name) stands inside what its anchor (&name) names');
  return value;
}

function holdsItself(value: unknown, around: readonly unknown[] = []): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return around.includes(value) || Object.values(value).some((inner) => holdsItself(inner, [...around, value]));
}

/** What to write in place of a key that is not known, if that can be told. */
function insteadOf(key: string): string | undefined {
  const nearest = nearestKey(key);
  return INSTEAD.get(key) ?? (nearest && `Did you mean "${nearest}"?`);
}

/** transformers' dtype auto: the precision in which the model is stored. */
function storedDtype(model: string): TrainConfig['dtype'] {
  const dtype = readDtype(model);
  if (dtype === 'float32' || dtype === 'bfloat16') return dtype;
  throw errors.badValue('dtype', 'auto', `must be float32 or bfloat16: ${model} is stored in ${dtype ?? 'no dtype that it names'}`);
}

/** Above every count and size that can be meant: seeds reach 2^32 - 1. A larger one would fail in a loop or an allocation, without its name. */
const HUGE = 1e10;
const isHuge = (value: unknown): boolean => typeof value === 'number' && value > HUGE;

/** Of a step. */
export function questionsOf(config: TrainConfig): number {
  const batch = config.per_device_train_batch_size * config.gradient_accumulation_steps;
  return config.trainer === 'grpo' ? batch / config.num_generations : batch;
}

/** What TRL's GRPOConfig checks across keys, so that a run fails before it is made and not in its first step. */
function checkTogether(config: TrainConfig): void {
  const { reward_weights, reward_funcs, num_generations, per_device_train_batch_size, gradient_accumulation_steps, delta, epsilon } =
    config;
  for (const key of ['save_steps', 'eval_steps'] as const)
    if (config[key] > 1 && !Number.isInteger(config[key]))
      throw errors.badValue(key, config[key], 'must be a whole number of steps, or a share of all below 1');
  if (config.eval_steps > 0 && config.dataset_test_split === null)
    throw errors.badValue('eval_steps', config.eval_steps, 'must be 0 where dataset_test_split names no split to evaluate on');
  if (reward_weights && reward_weights.length !== reward_funcs.length) {
    throw errors.badValue('reward_weights', reward_weights, `must hold one number for each of the ${reward_funcs.length} reward_funcs`);
  }
  requireParameters(config);
  if (config.trainer === 'sft' && reward_funcs.some((entry) => isRewardFile(entry) || isKernelReward(entry)))
    throw errors.badValue(
      'reward_funcs',
      reward_funcs,
      'must name built-in functions with trainer sft, which has them for evaluations only',
    );
  if (config.loss_type === 'vespo' && config.importance_sampling_level !== 'token')
    throw errors.badValue(
      'importance_sampling_level',
      config.importance_sampling_level,
      'must be token with loss vespo, which weighs whole sequences itself',
    );
  if (delta !== null && delta <= 1 + epsilon) throw errors.badValue('delta', delta, `must exceed 1 + epsilon = ${1 + epsilon}`);
  const batch = per_device_train_batch_size * gradient_accumulation_steps;
  if (config.trainer === 'grpo' && batch % num_generations !== 0) {
    throw errors.badValue(
      'per_device_train_batch_size',
      per_device_train_batch_size,
      `must, times gradient_accumulation_steps, be a multiple of num_generations (${num_generations})`,
    );
  }
  if (config.prompt_template !== null && !config.prompt_template.includes('{question}'))
    throw errors.badValue('prompt_template', config.prompt_template, 'must hold {question}, where question and options belong, or be null');
  if (config.processes % config.devices !== 0)
    throw errors.badValue(
      'devices',
      config.devices,
      `must divide processes (${config.processes}), so that each device has as many of them`,
    );
  const questions = questionsOf(config);
  if (!Number.isInteger(Math.log2(config.dp_shards))) throw errors.badValue('dp_shards', config.dp_shards, 'must be a power of two');
  if (questions % config.dp_shards !== 0)
    throw errors.badValue('dp_shards', config.dp_shards, `must divide the ${questions} questions of a step (${QUESTIONS[config.trainer]})`);
  if (config.dp_shards % config.processes !== 0)
    throw errors.badValue('processes', config.processes, `must divide dp_shards (${config.dp_shards}), which they share equally`);
  const schedule = scheduleProblem(config.lr_scheduler_type, config.lr_scheduler_kwargs ?? {}, config.learning_rate);
  if (schedule !== null) throw errors.badValue('lr_scheduler_kwargs', config.lr_scheduler_kwargs, schedule);
  const best = config.metric_for_best_model;
  if (best !== null) {
    if (describeMetric(evalMetric(best)) === undefined)
      throw errors.badValue('metric_for_best_model', best, 'must be a metric that evaluations log');
    if (config.eval_steps === 0)
      throw errors.badValue('eval_steps', 0, 'must be above 0 with metric_for_best_model, which evaluations give');
  }
  if (config.min_pixels > config.max_pixels)
    throw errors.badValue('min_pixels', config.min_pixels, `must not exceed max_pixels (${config.max_pixels})`);
}

/** Schedules and parameters are of functions that the run has, and of such that have these parameters. */
function requireParameters({ reward_funcs, reward_weight_schedules, reward_parameters }: TrainConfig): void {
  const names = reward_funcs.map(rewardName);
  changedSchedules({}, reward_weight_schedules ?? {}, names, 1);
  changedParameters({}, reward_parameters ?? {}, names, 1);
}

function wanted(key: string, message: string): string {
  if (properties[key].expected !== undefined) return properties[key].expected;
  const choices = properties[key].anyOf?.map((option) => option.const).filter((value) => value !== undefined);
  return choices?.length ? `must be one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}` : message;
}

/** How many questions a step asks. */
const QUESTIONS = {
  grpo: 'per_device_train_batch_size x gradient_accumulation_steps / num_generations',
  sft: 'per_device_train_batch_size x gradient_accumulation_steps',
};
const MAX_YAML = 1 << 20;

export function readConfigFile(file: string): Record<string, unknown> {
  try {
    return fromYaml(readTextSync(file, MAX_YAML)) as Record<string, unknown>;
  } catch (cause) {
    throw errors.badFile(file, cause);
  }
}

/** `key=value` pairs of `--set`; values are YAML, so 1e-5, true, null and [a, b] mean what they say. */
export function parseSettings(pairs: string[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw errors.badRequest('--set', `${JSON.stringify(pair)} is not key=value`);
      try {
        return [pair.slice(0, at), yamlScalar(pair.slice(at + 1))];
      } catch (cause) {
        throw errors.badRequest('--set', `${JSON.stringify(pair)} is not YAML: ${(cause as Error).message.split('\n')[0]}`);
      }
    }),
  );
}

/** YAML reads 1e-5 as text (its numbers want a dot), people mean a number. */
function yamlScalar(value: string): unknown {
  return /^[+-]?\d+(\.\d+)?e[+-]?\d+$/i.test(value) ? Number(value) : parse(value);
}

/** The known key that takes the fewest edits to reach, if those are few. */
export const nearestKey = (key: string, keys: readonly string[] = KEYS): string | undefined => nearest(key, keys);
