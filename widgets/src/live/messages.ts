/** What a kernel says to a page (extension/medr1_workbench/cells) and a page to a kernel, in JSON over the comm. */
import type { ReadingName } from '@medr1/kernel-bridge/protocol/readings';
import type { Checkpoint, DataItem, ErrorBody, Group, RewardRevision, RunAction, RunEvent, RunSummary } from '../connector.ts';

/** Of a completion its numbers and text; token ids stay with the kernel. */
export interface ShownCompletion {
  index: number;
  text: string;
  tokens: number;
  finish_reason: string;
  rewards: Record<string, number | null>;
  reward: number | null;
  advantage: number | null;
  prediction: string | null;
  correct: boolean | null;
}

/** A question and what was said to it. */
export type ShownGroup = Pick<
  Group,
  'step' | 'group' | 'item_id' | 'image' | 'question' | 'options' | 'answer' | 'modality' | 'question_type' | 'prompt'
> & { reading: ReadingName; completions: ShownCompletion[] };

export type LiveSummary = Omit<RunSummary, 'recent_reward' | 'annotations'>;

/** A page of a data set's questions; `at` counts pages. */
export interface Items {
  dataset: string;
  total: number;
  at: number;
  more: boolean;
  items: ShownItem[];
}
export type ShownItem = Pick<DataItem, 'id' | 'image' | 'question' | 'options' | 'answer' | 'modality' | 'question_type' | 'problem'>;

export type Part =
  | { part: 'reset'; run: string }
  | { part: 'run'; run: string; summary: LiveSummary; rewards: RewardRevision[]; checkpoints: Checkpoint[] }
  | { part: 'event'; run: string; event: RunEvent }
  | { part: 'points'; run: string; step: number[]; metrics: Record<string, (number | null)[]> }
  | { part: 'group'; run: string; step: number; at: number; steps: [number, number]; group: ShownGroup | null }
  | { part: 'image'; of: string; path: string; url: string | null; error?: string }
  | ({ part: 'items' } & Items)
  | { part: 'trouble'; error: ErrorBody | null }
  | { part: 'done'; id: number; error: ErrorBody | null };

/** `n` is dense: a page that misses one asks for everything again. */
export interface Message {
  n: number;
  parts: Part[];
}

export type Ask =
  | { type: 'ready'; page: string }
  | { type: 'gone'; page: string }
  | { type: 'action'; run: string; action: RunAction }
  | { type: 'weights'; run: string; weights: Record<string, number>; base_revision: number; reason: string }
  /** `group` null: the page looks at none. `step` null: at the newest. */
  | { type: 'look'; run: string; step: number | null; group: number | null }
  | { type: 'items'; at: number };
