import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { WorkbenchError } from '../protocol/errors.ts';
import { completeConfig, nearestKey, parseConfig, parseSettings } from './config.ts';
import { errors } from './errors.ts';

const given = (changes: object) => () => completeConfig({ model_name_or_path: 'm', dataset_name: 'd', ...changes });

describe('completeConfig', () => {
  it("fills in the schema's defaults", () => {
    expect(given({})()).toMatchObject({ trainer: 'grpo', num_generations: 8, beta: 0.04, reward_funcs: ['accuracy', 'format'] });
  });

  it.each([
    [{ learning_rat: 1 }, /key "learning_rat" that is not known/],
    [{ beta: 'much' }, /beta is "much"; it must be number/],
    [{ top_p: 4 }, /top_p is 4; it must be <= 1/],
    [{ loss_type: 'ppo' }, /loss_type is "ppo"; it must be one of "grpo", "dr_grpo"/],
    [{ reward_weights: [1] }, /reward_weights is \[1\]; it must hold one number for each of the 2/],
    [{ lr_scheduler_type: 'cosine_with_min_lr' }, /lr_scheduler_kwargs is null; it must hold either min_lr or min_lr_rate/],
    [{ lr_scheduler_kwargs: { num_cycles: 2 } }, /lr_scheduler_kwargs is .* it must not hold num_cycles: linear takes no settings/],
    [{ lr_scheduler_type: 'warmup_stable_decay', lr_scheduler_kwargs: { num_decay_steps: 9, decay_type: 'sqrt' } }, /1-sqrt as decay_type/],
    [{ lr_scheduler_type: 'polynomial', lr_scheduler_kwargs: { lr_end: 1 } }, /an lr_end below learning_rate/],
    [{ lr_scheduler_type: 'polynomial', lr_scheduler_kwargs: { power: 'two' } }, /a number from 0 as power/],
    [{ delta: 1.1 }, /delta is 1.1; it must exceed 1 \+ epsilon/],
    [{ num_generations: 7 }, /per_device_train_batch_size is 16; it must, times gradient_accumulation_steps, be a multiple/],
    [{ min_pixels: 500_000 }, /min_pixels is 500000; it must not exceed/],
    [{ model_name_or_path: undefined }, /lacks model_name_or_path/],
    [{ eval_steps: 5 }, /eval_steps is 5; it must be 0 where dataset_test_split names no split to evaluate on/],
    [
      { metric_for_best_model: 'acuracy', eval_steps: 5, dataset_test_split: 'test' },
      /metric_for_best_model is "acuracy"; it must be a metric that evaluations log/,
    ],
    [{ save_steps: 2.5 }, /save_steps is 2.5; it must be a whole number of steps, or a share of all below 1/],
    [{ metric_for_best_model: 'accuracy' }, /eval_steps is 0; it must be above 0 with metric_for_best_model/],
    [{ dp_shards: 3 }, /dp_shards is 3; it must be a power of two/],
    [{ dp_shards: 4 }, /dp_shards is 4; it must divide the 2 questions of a step/],
    [{ trainer: 'sft', per_device_train_batch_size: 2, dp_shards: 4 }, /dp_shards is 4; it must divide the 2 questions/],
    [{ processes: 2 }, /processes is 2; it must divide dp_shards \(1\)/],
    [{ prompt_template: 'What is shown?' }, /prompt_template is "What is shown\?"; it must hold \{question\}/],
    [{ beta: NaN }, /beta is NaN; it must be/],
    [{ reward_weights: [1, -Infinity] }, /reward_weights is \[1,"-Infinity"\]; it must be number/],
    [{ per_device_train_batch_size: 8e15 }, /per_device_train_batch_size is 8000000000000000; it must be at most 10000000000/],
    [{ learning_rate: 1e300 }, /learning_rate is 1e\+300; it must be at most/],
    ...['greedy', 'reduce_lr_on_plateau'].map((name): [object, RegExp] => [
      { lr_scheduler_type: name },
      new RegExp(`lr_scheduler_type is "${name}"; it must be one of "linear", "cosine", .*"warmup_stable_decay"`),
    ]),
  ])('refuses %j and names the key', (changes, message) => {
    expect(given(changes)).toThrow(message);
  });

  it.each([
    [{ scale_rewards: true }, { scale_rewards: 'group' }],
    [{ scale_rewards: false }, { scale_rewards: 'none' }],
    [{ scale_rewards: 'False' }, { scale_rewards: 'none' }],
    [{ lora_target_modules: 'all-linear' }, { lora_target_modules: ['all-linear'] }],
    [{ modality: 'CT' }, { modality: ['CT'] }],
    [{ reward_funcs: 'accuracy' }, { reward_funcs: ['accuracy'] }],
    [{ reward_weights: ['1', '0.5'] }, { reward_weights: [1, 0.5] }],
    [{ learning_rate: '1e-6' }, { learning_rate: 1e-6 }],
    [{ learning_rate: ' 2.5E-5 ' }, { learning_rate: 2.5e-5 }],
    [
      { num_generations: '4', min_p: '.1', epsilon_high: null },
      { num_generations: 4, min_p: 0.1, epsilon_high: null },
    ],
    [
      { use_peft: 'yes', gradient_checkpointing: 'FALSE' },
      { use_peft: true, gradient_checkpointing: false },
    ],
    [{ greater_is_better: 'true' }, { greater_is_better: true }],
    [{ lr_scheduler_type: 'cosine_with_restarts', lr_scheduler_kwargs: '{"num_cycles": 2}' }, { lr_scheduler_kwargs: { num_cycles: 2 } }],
    [
      { optim: 'adamw_torch_fused', eval_steps: null },
      { optim: 'adamw_torch', eval_steps: 0 },
    ],
    [
      { save_steps: 0.25, eval_steps: '0.5', save_total_limit: null, dataset_test_split: 'test' },
      { save_steps: 0.25, eval_steps: 0.5, save_total_limit: null },
    ],
    [{ run_name: 2026 }, { run_name: '2026' }],
    [
      { run_name: '2026', dataset_train_split: 'true' },
      { run_name: '2026', dataset_train_split: 'true' },
    ],
  ])('takes %j as TRL means it', (changes, meant) => {
    expect(given(changes)()).toMatchObject(meant);
  });

  it.each([
    [{ learning_rate: '1e-6x' }, /learning_rate is "1e-6x"; it must be number/],
    [{ num_generations: '4.5' }, /num_generations is 4.5; it must be integer/],
    [{ num_generations: '' }, /num_generations is ""; it must be integer/],
    [{ use_peft: 'maybe' }, /use_peft is "maybe"; it must be boolean/],
    [{ lr_scheduler_kwargs: '{"num_cycles": ' }, /lr_scheduler_kwargs is /],
  ])('refuses %j, which is no such value', (changes, message) => {
    expect(given(changes)).toThrow(message);
  });

  describe('dtype auto', () => {
    const root = mkdtempSync(join(tmpdir(), 'medr1-dtype-'));
    afterAll(() => rmSync(root, { recursive: true, force: true }));
    const stored = (config: object): string => {
      const dir = mkdtempSync(join(root, 'model-'));
      writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
      const header = JSON.stringify({
        __metadata__: { format: 'pt' },
        'model.norm.weight': { dtype: 'BF16', shape: [1], data_offsets: [0, 2] },
      });
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(header.length));
      writeFileSync(join(dir, 'model.safetensors'), Buffer.concat([length, Buffer.from(header), Buffer.alloc(2)]));
      return dir;
    };
    it.each([
      [{ torch_dtype: 'float32' }, 'float32'],
      [{ dtype: 'bfloat16' }, 'bfloat16'],
      [{ text_config: { dtype: 'float32' } }, 'float32'],
      [{}, 'bfloat16'],
    ])('is that of a model with %j', (config, dtype) => {
      expect(given({ dtype: 'auto', model_name_or_path: stored(config) })()).toMatchObject({ dtype });
    });

    it('refuses a model in float16, and one that is not there, by name', () => {
      expect(given({ dtype: 'auto', model_name_or_path: stored({ torch_dtype: 'float16' }) })).toThrow(
        /dtype is "auto"; it must be .* stored in float16/,
      );
      expect(given({ dtype: 'auto', model_name_or_path: '/nowhere' })).toThrow(/nowhere/);
    });
  });

  it('names all unknown keys at once, each with what does its job here', () => {
    const refused = (changes: object) => {
      try {
        given(changes)();
      } catch (error) {
        return error as WorkbenchError;
      }
      throw new Error('nothing was refused');
    };
    const { message, remedy } = refused({ warmup_ratio: 0.1, bf16: true, learning_rat: 1, zzzzzzzzzz: 1, report_to: 'wandb' });
    expect(message).toBe(
      'The configuration has keys that are not known: "warmup_ratio", "bf16", "learning_rat", "zzzzzzzzzz", "report_to".',
    );
    expect(remedy.split('\n')).toEqual([
      'warmup_ratio: warmup_steps below 1 is the share of all steps: warmup_steps: 0.1.',
      expect.stringMatching(/^bf16: dtype is .*dtype: bfloat16/),
      'learning_rat: Did you mean "learning_rate"?',
      expect.stringMatching(/^report_to: Every step and every completion is kept/),
      'GET /schema or docs/config.md lists every key.',
    ]);
    for (const key of ['torch_dtype', 'output_dir', 'logging_steps', 'max_prompt_length'])
      expect(refused({ [key]: 1 }).remedy, key).not.toMatch(/Did you mean|lists every key/);
  });

  it.each([null, [], 'text', 3])('refuses %j, which is no object', (input) => {
    expect(() => completeConfig(input)).toThrow(/must be keys with values/);
  });

  it('does not take keys of Object.prototype for known ones', () => {
    expect(given({ constructor: 1 })).toThrow(/"constructor" that is not known/);
    expect(given(JSON.parse('{"__proto__": {"beta": 3}}') as object)).toThrow(/"__proto__" that is not known/);
  });
});

it.each([
  ['learning_rat', 'learning_rate'],
  ['num_generation', 'num_generations'],
  ['Beta', 'beta'],
  ['zzzzzzzzzz', undefined],
])('nearest known key to %s is %s', (key, nearest) => {
  expect(nearestKey(key)).toBe(nearest);
});

describe('YAML', () => {
  it.each([
    ['', {}],
    ['# nothing yet', {}],
    ['seed: &s 3\nnum_generations: 8\neval_samples: *s', { seed: 3, num_generations: 8, eval_samples: 3 }],
    ['---\nseed: 1\n...\n', { seed: 1 }],
  ])('%j', (text, wanted) => expect(parseConfig(text)).toEqual(wanted));

  it.each([
    ['seed: 1\n---\nseed: 2', 'CONFIG_UNREADABLE', /several documents/],
    ['seed: 1\nseed: 2', 'CONFIG_UNREADABLE', /unique/],
    ['seed: !!python/object:os.system x', 'CONFIG_UNREADABLE', /Unresolved tag/],
    ['modality: &a [*a]', 'CONFIG_UNREADABLE', /an alias/],
    ['&a [*a]', 'CONFIG_UNREADABLE', /an alias/],
    ['seed: *nobody', 'CONFIG_UNREADABLE', /nobody/],
    ['- a\n- b', 'CONFIG_INVALID', /The configuration is \["a","b"\]; it must be keys with values/],
  ])('%j is refused', (text, code, message) => {
    expect(() => parseConfig(text)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }));
  });
});

it('--set values mean what YAML says, 1e-5 a number among them', () => {
  expect(parseSettings(['a=1e-5', 'b=true', 'c=null', 'd=[x, 2]', 'e=a=b'])).toEqual({ a: 1e-5, b: true, c: null, d: ['x', 2], e: 'a=b' });
  expect(() => parseSettings(['nothing'])).toThrow(/is not key=value/);
  expect(() => parseSettings(['beta=['])).toThrow(/--set: "beta=\[" is not YAML: Flow sequence/);
});

it('what is wrong with an option, a command or a route names what says more of it', () => {
  const remedy = (where: string): string => errors.badRequest(where, 'it is wrong').remedy;
  expect([remedy('--set'), remedy('medr1 train'), remedy('body tags')]).toEqual([
    'The command with --help says what it takes.',
    'medr1 train --help says what it takes.',
    'docs/api.md says what this route takes.',
  ]);
});

describe('a YAML text', () => {
  it.each([
    ['values', `[${'1,'.repeat(500_000)}1]`],
    ['keys', Array.from({ length: 100_000 }, (_, k) => `a${k}: 1`).join('\n')],
    ['lists in lists', '['.repeat(9_000)],
  ])('of more %s than any configuration needs is refused before it is read', (_, text) => {
    expect(() => parseConfig(text)).toThrow(/which no configuration needs/);
  });
});

it('tells some of very many keys that are not known', () => {
  const keys = Object.fromEntries(Array.from({ length: 20_000 }, (_, k) => [`key_${k}`, k]));
  expect(() => completeConfig(keys)).toThrow(/"key_19" and 19980 more\.$/);
});
