/**
 * The seam between the widgets and a backend: the websocket client in JupyterLab, a comm in other notebooks, a fake in tests.
 * Each method is one route of the protocol (kernel-bridge/src/protocol/rest.ts); failures reject with {code, message, remedy}.
 */
import type {
  BuiltInReward,
  CheckedReward,
  CheckRewards,
  ErrorBody,
  Estimate,
  GenerateRequest,
  Generation,
  Group,
  MetricTable,
  MoveView,
  RewardRevision,
  RunAction,
  RunDetail,
  RunEvent,
  RunSummary,
  ServerInfo,
  TrainConfig,
  TriedRewards,
  TryRewards,
  View,
} from '@medr1/kernel-bridge/protocol';
import type { DataClient, EvalsClient, EvalsEvent } from '@medr1/kernel-bridge/client';
import type { Subscribable } from './observable.ts';

export type {
  ErrorBody,
  Estimate,
  GenerateRequest,
  Generation,
  Group,
  MetricTable,
  MoveView,
  RewardRevision,
  RunAction,
  RunDetail,
  RunEvent,
  RunSummary,
  ServerInfo,
  TrainConfig,
  View,
};
export type {
  BuiltInReward,
  CheckedReward,
  CheckRewards,
  RewardReport,
  RewardSource,
  TriedRewards,
  TryRewards,
} from '@medr1/kernel-bridge/protocol';
export type { Checkpoint, Completion, RunState } from '@medr1/kernel-bridge/protocol';
export type {
  Audit,
  AuditFinding,
  DataItem,
  DataPage,
  DataSample,
  DatasetSummary,
  Download,
  DownloadJob,
  ExportFormat,
  Folder,
  IndexJob,
  ItemAnswers,
  ItemPlace,
  ItemQuery,
  MakeSplit,
  RunAnswer,
} from '@medr1/kernel-bridge/protocol';
export type {
  Accuracy,
  AnswerFilter,
  AnswerPage,
  Control,
  CreateEval,
  EvalAnswer,
  EvalComparison,
  EvalDetail,
  EvalMatrices,
  EvalMatrix,
  EvalReport,
  EvalState,
  EvalSummary,
  Evaluation,
  MatrixDifference,
  MatrixKind,
  McNemar,
  Reading,
  Share,
} from '@medr1/kernel-bridge/protocol';
export type { EvalsEvent } from '@medr1/kernel-bridge/client';
export type { DatasetDetail, ImagePicture, SplitSummary } from '@medr1/kernel-bridge/client';

/** `connecting` covers the wait before a retry too; `refused` will not be tried again by itself. */
export type ConnectionState = 'connecting' | 'open' | 'closed' | 'refused';

export interface RewardEdit {
  weights: Record<string, number>;
  /** Sources by file name: functions to add or to change. */
  files?: Record<string, string>;
  remove?: string[];
  reason?: string;
  base_revision: number;
}

export interface Subscription {
  close(): void;
}

/** Where a subscription goes on from. Without it, the topic is told from its beginning. */
export interface Resume {
  epoch: string;
  since: number;
}

export type RunsEvent = { summary: RunSummary } | { removed: string };

/** Data sets: pages, samples, audits, splits, and addresses of images. */
export type DataConnector = Pick<DataClient, keyof DataClient>;

/** Stored evaluations: tables, answers, comparisons, matrices. */
export type EvalsConnector = Pick<EvalsClient, keyof EvalsClient>;

export interface Connector {
  readonly data: DataConnector;
  readonly evals: EvalsConnector;

  readonly connection: Subscribable & { readonly value: ConnectionState };

  server(): Promise<ServerInfo>;
  schema(): Promise<Record<string, unknown>>;
  checkConfig(config: Record<string, unknown>): Promise<TrainConfig>;
  estimate(config: Record<string, unknown>): Promise<Estimate>;

  runs(): Promise<RunSummary[]>;
  /** `rewardFiles`: sources, by file name, of the files that `reward_funcs` names; others are read on the server's machine. */
  createRun(config: Record<string, unknown>, start: boolean, rewardFiles?: Record<string, string>): Promise<RunSummary>;
  run(id: string): Promise<RunDetail>;
  deleteRun(id: string): Promise<void>;
  act(id: string, action: RunAction): Promise<RunSummary>;
  /** A new run from the checkpoint at `step`, with some keys of the configuration changed. */
  fork(id: string, step: number, config: Record<string, unknown>, start: boolean): Promise<RunSummary>;
  exportUrl(id: string, format: 'csv' | 'jsonl'): string;
  metrics(id: string, query?: { from?: number; to?: number; max_points?: number }): Promise<MetricTable>;
  groups(id: string, query: { step?: number; from?: number; to?: number; limit?: number; offset?: number }): Promise<Group[]>;
  /** Texts of the tokens of each completion of a group, special ones included. */
  tokenTexts(id: string, step: number, group: number): Promise<string[][]>;
  events(id: string, query?: { since?: number; limit?: number; kinds?: RunEvent['kind'][] }): Promise<RunEvent[]>;
  editRewards(id: string, edit: RewardEdit): Promise<RewardRevision>;
  /** Reward functions that need no file. */
  builtInRewards(): Promise<BuiltInReward[]>;
  /** What `reward_funcs` names, tried on made-up completions; nothing is made. */
  checkRewards(request: CheckRewards): Promise<CheckedReward[]>;
  /** Functions on the rollouts that the run has stored; nothing is changed. */
  tryRewards(id: string, request: TryRewards): Promise<TriedRewards>;
  /** Answers of a model outside training; may wait for the end of a step. */
  generate(request: GenerateRequest, signal?: AbortSignal): Promise<Generation>;
  /** Says what this page looks at. */
  moveView(move: MoveView): Promise<View>;
  /** What notebooks ask pages to look at, from now on. `onReset`: the backend is a new one and knows nothing of this page. */
  subscribeView(onMove: (move: MoveView) => void, onReset: () => void): Subscription;
  /** URL an <img> can load; a new one for each size. */
  imageUrl(id: string, path: string, size: number): string;

  /** Each event once and in order, across reconnects. `onReset`: the log was rewritten, read anew. */
  subscribeRun(id: string, resume: Resume, onEvent: (event: RunEvent) => void, onReset: () => void): Subscription;
  /** From now on; what happened before is in `runs()`. */
  subscribeRuns(onEvent: (event: RunsEvent) => void, onReset: () => void): Subscription;
  /** From now on; what happened before is in `evals.list()`. */
  subscribeEvals(onEvent: (event: EvalsEvent) => void, onReset: () => void): Subscription;
}

/** Any thrown value as an ErrorBody, so that each error state can show message and remedy. */
export function errorBody(error: unknown): ErrorBody {
  const seen = error as Partial<ErrorBody> | null;
  if (seen && typeof seen === 'object' && typeof seen.message === 'string')
    return { code: seen.code ?? 'UNKNOWN', message: seen.message, remedy: seen.remedy ?? 'Try again.' };
  return { code: 'UNKNOWN', message: String(error), remedy: 'Try again.' };
}
