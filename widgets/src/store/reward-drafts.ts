/** Reward edits that are not applied yet, one a run. They outlive the view, another choice of run and a reload of the page. */
import type { RewardParameters } from '@medr1/kernel-bridge/protocol/rewards';
import { isSchedule, type Schedule } from '@medr1/kernel-bridge/protocol/scheduled';
import { Observable } from '../observable.ts';

export interface RewardDraft {
  weights: Record<string, number>;
  /** Sources by function that are new or changed; `served`: the SHA-256 of a Python function, which its kernel serves. */
  files: Record<string, { file: string; source: string; served?: string }>;
  /** Of built-in functions, and of weights that follow the step; as in force where left out. */
  parameters?: RewardParameters;
  weight_schedules?: Record<string, Schedule>;
  /** Why, as far as it is written. */
  reason: string;
}

/** Runs whose drafts are kept; the ones edited last. */
const MOST = 50;

export class RewardDrafts extends Observable<Readonly<Record<string, RewardDraft>>> {
  constructor() {
    super({});
  }

  of(run: string): RewardDraft | null {
    return this.value[run] ?? null;
  }

  /** Keeps the draft of a run; null drops it. */
  put(run: string, draft: RewardDraft | null): void {
    if (!draft && !this.value[run]) return;
    const { [run]: _, ...others } = this.value;
    this.set(draft ? Object.fromEntries([...Object.entries(others), [run, draft] as const].slice(-MOST)) : others);
  }

  toJSON(): Readonly<Record<string, RewardDraft>> {
    return this.value;
  }

  /** Takes what is well formed and ignores the rest; what was edited since stays. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const kept = Object.entries(json).filter((entry): entry is [string, RewardDraft] => isDraft(entry[1]));
    this.set({ ...Object.fromEntries(kept), ...this.value });
  }
}

function isDraft(json: unknown): json is RewardDraft {
  const { weights, files, reason, parameters = {}, weight_schedules = {} } = (json ?? {}) as Record<string, unknown>;
  const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  if (!isRecord(weights) || !isRecord(files) || typeof reason !== 'string') return false;
  const sources = Object.values(files) as { file?: unknown; source?: unknown }[];
  if (!isRecord(parameters) || !Object.values(parameters).every(isRecord)) return false;
  if (!isRecord(weight_schedules) || !Object.values(weight_schedules).every(isSchedule)) return false;
  return (
    Object.values(weights).every((weight) => Number.isFinite(weight)) &&
    sources.every((one) => typeof one?.file === 'string' && typeof one.source === 'string')
  );
}
