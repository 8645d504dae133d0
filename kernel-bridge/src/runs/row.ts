/** What the tables of a run say of the run itself, as readers of the store get it. */
import type { DatabaseSync } from 'node:sqlite';
import type { TrainConfig } from '../protocol/config.ts';
import type { ErrorBody } from '../protocol/errors.ts';
import type { RunAction } from '../protocol/rest.ts';
import type { Inherited, Pair, RunState } from '../protocol/run.ts';

/** What a worker reads to begin. */
export interface RunRow {
  id: string;
  name: string;
  parent: string | null;
  /** Steps that were trained by other runs, oldest first. */
  inherited: Inherited[];
  pair: Pair | null;
  epoch: string;
  state: RunState;
  error: ErrorBody | null;
  config: TrainConfig;
  root: string;
  data_hash: string;
  request_id: string | null;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  total_steps: number;
  device: string | null;
  /** What is evaluated on while training, and the hash of its questions; null before the first start. */
  eval_split: string | null;
  eval_hash: string | null;
}

export interface Command {
  id: number;
  action: RunAction | 'hold';
  /** When it was asked for, in milliseconds since 1970. */
  created_at: number;
}

/** The part of a run's store that a summary is made from. */
export interface ReadableRun {
  readonly db: DatabaseSync;
  /** The last step that was committed; 0 before the first. */
  readonly step: number;
  /** The last event of the log. */
  readonly seq: number;
  row(): RunRow;
  pending(): Command[];
}
