/** The model that learns: which of its weights learn, and the reference model for the KL term. */
import { isVision } from '../protocol/weight-names.ts';
import { resolve } from 'node:path';
import type { TrainConfig } from '../protocol/index.ts';
import { addLora, loadModel, Lora, readAdapter, readAdapterConfig, type Adapter, type Model } from '../models/index.ts';
import { mixSeed } from '../stats/random.ts';

/** Salt that keeps an adapter's first weights apart from other uses of the run's seed. */
const ADAPTER = 3;

type PolicyConfig = Pick<TrainConfig, 'use_peft' | 'lora_r' | 'lora_alpha' | 'lora_target_modules' | 'freeze_vision' | 'dtype' | 'seed'>;

/** A model, or an adapter's directory: with use_peft that adapter goes on learning, without it it is added to the weights first. */
export async function openPolicy(dir: string, config: PolicyConfig, device: string): Promise<Model> {
  const policy = await loadModel(dir, { dtype: config.dtype, device, merge: !config.use_peft });
  try {
    chooseTrainable(policy, dir, config);
    return policy;
  } catch (error) {
    policy.dispose();
    throw error;
  }
}

/** With LoRA the adapter alone learns, else all weights, or all but the vision tower's. */
export function chooseTrainable(policy: Model, dir: string, config: PolicyConfig): void {
  if (policy.adapter instanceof Lora) {
    policy.setTrainable(() => false);
    policy.adapter.setTrainable(true);
  } else if (config.use_peft) {
    const { lora_r: r, lora_alpha, lora_target_modules: target_modules } = config;
    addLora(policy, { r, lora_alpha, target_modules, base: resolve(dir), seed: mixSeed(config.seed, ADAPTER) });
  } else {
    policy.setTrainable((name) => !(config.freeze_vision && isVision(name)));
  }
}

/** What the policy's KL divergence is taken to. */
export interface Reference {
  /** The policy itself where only its adapter differs: no second copy of the weights. */
  model: Model;
  adapter: Adapter | null;
  dispose(): void;
}

/**
 * The policy as a run from `start` began. With LoRA that is the model with its adapter off, or with the adapter that the run was given
 * to go on from (TRL's "ref" adapter). `fresh`: the policy is still what it was at the start, so its weights need not be read again.
 */
export async function openReference(policy: Model, start: string, fresh: boolean): Promise<Reference> {
  if (policy.adapter instanceof Lora) {
    const given = await readAdapterConfig(start);
    const adapter = given === null ? null : await readAdapter(start, given, policy);
    return { model: policy, adapter, dispose: () => adapter?.dispose() };
  }
  const { dtype, device } = policy;
  const model = fresh ? policy.copyFrozen() : await loadModel(start, { dtype, device, merge: true });
  model.setTrainable(() => false);
  return { model, adapter: null, dispose: () => model.dispose() };
}
