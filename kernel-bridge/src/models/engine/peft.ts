/** Adapters in PEFT's files: adapter_config.json, and adapter_model.safetensors with `base_model.model.{module}.lora_A.weight` and `.lora_B.weight`. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readText } from '../../files/plain.ts';
import { canonicalName, moduleName } from '../../protocol/weight-names.ts';
import { keep, noGrad, readSafetensors, torch, writeSafetensors, type Tensor } from '../../torch/index.ts';
import { writeDirectory, writeSynced } from '../directory.ts';
import { errors } from '../errors.ts';
import { MAX_CONFIG } from '../shapes.ts';
import { linearModules, Lora, type AdapterConfig, type LowRank } from './lora.ts';
import type { Model } from '../model.ts';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
const PREFIX = 'base_model.model.';

/** Settings of PEFT that change what an adapter computes, or what it is added to. */
const OTHER_MATHS = [
  'use_dora',
  'use_qalora',
  'use_bdlora',
  'lora_bias',
  'fan_in_fan_out',
  'modules_to_save',
  'trainable_token_indices',
  'target_parameters',
  'layer_replication',
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
];
const KNOWN_STARTS: unknown[] = [undefined, true, false, 'gaussian', 'eva', 'orthogonal'];

/** The adapter_config.json of a directory; null for a directory without one, which is then no adapter. */
export async function readAdapterConfig(dir: string): Promise<AdapterConfig | null> {
  const file = join(dir, CONFIG);
  let text: string;
  try {
    text = await readText(file, MAX_CONFIG);
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return null;
    throw errors.unreadable(file, cause);
  }
  let config: AdapterConfig & { bias?: string; init_lora_weights?: unknown };
  try {
    config = JSON.parse(text);
  } catch (cause) {
    throw errors.badJson(file, cause);
  }
  if (config?.peft_type !== 'LORA') throw errors.adapterKind(`${file}: peft_type ${JSON.stringify(config?.peft_type ?? null)}`);
  const other = OTHER_MATHS.find((key) => ![undefined, null, false].includes(config[key] as null) && String(config[key]) !== '');
  if (other !== undefined) throw errors.adapterKind(`${file}: ${other} ${JSON.stringify(config[other])}`);
  if (![undefined, 'none'].includes(config.bias)) throw errors.adapterKind(`${file}: bias ${config.bias}`);
  if (!KNOWN_STARTS.includes(config.init_lora_weights))
    throw errors.adapterKind(`${file}: init_lora_weights ${config.init_lora_weights}, which changes the base model`);
  const complete = { ...config, r: config.r ?? PEFT_DEFAULT, lora_alpha: config.lora_alpha ?? PEFT_DEFAULT };
  const problem = scaleProblem(complete);
  if (problem !== null)
    throw errors.unsupported(
      `${file}: ${problem}`,
      'ranks that are whole numbers above 0, alphas that are numbers, by regular expressions of module paths',
    );
  return complete;
}

/** PEFT's r and lora_alpha where a file leaves them out. */
const PEFT_DEFAULT = 8;

/** What in the settings would make the scale of a layer no number. An alpha of 0 turns a layer off, one below takes its part away. */
function scaleProblem({ r, lora_alpha, rank_pattern, alpha_pattern }: AdapterConfig): string | null {
  const isRank = (value: unknown): boolean => Number.isInteger(value) && (value as number) > 0;
  const numbers: [string, unknown, (value: unknown) => boolean][] = [
    ['r', r, isRank],
    ['lora_alpha', lora_alpha, Number.isFinite],
  ];
  for (const [name, pattern, test] of [
    ['rank_pattern', rank_pattern, isRank],
    ['alpha_pattern', alpha_pattern, Number.isFinite],
  ] as const) {
    for (const [key, value] of Object.entries(pattern ?? {})) {
      numbers.push([`${name} ${JSON.stringify(key)}`, value, test]);
      try {
        new RegExp(key);
      } catch {
        return `${name} has ${JSON.stringify(key)}, which is no regular expression`;
      }
    }
  }
  const bad = numbers.find(([, value, test]) => !test(value));
  return bad === undefined ? null : `${bad[0]} is ${JSON.stringify(bad[1])}`;
}

/** Directory of the model that an adapter belongs to: as written, or seen from the adapter. */
export async function baseOf(dir: string, { base_model_name_or_path: base }: AdapterConfig): Promise<string> {
  for (const place of typeof base === 'string' ? [resolve(base), resolve(dir, base)] : []) {
    if ((await stat(join(place, 'config.json')).catch(() => null)) !== null) return place;
  }
  throw errors.adapterBase(dir, base);
}

/**
 * The adapter of a directory, for this base model, as a constant. Weights are float32 whatever the file holds. Its config names modules as `saveAdapter`
 * names its weights.
 */
export async function readAdapter(dir: string, config: AdapterConfig, model: Model): Promise<Lora> {
  const file = join(dir, WEIGHTS);
  if ((await stat(file).catch(() => null)) === null)
    throw errors.adapterFile(
      dir,
      (await readdir(dir)).filter((name) => name.startsWith('adapter_model')),
    );
  const found = readSafetensors(file);
  try {
    const layers = layersOf(dir, config, found, model);
    const current = [...found.keys()].every((key) => key === `${PREFIX}${moduleName(canonicalName(key.slice(PREFIX.length)))}`);
    return new Lora(current ? config : byModuleNames(config, layers), layers);
  } finally {
    for (const weight of found.values()) weight[Symbol.dispose]();
  }
}

function layersOf(dir: string, config: AdapterConfig, found: Map<string, Tensor>, model: Model): Map<string, LowRank> {
  const problems: string[] = [];
  const pairs = new Map<string, { A?: Tensor; B?: Tensor }>();
  const linears = new Set(linearModules(model));
  for (const [key, weight] of found) {
    const [, path, letter] = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(key) ?? [];
    const name = path === undefined ? '' : canonicalName(path);
    if (!linears.has(name)) problems.push(`${key} is no LoRA matrix of a linear layer of the base model`);
    else pairs.set(name, { ...pairs.get(name), [letter]: weight });
  }
  const layers = [...pairs].flatMap(([name, { A, B }]): [string, Required<LowRank>][] => {
    const [out, inn] = model.weight(`${name}.weight`).shape;
    const r = A?.shape[0] ?? rankOf(config, name);
    const wanted = { A: [r, inn], B: [out, r] };
    for (const [letter, weight] of Object.entries({ A, B })) {
      if (weight === undefined) problems.push(`${name}.lora_${letter} is missing`);
      else if (String(weight.shape) !== String(wanted[letter as 'A' | 'B']))
        problems.push(`${name}.lora_${letter} is [${weight.shape}], expected [${wanted[letter as 'A' | 'B']}]`);
    }
    if (r !== rankOf(config, name)) problems.push(`${name}.lora_A has rank ${r}, ${CONFIG} says ${rankOf(config, name)}`);
    return A === undefined || B === undefined
      ? []
      : [[name, { A, B, scale: alphaOf(config, name) / (config.use_rslora ? Math.sqrt(r) : r) }]];
  });
  if (problems.length === 0 && layers.length === 0) problems.push(`${WEIGHTS} holds no LoRA matrix`);
  if (problems.length > 0) throw errors.adapterWeights(dir, config.base_model_name_or_path, problems);
  const own = (weight: Tensor): Tensor =>
    noGrad(() => keep(torch.to(weight, { dtype: 'float32', device: model.device, copy: true }) as Tensor));
  return new Map(layers.map(([name, { A, B, scale }]) => [name, { A: own(A), B: own(B), scale }]));
}

const rankOf = (config: AdapterConfig, name: string): number => patterned(config.rank_pattern, name) ?? config.r;
const alphaOf = (config: AdapterConfig, name: string): number => patterned(config.alpha_pattern, name) ?? config.lora_alpha;

/**
 * PEFT's rank_pattern and alpha_pattern: the first key that matches the end of the module's path as a regular expression, the path in transformers of today or
 * before 4.52, where it was that of the checkpoint.
 */
function patterned(pattern: unknown, name: string): number | undefined {
  const entries = Object.entries((pattern ?? {}) as Record<string, number>);
  return entries.find(([key]) => [moduleName(name), name].some((path) => new RegExp(`^(.*\\.)?(${key})$`).test(path)))?.[1];
}

/** The config of an adapter made before transformers 4.52, whose expressions of module paths fit no longer: every layer by its path of today. */
function byModuleNames(config: AdapterConfig, layers: ReadonlyMap<string, LowRank>): AdapterConfig {
  const names = [...layers.keys()];
  const patternOf = (value: (config: AdapterConfig, name: string) => number, usual: number) =>
    Object.fromEntries(names.flatMap((name) => (value(config, name) === usual ? [] : [[moduleName(name), value(config, name)]])));
  return {
    ...config,
    target_modules: names.map(moduleName),
    exclude_modules: null,
    layers_to_transform: null,
    layers_pattern: null,
    rank_pattern: patternOf(rankOf, config.r),
    alpha_pattern: patternOf(alphaOf, config.lora_alpha),
  };
}

/** Writes a directory that `peft.PeftModel.from_pretrained` reads; files of `processorDir` (tokenizer, chat template, ...) are copied into it. */
export async function saveAdapter(lora: Lora, dir: string, processorDir?: string): Promise<void> {
  await writeDirectory(dir, processorDir, async (draft) => {
    await writeSynced(join(draft, CONFIG), `${JSON.stringify(lora.config, null, 2)}\n`);
    writeSafetensors(join(draft, WEIGHTS), new Map([...lora.params].map(([name, weight]) => [`${PREFIX}${moduleName(name)}`, weight])));
  });
}
