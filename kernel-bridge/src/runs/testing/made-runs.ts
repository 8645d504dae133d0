/** Runs made of what their completions say, for tests of searches. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Group } from '../../protocol/run.ts';
import { completeConfig } from '../config.ts';
import { RunStore } from '../store.ts';

export interface Answered {
  text: string;
  reward?: number | null;
  advantage?: number | null;
  prediction?: string | null;
  finish_reason?: string;
  tokens?: number;
  rewards?: Record<string, number | null>;
}
export interface Asked extends Partial<Omit<Group, 'completions'>> {
  completions: (Answered | string)[];
}

export const group = (step: number, at: number, { completions, ...rest }: Asked): Group => {
  const question = {
    ...{
      step,
      group: at,
      item_id: `q${at}`,
      dataset: 'd',
      image: null,
      question: 'What is shown?',
      options: ['cyst', 'tumour'],
      answer: 'A',
    },
    ...{ modality: 'CT', question_type: 'Disease Diagnosis', prompt: 'p', reading: 'exact' as const, reward_mean: 0, reward_std: 0 },
    ...rest,
  };
  return {
    ...question,
    completions: completions.map((one, index) => {
      const said = typeof one === 'string' ? { text: one } : one;
      const { text, reward = 1, advantage = 0, prediction = 'A', finish_reason = 'stop', tokens = 3, rewards = { accuracy: 1 } } = said;
      const numbers = Array.from({ length: tokens }, () => 0);
      return {
        ...{
          index,
          text,
          token_ids: numbers,
          logprobs: numbers,
          entropy: null,
          kl: null,
          ratio: null,
          clipped: null,
          finish_reason,
          rewards,
        },
        ...{ reward, advantage, prediction, correct: question.answer === null ? null : prediction === question.answer },
      };
    }),
  };
};

/** Runs in a folder that goes with them. */
export class MadeRuns implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'medr1-search-'));
  readonly #stores: RunStore[] = [];

  /** A run whose steps are lists of groups. */
  run(id: string, steps: Asked[][], inherited = '[]'): RunStore {
    const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd', run_name: id });
    const store = RunStore.create(mkdtempSync(join(this.directory, 'run-')), {
      id,
      name: `run ${id}`,
      parent: null,
      config,
      root: '/',
      data_hash: 'h',
    });
    this.#stores.push(store);
    steps.forEach((groups, at) => store.commitStep({ step: at + 1, metrics: {}, groups: groups.map((one, g) => group(at + 1, g, one)) }));
    store.db.prepare('UPDATE run SET inherited = ?').run(inherited);
    return store;
  }

  [Symbol.dispose](): void {
    for (const store of this.#stores) store[Symbol.dispose]();
    rmSync(this.directory, { recursive: true });
  }
}
