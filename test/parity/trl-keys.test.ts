/** The configuration beside TRL's real classes: every key of theirs is taken or answered, and values mean the same. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import { completeConfig } from '../../kernel-bridge/src/runs/config.ts';
import { INSTEAD } from '../../kernel-bridge/src/runs/trl-keys.ts';

let trl: { keys: string[]; scale_rewards: string[]; lora_target_modules: string; numbers: unknown[] };
beforeAll(() => {
  const root = join(import.meta.dirname, '..', '..');
  const printed = execFileSync(join(root, '.venv/bin/python'), [join(import.meta.dirname, 'python/trl_keys.py')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  trl = JSON.parse(printed.trim().split('\n').at(-1)!);
});

const ours = (changes: object) => completeConfig({ model_name_or_path: 'm', dataset_name: 'd', ...changes });

it('takes every key of TRL and transformers, or says what does its job', () => {
  const known = Object.keys(TrainConfig.properties);
  expect(trl.keys.filter((key) => !known.includes(key) && !INSTEAD.has(key))).toEqual([]);
  expect([...INSTEAD.keys()].filter((key) => known.includes(key))).toEqual([]);
});

it('reads values as TRL does', () => {
  expect([true, false].map((scale_rewards) => ours({ scale_rewards }).scale_rewards)).toEqual(trl.scale_rewards);
  expect(ours({ lora_target_modules: 'all-linear' }).lora_target_modules).toEqual([trl.lora_target_modules]);
  const { learning_rate, use_peft, lr_scheduler_kwargs } = ours({
    learning_rate: '1e-6',
    use_peft: 'yes',
    lr_scheduler_type: 'cosine_with_restarts',
    lr_scheduler_kwargs: '{"num_cycles": 2}',
  });
  expect([learning_rate, use_peft, lr_scheduler_kwargs]).toEqual(trl.numbers);
});
